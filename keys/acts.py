"""Acts that several persons do together (ACTS.md): what each of them signs, and when it is done.

    act = Act(id=..., kind="officer.admit", ...)
    challenge = approval_challenge(nonce, act.digest)        # for the person's security key
    require_may_sign(act, "OFF-000002", persons, now=now, version=3)
    require_approved(act, [Approval("OFF-000001", digest), ...], persons, now=now, version=3)

An act is one value: its exact parameters, the version of what it changes, the persons it concerns,
the functions that it needs, why, and from when to when. Who approves signs all of that at once, so
that no part can be exchanged afterwards. Judging is pure: the persons are given as they are *now*,
at the signature and again at the execution, so that a revocation in between counts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import combinations, permutations
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.act_rules import ANYONE, RULES
from keys.errors import Refusal
from keys.records import ULID
from keys.statements import encode_statement, parse_statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from keys.act_rules import ActRule, Seat
    from keys.records import Record

NONCE_BYTES: Final = 32

_TYPE: Final = "depeche/v1 act"
_APPROVAL: Final = b"depeche/v1 approval\0"
_PERSON: Final = re.compile(r"[A-Z0-9][A-Z0-9-]{1,31}")
_RESOURCE: Final = re.compile(r"[a-z-]{1,32}/[A-Za-z0-9._-]{1,80}")
# Printable text of one or more lines: it is read before it is signed, so nothing hides in it.
_REASON: Final = re.compile(
    r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f]{1,500}"
)
_PERSONS_MOST: Final = 16
_BYTES_MAX: Final = 64 * 1024


class ActMalformed(Refusal):
    """It is not an act of the one form, or not as its kind demands."""

    code = "ACT_MALFORMED"


class ActNotInForce(Refusal):
    """The act is not in force yet, or no longer."""

    code = "ACT_NOT_IN_FORCE"


class ActOutdated(Refusal):
    """What the act changes was changed since it was proposed."""

    code = "ACT_OUTDATED"


class ActNotApproved(Refusal):
    """A person whom the act needs has not approved it."""

    code = "ACT_NOT_APPROVED"


class ActExecuted(Refusal):
    """The act was done already; an act is done once."""

    code = "ACT_EXECUTED"


class ApprovalOfAnother(Refusal):
    """The approval is of another act, or of other parameters."""

    code = "APPROVAL_OF_ANOTHER"


class ApproverNotInForce(Refusal):
    """The person is unknown, revoked, or outside the time for which they were admitted."""

    code = "APPROVER_NOT_IN_FORCE"


class ApproverNotCleared(Refusal):
    """The person is not cleared for what the act touches."""

    code = "APPROVER_NOT_CLEARED"


class ApproverConcerned(Refusal):
    """The act is about this person, or about what they made."""

    code = "APPROVER_CONCERNED"


class ApproverWithoutFunction(Refusal):
    """The person holds no function that the act needs."""

    code = "APPROVER_WITHOUT_FUNCTION"


class ApproversNotDistinct(Refusal):
    """Two approvals come from one person, or from persons who stand for one another."""

    code = "APPROVERS_NOT_DISTINCT"


@dataclass(frozen=True)
class Person:
    """A person as they are at the moment of the judgement.

    Attributes:
        id: number of the person, never of an account.
        functions: codes of the functions that they hold now.
        rank: of the highest level for which they are cleared now.
        starts: they act from here on.
        ends: and until here, excluded.
        revoked: somebody took their right to act away.
        stands_for: persons whose mandate or delegation they exercise, whole chain.
    """

    id: str
    functions: frozenset[str]
    rank: int
    starts: datetime
    ends: datetime
    revoked: bool = False
    stands_for: frozenset[str] = frozenset()

    def may_take(self, seat: Seat) -> bool:
        """Says whether this person holds a function of the seat, or the seat is anyone's."""
        return seat == ANYONE or bool(self.functions & seat)

    def is_one_with(self, other: str, chain: frozenset[str]) -> bool:
        """Says whether this person and another (with its own chain) are one will."""
        return bool(({self.id} | self.stands_for) & ({other} | chain))


