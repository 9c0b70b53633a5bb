"""Chasing what is missing: a repetition is asked of the origin, once for each number.

A number that its origin has announced as cancelled will never come and is not chased.
"""

from collections.abc import Iterator
from itertools import chain, islice
from typing import Final

from cipher_service.client.online_delivery import post_notes, queue_once
from cipher_service.client.online_service_messages import heard
from cipher_service.client.online_session import Session
from keys.service_messages import CANCELLED, REPEAT_REQUEST, SeriesReference

_MOST: Final = 100
"""Repetitions asked for by one command: one wild number can leave a billion missing."""


def chase_missing(session: Session) -> int:
    """Ask for the repetition of every missing number and return how many were asked for.

    Raises:
        Unreachable, MinistryRefused, Distrusted: as `deliver`; what was signed waits.
    """
    asked = 0
    missing = list(islice(_missing(session), _MOST + 1))
    for series in missing[:_MOST]:
        name = f"repeat-request/{series.origin}/{series.epoch}/{series.number}"
        if not queue_once(session, name, REPEAT_REQUEST, to=series.origin, series=series):
            continue
        session.terminal.say(
            "chased", origin=series.origin, number=series.number, epoch=series.epoch
        )
        asked += 1
    if len(missing) > _MOST:
        session.terminal.say("chase_capped", most=_MOST)
    post_notes(session)
    return asked


def _missing(session: Session) -> Iterator[SeriesReference]:
    cancelled = {
        each.message.series
        for each in heard(session)
        if each.verified and each.message.kind == CANCELLED
    }
    for series in session.state.incoming():
        for number in chain.from_iterable(series.missing):
            reference = SeriesReference(series.origin, session.post, series.epoch, number)
            if reference not in cancelled:
                yield reference
