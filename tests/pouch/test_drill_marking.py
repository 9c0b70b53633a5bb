"""An exercise is marked: its solution cannot be changed, and few bags do not look certain."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from keys import canonical
from pouch.defects import KINDS, Act, Defect
from pouch.drill import make_drill
from pouch.drill_marking import (
    FILE_BYTES_MAX,
    Answer,
    Answers,
    Mark,
    Share,
    Solution,
    blank_answers,
    mark,
    read_answers,
)
from pouch.errors import AnswersMalformed, AnswersOfAnother, AnswerWrong, SolutionMalformed

SOLUTION = Solution.of(
    make_drill("un mot pour noter", bags=18, defects=14, at=datetime(2026, 11, 27, tzinfo=UTC))
)
RIGHT = tuple(
    Answer(Act.ACCEPT, None)
    if defect is None
    else Answer(KINDS[defect].act, min(KINDS[defect].names))
    for defect in SOLUTION.defects
)


def written(given: tuple[Answer, ...] = RIGHT, delimiter: str = ",") -> str:
    lines = [f"solution{delimiter}{SOLUTION.hash}{delimiter}", "station,decision,finding"]
    lines[1] = lines[1].replace(",", delimiter)
    lines += [
        delimiter.join((str(number), each.act, each.finding or ""))
        for number, each in enumerate(given, 1)
    ]
    return "\r\n".join(lines) + "\r\n"


def as_json(**changes: Any) -> bytes:
    answers = [
        {"station": number, "decision": each.act, "finding": each.finding}
        for number, each in enumerate(RIGHT, 1)
    ]
    whole = {"v": 1, "type": "valise/v1 drill-answers", "solution": SOLUTION.hash}
    return json.dumps({**whole, "answers": answers, **changes}, indent=1).encode()


def test_a_solution_is_read_back_and_anything_else_is_refused() -> None:
    data = SOLUTION.encode()
    assert Solution.parse(data) == Solution.parse(data + b"\n") == SOLUTION
    members = canonical.decode(data)
    station = members["stations"][0]
    for changed in (
        {**members, "v": 2},
        {**members, "stations": []},
        {**members, "stations": [{**station, "defect": "unheard-of"}]},
        {**members, "stations": [{**station, "more": 1}]},
        {**members, "seed": "court"},
        {**members, "more": 1},
    ):
        with pytest.raises(SolutionMalformed):
            Solution.parse(canonical.encode(changed))
    for spoilt in (b"", b"{}", data + b"\n\n", b" " * (FILE_BYTES_MAX + 1)):
        with pytest.raises(SolutionMalformed):
            Solution.parse(spoilt)


@pytest.mark.parametrize(
    "data",
    [
        written().encode(),
        written(delimiter=";").encode(),
        b"\xef\xbb\xbf" + written(delimiter=";").encode(),
        written().replace("\r\n", "\n").replace(",", ' , "', 0).encode(),
        (written() + ",,\r\n\r\n").encode(),
        written().replace(",accept,", ", accept ,").encode(),
        as_json(),
        b"\xef\xbb\xbf " + as_json(),
    ],
    ids=["csv", "semicolons", "mark", "lines", "empty lines", "spaces", "json", "json mark"],
)
def test_answers_are_read_as_spreadsheets_and_scripts_write_them(data: bytes) -> None:
    assert read_answers(data) == Answers(SOLUTION.hash, RIGHT)


def test_the_blank_form_is_filled_in_and_read() -> None:
    blank = blank_answers(SOLUTION).decode()
    with pytest.raises(AnswerWrong) as refused:
        read_answers(blank.encode())
    assert refused.value.station == 1
    filled = blank
    for number, each in enumerate(RIGHT, 1):
        line = f"\n{number},{each.act},{each.finding or ''}\r"
        filled = filled.replace(f"\n{number},,\r", line)
    assert read_answers(filled.encode()).given == RIGHT


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"station,decision,finding\r\n1,accept,\r\n",
        written().replace(SOLUTION.hash, SOLUTION.hash[1:]).encode(),
        written().replace(SOLUTION.hash + ",", f"{SOLUTION.hash},{SOLUTION.hash}").encode(),
        written().replace("station,decision", "poste,decision").encode(),
        (written() + "19,accept\r\n").encode(),
        (written() + '19,"accept,\r\n').encode(),
        b" " * (FILE_BYTES_MAX + 1),
        as_json(v=2),
        as_json(more=1),
        as_json(answers=[]),
        as_json(answers=[{"station": 1, "decision": "accept"}]),
        as_json(answers=[{"station": 1, "decision": "accept", "finding": "a b"}]),
        as_json().replace(b'"v": 1', b'"v": 1, "v": 1'),
        b"{" * 40_000,
        b'{"a":' * 10_000,
    ],
)
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(AnswersMalformed):
        read_answers(data)


@pytest.mark.parametrize(
    ("row", "station"),
    [
        ("2,accept,", 1),
        ("01,accept,", 1),
        ("1,,", 1),
        ("1,ACCEPT,", 1),
        ("1,accepter,", 1),
        ("1,accept,SEAL_EDITED", 1),
        ("1,refuse,SEAL_TORN", 1),
        ("1,refuse,SEAL_GENUINE_BAG_CHECKED", 1),
        ("1,accept,\r\n1,accept,", 2),
        ("1,accept,\r\n3,accept,", 2),
    ],
)
def test_an_answer_that_there_is_not_is_refused_by_its_station(row: str, station: int) -> None:
    head = "\r\n".join(written().split("\r\n")[:2])
    with pytest.raises(AnswerWrong) as refused:
        read_answers(f"{head}\r\n{row}\r\n".encode())
    assert refused.value.station == station


def test_answers_to_another_drill_or_to_fewer_stations_are_refused() -> None:
    other = Solution(SOLUTION.seed, SOLUTION.at, SOLUTION.card, (None,), SOLUTION.seals[:1])
    with pytest.raises(AnswersOfAnother):
        mark(other, Answers(SOLUTION.hash, RIGHT))
    for given, station in ((RIGHT[:-1], 18), ((*RIGHT, RIGHT[0]), 19)):
        with pytest.raises(AnswerWrong) as refused:
            mark(SOLUTION, Answers(SOLUTION.hash, given))
        assert refused.value.station == station


def test_right_answers_are_all_right() -> None:
    result = mark(SOLUTION, Answers(SOLUTION.hash, RIGHT))
    assert result.noticed == result.named == result.acted == Share(14, 14)
    assert result.alarms == Share(0, 4)
    assert [kind for kind, _, _ in result.kinds] == list(Defect)
    assert {kind: each for kind, each, _ in result.kinds}[Defect.SWAPPED] == Share(2, 2)


@pytest.mark.parametrize(
    ("act", "noticed", "alarms", "acted"),
    [(Act.ACCEPT, 0, 0, 0), (Act.REFUSE, 14, 4, 10), (Act.RESERVE, 14, 4, 4)],
)
def test_who_treats_all_bags_alike_gains_nothing(
    act: Act, noticed: int, alarms: int, acted: int
) -> None:
    result = mark(SOLUTION, Answers(SOLUTION.hash, (Answer(act, None),) * 18))
    assert (result.noticed.hits, result.alarms.hits) == (noticed, alarms)
    assert (result.named.hits, result.acted.hits) == (0, acted)


def test_a_wrong_name_is_noticed_and_not_named() -> None:
    found = Mark(Defect.WEIGHT, Answer(Act.RESERVE, "short"))
    assert (found.noticed, found.named, found.acted) == (True, False, True)
    genuine = Mark(None, Answer(Act.ACCEPT, None))
    assert (genuine.noticed, genuine.named, genuine.acted) == (False, False, True)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        # By symmetry.
        (20, 20, 0.8389, 1.0),
    ],
)
def test_an_interval_is_wilson_s(hits: int, of: int, low: float, high: float) -> None:
    between = Share(hits, of).interval
    assert between is not None
    assert between == pytest.approx((low, high), abs=5e-5)


def test_of_nothing_there_is_no_rate() -> None:
    assert Share(0, 0).rate is None
    assert Share(0, 0).interval is None
    assert Share(3, 4).rate == 0.75
