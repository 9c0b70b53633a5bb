"""The life of a key version: SP 800-57 states, legal moves, what each state permits, warnings.

Pure: no clock, no disk. A key has versions; a version has one state at a time and a history of
dated moves. What a state permits follows NIST SP 800-57 part 1 rev. 5, §7: only an active version
protects anything new; a deactivated one still processes what was protected; a suspended one does
neither until it is resumed or ended; a compromised one processes only to rescue what it protected;
a destroyed one is a record.

    version = KeyVersion(key, 1, TRAFFIC, starts, ends)
    version = version.moved(ACTIVE, at=now, act=act_id)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from keys.canonical import text_from_time
from keys.errors import Refusal
from keys.records import FINGERPRINT, ULID, Record

if TYPE_CHECKING:
    from datetime import datetime

PRE_ACTIVATION: Final = "pre-activation"
ACTIVE: Final = "active"
SUSPENDED: Final = "suspended"
DEACTIVATED: Final = "deactivated"
COMPROMISED: Final = "compromised"
DESTROYED: Final = "destroyed"

STATES: Final = (PRE_ACTIVATION, ACTIVE, SUSPENDED, DEACTIVATED, COMPROMISED, DESTROYED)

# SP 800-57 part 1 rev. 5, figure 3. A key is never active twice: only a suspension ends in it.
TRANSITIONS: Final[dict[str, frozenset[str]]] = {
    PRE_ACTIVATION: frozenset({ACTIVE, COMPROMISED, DESTROYED}),
    ACTIVE: frozenset({SUSPENDED, DEACTIVATED, COMPROMISED, DESTROYED}),
    SUSPENDED: frozenset({ACTIVE, DEACTIVATED, COMPROMISED, DESTROYED}),
    DEACTIVATED: frozenset({COMPROMISED, DESTROYED}),
    COMPROMISED: frozenset({DESTROYED}),
    DESTROYED: frozenset(),
}

# What one person may do alone, since it only makes things safer (design P7).
SAFER: Final = frozenset({SUSPENDED, COMPROMISED})

PROTECTS: Final = frozenset({ACTIVE})
# A compromised key may still open what it protected, to be rerouted to another, and nothing else.
RESCUES: Final = frozenset({ACTIVE, DEACTIVATED, COMPROMISED})

# End-of-life classes: traffic keys go promptly, archive keys rest before they go.
TRAFFIC: Final = "traffic"
ARCHIVE: Final = "archive"
CLASSES: Final = (TRAFFIC, ARCHIVE)
# COMSEC practice for superseded traffic keys, and the rest of an archive key (a key management
# service's usual thirty days) in which a destruction that was a mistake can be taken back.
TRAFFIC_GRACE: Final = timedelta(hours=12)
ARCHIVE_REST: Final = timedelta(days=30)

WARN_FRACTION: Final = 10
WARN_MOST: Final = timedelta(days=60)

KEY_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}/[A-Za-z0-9._-]{1,80}")
STATE: Final = re.compile("|".join(STATES))
_CLASS: Final = re.compile("|".join(CLASSES))
_REASON: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,200}")
HISTORY_MOST: Final = 64

# Why a version moves when another takes its place.
SUCCEEDED: Final = "succeeded"
NOT_KEPT: Final = "succeeded, and not kept"
IN_FORCE: Final = "in force"


class KeyTransitionIllegal(Refusal):
    """A key version cannot go from its state to the one asked for."""

    code = "KEY_TRANSITION_ILLEGAL"


class KeyNotUsable(Refusal):
    """The key version's state does not permit what is asked of it."""

    code = "KEY_NOT_USABLE"


@dataclass(frozen=True)
class Move:
    """One dated change of state.

    Attributes:
        to: the state reached.
        at: UTC, whole seconds.
        act: ULID of the act that ordered it; None for the founding and for one person's alarm.
        reason: one line.
    """

    to: str
    at: datetime
    act: str | None
    reason: str


