"""The life of the ministry's keys: listed, suspended, resumed, rotated.

One person suspends at once, over the running custodian's socket. The rest happens at the
custodian's own terminal and needs what opens its store: its credential, or enough holders with
their shares (decree 2013/112, article 12).
"""

from argparse import Namespace
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.administration import ordering
from cipher_service.administration.custody import opened_by_credential, shares_of
from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    journal_of,
    opened,
)
from cipher_service.administration.words import Speaker, phrase
from cipher_service.audit.journal import Found
from cipher_service.audit.resumptions import RESUMED, Resumption
from cipher_service.audit.rotations import untold
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import enrolment
from cipher_service.directory.controlled_keys import enter_versions
from cipher_service.directory.register import read_directory
from cipher_service.pouches.desk import retire_desks, take_in
from cipher_service.settings import Settings
from cipher_service.storage.unit_of_work import reading
from keys import canonical
from keys.cards import Card, grouped, read_card
from keys.custody.book import Book, bureau_key
from keys.custody.errors import CustodianUnavailable
from keys.custody.lasting import (
    AUTHORITY_KEY,
    CERTIFYING_KEY,
    DESKS_KEY,
    LASTING,
    LOG_KEY,
    advised,
    lasting_kind,
)
from keys.custody.rotation import Terminal as CustodianTerminal
from keys.custody.store import CARD_FILE
from keys.lifecycle import ACTIVE, DESTROYED, KeyVersion, read_version
from keys.records import Record
from keys.rotation_record import ROTATED, Rotation
from keys.succession import RECEIPTS_KEY

_DAYS_MOST = 3660


def list_versions(arguments: Namespace, terminal: Terminal) -> None:
    """List every version of the custodian's keys with its state, its end and what it asks for."""
    with custodian_of(_settings(arguments)) as custodian:
        book = Book.parse(custodian.key_versions())
    now = clock.now()
    if terminal.as_json:
        orders = {(each.key, each.number): each for each in book.orders if each.kept is None}
        terminal.show_json(
            [
                {
                    **each.to_object(),
                    "warning": each.warning(now),
                    "ordered": orders[each.key, each.number].to_object()
                    if (each.key, each.number) in orders
                    else None,
                }
                for each in book.versions
            ]
        )
        return
    for each in book.versions:
        _show(each, now, terminal)
        order = book.standing(each.key, each.number)
        if order is not None and each.state != DESTROYED:
            day = f"{each.destroyable_from(order.at):%Y-%m-%d %H:%M}"
            Speaker(terminal).say("key_ordered", key=each.key, number=each.number, day=day)


def suspend(arguments: Namespace, terminal: Terminal) -> None:
    """Suspend a version at once; one person suffices for what makes things safer."""
    with (
        opened(arguments) as installation,
        custodian_of(installation.settings) as custodian,
        journal_of(installation).act("key_suspend", arguments.key),
    ):
        number = number_of(arguments, Book.parse(custodian.key_versions()))
        answer = custodian.suspend_key(
            arguments.key.encode(), str(number).encode(), arguments.reason.encode()
        )
    tell_version(read_version(Record(canonical.decode(answer), "version")), terminal)


def resume(arguments: Namespace, terminal: Terminal) -> None:
    """End a suspension at the custodian's terminal; there alone with `--at-custodian`.

    Raises:
        Misused: KEY_NAME_UNKNOWN.
        Refused: KEY_AT_CUSTODIAN.
        KeysError: the store does not open, or nothing is suspended.
    """
    now = clock.now().replace(microsecond=0)
    if arguments.at_custodian:
        at = terminal_of(arguments, terminal)
        number = number_of(arguments, at.book(now))
        tell_version(at.resume(arguments.key, number, now, arguments.reason), terminal)
        Speaker(terminal).say("key_resumed_next", key=arguments.key)
        return
    with opened(arguments) as installation:
        require_reached(arguments, installation, "resume", "keys take-in")
        at, found = terminal_of(arguments, terminal), Found()
        with (
            custodian_of(installation.settings) as custodian,
            journal_of(installation).act(RESUMED, arguments.key, found),
        ):
            number = number_of(arguments, Book.parse(custodian.key_versions()))
            moved = at.resume(arguments.key, number, now, arguments.reason)
            found.statement = Resumption.last_of(moved).digest
    tell_version(moved, terminal)


