"""Sync packs: what a post learns of bags, when a new one is made, and that none goes back."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.pouches.packs import LIFETIME, RENEWED_AFTER, Packs, body_of
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.core import Custody
from keys.custody.protocol import Custodian
from pouch.events import Event
from pouch.facts import Lost
from pouch.pack import Pack, read_pack
from pouch.seal import claims_of, make_seal
from pouch.verdict import Name, Trust, judge
from tests.support.bags import BAG, NOON, SEAL
from tests.support.ministry import custody
from tests.support.pouches import NUMBERS, OTHER_BAG, OTHER_SEAL, Pouches

Publish = Callable[..., Pack]


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
        return read_pack(body, custody().card().verifying_key, least_version=least, at=at)

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


def test_a_lost_bag_is_revoked_at_once(pouches: Pouches, publish: Publish) -> None:
    pouches.closed()
    lost: Event = pouches.courier.tell(Lost(), officer="KOUR", place="PARIS", minutes=30)
    pouches.bring("MINREX", lost)

    pack = publish("PARIS", NOON)

    assert pack.revoked_seals == {SEAL}
    assert pack.announced == ()


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
    sealed = Custody.generate("MINREX", valid_from=NOON, valid_until=NOON.replace(year=2028))
    sealed.seal()
    with pytest.raises(ServiceError) as refused:
        publish("PARIS", NOON, custodian=sealed)
    assert refused.value.code == "UNAVAILABLE"

    first = publish("PARIS", NOON)
    pouches.closed()

    assert publish("PARIS", NOON + timedelta(hours=1), custodian=sealed) == first


def test_no_pack_is_made_for_who_is_no_post(publish: Publish) -> None:
    with pytest.raises(ServiceError) as refused:
        publish("NOWHERE", NOON)
    assert refused.value.code == "UNKNOWN_POST"