@dataclass(frozen=True)
class KeyVersion:
    """One version of one key.

    Attributes:
        key: what it is the key of, `kind/name`: `bureau/MINREX`, `post/PARIS`, `root/MINREX`.
        number: from 1, without gaps.
        fingerprint: lower-case hexadecimal SHA-256 of the public side (a card's fingerprint).
        end_of_life: `TRAFFIC` or `ARCHIVE`.
        starts: the cryptoperiod, from here (included).
        ends: to here (excluded).
        history: every move, the oldest first; empty while in pre-activation.
        uses: how often it signed or opened, as counted by its holder.
    """

    key: str
    number: int
    fingerprint: str
    end_of_life: str
    starts: datetime
    ends: datetime
    history: tuple[Move, ...] = ()
    uses: int = 0

    @property
    def state(self) -> str:
        """Where it stands."""
        return self.history[-1].to if self.history else PRE_ACTIVATION

    @property
    def since(self) -> datetime:
        """When it came to stand there."""
        return self.history[-1].at if self.history else self.starts

    def moved(self, to: str, *, at: datetime, reason: str, act: str | None = None) -> KeyVersion:
        """Gives the version in another state.

        Args:
            to: one of `STATES`.
            at: when; never before its last move, so that a clock set back rewrites nothing.
            reason: one line of 1 to 200 characters.
            act: ULID of the ordering act.

        Raises:
            KeyTransitionIllegal: `TRANSITIONS` does not know the move, or `at` lies in the past.
        """
        if to not in TRANSITIONS[self.state]:
            raise KeyTransitionIllegal(
                f"{self.key} version {self.number} is {self.state} and cannot become {to}"
            )
        if self.history and at < self.history[-1].at:
            raise KeyTransitionIllegal(
                f"{self.key} version {self.number} moved at {text_from_time(self.since)}, "
                f"after {text_from_time(at)}"
            )
        return replace(self, history=(*self.history, Move(to, at, act, reason)))

    def require(self, states: frozenset[str]) -> None:
        """Demands `PROTECTS` or `RESCUES`.

        Raises:
            KeyNotUsable: the state is another.
        """
        if self.state not in states:
            raise KeyNotUsable(f"{self.key} version {self.number} is {self.state}")

    def warning(self, now: datetime) -> str | None:
        """Says what its cryptoperiod asks for: `expired`, `expiring`, `destroy`, or nothing.

        An active version warns in the last tenth of its period, 60 days at most; a deactivated
        traffic version asks to be destroyed 12 hours after its end of service.
        """
        if self.state == ACTIVE:
            if now >= self.ends:
                return "expired"
            notice = min((self.ends - self.starts) / WARN_FRACTION, WARN_MOST)
            return "expiring" if now >= self.ends - notice else None
        superseded = self.state in {DEACTIVATED, COMPROMISED} and self.end_of_life == TRAFFIC
        return "destroy" if superseded and now >= self.since + TRAFFIC_GRACE else None

    def destroyable_from(self, ordered: datetime) -> datetime:
        """When an order to destroy it may be carried out: at once, or after an archive key's rest.

        Args:
            ordered: when the order was given, UTC.
        """
        return ordered + (ARCHIVE_REST if self.end_of_life == ARCHIVE else timedelta(0))

    def to_object(self) -> dict[str, Any]:
        """Its members, for canonical JSON."""
        return {
            "key": self.key,
            "number": self.number,
            "fingerprint": self.fingerprint,
            "end_of_life": self.end_of_life,
            "starts": text_from_time(self.starts),
            "ends": text_from_time(self.ends),
            "history": [
                {
                    "to": move.to,
                    "at": text_from_time(move.at),
                    "act": move.act,
                    "reason": move.reason,
                }
                for move in self.history
            ],
            "uses": self.uses,
        }


def read_version(record: Record) -> KeyVersion:
    """Reads what `KeyVersion.to_object` gives, walking its history through the table again.

    Raises:
        ValueError, KeyTransitionIllegal: another shape, or a history that no key can have.
    """
    version = KeyVersion(
        key=record.text("key", KEY_NAME),
        number=record.integer("number", least=1),
        fingerprint=record.text("fingerprint", FINGERPRINT),
        end_of_life=record.text("end_of_life", _CLASS),
        starts=record.time("starts"),
        ends=record.time("ends"),
        uses=record.integer("uses"),
    )
    if version.starts >= version.ends:
        raise ValueError("a cryptoperiod ends after it starts")
    for value in record.items("history", most=HISTORY_MOST):
        move = Record(value, "version.history")
        version = version.moved(
            move.text("to", STATE),
            at=move.time("at"),
            act=move.optional_text("act", ULID),
            reason=move.text("reason", _REASON),
        )
        move.close()
    record.close()
    return version


def successor(
    versions: tuple[KeyVersion, ...], new: KeyVersion, *, at: datetime, act: str | None, reason: str
) -> tuple[KeyVersion, ...]:
    """Puts a new version in force: it becomes active, the active one before it deactivated.

    Args:
        versions: of one key, in their order.
        new: in pre-activation, with the next number.
        at: when.
        act: ULID of the ordering act.
        reason: one line.

    Raises:
        KeyTransitionIllegal: another key, or a number out of turn.
    """
    if any(each.key != new.key for each in versions) or new.number != len(versions) + 1:
        raise KeyTransitionIllegal(f"{new.key} version {new.number} is not the next one")
    kept = tuple(
        each.moved(DEACTIVATED, at=at, act=act, reason=reason)
        if each.state in {ACTIVE, SUSPENDED}
        else each
        for each in versions
    )
    return (*kept, new.moved(ACTIVE, at=at, act=act, reason=reason))


def current(versions: tuple[KeyVersion, ...]) -> KeyVersion | None:
    """Gives the version that protects, None while there is none."""
    return next((each for each in reversed(versions) if each.state in PROTECTS), None)
