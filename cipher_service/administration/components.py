"""`cipher-service components`: other people's parts held against the advisories that are known.

Needs no data folder and no network: advisories come as files, and what is judged is what is
installed here, by Python's own record of it, and what was built into the console's scripts.
"""

import json
from argparse import Namespace
from datetime import date, timedelta
from importlib.metadata import distributions
from importlib.resources import files
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from cipher_service import clock
from cipher_service.administration.advisories import (
    AdvisoriesUnreadable,
    Collected,
    Component,
    collect,
)
from cipher_service.administration.findings import OVERDUE, WAIVED, Finding, find
from cipher_service.administration.time_frames import (
    LARGEST_FILE,
    Decisions,
    DecisionsInvalid,
    Frames,
    frames,
    joined,
    read_decisions,
)
from cipher_service.administration.words import Speaker, phrase
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal

OWN = "cipher-service"


def components(arguments: Namespace, terminal: Terminal) -> None:
    """Tell each weakness of a part, its last day, and whether the documented times were kept.

    Raises:
        Misused: ADVISORIES_UNREADABLE, DECISIONS_UNREADABLE.
        Refused: COMPONENTS_OVERDUE, ADVISORIES_OLD, ADVISORIES_LACKING, ASSETS_UNLISTED.
    """
    today = clock.now().date()
    times = frames()
    decisions = joined(times.decisions, _decided(arguments.decisions, today))
    parts = installed() + built_in()
    asked = frozenset((part.ecosystem, part.name) for part in parts)
    try:
        known = collect([Path(path) for path in arguments.advisories], asked)
    except AdvisoriesUnreadable as error:
        raise Misused("ADVISORIES_UNREADABLE", problem=str(error)) from error
    found = find(parts, known.advisories, times, decisions, today)
    raise_by = times.raised + timedelta(days=times.days["parts"])
    if terminal.as_json:
        terminal.show_json(_facts(parts, known, found, times, raise_by))
    else:
        _tell(terminal, parts, known, found, raise_by)
    _refuse(parts, known, found, times, today)


def installed() -> list[Component]:
    """Return every distribution that this very Python can load, by name."""
    versions: dict[str, str] = {}
    for each in distributions():
        # The first on the path is the one that is loaded.
        versions.setdefault(canonicalize_name(each.metadata["Name"]), each.version)
    versions.pop(OWN, None)
    return [Component("PyPI", name, version) for name, version in sorted(versions.items())]


def built_in() -> list[Component]:
    """Return the packages whose code is in the console's scripts, as the build wrote them down.

    Raises:
        Refused: ASSETS_UNLISTED: an earlier build did not.
    """
    try:
        text = files("cipher_service.console").joinpath("static/components.json").read_text("utf-8")
    except FileNotFoundError as error:
        raise Refused("ASSETS_UNLISTED") from error
    told: dict[str, str] = json.loads(text)
    return [Component("npm", name, version) for name, version in sorted(told.items())]


def _decided(path: str | None, today: date) -> Decisions:
    if path is None:
        return Decisions()
    with Path(path).open("rb") as file:
        data = file.read(LARGEST_FILE + 1)
    try:
        return read_decisions(data, today)
    except DecisionsInvalid as error:
        raise Misused("DECISIONS_UNREADABLE", problem=str(error)) from error


def _refuse(
    parts: list[Component], known: Collected, found: list[Finding], times: Frames, today: date
) -> None:
    """Raise what was found, the worst first; some advisories alone are no monthly check."""
    overdue = sum(each.state == OVERDUE for each in found)
    if overdue:
        raise Refused("COMPONENTS_OVERDUE", count=overdue)
    if not known.whole:
        return
    if today > times.raised + timedelta(days=times.days["parts"]):
        raise Refused("PARTS_OLD", day=str(times.raised), days=times.days["parts"])
    for ecosystem in sorted({part.ecosystem for part in parts}):
        least, count = times.least[ecosystem], known.records[ecosystem]
        if count < least:
            raise Refused("ADVISORIES_LACKING", ecosystem=ecosystem, count=count, least=least)
        newest = known.newest[ecosystem].date()
        if today - newest > timedelta(days=times.days["advisories"]):
            days = times.days["advisories"]
            raise Refused("ADVISORIES_OLD", ecosystem=ecosystem, day=str(newest), days=days)


def _tell(
    terminal: Terminal,
    parts: list[Component],
    known: Collected,
    found: list[Finding],
    raise_by: date,
) -> None:
    speaker = Speaker(terminal)
    for ecosystem in sorted({part.ecosystem for part in parts}):
        newest = known.newest.get(ecosystem)
        speaker.show(
            "components_of",
            ecosystem=ecosystem,
            parts=sum(part.ecosystem == ecosystem for part in parts),
            records=known.records[ecosystem],
            newest="-" if newest is None else str(newest.date()),
        )
    speaker.show("components_raise", day=str(raise_by))
    for finding in found:
        terminal.show(_line(finding, terminal))
    if not found:
        speaker.show("components_clean")
    if not known.whole:
        speaker.say("components_some")


def _line(finding: Finding, terminal: Terminal) -> str:
    def said(name: str, **facts: str | int) -> str:
        return phrase(name, terminal.language, **facts)

    part, waived = finding.component, finding.waived
    lines = [
        said(
            "component_weak",
            component=f"{part.name} {part.version}",
            names=", ".join(finding.names),
            severity=said(f"severity_{finding.severity or 'unknown'}"),
            published=str(finding.published),
        ),
        said(f"component_{finding.state}", until=str(finding.until)),
        said("component_fixed", version=finding.fixed) if finding.fixed else said("component_none"),
    ]
    if not finding.certain:
        lines.append(said("component_unclear"))
    if waived is not None:
        name = "component_exception" if finding.state == WAIVED else "component_exception_ended"
        reason = waived.reasons[terminal.language]
        lines.append(said(name, until=str(waived.until), reason=reason, by=waived.by or OWN))
    return "\n  ".join(lines)


def _facts(
    parts: list[Component],
    known: Collected,
    found: list[Finding],
    times: Frames,
    raise_by: date,
) -> dict[str, Any]:
    ecosystems = sorted({part.ecosystem for part in parts})
    return {
        "complete": known.whole,
        "frames": times.days,
        "raised": str(times.raised),
        "raise_by": str(raise_by),
        "advisories": {
            ecosystem: {
                "records": known.records[ecosystem],
                "newest": clock.text(known.newest[ecosystem])
                if ecosystem in known.newest
                else None,
            }
            for ecosystem in ecosystems
        },
        "components": [
            {"ecosystem": part.ecosystem, "name": part.name, "version": part.version}
            for part in parts
        ],
        "findings": [
            {
                "ecosystem": each.component.ecosystem,
                "name": each.component.name,
                "version": each.component.version,
                "advisories": list(each.names),
                "severity": each.severity,
                "certain": each.certain,
                "fixed": each.fixed or None,
                "published": str(each.published),
                "until": str(each.until),
                "state": each.state,
                "exception": None
                if each.waived is None
                else {
                    "until": str(each.waived.until),
                    "by": each.waived.by or OWN,
                    **each.waived.reasons,
                },
            }
            for each in found
        ],
    }
