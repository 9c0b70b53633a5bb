"""`cipher-service items`: the register of controlled items (registre ACSSI).

Whoever takes an item, gives it or counts signs with their security key, or a keeper of the register
does for them (`item_signers`). A destruction is signed by two persons, each with the identity that
their share or their post has, and entered by a keeper. Reading is the keepers' and the auditor's.
"""

from argparse import Namespace
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.administration.exposing import show_exposed
from cipher_service.administration.item_signers import kept, read, signed
from cipher_service.administration.witnessing import (
    Told,
    require_vacant,
    witnesses_of,
    write_record,
)
from cipher_service.administration.words import Speaker, phrase
from cipher_service.client.drafting import read_card_file
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import carried_cards, controlled, prekeys
from cipher_service.directory.controlled import Item
from cipher_service.directory.register import DirectoryReader
from cipher_service.dispatches.exposure import exposed_by_item
from cipher_service.pouches import cargo
from keys.destruction import make_record, read_record


def list_items(arguments: Namespace, terminal: Terminal) -> None:
    """List every item ever entered, or those of one holder, and tell when all must be counted."""
    with read(arguments, terminal) as connection:
        found = controlled.items(connection, arguments.holder)
        due = controlled.inventory_due(connection, clock.now())
    if terminal.as_json:
        terminal.show_json({"inventory_due": due, "items": [asdict(each) for each in found]})
        return
    for each in found:
        _show(each, terminal)
    if due:
        Speaker(terminal).say("items_due")


def show(arguments: Namespace, terminal: Terminal) -> None:
    """Show what became of an item, the oldest first."""
    with read(arguments, terminal) as connection:
        found = controlled.history(connection, arguments.item)
    if terminal.as_json:
        terminal.show_json(
            [{**asdict(each), "record": each.record and each.record.decode()} for each in found]
        )
        return
    for each in found:
        kind = phrase(f"item_{each.kind}", terminal.language)
        other = f" / {each.other}" if each.other else ""
        terminal.show(f"{each.at}  {kind:<12}  {each.person}{other}  {each.reference}")


def exposed(arguments: Namespace, terminal: Terminal) -> None:
    """Show which dispatches the keys that travel with an item could read."""
    with read(arguments, terminal) as connection:
        item = _item(connection, arguments.item)
        found = exposed_by_item(connection, item.item)
    if terminal.as_json:
        readable = [asdict(each) for each in found]
        terminal.show_json({"item": item.item, "state": item.state, "readable": readable})
        return
    speaker = Speaker(terminal)
    speaker.show("item_exposes", item=item.item, count=len(found))
    show_exposed(found, terminal)
    if item.state == controlled.COMPROMISED:
        speaker.show("item_exposes_burnt")


def enter(arguments: Namespace, terminal: Terminal) -> None:
    """Enter an item with its first holder, and note whose prekeys or card's keys travel with it.

    Raises:
        Misused: PREKEYS_OF_WHOM: a bundle without its post.
        ServiceError: as `carried_cards.carry` and `prekeys.carry`.
        Refusal: the bundle does not hold; see `keys.prekeys.read_bundle`.
    """
    if (arguments.prekeys is None) != (arguments.post is None):
        raise Misused("PREKEYS_OF_WHOM")
    bundle = None if arguments.prekeys is None else Path(arguments.prekeys).read_bytes()
    card = None if arguments.card is None else read_card_file(arguments.card)
    also = {
        **({} if bundle is None else {"bundle": sha256(bundle).hexdigest()}),
        **({} if card is None else {"fingerprint": card.fingerprint}),
    }
    with signed(arguments, terminal, "item_enter", arguments.holder, also) as connection:
        number = controlled.enter(
            connection,
            arguments.kind,
            arguments.designation,
            arguments.holder,
            arguments.reference,
            clock.now(),
        )
        now, reader = clock.now(), DirectoryReader()
        if card is not None:
            carried_cards.carry(connection, number, card, reader)
        if bundle is not None:
            prekeys.carry(connection, number, bundle, arguments.post, reader, now)
    if terminal.as_json:
        terminal.show_json({"item": number})
    else:
        terminal.show(str(number))


def send(arguments: Namespace, terminal: Terminal) -> None:
    """Let an item leave its holder for somebody else, who has yet to sign for it."""
    with signed(arguments, terminal, "item_send", arguments.by) as connection:
        told = (arguments.by, arguments.to, arguments.reference)
        if arguments.piece is None:
            controlled.send(connection, arguments.item, *told, clock.now())
        else:
            person, to, reference = told
            cargo.send(
                connection,
                arguments.item,
                arguments.piece,
                person=person,
                to=to,
                reference=reference,
                now=clock.now(),
            )
    Speaker(terminal).show("item_is_sent", item=arguments.item, holder=arguments.to)


def receive(arguments: Namespace, terminal: Terminal) -> None:
    """Sign for an item."""
    with signed(arguments, terminal, "item_receive", arguments.by) as connection:
        cargo.receive(
            connection,
            arguments.item,
            person=arguments.by,
            reference=arguments.reference,
            now=clock.now(),
        )
    Speaker(terminal).show("item_is_received", item=arguments.item, holder=arguments.by)


def inventory(arguments: Namespace, terminal: Terminal) -> None:
    """Count: every item that is not shown is missing from now on."""
    with signed(arguments, terminal, "item_inventory", arguments.by) as connection:
        found = controlled.take_inventory(
            connection,
            arguments.occasion,
            arguments.by,
            set(arguments.shown),
            clock.now(),
            holder=arguments.holder,
        )
    if terminal.as_json:
        missing = [each.item for each in found.missing]
        terminal.show_json({"counted": found.counted, "missing": missing})
        return
    Speaker(terminal).show("items_counted", count=found.counted, missing=len(found.missing))
    for each in found.missing:
        _show(each, terminal)


def destroy(arguments: Namespace, terminal: Terminal) -> None:
    """Record the end of an item, signed by two witnesses; the record is written out too.

    Raises:
        Misused: WITNESSES_TWO.
        Refused: FILE_EXISTS.
        KeysError: an identity does not open, or the two are one.
    """
    require_vacant(arguments.out, arguments.paper)
    witnesses = witnesses_of(arguments.identity, arguments, terminal)
    now = clock.now().replace(microsecond=0)
    with kept(arguments, terminal, "item_destroy") as connection:
        found = _item(connection, arguments.item)
        record = make_record(found.item, found.designation, arguments.reference, now, witnesses)
        controlled.destroy(
            connection,
            found.item,
            (witnesses[0].card.post, witnesses[1].card.post),
            arguments.reference,
            record,
            now,
        )
        cards = {each.card.fingerprint: each.card for each in witnesses}
        told = Told(
            ordered_by=arguments.reference,
            method=phrase("item_method", terminal.language),
            place=found.holder,
            issuer=found.holder,
            reason=arguments.reference,
        )
        write_record(arguments, terminal, record, read_record(record, cards), told)
    Speaker(terminal).show("item_is_destroyed", item=found.item, path=arguments.out)


def _item(connection: Connection, number: int) -> Item:
    """Return an item. Raises Refused ITEM_UNKNOWN."""
    for each in controlled.items(connection):
        if each.item == number:
            return each
    raise Refused("ITEM_UNKNOWN", item=number)


def _show(item: Item, terminal: Terminal) -> None:
    state = phrase(f"item_state_{item.state.replace('-', '_')}", terminal.language)
    to = f" -> {item.receiver}" if item.receiver else ""
    terminal.show(
        f"{item.item:>5}  {item.kind:<9} {state:<12} {item.holder}{to}  {item.designation}"
    )
