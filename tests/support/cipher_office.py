"""Headquarters at work for the tests: real keys and database, officers with security keys."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.audit.journal import Journal
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Window
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.dispatches.office.attaching import AttachingDesk
from cipher_service.dispatches.office.commands import OfficeDesk
from cipher_service.dispatches.office.departing import Departing
from cipher_service.dispatches.office.granting import GrantDesk
from cipher_service.dispatches.office.outgoing import Outgoing
from cipher_service.dispatches.office.sending import SendingDesk
from cipher_service.dispatches.office.showing import Showing
from cipher_service.dispatches.reception import Reception
from cipher_service.identity import challenges, shared_acts
from cipher_service.identity.shared_acts import Signed
from cipher_service.references import new_id
from cipher_service.storage.unit_of_work import unit_of_work
from keys.acts import Act, approval_challenge
from keys.cards import Card
from keys.dispatch import Attachment, Destination, encipher
from keys.manifest import Heading, Label, Manifest, Series
from keys.prekeys import Prekey
from keys.signing import MANIFEST, Signatures
from keys.slip_agreement import slip_for
from tests.support.ministry import EPOCH, HEADQUARTERS, Ministry, PostKeys, post_keys
from tests.support.signing_in import PARTY, SITE, Enrolled, enrol

LOG = "log.example"
DAY = timedelta(days=1)
ROLES = {
    "DRAFTER": "DRAFTER",
    "CLERK": "CIPHER-CLERK",
    "CHIEF": "CHIEF-CIPHER-POUCH",
    "DEPUTY": "DEPUTY-DIRECTOR",
    "GENERAL": "SECRETARY-GENERAL",
    "MINISTER": "MINISTER",
    "SECURITY": "SECURITY-OFFICER",
}


@dataclass(frozen=True)
class PostSigner:
    """A post that signs with its own keys."""

    keys: PostKeys

    @property
    def card(self) -> Card:
        return self.keys.card

    def sign_manifest(self, manifest: Manifest) -> Signatures:
        return self.keys.signing.sign(MANIFEST, manifest.encode())


class Office:
    """A ministry with PARIS and LOME, and officers of headquarters cleared up to SECRET."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.ministry = Ministry(engine, folder)
        self.gate = Gate()
        journal = Journal(engine, LOG, "test")
        parts = (engine, self.ministry.blobs, self.ministry.custodian, HEADQUARTERS, journal)
        self.reception = Reception(*parts)
        self.bureau = HeadquartersBureau(*parts)
        self.departing = Departing(engine, self.bureau, journal)
        self.showing = Showing(engine, self.reception, self.ministry.custodian, HEADQUARTERS)
        self.desk = OfficeDesk(lambda: SITE, self.reception, HEADQUARTERS, self.gate)
        sealer, blobs = self.ministry.sealer, self.ministry.blobs
        self.acts = {
            **self.desk.acts(),
            **GrantDesk(self.desk).acts(),
            **SendingDesk(Outgoing(sealer, blobs), HEADQUARTERS, self.gate).acts(),
            **AttachingDesk(blobs, self.gate).acts(),
        }
        self.of: dict[str, Enrolled] = {}
        for name, role in ROLES.items():
            self.of[name] = self.hire(role)

    @cached_property
    def card(self) -> Card:
        return self.ministry.custodian.card()

    def hire(
        self, role: str, level: str = "SECRET", caveats: tuple[str, ...] = ("NODIS",)
    ) -> Enrolled:
        now = clock.now()
        found = enrol(self.engine, now=now)
        window = Window(now - DAY, now + 100 * DAY)
        with unit_of_work(self.engine) as connection:
            officers.assign(connection, found.number, role, window, act="DEC-1", by=None)
            cleared = Clearance(level, caveats, window, now + 100 * DAY)
            authorisations.habilitate(
                connection, found.number, cleared, act="H-1", proposer=None, grantor=None, now=now
            )
        return found

    def act(self, who: str | Enrolled, name: str, **payload: Any) -> Any:
        """Do an act as a person; `who` is one of `ROLES` or somebody hired."""
        number = (self.of[who] if isinstance(who, str) else who).number
        with unit_of_work(self.engine) as connection:
            return self.acts[name](connection, number, payload)

    def content(
        self, subject: str = "Objet", text: str = "Texte", **changes: Any
    ) -> dict[str, Any]:
        return {
            "kind": "telegram",
            "level": "SECRET",
            "caveats": ["NODIS"],
            "releasable": [],
            "file": "",
            "precedence": "IMMEDIAT",
            "routing": [["PARIS", "action", "cipher"]],
            "source": "",
            "relation": "",
            "body": self.showing.sealed(subject, text),
            **changes,
        }

    def draft(self, who: str = "DRAFTER", **changes: Any) -> str:
        kept = self.act(who, "dispatch_save", dispatch_id=None, content=self.content(**changes))
        return str(kept["dispatch_id"])

    def read(self, who: str | Enrolled, number: str) -> tuple[str, str]:
        """Open a composition as the page does: intent, custodian, outcome."""
        given = self.act(who, "dispatch_review.intend", dispatch_id=number)
        shown = self.showing.unsealed(given["body"])
        self.act(who, "dispatch_review.end", dispatch_id=number, digest=given["digest"])
        return shown

    def signature(self, who: str | Enrolled, asked: dict[str, Any], key: int = 0) -> dict[str, Any]:
        person = self.of[who] if isinstance(who, str) else who
        challenge = approval_challenge(asked["nonce"], asked["digest"])
        response = person.keys[key].get(challenge, PARTY)
        return {"act": asked["act"], "nonce": asked["nonce"], "response": response}

    def propose(self, number: str, who: str = "CLERK", to: str = "CHIEF") -> None:
        asked = self.act(who, "dispatch_prepare", dispatch_id=number)
        signed = self.signature(who, asked)
        to_number = self.of[to].number
        self.act(who, "dispatch_propose", dispatch_id=number, to=to_number, **signed)

    def release(self, number: str, who: str = "CHIEF") -> None:
        asked = self.act(who, "dispatch_prepare", dispatch_id=number)
        self.act(who, "dispatch_release", dispatch_id=number, **self.signature(who, asked))

    def released(self) -> str:
        """A SECRET draft that the clerk proposed and the chief released."""
        number = self.draft()
        to = self.of["CLERK"].number
        self.act("DRAFTER", "dispatch_submit", dispatch_id=number, edition=1, to=to)
        self.read("CLERK", number)
        self.propose(number)
        self.read("CHIEF", number)
        self.release(number)
        return number

    def sign_all(self, act: Act, proposer: str, *others: str) -> None:
        """Have an act proposed and approved by security keys."""
        for who in (proposer, *others):
            number, now = self.of[who].number, clock.now()
            with unit_of_work(self.engine) as connection:
                nonce = challenges.give(connection, "step-up", number, now)
            made = self.signature(who, {"nonce": nonce, "digest": act.digest, "act": act.encoded})
            signed = Signed(number, nonce, made["response"])
            with unit_of_work(self.engine) as connection:
                if who == proposer:
                    shared_acts.propose(connection, act, signed, SITE, now, version=act.version)
                else:
                    shared_acts.approve(connection, act.id, signed, SITE, now, version=act.version)

    def arrive(
        self,
        number: int = 1,
        *,
        precedence: str = "ROUTINE",
        level: str = "SECRET",
        text: str = "Bonjour",
        attachments: tuple[Attachment, ...] = (),
        prekey: Prekey | None = None,
    ) -> str:
        """Have PARIS send headquarters a dispatch; returns its id."""
        now = clock.now().replace(microsecond=0)
        keys_of = post_keys("PARIS")
        heading = Heading(
            id=new_id(clock.now()), kind="telegram",
            label=Label("MINREX-1", level, ("NODIS",), (), None),
            dtg=now, created=now, expires=None, subject="Sujet de Paris", references=(),
            in_reply_to=None,
        )  # fmt: skip
        sink = BytesIO()
        to = [Destination(self.card, precedence, Series(EPOCH, number, None), prekey=prekey)]
        made = encipher(
            heading, to, text.encode(), attachments, signer=PostSigner(keys_of), sink=sink
        )
        body = sink.getvalue()
        envelope = self.ministry.blobs
        with envelope.spool() as spool:
            spool.write(body)
            kept = spool.keep()
        slip = slip_for(made.manifest, envelope_sha256=kept.sha256, envelope_size=kept.size)
        self.ministry.submit(slip, body)
        return heading.id
