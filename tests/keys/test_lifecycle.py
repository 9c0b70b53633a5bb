"""Every state, every move, every permission of a key version: the table written out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, product

import pytest

from keys import canonical, lifecycle
from keys.lifecycle import (
    ARCHIVE,
    PROTECTS,
    RESCUES,
    STATES,
    TRAFFIC,
    TRANSITIONS,
    KeyNotUsable,
    KeyTransitionIllegal,
    KeyVersion,
    current,
    read_version,
    successor,
)
from keys.records import Record

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# Rows: from; columns: to, in the order of STATES. Written from SP 800-57 part 1 rev. 5, figure 3.
LEGAL = {
    "pre-activation": ".A..CX",
    "active": "..SDCX",
    "suspended": ".A.DCX",
    "deactivated": "....CX",
    "compromised": ".....X",
    "destroyed": "......",
}

# protects, rescues
MAY = {
    "pre-activation": "..",
    "active": "yy",
    "suspended": "..",
    "deactivated": ".y",
    "compromised": ".y",
    "destroyed": "..",
}
# The shortest way to each state.
WAY = {
    "pre-activation": (),
    "active": ("active",),
    "suspended": ("active", "suspended"),
    "deactivated": ("active", "deactivated"),
    "compromised": ("compromised",),
    "destroyed": ("destroyed",),
}


def version(*states: str, end_of_life: str = TRAFFIC, number: int = 1) -> KeyVersion:
    made = KeyVersion(
        "bureau/MINREX", number, f"{number:064x}", end_of_life, START, START + 366 * DAY
    )
    for at, state in enumerate(states):
        made = made.moved(state, at=START + at * HOUR, reason="essai")
    return made


@pytest.mark.parametrize(("before", "after"), list(product(STATES, STATES)))
def test_a_move_is_legal_exactly_where_the_table_says(before: str, after: str) -> None:
    begun = version(*WAY[before])
    assert begun.state == before
    if LEGAL[before][STATES.index(after)] == ".":
        with pytest.raises(KeyTransitionIllegal):
            begun.moved(after, at=START + DAY, reason="essai")
    else:
        assert begun.moved(after, at=START + DAY, reason="essai").state == after
    assert (after in TRANSITIONS[before]) is (LEGAL[before][STATES.index(after)] != ".")


@pytest.mark.parametrize("state", STATES)
def test_a_state_permits_exactly_what_it_may(state: str) -> None:
    for permitted, states in zip(MAY[state], (PROTECTS, RESCUES), strict=True):
        if permitted == "y":
            version(*WAY[state]).require(states)
        else:
            with pytest.raises(KeyNotUsable):
                version(*WAY[state]).require(states)


def test_nothing_comes_back_from_compromise_or_destruction() -> None:
    def reachable(state: str, seen: frozenset[str] = frozenset()) -> frozenset[str]:
        new = TRANSITIONS[state] - seen
        return new.union(*(reachable(each, seen | new) for each in new))

    assert reachable("compromised") == {"destroyed"}
    assert reachable("destroyed") == frozenset()
    assert "active" not in reachable("deactivated")


def test_a_clock_set_back_rewrites_no_history() -> None:
    suspended = version("active", "suspended")
    with pytest.raises(KeyTransitionIllegal):
        suspended.moved("active", at=START, reason="essai")


def test_one_version_of_a_key_protects_at_a_time() -> None:
    versions: tuple[KeyVersion, ...] = ()
    for number in range(1, 5):
        new = version(number=number)
        versions = successor(versions, new, at=START + number * DAY, act=None, reason="rotation")
        assert [each.state for each in versions].count("active") == 1
        assert current(versions) == versions[-1]
    for before, after in pairwise(versions):
        assert before.since == after.history[0].at
    with pytest.raises(KeyTransitionIllegal):
        successor(versions, version(number=9), at=START + 9 * DAY, act=None, reason="rotation")


def test_a_compromised_version_stays_so_when_the_next_one_comes() -> None:
    lost = version("active", "compromised")
    after = successor((lost,), version(number=2), at=START + DAY, act=None, reason="rotation")
    assert [each.state for each in after] == ["compromised", "active"]


@pytest.mark.parametrize(
    ("states", "at", "said"),
    [
        (("active",), START + 300 * DAY, None),
        (("active",), START + 330 * DAY, "expiring"),
        (("active",), START + 366 * DAY - 36 * DAY - 14 * HOUR - 25 * MINUTE, None),
        (("active",), START + 366 * DAY - 36 * DAY - 14 * HOUR - 24 * MINUTE, "expiring"),
        (("active",), START + 366 * DAY, "expired"),
        (("active", "suspended"), START + 366 * DAY, None),
        (("active", "deactivated"), START + 12 * HOUR, None),
        (("active", "deactivated"), START + 13 * HOUR, "destroy"),
        (("active", "compromised"), START + 13 * HOUR, "destroy"),
        (("active", "destroyed"), START + 366 * DAY, None),
    ],
)
def test_warnings_come_in_time(states: tuple[str, ...], at: datetime, said: str | None) -> None:
    assert version(*states).warning(at) == said


def test_a_long_period_warns_sixty_days_before_its_end() -> None:
    whole = replace(version("active"), ends=START + 1096 * DAY)
    assert whole.warning(START + 1036 * DAY - MINUTE) is None
    assert whole.warning(START + 1036 * DAY) == "expiring"


def test_an_archive_key_rests_before_it_goes_and_a_traffic_key_does_not() -> None:
    traffic, archive = (version("active", "deactivated", end_of_life=e) for e in (TRAFFIC, ARCHIVE))
    assert traffic.destroyable_from(START + DAY) == START + DAY
    assert archive.destroyable_from(START + DAY) == START + 31 * DAY
    assert archive.warning(START + 300 * DAY) is None


def test_a_version_is_written_and_read_back() -> None:
    for way in WAY.values():
        whole = version(*way, end_of_life=ARCHIVE)
        data = canonical.encode(whole.to_object())
        assert read_version(Record(canonical.decode(data), "version")) == whole


def test_a_version_is_read_as_it_was_written_and_no_longer() -> None:
    assert version().uses == 0
    for place in ("version", "move"):
        more = version("active").to_object()
        (more if place == "version" else more["history"][0]).update(more=1)
        with pytest.raises(ValueError, match="more"):
            read_version(Record(more, "version"))
    moves = version("active").to_object()["history"]
    turns = [{**moves[0], "to": ("suspended", "active")[turn % 2]} for turn in range(64)]
    for count, fits in ((63, True), (64, False)):
        long = version("active").to_object() | {"history": [*moves, *turns[:count]]}
        if fits:
            assert len(read_version(Record(long, "version")).history) == 64
            continue
        with pytest.raises(ValueError, match="history"):
            read_version(Record(long, "version"))


def test_an_impossible_history_is_not_read() -> None:
    forged = version("active").to_object()
    forged["history"] = [*forged["history"], {**forged["history"][0], "to": "pre-activation"}]
    with pytest.raises(KeyTransitionIllegal):
        read_version(Record(forged, "version"))
    endless = version("active").to_object() | {"ends": version().to_object()["starts"]}
    with pytest.raises(ValueError, match="cryptoperiod"):
        read_version(Record(endless, "version"))
    backwards = version("active", "compromised").to_object()
    backwards["history"] = [*backwards["history"], {**backwards["history"][0], "to": "active"}]
    with pytest.raises(KeyTransitionIllegal):
        read_version(Record(backwards, "version"))


def test_the_module_names_every_state_once() -> None:
    assert len(set(STATES)) == len(STATES) == len(lifecycle.TRANSITIONS) == 6
