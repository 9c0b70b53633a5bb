"""Keys of a card in a bag: the card waits for them, and a breach takes it out of use for ever."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from cipher_service.audit.inquiry import holes
from cipher_service.directory import carried_cards, carried_codes, controlled, enrolment
from cipher_service.directory.register import Directory, DirectoryReader, read_directory
from cipher_service.errors import ServiceError
from cipher_service.pouches import cargo, mishaps, packing, views
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.cards import Card
from pouch.facts import Accounted
from tests.cipher_service.pouches.test_cargo import KEYS, Sent
from tests.support.ministry import PostKeys, custody
from tests.support.office import PouchBureau


class Carried:
    """Keys made for Brussels, in a bag that is sealed; their item stands in the register."""

    def __init__(self, bureau: PouchBureau) -> None:
        self.bureau, self.keys = bureau, PostKeys("BRUXELLES")
        self.card = self.keys.card
        number = packing.hand_in(bureau.office, KEYS, by=bureau.agent)
        with unit_of_work(bureau.engine) as connection:
            self.item = controlled.enter(connection, "token", "Jeton", "GARDE", "PV 1", bureau.now)
            cargo.send(
                connection, self.item, number,
                person="GARDE", to="PAUL", reference="B", now=bureau.now,
            )  # fmt: skip
        self.carry()
        self.sent = Sent(bureau, number)

    def carry(self, card: Card | None = None) -> None:
        with unit_of_work(self.bureau.engine) as connection:
            carried_cards.carry(connection, self.item, card or self.card, DirectoryReader())

    def enrol(self) -> str:
        now = self.bureau.now
        with unit_of_work(self.bureau.engine) as connection:
            code = enrolment.issue_code(connection, "BRUXELLES", now)
            return enrolment.enrol(connection, code, self.card, self.keys.api_key, now).state

    def activate(self) -> None:
        with unit_of_work(self.bureau.engine) as connection:
            enrolment.activate(connection, "BRUXELLES", self.card.fingerprint, self.bureau.now)

    def sign(self) -> None:
        with unit_of_work(self.bureau.engine) as connection:
            cargo.receive(connection, self.item, person="PAUL", reference="B", now=self.bureau.now)

    @property
    def directory(self) -> Directory:
        with reading(self.bureau.engine) as connection:
            return read_directory(connection)

    def withdrawals(self) -> list[tuple[str, str, str]]:
        """Actor, post and card of each entry of the log that names a card withdrawn by a breach."""
        with reading(self.bureau.engine) as connection:
            records = connection.scalars(
                select(audit_entry.c.record).where(audit_entry.c.action == "card_withdraw")
            ).all()
        told = [canonical.decode(bytes(each)) for each in records]
        return [(each["actor"], each["resource"], each["card"]) for each in told]


@pytest.fixture
def carried(bureau: PouchBureau) -> Carried:
    return Carried(bureau)


def _refused(code: str, act: Callable[[], object]) -> None:
    with pytest.raises(ServiceError) as refused:
        act()
    assert refused.value.code == code


def test_a_card_is_put_in_force_once_the_item_of_its_keys_is_signed_for(carried: Carried) -> None:
    assert carried.enrol() == "pending", "it comes in, and waits"
    _refused("CARD_IN_TRANSIT", carried.activate)
    carried.sent.arrive()
    _refused("CARD_IN_TRANSIT", carried.activate)
    carried.sent.tell(Accounted(carried.sent.kept.nonce, complete=True))
    _refused("CARD_IN_TRANSIT", carried.activate)
    assert carried.directory.posts["BRUXELLES"].state == "pending"
    carried.sign()
    carried.activate()
    assert carried.directory.card_in_force("BRUXELLES").fingerprint == carried.card.fingerprint
    carried.activate()


@pytest.mark.parametrize("enrolled", [True, False])
def test_after_a_breach_a_card_is_never_put_in_force(carried: Carried, enrolled: bool) -> None:
    if enrolled:
        carried.enrol()
    carried.sent.arrive("XX-999999", carried.sent.kept.sealed.manifest.seals[1])
    carried.sent.tell(Accounted(carried.sent.kept.nonce, complete=True))
    _refused("KEY_COMPROMISED", carried.sign)
    if enrolled:
        _refused("CARD_NOT_PENDING", carried.activate)
        card = carried.directory.cards[carried.card.fingerprint]
        assert card.state == "withdrawn"
    _refused("CARD_COMPROMISED", carried.enrol)
    with (
        reading(carried.bureau.engine) as connection,
        pytest.raises(ServiceError, match="CARD_COMPROMISED"),
    ):
        carried_cards.require_arrived(connection, carried.card.fingerprint)


def test_a_breach_found_later_withdraws_the_card_and_no_other(carried: Carried) -> None:
    carried.enrol()
    carried.sent.arrive()
    carried.sent.tell(Accounted(carried.sent.kept.nonce, complete=True))
    carried.sign()
    carried.activate()
    before = carried.directory
    bureau = carried.bureau
    (case,) = mishaps.report(bureau.office, carried.sent.seal, "bag-unattended", by=bureau.agent)
    assert carried.directory.posts["BRUXELLES"].state == "active", "an incident compromises nothing"
    assert views.journey(bureau.office, carried.sent.seal, by=bureau.chief).burnt == ()

    mishaps.raise_case(bureau.office, case, by=bureau.agent)

    after = carried.directory
    assert after.version != before.version, "every reader of the directory sees it"
    assert after.posts["BRUXELLES"].state == "absent"
    assert after.cards[carried.card.fingerprint].state == "withdrawn"
    assert after.posts["PARIS"].state == "active"
    assert carried.withdrawals() == [(bureau.agent, "BRUXELLES", carried.card.fingerprint)]
    with reading(bureau.engine) as connection:
        assert holes(connection) == [], "each entry is dated when it was written"
    told_of = views.journey(bureau.office, carried.sent.seal, by=bureau.chief)
    assert told_of.burnt == ((carried.item, "Jeton"),)
    at = bureau.now
    bureau.now += timedelta(hours=1)
    (other,) = mishaps.report(bureau.office, carried.sent.seal, "bag-damaged", by=bureau.agent)
    mishaps.raise_case(bureau.office, other, by=bureau.agent)
    with reading(bureau.engine) as connection:
        told = [each.at for each in controlled.history(connection, carried.item)]
    assert at.strftime("%H:%M") in told[-1], "the first breach stays the one that is told"


class Code:
    """A one-time code for Brussels that lies with the item in the bag, and a card made there."""

    def __init__(self, carried: Carried) -> None:
        self.carried, self.keys = carried, PostKeys("BRUXELLES")
        self.now = carried.bureau.now
        with unit_of_work(carried.bureau.engine) as connection:
            life = carried_codes.CARRIED_LIFE
            self.text = enrolment.issue_code(connection, "BRUXELLES", self.now, life, carried.item)

    def enrol(self) -> str:
        now = self.now + timedelta(days=20)
        with unit_of_work(self.carried.bureau.engine) as connection:
            key = self.keys.api_key
            return enrolment.enrol(connection, self.text, self.keys.card, key, now).state


def test_a_code_lets_nobody_in_before_its_item_is_signed_for(carried: Carried) -> None:
    code, sent = Code(carried), carried.sent
    _refused("CODE_IN_TRANSIT", code.enrol)
    sent.arrive()
    sent.tell(Accounted(sent.kept.nonce, complete=True))
    _refused("CODE_IN_TRANSIT", code.enrol)
    carried.sign()
    assert code.enrol() == "pending", "it was not used up by those who came too early"
    assert code.enrol() == "pending", "told again it is the same enrolment"


def test_a_code_of_a_breached_bag_is_burnt(carried: Carried) -> None:
    code, sent = Code(carried), carried.sent
    sent.arrive("XX-999999", sent.kept.sealed.manifest.seals[1])
    sent.tell(Accounted(sent.kept.nonce, complete=True))
    _refused("CODE_COMPROMISED", code.enrol)
    with reading(carried.bureau.engine) as connection:
        for item, name in ((carried.item, "ITEM_NOT_HELD"), (carried.item + 1_000, "ITEM_UNKNOWN")):
            _refused(name, partial(controlled.require_carrier, connection, item))


def test_who_guesses_a_carried_code_learns_nothing(carried: Carried) -> None:
    code = Code(carried)
    code.keys = PostKeys("PARIS")
    _refused("ENROLMENT_REFUSED", code.enrol)


def test_the_ministrys_own_card_and_a_card_twice_are_not_carried(carried: Carried) -> None:
    _refused("CARD_CARRIED", carried.carry)
    _refused("CARD_OF_HEADQUARTERS", lambda: carried.carry(custody().card()))
    _refused("UNKNOWN_POST", lambda: carried.carry(PostKeys("NOWHERE").card))
