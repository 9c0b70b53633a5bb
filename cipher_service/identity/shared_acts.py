"""Acts of several persons in the service (keys/ACTS.md): proposed, signed, refused, done once.

    propose(connection, act, signed, site, now, version=7)
    approve(connection, act.id, officer, signed, site, now, version=7)
    execute(connection, act.id, officer, now, version=7, perform=change)   # one transaction with it

Each signature is an answer of the officer's security key over the act's digest. Who may sign and
whether the act is approved is judged by `keys.acts` over the books as they are in this transaction,
at each signature and again at the execution. `version` is that of the resource, read by the caller
in the same transaction. What touches the ministry's own keys is not done here but by the custodian,
which believes none of these books.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from cipher_service import clock
from cipher_service.directory.officers import Officer, functions, in_force, lender_holds, read
from cipher_service.errors import ServiceError
from cipher_service.identity.passkey_book import Site, step_up
from cipher_service.labels.scheme import Scheme, default_scheme
from cipher_service.storage.tables import acts as tables
from cipher_service.storage.tables import officers as books
from keys.acts import (
    Act,
    ActExecuted,
    ActNotApproved,
    Approval,
    ApproversNotDistinct,
    Person,
    require_approved,
    require_may_sign,
)
from keys.custody.admission import KINDS as CUSTODIANS

_REFUSAL_MOST = 500
_EVERY_ACTION = "[]"  # how the book of mandates writes it


@dataclass(frozen=True, slots=True)
class Signed:
    """An officer's answer to a step-up challenge."""

    officer: str
    nonce: bytes
    response: bytes


def propose(
    connection: Connection, act: Act, signed: Signed, site: Site, now: datetime, *, version: int
) -> None:
    """Record an act under its proposer's signature.

    Raises:
        ServiceError: OWN_PROPOSAL (another person signs it), ACT_PROPOSED (the id is taken),
            ACT_OF_CUSTODIAN (it is done there), CHALLENGE_UNKNOWN, KEY_UNKNOWN.
        Refusal: ACTS.md §3, or the security key's.
    """
    if act.kind in CUSTODIANS:
        raise ServiceError("ACT_OF_CUSTODIAN", kind=act.kind)
    if signed.officer != act.proposer:
        raise ServiceError("OWN_PROPOSAL", officer=act.proposer)
    _require_signed(connection, act, signed, site, now, version)
    try:
        with connection.begin_nested():
            connection.execute(
                tables.shared_act.insert().values(
                    act_id=act.id,
                    kind=act.kind,
                    resource=act.resource,
                    body=act.encoded,
                    state="open",
                    proposed_at=clock.text(now),
                    expires_at=clock.text(act.expires),
                )
            )
    except IntegrityError as error:
        raise ServiceError("ACT_PROPOSED", act=act.id) from error
    _sign(connection, act, signed.officer, now)


def approve(
    connection: Connection, act_id: str, signed: Signed, site: Site, now: datetime, *, version: int
) -> None:
    """Add a person's signature.

    Raises:
        ServiceError: UNKNOWN_ACT, ACT_REFUSED, CHALLENGE_UNKNOWN, KEY_UNKNOWN.
        ActExecuted: it was done already.
        Refusal: ACTS.md §3, or the security key's.
    """
    act = _open_act(connection, act_id)
    _require_signed(connection, act, signed, site, now, version)
    _sign(connection, act, signed.officer, now)


def refuse(
    connection: Connection, act_id: str, officer: str, reason: str, now: datetime, *, version: int
) -> None:
    """End an act that waits: whoever could sign it can refuse it, and its proposer withdraw it.

    Raises:
        ServiceError: UNKNOWN_ACT, ACT_REFUSED, REASON_MISSING.
        ActExecuted: it was done already.
        Refusal: ACTS.md §3: the person could not have signed.
    """
    act = _open_act(connection, act_id)
    if not reason.strip() or len(reason) > _REFUSAL_MOST:
        raise ServiceError("REASON_MISSING")
    _require_may_sign(connection, act, officer, now, version)
    book = tables.shared_act
    connection.execute(
        update(book)
        .where(book.c.act_id == act_id)
        .values(state="refused", refused_by=officer, refusal=reason)
    )


def execute(
    connection: Connection,
    act_id: str,
    officer: str,
    now: datetime,
    *,
    version: int,
    perform: Callable[[Act], None],
) -> None:
    """Do an approved act: its effect and the note that it was done stand or fall together.

    Raises:
        ServiceError: UNKNOWN_ACT, ACT_REFUSED.
        ActExecuted: it was done already.
        Refusal: ACTS.md §3, judged anew.
    """
    act = _open_act(connection, act_id)
    _require_approved(connection, act, now, version)
    connection.execute(
        tables.act_execution.insert().values(
            act=act_id, executed_by=officer, executed_at=clock.text(now)
        )
    )
    connection.execute(
        update(tables.shared_act).where(tables.shared_act.c.act_id == act_id).values(state="done")
    )
    perform(act)


def waiting(connection: Connection, act_id: str) -> Act:
    """Return an act that waits for signatures. Raises as `approve`: UNKNOWN_ACT, ACT_REFUSED."""
    return _open_act(connection, act_id)


