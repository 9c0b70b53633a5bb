"""The register of controlled items: from hand to hand against receipt, counted, destroyed."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine

from cipher_service import clock
from cipher_service.directory import compromises, controlled, controlled_keys
from cipher_service.errors import ServiceError
from cipher_service.storage.unit_of_work import unit_of_work
from keys.lifecycle import ACTIVE, DEACTIVATED, DESTROYED, TRAFFIC, KeyVersion

NOW = clock.parse("2026-11-25T10:00:00Z")
A, B, C = "GARDE-A", "GARDE-B", "GARDE-C"


def _enter(connection: Connection, holder: str = A, kind: str = "share") -> int:
    return controlled.enter(connection, kind, "Part n° 1, jeu 2026", holder, "PV 1", NOW)


def _one(connection: Connection, item: int) -> controlled.Item:
    return next(each for each in controlled.items(connection) if each.item == item)


def _kinds(connection: Connection, item: int) -> list[str]:
    return [each.kind for each in controlled.history(connection, item)]


def test_an_item_changes_hands_against_receipt_only(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        item = _enter(connection)
        controlled.send(connection, item, A, B, "Bordereau 4", NOW)
        way = _one(connection, item)
        assert (way.holder, way.receiver, way.state) == (A, B, "under-way")
        for wrong, code in ((A, "ITEM_OF_ANOTHER"), (C, "ITEM_OF_ANOTHER")):
            with pytest.raises(ServiceError, match=code):
                controlled.receive(connection, item, wrong, "Reçu", NOW)
        with pytest.raises(ServiceError, match="ITEM_NOT_HELD"):
            controlled.send(connection, item, A, C, "Bordereau 5", NOW)
        controlled.receive(connection, item, B, "Reçu 4", NOW)
        assert (_one(connection, item).holder, _one(connection, item).state) == (B, "held")
        with pytest.raises(ServiceError, match="ITEM_OF_ANOTHER"):
            controlled.send(connection, item, A, C, "Bordereau 6", NOW)
        with pytest.raises(ServiceError, match="ITEM_NOT_UNDER_WAY"):
            controlled.receive(connection, item, B, "Reçu 4", NOW)
        with pytest.raises(ServiceError, match="OWN_ACT"):
            controlled.send(connection, item, B, B, "Bordereau 7", NOW)
        assert _kinds(connection, item) == ["entered", "sent", "received"]


def test_what_is_not_shown_is_missing_until_somebody_finds_it(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        shown, hidden, moving = (_enter(connection) for _ in range(3))
        controlled.send(connection, moving, A, B, "Bordereau", NOW)
        found = controlled.take_inventory(connection, "hand-over", C, [shown], NOW, holder=A)
        assert (found.counted, [each.item for each in found.missing]) == (3, [hidden])
        assert _one(connection, hidden).state == "missing"
        assert _one(connection, moving).state == "under-way"
        with pytest.raises(ServiceError, match="ITEM_NOT_HELD"):
            controlled.destroy(connection, hidden, (B, C), "PV 2", b"{}", NOW)
        with pytest.raises(ServiceError, match="ITEM_NOT_HELD"):
            controlled.require_carrier(connection, hidden)
        again = controlled.take_inventory(connection, "other", C, [shown, hidden], NOW)
        assert _one(connection, hidden).state == "held"
        for carries in (hidden, moving):
            controlled.require_carrier(connection, carries)
        assert again.missing == ()
        assert _kinds(connection, hidden) == ["entered", "missed", "found"]
        assert _kinds(connection, shown) == ["entered", "seen", "seen"]


def test_nobody_counts_their_own_and_nothing_unknown_is_counted(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        item, other = _enter(connection), _enter(connection, B)
        refusals = [
            ("OWN_ACT", ("hand-over", A, [item], A)),
            ("INVENTORY_UNCLEAR", ("hand-over", C, [item], None)),
            ("INVENTORY_UNCLEAR", ("annual", C, [item], A)),
            ("INVENTORY_UNCLEAR", ("never", C, [item], None)),
            ("ITEM_UNKNOWN", ("hand-over", C, [item, other], A)),
            ("ITEM_UNKNOWN", ("annual", C, [item, other, 999], None)),
        ]
        for code, (occasion, person, shown, holder) in refusals:
            with pytest.raises(ServiceError, match=code):
                controlled.take_inventory(connection, occasion, person, shown, NOW, holder=holder)
        assert _one(connection, item).state == "held"


def test_a_destruction_needs_two_and_ends_everything(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        item = _enter(connection)
        with pytest.raises(ServiceError, match="OWN_ACT"):
            controlled.destroy(connection, item, (B, B), "PV 9", b"{}", NOW)
        controlled.destroy(connection, item, (A, B), "PV 9", b'{"signed":1}', NOW)
        last = controlled.history(connection, item)[-1]
        assert (last.kind, last.person, last.other, last.record) == (
            "destroyed",
            A,
            B,
            b'{"signed":1}',
        )
        with pytest.raises(ServiceError, match="ITEM_NOT_HELD"):
            controlled.send(connection, item, A, B, "Bordereau", NOW)
        assert controlled.take_inventory(connection, "annual", C, [], NOW).counted == 0


def test_a_compromise_stands_where_it_happened_and_before_the_end(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        with pytest.raises(ServiceError, match="ITEM_UNKNOWN"):
            controlled.history(connection, 999)
        item, later = _enter(connection), NOW + timedelta(hours=1)
        compromises.compromise(connection, item, person=C, reference="Alarme", now=NOW)
        controlled.take_inventory(connection, "other", C, [item], later)
        controlled.destroy(connection, item, (A, B), "PV", b"{}", later)
        assert _kinds(connection, item) == ["entered", "compromised", "seen", "destroyed"]
        other = _enter(connection)
        compromises.compromise(connection, other, person=C, reference="Alarme", now=later)
        controlled.destroy(connection, other, (A, B), "PV", b"{}", later)
        assert _kinds(connection, other) == ["entered", "compromised", "destroyed"]


def test_an_inventory_of_everything_is_due_each_year(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        assert not controlled.inventory_due(connection, NOW)
        item = _enter(connection)
        year = NOW + timedelta(days=366)
        assert not controlled.inventory_due(connection, year - timedelta(days=1))
        assert controlled.inventory_due(connection, year)
        controlled.take_inventory(connection, "hand-over", C, [item], year, holder=A)
        assert controlled.inventory_due(connection, year)
        controlled.take_inventory(connection, "annual", C, [item], year)
        assert not controlled.inventory_due(connection, year)


@pytest.mark.parametrize(
    ("kind", "designation", "code"),
    [
        ("sword", "x", "ITEM_KIND_UNKNOWN"),
        ("key", "", "ITEM_UNDESCRIBED"),
        ("key", "deux\nlignes", "ITEM_UNDESCRIBED"),
        ("key", "x" * 201, "ITEM_UNDESCRIBED"),
    ],
)
def test_an_item_is_described(engine: Engine, kind: str, designation: str, code: str) -> None:
    with unit_of_work(engine) as connection, pytest.raises(ServiceError, match=code):
        controlled.enter(connection, kind, designation, A, "PV 1", NOW)


def test_one_character_describes_an_item(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        item = controlled.enter(connection, "key", "x", A, "1", NOW)
        assert _one(connection, item).designation == "x"


def _version(key: str, *states: str) -> KeyVersion:
    made = KeyVersion(key, 1, "ab" * 32, TRAFFIC, NOW, NOW + timedelta(days=30))
    for state in states:
        made = made.moved(state, at=NOW, reason="essai", act="01KAMV6R8P3ZDFWQ5XJ9T2C4EN")
    return made


def test_a_post_s_key_enters_with_its_card_and_an_edition_ends_before_witnesses(
    engine: Engine,
) -> None:
    gone = (ACTIVE, DEACTIVATED, DESTROYED)
    elsewhere = [_version("post/PARIS", ACTIVE), _version("bureau/MINREX", *gone)]
    with unit_of_work(engine) as connection:
        assert not controlled_keys.lacks_versions(connection, elsewhere)
        controlled_keys.enter_versions(connection, elsewhere, NOW)
        assert controlled.items(connection) == []
        own = [_version("bureau/MINREX", ACTIVE), _version("log/MINREX", *gone)]
        assert controlled_keys.lacks_versions(connection, own)
        controlled_keys.enter_versions(connection, own, NOW)
        assert not controlled_keys.lacks_versions(connection, own)
        states = {each.designation: each.state for each in controlled.items(connection)}
        assert states == {
            f"MINREX 1 {'ab' * 32}": "held",
            f"log/MINREX 1 {'ab' * 32}": "destroyed",
        }


def test_the_record_of_a_key_s_end_is_its_own_and_no_other_item_s(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        items = {
            (kind, named): controlled.enter(connection, kind, named, A, "PV 1", NOW)
            for kind, named in (("share", "clé 1"), ("key", "clé 2"), ("key", "clé 1"))
        }
        for item in (items["share", "clé 1"], items["key", "clé 2"]):
            controlled.destroy(connection, item, (A, B), "PV 9", b"of another", NOW)
        assert controlled_keys.record_of(connection, "clé 1") is None
        controlled.destroy(connection, items["key", "clé 1"], (A, B), "PV 9", b"its own", NOW)
        assert controlled_keys.record_of(connection, "clé 1") == b"its own"
