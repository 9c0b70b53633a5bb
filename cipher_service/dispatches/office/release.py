"""The release of a dispatch (article 15, research on two-person acts): never by its author alone.

    submit(...)                        the author names who takes it
    prepared(...) -> propose(...)      the clerk has read it; signs, and names who is awaited
    asked_again(...) -> approve(...)   the authority has read the same edition; signs; it may leave

Below CONFIDENTIEL one other person, who has read it, releases it alone under a signature of their
own (`release_alone`); so does an authority in an emergency at any level of their habilitation
(`urged`), which another person reviews. Whoever is awaited can refuse, with a reason that only the
author reads. What was released awaits who has the custodian sign it (`sending`): its releaser, if
they may.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from cipher_service.access import emergencies
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.subjects import held_for
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures
from cipher_service.dispatches.office import compositions, editions, trail
from cipher_service.dispatches.office.compositions import (
    DRAFT,
    PROPOSED,
    RELEASED,
    SUBMITTED,
    Composition,
)
from cipher_service.dispatches.office.entitlement import Ruling, demand
from cipher_service.dispatches.office.parties import (
    Party,
    approval,
    releasers,
    senders,
    takers,
)
from cipher_service.errors import ServiceError
from cipher_service.identity import challenges, shared_acts
from cipher_service.identity.approvals import Executor
from cipher_service.identity.passkey_book import Site
from cipher_service.identity.shared_acts import Signed
from cipher_service.references import new_id
from keys.acts import Act, ActOutdated
from keys.manifest import ACTION

LASTS: Final = timedelta(hours=4)
PAIR: Final = "dispatch.release"
ALONE: Final = "dispatch.release-alone"
_REASON: Final = "Départ d'une dépêche / Departure of a dispatch"
_REFUSED: Final = "Motif scellé avec la dépêche / Reason sealed with the dispatch"


def submit(
    connection: Connection,
    gate: Gate,
    officer: str,
    composition_id: str,
    edition: int,
    taker: str,
    now: datetime,
) -> Ruling:
    """Hand a draft to the person who will process its departure.

    Raises:
        ServiceError: NOT_FOUND, NOT_AWAITED, DRAFT_CHANGED, ADDRESSEE_MISSING,
            ADDRESSEE_NOT_RELEASABLE, UNKNOWN_POST, POST_NOT_ACTIVE (no key to encipher to),
            PARTY_UNKNOWN (cannot be asked), NOT_ALLOWED.
    """
    known = compositions.authored(connection, composition_id, officer, DRAFT)
    compositions.require_edition(known, edition)
    content, directory = known.content, read_directory(connection)
    if not any(role == ACTION for _post, role, _way in content.routing):
        raise ServiceError("ADDRESSEE_MISSING")
    for post, _role, _way in content.routing:
        if content.releasable and post not in content.releasable:
            raise ServiceError("ADDRESSEE_NOT_RELEASABLE", post=post)
        directory.card_in_force(post)
    ruled = demand(connection, gate, officer, "draft", known.thing(gate.scheme), now)
    _among(takers(connection, gate, known, now), taker)
    compositions.settle(
        connection, composition_id, SUBMITTED, now,
        assigned=taker, enciphers=taker, act=None, refused_by=None, refusal=None,
    )  # fmt: skip
    trail.note(connection, composition_id, trail.ASSIGNED, officer, now, other=taker)
    return ruled


def redirect(
    connection: Connection, gate: Gate, officer: str, composition_id: str, to: str, now: datetime
) -> None:
    """Ask another person than the one awaited: another clerk, releaser or sender.

    Raises:
        ServiceError: NOT_FOUND, NOT_AWAITED, PARTY_UNKNOWN.
    """
    known = compositions.read(connection, composition_id)
    if known.state == SUBMITTED and officer == known.author:
        _among(takers(connection, gate, known, now), to)
        compositions.change(connection, composition_id, assigned=to, enciphers=to)
    elif known.state == PROPOSED and officer in (known.author, known.enciphers):
        _among(releasers(connection, gate, known, now), to)
        compositions.change(connection, composition_id, assigned=to)
    elif known.state == RELEASED and officer in (
        known.author,
        known.enciphers,
        known.released_by,
        known.assigned,
    ):
        _among(senders(connection, gate, known, now), to)
        compositions.change(connection, composition_id, assigned=to)
    else:
        raise _unseen_or_late(known, officer)
    trail.note(connection, composition_id, trail.ASSIGNED, officer, now, other=to)


def prepared(
    connection: Connection, gate: Gate, officer: str, composition_id: str, now: datetime
) -> tuple[Act, bytes]:
    """Give what the clerk signs to propose a release, and the nonce of the signature.

    Raises:
        ServiceError: NOT_FOUND, NOT_AWAITED, NOT_OPENED.
    """
    known = awaited(connection, officer, composition_id, SUBMITTED)
    require_opened(connection, known, officer)
    act = _act(gate, known, officer, now)
    return act, challenges.give(connection, "step-up", officer, now)


def propose(
    connection: Connection,
    gate: Gate,
    site: Site,
    act: Act,
    signed: Signed,
    approver: str,
    now: datetime,
) -> None:
    """Propose a release under the clerk's signature, and ask one person to release it.

    Raises:
        ServiceError: as `prepared`; PARTY_UNKNOWN, or a refusal of `shared_acts.propose`.
        Refusal: likewise; ActOutdated (not the act of this edition).
    """
    composition_id = act.resource.partition("/")[2]
    known = awaited(connection, signed.officer, composition_id, SUBMITTED)
    require_opened(connection, known, signed.officer)
    _require_same(act, _act(gate, known, signed.officer, act.not_before, act.id))
    _among(releasers(connection, gate, known, now), approver)
    shared_acts.propose(connection, act, signed, site, now, version=known.edition)
    compositions.settle(connection, composition_id, PROPOSED, now, assigned=approver, act=act.id)
    trail.note(connection, composition_id, trail.ASSIGNED, signed.officer, now, other=approver)


def asked_again(
    connection: Connection, officer: str, composition_id: str, now: datetime
) -> tuple[Act, bytes]:
    """Give the act that waits for a releaser's signature, and the nonce.

    Raises:
        ServiceError: NOT_FOUND, NOT_AWAITED, NOT_OPENED, UNKNOWN_ACT, ACT_REFUSED.
    """
    known = awaited(connection, officer, composition_id, PROPOSED)
    require_opened(connection, known, officer)
    act = shared_acts.waiting(connection, known.act or "")
    return act, challenges.give(connection, "step-up", officer, now)


def approve(
    connection: Connection,
    gate: Gate,
    site: Site,
    composition_id: str,
    signed: Signed,
    now: datetime,
) -> Ruling:
    """Release under the second signature; from here on it may leave.

    Raises:
        ServiceError: as `asked_again`; NOT_ALLOWED, or a refusal of `shared_acts.approve`.
        Refusal: likewise.
    """
    officer = signed.officer
    known = awaited(connection, officer, composition_id, PROPOSED)
    act_id, rulings = known.act or "", list[Ruling]()
    require_opened(connection, known, officer)
    shared_acts.approve(connection, act_id, signed, site, now, version=known.edition)

    def perform(act: Act) -> None:
        rulings.append(_complete(connection, gate, act, officer, now))

    shared_acts.execute(connection, act_id, officer, now, version=known.edition, perform=perform)
    return rulings[0]


def executor(gate: Gate) -> Executor:
    """Return what completes a release that was signed from the list of acts."""

    def perform(connection: Connection, act: Act, by: str, now: datetime) -> Ruling:
        return _complete(connection, gate, act, by, now)

    def version(connection: Connection, act: Act) -> int:
        return compositions.read(connection, act.resource.partition("/")[2]).edition

    return Executor(version, perform)


def _complete(connection: Connection, gate: Gate, act: Act, officer: str, now: datetime) -> Ruling:
    """Release, once all have signed: every signer has read this edition, and the policies agree."""
    known = compositions.expecting(
        compositions.read(connection, act.resource.partition("/")[2]), PROPOSED
    )
    if known.act != act.id or act.parameters["digest"] != known.digest:
        raise ActOutdated("it is not the act of this edition")
    for signer in shared_acts.signers(connection, act.id):
        require_opened(connection, known, signer)
    thing = known.thing(gate.scheme)
    functions = held_for(gate.principals.of(connection, officer, now), thing.level)
    clerk = gate.principals.of(connection, act.proposer, now)
    decision = decide(gate.policies, clerk, "release", thing, approval(officer, functions, now))
    if not decision.allowed:
        reasons = ", ".join(decision.policies) or "-"
        raise ServiceError("NOT_ALLOWED", officer=officer, action="release", policies=reasons)
    _release(connection, gate, known, officer, now)
    return decision.ruling()


def prepared_alone(
    connection: Connection, gate: Gate, officer: str, composition_id: str, now: datetime
) -> tuple[Act, bytes]:
    """Give what a person signs to release alone, and the nonce.

    Raises:
        ServiceError: NOT_FOUND, NOT_AWAITED, NOT_OPENED, NOT_ALLOWED (from CONFIDENTIEL up it takes
            two, but in an emergency).
    """
    known = awaited(connection, officer, composition_id, SUBMITTED)
    require_opened(connection, known, officer)
    _alone(connection, gate, known, officer, now)
    act = _act(gate, known, officer, now, kind=ALONE)
    return act, challenges.give(connection, "step-up", officer, now)


def urged(
    connection: Connection,
    gate: Gate,
    officer: str,
    composition_id: str,
    reason: str,
    now: datetime,
) -> tuple[Act, bytes]:
    """Declare an emergency to release what awaits this officer; give what they sign, and the nonce.

    Raises:
        ServiceError: as `prepared_alone`; REASON_MISSING, or NOT_ALLOWED to whom no emergency
            permits it.
    """
    known = awaited(connection, officer, composition_id, SUBMITTED)
    require_opened(connection, known, officer)
    thing = known.thing(gate.scheme)
    emergencies.declare(connection, gate, officer, "release", thing, reason, now, opened=True)
    return prepared_alone(connection, gate, officer, composition_id, now)


def release_alone(
    connection: Connection, gate: Gate, site: Site, act: Act, signed: Signed, now: datetime
) -> Ruling:
    """Release under one signature, of another person than the author.

    Raises:
        ServiceError: as `prepared_alone`, or a refusal of `shared_acts.propose`.
        Refusal: likewise; ActOutdated (not the act of this edition).
    """
    officer, composition_id = signed.officer, act.resource.partition("/")[2]
    known = awaited(connection, officer, composition_id, SUBMITTED)
    require_opened(connection, known, officer)
    ruled = _alone(connection, gate, known, officer, now)
    _require_same(act, _act(gate, known, officer, act.not_before, act.id, kind=ALONE))
    shared_acts.propose(connection, act, signed, site, now, version=known.edition)

    def perform(_act: Act) -> None:
        _release(connection, gate, known, officer, now)

    shared_acts.execute(connection, act.id, officer, now, version=known.edition, perform=perform)
    return ruled


def refuse(
    connection: Connection, officer: str, composition_id: str, sealed_reason: bytes, now: datetime
) -> None:
    """Give a submission back to its author with a reason; only who is awaited can.

    Raises:
        ServiceError: NOT_FOUND, NOT_AWAITED, REASON_MISSING.
        Refusal: a refusal of `shared_acts.refuse`.
    """
    known = awaited(connection, officer, composition_id, SUBMITTED, PROPOSED, RELEASED)
    if not sealed_reason or len(sealed_reason) > compositions.BODY_MOST:
        raise ServiceError("REASON_MISSING")
    editions.keep(connection, known, officer, now)
    if known.state == RELEASED:
        departures.abandon(connection, known.dispatch_id, now)
    elif known.act is not None:
        shared_acts.refuse(connection, known.act, officer, _REFUSED, now, version=known.edition)
    compositions.settle(
        connection, composition_id, DRAFT, now,
        assigned="", enciphers="", act=None, released_by=None,
        refused_by=officer, refusal=sealed_reason,
    )  # fmt: skip


def _release(
    connection: Connection, gate: Gate, known: Composition, officer: str, now: datetime
) -> None:
    able = {each.officer for each in senders(connection, gate, known, now)}
    sender = next((each for each in (officer, known.enciphers) if each in able), "")
    compositions.settle(
        connection, known.composition_id, RELEASED, now, assigned=sender, released_by=officer
    )


def _require_same(act: Act, expected: Act) -> None:
    if act.encoded != expected.encoded:
        raise ActOutdated("it is not the act of this edition")


def _act(
    gate: Gate,
    known: Composition,
    officer: str,
    now: datetime,
    number: str | None = None,
    *,
    kind: str = PAIR,
) -> Act:
    content, begins = known.content, now.replace(microsecond=0)
    return Act(
        id=number or new_id(now),
        kind=kind,
        resource=f"dispatch/{known.composition_id}",
        version=known.edition,
        rank=known.thing(gate.scheme).level,
        parameters={
            "digest": known.digest,
            "level": content.level,
            "caveats": list(content.caveats),
            "precedence": content.precedence,
            "to": [list(each) for each in content.routing],
        },
        proposer=officer,
        subjects=(),
        authors=(known.author,),
        reason=_REASON,
        not_before=begins,
        expires=begins + LASTS,
    )


def _alone(
    connection: Connection, gate: Gate, known: Composition, officer: str, now: datetime
) -> Ruling:
    thing = known.thing(gate.scheme)
    return demand(connection, gate, officer, "release", thing, now, {"opened": True})


def awaited(connection: Connection, officer: str, composition_id: str, *states: str) -> Composition:
    """Return a composition that awaits this officer; to the others it is as if it did not.

    Raises:
        ServiceError: NOT_FOUND, NOT_AWAITED.
    """
    known = compositions.read(connection, composition_id)
    if known.assigned != officer or known.state not in states:
        raise _unseen_or_late(known, officer)
    return known


def _unseen_or_late(known: Composition, officer: str) -> ServiceError:
    if officer in (known.author, known.enciphers, known.assigned):
        return ServiceError("NOT_AWAITED", dispatch_id=known.composition_id, state=known.state)
    return ServiceError("NOT_FOUND")


def require_opened(connection: Connection, known: Composition, officer: str) -> None:
    """Demand that somebody has read this very edition. Raises ServiceError NOT_OPENED."""
    if not trail.done(connection, known.composition_id, trail.OPENED, officer, known.digest):
        raise ServiceError("NOT_OPENED", officer=officer, dispatch_id=known.composition_id)


def _among(parties: list[Party], officer: str) -> None:
    if officer not in {each.officer for each in parties}:
        raise ServiceError("PARTY_UNKNOWN", officer=officer)
