"""Which weaknesses the components here have, and whether the documented time for them has passed.

Records that name each other are one weakness: the worst severity told holds, the earliest day on
which one of them was published, and the version that all of them call fixed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from cipher_service.administration import severities
from cipher_service.administration.advisories import Advisory, Component
from cipher_service.administration.affecting import Verdict, judge, later
from cipher_service.administration.time_frames import Decisions, Frames, Waived

OVERDUE: Final = "overdue"
DUE: Final = "due"
WAIVED: Final = "waived"


@dataclass(frozen=True, slots=True)
class Finding:
    """A weakness of a component.

    Attributes:
        component: what has it.
        names: of the advisories.
        severity: one of `severities.LEVELS`; None where nothing readable says it.
        certain: False where no advisory can be held against the version that runs here.
        fixed: the first version without it, empty where none is named.
        published: the day on which it became known.
        until: the last day to remedy it.
        state: `overdue`, `due` or `waived`.
        waived: the exception, also one that has ended.
    """

    component: Component
    names: tuple[str, ...]
    severity: str | None
    certain: bool
    fixed: str
    published: date
    until: date
    state: str
    waived: Waived | None


def find(
    components: Iterable[Component],
    advisories: list[Advisory],
    frames: Frames,
    decisions: Decisions,
    today: date,
) -> list[Finding]:
    """Return every weakness of the components, what is overdue first, then by its last day."""
    weaknesses = _joined(advisories)
    found = [
        finding
        for component in components
        for weakness in weaknesses
        if (finding := _finding(component, weakness, frames, decisions, today)) is not None
    ]
    return sorted(found, key=lambda each: (each.state != OVERDUE, each.until, each.names))


def _joined(advisories: list[Advisory]) -> list[list[Advisory]]:
    """Put those together that share a name, over any number of steps."""
    groups: list[tuple[set[str], list[Advisory]]] = []
    for advisory in advisories:
        names, members = set(advisory.names), [advisory]
        apart = []
        for group in groups:
            if group[0] & names:
                names |= group[0]
                members += group[1]
            else:
                apart.append(group)
        groups = [*apart, (names, members)]
    return [members for _, members in groups]


def _finding(
    component: Component,
    weakness: list[Advisory],
    frames: Frames,
    decisions: Decisions,
    today: date,
) -> Finding | None:
    verdicts = [
        verdict
        for advisory in weakness
        for about in advisory.affected
        if (about.ecosystem, about.name) == (component.ecosystem, component.name)
        if (verdict := judge(component, about)).concerned
    ]
    if not verdicts:
        return None
    names = frozenset[str]().union(*(advisory.names for advisory in weakness))
    severity = severities.worst(advisory.severity for advisory in weakness)
    published = min(advisory.published for advisory in weakness).date()
    until = published + timedelta(days=frames.days[severity or "critical"])
    for name, since in decisions.exploited:
        if name in names:
            until = min(until, since + timedelta(days=frames.days["exploited"]))
    waived = _exception(component, names, decisions)
    state = DUE if today <= until else OVERDUE
    if waived is not None and today <= waived.until:
        state = WAIVED
    return Finding(
        component,
        tuple(sorted(names)),
        severity,
        any(verdict.certain for verdict in verdicts),
        _fixed(component, verdicts),
        published,
        until,
        state,
        waived,
    )


def _exception(component: Component, names: frozenset[str], decisions: Decisions) -> Waived | None:
    """Return the exception that lasts longest; one of the ministry's before any that is shipped."""
    mine = [
        each
        for each in decisions.waived
        if each.component == component.name and each.advisory in names
    ]
    own = [each for each in mine if each.by]
    return max(own or mine, key=lambda each: each.until, default=None)


def _fixed(component: Component, verdicts: list[Verdict]) -> str:
    """Return the version that every advisory with a certain word calls fixed."""
    told = [verdict.fixed for verdict in verdicts if verdict.certain]
    if not told:
        return ""
    first, *rest = told
    for each in rest:
        first = later(component.ecosystem, first, each)
    return first
