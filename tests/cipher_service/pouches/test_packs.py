"""Sync packs: what a post learns of bags, when a new one is made, and that none goes back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cipher_service.audit.heads import sign_head
from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.pouches import rectifying, waybills
from cipher_service.pouches.packs import LIFETIME, RENEWED_AFTER, Packs, body_of
from cipher_service.pouches.rectifying import Correction, Issued
from cipher_service.pouches.waybills import Carriage
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.core import Custody
from keys.custody.protocol import Custodian
from keys.endorsement import read_introduction
from keys.log.checkpoints import Checkpoint
from keys.log.notes import Note
from keys.signing import VerifyingKey
from pouch.events import Event
from pouch.facts import DID_NOT_OCCUR, Corrected, Found, Lost, Recalled
from pouch.findings import Logging, Name
from pouch.manifest import VALIDITY_MAX, Carrier
from pouch.pack import Pack, RectifiedTo, read_pack
from pouch.physical import Observed
from pouch.seal import claims_of, make_seal
from pouch.verdict import Trust, judge
from tests.support.bags import BAG, NOON, SEAL, received, sealed
from tests.support.ministry import custody
from tests.support.office import PouchBureau
from tests.support.pouches import NUMBERS, OTHER_BAG, OTHER_SEAL, Pouches

Publish = Callable[..., Pack]


def _root() -> VerifyingKey:
    """Who signs packs, as the bureau's card introduces it."""
    return read_introduction(custody().root_introduction(), custody().card())


@pytest.fixture
def publish(pouches: Pouches) -> Publish:
    """Publishes a post's pack at a time and reads it as a device does."""
    directory = DirectoryReader()

    def published(
        post: str, at: datetime, *, custodian: Custodian | None = None, least: int = 0
    ) -> Pack:
        packs = Packs(custodian or custody(), directory)
        with unit_of_work(pouches.engine) as connection:
            packs.publish(connection, post, at)
        with reading(pouches.engine) as connection:
            body = body_of(connection, post)
        return read_pack(body, _root(), least_version=least, at=at)

    return published


def test_a_bag_is_announced_on_its_way_and_nowhere_else(pouches: Pouches, publish: Publish) -> None:
    manifest = pouches.closed()
    pouches.closed(bag=OTHER_BAG, seal=OTHER_SEAL, numbers=NUMBERS[2:4])

    (told, other) = publish("PARIS", NOON).announced

    assert {told.seal, other.seal} == {SEAL, OTHER_SEAL}
    (mine,) = (bag for bag in (told, other) if bag.seal == SEAL)
    assert (mine.bag, mine.seals, mine.destination) == (BAG, NUMBERS[:2], "PARIS")
    assert mine.packages == 2
    assert publish("LOME", NOON).announced == ()
    assert len(publish("MINREX", NOON).announced) == 2
    assert manifest.bag == BAG


def test_the_pack_judges_a_label_of_the_bureau(pouches: Pouches, publish: Publish) -> None:
    manifest = pouches.closed()
    card = custody().card()
    at = card.valid_from + timedelta(hours=3)
    claims = replace(
        claims_of(manifest, None),
        issuer="MINREX",
        destination="PARIS",
        packages=1,
        issued=at,
        expires=at + timedelta(days=40),
    )
    seal = make_seal(claims, card=card, sign=custody().bureau.signing.sign_cose)
    pack = publish("PARIS", at)

    verdict = judge(seal.text, trust=Trust(pack.cards), at=at, pack=pack)
    assert verdict.name is Name.SEAL_GENUINE_BAG_ANNOUNCED
    assert pack.expires == at + LIFETIME
    elsewhere = publish("LOME", at)
    verdict = judge(seal.text, trust=Trust(elsewhere.cards), at=at, pack=elsewhere)
    assert verdict.name is Name.BAG_UNANNOUNCED


def test_an_arrival_ends_the_announcement_and_makes_a_copy_of_the_next(
    pouches: Pouches, publish: Publish
) -> None:
    pouches.closed()
    before = publish("PARIS", NOON)
    pouches.bring("PARIS", *pouches.journey(), pouches.arrival())
    after = publish("PARIS", NOON)

    assert after.version == before.version + 1
    assert after.announced == ()
    assert [(each.seal, each.place) for each in after.arrivals] == [(SEAL, "PARIS")]


