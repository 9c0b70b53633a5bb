"""Make-up and sealing: nothing enters a bag unseen, nothing closes it alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from cipher_service.errors import ServiceError
from cipher_service.pouches import makeup, repository, stock
from cipher_service.pouches.rules import require_cut_off
from cipher_service.storage.tables import metadata
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from pouch.facts import Seen
from pouch.manifest import Mode
from pouch.stock import VOIDED, Movement, TwoPersonsNeeded
from tests.support import valise
from tests.support.bags import BAG, NOON, SEAL
from tests.support.pouches import NUMBERS, OTHER_BAG, OTHER_SEAL, PAIR, Pouches, route

EVERY_TABLE = [table for name, table in metadata.tables.items() if name.startswith("pouch_")]


def test_a_bag_is_made_up_and_closed(pouches: Pouches) -> None:
    manifest = pouches.closed(lines=3)
    with reading(pouches.engine) as connection:
        closing = repository.closing_of(connection, SEAL)
        seals = [
            (row.number, row.state, row.closing)
            for row in connection.execute(
                select(tables.physical_seal).order_by(tables.physical_seal.c.number)
            )
        ]
        bag = connection.execute(select(tables.bag).where(tables.bag.c.bag == BAG)).one()
    assert closing is not None
    assert (closing.stage, closing.seals, closing.weight_g) == ("sealed", NUMBERS[:2], 7400)
    assert closing.announcement is not None
    assert ("CM-48213", "applied", SEAL) in seals
    assert [state for _, state, _ in seals].count("issued") == 3
    assert (bag.empty, bag.cycles, bag.place) == (0, 1, "PARIS")
    assert len(manifest.items) == 3


def test_nothing_legible_of_a_line_is_in_the_database(pouches: Pouches) -> None:
    """P10: levels, counts and weights; never a number, a sender or an addressee."""
    manifest = pouches.closed(lines=3)
    with reading(pouches.engine) as connection:
        everything = b"\0".join(
            str(value).encode() if not isinstance(value, bytes) else value
            for table in EVERY_TABLE
            for row in connection.execute(select(table))
            for value in row
        )
    for item in manifest.items:
        for word in (item.register, item.sender, item.addressee, item.enclosure or "none"):
            assert word.encode() not in everything


def test_a_line_that_is_not_enciphered_is_not_taken(pouches: Pouches) -> None:
    manifest = valise.manifest(2)
    pouches.run("pouch_begin", pouches.begin())
    payload = pouches.line(manifest, 1)
    payload["line"]["body"] = b"Lettre 2026/000001 pour la Chancellerie"
    assert pouches.refused("pouch_line", payload) == "LINE_NOT_ENCIPHERED"


def test_an_item_added_after_sealing_is_refused(pouches: Pouches) -> None:
    pouches.closed(lines=2)
    longer = valise.manifest(3, bag=BAG, seal=SEAL)
    assert pouches.refused("pouch_line", pouches.line(longer, 3)) == "BAG_SEALED"
    assert pouches.refused("pouch_seal", pouches.sealing(longer)) == "BAG_SEALED"


@pytest.mark.parametrize("lines", [1, 3])
def test_a_seal_covers_exactly_the_lines_on_record(pouches: Pouches, lines: int) -> None:
    """An item slipped in or left out behind the clerk's back does not get a seal."""
    pouches.run("pouch_begin", pouches.begin())
    honest = valise.manifest(2)
    for number in (1, 2):
        pouches.run("pouch_line", pouches.line(honest, number))
    assert (
        pouches.refused("pouch_seal", pouches.sealing(valise.manifest(lines)))
        == "MANIFEST_NOT_OF_LINES"
    )
    assert pouches.refused("pouch_seal", {**pouches.sealing(honest), "head": bytes(32)}) == (
        "MANIFEST_NOT_OF_LINES"
    )


def test_an_empty_bag_and_a_gap_are_not_sealed(pouches: Pouches) -> None:
    pouches.run("pouch_begin", pouches.begin())
    manifest = valise.manifest(2)
    assert pouches.refused("pouch_seal", pouches.sealing(manifest)) == "BAG_EMPTY"
    pouches.run("pouch_line", pouches.line(manifest, 2))
    assert pouches.refused("pouch_seal", pouches.sealing(manifest)) == "MANIFEST_NOT_OF_LINES"


