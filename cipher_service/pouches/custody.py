"""What devices tell of bags: recorded once, in any order, never dropped, and what follows from it.

    judged = [judge(data, keys) for data in files]           # in an API process
    await registrar.call("pouch_events", payload(judged))    # in the registrar

An event whose signatures hold is a fact and is recorded, even one that contradicts another. What
follows is settled anew from all facts of the closing: its stage, the one receipt, the discharge,
the discrepancies of a receipt and the alarms. So the same facts lead to the same books whichever
came first; only which of several receipts is granted is decided by arrival.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, update

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.pouches import cases, device_book, handing_in, outcomes, repository, stock
from cipher_service.pouches.entitlement import told_by_others
from cipher_service.pouches.repository import Closing
from cipher_service.storage.tables import pouches as tables
from keys.errors import KeysError
from pouch.alarms import DEVICE_FORKED, NOT_ENTITLED, RECEIVED_TWICE, Alarm, alarms_of
from pouch.custody import custody_of, device_chains, live_events, takers_of
from pouch.discrepancies import Difference, check_seals, check_weight
from pouch.events import DeviceUnknown, Event, parse_event, read_event
from pouch.facts import Accounted, Opened, Received, Sealed, Seen
from pouch.manifest import BagClass
from pouch.stock import BROKEN, Movement

GRANTED: Final = "granted"
SECOND: Final = "second"
WITHHELD: Final = "withheld"
WRONG_NONCE: Final = "wrong-nonce"
ACTIVE: Final = "active"


@dataclass(frozen=True, slots=True)
class Judged:
    """An event's file that was read: whole and signed, or refused by name.

    Attributes:
        body: the file.
        refusal: code of what is wrong; None when its signatures hold.
    """

    body: bytes
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one event.

    Attributes:
        event_id: None when it could not be read.
        refusal: code of why it was not recorded; None when it is on record.
        new: whether this call recorded it.
        receipt: for `received`: granted, second (another receipt holds) or withheld (unknown, lost,
            or not at the place where it is expected). For `accounted`: granted (the discharge),
            wrong-nonce or withheld. Else None.
        expected: for a receipt of this post, the numbers of the physical seals, which are shown
            only now that the typed ones are on record; else empty.
        differences: of that receipt, as (kind, what).
        alarms: kinds of the alarms about this closing that name this event.
    """

    event_id: str | None
    refusal: str | None
    new: bool
    receipt: str | None = None
    expected: tuple[str, ...] = ()
    differences: tuple[tuple[str, str], ...] = ()
    alarms: tuple[str, ...] = ()


def judge(body: bytes, keys: Mapping[str, bytes]) -> Judged:
    """Read an event and check its signatures by the keys of the devices in force."""
    try:
        read_event(body, keys)
    except KeysError as error:
        return Judged(body, error.code)
    return Judged(body, None)


def keys_in_force(connection: Connection) -> dict[str, bytes]:
    """Return the devices' public keys by id."""
    return {
        row.device_id: row.ed25519 for row in device_book.devices(connection) if row.state == ACTIVE
    }


def record(
    connection: Connection,
    judged: Sequence[Judged],
    *,
    caller: str,
    now: datetime,
    gate: Gate,
) -> list[dict[str, Any]]:
    """Record what a post brings, in the order given; return an answer for each.

    Args:
        connection: inside a unit of work.
        judged: from `judge`.
        caller: code of the post that brings them; it need not be the devices' own.
        now: the ministry's time.
        gate: what decides whether those who told might do so.
    """
    news: list[tuple[Event | None, Answer]] = []
    for each in judged:
        refusal = each.refusal
        if refusal is None:
            event, _ = parse_event(each.body)
            refusal = _device_refusal(connection, event)
        if refusal is not None:
            news.append((None, Answer(None, refusal, new=False)))
            continue
        new = repository.insert_event(connection, event, each.body, caller=caller, now=now)
        news.append((event, Answer(event.id, None, new=new)))
    recorded = [event for event, answer in news if event is not None and answer.new]
    for event in recorded:
        _raise_entitlement(connection, event, gate, now)
    for seal in sorted({event.seal for event in recorded}):
        settle(connection, seal, now)
    for event in recorded:
        _raise_forks(connection, event, now)
    return [
        asdict(answer if event is None else _answer(connection, event, answer, caller))
        for event, answer in news
    ]


def keep(connection: Connection, event: Event, body: bytes, *, caller: str, now: datetime) -> None:
    """Record one event that was read in this very unit of work, and what follows from it."""
    repository.insert_event(connection, event, body, caller=caller, now=now)
    settle(connection, event.seal, now)
    _raise_forks(connection, event, now)


