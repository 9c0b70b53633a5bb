"""`cipher-service keys propose` and `keys destroy`: officers order a key's end, two see it.

The order is an act of the custodian's own officers (keys/ACTS.md §5): it is written to a file here,
read whole and signed by each of them with `cipher-service approve`, and carried out at the
custodian's terminal before two witnesses, who sign the record that the register keeps.
"""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from cipher_service import clock
from cipher_service.administration.installation import (
    Installation,
    custodian_of,
    journal_of,
    opened,
)
from cipher_service.administration.versions import (
    number_of,
    opened_again,
    require_reached,
    tell_version,
    terminal_of,
)
from cipher_service.administration.witnessing import (
    Told,
    require_vacant,
    witnesses_of,
    write_record,
)
from cipher_service.administration.words import Speaker, phrase
from cipher_service.client.durable import write_durably
from cipher_service.client.terminal import Terminal
from cipher_service.directory import controlled
from cipher_service.directory.controlled_keys import designation, enter_key, record_of
from cipher_service.references import new_id
from cipher_service.storage.unit_of_work import reading
from keys.act_rules import RULES
from keys.acts import Act
from keys.cards import Card
from keys.custody.book import Book, bureau_key
from keys.custody.orders import DESTROY, KEEP, Order, perform_order, version_of
from keys.custody.rotation import Terminal as CustodianTerminal
from keys.destruction import make_record, read_record
from keys.identity import Identity
from keys.lifecycle import DESTROYED, KeyVersion

KINDS = {"destroy": DESTROY, "keep": KEEP}


def propose(arguments: Namespace, terminal: Terminal) -> None:
    """Write the act that orders a version's destruction, or takes the order back, to be signed.

    Raises:
        Refused: FILE_EXISTS.
        Misused: KEY_NAME_UNKNOWN.
        KeysError: the custodian would not do it; nobody need sign it.
    """
    require_vacant(arguments.out)
    with opened(arguments) as installation, custodian_of(installation.settings) as custodian:
        book = Book.parse(custodian.key_versions())
    now = clock.now().replace(microsecond=0)
    number = number_of(arguments, book)
    act = _proposed(book, book.find(arguments.key, number), arguments, now)
    perform_order(book, act, (), now)
    write_durably(Path(arguments.out), act.encoded + b"\n")
    if terminal.as_json:
        terminal.show_json({"act": act.id, "digest": act.digest.hex(), "path": arguments.out})
        return
    speaker = Speaker(terminal)
    speaker.show("key_proposed", id=act.id, path=arguments.out)
    speaker.say("key_proposed_next", path=arguments.out)


def destroy(arguments: Namespace, terminal: Terminal) -> None:
    """Carry out an order: the version's keys go for ever, and two witnesses sign that they went.

    Typed again, it finishes what was interrupted, and writes the record out again. Where the
    custodian lies with another user, that user's half comes first (`--at-custodian`), and the
    record is signed and entered here.

    Raises:
        Misused: WITNESSES_TWO.
        Refused: FILE_EXISTS, KEY_AT_CUSTODIAN.
        ServiceError: ITEM_NOT_HELD.
        KeysError: no order stands, it rests still, the store does not open, or the witnesses are
            one.
    """
    require_vacant(arguments.out, arguments.paper)
    witnesses = witnesses_of(arguments.witness, arguments, terminal)
    now = clock.now().replace(microsecond=0)
    if arguments.at_custodian:
        _at_custodian(arguments, terminal, witnesses, now)
        return
    with opened(arguments) as installation:
        if installation.settings.custodian_apart and arguments.store is None:
            end = _done_there(installation, arguments)
            record, version = _carried_out(installation, end, witnesses, now)
        else:
            at = terminal_of(arguments, terminal)
            end = _End.here(at, arguments, now)
            record, version = _carried_out(installation, end, witnesses, now)
            opened_again(installation, at, seal=True)
    stated = read_record(record, {each.card.fingerprint: each.card for each in witnesses})
    order, post = end.order, end.card.post
    own = bureau_key(end.card) == order.key
    told = Told(
        ordered_by=", ".join(order.approved),
        method=phrase("key_method" if own else "key_method_of_post", terminal.language),
        place=post,
        issuer=post,
        reason=arguments.reason,
    )
    write_record(arguments, terminal, record, stated, told)
    tell_version(version, terminal)
    speaker = Speaker(terminal)
    speaker.say("item_is_destroyed", item=stated.item, path=arguments.out)
    speaker.say("key_copies_remain")


