"""What one entry says: who did what to which thing, when, and how it ended. Never a content.

    {"v": 1, "type": "depeche/v1 audit", "seq": 17, "time_us": ..., "actor": "PARIS",
     "client": "thumbprint", "action": "submit", "resource": "01K...", "outcome": "refused",
     "reason": "DUPLICATE_NUMBER"}

`client`, `resource` and `reason` are there when they are known; `request` in the intent of an act
of the custodian, which holds it against what it is asked for (keys/TRANSPORT.md §7); `policies`,
`digest` and `mandate` where a decision was taken (`access.decisions`); `session` for an officer;
`act`, the ULID of the act of several persons (keys/ACTS.md) whose effect this is; `card`, the
fingerprint of the card that came into force or went; `statement`, the SHA-256 of what a record of
its own states of it, and `ordered_signed` or `ordered_named`, who ordered it, by security key or by
name (`keys.rotation_record`); of a suspension's end, what was ended (`audit.resumptions`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from keys import canonical

TYPE: Final = "depeche/v1 audit"
INTENDED: Final = "intended"
DONE: Final = "done"
REFUSED: Final = "refused"
FAILED: Final = "failed"
UNKNOWN: Final = "OUTCOME_UNKNOWN"
"""Reason of a failed entry that closes an intent which an interruption left open."""

_WHEN_KNOWN: Final = (
    *("client", "resource", "reason", "request", "digest", "mandate", "session", "count", "act"),
    *("card", "statement", "ordered_signed", "ordered_named"),
)


def named_policies(facts: Mapping[str, object]) -> tuple[str, ...]:
    """Return the policies that the facts of a refusal name."""
    listed = facts.get("policies")
    return tuple(listed.split(", ")) if isinstance(listed, str) and listed != "-" else ()


@dataclass(frozen=True, slots=True)
class Event:
    """An act that was done, refused, or that failed.

    Attributes:
        time_us: microseconds since 1970.
        actor: post or officer, `-` for who is not known.
        action: name of the act.
        outcome: `done`, `refused` or `failed`; `intended` before an effect that leaves the
            database, whose outcome is an entry of its own.
        client: thumbprint of the key that the actor authenticated with.
        resource: what it was about: a dispatch, a message, an upload.
        reason: code of the refusal.
        request: hexadecimal digest of what the custodian will be asked for.
        policies: the policies that determined the decision.
        digest: of the set of policies that decided.
        mandate: under which it was allowed; None in the actor's own name.
        session: which of the officer's sessions, by the beginning of its hash.
        count: how many alike this entry stands for, when it is more than one.
        act: the act of several persons whose effect this is.
        card: fingerprint of the card that came into force or went.
        statement: hexadecimal SHA-256 of what a record of its own states of it.
        ordered_signed: the officer who ordered it and whose security key signed the command.
        ordered_named: the person who ordered it, by name alone.
    """

    time_us: int
    actor: str
    action: str
    outcome: str
    client: str | None = None
    resource: str | None = None
    reason: str | None = None
    request: str | None = None
    policies: tuple[str, ...] = ()
    digest: str | None = None
    mandate: str | None = None
    session: str | None = None
    count: int | None = None
    act: str | None = None
    card: str | None = None
    statement: str | None = None
    ordered_signed: str | None = None
    ordered_named: str | None = None

    def encode(self, seq: int) -> bytes:
        """Give the record of this event as entry `seq`, canonical JSON."""
        members: dict[str, Any] = {
            "v": 1,
            "type": TYPE,
            "seq": seq,
            "time_us": self.time_us,
            "actor": self.actor,
            "action": self.action,
            "outcome": self.outcome,
        }
        for name in _WHEN_KNOWN:
            value = getattr(self, name)
            if value is not None:
                members[name] = value
        if self.policies:
            members["policies"] = list(self.policies)
        return canonical.encode(members)