def is_approved(connection: Connection, act_id: str, now: datetime, *, version: int) -> bool:
    """Say whether an act that waits lacks nobody's signature any more.

    Raises:
        ServiceError, ActExecuted, Refusal: as `execute`, but for ActNotApproved.
    """
    try:
        _require_approved(connection, _open_act(connection, act_id), now, version)
    except ActNotApproved:
        return False
    return True


def open_acts(connection: Connection, now: datetime) -> list[Act]:
    """Return the acts that wait for somebody and have not lapsed, those that lapse first first."""
    book = tables.shared_act
    rows = connection.execute(
        select(book.c.body)
        .where(book.c.state == "open", book.c.expires_at > clock.text(now))
        .order_by(book.c.expires_at, book.c.act_id)
    )
    return [Act.parse(bytes(row.body)) for row in rows]


def require_signable(
    connection: Connection, act: Act, officer: str, now: datetime, *, version: int
) -> None:
    """Demand that a person may sign an act now. Raises Refusal: ACTS.md §3.

    Raises:
        ApproversNotDistinct: the person signed already.
    """
    if officer in signers(connection, act.id):
        raise ApproversNotDistinct(f"{officer} signed already")
    _require_may_sign(connection, act, officer, now, version)


def signers(connection: Connection, act_id: str) -> list[str]:
    """Return who signed an act, in order of their ids."""
    book = tables.act_signature
    order = select(book.c.officer).where(book.c.act == act_id).order_by(book.c.officer)
    return list(connection.scalars(order))


def persons_now(
    connection: Connection,
    act: Act,
    numbers: Iterable[str],
    now: datetime,
    scheme: Scheme | None = None,
) -> dict[str, Person]:
    """Return these persons and those whom an act concerns, as the books have them at this moment.

    A person's rank is that of the highest habilitation in force whose training has not lapsed, and
    -1 without one, so that they decide on nothing. They stand for whoever gave them a mandate in
    force; a mandate brings its function only when it is for all of the function's actions and
    covers the act's rank. Unknown numbers are left out.
    """
    markings = scheme or default_scheme()
    found = {}
    for number in sorted({*numbers, *act.subjects, *act.authors}):
        try:
            known = read(connection, number)
        except ServiceError:
            continue
        found[number] = _person(connection, act, known, now, markings)
    return found


def _person(
    connection: Connection, act: Act, known: Officer, now: datetime, scheme: Scheme
) -> Person:
    number = known.officer_id
    habilitation, mandate = books.habilitation, books.mandate
    stamp = clock.text(now)
    levels = connection.scalars(
        select(habilitation.c.level).where(
            habilitation.c.officer == number,
            habilitation.c.trained_until > stamp,
            *in_force(habilitation, now),
        )
    )
    mandates = connection.execute(
        select(mandate, lender_holds(now).label("lends")).where(
            mandate.c.holder == number, mandate.c.state == "active", *in_force(mandate, now)
        )
    ).all()
    held = {function.role for function in functions(connection, number, now)}
    held |= {
        row.role
        for row in mandates
        if row.lends and row.actions == _EVERY_ACTION and scheme.level(row.level).rank >= act.rank
    }
    moment = now.replace(microsecond=0)
    return Person(
        id=number,
        functions=frozenset(held),
        rank=max((scheme.level(level).rank for level in levels), default=-1),
        # The books were asked for this very moment; their windows need not be asked again.
        starts=moment,
        ends=datetime.max.replace(tzinfo=now.tzinfo),
        revoked=known.state != "active",
        stands_for=frozenset(row.delegator for row in mandates),
    )


def _require_approved(connection: Connection, act: Act, now: datetime, version: int) -> None:
    book = tables.act_signature
    rows = connection.execute(select(book).where(book.c.act == act.id).order_by(book.c.officer))
    approvals = [Approval(row.officer, bytes.fromhex(row.digest)) for row in rows]
    numbers = [approval.person for approval in approvals]
    persons = persons_now(connection, act, numbers, now)
    require_approved(act, approvals, persons, now=now.replace(microsecond=0), version=version)


def _require_signed(
    connection: Connection, act: Act, signed: Signed, site: Site, now: datetime, version: int
) -> None:
    _require_may_sign(connection, act, signed.officer, now, version)
    step_up(
        connection, signed.officer, act.digest, signed.nonce, signed.response, site=site, now=now
    )


def _require_may_sign(
    connection: Connection, act: Act, officer: str, now: datetime, version: int
) -> None:
    persons = persons_now(connection, act, [officer], now)
    require_may_sign(act, officer, persons, now=now.replace(microsecond=0), version=version)


def _sign(connection: Connection, act: Act, officer: str, now: datetime) -> None:
    if officer in signers(connection, act.id):
        raise ApproversNotDistinct(f"{officer} signed already")
    connection.execute(
        tables.act_signature.insert().values(
            act=act.id, officer=officer, digest=act.digest.hex(), signed_at=clock.text(now)
        )
    )


def _open_act(connection: Connection, act_id: str) -> Act:
    """Return an act that waits."""
    book = tables.shared_act
    row = connection.execute(select(book).where(book.c.act_id == act_id)).one_or_none()
    if row is None:
        raise ServiceError("UNKNOWN_ACT", act=act_id)
    if row.state == "done":
        raise ActExecuted("this act was done already")
    if row.state == "refused":
        raise ServiceError("ACT_REFUSED", act=act_id)
    return Act.parse(row.body)