def settle(connection: Connection, seal: str, now: datetime) -> None:
    """Bring the books of a closing to what all its events say."""
    events = repository.events_of(connection, seal)
    closing = repository.closing_of(connection, seal)
    if closing is not None:
        custody = custody_of(events)
        repository.change_closing(
            connection,
            seal,
            stage=custody.stage or closing.stage,
            lost=int(custody.lost),
            recalled=int(custody.recalled),
            takers=repository.text_of(sorted(takers_of(events))),
        )
        closing = replace(closing, lost=custody.lost, recalled=custody.recalled)
        _settle_receipt(connection, closing, events, now)
        _settle_discharge(connection, closing, events, now)
        _break_seals(connection, closing, events, now)
    _raise_alarms(connection, seal, closing, events, now)


def _device_refusal(connection: Connection, event: Event) -> str | None:
    """Name what is wrong with an event's devices: one may have been revoked since it was judged."""
    for device in (event.device, event.witness.device if event.witness else event.device):
        found = device_book.device_of(connection, device)
        if found is None or found.state != ACTIVE:
            return DeviceUnknown.code
    return None


def _settle_receipt(
    connection: Connection, closing: Closing, events: Sequence[Event], now: datetime
) -> None:
    """Grant the receipt to the first that came, unless its event was corrected since.

    A recalled bag's is granted to its origin once it is back there, although a post received it.
    """
    live = {event.id for event in live_events(events)}
    live -= _told_by_others(connection, closing.seal)
    may = [
        event for event in events if event.id in live and _may_receive(connection, closing, event)
    ]
    home = [event for event in may if closing.recalled and event.place == closing.route.origin]
    held = outcomes.receipt_of(connection, closing.seal)
    stays = not home or held is None or home[0].place == held.post or held.discharge is not None
    if held is not None and held.event_id in live and stays:
        return
    if held is not None:
        outcomes.replace_receipt(connection, closing.seal, None)
    event = next(iter([*home, *may]), None)
    if event is None:
        return
    values = {"event_id": event.id, "post": event.place, "granted_at": clock.text(now)}
    outcomes.replace_receipt(connection, closing.seal, values)
    cases.open_cases(
        connection,
        closing.seal,
        closing.bag_class,
        differences_of(closing, event),
        reporter=event.officer,
        now=now,
    )


def _may_receive(connection: Connection, closing: Closing, event: Event) -> bool:
    """Say whether a receipt counts: where the bag is expected, by a device of that very post."""
    if not isinstance(event.facts, Received) or closing.manifest is None or closing.lost:
        return False
    places = {closing.route.destination}
    if closing.recalled:
        places.add(closing.route.origin)
    device = device_book.device_of(connection, event.device)
    return (
        event.place in places
        and event.bag == closing.bag
        and device is not None
        and device.post == event.place
    )


def differences_of(closing: Closing, event: Event) -> tuple[Difference, ...]:
    """Compare a receipt with what was sealed: numbers, condition, weight as it was put right."""
    facts = event.facts
    if not isinstance(facts, Received):
        return ()
    found = check_seals(closing.seals, facts.seals, facts.condition)
    if facts.weight_g is not None and closing.weighed_g is not None:
        found += check_weight(closing.weighed_g, facts.weight_g, closing.route.tolerance_g)
    return found


def _settle_discharge(
    connection: Connection, closing: Closing, events: Iterable[Event], now: datetime
) -> None:
    """Grant the discharge to who shows the secret from inside the bag that they received."""
    held = outcomes.receipt_of(connection, closing.seal)
    if held is None or held.discharge is not None:
        return
    others = _told_by_others(connection, closing.seal)
    for event in live_events(events):
        if event.id in others:
            continue
        if event.place == held.post and _shows_nonce(closing, event):
            connection.execute(
                update(tables.receipt)
                .where(tables.receipt.c.seal == closing.seal)
                .values(discharge=event.id)
            )
            connection.execute(
                update(tables.bag)
                .where(tables.bag.c.bag == closing.bag)
                .values(empty=1, place=held.post, since=clock.text(now))
            )
            if held.post == closing.route.origin and not cases.is_breached(
                connection, closing.seal
            ):
                handing_in.give_back(connection, closing.seal)
            return


