"""Which acts need several persons, and whose: one row for each act of ACTS.md §4.

The functions are those of decree 2013/112 and their codes those of the ministry's catalogue. A
seat is filled by one person who holds one of its functions; the first seat is the proposer's, who
signs like the others. An act that only makes things safer has one seat: one person suffices; so
have, below CONFIDENTIEL, the release of a dispatch by another person than its author and a need
to know given to another person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Seat = frozenset[str]
# Whoever is in force, whatever they hold: only for acts that make things safer.
ANYONE: Final[Seat] = frozenset()

_MINUTE: Final = 60
_HOUR: Final = 3600


@dataclass(frozen=True)
class ActRule:
    """What an act demands.

    Attributes:
        seats: rows of (least rank, seats): the last row whose rank the act reaches applies.
        seconds: the longest time between `not_before` and `expires`.
        subject_may: whether the person whom it is about may take part: only to make things safer.
    """

    seats: tuple[tuple[int, tuple[Seat, ...]], ...]
    seconds: int
    subject_may: bool = False

    def seats_at(self, rank: int) -> tuple[Seat, ...]:
        """Gives the seats for an act that touches what has this rank."""
        return [seats for least, seats in self.seats if least <= max(rank, 0)][-1]


def _seat(*functions: str) -> Seat:
    return frozenset(functions)


def _rule(seconds: int, *seats: Seat) -> ActRule:
    return ActRule(((0, seats),), seconds)


# Ranks of the shipped scheme: CONFIDENTIEL is 2, SECRET 3, TRES-SECRET 4.
_PAIR: Final = 2
_SECRET: Final = 3
_TOP: Final = 4

_MINISTER: Final = _seat("MINISTER")
_GENERAL: Final = _seat("SECRETARY-GENERAL")
_CELL: Final = _seat("CHIEF-CNTC")
_SECURITY: Final = _seat("SECURITY-OFFICER")
_A: Final = _seat("CUSTODIAN-A")
_B: Final = _seat("CUSTODIAN-B")
_CIPHER: Final = _seat("CIPHER-CLERK", "POST-CIPHER-CLERK")
_READERS: Final = _seat(
    *("MINISTER", "MINISTER-DELEGATE", "SECRETARY-GENERAL", "DIRECTOR", "DEPUTY-DIRECTOR"),
    *("CHIEF-CIPHER-POUCH", "CIPHER-CLERK", "DRAFTER", "HEAD-OF-POST", "POST-CIPHER-CLERK"),
)
_ORIGINATORS: Final = _seat(
    *("MINISTER", "MINISTER-DELEGATE", "DIRECTOR", "DEPUTY-DIRECTOR", "DRAFTER", "HEAD-OF-POST"),
)
_RELEASERS: Final = _seat(
    "CHIEF-CIPHER-POUCH", "DEPUTY-DIRECTOR", "SECRETARY-GENERAL", "HEAD-OF-POST"
)
_KNOWING: Final = _RELEASERS | _MINISTER
_POUCH: Final = _seat(
    *("CHIEF-POUCH", "POUCH-AGENT", "CHIEF-CIPHER-POUCH", "DEPUTY-DIRECTOR"),
    *("HEAD-OF-POST", "POST-CIPHER-CLERK"),
)

# Who may give the custodian a grant, by its purpose (ACTS.md §6).
GRANT_SEATS: Final[dict[str, Seat]] = {
    "open": _READERS,
    "bag": _POUCH,
    "sign": _CIPHER | _RELEASERS,
    "seal": _POUCH,
    "endorse": _SECURITY | _A | _B,
}

# The shipped scheme, the lowest first: a level's rank is its place.
LEVELS: Final = ("NON-PROTEGE", "DIFFUSION-RESTREINTE", "CONFIDENTIEL", "SECRET", "TRES-SECRET")
SESSION_RANK: Final = 2
"""Up to this rank a session serves; above it each dispatch needs its own grant."""

RULES: Final[dict[str, ActRule]] = {
    # Article 15: the dispatch.
    "dispatch.release": _rule(4 * _HOUR, _CIPHER | _seat("DRAFTER"), _RELEASERS),
    # Below CONFIDENTIEL: by one, who is never its author.
    "dispatch.release-alone": _rule(
        4 * _HOUR, _RELEASERS | _seat("CIPHER-CLERK", "MINISTER", "MINISTER-DELEGATE")
    ),
    "label.lower": ActRule(
        ((0, (_ORIGINATORS, _GENERAL)), (_TOP, (_ORIGINATORS, _MINISTER))), 24 * _HOUR
    ),
    # Article 12: authorisations of access.
    "habilitation.grant": ActRule(
        (
            (0, (_SECURITY, _CELL)),
            (_SECRET, (_SECURITY, _GENERAL)),
            (_TOP, (_SECURITY, _MINISTER)),
        ),
        72 * _HOUR,
    ),
    "function.assign": _rule(24 * _HOUR, _SECURITY, _GENERAL),
    # As a release: by one below CONFIDENTIEL, by two from there up.
    "need.grant": ActRule(
        ((0, (_KNOWING,)), (_PAIR, (_KNOWING, _KNOWING))),
        24 * _HOUR,
    ),
    "officer.admit": _rule(24 * _HOUR, _SECURITY, _GENERAL),
    "officer.rearm": _rule(
        4 * _HOUR,
        _SECURITY,
        _seat("CHIEF-CNTC", "SECRETARY-GENERAL", "DEPUTY-DIRECTOR", "CHIEF-CIPHER-POUCH"),
    ),
    "officer.relink": _rule(
        4 * _HOUR,
        _SECURITY,
        _seat("CHIEF-CNTC", "SECRETARY-GENERAL", "DEPUTY-DIRECTOR", "CHIEF-CIPHER-POUCH"),
    ),
    "officer.own-key": _rule(72 * _HOUR, _READERS, _SECURITY),
    # A freeze takes one and its end takes two, as giving a function does.
    "officer.resume": _rule(24 * _HOUR, _SECURITY, _GENERAL),
    "officer.revoke": ActRule(((0, (ANYONE,)),), _HOUR, subject_may=True),
    # Article 12: cryptography.
    "key.destroy": _rule(24 * _HOUR, _A, _B, _CELL | _GENERAL),
    "key.keep": _rule(24 * _HOUR, _A | _B, _CELL | _GENERAL),
    "policy.change": _rule(24 * _HOUR, _CELL, _GENERAL | _MINISTER),
    # Article 15: the pouch.
    "pouch.seal": _rule(15 * _MINUTE, _POUCH, _POUCH),
    "pouch.open": _rule(15 * _MINUTE, _POUCH, _POUCH),
    "pouch.discharge": _rule(15 * _MINUTE, _POUCH, _POUCH),
    "pouch.find": _rule(15 * _MINUTE, _POUCH, _POUCH),
    "pouch.stock": _rule(15 * _MINUTE, _POUCH, _POUCH),
}