def require_reached(arguments: Namespace, installation: Installation, what: str, then: str) -> None:
    """Refuse, where the custodian lies with another user, what is not done at its terminal first.

    Args:
        arguments: as typed.
        installation: whose custodian.
        what: the command after `keys`.
        then: what this user types once it is done there.

    Raises:
        Refused: KEY_AT_CUSTODIAN.
    """
    if not installation.settings.custodian_apart or arguments.store is not None:
        return
    number = "" if arguments.number is None else f" --number {arguments.number}"
    typed = f"keys {what} {arguments.key}{number}"
    raise Refused(
        "KEY_AT_CUSTODIAN",
        custodian=installation.settings.custodian,
        typed=typed,
        then=then or typed,
    )


def rotate(arguments: Namespace, terminal: Terminal) -> None:
    """Put the next version of a key in force: the bureau's keys, unless another is named.

    Raises:
        Misused: DAYS_INVALID, KEY_NAME_UNKNOWN, PERSON_NAME_MALFORMED.
        Refused: KEY_ROTATES_NOT, ROTATION_TAKEN_IN; see `presence.sign`.
        KeysError: the store does not open.
    """
    require_days(arguments)
    kind = None if arguments.key is None else lasting_kind(arguments.key)
    if kind is not None:
        _rotate_lasting(arguments, terminal, kind)
        return
    with custodian_of(_settings(arguments)) as custodian:
        own = bureau_key(custodian.card())
    if arguments.key not in {None, own}:
        raise Misused("KEY_NAME_UNKNOWN", given=arguments.key[:80], known=own)
    _rotate_bureau(arguments, terminal)


def require_days(arguments: Namespace) -> None:
    """Refuse a period that no card has. Raises Misused DAYS_INVALID."""
    if not 1 <= arguments.days <= _DAYS_MOST:
        raise Misused("DAYS_INVALID")


def _rotate_lasting(arguments: Namespace, terminal: Terminal, kind: str) -> None:
    """Put another key in force of those that have no edition; the old one is gone.

    A rotation that was interrupted after the key changed only has its entry made.
    """
    with (
        opened(arguments) as installation,
        custodian_of(installation.settings) as custodian,
    ):
        number_of(arguments, Book.parse(custodian.key_versions()))
        if not LASTING[kind].rotates:
            raise Refused("KEY_ROTATES_NOT", key=arguments.key)
        found = Found()
        order = ordering.asked(arguments, terminal, installation, arguments.key, {})
        with journal_of(installation).act(ROTATED, arguments.key, found) as connection:
            at = terminal_of(arguments, terminal)
            ordering.enter(connection, order, installation.settings, found)
            now = clock.now().replace(microsecond=0)
            if kind == DESKS_KEY:  # so that the books know whom they end, if these told nothing yet
                take_in(connection, custodian, installation.settings.headquarters, now)
            waiting = _waiting(connection, at, arguments.key, now)
            version = exchanged(at, kind, now) if waiting is None else waiting
            found.card = version.fingerprint
            versions = at.book(version.since).of(version.key)
            found.statement = Rotation.of(versions, version.number).digest
            retire_desks(connection, custodian, clock.now())
            enter_versions(connection, versions, clock.now())
    tell_version(version, terminal)
    if waiting is not None:
        Speaker(terminal).say("key_rotation_finished", key=version.key, number=version.number)
    Speaker(terminal).say("key_rotation_next", key=version.key)
    if kind == AUTHORITY_KEY:
        Speaker(terminal).say("key_authority_next")
    if kind == LOG_KEY:
        Speaker(terminal).say("key_log_next")


def _waiting(
    connection: Connection, at: CustodianTerminal, key: str, now: datetime
) -> KeyVersion | None:
    """Return the version in force where the rotation that made it is not in the log yet.

    Raises:
        Refused: ROTATION_TAKEN_IN: what was interrupted is in the log already.
    """
    finished, book = at.finish(key, now), at.book(now)
    for rotation in untold(connection, book, key):
        version = book.find(rotation.key, rotation.number)
        # One that fell since is no longer active: another takes its place, `keys take-in` tells it.
        if version.key == key and version.state == ACTIVE:
            return version
    if finished is not None:
        raise Refused("ROTATION_TAKEN_IN", key=key, number=finished.number)
    return None


def exchanged(at: CustodianTerminal, kind: str, now: datetime) -> KeyVersion:
    """Put another key of a kind of `LASTING` that rotates in force, at the custodian's terminal.

    Raises:
        KeysError, OSError: as `CustodianTerminal.rotate_receipts`.
    """
    exchange = {
        AUTHORITY_KEY: at.rotate_authority,
        CERTIFYING_KEY: at.rotate_certifying,
        DESKS_KEY: at.rotate_desks,
        LOG_KEY: at.rotate_log,
        RECEIPTS_KEY: at.rotate_receipts,
    }[kind]
    return exchange(now)


