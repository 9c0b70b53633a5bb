"""`chiffre inbox`: what arrived for this post, the most urgent first, and what is missing."""

import json
import re
from argparse import Namespace
from collections.abc import Iterable, Iterator
from time import sleep
from typing import Any, Final

import httpx

from cipher_service import clock
from cipher_service.client.lines import dtg_text, precedence_name
from cipher_service.client.messages import phrase, printable
from cipher_service.client.online_delivery import resume
from cipher_service.client.online_refusals import Distrusted, Unreachable
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import UnknownLabel, default_scheme
from cipher_service.wire.dispatches import DispatchItem
from cipher_service.wire.fields import CURSOR
from keys.manifest import POUCH

OPEN: Final = "open"
_SILENCE: Final = 45.0
"""Seconds without even the server's heartbeat before the line counts as dead."""
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_LINE_MOST: Final = 64 * 1024
_CURSOR: Final = re.compile(CURSOR)


def inbox(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre inbox`."""
    with open_session(arguments, terminal) as session:
        resume(session)
        if arguments.follow:
            _follow(session, new=arguments.new)
            return
        bags = under_way(session)
        items = [*every_item(session, OPEN if arguments.new else None), *bags]
        if terminal.as_json:
            terminal.show_json([item_record(item) for item in items])
        else:
            _show(session, items)
        tell_missing(session, bags)


def every_item(
    session: Session, state: str | None = None, delivery: str | None = None
) -> Iterator[DispatchItem]:
    """Give what is addressed to this post: urgent first, then in order of arrival.

    Args:
        session: of this post.
        state: only what is in it; `OPEN` for what remains to be opened.
        delivery: `POUCH` for what comes in a bag; else what comes over the wire.

    Raises:
        Distrusted: the pages never end.
    """
    after: str | None = None
    seen: set[str] = set()
    while True:
        page = session.ministry.inbox(after=after, state=state, delivery=delivery)
        yield from page.items
        if page.next is None:
            return
        if page.next in seen:
            raise Distrusted("ANSWER_MALFORMED", message="DispatchPage")
        seen.add(page.next)
        after = page.next


def under_way(session: Session) -> list[DispatchItem]:
    """Return what was announced, comes by pouch, and was not opened here yet."""
    items = every_item(session, OPEN, POUCH)
    return [each for each in items if not session.state.knows(each.origin, each.dispatch_id)]


def item_record(item: DispatchItem) -> dict[str, Any]:
    """Return what a script reads of a dispatch that arrived."""
    return item.model_dump(exclude={"cursor"})


def missing(session: Session, bags: Iterable[DispatchItem]) -> list[tuple[str, int, range]]:
    """Return the runs of missing numbers, as (origin, epoch, numbers).

    What is under way in a bag is not missing: its origin has announced it, signed.
    """
    coming: dict[tuple[str, int], set[int]] = {}
    for item in bags:
        if item.series is not None:
            coming.setdefault((item.origin, item.series.epoch), set()).add(item.series.number)
    return [
        (series.origin, series.epoch, part)
        for series in session.state.incoming()
        for run in series.missing
        for part in _without(run, coming.get((series.origin, series.epoch), set()))
    ]


def tell_missing(session: Session, bags: Iterable[DispatchItem]) -> None:
    """Tell which numbers are missing, where the eye looks for what arrived."""
    runs = missing(session, bags)
    for origin, epoch, run in runs:
        name = "missing_one" if len(run) == 1 else "missing_run"
        session.terminal.say(name, origin=origin, epoch=epoch, first=run.start, last=run.stop - 1)
    if runs:
        session.terminal.say("chase_offered")


def _without(run: range, numbers: set[int]) -> Iterator[range]:
    """Give what remains of a run, which may be a billion long, without some numbers in it."""
    start = run.start
    for number in sorted(each for each in numbers if each in run):
        if number > start:
            yield range(start, number)
        start = number + 1
    if start < run.stop:
        yield range(start, run.stop)


def _show(session: Session, items: list[DispatchItem]) -> None:
    if not items:
        session.terminal.say("inbox_empty")
    for item in items:
        session.terminal.show(_line(session, item))


def _line(session: Session, item: DispatchItem) -> str:
    series = item.series
    number = "" if series is None else f"{item.origin}-{session.post} {series.number:04d}"
    urgency = precedence_name(item.precedence, session.terminal.language)
    columns = (
        f"{_prosign(item.precedence)} {urgency}",
        item.level,
        number or item.origin,
        _group(item.dtg),
        item.dispatch_id,
        str(item.envelope.size),
        phrase(_state(item), session.terminal.language),
    )
    widths = (12, 20, 28, 16, 26, 10, 0)
    padded = (f"{text:<{width}}" for text, width in zip(columns, widths, strict=True))
    return printable("  ".join(padded).rstrip())


def _state(item: DispatchItem) -> str:
    return "state_under_way" if item.delivery == POUCH else f"state_{item.state}"


def _group(dtg: str) -> str:
    try:
        return dtg_text(clock.parse(dtg))
    except ValueError:  # the server's word only: shown as it is, the manifest has the true one
        return dtg


def _prosign(precedence: str) -> str:
    try:
        return default_scheme().precedence(precedence).prosign
    except UnknownLabel:
        return "?"


# -- listening ---------------------------------------------------------------------------------


def _follow(session: Session, *, new: bool) -> None:
    """List what is there, then what arrives, each once, until the user stops it."""
    shown: set[str] = set()
    after: str | None = None
    pause = _FIRST_PAUSE
    session.terminal.say("listening")
    while True:
        try:
            with session.ministry.arrivals(after, _SILENCE) as stream:
                # Listed only now that the stream is open: nothing falls between the two.
                _show_unseen(session, shown, OPEN if new else None)
                pause = _FIRST_PAUSE
                for cursor in _arrivals(stream):
                    _show_unseen(session, shown, OPEN)
                    after = cursor
            # The server ends a stream with its token; one that ends at once is not asked in haste.
            sleep(_FIRST_PAUSE)
        except Unreachable:
            session.terminal.say("listening_again", seconds=round(pause))
            sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)


def _show_unseen(session: Session, shown: set[str], state: str | None) -> None:
    for item in every_item(session, state):
        if item.dispatch_id in shown:
            continue
        shown.add(item.dispatch_id)
        if session.terminal.as_json:
            # One object a line: a script reads them as they come.
            session.terminal.show(json.dumps(item_record(item), sort_keys=True))
        else:
            session.terminal.show(_line(session, item))


def _arrivals(stream: httpx.Response) -> Iterator[str]:
    """Give the cursor of each arrival event (WHATWG HTML §9.2); it is a bell, not a message."""
    event, cursor = "", ""
    for line in _lines(stream):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            event = value
        elif name == "id" and _CURSOR.fullmatch(value):
            cursor = value
        elif line == "" and event:
            if event == "arrival" and cursor:
                yield cursor
            event = ""


def _lines(stream: httpx.Response) -> Iterator[str]:
    held = ""
    for piece in stream.iter_text():
        *lines, held = (held + piece).split("\n")
        if len(held) > _LINE_MOST:
            raise Distrusted("ANSWER_TOO_LARGE", bytes=_LINE_MOST)
        yield from lines
