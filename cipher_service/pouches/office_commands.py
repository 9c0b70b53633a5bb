"""The registrar's commands for officers of the pouch bureau: each runs for a signed-in officer.

Payloads are plain maps that name the bag in `seal` where there is one, so that the log names it
too. The bureau's use cases are the same as those of the command line; here their books are the
registrar's own transaction, whose entry `audit.recorder` writes.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.identity import approvals
from cipher_service.identity.approvals import Executor
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.pouches import (
    carriage,
    closing,
    dossiers,
    mishaps,
    packing,
    photographing,
    photographs,
    planning,
    repository,
    returns,
    seal_store,
    stock,
)
from cipher_service.pouches.carriage import Counted
from cipher_service.pouches.closing import Closure
from cipher_service.pouches.entitlement import PACK, level_of
from cipher_service.pouches.handing_in import Piece
from cipher_service.pouches.office import Office, seated
from cipher_service.references import new_id
from keys.act_rules import RULES
from keys.acts import Act
from keys.custody import Custodian
from pouch.locator import grouped_locator
from pouch.manifest import BagClass, ItemKind

SEAL: Final = "pouch.seal"
OPEN: Final = "pouch.open"

Answer = dict[str, Any]


class PouchOfficeDesk:
    """What the acts need.

    Args:
        custodian: holds the seal's key and the desks'.
        headquarters: the bureau's post code.
        gate: what decides.
        now: the clock.
    """

    def __init__(
        self,
        custodian: Custodian,
        headquarters: str,
        gate: Gate | None = None,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self._custodian = custodian
        self._post = headquarters
        self._gate = gate or Gate()
        self._now = now

    def seated(self, connection: Connection) -> Office:
        """Return the bureau inside a transaction."""
        return seated(connection, self._post, self._gate, self._now, self._custodian)

    def acts(self) -> dict[str, OfficerAct]:
        """Return the acts by name; each method says what it takes and gives."""
        return {
            "bag_hand_in": self.hand_in,
            "bag_hand_in_dispatch": self.hand_in_dispatch,
            "bag_new": self.new_bag,
            "bag_begin": self.begin,
            "bag_scan": self.scan,
            "bag_take_out": self.take_out,
            "bag_hand_over": self.hand_over,
            "bag_receive": self.receive,
            "bag_lose": self.lose,
            "bag_recall": self.recall,
            "bag_report": self.report,
            "bag_case": self.case,
            "bag_balance": self.balance,
            "bag_take_back": self.take_back,
            "bag_account": self.account,
            "bag_papers": self.papers,
            "bag_photograph": self.photograph,
            "bag_picture": self.picture,
            "bag_ask_seal": self.ask_seal,
            "bag_ask_open": self.ask_open,
        }

    def executors(self) -> dict[str, Executor]:
        """Return what two officers' signatures have done, by kind of act."""
        return {
            SEAL: Executor(self._version, self._seal),
            OPEN: Executor(self._version, self._open),
        }

    def hand_in(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take the members of `Piece`, without a dispatch; give `{"number"}`."""
        piece = Piece(**{**payload, "kind": ItemKind(payload["kind"])})
        return {"number": packing.hand_in(self.seated(connection), piece, by=officer)}

    def hand_in_dispatch(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"dispatch_id", "post", "weight_g"}`; give `{"number"}`."""
        number = packing.hand_in_dispatch(
            self.seated(connection),
            payload["dispatch_id"],
            payload["post"],
            payload["weight_g"],
            by=officer,
        )
        return {"number": number}

    def new_bag(self, connection: Connection, officer: str, _payload: object) -> Answer:
        """Give `{"bag"}`: a new bag in service."""
        return {"bag": planning.add_bag(self.seated(connection), by=officer)}

    def begin(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"departure", "bag": 22 digits, "bag_class"}`; give `{"seal"}`."""
        seal = packing.begin(
            self.seated(connection),
            payload["departure"],
            payload["bag"],
            BagClass(payload["bag_class"]),
            by=officer,
        )
        return {"seal": seal}

    def scan(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "number"}`; give `packing.Laid` as a map."""
        office = self.seated(connection)
        return asdict(packing.scan(office, payload["seal"], payload["number"], by=officer))

    def take_out(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal"}`; give `{"number"}` of the piece that waits again."""
        return {"number": packing.take_out(self.seated(connection), payload["seal"], by=officer)}

    def hand_over(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "to", "condition"}`; give `{"ordinal"}`."""
        ordinal = carriage.hand_over(
            self.seated(connection),
            payload["seal"],
            by=officer,
            to=payload["to"],
            condition=payload["condition"],
        )
        return {"ordinal": ordinal}

    def receive(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "seals", "condition", "weight_g"}`; give `custody.Answer` as a map."""
        return carriage.receive(
            self.seated(connection),
            payload["seal"],
            by=officer,
            seals=payload["seals"],
            condition=payload["condition"],
            weight_g=payload["weight_g"],
        )

    def lose(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"seal"}`."""
        mishaps.lose(self.seated(connection), payload["seal"], by=officer)

    def recall(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"seal"}`."""
        mishaps.recall(self.seated(connection), payload["seal"], by=officer)

    def report(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "kind"}`; give `{"cases"}`."""
        office = self.seated(connection)
        return {"cases": mishaps.report(office, payload["seal"], payload["kind"], by=officer)}

    def case(self, connection: Connection, officer: str, payload: Answer) -> None:
        """Take `{"case", "state"}`; `breach` as a state raises an incident."""
        office = self.seated(connection)
        if payload["state"] == "breach":
            mishaps.raise_case(office, payload["case"], by=officer)
        else:
            mishaps.advance(office, payload["case"], payload["state"], by=officer)

    def balance(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"shown"}`; give `pouch.stock.Reconciliation` as a map."""
        office = self.seated(connection)
        return asdict(seal_store.balance(office, payload["shown"], by=officer))

    def take_back(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"locators", "origin", "bordereau"}`; give `returns.TakenBack` as a map."""
        office = self.seated(connection)
        return asdict(returns.take_back(office, **payload, by=officer))

    def account(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "nonce", "found", "damaged", "misdirected", "unlisted"}`.

        Gives `custody.Answer` as a map.
        """
        return carriage.account(
            self.seated(connection),
            payload["seal"],
            counted_of(payload),
            nonce=payload["nonce"],
            by=officer,
            second=None,
        )

    def papers(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal"}`; give what is printed of a bag, as a custodian without officers opens.

        `{"sealed": bytes, "nonce", "rectifications": [{"file": bytes, "second"}]}`.
        """
        found = dossiers.dossier_of(self.seated(connection), payload["seal"], by=officer)
        return {
            "sealed": found.kept.sealed.to_bytes(),
            "nonce": found.kept.nonce,
            "rectifications": [asdict(each) for each in found.filed],
        }

    def photograph(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "subject", "sha256", "body"}`; give as `photographing.keep`."""
        office = self.seated(connection)
        told = {name: payload[name] for name in ("subject", "sha256", "body")}
        return photographing.add(office, payload["seal"], **told, by=officer)

    def picture(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "photograph"}`; give `{"jpeg"}`, as a custodian without officers opens."""
        office = self.seated(connection)
        named, photograph = payload["seal"], payload["photograph"]
        body = photographing.body_of(office, named, photograph, by=officer)
        return {"jpeg": photographs.opened(body, self._custodian)}

    def ask_seal(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "seals", "weight_g", "certifier", "absent", "days", "back"}`.

        Gives `{"ticket"}` of the act that this officer and a witness sign.
        """
        office = self.seated(connection)
        numbers = stock.require_numbers(payload["seals"])
        parameters = {
            "seals": list(numbers),
            "weight_g": payload["weight_g"],
            "certifier": payload["certifier"],
            "absent": sorted(payload["absent"]),
            "days": payload["days"],
        }
        return self._asked(office, SEAL, officer, payload, parameters)

    def ask_open(self, connection: Connection, officer: str, payload: Answer) -> Answer:
        """Take `{"seal", "back"}`; give `{"ticket"}` of the act that two sign."""
        return self._asked(self.seated(connection), OPEN, officer, payload, {})

    def _asked(
        self, office: Office, kind: str, officer: str, payload: Answer, parameters: Answer
    ) -> Answer:
        with office.look() as sitting:
            closing = carriage.seen(sitting, payload["seal"], officer)
            sitting.require(officer, PACK, closing)
            act = Act(
                id=new_id(sitting.now),
                kind=kind,
                resource=f"pouch/{closing.seal}",
                version=_version_of(sitting.connection, closing.seal),
                rank=level_of(closing.bag_class, self._gate.scheme),
                parameters=parameters,
                proposer=officer,
                subjects=(),
                authors=tuple(sorted(set(closing.packers) - {officer})) if kind == SEAL else (),
                reason=f"{kind} {grouped_locator(closing.bag)}",
                not_before=sitting.now,
                expires=sitting.now + timedelta(seconds=RULES[kind].seconds),
            )
            ticket = approvals.ask(
                sitting.connection, officer, act.encoded, payload["back"], sitting.now
            )
        return {"ticket": ticket}

    def _version(self, connection: Connection, act: Act) -> int:
        return _version_of(connection, act.resource.partition("/")[2])

    def _seal(self, connection: Connection, act: Act, by: str, now: datetime) -> None:
        told = act.parameters
        closure = Closure(
            tuple(told["seals"]),
            told["weight_g"],
            told["certifier"],
            frozenset(told["absent"]),
            told["days"],
        )
        office = seated(connection, self._post, self._gate, lambda: now, self._custodian)
        seal = act.resource.partition("/")[2]
        closing.close(office, seal, closure, by=act.proposer, second=by)

    def _open(self, connection: Connection, act: Act, by: str, now: datetime) -> None:
        office = seated(connection, self._post, self._gate, lambda: now, self._custodian)
        carriage.open_bag(office, act.resource.partition("/")[2], by=act.proposer, second=by)


def counted_of(told: Mapping[str, Any]) -> Counted:
    """Read what was found in a bag from `{"found", "damaged", "misdirected", "unlisted"}`."""
    return Counted(
        found={int(line): quantity for line, quantity in told["found"].items()},
        damaged=frozenset(told["damaged"]),
        misdirected=frozenset(told["misdirected"]),
        unlisted=told["unlisted"],
    )


def _version_of(connection: Connection, seal: str) -> int:
    """Return what grows with everything that happens to a closing, so that a proposal dates."""
    lines = len(repository.lines_of(connection, seal))
    return lines + len(repository.events_of(connection, seal))
