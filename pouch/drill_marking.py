"""How an exercise went: its solution, the answers of who took it, and what they add up to.

The solution is one file, kept by who holds the exercise; its hash stands on every sheet and at the
head of the answers, so that nobody changes it afterwards. A rate of few bags says little: each
comes with the interval that holds the true rate in 95 of 100 cases (Wilson's).
"""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.records import FINGERPRINT, Record
from keys.statements import encode_statement, parse_statement
from pouch.defects import FINDINGS, KINDS, Act, Defect
from pouch.drill import BAGS_MAX, SEED
from pouch.errors import AnswersMalformed, AnswersOfAnother, AnswerWrong, SolutionMalformed
from pouch.manifest import SEAL

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pouch.drill import Drill

FILE_BYTES_MAX: Final = 64 * 1024

_SOLUTION: Final = "valise/v1 drill-solution"
_ANSWERS: Final = "valise/v1 drill-answers"
_HEAD: Final = ["station", "decision", "finding"]
_KEY: Final = "solution"
_NAME: Final = re.compile(r"[A-Za-z_-]{1,40}")
# Of the normal distribution: 95 of 100.
_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Solution:
    """What was wrong where.

    Attributes:
        seed: of the drill.
        at: its day.
        card: fingerprint of the card that sealed.
        defects: of each station in order, None for nothing.
        seals: identifiers of the closings, likewise.
    """

    seed: str
    at: datetime
    card: str
    defects: tuple[Defect | None, ...]
    seals: tuple[str, ...]

    @classmethod
    def of(cls, drill: Drill) -> Solution:
        """Gives the solution of a drill."""
        return cls(
            seed=drill.seed,
            at=drill.at,
            card=drill.card.fingerprint,
            defects=tuple(station.defect for station in drill.stations),
            seals=tuple(station.inside.seal for station in drill.stations),
        )

    def encode(self) -> bytes:
        """The file: canonical JSON, no final newline. Raises SolutionMalformed."""
        return encode_statement(self, _solution_object, _read_solution, SolutionMalformed)

    @classmethod
    def parse(cls, data: bytes) -> Solution:
        """Reads what `encode` gives; one final newline is forgiven.

        Raises:
            SolutionMalformed: anything else.
        """
        if len(data) > FILE_BYTES_MAX:
            raise SolutionMalformed(f"a solution has at most {FILE_BYTES_MAX} bytes")
        return parse_statement(data.removesuffix(b"\n"), _read_solution, SolutionMalformed)

    @property
    def hash(self) -> str:
        """SHA-256 of the file, as it stands on every sheet."""
        return sha256(self.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What was decided at one station, and for which finding."""

    act: Act
    finding: str | None


@dataclass(frozen=True, slots=True)
class Answers:
    """All answers to one drill.

    Attributes:
        solution: hash of the solution that they are to.
        given: for each station in order.
    """

    solution: str
    given: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @property
    def rate(self) -> float | None:
        """Their quotient; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's interval at 95 %; None of nothing."""
        if not self.of:
            return None
        rate, square = self.hits / self.of, _Z * _Z / self.of
        middle = rate + square / 2
        spread = _Z * sqrt((rate * (1 - rate) + square / 4) / self.of)
        low, high = (middle - spread) / (1 + square), (middle + spread) / (1 + square)
        # Rounding must not leave what is possible.
        return (max(0.0, low) if self.hits else 0.0, min(1.0, high) if self.hits < self.of else 1.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """One station, marked.

    Attributes:
        defect: what was wrong; None for nothing.
        answer: what was said.
    """

    defect: Defect | None
    answer: Answer

    @property
    def noticed(self) -> bool:
        """Whether the bag was not simply accepted."""
        return self.answer.act is not Act.ACCEPT

    @property
    def named(self) -> bool:
        """Whether what is wrong was called by its name."""
        return self.defect is not None and self.answer.finding in KINDS[self.defect].names

    @property
    def acted(self) -> bool:
        """Whether what was decided is what is to be done."""
        return self.answer.act is (Act.ACCEPT if self.defect is None else KINDS[self.defect].act)


@dataclass(frozen=True, slots=True)
class Result:
    """What the answers add up to.

    Attributes:
        marks: of each station in order.
        noticed: wrong bags that were not accepted.
        named: wrong bags whose defect was named.
        acted: wrong bags with which the right thing was done.
        alarms: genuine bags that were not accepted.
        kinds: for each kind of defect that was there, how many were noticed and how many named.
    """

    marks: tuple[Mark, ...]
    noticed: Share
    named: Share
    acted: Share
    alarms: Share
    kinds: tuple[tuple[Defect, Share, Share], ...]


def mark(solution: Solution, answers: Answers) -> Result:
    """Marks the answers to a drill.

    Raises:
        AnswersOfAnother: they are to another solution, or one of both was changed since.
        AnswerWrong: there are more or fewer of them than stations.
    """
    if answers.solution != solution.hash:
        raise AnswersOfAnother(f"the answers are to {answers.solution[:16]}")
    given, stations = len(answers.given), len(solution.defects)
    if given != stations:
        raise AnswerWrong(f"{given} answers to {stations} stations", min(given, stations) + 1)
    marks = tuple(map(Mark, solution.defects, answers.given))
    wrong = [each for each in marks if each.defect is not None]
    genuine = [each for each in marks if each.defect is None]
    by_kind = {kind: [each for each in wrong if each.defect is kind] for kind in Defect}
    return Result(
        marks=marks,
        noticed=_share(each.noticed for each in wrong),
        named=_share(each.named for each in wrong),
        acted=_share(each.acted for each in wrong),
        alarms=_share(each.noticed for each in genuine),
        kinds=tuple(
            (kind, _share(each.noticed for each in found), _share(each.named for each in found))
            for kind, found in by_kind.items()
            if found
        ),
    )


def blank_answers(solution: Solution) -> bytes:
    """Gives the file that a trainee fills in: CSV, a line for each station."""
    lines = [[_KEY, solution.hash, ""], _HEAD]
    lines += [[str(number), "", ""] for number in range(1, len(solution.defects) + 1)]
    sink = io.StringIO()
    csv.writer(sink, lineterminator="\r\n").writerows(lines)
    return sink.getvalue().encode("ascii")


def read_answers(data: bytes) -> Answers:
    """Reads the answers to a drill: the CSV file filled in, or JSON.

    The JSON is `{"answers": [{"decision", "finding", "station"}], "solution", "type", "v"}`,
    `finding` being null where nothing is named. A spreadsheet may have put semicolons, a byte order
    mark and white space.

    Raises:
        AnswersMalformed: not of one of both forms.
        AnswerWrong: a station is not where it must be; another decision or finding than there are;
            a bag accepted with a finding.
    """
    if len(data) > FILE_BYTES_MAX:
        raise AnswersMalformed(f"answers have at most {FILE_BYTES_MAX} bytes")
    try:
        if data.removeprefix(BOM_UTF8).lstrip().startswith(b"{"):
            return _read_json(data)
        return _read_csv(data.decode("utf-8-sig"))
    except (ValueError, csv.Error, RecursionError) as error:
        raise AnswersMalformed(str(error)) from error


def _read_json(data: bytes) -> Answers:
    record = Record(canonical.decode_typed(data), "answers")
    record.constant("v", 1)
    record.constant("type", _ANSWERS)
    solution = record.text("solution", FINGERPRINT)
    rows = []
    for item in record.items("answers", least=1, most=BAGS_MAX):
        answer = Record(item, "answer")
        finding = answer.optional_text("finding", _NAME) or ""
        rows.append((str(answer.integer("station")), answer.any_text("decision"), finding))
        answer.close()
    record.close()
    return Answers(solution, _given(rows))


def _read_csv(text: str) -> Answers:
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first else ","
    rows = [
        [cell.strip() for cell in row]
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    ]
    rows = [row for row in rows if any(row)]
    if not rows or rows[0][0] != _KEY or rows[1:2] != [_HEAD]:
        raise ValueError("the answers have not their two first lines")
    key = [cell for cell in rows[0][1:] if cell]
    if len(key) != 1 or not FINGERPRINT.fullmatch(key[0]):
        raise ValueError("the first line has not the hash of the solution")
    if any(len(row) != len(_HEAD) for row in rows[2:]):
        raise ValueError("a line has not three cells")
    return Answers(key[0], _given((row[0], row[1], row[2]) for row in rows[2:]))


def _given(rows: Iterable[tuple[str, str, str]]) -> tuple[Answer, ...]:
    answers: list[Answer] = []
    for station, decision, finding in rows:
        number = len(answers) + 1
        if station != str(number):
            raise AnswerWrong("it is not where it must be", number)
        if decision not in tuple(Act):
            raise AnswerWrong("no such decision", number)
        if finding and (finding not in FINDINGS or decision == Act.ACCEPT):
            raise AnswerWrong("no such finding", number)
        answers.append(Answer(Act(decision), finding or None))
    return tuple(answers)


def _share(hits: Iterable[bool]) -> Share:
    counted = list(hits)
    return Share(sum(counted), len(counted))


def _solution_object(solution: Solution) -> dict[str, Any]:
    return {
        "v": 1,
        "type": _SOLUTION,
        "seed": solution.seed,
        "at": canonical.text_from_time(solution.at),
        "card": solution.card,
        "stations": [
            {"defect": defect, "seal": seal}
            for defect, seal in zip(solution.defects, solution.seals, strict=True)
        ],
    }


def _read_solution(record: Record) -> Solution:
    record.constant("v", 1)
    record.constant("type", _SOLUTION)
    stations = [
        _read_station(Record(item, "station"))
        for item in record.items("stations", least=1, most=BAGS_MAX)
    ]
    solution = Solution(
        seed=record.text("seed", SEED),
        at=record.time("at"),
        card=record.text("card", FINGERPRINT),
        defects=tuple(defect for defect, _ in stations),
        seals=tuple(seal for _, seal in stations),
    )
    record.close()
    return solution


def _read_station(record: Record) -> tuple[Defect | None, str]:
    defect = record.optional_text("defect", _NAME)
    station = None if defect is None else Defect(defect), record.text("seal", SEAL)
    record.close()
    return station
