"""A rotation in two halves, where no one user reaches both the custodian's store and the database.

The custodian's user puts the next version in force at its terminal (`keys exchange`); the service's
user then has the books take it in (`keys take-in`): its entry in the log, its card, its place in
the register. What is to be taken in the custodian itself says over its socket, so that nothing is
carried between the two, and a half that was cut short is typed again. Both show the fingerprint of
the record, to compare.
"""

from argparse import Namespace
from datetime import timedelta

from cipher_service import clock
from cipher_service.administration import ordering, presence
from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    journal_of,
    opened,
)
from cipher_service.administration.rotation_records import object_of, show_rotation
from cipher_service.administration.versions import exchanged, require_days, terminal_of
from cipher_service.administration.words import Speaker
from cipher_service.audit import resumptions
from cipher_service.audit.journal import Found
from cipher_service.audit.resumptions import RESUMED, Resumption
from cipher_service.audit.rotations import is_entered, untold
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import enrolment
from cipher_service.directory.controlled_keys import enter_versions
from cipher_service.pouches import desk
from cipher_service.storage.unit_of_work import reading
from keys.custody.book import Book, bureau_key
from keys.custody.lasting import DESKS_KEY, LASTING, lasting_kind
from keys.custody.protocol import Custodian
from keys.rotation_record import ROTATED, Rotation


def exchange(arguments: Namespace, terminal: Terminal) -> None:
    """Put the next version of a key in force at the custodian's terminal: it needs its store alone.

    The bureau's keys, unless another is named. A rotation that was cut short is finished.

    Raises:
        Misused: DAYS_INVALID, KEY_NAME_UNKNOWN.
        Refused: KEY_ROTATES_NOT.
        KeysError: the store does not open.
    """
    require_days(arguments)
    at = terminal_of(arguments, terminal)
    now, card = clock.now().replace(microsecond=0), at.card()
    key = bureau_key(card) if arguments.key is None else str(arguments.key)
    known, finished = at.book(now).of(key), at.finish(key, now)
    if finished is not None:
        number = finished.number
    elif key == bureau_key(card):
        number = at.rotate(now, now + timedelta(days=arguments.days), now).edition
    elif not known:
        named = ", ".join(dict.fromkeys(each.key for each in at.book(now).versions))
        raise Misused("KEY_NAME_UNKNOWN", given=key[:80], known=named)
    else:
        kind = lasting_kind(key)
        if kind is None or not LASTING[kind].rotates:
            raise Refused("KEY_ROTATES_NOT", key=key)
        number = exchanged(at, kind, now).number
    rotation = Rotation.of(at.book(now).of(key), number)
    if terminal.as_json:
        terminal.show_json(object_of(rotation))
    show_rotation(rotation, terminal)
    speaker = Speaker(terminal)
    if at.shares and key == bureau_key(card):
        speaker.say("rotation_offer_again")
    speaker.say("rotation_take_in", key=key)


def take_in(arguments: Namespace, terminal: Terminal) -> None:
    """Have the books take in what was done at the custodian's terminal and the log tells not yet.

    Rotations, and suspensions that were ended (`keys resume --at-custodian`). Each is one
    transaction with its entry, in which whoever ordered a rotation signs its record's fingerprint:
    cut short, it is typed again. Once all are in, it changes nothing.

    Raises:
        Misused: PERSON_NAME_MALFORMED.
        Refused: ROTATION_TAKEN_IN, RESUMPTION_TAKEN_IN: another has just entered one; what was
            entered before stands. See `presence.sign`.
        ServiceError: the directory does not take a card.
        KeysError: the custodian does not answer.
    """
    with opened(arguments) as installation, custodian_of(installation.settings) as custodian:
        book = Book.parse(custodian.key_versions())
        with reading(installation.engine) as connection:
            waiting = untold(connection, book, bureau_key(custodian.card()))
            resumed = resumptions.untold(connection, book)
        for rotation in waiting:
            show_rotation(rotation, terminal)
            also = {"rotation": rotation.digest}
            order = ordering.asked(arguments, terminal, installation, rotation.key, also)
            _enter(installation, custodian, book, rotation, order)
        for resumption in resumed:
            _enter_resumption(installation, book, resumption)
            Speaker(terminal).say(
                "key_resumption_taken",
                key=resumption.key,
                number=resumption.number,
                at=f"{resumption.at:%Y-%m-%d %H:%M} UTC",
            )
    if terminal.as_json:
        terminal.show_json([object_of(each) for each in waiting])
    for each in waiting:
        Speaker(terminal).say("key_rotation_next", key=each.key)
    if not waiting and not resumed:
        Speaker(terminal).say("rotation_none_waits")


def _enter_resumption(installation: Installation, book: Book, each: Resumption) -> None:
    found = Found(statement=each.digest)
    with journal_of(installation).act(RESUMED, each.key, found) as connection:
        if each not in resumptions.untold(connection, book):
            raise Refused("RESUMPTION_TAKEN_IN", key=each.key, number=each.number)


def _enter(
    installation: Installation,
    custodian: Custodian,
    book: Book,
    rotation: Rotation,
    order: presence.Answers | None,
) -> None:
    card, post = custodian.card(), installation.settings.headquarters
    found = Found(card=rotation.fingerprint, statement=rotation.digest)
    with journal_of(installation).act(ROTATED, rotation.key, found) as connection:
        if is_entered(connection, rotation):
            raise Refused("ROTATION_TAKEN_IN", key=rotation.key, number=rotation.number)
        ordering.enter(connection, order, installation.settings, found)
        now = clock.now().replace(microsecond=0)
        if card.fingerprint == rotation.fingerprint:
            enrolment.install(connection, card, now)
        if lasting_kind(rotation.key) == DESKS_KEY:
            desk.take_in(connection, custodian, post, now)
            desk.retire_desks(connection, custodian, now)
        enter_versions(connection, book.of(rotation.key), now)
