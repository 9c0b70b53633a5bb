"""Weaknesses of components and the documented times for them, on days around the last one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from cipher_service.administration.advisories import Advisory, Affected, Component, Range
from cipher_service.administration.findings import Finding, find
from cipher_service.administration.time_frames import (
    Decisions,
    DecisionsInvalid,
    Waived,
    frames,
    joined,
    read_decisions,
)

JOSE = Component("PyPI", "jose", "3.2")
DAY = date(2026, 10, 1)


def _advisory(
    *names: str, severity: str | None = "high", fixed: str = "3.3", since: date = DAY
) -> Advisory:
    events = [("introduced", "0"), *([("fixed", fixed)] if fixed else [])]
    line = Range("ECOSYSTEM", tuple(events))
    published = datetime(since.year, since.month, since.day, 23, 59, tzinfo=UTC)
    about = Affected("PyPI", "jose", (), (line,))
    return Advisory(frozenset(names), published, severity, (about,))


def _find(
    *advisories: Advisory, today: date = DAY, decisions: Decisions | None = None
) -> list[Finding]:
    return find([JOSE], list(advisories), frames(), decisions or Decisions(), today)


@pytest.mark.parametrize(
    ("severity", "days"),
    [("critical", 7), ("high", 30), ("medium", 90), ("low", 90), (None, 7)],
)
def test_the_time_ends_with_its_last_day(severity: str | None, days: int) -> None:
    last = DAY + timedelta(days=days)
    [due] = _find(_advisory("X-1", severity=severity), today=last)
    assert (due.state, due.until, due.severity) == ("due", last, severity)
    [late] = _find(_advisory("X-1", severity=severity), today=last + timedelta(days=1))
    assert (late.state, late.until) == ("overdue", last)


def test_what_is_used_against_us_has_three_days_from_when_that_is_known() -> None:
    since = date(2026, 10, 5)
    used = Decisions(exploited=(("CVE-1", since), ("CVE-2", DAY)))
    [found] = _find(_advisory("X-1", "CVE-1"), today=since, decisions=used)
    assert (found.state, found.until) == ("due", date(2026, 10, 8))
    [found] = _find(_advisory("X-1", "CVE-1"), today=date(2026, 10, 9), decisions=used)
    assert found.state == "overdue"
    late = Decisions(exploited=(("CVE-1", date(2026, 12, 1)),))
    [found] = _find(_advisory("X-1", "CVE-1"), decisions=late)
    assert found.until == DAY + timedelta(days=30)


def test_records_that_name_each_other_are_one_weakness() -> None:
    records = (
        _advisory("PYSEC-1", "CVE-1", severity=None, fixed="3.4", since=date(2026, 9, 1)),
        _advisory("X-9", severity="low"),
        _advisory("GHSA-2", "OTHER-1", severity="medium", fixed="3.10"),
        _advisory("OTHER-1", "CVE-1", severity="critical"),
        _advisory("GHSA-2", "X-8"),
    )
    other, one = sorted(_find(*records), key=lambda each: len(each.names))
    assert other.names == ("X-9",)
    assert one.names == ("CVE-1", "GHSA-2", "OTHER-1", "PYSEC-1", "X-8")
    assert (one.severity, one.published, one.fixed) == ("critical", date(2026, 9, 1), "3.10")


def test_what_one_record_calls_unrepaired_is_not_repaired() -> None:
    [found] = _find(_advisory("X-1", "CVE-1"), _advisory("X-2", "CVE-1", fixed=""))
    assert found.fixed == ""


def test_what_cannot_be_told_says_so() -> None:
    unclear = Advisory(
        frozenset({"X-1"}), datetime(2026, 10, 1, tzinfo=UTC), "high",
        (Affected("PyPI", "jose", (), ()),),
    )  # fmt: skip
    [found] = _find(unclear)
    assert not found.certain
    assert found.fixed == ""


def test_what_runs_here_in_a_repaired_version_is_not_found() -> None:
    assert _find(_advisory("X-1", fixed="3.2")) == []


def test_what_is_overdue_comes_first_then_what_is_due_sooner() -> None:
    records = (
        _advisory("X-1", severity="low"),
        _advisory("X-2", severity="critical"),
        _advisory("X-3", severity="high"),
    )
    today = DAY + timedelta(days=8)
    assert [each.names[0] for each in _find(*records, today=today)] == ["X-2", "X-3", "X-1"]


WAIVED = Waived("CVE-1", "jose", date(2026, 12, 31), {"fr": "motif", "en": "reason"}, "OFF-000002")


def test_an_exception_holds_until_its_last_day_for_its_part_alone() -> None:
    decisions = Decisions((WAIVED,))
    advisory = _advisory("X-1", "CVE-1")
    [found] = _find(advisory, today=WAIVED.until, decisions=decisions)
    assert (found.state, found.waived) == ("waived", WAIVED)
    [found] = _find(advisory, today=date(2027, 1, 1), decisions=decisions)
    assert (found.state, found.waived) == ("overdue", WAIVED)
    [found] = _find(_advisory("X-1", "CVE-2"), decisions=decisions)
    assert (found.state, found.waived) == ("due", None)
    other = Component("PyPI", "other", "1")
    about = Affected("PyPI", "other", ("1",), ())
    elsewhere = Advisory(advisory.names, advisory.published, "low", (about,))
    [found] = find([other], [elsewhere], frames(), decisions, DAY)
    assert (found.state, found.waived) == ("due", None)


def test_a_ministrys_exception_stands_in_place_of_a_shipped_one() -> None:
    shipped = Waived("X-1", "jose", date(2027, 5, 1), {"fr": "motif", "en": "reason"})
    today = DAY + timedelta(days=60)
    for own, state in ((WAIVED, "waived"), (replace(WAIVED, until=DAY), "overdue")):
        decisions = joined(Decisions((shipped,)), Decisions((own,)))
        [found] = _find(_advisory("X-1", "CVE-1"), today=today, decisions=decisions)
        assert (found.state, found.waived) == (state, own)


DECIDED = b"""
[[exception]]
advisory = "CVE-1"
component = "jose"
until = 2026-12-31
reason = "Sans objet ici."
by = "OFF-000002"

