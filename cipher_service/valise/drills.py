"""`valise drill`: an exercise with bags of which some are wrong, and how it went.

Nothing of it touches an identity or a pack of the ministry: its keys follow from its seed.
"""

import re
import secrets
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cipher_service import clock
from cipher_service.client.deciphering import require_empty
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.interruptions import undisturbed
from cipher_service.client.lines import Line, date_text, show_lines
from cipher_service.client.messages import Language, phrase
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import default_scheme
from cipher_service.valise.reading import read_bounded
from cipher_service.valise.sealing import move_in
from keys.endorsement import root_file
from pouch.drill import LASTS, Drill, make_drill
from pouch.drill_marking import (
    FILE_BYTES_MAX,
    Mark,
    Result,
    Share,
    Solution,
    blank_answers,
    mark,
    read_answers,
)
from pouch.errors import AnswerWrong
from pouch.manifest import LINE
from pouch.papers.bag import grouped_fingerprint
from pouch.papers.exercise import percent, result_sheet, station_folder

SOLUTION = "instructor/solution.json"
ANSWERS = "trainee/answers.csv"
_SEED_BYTES = 16
# What is sealed before and after the day has dates of four digits too.
_YEARS = range(2000, 9000)


def new(arguments: Namespace, terminal: Terminal) -> None:
    """Run `valise drill new`."""
    out = Path(arguments.out)
    require_empty(out)
    defects = arguments.bags * 2 // 5 if arguments.defects is None else arguments.defects
    drill = make_drill(
        secrets.token_hex(_SEED_BYTES) if arguments.seed is None else arguments.seed,
        bags=arguments.bags,
        defects=defects,
        at=_day(arguments.date),
    )
    solution = Solution.of(drill)
    files = _files(drill, solution, terminal.language)
    place = out.resolve()
    with TemporaryDirectory(prefix=".valise-", dir=place.parent) as workspace, undisturbed():
        move_in(files, Path(workspace) / "drill", place)
    until = drill.at + LASTS
    if terminal.as_json:
        told = {"folder": str(out), "solution": solution.hash, "until": clock.text(until)}
        terminal.show_json({**told, "bags": arguments.bags, "defects": defects})
        return
    show_lines(
        terminal,
        [
            ("line_drill_bags", f"{arguments.bags} ({defects})"),
            ("line_drill_until", date_text(until, terminal.language)),
            ("line_drill_solution", grouped_fingerprint(solution.hash)),
            ("line_folder", str(out)),
            ("line_drill_key", str(out / SOLUTION)),
        ],
    )
    terminal.say("drill_kept_apart")


def mark_answers(arguments: Namespace, terminal: Terminal) -> None:
    """Run `valise drill mark`."""
    trainee = arguments.trainee
    if trainee is not None and not _is_line(trainee):
        raise Misused("TRAINEE_WRONG")
    solution = Solution.parse(read_bounded(arguments.key, FILE_BYTES_MAX))
    try:
        result = mark(solution, read_answers(read_bounded(arguments.answers, FILE_BYTES_MAX)))
    except AnswerWrong as error:
        raise Refused("ANSWER_WRONG", station=error.station) from error
    if arguments.out is not None:
        made = clock.now().replace(microsecond=0)
        sheet = result_sheet(result, solution, terminal.language, made=made, trainee=trainee)
        write_durably(Path(arguments.out), sheet)
    if terminal.as_json:
        terminal.show_json({**_record(result, solution), "path": arguments.out})
        return
    _show(result, solution, terminal)


def _is_line(text: str) -> bool:
    """Say whether it is one line of text; bytes that are none come as lone surrogates."""
    return LINE.fullmatch(text) is not None and not re.search("[\ud800-\udfff]", text)


def _day(given: str | None) -> datetime:
    """Return the day of the drill: the one given, or today.

    Raises:
        Misused: DRILL_DATE_WRONG.
    """
    if given is None:
        day = clock.now().date()
    else:
        try:
            day = date.fromisoformat(given)
        except ValueError:
            raise Misused("DRILL_DATE_WRONG", given=given) from None
        if day.year not in _YEARS:
            raise Misused("DRILL_DATE_WRONG", given=given)
    return datetime.combine(day, time(), UTC)


def _files(drill: Drill, solution: Solution, language: Language) -> dict[str, bytes]:
    levels = default_scheme().level_names(language)
    files = {
        SOLUTION: solution.encode() + b"\n",
        ANSWERS: blank_answers(solution),
        f"trainee/{drill.card.post}.card": drill.card.to_bytes() + b"\n",
        "trainee/root.json": root_file(drill.root) + b"\n",
        "trainee/pack.json": drill.pack + b"\n",
    }
    for station in drill.stations:
        made = station_folder(drill, station, solution.hash, language, levels)
        files |= {f"trainee/{station.number:02d}/{name}": body for name, body in made.items()}
    return files


def _show(result: Result, solution: Solution, terminal: Terminal) -> None:
    language = terminal.language
    lines: list[Line] = [("line_drill_solution", grouped_fingerprint(solution.hash))]
    lines += [
        (name, _share_text(share, language))
        for name, share in (
            ("line_drill_noticed", result.noticed),
            ("line_drill_named", result.named),
            ("line_drill_acted", result.acted),
            ("line_drill_alarms", result.alarms),
        )
    ]
    for defect, noticed, named in result.kinds:
        counts = phrase(
            "drill_counts",
            language,
            noticed=f"{noticed.hits}/{noticed.of}",
            named=f"{named.hits}/{named.of}",
        )
        lines.append((f"drill_{defect}", counts))
    lines.append(("line_drill_missed", _numbers(result.marks, missed=True)))
    lines.append(("line_drill_alarmed", _numbers(result.marks, missed=False)))
    show_lines(terminal, lines)
    terminal.say("drill_caution")


def _numbers(marks: Sequence[Mark], *, missed: bool) -> str:
    """Return the stations that were missed, or those that were taken for wrong."""
    found = [
        str(number)
        for number, each in enumerate(marks, 1)
        if (each.defect is not None, each.noticed) == (missed, not missed)
    ]
    return ", ".join(found) or "-"


def _share_text(share: Share, language: Language) -> str:
    if share.rate is None or share.interval is None:
        return "-"
    low, high = (percent(end, language) for end in share.interval)
    rate = percent(share.rate, language)
    return phrase(
        "drill_share", language, hits=share.hits, of=share.of, rate=rate, low=low, high=high
    )


def _record(result: Result, solution: Solution) -> dict[str, Any]:
    return {
        "solution": solution.hash,
        "stations": len(result.marks),
        "noticed": _share_record(result.noticed),
        "named": _share_record(result.named),
        "acted": _share_record(result.acted),
        "alarms": _share_record(result.alarms),
        "kinds": [
            {"defect": defect, "noticed": _share_record(noticed), "named": _share_record(named)}
            for defect, noticed, named in result.kinds
        ],
        "marks": [
            {
                "station": number,
                "defect": each.defect,
                "decision": each.answer.act,
                "finding": each.answer.finding,
                "noticed": each.noticed,
                "named": each.named,
                "acted": each.acted,
            }
            for number, each in enumerate(result.marks, 1)
        ],
    }


def _share_record(share: Share) -> dict[str, Any]:
    between = share.interval
    return {
        **asdict(share),
        "rate": None if share.rate is None else round(share.rate, 4),
        "interval_95": None if between is None else [round(end, 4) for end in between],
    }
