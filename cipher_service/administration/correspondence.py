"""What bureaux say to each other about dispatches, and the numbers that are counted for it."""

from argparse import Namespace
from dataclasses import asdict

from cipher_service import clock
from cipher_service.administration.bureau import administered, looked_at
from cipher_service.administration.words import Speaker, phrase
from cipher_service.client.failures import Misused
from cipher_service.client.lines import date_text, service_message_record
from cipher_service.client.messages import Language
from cipher_service.client.terminal import Terminal
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import departures, incarnations, speaking
from cipher_service.storage.unit_of_work import reading
from keys.service_messages import SeriesReference, ServiceMessage

_YEARS = range(2000, 10000)


def messages(arguments: Namespace, terminal: Terminal) -> None:
    """List the service messages spoken to headquarters, in order of arrival."""
    with (
        looked_at(arguments, "bureau messages") as installation,
        reading(installation.engine) as connection,
    ):
        post = installation.settings.headquarters
        heard = list(speaking.heard(connection, read_directory(connection), post))
    if terminal.as_json:
        terminal.show_json(
            [
                service_message_record(each.message, each.recorded_at, verified=each.verified)
                for each in heard
            ]
        )
        return
    speaker = Speaker(terminal)
    if not heard:
        speaker.show("messages_none")
    for each in heard:
        message = each.message
        speaker.show(
            "message_line" if each.verified else "message_line_unverified",
            date=date_text(clock.parse(each.recorded_at), terminal.language),
            sender=message.sender,
            signal=message.signal or "-",
            kind=phrase(f"kind_{message.kind}", terminal.language),
            about=_about(message, terminal.language),
        )


def chase(arguments: Namespace, terminal: Terminal) -> None:
    """Ask for the repetition of what is missing, once for each number, and say what was asked."""
    with administered(arguments) as (_, bureau):
        chased = bureau.chase()
    if terminal.as_json:
        terminal.show_json(
            {
                "asked": [asdict(each) for each in chased.asked],
                "awaited": [asdict(each) for each in chased.awaited],
                "silent": list(chased.silent),
                "more": chased.more,
            }
        )
        return
    speaker = Speaker(terminal)
    for name, references in (("chase_asked", chased.asked), ("chase_awaited", chased.awaited)):
        for each in references:
            speaker.show(name, number=each.number, origin=each.origin, year=each.epoch // 100)
    for post in chased.silent:
        speaker.show("chase_silent", origin=post)
    if chased.more:
        speaker.show("chase_more", most=speaking.CHASE_MOST)
    if not (chased.asked or chased.awaited or chased.silent):
        speaker.show("bureau_complete")


def outgoing(arguments: Namespace, terminal: Terminal) -> None:
    """List every number of the series to a post: allotted, issued or cancelled, and why."""
    post = arguments.post.upper()
    year = clock.now().year if arguments.year is None else arguments.year
    if year not in _YEARS:
        raise Misused("YEAR_INVALID", given=year)
    with (
        looked_at(arguments, f"bureau outgoing {post}"[:80]) as installation,
        reading(installation.engine) as connection,
    ):
        read_directory(connection).post(post)
        origin = installation.settings.headquarters
        numbers = departures.numbers(connection, origin, post, incarnations.epoch(connection, year))
    if terminal.as_json:
        terminal.show_json([asdict(number) for number in numbers])
        return
    speaker = Speaker(terminal)
    if not numbers:
        speaker.show("outgoing_none", post=post, year=year)
    for number in numbers:
        state = phrase(f"number_{number.state}", terminal.language)
        if number.reason is not None:
            state += f" ({_reason(number.reason, terminal.language)})"
        terminal.show(f"{origin}-{post} {number.number:04d}  {number.dispatch_id}  {state}")


def _reason(code: str, language: Language) -> str:
    known = {departures.INTERRUPTED: "reason_interrupted", "FAILED": "reason_failed"}
    return phrase(known[code], language) if code in known else code


def _about(message: ServiceMessage, language: Language) -> str:
    parts = []
    if message.series is not None:
        parts.append(_number(message.series, language))
    if message.dispatch_id is not None:
        parts.append(phrase("about_dispatch", language, id=message.dispatch_id))
    return ", ".join(parts)


def _number(series: SeriesReference, language: Language) -> str:
    return phrase(
        "about_number",
        language,
        number=series.number,
        origin=series.origin,
        addressee=series.addressee,
        year=series.epoch // 100,
    )
