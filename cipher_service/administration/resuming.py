"""Where a restored service goes on: above every number that its lost part may have given."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, select, update

from cipher_service import clock
from cipher_service.audit.ledger import append
from cipher_service.audit.records import DONE, Event
from cipher_service.audit.resumptions import CARRIED as RESUMPTION_CARRIED
from cipher_service.audit.resumptions import Resumption
from cipher_service.audit.rotations import CARRIED
from cipher_service.client.failures import Refused
from cipher_service.directory.enrolment import install
from cipher_service.dispatches.continuity import REGISTER, counter_of, spend
from cipher_service.dispatches.incarnations import PREFIX, following, reopen
from cipher_service.settings import Settings
from cipher_service.storage.tables.prekeys import prekey
from cipher_service.storage.tables.registers import counter
from cipher_service.storage.unit_of_work import unit_of_work
from keys.cards import Card
from keys.receipts import read_submitted_receipt
from keys.rotation_record import Rotation
from keys.succession import KeyLine

GAP: Final = 10_000
_YEARLY: Final = re.compile(r"[/_][0-9]{4}$")


@dataclass(frozen=True, slots=True)
class Interval:
    """Numbers of a counter that count as cancelled, both ends included."""

    name: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Opening:
    """How a restored service goes on: its epoch, how far its counters skip, what was replayed.

    `custody` says how often the custodian's second place was written, where it was taken up; `card`
    is the custodian's where the books do not know it yet; `rotations` and `resumptions` are those
    that the old log told of.
    """

    now: datetime
    epoch: int
    gap: int
    proved: dict[str, int]
    replayed: int | None
    custody: int | None
    card: Card | None
    rotations: Sequence[Rotation] = ()
    resumptions: Sequence[Resumption] = ()


def epoch_after(connection: Connection, now: datetime) -> int:
    """Return the epoch that this restore opens, before anything is written elsewhere."""
    try:
        return following(connection, now)
    except ValueError:
        raise Refused("RESTORE_EPOCHS_EXHAUSTED", year=now.year) from None


def gap_after(replayed: int | None) -> int:
    """How many numbers to skip unless told: none where all that was given is known."""
    return GAP if replayed is None else 0


def proved_by(files: list[str], keys: KeyLine) -> dict[str, int]:
    """Return the highest number that receipts prove, by counter.

    Raises:
        Refusal: one is not a receipt of this ministry.
    """
    proved: dict[str, int] = {}
    for file in files:
        statement = read_submitted_receipt(Path(file).read_bytes(), keys)
        name, number = counter_of(statement.register)
        proved[name] = max(number, proved.get(name, 0))
    return proved


def resume(
    engine: Engine, settings: Settings, opening: Opening, statement: bytes
) -> list[Interval]:
    """Let every counter go on above the gap and every series in a new epoch; open the new log."""
    now = opening.now
    time_us = int(now.timestamp() * 1_000_000)
    old = json.loads(statement)
    told = partial(Event, time_us, "account/restore", outcome=DONE)
    with unit_of_work(engine) as connection:
        spent = _spent(connection, settings.headquarters, now.year)
        intervals = [
            Interval(name, value + 1, max(value + opening.gap, opening.proved.get(name, 0)))
            for name, value in sorted(spent.items())
        ]
        intervals = [each for each in intervals if each.last >= each.first]
        for each in intervals:
            spend(connection, each.name, each.last, now)
        given = {"state": "taken", "taken_at": clock.text(now)}
        connection.execute(update(prekey).where(prekey.c.state == "free").values(given))
        reopen(connection, opening.epoch, now.year)
        if opening.card is not None:
            install(connection, opening.card, now)
        named = f"{old['origin']}@{old['size']}"
        events = [
            told("restore", resource=named, request=sha256(statement).hexdigest()),
            told("restore_epoch", resource=str(opening.epoch)),
        ]
        if opening.replayed is not None:
            events.append(told("restore_second_store", resource=str(opening.replayed)))
        if opening.custody is not None:
            events.append(told("restore_second_place", resource=str(opening.custody)))
        events += [
            told("restore_interval", resource=f"{each.name} {each.first}-{each.last}")
            for each in intervals
        ]
        events += [
            told(CARRIED, resource=each.key, card=each.fingerprint) for each in opening.rotations
        ]
        events += [
            told(RESUMPTION_CARRIED, resource=each.key, statement=each.digest)
            for each in opening.resumptions
        ]
        append(connection, settings.log_origin, events)
    return intervals


def _spent(connection: Connection, headquarters: str, year: int) -> dict[str, int]:
    """Return where each counter stands, with those of this year that the backup has not begun."""
    rows = connection.execute(select(counter).where(~counter.c.name.startswith(PREFIX)))
    spent = {str(row.name): int(row.value) for row in rows}
    books = {name[:-4] for name in spent if _YEARLY.search(name)}
    books |= {REGISTER, f"departures/{headquarters}/", f"openings/{headquarters}/"}
    books.add("pouch_bordereau_")
    return {f"{book}{year}": 0 for book in books} | spent