@dataclass(frozen=True)
class Approval:
    """A person's verified signature: the digest is what their security key signed."""

    person: str
    digest: bytes


@dataclass(frozen=True)
class Act:
    """An act; see the members in ACTS.md §1.

    Attributes:
        id: ULID; an act is executed once by it.
        kind: a key of `RULES`.
        resource: what it changes, `officer/OFF-000007`.
        version: of the resource, before the act.
        rank: of the highest level that it touches; 0 for none.
        parameters: exactly what will be done, as canonical JSON can say it.
        proposer: number of the person.
        subjects: persons whom it is about.
        authors: persons who made what it is about.
        reason: in the proposer's words.
        not_before: UTC, whole seconds, included.
        expires: UTC, whole seconds, excluded.
    """

    id: str
    kind: str
    resource: str
    version: int
    rank: int
    parameters: Mapping[str, Any]
    proposer: str
    subjects: tuple[str, ...]
    authors: tuple[str, ...]
    reason: str
    not_before: datetime
    expires: datetime

    @classmethod
    def parse(cls, data: bytes) -> Act:
        """Reads the canonical bytes of an act, and holds it against the rule of its kind.

        Raises:
            ActMalformed: any other bytes, an unknown kind, seats or a time that are not the rule's.
        """
        if len(data) > _BYTES_MAX:
            raise ActMalformed(f"an act has at most {_BYTES_MAX} bytes")
        return parse_statement(data, _read, ActMalformed)

    @property
    def rule(self) -> ActRule:
        """The rule of its kind.

        Raises:
            ActMalformed: no act is called that.
        """
        try:
            return RULES[self.kind]
        except KeyError:
            raise ActMalformed(f"no act is called {self.kind[:40]!r}") from None

    @property
    def seats(self) -> tuple[Seat, ...]:
        """The functions that it needs, the proposer's first."""
        return self.rule.seats_at(self.rank)

    @cached_property
    def encoded(self) -> bytes:
        """The canonical bytes.

        Raises:
            ActMalformed: it holds what its readers would refuse.
        """
        return encode_statement(self, _object, _read, ActMalformed)

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of what is signed, 32 bytes (ACTS.md §2)."""
        return sha256(_TYPE.encode() + b"\0" + self.encoded).digest()


def approval_challenge(nonce: bytes, digest: bytes) -> bytes:
    """Gives the challenge that a security key answers to approve an act (ACTS.md §2).

    Args:
        nonce: 32 random bytes of whoever will verify, used once.
        digest: of the act.

    Raises:
        ValueError: the nonce has another length.
    """
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    return sha256(_APPROVAL + nonce + digest).digest()


def require_may_sign(
    act: Act, person: str, persons: Mapping[str, Person], *, now: datetime, version: int
) -> None:
    """Demands that this person may put their name to the act now (checks 1 to 7 of ACTS.md §3).

    Raises:
        ActNotInForce, ActOutdated, ApproverNotInForce, ApproverNotCleared, ApproverConcerned,
        ApproverWithoutFunction: the first check that fails.
    """
    _require_open(act, now, version)
    _require_eligible(act, _in_force(persons, person, now), persons)


def require_approved(
    act: Act,
    approvals: Sequence[Approval],
    persons: Mapping[str, Person],
    *,
    now: datetime,
    version: int,
) -> None:
    """Demands that the act may be executed now, in the order of ACTS.md §3.

    That the act was not executed before is the executor's to hold, by `act.id`.

    Args:
        act: what would be done.
        approvals: everybody's, the proposer's among them.
        persons: by number, as they are now.
        now: UTC.
        version: of the resource, now.

    Raises:
        ActNotInForce, ActOutdated, ApprovalOfAnother, ApproverNotInForce, ApproverNotCleared,
        ApproverConcerned, ApproverWithoutFunction, ApproversNotDistinct, ActNotApproved: the
            first check that fails.
    """
    _require_open(act, now, version)
    if any(approval.digest != act.digest for approval in approvals):
        raise ApprovalOfAnother("an approval is of another act, or of other parameters")
    found = [_in_force(persons, approval.person, now) for approval in approvals]
    for person in found:
        _require_eligible(act, person, persons)
    for one, other in combinations(found, 2):
        if one.is_one_with(other.id, other.stands_for):
            raise ApproversNotDistinct(f"{one.id} and {other.id} are one, or stand for one another")
    if not _seated(act, found):
        raise ActNotApproved("a person whom the act needs has not approved it")


def _require_open(act: Act, now: datetime, version: int) -> None:
    if not act.not_before <= now < act.expires:
        raise ActNotInForce(f"the act is in force from {act.not_before} to {act.expires}")
    if act.version != version:
        raise ActOutdated(f"the act is for version {act.version}, and {version} stands")


def _in_force(persons: Mapping[str, Person], number: str, now: datetime) -> Person:
    person = persons.get(number)
    if person is None or person.revoked or not person.starts <= now < person.ends:
        raise ApproverNotInForce(f"{number} may not act now")
    return person


def _require_eligible(act: Act, person: Person, persons: Mapping[str, Person]) -> None:
    if person.rank < act.rank:
        raise ApproverNotCleared(f"{person.id} is cleared up to rank {person.rank}")
    concerned = act.authors if act.rule.subject_may else act.authors + act.subjects
    if any(person.is_one_with(other, _chain(persons, other)) for other in concerned):
        raise ApproverConcerned(f"the act concerns {person.id}")
    # The proposer signs for the first seat and for no other, so that nobody proposes and approves.
    seats = act.seats[:1] if person.id == act.proposer else act.seats[1:]
    if not any(person.may_take(seat) for seat in seats):
        raise ApproverWithoutFunction(f"{person.id} holds no function that the act needs")


def _chain(persons: Mapping[str, Person], number: str) -> frozenset[str]:
    known = persons.get(number)
    return frozenset() if known is None else known.stands_for


def _seated(act: Act, persons: Sequence[Person]) -> bool:
    """Says whether every seat is taken by another person, the first by the proposer."""
    others = [person for person in persons if person.id != act.proposer]
    return len(others) < len(persons) and any(
        all(person.may_take(seat) for person, seat in zip(order, act.seats[1:], strict=True))
        for order in permutations(others, len(act.seats) - 1)
    )


def _object(act: Act) -> dict[str, Any]:
    return {
        "v": 1,
        "type": _TYPE,
        "id": act.id,
        "kind": act.kind,
        "resource": act.resource,
        "version": act.version,
        "rank": act.rank,
        "parameters": act.parameters,
        "proposer": act.proposer,
        "subjects": act.subjects,
        "authors": act.authors,
        "seats": _names(act.seats),
        "reason": act.reason,
        "not_before": canonical.text_from_time(act.not_before),
        "expires": canonical.text_from_time(act.expires),
    }


def _read(record: Record) -> Act:
    record.constant("v", 1)
    record.constant("type", _TYPE)
    act = Act(
        id=record.text("id", ULID),
        kind=record.any_text("kind"),
        resource=record.text("resource", _RESOURCE),
        version=record.integer("version"),
        rank=record.integer("rank"),
        parameters=record.mapping("parameters"),
        proposer=record.text("proposer", _PERSON),
        subjects=record.texts("subjects", _PERSON, most=_PERSONS_MOST),
        authors=record.texts("authors", _PERSON, most=_PERSONS_MOST),
        reason=record.text("reason", _REASON),
        not_before=record.time("not_before"),
        expires=record.time("expires"),
    )
    given = record.items("seats", most=8)
    record.close()
    if list(given) != _names(act.seats):
        raise ValueError("the functions are not those that the act needs")
    if not 0 < (act.expires - act.not_before).total_seconds() <= act.rule.seconds:
        raise ValueError(f"the act is in force for at most {act.rule.seconds} seconds")
    if not act.reason.strip():
        raise ValueError("a reason says something")
    return act


def _names(seats: Sequence[Seat]) -> list[list[str]]:
    return [sorted(seat) for seat in seats]