def _break_seals(
    connection: Connection, closing: Closing, events: Iterable[Event], now: datetime
) -> None:
    """Write the seals of a bag off as broken, by the two who removed them where it arrived."""
    held = outcomes.receipt_of(connection, closing.seal)
    here = (
        each
        for each in live_events(events)
        if isinstance(each.facts, Opened) and held is not None and each.place == held.post
    )
    opened = next(here, None)
    if opened is None or opened.witness is None:
        return
    pair = opened.officer, opened.witness.officer
    for number in stock.applied_to(connection, closing.seal):
        broken = Movement(number, BROKEN, pair)
        stock.move(connection, broken, place=closing.route.origin, now=now)


def _shows_nonce(closing: Closing, event: Event) -> bool:
    if not isinstance(event.facts, Accounted) or closing.nonce_sha256 is None:
        return False
    shown = hashlib.sha256(bytes.fromhex(event.facts.nonce)).hexdigest()
    return hmac.compare_digest(shown, closing.nonce_sha256)


def _raise_alarms(
    connection: Connection,
    seal: str,
    closing: Closing | None,
    events: Sequence[Event],
    now: datetime,
) -> None:
    """Judge a closing together with those that its seals' numbers name."""
    numbers = {
        number
        for event in events
        if isinstance(event.facts, Sealed | Received | Seen)
        for number in event.facts.seals
    }
    related = repository.closings_with_seals(connection, numbers) if numbers else []
    known = {each.seal: each for each in (*related, closing) if each is not None}
    every = list(events)
    for other in known.values():
        if other.seal != seal:
            every += repository.events_of(connection, other.seal)
    announced = {
        each.seal: each.announcement for each in known.values() if each.announcement is not None
    }
    offsets = device_book.offsets(connection, {event.device for event in every})
    alarms = alarms_of(every, announced, offsets)
    for alarm in alarms:
        outcomes.raise_alarm(connection, alarm, now)
    if closing is not None and any(_is_clone(alarm, seal) for alarm in alarms):
        cases.open_cases(
            connection,
            seal,
            BagClass(closing.bag_class),
            [Difference("bag-copied", "")],
            reporter=events[-1].officer,
            now=now,
        )


def _is_clone(alarm: Alarm, seal: str) -> bool:
    return alarm.kind == RECEIVED_TWICE and alarm.subject == seal and len(alarm.places) > 1


def _raise_entitlement(connection: Connection, event: Event, gate: Gate, now: datetime) -> None:
    closing = repository.closing_of(connection, event.seal)
    if closing is not None and told_by_others(connection, gate, closing, event, now):
        alarm = Alarm(NOT_ENTITLED, event.seal, (event.id,), (event.place,))
        outcomes.raise_alarm(connection, alarm, now)


def _told_by_others(connection: Connection, seal: str) -> set[str]:
    """Return the ids of a closing's events that grant nothing."""
    return {
        event
        for alarm in outcomes.alarms_about(connection, seal)
        if alarm.kind == NOT_ENTITLED
        for event in alarm.events
    }


def _raise_forks(connection: Connection, event: Event, now: datetime) -> None:
    told = {each.id: each for each in repository.neighbours(connection, event)}
    forks = device_chains(told.values())[event.device].forks
    if forks:
        places = tuple(sorted({told[id_].place for id_ in forks}))
        outcomes.raise_alarm(connection, Alarm(DEVICE_FORKED, event.device, forks, places), now)


def _answer(connection: Connection, event: Event, answer: Answer, caller: str) -> Answer:
    alarms = (
        *outcomes.alarms_about(connection, event.seal),
        *outcomes.alarms_about(connection, event.device),
    )
    named = tuple(sorted({alarm.kind for alarm in alarms if event.id in alarm.events}))
    answer = replace(answer, alarms=named)
    closing = repository.closing_of(connection, event.seal)
    held = outcomes.receipt_of(connection, event.seal)
    if isinstance(event.facts, Accounted):
        return replace(answer, receipt=_discharge_state(closing, held, event))
    if not isinstance(event.facts, Received):
        return answer
    if closing is None or held is None:
        return replace(answer, receipt=WITHHELD)
    if held.event_id != event.id:
        return replace(answer, receipt=SECOND)
    found = differences_of(closing, event)
    return replace(
        answer,
        receipt=GRANTED,
        expected=closing.seals if caller == held.post else (),
        differences=tuple((each.kind, each.what) for each in found),
    )


def _discharge_state(closing: Closing | None, held: Any, event: Event) -> str:
    if held is not None and held.discharge == event.id:
        return GRANTED
    if closing is not None and not _shows_nonce(closing, event):
        return WRONG_NONCE
    return WITHHELD