def test_the_same_act_twice_is_one_act(pouches: Pouches) -> None:
    manifest = valise.manifest(2)
    pouches.run("pouch_begin", pouches.begin())
    assert pouches.run("pouch_line", pouches.line(manifest, 1)) is True
    assert pouches.run("pouch_line", pouches.line(manifest, 1)) is False
    second = pouches.line(manifest, 2)
    assert pouches.refused("pouch_line", {**second, "line": {**second["line"], "line": 1}}) == (
        "LINE_TAKEN"
    )
    pouches.run("pouch_line", second)
    sealing = pouches.sealing(manifest)
    assert pouches.run("pouch_seal", sealing) is True
    assert pouches.run("pouch_seal", sealing) is False


def test_a_reused_seal_number_is_refused_and_nothing_changes(pouches: Pouches) -> None:
    pouches.closed()
    pouches.run("pouch_begin", pouches.begin(OTHER_BAG, OTHER_SEAL))
    manifest = valise.manifest(1)
    pouches.run("pouch_line", pouches.line(manifest, 1, OTHER_SEAL))
    again = pouches.sealing(manifest, (NUMBERS[2], NUMBERS[1]), OTHER_BAG, OTHER_SEAL)
    assert pouches.refused("pouch_seal", again) == "SEAL_NUMBER_USED"
    with reading(pouches.engine) as connection:
        # The seal named first was not applied either.
        states = {row.number: row.state for row in connection.execute(select(tables.physical_seal))}
    assert states[NUMBERS[2]] == "issued"
    strange = pouches.sealing(manifest, ("CM-99999",), OTHER_BAG, OTHER_SEAL)
    assert pouches.refused("pouch_seal", strange) == "SEAL_NOT_IN_HAND"


def test_nobody_certifies_what_they_packed(pouches: Pouches) -> None:
    pouches.run("pouch_begin", pouches.begin())
    manifest = valise.manifest(1)
    pouches.run("pouch_line", pouches.line(manifest, 1))
    sealing = pouches.sealing(manifest)
    assert pouches.refused("pouch_seal", {**sealing, "certifier": "ABENA"}) == "NOT_CERTIFIED"
    assert pouches.refused("pouch_seal", {**sealing, "absent": []}) == "NOT_CERTIFIED"


def test_levels_modes_and_limits(pouches: Pouches) -> None:
    pouches.run("pouch_begin", pouches.begin(bag_class="DIFFUSION-RESTREINTE"))
    above = pouches.line(valise.manifest(1), 1)
    assert pouches.refused("pouch_line", above) == "LEVEL_ABOVE_BAG"
    assert pouches.refused("pouch_line", {**above, "line": {**above["line"], "level": "X"}}) == (
        "UNKNOWN_LEVEL"
    )
    heavy = {**above["line"], "level": "NON-PROTEGE", "weight_g": 16_001}
    assert pouches.refused("pouch_line", {**above, "line": heavy}) == "LIMITS_EXCEEDED"
    with unit_of_work(pouches.engine) as connection:
        pouches.depart(connection, "D-2", Mode.FREIGHT)
    by_freight = {**pouches.begin(OTHER_BAG, OTHER_SEAL), "departure": "D-2"}
    assert pouches.refused("pouch_begin", by_freight) == "MODE_FORBIDDEN"


def test_what_a_bag_holds_already_counts(pouches: Pouches) -> None:
    pouches.run("pouch_begin", pouches.begin())
    manifest = valise.manifest(3)
    first, second, third = (pouches.line(manifest, number) for number in (1, 2, 3))
    for payload, grams in ((first, 12_000), (second, 8_000), (third, 1)):
        payload["line"] = {**payload["line"], "weight_g": grams}
    pouches.run("pouch_line", first)
    pouches.run("pouch_line", second)
    assert pouches.run("pouch_line", second) is False, "told again it weighs nothing"
    assert pouches.refused("pouch_line", third) == "LIMITS_EXCEEDED"
    with reading(pouches.engine) as connection:
        assert len(repository.lines_of(connection, SEAL)) == 2


@pytest.mark.parametrize("grams", [20_000, 20_001])
def test_a_bag_is_weighed_when_it_is_closed(pouches: Pouches, grams: int) -> None:
    pouches.run("pouch_begin", pouches.begin())
    manifest = valise.manifest(1)
    pouches.run("pouch_line", pouches.line(manifest, 1))
    sealing = pouches.sealing(manifest, weight_g=grams)
    if grams > 20_000:
        assert pouches.refused("pouch_seal", sealing) == "LIMITS_EXCEEDED"
    else:
        assert pouches.run("pouch_seal", sealing) is True


