from datetime import UTC, datetime, timedelta, timezone

import pytest

from cipher_service import clock


def test_now_is_aware_and_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta(0)


def test_an_instant_is_written_in_utc_whatever_its_zone() -> None:
    instant = datetime(2026, 11, 22, 11, 34, tzinfo=timezone(timedelta(hours=1)))
    assert clock.text(instant) == "2026-11-22T10:34:00Z"
    assert clock.parse("2026-11-22T10:34:00Z") == instant


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        clock.text(datetime(2026, 11, 22, tzinfo=UTC).replace(tzinfo=None))


@pytest.mark.parametrize(
    "written",
    ["2026-11-22", "2026-11-22T10:34:00", "2026-11-22T10:34:00+00:00", "2026-1-22T10:34:00Z", ""],
)
def test_nothing_looser_is_read(written: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        clock.parse(written)
