"""The keys of the ministry's log, as a post comes to know others of them.

A post believes the keys that signed the first head it saw, or those that a person confirmed. When
the ministry exchanges them, its root says which ones follow and what the last head of those before
is; the post takes that up by itself. A head beyond it that those before signed was made by whoever
stole them: it is kept as a contradiction, and believed no more.
"""

from dataclasses import replace

from cipher_service.client.log_book import LogBook, LogPin, ended_before
from cipher_service.client.online_refusals import Distrusted, Unready
from cipher_service.client.online_service_keys import root_of
from cipher_service.client.online_session import Session
from cipher_service.client.sdk import canonical_bytes
from cipher_service.wire.audit import LogKeys
from keys.cards import grouped
from keys.errors import Refusal
from keys.log.errors import LogKeyEnded
from keys.log.notes import VerifierKey
from keys.log.succession import LogLine, LogVerifiers


def offered(session: Session) -> LogPin:
    """Return the log that the ministry names; the keys before are its root's word, where known.

    Raises:
        Distrusted: ANSWER_MALFORMED.
        Unreachable, MinistryRefused: nothing was heard.
    """
    told = session.ministry.service_card().log
    shown = _shown(told)
    return _led(session, told, shown, shown.verifiers) or shown


def follow(session: Session, book: LogBook, pin: LogPin) -> LogPin:
    """Take up the log's keys that the ministry shows now; gives the same pin where none follow.

    Raises:
        Distrusted: LOG_KEY_CHANGED: the root does not lead to them.
        Unreachable, MinistryRefused: nothing was heard.
    """
    told = session.ministry.service_card().log
    shown = _shown(told)
    if shown.key.name != pin.key.name or shown.fingerprint == pin.fingerprint:
        return pin
    followed = _led(session, told, shown, pin.verifiers)
    if followed is None:
        raise Distrusted(
            "LOG_KEY_CHANGED",
            known=grouped(pin.fingerprint),
            offered=grouped(shown.fingerprint),
        )
    head = book.head()
    if head is not None and ended_before(followed, head):
        ended = LogKeyEnded("what was believed here")
        book.contradicted(session.pin.headquarters, head.encode().decode(), ended)
    book.follow(followed)
    session.terminal.say("log_keys_followed", fingerprint=grouped(followed.fingerprint))
    return followed


def _shown(keys: LogKeys) -> LogPin:
    try:
        return LogPin(VerifierKey.parse(keys.vkey), VerifierKey.parse(keys.cosigner))
    except Refusal as error:
        raise Distrusted("ANSWER_MALFORMED", message="LogKeys") from error


def _led(session: Session, told: LogKeys, shown: LogPin, believed: LogVerifiers) -> LogPin | None:
    """Return what is shown, when the root leads to it from the keys that are believed."""
    files = tuple(canonical_bytes(each) for each in told.successions)
    if not files:
        return None
    try:
        line = LogLine.led(lambda keys: keys == believed, files, root_of(session))
    except (Unready, Refusal):
        return None
    return replace(shown, successions=files) if line.current == shown.verifiers else None
