"""Chasing what is missing: a repetition is asked of the origin, once for each number.

A number that its origin has announced as cancelled will never come and is not chased; nor is one
that is under way in a bag.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from cipher_service.client.online_delivery import post_notes, queue_once
from cipher_service.client.online_inbox import missing, under_way
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
    wanted = list(islice(_missing(session), _MOST + 1))
    for series in wanted[:_MOST]:
        name = f"repeat-request/{series.origin}/{series.epoch}/{series.number}"
        if not queue_once(session, name, REPEAT_REQUEST, to=series.origin, series=series):
            continue
        session.terminal.say(
            "chased", origin=series.origin, number=series.number, epoch=series.epoch
        )
        asked += 1
    if len(wanted) > _MOST:
        session.terminal.say("chase_capped", most=_MOST)
    post_notes(session)
    return asked


def _missing(session: Session) -> Iterator[SeriesReference]:
    cancelled = {
        each.message.series
        for each in heard(session)
        if each.verified and each.message.kind == CANCELLED
    }
    for origin, epoch, run in missing(session, under_way(session)):
        for number in run:
            reference = SeriesReference(origin, session.post, epoch, number)
            if reference not in cancelled:
                yield reference
