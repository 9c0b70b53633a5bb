"""The custodian of a restored installation: put back from the backup, or still living beside it."""

from argparse import Namespace
from pathlib import Path

from sqlalchemy import Connection

from cipher_service.client.failures import Refused
from cipher_service.directory.register import read_directory
from cipher_service.settings import Settings
from keys.cards import Card
from keys.custody import Custodian, no_secret, open_custodian, read_credential
from keys.custody.place import adopt, end_of


def custodian_of(settings: Settings) -> Custodian:
    """Open the restored custodian's store, which no process serves yet, or the one that lives."""
    if not settings.custodian_store.exists():
        return open_custodian(settings.custodian, no_secret)
    credential = read_credential(settings.custodian_credential)
    return open_custodian(f"file:{settings.custodian_store}", lambda _uri: credential)


def adopted(settings: Settings, arguments: Namespace) -> int | None:
    """Make the restored custodian's store what its second place has, where that is given.

    Raises:
        KeysError: see `keys.custody.place.adopt`.
        OSError: it cannot be read.
    """
    store = settings.custodian_store
    if arguments.custodian_lives:
        return None
    if arguments.custodian_second:
        return adopt(store, Path(arguments.custodian_second).resolve())
    end_of(store)
    return None


def require_keys(connection: Connection, settings: Settings) -> Card | None:
    """Demand that the custodian has the keys of the card that the books have in force.

    A second store tells of a rotation that is in no backup, and not its keys.

    Returns:
        Its card where the books do not know it yet: its second place may be ahead of them.

    Raises:
        Refused: SECOND_STORE_NEWER_KEYS.
    """
    told = read_directory(connection).card_in_force(settings.headquarters)
    card = custodian_of(settings).card()
    if told.fingerprint == card.fingerprint:
        return None
    if told.edition >= card.edition:
        raise Refused("SECOND_STORE_NEWER_KEYS", post=settings.headquarters)
    return card


def last_signed(settings: Settings, arguments: Namespace) -> bytes:
    """Return the last head that a custodian which lives signed, as it signs it again; else none."""
    if not arguments.custodian_lives:
        return b""
    custodian = custodian_of(settings)
    head = custodian.log_head()
    return custodian.sign_checkpoint(head, b"", b"") if head else b""