[[exploited]]
advisory = "CVE-2"
since = 2026-10-05
"""


def test_a_ministrys_decisions_are_read_and_stand_beside_the_shipped_ones() -> None:
    told = read_decisions(DECIDED, DAY)
    [waived] = told.waived
    assert (waived.advisory, waived.component, waived.by) == ("CVE-1", "jose", "OFF-000002")
    assert waived.reasons == {"fr": "Sans objet ici.", "en": "Sans objet ici."}
    assert told.exploited == (("CVE-2", date(2026, 10, 5)),)
    both = joined(frames().decisions, told)
    assert [each.advisory for each in both.waived] == ["CVE-2024-23342", "CVE-1"]
    assert read_decisions(b"", DAY) == Decisions()


@pytest.mark.parametrize(
    ("was", "became"),
    [
        (b"2026-12-31", b"2027-10-04"),
        (b"2026-12-31", b"2026-12-31T00:00:00Z"),
        (b"2026-12-31", b'"2026-12-31"'),
        (b'by = "OFF-000002"', b""),
        (b'by = "OFF-000002"', b'by = ""'),
        (b'"Sans objet ici."', b'"  "'),
        (b'"Sans objet ici."', b'"\\u001b[2J"'),
        (b'"Sans objet ici."', b"7"),
        (b"since = 2026-10-05", b"since = 2026-10-05\nsurely = true"),
        (b"[[exploited]]", b"[exploited]"),
        (b"[[exploited]]", b"[[ignored]]"),
        (b"[[exploited]]", b"[[exploited"),
        (b"jose", b"\xff"),
    ],
)
def test_other_decisions_are_refused(was: bytes, became: bytes) -> None:
    assert was in DECIDED
    with pytest.raises(DecisionsInvalid):
        read_decisions(DECIDED.replace(was, became), DAY)


def test_decisions_without_end_are_refused() -> None:
    one = b'[[exploited]]\nadvisory = "CVE-2"\nsince = 2026-10-05\n'
    with pytest.raises(DecisionsInvalid, match="more than 1000"):
        read_decisions(one * 1001, DAY)
    with pytest.raises(DecisionsInvalid, match="bytes"):
        read_decisions(b"#" * (2**20 + 1), DAY)
    with pytest.raises(DecisionsInvalid, match="TOML"):
        read_decisions(b"a = " + b"[" * 100_000, DAY)