def _proposed(book: Book, version: KeyVersion, arguments: Namespace, now: datetime) -> Act:
    parameters: dict[str, str | int] = {"number": version.number}
    if arguments.what == "destroy":
        parameters |= {"fingerprint": version.fingerprint, "end_of_life": version.end_of_life}
    else:
        parameters["order"] = book.ordered(version.key, version.number).act
    kind = KINDS[arguments.what]
    act = Act(
        id=new_id(now),
        kind=kind,
        resource=version.key,
        version=0,
        rank=0,
        parameters=parameters,
        proposer=arguments.by,
        subjects=(),
        authors=(),
        reason=arguments.reason,
        not_before=now,
        expires=now + timedelta(seconds=RULES[kind].seconds),
    )
    return replace(act, version=version_of(book, act))


@dataclass(frozen=True, slots=True)
class _End:
    """A version that goes: on whose order, as it stands, and what has it go in the store."""

    order: Order
    version: KeyVersion
    card: Card
    carry_out: Callable[[], KeyVersion]

    @classmethod
    def here(cls, at: CustodianTerminal, arguments: Namespace, now: datetime) -> "_End":
        """Return one at this terminal. Raises KeyDestructionNotOrdered."""
        key, number = arguments.key, arguments.number
        book = at.book(now)
        order, version = book.ordered(key, number), book.find(key, number)
        going = partial(at.destroy, key, number, now, arguments.reason)
        return cls(order, version, at.card(), going)

    @property
    def named(self) -> str:
        """What the register calls the version."""
        version = self.version
        return designation(version.key.partition("/")[2], version.number, version.fingerprint)

    @property
    def reference(self) -> str:
        """What the record names as its reason."""
        return f"{DESTROY} {self.order.act}"


def _at_custodian(
    arguments: Namespace, terminal: Terminal, witnesses: tuple[Identity, Identity], now: datetime
) -> None:
    """Destroy a version in the custodian's store alone, once its witnesses could sign that."""
    at = terminal_of(arguments, terminal)
    end = _End.here(at, arguments, now)
    make_record(1, end.named, end.reference, now, witnesses)
    version = end.carry_out()
    tell_version(version, terminal)
    speaker = Speaker(terminal)
    speaker.say("key_destroyed_next", key=version.key, number=version.number)
    speaker.say("key_copies_remain")


def _done_there(installation: Installation, arguments: Namespace) -> _End:
    """Return what the custodian says of a version that its own user destroyed.

    A split one that runs holds its key still: it is sealed, and its holders offer their shares.

    Raises:
        Refused: KEY_AT_CUSTODIAN: the version is there still.
    """
    with custodian_of(installation.settings) as custodian:
        book, card = Book.parse(custodian.key_versions()), custodian.card()
        order = book.ordered(arguments.key, arguments.number)
        version = book.find(order.key, order.number)
        if version.state != DESTROYED:
            require_reached(arguments, installation, "destroy", "")
        if order.key == bureau_key(card) and custodian.state().threshold:
            custodian.seal()
    return _End(order, version, card, lambda: version)


def _carried_out(
    installation: Installation, end: _End, witnesses: tuple[Identity, Identity], now: datetime
) -> tuple[bytes, KeyVersion]:
    """Have a version destroyed and enter its record into the register, once; return the record."""
    with reading(installation.engine) as connection:
        known = record_of(connection, end.named)
    if known is not None:
        return known, end.version
    resource, post = f"{end.order.key}/{end.order.number}", end.order.key.partition("/")[2]
    with journal_of(installation).act("key_destroy", resource) as connection:
        number, fingerprint = end.version.number, end.version.fingerprint
        item = enter_key(connection, post, number, fingerprint, now)
        controlled.require_destroyable(connection, item)
        # Signed first: what these two may not sign is not destroyed.
        record = make_record(item, end.named, end.reference, now, witnesses)
        version = end.carry_out()
        first, second = (each.card.post for each in witnesses)
        controlled.destroy(connection, item, (first, second), end.reference, record, now)
    return record, version
