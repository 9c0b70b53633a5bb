"""The papers of an exercise: what there is to see at a station, and how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pouch.defects import FINDINGS, KINDS, Act
from pouch.papers.bag import EXERCISE, bordereau, exercise_picture, grouped_fingerprint, label
from pouch.papers.printing import Language, render

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pouch.drill import Drill, Station
    from pouch.drill_marking import Answer, Mark, Result, Share, Solution


def station_folder(
    drill: Drill, station: Station, solution: str, language: Language, levels: Mapping[str, str]
) -> dict[str, bytes]:
    """Gives the files of one station by name.

    Args:
        drill: of which it is.
        station: the bag.
        solution: hash of the solution.
        language: of the sheet and the bordereau.
        levels: the level words of the scheme of markings in this language, by code.
    """
    return {
        "label.pdf": label(station.outside, station.text, exercise=True),
        "label.png": exercise_picture(station.outside, station.text),
        "seal.txt": station.text.encode("ascii") + b"\n",
        "bordereau.pdf": bordereau(
            station.inside,
            language,
            issuer=station.inside.waybill.origin,
            levels=levels,
            nonce=station.nonce,
            exercise=True,
        ),
        "sheet.pdf": _sheet(drill, station, solution, language),
    }


def _sheet(drill: Drill, station: Station, solution: str, language: Language) -> bytes:
    found = station.found
    seen = {
        "number": station.number,
        "stations": len(drill.stations),
        "solution": grouped_fingerprint(solution),
        "place": station.inside.waybill.destination,
        "at": found.at,
        "seals": found.seals,
        "condition": found.condition.value,
        "weight_g": found.weight_g,
        "pieces": found.pieces,
        "acts": tuple(act.value for act in Act),
        "findings": FINDINGS,
    }
    return render("exercise", seen, language, made=drill.at, level=EXERCISE)


def result_sheet(
    result: Result, solution: Solution, language: Language, *, made: datetime, trainee: str | None
) -> bytes:
    """Prints how an exercise went.

    Args:
        result: what the answers add up to.
        solution: of the drill.
        language: of the paper.
        made: UTC.
        trainee: who took it; None leaves the name to the pen.
    """
    told = {
        # Short enough to be said: the whole stands beneath.
        "number": solution.hash[:8],
        "solution": grouped_fingerprint(solution.hash),
        "day": solution.at,
        "made": made,
        "trainee": trainee,
        "stations": len(result.marks),
        "figures": tuple(
            {"what": name, **_figure(share, language)}
            for name, share in (
                ("noticed", result.noticed),
                ("named", result.named),
                ("acted", result.acted),
                ("alarms", result.alarms),
            )
        ),
        "kinds": tuple(
            {
                "defect": defect.value,
                "noticed": f"{noticed.hits}/{noticed.of}",
                "named": f"{named.hits}/{named.of}",
            }
            for defect, noticed, named in result.kinds
        ),
        "marks": tuple(_mark(mark) for mark in result.marks),
    }
    return render("exercise-result", told, language, made=made, level=EXERCISE)


def _figure(share: Share, language: Language) -> dict[str, str]:
    between = share.interval
    return {
        "count": f"{share.hits}/{share.of}",
        "rate": "—" if share.rate is None else percent(share.rate, language),
        "interval": "—"
        if between is None
        else " – ".join(percent(end, language) for end in between),
    }


def percent(rate: float, language: Language) -> str:
    """Writes a rate as people read it: no more digits than so few bags can bear."""
    space = "\u00a0" if language == "fr" else ""
    return f"{round(rate * 100)}{space}%"


def _mark(mark: Mark) -> dict[str, str | bool | None]:
    defect = None if mark.defect is None else mark.defect.value
    right = None if mark.defect is None else KINDS[mark.defect].act.value
    return {
        "defect": defect,
        "right": right or Act.ACCEPT.value,
        "said": _said(mark.answer),
        "noticed": mark.noticed,
        "named": mark.named,
        "acted": mark.acted,
    }


def _said(answer: Answer) -> str:
    return answer.act.value if answer.finding is None else f"{answer.act.value}: {answer.finding}"
