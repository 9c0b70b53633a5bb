"""References that people read aloud and programs sort: register numbers, dispatch ids, epochs."""

import re
import secrets
from datetime import datetime

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_REGISTER = re.compile(r"([0-9]{4})/([0-9]{6,9})")
INCARNATIONS = 100
# Incarnation of week 1: a year has 53 weeks at most, and after a restore in the last of them eight
# more must find an epoch; what is below belongs to editions.
_FIRST_WEEK = INCARNATIONS - 53 - 8


def register_number(year: int, number: int) -> str:
    """Write a register number (cote): `2026/000123`."""
    return f"{year:04d}/{number:06d}"


def parse_register_number(written: str) -> tuple[int, int]:
    """Read `2026/000123` as (2026, 123).

    Raises:
        ValueError: any other form.
    """
    match = _REGISTER.fullmatch(written)
    if match is None or register_number(int(match[1]), int(match[2])) != written:
        raise ValueError("a register number has the form 2026/000123")
    return int(match[1]), int(match[2])


def new_id(now: datetime) -> str:
    """Return a new ULID: 48 bits of milliseconds, 80 random bits, 26 Crockford signs.

    Ids made later sort later (to the millisecond), which keeps database indexes compact.
    """
    value = int(now.timestamp() * 1000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    return "".join(_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5))


def restored_epoch(now: datetime) -> int:
    """Return the epoch that a restore from a backup opens, unless a later one is known.

    It is that of the week, above what editions use: two restores of one backup in different weeks
    differ by it, whatever was lost in between.
    """
    return series_epoch(now.year, _FIRST_WEEK + (now.timetuple().tm_yday - 1) // 7)


def series_epoch(year: int, incarnation: int = 0) -> int:
    """Return the epoch of a series: 202600 in 2026, 202601 after a restore from a backup.

    Raises:
        ValueError: the incarnation is not from 0 to 99.
    """
    if not 0 <= incarnation < INCARNATIONS:
        raise ValueError("a year has at most 100 incarnations")
    return year * INCARNATIONS + incarnation
