"""Keys in a bag: unusable on the way, usable after two have discharged it, burnt by a breach."""

import secrets
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from cipher_service.directory import controlled, prekeys
from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.pouches import cargo, closing, mishaps, packing
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.age.hybrid import HybridKey
from keys.prekeys import Prekey, make_bundle
from pouch.cargo import COMPROMISED, IN_TRANSIT, USABLE
from pouch.facts import INTACT, Accounted, Facts, HandedOver, Opened, Received
from pouch.manifest import BagClass, ItemKind
from tests.support import inbound
from tests.support.bags import NOON, Device, signed
from tests.support.ministry import post_keys
from tests.support.office import PIECE, PouchBureau

KEYS = replace(PIECE, kind=ItemKind.CRYPTOGRAPHIC, level="SECRET")


class Sent:
    """A bag of keys to Paris, told of by the post's two telephones."""

    def __init__(self, bureau: PouchBureau, number: str | None = None) -> None:
        self.bureau = bureau
        self.seal = packing.begin(
            bureau.office, bureau.departure, bureau.bag, BagClass.SECRET, by=bureau.agent
        )
        self.number = number or packing.hand_in(bureau.office, KEYS, by=bureau.agent)
        packing.scan(bureau.office, self.seal, self.number, by=bureau.agent)
        self.kept = closing.close(
            bureau.office, self.seal, bureau.closure(), by=bureau.chief, second=bureau.second
        )
        self.first, self.second = Device("paris 1"), Device("paris 2")
        for device in (self.first, self.second):
            inbound.run(bureau, "pouch_device", {"post": "PARIS", "ed25519": device.public})

    @property
    def standing(self) -> str:
        with reading(self.bureau.engine) as connection:
            return cargo.standing_of(connection, self.number)

    def tell(self, facts: Facts, *, alone: bool = False) -> None:
        manifest = self.kept.sealed.manifest
        event = self.first.tell(
            facts,
            officer="PAUL",
            place="PARIS",
            minutes=int((self.bureau.now - NOON).total_seconds() // 60),
            witness=None if alone else (self.second, "LEA"),
            seal=self.seal,
            bag=manifest.bag,
        )
        devices = [self.first] if alone else [self.first, self.second]
        inbound.run(self.bureau, "pouch_events", {
            "caller": "PARIS", "events": [[signed(event, *devices), None]],
            "device": None, "clock": None,
        })  # fmt: skip

    def arrive(self, *seals: str) -> None:
        self.bureau.now += timedelta(hours=9)
        self.tell(HandedOver(1, INTACT))
        sealed = self.kept.sealed.manifest.seals
        self.tell(Received(seals or sealed, INTACT, 7400), alone=True)
        self.tell(Opened())


@pytest.fixture
def sent(bureau: PouchBureau) -> Sent:
    return Sent(bureau)


def test_keys_become_usable_when_two_sign_the_discharge(sent: Sent) -> None:
    assert sent.standing == IN_TRANSIT
    sent.arrive()
    assert sent.standing == IN_TRANSIT
    sent.tell(Accounted(sent.kept.nonce, complete=True))
    assert sent.standing == USABLE
    (found,) = cargo.keys_under_way(sent.bureau.office, by=sent.bureau.chief)
    assert (found.number, found.standing) == (sent.number, USABLE)


def test_one_person_or_a_wrong_secret_makes_no_key_usable(sent: Sent) -> None:
    sent.arrive()
    sent.tell(Accounted("00" * 16, complete=True))
    assert sent.standing == IN_TRANSIT
    sent.tell(Accounted(sent.kept.nonce, complete=True), alone=True)
    assert sent.standing == IN_TRANSIT


def test_another_seal_than_the_sealed_one_burns_the_keys_for_ever(sent: Sent) -> None:
    sent.arrive("XX-999999", sent.kept.sealed.manifest.seals[1])
    sent.tell(Accounted(sent.kept.nonce, complete=True))
    assert sent.standing == COMPROMISED


def test_a_lost_bag_burns_its_keys_even_when_it_comes_back(sent: Sent) -> None:
    bureau = sent.bureau
    mishaps.lose(bureau.office, sent.seal, by=bureau.agent)
    mishaps.recover(bureau.office, sent.seal, by=bureau.agent, second=bureau.second)
    assert sent.standing == COMPROMISED


def test_an_item_that_came_by_bag_is_signed_for_only_once_two_discharged_the_bag(
    bureau: PouchBureau,
) -> None:
    engine, now = bureau.engine, bureau.now

    def entered() -> int:
        with unit_of_work(engine) as connection:
            return controlled.enter(connection, "share", "Part 1", "GARDE", "PV 1", bureau.now)

    item, late = entered(), entered()
    number = packing.hand_in(bureau.office, KEYS, by=bureau.agent)

    def leave(which: int, piece: str) -> None:
        with unit_of_work(engine) as connection:
            cargo.send(
                connection, which, piece, person="GARDE", to="PAUL", reference="BR 1", now=now
            )

    leave(item, number)
    sent = Sent(bureau, number)

    def sign() -> str:
        try:
            with unit_of_work(engine) as connection:
                cargo.receive(connection, item, person="PAUL", reference="BR 1", now=now)
        except ServiceError as error:
            return error.code
        return ""

    assert sign() == "KEY_IN_TRANSIT"
    with pytest.raises(ServiceError) as refused:
        leave(late, number)
    assert refused.value.code == "PIECE_IN_BAG"
    letter = packing.hand_in(bureau.office, PIECE, by=bureau.agent)
    with pytest.raises(ServiceError) as refused:
        leave(late, letter)
    assert refused.value.code == "PIECE_UNKNOWN"
    sent.arrive()
    assert sign() == "KEY_IN_TRANSIT"
    sent.tell(Accounted(sent.kept.nonce, complete=True))
    assert sign() == ""
    with reading(engine) as connection:
        (held,) = (each for each in controlled.items(connection) if each.item == item)
    assert (held.state, held.holder) == ("held", "PAUL")


def test_nobody_signs_for_an_item_whose_bag_was_breached(bureau: PouchBureau) -> None:
    number = packing.hand_in(bureau.office, KEYS, by=bureau.agent)
    with unit_of_work(bureau.engine) as connection:
        item = controlled.enter(connection, "key", "Clé 7", "GARDE", "PV 1", bureau.now)
        cargo.send(
            connection, item, number, person="GARDE", to="PAUL", reference="BR 1", now=bureau.now
        )
    sent = Sent(bureau, number)
    sent.arrive("XX-999999", sent.kept.sealed.manifest.seals[1])
    sent.tell(Accounted(sent.kept.nonce, complete=True))
    with unit_of_work(bureau.engine) as connection, pytest.raises(ServiceError) as refused:
        cargo.receive(connection, item, person="PAUL", reference="BR 1", now=bureau.now)
    assert refused.value.code == "KEY_COMPROMISED"
    with unit_of_work(bureau.engine) as connection:
        (burnt,) = (each for each in controlled.items(connection) if each.item == item)
        assert burnt.state == "compromised"
        with pytest.raises(ServiceError, match="ITEM_NOT_HELD"):
            controlled.send(connection, item, "GARDE", "LEA", "BR 2", bureau.now)
        counted = controlled.take_inventory(connection, "annual", "LEA", [], bureau.now)
        assert item not in {each.item for each in counted.missing}
        controlled.destroy(connection, item, ("A", "B"), "PV 2", b"{}", bureau.now)
        (gone,) = (each for each in controlled.items(connection) if each.item == item)
        told = [each.kind for each in controlled.history(connection, item)]
    assert gone.state == "destroyed"
    assert told == ["entered", "sent", "compromised", "destroyed"]


class Carried:
    """Prekeys of Paris whose bundle travels with a controlled item, in a bag that is sealed."""

    def __init__(self, bureau: PouchBureau) -> None:
        self.bureau = bureau
        self.post = post_keys("PARIS")
        now = bureau.now
        made = [Prekey(secrets.token_urlsafe(12), HybridKey.generate().recipient) for _ in range(2)]
        self.bundle = make_bundle(
            made,
            self.post.card,
            created=now - timedelta(days=1),
            expires=now + timedelta(days=30),
            sign=self.post.signing.sign,
        )
        number = packing.hand_in(bureau.office, KEYS, by=bureau.agent)
        with unit_of_work(bureau.engine) as connection:
            self.item = controlled.enter(connection, "key", "Préclés", "GARDE", "PV 1", now)
            assert self.carry(connection) == 2
            cargo.send(
                connection, self.item, number, person="GARDE", to="PAUL", reference="B", now=now
            )
        self.sent = Sent(bureau, number)

    def carry(self, connection: Connection) -> int:
        reader, now = DirectoryReader(), self.bureau.now
        return prekeys.carry(connection, self.item, self.bundle, "PARIS", reader, now)

    def hand_in(self) -> int:
        with unit_of_work(self.bureau.engine) as connection:
            reader = DirectoryReader()
            return prekeys.take_in(connection, "PARIS", self.bundle, reader, self.bureau.now)

    def given(self, dispatch: str) -> list[bytes]:
        card = self.post.card.fingerprint
        with unit_of_work(self.bureau.engine) as connection:
            return prekeys.give(connection, "LOME", dispatch, [card], self.bureau.now)

    def sign(self) -> None:
        with unit_of_work(self.bureau.engine) as connection:
            cargo.receive(connection, self.item, person="PAUL", reference="B", now=self.bureau.now)


@pytest.fixture
def carried(bureau: PouchBureau) -> Carried:
    return Carried(bureau)


def test_carried_prekeys_are_given_once_two_discharged_the_bag_and_the_item_is_signed_for(
    carried: Carried,
) -> None:
    assert carried.hand_in() == 0, "they are on record, and none can be given"
    assert carried.given("D1") == []
    with (
        unit_of_work(carried.bureau.engine) as connection,
        pytest.raises(ServiceError, match="PREKEYS_CARRIED"),
    ):
        carried.carry(connection)
    carried.sent.arrive()
    with pytest.raises(ServiceError, match="KEY_IN_TRANSIT"):
        carried.sign()
    carried.sent.tell(Accounted(carried.sent.kept.nonce, complete=True))
    assert carried.given("D1") == []
    carried.sign()
    assert len(carried.given("D1")) == 1
    assert carried.hand_in() == 1


def test_a_breach_has_the_carried_prekeys_refused_for_ever(carried: Carried) -> None:
    carried.hand_in()
    carried.sent.arrive("XX-999999", carried.sent.kept.sealed.manifest.seals[1])
    carried.sent.tell(Accounted(carried.sent.kept.nonce, complete=True))
    with pytest.raises(ServiceError, match="KEY_COMPROMISED"):
        carried.sign()
    assert carried.given("D1") == []
    with pytest.raises(ServiceError, match="PREKEYS_COMPROMISED"):
        carried.hand_in()


def test_a_breach_found_later_takes_the_prekeys_back(carried: Carried) -> None:
    carried.hand_in()
    carried.sent.arrive()
    carried.sent.tell(Accounted(carried.sent.kept.nonce, complete=True))
    carried.sign()
    assert len(carried.given("D1")) == 1
    bureau = carried.bureau
    (case,) = mishaps.report(bureau.office, carried.sent.seal, "bag-unattended", by=bureau.agent)
    assert len(carried.given("D1")) == 1, "an incident compromises nothing"
    mishaps.raise_case(bureau.office, case, by=bureau.agent)
    with reading(bureau.engine) as connection:
        (item,) = (one for one in controlled.items(connection) if one.item == carried.item)
    assert (item.state, item.holder) == ("compromised", "PAUL")
    assert carried.given("D1") == [], "not even the one that was given is given again"
    assert carried.given("D2") == []


def test_shares_travel_apart(sent: Sent) -> None:
    office = sent.bureau.office
    other = packing.hand_in(office, KEYS, by=sent.bureau.agent)
    letter = packing.hand_in(office, PIECE, by=sent.bureau.agent)
    assert cargo.shares(office, [sent.number, other], 2, by=sent.bureau.chief) == IN_TRANSIT
    with reading(sent.bureau.engine) as connection:
        for numbers, threshold, code in (
            ([sent.number], 2, "SHARES_TOO_FEW"),
            ([sent.number, other], 1, "SHARES_TOO_FEW"),
            ([sent.number, letter], 2, "PIECE_UNKNOWN"),
        ):
            with pytest.raises(ServiceError) as caught:
                cargo.activation_of(connection, numbers, threshold)
            assert caught.value.code == code


def test_two_shares_in_one_bag_are_refused(bureau: PouchBureau) -> None:
    seal = packing.begin(
        bureau.office, bureau.departure, bureau.bag, BagClass.SECRET, by=bureau.agent
    )
    numbers = [packing.hand_in(bureau.office, KEYS, by=bureau.agent) for _ in range(2)]
    for number in numbers:
        packing.scan(bureau.office, seal, number, by=bureau.agent)
    with reading(bureau.engine) as connection, pytest.raises(ServiceError) as caught:
        cargo.activation_of(connection, numbers, 2)
    assert caught.value.code == "SHARES_IN_ONE_BAG"
