"""An officer's signature under an act: whether it counts, and what the last one does. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keys.acts import (
    Act,
    ActNotApproved,
    Approval,
    ApprovalOfAnother,
    require_approved,
    require_may_sign,
)
from keys.custody import orders
from keys.custody.admission import perform_act
from keys.custody.errors import TooMuchWaiting
from keys.custody.roll import WAITING_MOST, OpenAct, Roll
from keys.errors import Refusal

if TYPE_CHECKING:
    from datetime import datetime

    from keys.custody.book import Book


@dataclass(frozen=True)
class Signed:
    """What a signature under an act led to.

    Attributes:
        roll: as it stands then.
        book: of the keys' versions, as it stands then.
        approved: the approvals that stand.
        done: whether the act was done.
    """

    roll: Roll
    book: Book
    approved: tuple[Approval, ...]
    done: bool


def sign(roll: Roll, book: Book, act: Act, signer: str, now: datetime) -> Signed:
    """Judges a verified signature under an act; does the act when it is the last that it needs.

    Raises:
        Refusal: see `Officers.approve_act`; nothing changes.
    """
    persons, version = roll.persons, version_of(roll, book, act)
    require_may_sign(act, signer, persons, now=now, version=version)
    _performed(roll, book, act, (), now)
    waiting = next((each for each in roll.open if each.act.id == act.id), OpenAct(act, ()))
    if waiting.act.digest != act.digest:
        raise ApprovalOfAnother("an act of this id waits already, with other parameters")
    # Who lost the right to sign since then no longer counts; the others' signatures stand.
    standing = tuple(
        approval
        for approval in waiting.approvals
        if _may_sign(act, approval.person, roll, now, version)
    )
    approvals = (*standing, Approval(signer, act.digest))
    try:
        require_approved(act, approvals, persons, now=now, version=version)
    except ActNotApproved:
        others = tuple(each for each in roll.open if each.act.id != act.id)
        if len(others) >= WAITING_MOST:
            raise TooMuchWaiting("too many acts wait for signatures") from None
        waits = replace(roll, open=(*others, OpenAct(act, approvals)))
        return Signed(waits, book, approvals, done=False)
    signers = tuple(approval.person for approval in approvals)
    after, book = _performed(roll, book, act, signers, now)
    return Signed(closed(after, act), book, approvals, done=True)


def version_of(roll: Roll, book: Book, act: Act) -> int:
    """Gives the version of what an act changes.

    Raises:
        ActMalformed, KeyVersionUnknown: an act on a key names none.
    """
    if act.kind in orders.KINDS:
        return orders.version_of(book, act)
    return roll.version_of(act.resource.removeprefix("officer/"))


def _performed(
    roll: Roll, book: Book, act: Act, signers: tuple[str, ...], now: datetime
) -> tuple[Roll, Book]:
    if act.kind in orders.KINDS:
        return roll, orders.perform_order(book, act, signers, now)
    return perform_act(roll, act), book


def closed(roll: Roll, act: Act) -> Roll:
    """Gives the roll on which an act was done and waits no more."""
    return replace(
        roll,
        open=tuple(each for each in roll.open if each.act.id != act.id),
        executed=(*roll.executed, (act.id, act.expires)),
    )


def _may_sign(act: Act, person: str, roll: Roll, now: datetime, version: int) -> bool:
    try:
        require_may_sign(act, person, roll.persons, now=now, version=version)
    except Refusal:
        return False
    return True
