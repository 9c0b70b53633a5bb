"""Officers whom devices name are asked of the books and the policies, once there are books."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest

from cipher_service.errors import ServiceError
from cipher_service.pouches import outcomes, repository
from cipher_service.storage.unit_of_work import reading
from pouch.facts import INTACT, Accounted, Facts, HandedOver, Opened, Received, Seen
from tests.support import inbound
from tests.support.bags import NOON, Device, signed
from tests.support.office import PouchBureau

FOUNDERS = ("SECURITY-OFFICER", "CHIEF-CNTC", "SECRETARY-GENERAL")


@dataclass
class Paris:
    """A bag that reached Paris, and the post's two telephones."""

    bureau: PouchBureau
    seal: str
    bag: str
    seals: tuple[str, ...]
    nonce: str
    first: Device
    second: Device
    courier: Device

    def tell(
        self, facts: Facts, officer: str, witness: tuple[Device, str] | None = None
    ) -> dict[str, object]:
        """Tell what happened in Paris and bring it to the ministry; its answer."""
        moment = self.bureau.now - NOON
        event = self.first.tell(
            facts,
            officer=officer,
            place="PARIS",
            minutes=int(moment.total_seconds() // 60),
            witness=witness,
            seal=self.seal,
            bag=self.bag,
        )
        devices = [self.first, *([witness[0]] if witness else [])]
        (answer,) = inbound.run(self.bureau, "pouch_events", {
            "caller": "PARIS", "events": [[signed(event, *devices), None]],
            "device": None, "clock": None,
        })  # fmt: skip
        found: dict[str, object] = answer
        return found

    def receive(self, officer: str) -> dict[str, object]:
        return self.tell(Received(self.seals, INTACT, 7400), officer)


@pytest.fixture
def paris(bureau: PouchBureau) -> Paris:
    for founder in FOUNDERS:
        bureau.person(founder)
    kept = bureau.closed()
    manifest = kept.sealed.manifest
    first, second, courier = Device("paris 1"), Device("paris 2"), Device("courier")
    for device in (first, second, courier):
        inbound.run(bureau, "pouch_device", {"post": "PARIS", "ed25519": device.public})
    bureau.now += timedelta(hours=9)
    return Paris(
        bureau, manifest.seal, manifest.bag, manifest.seals, kept.nonce, first, second, courier
    )


def test_the_head_of_the_post_receives_opens_and_accounts(paris: Paris) -> None:
    head = paris.bureau.person("HEAD-OF-POST", post="PARIS")
    clerk = paris.bureau.person("POST-CIPHER-CLERK", post="PARIS")

    told = paris.receive(head)
    assert (told["receipt"], told["alarms"]) == ("granted", ())
    assert paris.tell(Opened(), head, (paris.second, clerk))["alarms"] == ()
    assert paris.tell(Accounted(paris.nonce, complete=True), clerk)["receipt"] == "granted"


@pytest.mark.parametrize(
    "who",
    [
        lambda _: "OFF-999999",
        lambda bureau: bureau.person("DRAFTER"),
        lambda bureau: bureau.person("HEAD-OF-POST", post="LOME"),
        lambda bureau: bureau.person("HEAD-OF-POST", post="PARIS", level="CONFIDENTIEL"),
    ],
    ids=["nobody", "wrong-role", "wrong-post", "not-cleared"],
)
def test_a_receipt_by_who_may_not_stays_on_record_and_grants_nothing(
    paris: Paris, who: Callable[[PouchBureau], str]
) -> None:
    officer = who(paris.bureau)

    told = paris.receive(officer)

    assert told["refusal"] is None
    assert told["receipt"] == "withheld"
    assert "not-entitled" in told["alarms"]  # type: ignore[operator]  # a tuple of kinds
    with reading(paris.bureau.engine) as connection:
        assert outcomes.receipt_of(connection, paris.seal) is None
        assert repository.events_of(connection, paris.seal)[-1].officer == officer
    head = paris.bureau.person("HEAD-OF-POST", post="PARIS")
    assert paris.receive(head)["receipt"] == "granted"


def test_a_mandate_that_had_ended_when_the_telephone_told_grants_nothing(paris: Paris) -> None:
    head = paris.bureau.person("HEAD-OF-POST", post="PARIS", days=1)
    paris.bureau.now += timedelta(days=2)

    assert paris.receive(head)["receipt"] == "withheld"


def test_what_was_told_before_a_mandate_ended_counts_when_it_comes_late(paris: Paris) -> None:
    head = paris.bureau.person("HEAD-OF-POST", post="PARIS", days=1)
    event = paris.first.tell(
        Received(paris.seals, INTACT, 7400),
        officer=head,
        place="PARIS",
        minutes=int((paris.bureau.now - NOON).total_seconds() // 60),
        seal=paris.seal,
        bag=paris.bag,
    )
    paris.bureau.now += timedelta(days=2)

    (answer,) = inbound.run(paris.bureau, "pouch_events", {
        "caller": "PARIS", "events": [[signed(event, paris.first), None]],
        "device": None, "clock": None,
    })  # fmt: skip

    assert answer["receipt"] == "granted"


def test_a_courier_whom_the_waybill_does_not_name_takes_no_bag_unnoticed(paris: Paris) -> None:
    drafter = paris.bureau.person("DRAFTER")

    told = paris.tell(HandedOver(1, INTACT), paris.bureau.chief, (paris.courier, drafter))

    assert "not-entitled" in told["alarms"]  # type: ignore[operator]  # a tuple of kinds


@pytest.mark.parametrize(("minutes", "entitled"), [(-5, True), (5, False)])
def test_what_a_courier_tells_late_is_judged_by_when_it_was_done(
    paris: Paris, minutes: int, *, entitled: bool
) -> None:
    """Before the receipt they carried the bag; after it they have nothing to do with it."""
    bureau = paris.bureau
    head = bureau.person("HEAD-OF-POST", post="PARIS")
    assert paris.receive(head)["receipt"] == "granted"

    bureau.now += timedelta(minutes=minutes)
    seen = paris.tell(Seen(()), bureau.courier)

    assert ("not-entitled" in seen["alarms"]) is not entitled  # type: ignore[operator]  # kinds


def test_a_post_makes_no_bag_up_by_officers_whom_nobody_knows(bureau: PouchBureau) -> None:
    for founder in FOUNDERS:
        bureau.person(founder)

    with pytest.raises(ServiceError) as caught:
        inbound.sent_from_paris(bureau)

    assert caught.value.code == "UNKNOWN_OFFICER"
    with reading(bureau.engine) as connection:
        assert repository.closing_of(connection, inbound.SEAL) is None