def _rotate_bureau(arguments: Namespace, terminal: Terminal) -> None:
    """Put the next edition of the bureau's keys in force, and its card into the directory.

    A rotation that was interrupted after the keys changed only has its card taken in.

    Raises:
        Refused: ROTATION_TAKEN_IN: what was interrupted is in the log already.
    """
    now = clock.now().replace(microsecond=0)
    at = terminal_of(arguments, terminal)
    with opened(arguments) as installation:
        with reading(installation.engine) as connection:
            directory = read_directory(connection)
        card = read_card((at.store / CARD_FILE).read_bytes())
        found, key = Found(), bureau_key(card)
        order = ordering.asked(arguments, terminal, installation, key, {})
        with journal_of(installation).act(ROTATED, key, found) as connection:
            ordering.enter(connection, order, installation.settings, found)
            known = directory.post(card.post).fingerprint == card.fingerprint
            finished = at.finish(key, now)
            if known and finished is not None:
                raise Refused("ROTATION_TAKEN_IN", key=key, number=finished.number)
            if known:
                card = at.rotate(now, now + timedelta(days=arguments.days), now)
            enrolment.install(connection, card, now)
            found.card = card.fingerprint
            versions = at.settle(now).of(key)
            found.statement = Rotation.of(versions, card.edition).digest
        opened_again(installation, at)
    _tell_card(card, terminal)
    if not known:
        Speaker(terminal).say("key_rotation_finished", key=key, number=card.edition)
    Speaker(terminal).say("key_rotation_next", key=key)


def number_of(arguments: Namespace, book: Book) -> int:
    """Return the number typed, else that of the key's newest version.

    Raises:
        Misused: KEY_NAME_UNKNOWN.
    """
    versions = book.of(arguments.key)
    if not versions:
        known = ", ".join(dict.fromkeys(each.key for each in book.versions))
        raise Misused("KEY_NAME_UNKNOWN", given=arguments.key[:80], known=known)
    number: int = versions[-1].number if arguments.number is None else arguments.number
    return number


def opened_again(installation: Installation, at: CustodianTerminal, *, seal: bool = False) -> None:
    """Let a running custodian of a split store open the keys as they are now, by the same shares.

    Without shares it opens them itself; one that does not run opens them when it is started.
    """
    if not at.shares:
        return
    with custodian_of(installation.settings) as custodian, suppress(CustodianUnavailable):
        if seal:
            custodian.seal()
        for share in at.shares:
            if custodian.state().sealed:
                custodian.offer_share(share.to_bytes())


def _settings(arguments: Namespace) -> Settings:
    return Settings.load(Path(arguments.data))


def terminal_of(arguments: Namespace, terminal: Terminal) -> CustodianTerminal:
    """Open the custodian's terminal: by its credential, or by the shares that are given.

    Raises:
        Misused, Refused: as `shares_of` and `opened_by_credential`.
        KeysError: the credential, an identity or a share does not open.
    """
    store, credential = opened_by_credential(arguments)
    return CustodianTerminal(
        store=store,
        credential=credential,
        shares=shares_of(arguments.share, arguments.identity, arguments, terminal),
    )


def tell_warnings(book: Book, now: datetime, terminal: Terminal) -> None:
    """Tell beside the result which versions come to their end, or wait to be destroyed."""
    for version, what in book.warnings(now):
        Speaker(terminal).say(
            f"key_{advised(version, what)}", key=version.key, number=version.number
        )


def tell_version(version: KeyVersion, terminal: Terminal) -> None:
    """Show a version as it stands now."""
    if terminal.as_json:
        terminal.show_json(version.to_object())
        return
    _show(version, clock.now(), terminal)


def _show(version: KeyVersion, now: datetime, terminal: Terminal) -> None:
    state = phrase(f"key_{version.state.replace('-', '_')}", terminal.language)
    line = f"{version.key:<20} {version.number:>3}  {state:<16} {version.ends:%Y-%m-%d}"
    terminal.show(f"{line}  {grouped(version.fingerprint)}")
    tell_warnings(Book((version,)), now, terminal)


def _tell_card(card: Card, terminal: Terminal) -> None:
    if terminal.as_json:
        terminal.show_json(
            {"post": card.post, "edition": card.edition, "fingerprint": card.fingerprint}
        )
        return
    speaker = Speaker(terminal)
    speaker.show(
        "key_rotated", post=card.post, edition=card.edition, fingerprint=grouped(card.fingerprint)
    )
    speaker.say("key_rotated_next")
