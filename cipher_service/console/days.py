"""A day that somebody typed: its forms, and where it begins and ends."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from cipher_service import clock
from cipher_service.errors import ServiceError

_FORMS: Final = {
    "%d/%m/%Y": re.compile(r"[0-9]{2}/[0-9]{2}/[12][0-9]{3}"),
    "%Y-%m-%d": re.compile(r"[12][0-9]{3}-[0-9]{2}-[0-9]{2}"),
}
"""How a day is spelt: as fields state it (`templates/_days.html`), and as programs do."""


def instant_of(day: str) -> datetime | None:
    """Return the instant at which a day that was typed begins; None when it is no day."""
    for form, spelt in _FORMS.items():
        if spelt.fullmatch(day):
            try:
                return datetime.strptime(day, form).replace(tzinfo=UTC)
            except ValueError:
                return None
    return None


def begin_of(day: str) -> datetime:
    """Return the instant at which a day begins. Raises ServiceError DAY_MALFORMED."""
    begins = instant_of(day)
    if begins is None:
        raise ServiceError("DAY_MALFORMED", given=day[:20])
    return begins


def start_of(day: str) -> str:
    """Return the instant at which a day begins, as the registrar reads it; empty for none.

    Raises:
        ServiceError: DAY_MALFORMED.
    """
    return clock.text(begin_of(day)) if day else ""


def end_of(day: str) -> str:
    """Return the instant at which a day ends, as the registrar reads it; empty for none.

    Raises:
        ServiceError: DAY_MALFORMED.
    """
    return clock.text(begin_of(day) + timedelta(days=1)) if day else ""
