"""`chiffre service-message`: what cipher bureaux say to each other about dispatches, in signals.

With `--to`, one is signed and handed over; without, those that arrived are verified and shown. The
answer to a request for repetition is usually nothing more than fetching again: the ministry keeps
every envelope.
"""

from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass

from cipher_service import clock
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.lines import service_message_record
from cipher_service.client.messages import phrase
from cipher_service.client.online_delivery import queue_service_message, resume
from cipher_service.client.online_refusals import Distrusted
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.sdk import canonical_bytes
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import UnknownLabel, default_scheme
from cipher_service.references import new_id, series_epoch
from keys.records import POST
from keys.service_messages import (
    RULES,
    Rule,
    SeriesReference,
    ServiceMessage,
    parse_service_message,
    read_service_message,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """A service message that arrived.

    Attributes:
        message: what it says.
        received_at: when the ministry took it over.
        verified: whether its sender's card is confirmed here and both signatures hold.
    """

    message: ServiceMessage
    received_at: str
    verified: bool


def service_message(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre service-message`."""
    with open_session(arguments, terminal) as session:
        if arguments.to is None:
            resume(session)
            _show(session, list(heard(session)))
            return
        message = _message(session, arguments)
        name = f"service-message/{message.id}"
        queue_service_message(session, name, message)
        resume(session)
        refusal = session.outbox.note_refusal(name)
        if refusal is not None:
            raise Refused("SERVICE_MESSAGE_REFUSED", post=message.to, refusal=refusal)
    if terminal.as_json:
        terminal.show_json({"id": message.id, "kind": message.kind, "to": message.to})
    else:
        terminal.say("service_message_sent", id=message.id, post=message.to)


def heard(session: Session) -> Iterator[Heard]:
    """Give the service messages that arrived, in order of arrival.

    Raises:
        Distrusted: the pages never end, or one holds what is no service message.
        SignatureInvalid, ServiceMessageNotOfCard: one does not hold against its sender's card.
    """
    after: str | None = None
    seen: set[str] = set()
    while True:
        page = session.ministry.service_messages(after)
        for item in page.items:
            yield _judge(session, canonical_bytes(item.message), item.received_at)
        if page.next is None:
            return
        if page.next in seen:
            raise Distrusted("ANSWER_MALFORMED", message="ServiceMessagePage")
        seen.add(page.next)
        after = page.next


def _judge(session: Session, data: bytes, received_at: str) -> Heard:
    message, _ = parse_service_message(data)
    card = session.pins.find(message.sender_card)
    if card is None:
        return Heard(message, received_at, verified=False)
    return Heard(read_service_message(data, card), received_at, verified=True)


def _message(session: Session, arguments: Namespace) -> ServiceMessage:
    """Decide a message from what was typed.

    Raises:
        Misused: a post, a kind or a precedence is not one, or the kind refers to something else
            than what was given.
    """
    to, kind = arguments.to, arguments.kind
    if POST.fullmatch(to) is None:
        raise Misused("POST_INVALID", post=to)
    if kind not in RULES:
        raise Misused("SERVICE_KIND_UNKNOWN", given=kind[:80], known=", ".join(RULES))
    number_given, dispatch_given = arguments.number is not None, arguments.dispatch is not None
    if not _fits(RULES[kind], number=number_given, dispatch=dispatch_given):
        raise Misused("SERVICE_REFERENCE_UNFIT", kind=kind, wanted=_wanted(RULES[kind]))
    try:
        precedence = default_scheme().precedence(arguments.precedence).code
    except UnknownLabel as error:
        known = ", ".join(error.known)
        raise Misused("UNKNOWN_PRECEDENCE", given=error.given[:80], known=known) from error
    now = clock.now()
    series = None
    if arguments.number is not None:
        epoch = arguments.epoch or series_epoch(now.year)
        # Whoever counts a series asks its origin; an origin speaks of its own numbers.
        ours = RULES[kind].speaker == "origin"
        series = SeriesReference(
            origin=session.post if ours else to,
            addressee=to if ours else session.post,
            epoch=epoch,
            number=arguments.number,
        )
    return ServiceMessage(
        id=new_id(now),
        kind=kind,
        sender=session.post,
        sender_card=session.identity.card.fingerprint,
        to=to,
        precedence=precedence,
        created=now.replace(microsecond=0),
        series=series,
        dispatch_id=arguments.dispatch,
    )


def _fits(rule: Rule, *, number: bool, dispatch: bool) -> bool:
    return (
        (number or dispatch) and rule.series in {None, number} and rule.dispatch in {None, dispatch}
    )


def _wanted(rule: Rule) -> str:
    """Return the options that a kind takes, as a usage line writes them."""
    if rule.series is None and rule.dispatch is None:
        return "--number N | --dispatch ID"
    spelling = {True: "{}", None: "[{}]"}
    options = ((rule.series, "--number N"), (rule.dispatch, "--dispatch ID"))
    return " ".join(spelling[need].format(each) for need, each in options if need is not False)


def _show(session: Session, messages: list[Heard]) -> None:
    terminal = session.terminal
    if terminal.as_json:
        terminal.show_json(
            [
                service_message_record(each.message, each.received_at, verified=each.verified)
                for each in messages
            ]
        )
        return
    if not messages:
        terminal.say("no_service_messages")
    for each in messages:
        message = each.message
        subject = message.dispatch_id or ""
        if message.series is not None:
            series = message.series
            subject = (
                f"{series.origin}-{series.addressee} {series.number} ({series.epoch}) {subject}"
            )
        standing = phrase("verified" if each.verified else "unverified", terminal.language)
        signal = message.signal or "-"
        terminal.show(
            f"{each.received_at}  {message.sender:<16}  {signal:<8} {message.kind:<20} "
            f"{subject.strip()}  {standing}"
        )