def test_after_the_cut_off_nothing_is_taken(pouches: Pouches) -> None:
    pouches.run("pouch_begin", pouches.begin())
    pouches.now = NOON + timedelta(hours=10)
    assert pouches.refused("pouch_line", pouches.line(valise.manifest(1), 1)) == "CUT_OFF_PASSED"
    assert pouches.refused("pouch_begin", pouches.begin(OTHER_BAG, OTHER_SEAL)) == (
        "CUT_OFF_PASSED"
    )


def test_hand_in_ends_on_the_eve(pouches: Pouches) -> None:
    departs = NOON + timedelta(days=1)
    require_cut_off(departs.replace(hour=0), departs)
    with pytest.raises(ServiceError, match="CUT_OFF_TOO_LATE"):
        require_cut_off(departs.replace(hour=0, minute=1), departs)
    with unit_of_work(pouches.engine) as connection:
        with pytest.raises(ServiceError, match="ROUTE_KNOWN"):
            makeup.add_route(connection, route())
        with pytest.raises(ServiceError, match="ROUTE_ENDS_DIFFER"):
            makeup.add_route(connection, replace(route(), origin="LOME"))
        with pytest.raises(ServiceError, match="BAG_KNOWN"):
            makeup.add_bag(connection, BAG, place="MINREX", now=NOON)


def test_a_bag_is_where_it_is_and_filled_once(pouches: Pouches) -> None:
    first = pouches.begin()
    assert pouches.run("pouch_begin", first) is True
    assert pouches.run("pouch_begin", first) is False
    assert pouches.refused("pouch_begin", pouches.begin()) == "CLOSING_KNOWN"
    unknown_class = {**pouches.begin(OTHER_BAG, OTHER_SEAL), "bag_class": "COSMIC"}
    assert pouches.refused("pouch_begin", unknown_class) == "UNKNOWN_BAG_CLASS"
    assert pouches.refused("pouch_begin", pouches.begin(BAG, OTHER_SEAL)) == "BAG_NOT_HERE"
    assert pouches.refused("pouch_begin", pouches.begin("7" * 22, OTHER_SEAL)) == "BAG_UNKNOWN"
    unknown = {**pouches.begin(OTHER_BAG, OTHER_SEAL), "departure": "D-9"}
    assert pouches.refused("pouch_begin", unknown) == "DEPARTURE_UNKNOWN"


def test_another_post_makes_up_no_bag_of_ours(pouches: Pouches) -> None:
    pouches.run("pouch_begin", pouches.begin())
    line = pouches.line(valise.manifest(1), 1)
    assert pouches.refused("pouch_line", {**line, "caller": "PARIS"}) == "NOT_FOUND"
    assert pouches.refused("pouch_begin", {**pouches.begin(), "caller": "PARIS"}) == "WRONG_PLACE"
    seen = pouches.desk.tell(Seen(seals=()), officer="ABENA")
    wrong = {**pouches.begin(), "event": pouches.signed(seen)}
    assert pouches.refused("pouch_begin", wrong) == "WRONG_EVENT"


def test_the_register_of_seals_balances(pouches: Pouches) -> None:
    """R4: issued = applied + in hand + voided."""
    pouches.closed()
    with unit_of_work(pouches.engine) as connection:
        stock.move(connection, Movement(NUMBERS[2], VOIDED, PAIR), place="MINREX", now=NOON)
        with pytest.raises(TwoPersonsNeeded):
            stock.move(
                connection, Movement(NUMBERS[3], VOIDED, ("ABENA",) * 2), place="MINREX", now=NOON
            )
    with reading(pouches.engine) as connection:
        whole = stock.balance(connection, "MINREX", NUMBERS[3:])
        short = stock.balance(connection, "MINREX", NUMBERS[3:4])
        moved = connection.execute(select(tables.seal_movement)).all()
    assert whole.balanced
    assert (whole.issued, whole.applied, whole.in_hand, whole.voided) == (5, 2, 2, 1)
    assert short.unexplained == (NUMBERS[4],)
    assert len(moved) == 5 + 5 + 2 + 1
