"""Headquarters makes bags up and closes them: who may, by two, and never twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from cipher_service import clock
from cipher_service.administration.officer_keys import AtHand
from cipher_service.errors import ServiceError
from cipher_service.pouches import (
    closing,
    handing_in,
    packing,
    planning,
    repository,
    route_book,
    seal_store,
    signing,
)
from cipher_service.pouches.signing import Kept
from cipher_service.references import new_id
from cipher_service.storage.tables import audit
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading
from keys.cards import Card
from keys.custody.errors import GrantMissing, GrantOfAnother
from keys.errors import Refusal
from pouch.bordereau import digest, prove_line, read_line
from pouch.classes import Limits, LimitsExceeded
from pouch.digits import AZERTY
from pouch.findings import Name, Witnessing
from pouch.manifest import BagClass, ItemKind
from pouch.verdict import Trust, judge
from tests.support.ministry import custody, post_keys
from tests.support.office import PIECE, PouchBureau, carriage, route, timetable
from tests.support.pouch_officers import SigningBureau


def refused(act: Callable[[], object]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        act()
    return caught.value


def trust(*cards: Card) -> Trust:
    return Trust([custody().card(), *cards])


def test_a_measured_bag_is_not_made_up_where_it_is_too_large(bureau: PouchBureau) -> None:
    narrow = replace(route("R-BUS"), limits=Limits(side_cm=60, sides_cm=140))
    planning.add_route(bureau.office, narrow, by=bureau.chief)
    (first, *_) = planning.plan(bureau.office, timetable("R-BUS"), 2, by=bureau.chief)

    def begun(sides: tuple[int, int, int] | None, departure: str = first.departure) -> str:
        bag = planning.add_bag(bureau.office, by=bureau.chief, sides_cm=sides)
        return packing.begin(bureau.office, departure, bag, BagClass.SECRET, by=bureau.agent)

    for large in ((61, 1, 1), (60, 41, 40)):
        with pytest.raises(LimitsExceeded):
            begun(large)
        assert begun(large, bureau.departure), "another route takes it"
    assert begun((60, 40, 40))
    assert begun(None), "nobody measures a soft bag"
    for odd in ((0, 1, 1), (301, 1, 1)):
        assert refused(partial(begun, odd)).code == "BAG_SIDES_ODD"


def test_two_persons_close_a_bag_whose_seal_any_door_believes(bureau: PouchBureau) -> None:
    kept = bureau.closed()

    verdict = judge(kept.sealed.seal.text, trust=trust(), at=bureau.now, sealed=kept.sealed)
    assert verdict.name is Name.SEAL_GENUINE_MANIFEST_MATCHES
    assert verdict.witnessing is Witnessing.UNWITNESSED
    manifest = kept.sealed.manifest
    assert manifest.number == f"VAL {bureau.now.year}-000001"
    assert [item.register for item in manifest.items] == ["2026/000500", "2026/000501"]
    assert manifest.certifier.officer == bureau.chief
    with reading(bureau.engine) as connection:
        closing = repository.closing_of(connection, manifest.seal)
        assert closing is not None
        assert (closing.stage, closing.manifest) == ("sealed", digest(manifest).hex())
        events = repository.events_of(connection, manifest.seal)
        assert [event.kind for event in events] == ["prepared", "sealed"]
        assert events[1].witness is not None
        assert (events[1].officer, events[1].witness.officer) == (bureau.chief, bureau.second)
        assert events[1].device != events[1].witness.device


def test_the_second_persons_own_card_makes_the_seal_witnessed(bureau: PouchBureau) -> None:
    class Second:
        card = post_keys("PARIS").card
        sign = staticmethod(post_keys("PARIS").signing.sign)
        sign_cose = staticmethod(post_keys("PARIS").signing.sign_cose)

    seal = bureau.packed()
    kept = closing.close(
        bureau.office, seal, bureau.closure(), by=bureau.chief, second=bureau.second,
        witness=Second(),
    )  # fmt: skip

    found = judge(
        kept.sealed.seal.text, trust=trust(Second.card), at=bureau.now, sealed=kept.sealed
    )
    assert found.witnessing is Witnessing.VERIFIED


def test_before_officers_a_bag_is_sealed_on_both_keys_and_on_neither_alone(
    bureau: PouchBureau, tmp_path: Path
) -> None:
    signing_bureau = SigningBureau.founded(bureau, tmp_path)
    at_hand = signing_bureau.at_hand

    def close(*hands: AtHand) -> Kept:
        office = signing_bureau.office(*hands)
        return closing.close(office, seal, bureau.closure(), by=bureau.chief, second=bureau.second)

    seal, chief = bureau.packed(), at_hand(bureau.chief)
    for hands in ((), (chief,), (chief, at_hand(bureau.chief))):
        with pytest.raises((GrantMissing, GrantOfAnother)):
            close(*hands)
    with reading(bureau.engine) as connection:
        assert signing.row_of(connection, seal) is None
    kept = close(chief, at_hand(bureau.second))
    chief.close()
    verdict = judge(kept.sealed.seal.text, trust=trust(), at=bureau.now, sealed=kept.sealed)
    assert verdict.name is Name.SEAL_GENUINE_MANIFEST_MATCHES


def test_what_was_signed_is_opened_again_after_the_printer_failed(bureau: PouchBureau) -> None:
    kept = bureau.closed()

    again = closing.papers_of(bureau.office, kept.sealed.manifest.seal, by=bureau.agent)

    assert again.nonce == kept.nonce
    assert again.sealed.to_bytes() == kept.sealed.to_bytes()


def test_nothing_legible_of_the_contents_is_in_the_database(bureau: PouchBureau) -> None:
    kept = bureau.closed()

    with reading(bureau.engine) as connection:
        told = b"".join(
            repr(tuple(row)).encode()
            for table in (tables.hand_in, tables.line, tables.sealed, tables.waybill)
            for row in connection.execute(select(table))
        )
    for word in ("Nations unies", "Chancellerie", "2026/000500", "NDONGO", "DP 004417", kept.nonce):
        assert word.encode() not in told


def test_a_scanner_on_a_french_keyboard_lays_a_piece_in_once(bureau: PouchBureau) -> None:
    seal = bureau.packed(pieces=1)
    number = packing.hand_in(bureau.office, PIECE, by=bureau.agent)
    typed = number.translate(str.maketrans("0123456789", AZERTY))

    laid = [packing.scan(bureau.office, seal, typed, by=bureau.agent) for _ in range(2)]

    assert [(each.line, each.new) for each in laid] == [(2, True), (2, False)]
    wrong = number[:-1] + str((int(number[-1]) + 1) % 10)
    assert refused(lambda: packing.scan(bureau.office, seal, wrong, by=bureau.agent)).code == (
        "PIECE_NUMBER_WRONG"
    )


def test_a_piece_lies_in_one_bag_and_goes_where_it_is_for(bureau: PouchBureau) -> None:
    first = bureau.packed(pieces=0)
    other = planning.add_bag(bureau.office, by=bureau.chief)
    second = bureau.packed(pieces=0, bag=other)
    here = packing.hand_in(bureau.office, PIECE, by=bureau.agent)
    elsewhere = packing.hand_in(bureau.office, replace(PIECE, destination="LOME"), by=bureau.agent)
    packing.scan(bureau.office, first, here, by=bureau.agent)

    def scan(seal: str, number: str) -> str:
        return refused(lambda: packing.scan(bureau.office, seal, number, by=bureau.agent)).code

    assert scan(second, here) == "PIECE_IN_ANOTHER_BAG"
    assert scan(second, elsewhere) == "PIECE_FOR_ANOTHER"
    assert packing.take_out(bureau.office, first, by=bureau.agent) == here
    assert packing.scan(bureau.office, second, here, by=bureau.agent).new


def test_an_item_added_after_sealing_is_refused(bureau: PouchBureau) -> None:
    late = packing.hand_in(bureau.office, PIECE, by=bureau.agent)
    seal = bureau.closed().sealed.manifest.seal

    assert refused(lambda: packing.scan(bureau.office, seal, late, by=bureau.agent)).code == (
        "BAG_SEALED"
    )
    assert refused(lambda: packing.take_out(bureau.office, seal, by=bureau.agent)).code == (
        "BAG_SEALED"
    )


def test_a_level_above_the_bag_stays_outside(bureau: PouchBureau) -> None:
    seal = packing.begin(
        bureau.office, bureau.departure, bureau.bag, BagClass.RESTRICTED, by=bureau.agent
    )
    number = packing.hand_in(bureau.office, PIECE, by=bureau.agent)

    assert refused(lambda: packing.scan(bureau.office, seal, number, by=bureau.agent)).code == (
        "LEVEL_ABOVE_BAG"
    )


def test_nobody_approves_their_own_sealing_nor_witnesses_what_they_packed(
    bureau: PouchBureau,
) -> None:
    seal = bureau.packed()

    def close(by: str, second: str) -> str:
        error = refused(
            lambda: closing.close(bureau.office, seal, bureau.closure(), by=by, second=second)
        )
        assert error.code == "NOT_ALLOWED"
        return str(error.facts["policies"])

    assert "duties-approver" in close(bureau.chief, bureau.chief)
    assert "duties-witness" in close(bureau.chief, bureau.agent)
    assert close(bureau.agent, bureau.second) == "-"
    with reading(bureau.engine) as connection:
        told = connection.scalars(select(audit.audit_entry.c.record)).all()
    assert sum(b"NOT_ALLOWED" in bytes(record) for record in told) == 3


def test_the_wrong_role_post_level_and_an_ended_mandate_are_refused_by_name(
    bureau: PouchBureau,
) -> None:
    seal = bureau.packed(pieces=0)
    number = packing.hand_in(bureau.office, PIECE, by=bureau.agent)

    def scan(by: str) -> str:
        error = refused(lambda: packing.scan(bureau.office, seal, number, by=by))
        assert error.code == "NOT_ALLOWED"
        return str(error.facts["policies"])

    assert scan(bureau.person("DRAFTER")) == "-"
    assert scan(bureau.person("HEAD-OF-POST", post="LOME")) == "-"
    assert scan(bureau.person("POUCH-AGENT", level="CONFIDENTIEL")) == "lattice-level"
    brief = bureau.person("POUCH-AGENT", days=1)
    assert packing.scan(bureau.office, seal, number, by=brief).new
    bureau.now += timedelta(days=2)
    assert "lattice-window" in scan(brief)
    assert (
        refused(lambda: packing.scan(bureau.office, seal, number, by="OFF-999999")).code
        == "UNKNOWN_OFFICER"
    )


def test_a_seal_is_used_once_and_only_after_it_was_issued(bureau: PouchBureau) -> None:
    bureau.entrust(packages=2)
    bureau.closed()
    other = bureau.packed(bag=planning.add_bag(bureau.office, by=bureau.chief))

    def close(*seals: str) -> str:
        with pytest.raises((ServiceError, Refusal)) as caught:
            closing.close(
                bureau.office, other, bureau.closure(*seals), by=bureau.chief,
                second=bureau.second,
            )  # fmt: skip
        return str(caught.value.code)  # type: ignore[attr-defined]  # both have one

    assert close(bureau.seals[0]) == "SEAL_NUMBER_USED"
    assert close("MX-999999") == "SEAL_NOT_IN_HAND"
    assert close("x") == "SEAL_NUMBERS_MALFORMED"
    balance = seal_store.balance(bureau.office, bureau.seals[2:3], by=bureau.chief)
    assert (balance.issued, balance.applied, balance.in_hand) == (4, 2, 2)
    assert balance.unexplained == bureau.seals[3:4]
    seal_store.void(bureau.office, bureau.seals[3:4], by=bureau.chief, second=bureau.agent)
    assert seal_store.balance(bureau.office, bureau.seals[2:3], by=bureau.chief).balanced


def test_a_closing_that_is_cut_short_is_done_again_whole(
    bureau: PouchBureau, monkeypatch: pytest.MonkeyPatch
) -> None:
    seal = bureau.packed()

    def gone(*_: object) -> None:
        raise OSError("the power went")

    with monkeypatch.context() as patch:
        patch.setattr(signing, "keep", gone)
        with pytest.raises(OSError, match="power"):
            closing.close(
                bureau.office, seal, bureau.closure(), by=bureau.chief, second=bureau.second
            )

    kept = closing.close(
        bureau.office, seal, bureau.closure(), by=bureau.chief, second=bureau.second
    )
    assert kept.sealed.manifest.number.endswith("-000001")
    assert (
        refused(
            lambda: closing.close(
                bureau.office, seal, bureau.closure(), by=bureau.chief, second=bureau.second
            )
        ).code
        == "BAG_SEALED"
    )


def test_the_waybill_says_how_many_bags_there_are_and_stands_once_one_is_sealed(
    bureau: PouchBureau,
) -> None:
    bureau.closed()
    other = bureau.packed(bag=planning.add_bag(bureau.office, by=bureau.chief))

    assert refused(
        lambda: closing.close(
            bureau.office, other, bureau.closure(*bureau.seals[2:]), by=bureau.chief,
            second=bureau.second,
        )
    ).code == "BAGS_ALL_SEALED"  # fmt: skip
    assert refused(lambda: bureau.entrust(packages=2)).code == "WAYBILL_SEALED"
    assert refused(
        lambda: planning.entrust(
            bureau.office, bureau.departure, replace(carriage(1, None), number="?"),
            by=bureau.chief,
        )
    ).code == "WAYBILL_SEALED"  # fmt: skip


def test_one_line_is_shown_without_the_others(bureau: PouchBureau) -> None:
    kept = bureau.closed()
    manifest = kept.sealed.manifest

    item = read_line(prove_line(manifest, 2), kept.sealed.seal.claims.digest)

    assert item.register == "2026/000501"


def test_a_dispatch_marked_for_the_pouch_is_handed_in_once(bureau: PouchBureau) -> None:
    ministry = bureau.ministry
    slip = ministry.slip("MINREX", [("PARIS", 1)], b"envelope", delivery="pouch")
    ministry.submit(slip, b"envelope")

    with reading(bureau.engine) as connection:
        due = handing_in.due_by_pouch(connection, "MINREX")
    assert [(row.dispatch_id, row.post) for row in due] == [(slip.dispatch_id, "PARIS")]

    def take(post: str) -> str:
        return packing.hand_in_dispatch(bureau.office, slip.dispatch_id, post, 300, by=bureau.agent)

    number = take("PARIS")
    assert refused(lambda: take("PARIS")).code == "HANDED_IN_ALREADY"
    assert refused(lambda: take("LOME")).code == "NOT_BY_POUCH"
    laid = packing.scan(bureau.office, bureau.packed(pieces=0), number, by=bureau.agent)
    assert laid.kind == ItemKind.DISPATCH
    with reading(bureau.engine) as connection:
        assert handing_in.due_by_pouch(connection, "MINREX") == []


def test_who_packs_nothing_is_not_told_which_dispatches_there_are(bureau: PouchBureau) -> None:
    slip = bureau.ministry.slip("MINREX", [("PARIS", 1)], b"envelope", delivery="pouch")
    bureau.ministry.submit(slip, b"envelope")
    nowhere = new_id(bureau.now)

    def told(dispatch: str, by: str) -> tuple[str, object]:
        refusal = refused(
            lambda: packing.hand_in_dispatch(bureau.office, dispatch, "PARIS", 300, by=by)
        )
        return refusal.code, refusal.facts

    for other in (bureau.courier, bureau.person("DRAFTER")):
        code, facts = told(slip.dispatch_id, other)
        assert code == "NOT_ALLOWED"
        assert told(nowhere, other) == (code, facts)
    assert told(nowhere, bureau.agent)[0] == "NOT_BY_POUCH"


def test_a_timetable_gives_each_departure_once_and_hand_in_ends_the_eve(
    bureau: PouchBureau,
) -> None:
    with reading(bureau.engine) as connection:
        row = route_book.departure_of(connection, bureau.departure)
    assert row is not None
    cut_off, departs = clock.parse(row.cut_off), clock.parse(row.departs)
    assert cut_off.date() < departs.date()
    bureau.now = cut_off + timedelta(minutes=1)

    assert refused(lambda: bureau.packed(pieces=0)).code == "CUT_OFF_PASSED"


def test_a_route_is_recorded_by_who_may_only(bureau: PouchBureau) -> None:
    drafter = bureau.person("DRAFTER")

    assert (
        refused(lambda: planning.add_route(bureau.office, route("R-2"), by=drafter)).code
        == "NOT_ALLOWED"
    )
    with reading(bureau.engine) as connection:
        assert route_book.route_of(connection, "R-2") is None
