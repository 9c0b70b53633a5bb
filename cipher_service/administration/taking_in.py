"""What was done to keys at the custodian's terminal and waits for the books, or to be confirmed."""

from sqlalchemy import Connection

from cipher_service.audit import resumptions
from cipher_service.audit.rotations import unconfirmed, untold
from cipher_service.directory.controlled_keys import designation, record_of
from keys.custody.book import Book
from keys.lifecycle import DESTROYED, KeyVersion


def waiting_in(connection: Connection, book: Book, post: str) -> list[tuple[str, str, int]]:
    """Return what waits: the phrase that names it with the command that ends it, key and version.

    Args:
        connection: to the books.
        book: the custodian's.
        post: code of headquarters.
    """
    own = f"bureau/{post}"
    ended = [
        (version.key, version.number)
        for order in book.orders
        if order.kept is None
        for version in (book.find(order.key, order.number),)
        if version.state == DESTROYED and record_of(connection, _named(version)) is None
    ]
    return [
        *(("rotation_waits", each.key, each.number) for each in untold(connection, book, own)),
        *(
            ("key_resumption_waits", each.key, each.number)
            for each in resumptions.untold(connection, book)
        ),
        *(("key_destruction_waits", *each) for each in ended),
        *(
            ("rotation_to_confirm", each.key, each.number)
            for each in unconfirmed(connection, book, own)
        ),
    ]


def _named(version: KeyVersion) -> str:
    return designation(version.key.partition("/")[2], version.number, version.fingerprint)
