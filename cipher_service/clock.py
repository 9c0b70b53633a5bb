"""The only source of time.

Every other module asks here, so that a test or a drill can see where time enters. Values are aware
and in UTC; formats carry whole seconds.
"""

from datetime import UTC, datetime

FORMAT = "%Y-%m-%dT%H:%M:%SZ"


def now() -> datetime:
    """Return the present instant, aware, in UTC, with microseconds."""
    return datetime.now(UTC)


def text(instant: datetime) -> str:
    """Write an aware instant as `2026-11-22T10:34:00Z`.

    Raises:
        ValueError: the instant has no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone has no meaning between posts")
    # `strftime` takes three times as long, and writes the year 987 with three digits.
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse(written: str) -> datetime:
    """Read `2026-11-22T10:34:00Z`, and nothing looser.

    Raises:
        ValueError: any other form, including one that only looks alike.
    """
    instant = datetime.strptime(written, FORMAT).replace(tzinfo=UTC)
    if text(instant) != written:
        raise ValueError("an instant has exactly the form 2026-11-22T10:34:00Z")
    return instant