def test_a_pack_tells_with_which_devices_and_as_the_how_manieth_time_a_bag_is_handed_over(
    pouches: Pouches, publish: Publish
) -> None:
    pouches.closed()
    before = publish("PARIS", NOON)
    in_force = {
        each.id
        for each in (pouches.desk, pouches.second, pouches.courier, pouches.paris, pouches.lome)
    }
    assert before.devices == in_force
    assert [bag.hand_overs for bag in before.announced] == [0]

    pouches.bring("MINREX", *pouches.journey())
    assert [bag.hand_overs for bag in publish("PARIS", NOON).announced] == [2]
    pouches.run("pouch_device_revoked", {"post": "LOME", "device": pouches.lome.id})
    after = publish("PARIS", NOON)
    assert after.devices == in_force - {pouches.lome.id}
    assert after.version == before.version + 2


def test_a_lost_bag_is_revoked_at_once_and_stays_so_when_it_is_found(
    pouches: Pouches, publish: Publish
) -> None:
    pouches.closed()
    lost: Event = pouches.courier.tell(Lost(), officer="KOUR", place="PARIS", minutes=30)
    pouches.bring("MINREX", lost)
    assert publish("PARIS", NOON).revoked_seals == {SEAL}

    found = pouches.courier.tell(
        Found(lost.id), officer="KOUR", place="PARIS", minutes=50, witness=(pouches.paris, "PAUL")
    )
    pouches.bring("MINREX", found)

    pack = publish("PARIS", NOON + RENEWED_AFTER)
    assert pack.revoked_seals == {SEAL}
    assert pack.announced == ()


def test_a_recalled_bag_is_recalled_on_its_whole_way_and_not_revoked(
    pouches: Pouches, publish: Publish
) -> None:
    pouches.closed()
    assert publish("PARIS", NOON).recalled == frozenset()
    pouches.bring("MINREX", pouches.desk.tell(Recalled(), officer="ABENA", minutes=30))

    for post in ("PARIS", "MINREX"):
        pack = publish(post, NOON)
        assert pack.recalled == {SEAL}
        assert pack.revoked_seals == frozenset()
        assert [bag.seal for bag in pack.announced] == [SEAL]
    assert publish("LOME", NOON).recalled == frozenset()


def test_a_bag_recalled_after_it_arrived_is_no_copy_on_its_way_home_but_is_after_it(
    pouches: Pouches, publish: Publish
) -> None:
    pouches.closed()
    pouches.bring("PARIS", *pouches.journey(), pouches.arrival())
    assert [each.place for each in publish("PARIS", NOON).arrivals] == ["PARIS"]
    pouches.bring("MINREX", pouches.desk.tell(Recalled(), officer="ABENA", minutes=600))

    under_way = publish("MINREX", NOON)
    assert under_way.recalled == {SEAL}
    assert under_way.arrivals == ()

    home = pouches.desk.tell(received(NUMBERS[:2]), officer="ABENA", minutes=900)
    pouches.bring("MINREX", home)
    back = publish("PARIS", NOON)
    assert back.recalled == frozenset()
    assert [each.place for each in back.arrivals] == ["MINREX"]


def test_a_lost_bag_that_was_recalled_is_revoked(pouches: Pouches, publish: Publish) -> None:
    pouches.closed()
    pouches.bring("MINREX", pouches.desk.tell(Recalled(), officer="ABENA", minutes=30))
    pouches.bring("MINREX", pouches.desk.tell(Lost(), officer="ABENA", minutes=40))

    pack = publish("PARIS", NOON)

    assert pack.revoked_seals == {SEAL}
    assert pack.recalled == frozenset()


