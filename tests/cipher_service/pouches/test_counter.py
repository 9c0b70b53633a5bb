"""A machine at headquarters' counter: what it does, in whose name, and that it seals nothing."""

from pathlib import Path
from typing import Any

import pytest

from cipher_service.api.problems import TABLE
from cipher_service.errors import ServiceError, filled
from cipher_service.pouches import handing_in, packing, repository
from cipher_service.pouches.counter import OFFICERS_ALONE, Counter, command
from cipher_service.pouches.handing_in import Piece
from cipher_service.pouches.office_commands import PouchOfficeDesk
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.clock import system_clock
from keys.custody.core import Custody
from keys.custody.log_keys import HeadInMemory
from keys.custody.officers import Officers
from keys.custody.roll_file import RollFile
from pouch.locator import locator
from pouch.manifest import BagClass
from tests.support.ministry import HEADQUARTERS, custody
from tests.support.office import PIECE, PouchBureau
from tests.support.sample_roll import founded_roll
from tests.support.signing_in import PARTY, SITE


@pytest.fixture
def counter(bureau: PouchBureau) -> Counter:
    desk = PouchOfficeDesk(custody(), HEADQUARTERS, now=lambda: bureau.now)
    return Counter(desk, HEADQUARTERS)


def test_a_machine_lays_pieces_in_takes_them_out_counts_and_reports(
    bureau: PouchBureau, counter: Counter
) -> None:
    handlers = counter.handlers()

    def act(name: str, officer: str = bureau.agent, **told: object) -> Any:
        payload = {"caller": HEADQUARTERS, "officer": officer, "told": told}
        with unit_of_work(bureau.engine) as connection:
            return handlers[command(name)](connection, payload)

    seal = packing.begin(
        bureau.office, bureau.departure, bureau.bag, BagClass.SECRET, by=bureau.agent
    )
    number = packing.hand_in(bureau.office, PIECE, by=bureau.agent)
    assert act("scan", seal=seal, number=number)["new"] is True
    assert act("scan", seal=seal, number=number)["new"] is False
    assert act("take-out", seal=seal)["number"] == number
    with pytest.raises(ServiceError) as refused:
        act("scan", officer=bureau.courier, seal=seal, number=number)
    assert refused.value.code == "NOT_ALLOWED"
    with reading(bureau.engine) as connection:
        assert repository.lines_of(connection, seal) == []

    counted = act("count", departure=bureau.departure, locators=[locator(bureau.bag)], place=None)
    assert (counted["missing"], counted["over"]) == ([], [seal])
    assert len(act("report", seal=seal, kind="bag-damaged")["cases"]) == 1
    with pytest.raises(ServiceError) as refused:
        act("count", departure=bureau.departure, locators=["1234"], place=None)
    assert refused.value.code == "LOCATOR_WRONG"


def test_before_a_custodian_with_officers_a_machine_lays_nothing_in_and_is_told_why(
    bureau: PouchBureau, tmp_path: Path
) -> None:
    """It takes in and counts as before; what it laid in while nothing was founded it may name."""
    seal = bureau.packed(1)
    (tmp_path / "roll").mkdir(mode=0o700)
    roll = RollFile(tmp_path / "roll", b"0" * 64)
    roll.write(founded_roll([], PARTY, SITE.policy))
    keys = custody()
    founded = Custody(keys.service, keys.secret, HeadInMemory(), Officers(roll, system_clock))
    desk = PouchOfficeDesk(founded, HEADQUARTERS, now=lambda: bureau.now)
    handlers = Counter(desk, HEADQUARTERS).handlers()

    def act(name: str, officer: str = bureau.agent, **told: object) -> Any:
        payload = {"caller": HEADQUARTERS, "officer": officer, "told": told}
        with unit_of_work(bureau.engine) as connection:
            return handlers[command(name)](connection, payload)

    piece = {name: getattr(PIECE, name) for name in Piece.__slots__ if name != "dispatch"}
    number = act("hand-in", **piece)["number"]
    with pytest.raises(ServiceError) as refused:
        act("scan", seal=seal, number=number)
    assert refused.value.code == "LAYING_NEEDS_OFFICER"
    row = TABLE["LAYING_NEEDS_OFFICER"]
    assert row.status == 403
    for words in (row.fr, row.en):
        assert filled(words.detail, refused.value.facts).count(number) == 1
    with reading(bureau.engine) as connection:
        (line,) = repository.lines_of(connection, seal)
        waiting = handing_in.piece_of(connection, number)
        before = handing_in.laid_as(connection, seal, line.line)
    assert (waiting.seal, waiting.line) == (None, None), "the piece still waits"
    assert act("scan", seal=seal, number=before)["new"] is False
    with pytest.raises(ServiceError, match="NOT_ALLOWED"):
        act("scan", officer=bureau.courier, seal=seal, number=number)
    assert len(act("report", seal=seal, kind="bag-damaged")["cases"]) == 1


@pytest.mark.parametrize("name", sorted(OFFICERS_ALONE))
def test_what_binds_the_ministry_is_an_officers(
    bureau: PouchBureau, counter: Counter, name: str
) -> None:
    handler = counter.handlers()[command(name)]
    with unit_of_work(bureau.engine) as connection, pytest.raises(ServiceError) as refused:
        handler(connection, {"caller": HEADQUARTERS})
    assert refused.value.code == "OFFICER_NEEDED"


def test_headquarters_machines_take_no_device_in_and_close_no_bag_by_devices(
    counter: Counter, bureau: PouchBureau
) -> None:
    """A device's signature counts as its officer's word: headquarters' come from officers."""
    told: list[str] = []
    names = ("pouch_device", "pouch_begin", "pouch_line", "pouch_seal", "pouch_events")
    acts = {name: lambda _connection, _payload, name=name: told.append(name) for name in names}
    closed = counter.for_officers(acts)
    with reading(bureau.engine) as connection:
        for name in names[:-1]:
            member = "post" if name == "pouch_device" else "caller"
            with pytest.raises(ServiceError) as refused:
                closed[name](connection, {member: HEADQUARTERS})
            assert refused.value.code == "OFFICER_NEEDED"
            closed[name](connection, {member: "PARIS"})
        closed["pouch_events"](connection, {"caller": HEADQUARTERS})
    assert told == list(names)
