"""`chiffre bag-events`: the readings that a telephone exported, handed in over this post's line.

The file is the queue of `/scan/`, `lectures.json`. Its events are signed by their devices, and this
post only carries them: whose they are is judged at the ministry. Handing in twice records once. A
device of this post that a restored ministry no longer knows is taken in again by `--take-in`.
"""

from argparse import Namespace
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cipher_service.client.failures import Refused
from cipher_service.client.messages import phrase
from cipher_service.client.online_session import open_session
from cipher_service.client.terminal import Terminal
from cipher_service.client.watching import require_file
from cipher_service.wire.pouches import EventAnswer
from keys import canonical
from keys.errors import SignatureInvalid
from keys.records import Record
from pouch.enrolment import Enrolment, read_enrolment
from pouch.events import EVENT_BYTES_MAX

BYTES_MOST: Final = 64 * 1024 * 1024
AT_ONCE: Final = 100
_AT_ONCE_BYTES: Final = 256 * 1024

Document = dict[str, Any]


def bag_events(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre bag-events`.

    Raises:
        Refused: READINGS_MALFORMED, READINGS_OF_ANOTHER, nothing was sent; READINGS_REFUSED, all
            others are recorded.
    """
    path = Path(arguments.file)
    require_file(path)
    exported = queue_of(path)
    answers: list[EventAnswer] = []
    with open_session(arguments, terminal) as session:
        if arguments.take_in:
            own = device_of(exported, path)
            if own.post != session.post:
                raise Refused("READINGS_OF_ANOTHER", path=str(path), post=own.post)
            key = canonical.text_from_bytes(own.ed25519)
            device = session.ministry.take_in_device(key)
            terminal.say("device_taken_in", device=device, post=session.post)
        for some in _batches(exported["events"]):
            answers += session.ministry.tell_events(some).answers
    _show(answers, terminal)
    refused = Counter(answer.refusal for answer in answers if answer.refusal is not None)
    if refused:
        told = ", ".join(f"{code} ({count})" for code, count in sorted(refused.items()))
        raise Refused("READINGS_REFUSED", count=refused.total(), codes=told, path=str(path))


def queue_of(path: Path) -> Document:
    """Read an exported queue; its `events` are a list of what may be events.

    Raises:
        Refused: READINGS_MALFORMED.
    """
    with path.open("rb") as file:
        data = file.read(BYTES_MOST + 1)
    if len(data) > BYTES_MOST:
        raise Refused("READINGS_MALFORMED", path=str(path))
    try:
        exported = canonical.decode(data.removesuffix(b"\n"))
    except ValueError as error:
        raise Refused("READINGS_MALFORMED", path=str(path)) from error
    events = exported.get("events") if isinstance(exported, dict) else None
    if not isinstance(events, list) or not all(_may_be_event(each) for each in events):
        raise Refused("READINGS_MALFORMED", path=str(path))
    return {**exported, "events": events}


def device_of(exported: Document, path: Path) -> Enrolment:
    """Return what the device that exported says of itself, by its own signature.

    Raises:
        Refused: READINGS_MALFORMED, also where the signature does not hold.
    """
    try:
        return read_enrolment(Record(exported, "queue").record("device"))
    except (ValueError, SignatureInvalid) as error:
        raise Refused("READINGS_MALFORMED", path=str(path)) from error


def _may_be_event(document: object) -> bool:
    return isinstance(document, dict) and len(canonical.encode(document)) <= EVENT_BYTES_MAX


def _batches(documents: list[Document]) -> Iterator[list[Document]]:
    """Cut a queue into what goes in one request, in its order."""
    some: list[Document] = []
    size = 0
    for document in documents:
        length = len(canonical.encode(document))
        if some and (len(some) == AT_ONCE or size + length > _AT_ONCE_BYTES):
            yield some
            some, size = [], 0
        some.append(document)
        size += length
    if some:
        yield some


def _show(answers: list[EventAnswer], terminal: Terminal) -> None:
    if terminal.as_json:
        terminal.show_json({"answers": [answer.model_dump() for answer in answers]})
        return
    recorded = [answer for answer in answers if answer.refusal is None]
    new = sum(answer.new for answer in recorded)
    terminal.show(phrase("readings_told", terminal.language, count=len(recorded), new=new))
    alarms = sorted({alarm for answer in recorded for alarm in answer.alarms})
    if alarms:
        terminal.say("readings_alarm", alarms=", ".join(alarms))