def test_a_sealing_that_never_was_and_a_seal_on_two_bags_are_revoked(
    pouches: Pouches, publish: Publish
) -> None:
    pouches.closed()
    pouches.closed(bag=OTHER_BAG, seal=OTHER_SEAL, numbers=NUMBERS[2:4])
    assert publish("PARIS", NOON).revoked_seals == frozenset()
    sealing = pouches.desk.told[1]
    undone = Corrected(event=sealing.id, reason=DID_NOT_OCCUR, instead=())
    reused = sealed(numbers=(NUMBERS[3], "CM-99999"))
    pouches.bring(
        "MINREX",
        pouches.desk.tell(undone, officer="ABENA", minutes=40, witness=(pouches.second, "BIYA-C")),
        pouches.desk.tell(
            reused, officer="ABENA", minutes=50, witness=(pouches.second, "BIYA-C"), seal="0c" * 16
        ),
    )

    assert publish("PARIS", NOON).revoked_seals == {SEAL, OTHER_SEAL}


def test_a_bag_that_never_arrived_is_revoked_when_its_seal_is_past_every_term(
    pouches: Pouches, publish: Publish
) -> None:
    pouches.closed()
    pouches.closed(bag=OTHER_BAG, seal=OTHER_SEAL, numbers=NUMBERS[2:4])
    pouches.bring("PARIS", *pouches.journey(), pouches.arrival())
    closed = pouches.desk.told[1].at

    before = publish("PARIS", closed + VALIDITY_MAX - timedelta(seconds=1))
    assert ([bag.seal for bag in before.announced], before.revoked_seals) == (
        [OTHER_SEAL], frozenset(),
    )  # fmt: skip
    assert publish("PARIS", closed + VALIDITY_MAX + timedelta(hours=1)).revoked_seals == {
        OTHER_SEAL
    }


def test_a_bag_of_headquarters_ends_with_its_own_seal(bureau: PouchBureau) -> None:
    """It is told from the seal itself, long before the last day that any seal may have."""
    kept = bureau.closed()
    manifest, card = kept.sealed.manifest, custody().card()
    packs = Packs(custody(), DirectoryReader())
    assert manifest.expires - manifest.closed < VALIDITY_MAX

    def at(now: datetime) -> Pack:
        with unit_of_work(bureau.engine) as connection:
            packs.publish(connection, "PARIS", now)
            body = body_of(connection, "PARIS")
        return read_pack(body, _root(), least_version=0, at=now)

    for now, name in (
        (manifest.expires - RENEWED_AFTER, Name.SEAL_GENUINE_BAG_ANNOUNCED),
        (manifest.expires, Name.SEAL_EXPIRED),
        (manifest.closed + VALIDITY_MAX + timedelta(days=1), Name.SEAL_EXPIRED),
    ):
        pack = at(now)
        (told,) = pack.announced
        assert (told.seal, told.expires) == (manifest.seal, manifest.expires)
        assert pack.revoked_seals == frozenset(), "it has ended, and is not revoked"
        behind = now - timedelta(minutes=4)
        verdict = judge(kept.sealed.seal.text, trust=Trust([card]), at=behind, pack=pack)
        assert verdict.name is name


def test_a_bordereau_that_was_put_right_is_told_at_once_with_its_weight(
    bureau: PouchBureau,
) -> None:
    kept = bureau.closed()
    seal, card = kept.sealed.manifest.seal, custody().card()
    packs = Packs(custody(), DirectoryReader())

    def told() -> Pack:
        with unit_of_work(bureau.engine) as connection:
            packs.publish(connection, "PARIS", bureau.now)
            body = body_of(connection, "PARIS")
        return read_pack(body, _root(), least_version=0, at=bureau.now)

    def put_right(typed: str) -> Issued:
        correction = Correction((typed,), "Erreur de pesée")
        return rectifying.rectify(
            bureau.office, seal, correction, by=bureau.chief, second=bureau.second
        )

    before = told()
    assert before.announced[0].rectified is None
    put_right("weight=9400")
    second = put_right("consignee=Le consul")

    pack = told()

    assert pack.version > before.version
    right = RectifiedTo(2, second.statement.hash, 9400)
    assert pack.announced[0].rectified == right
    for weight, name in ((9400, Name.SEAL_GENUINE_BAG_ANNOUNCED), (7400, Name.WEIGHT_OFF)):
        verdict = judge(
            kept.sealed.seal.text,
            trust=Trust([card]),
            at=bureau.now,
            pack=pack,
            observed=Observed(weight_g=weight),
        )
        assert (verdict.name, verdict.rectified) == (name, right)


