"""Keys in a bag: unusable on the way, usable after two have discharged it, burnt by a breach."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cipher_service.directory import controlled
from cipher_service.errors import ServiceError
from cipher_service.pouches import cargo, mishaps, packing
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.cargo import COMPROMISED, IN_TRANSIT, USABLE
from pouch.facts import INTACT, Accounted, HandedOver, Opened, Received
from pouch.manifest import BagClass, ItemKind
from tests.support import inbound
from tests.support.bags import NOON, Device, signed
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
        self.kept = packing.close(
            bureau.office, self.seal, bureau.closure(), by=bureau.chief, second=bureau.second
        )
        self.first, self.second = Device("paris 1"), Device("paris 2")
        for device in (self.first, self.second):
            inbound.run(bureau, "pouch_device", {"post": "PARIS", "ed25519": device.public})

    @property
    def standing(self) -> str:
        with reading(self.bureau.engine) as connection:
            return cargo.standing_of(connection, self.number)

    def tell(self, facts: object, *, alone: bool = False) -> None:
        manifest = self.kept.sealed.manifest
        event = self.first.tell(
            facts,  # type: ignore[arg-type]  # the facts of the story
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
        assert cargo.is_burnt(connection, item)
        controlled.destroy(connection, item, ("A", "B"), "PV 2", b"{}", bureau.now, burnt=True)
        (gone,) = (each for each in controlled.items(connection) if each.item == item)
    assert gone.state == "destroyed"


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