def test_a_seal_of_headquarters_is_proved_once_a_signed_head_stands_above_it(
    bureau: PouchBureau,
) -> None:
    bureau.entrust()
    text = bureau.closed().sealed.seal.text
    trust, packs = Trust([custody().card()]), Packs(custody(), DirectoryReader())

    def told(minutes: int) -> Pack:
        at = bureau.now + timedelta(minutes=minutes)
        with unit_of_work(bureau.engine) as connection:
            packs.publish(connection, "PARIS", at)
            body = body_of(connection, "PARIS")
        return read_pack(body, _root(), least_version=0, at=at)

    before = told(0)
    assert (before.roots, before.checkpoint) == ({}, b"")
    assert judge(text, trust=trust, at=bureau.now, pack=before).logging is Logging.NO_PROOF

    assert sign_head(bureau.engine, custody())
    after = told(1)
    verdict = judge(text, trust=trust, at=bureau.now, pack=after)
    assert (verdict.name, verdict.logging) == (Name.SEAL_GENUINE_BAG_ANNOUNCED, Logging.PROVED)
    (size,) = after.roots
    head = Checkpoint.parse(Note.parse(after.checkpoint).text)
    assert (head.size, head.root) == (size, after.roots[size])
    (bag,) = after.announced
    assert bag.logged is not None
    assert bureau.chief.encode() not in bag.logged.record, "the entry names nobody"

    with bureau.office.act("pouch_bag"):
        pass
    assert sign_head(bureau.engine, custody())
    assert told(2).version == after.version, "a head alone makes no new pack"


def test_the_bags_of_a_departure_are_counted_before_all_of_them_are_closed(
    pouches: Pouches, publish: Publish
) -> None:
    pouches.closed()
    pouches.run("pouch_begin", pouches.begin(OTHER_BAG, OTHER_SEAL))
    (told,) = publish("PARIS", NOON).announced
    assert told.packages == 2

    carriage = Carriage("LC 1", "PARIS", 3, Carrier("N", "Courrier", None, None), (), None)
    with unit_of_work(pouches.engine) as connection:
        waybills.entrust(connection, "D-1", carriage, custody().card())
    (told,) = publish("PARIS", NOON).announced
    assert told.packages == 3, "the waybill says how many, as each label does"


def test_nothing_new_makes_no_new_pack_until_half_a_day_later(
    pouches: Pouches, publish: Publish
) -> None:
    pouches.closed()
    first = publish("PARIS", NOON)

    assert publish("PARIS", NOON + RENEWED_AFTER - timedelta(seconds=1)) == first
    later = publish("PARIS", NOON + RENEWED_AFTER)
    assert later.version > first.version
    assert later.issued == NOON + RENEWED_AFTER
    assert later.announced == first.announced


def test_a_clock_that_goes_back_never_lowers_the_version(publish: Publish) -> None:
    first = publish("PARIS", NOON)

    earlier = publish("PARIS", NOON - timedelta(days=1), least=first.version)

    assert earlier.version == first.version + 1


def test_sealed_keys_leave_the_last_pack_and_make_no_first_one(
    pouches: Pouches, publish: Publish
) -> None:
    closed = Custody.generate("MINREX", valid_from=NOON, valid_until=NOON.replace(year=2028))
    closed.seal()
    with pytest.raises(ServiceError) as refused:
        publish("PARIS", NOON, custodian=closed)
    assert refused.value.code == "UNAVAILABLE"

    first = publish("PARIS", NOON)
    pouches.closed()

    assert publish("PARIS", NOON + timedelta(hours=1), custodian=closed) == first


def test_no_pack_is_made_for_who_is_no_post(publish: Publish) -> None:
    with pytest.raises(ServiceError) as refused:
        publish("NOWHERE", NOON)
    assert refused.value.code == "UNKNOWN_POST"
