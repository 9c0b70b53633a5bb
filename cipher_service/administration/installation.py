"""An installation opened for one command: its settings and its database."""

import json
import os
import pwd
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, Engine

from cipher_service.audit.journal import Found, Journal
from cipher_service.audit.signers import Signers
from cipher_service.client.failures import Refused
from cipher_service.pouches.desk import are_retired
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_existing
from keys.custody import Custodian, open_custodian, read_credential
from keys.custody.book import Book
from keys.custody.errors import CustodianUnavailable, OfficersNotFounded
from keys.custody.lasting import DESKS_KEY
from keys.log.checkpoints import NoteKeys
from keys.passkeys import RelyingParty
from keys.succession import KeyLine, files_of

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Installation:
    """What a command works on."""

    settings: Settings
    engine: Engine


@contextmanager
def installation_at(settings: Settings) -> Iterator[Installation]:
    """Open the installation of these settings, and close it."""
    engine = open_existing(settings.database)
    try:
        yield Installation(settings, engine)
    finally:
        engine.dispose()


@contextmanager
def custodian_of(settings: Settings, uri: str | None = None) -> Iterator[Custodian]:
    """Open a custodian, the installation's own unless `uri` names another, and leave it."""
    credential = settings.custodian_credential
    custodian = open_custodian(
        uri or settings.custodian,
        lambda _uri: read_credential(credential),
        # Whoever names a store reads public keys of a custodian that does not run.
        production=settings.production and uri is None,
    )
    try:
        yield custodian
    finally:
        custodian.close()


def own_store(settings: Settings) -> Path:
    """Return the folder of the custodian that this installation runs itself.

    Raises:
        Refused: CUSTODIAN_APART: it lies with another user, who alone can work on it.
    """
    if settings.custodian_apart:
        raise Refused("CUSTODIAN_APART", custodian=settings.custodian)
    return settings.custodian_store


@contextmanager
def opened(arguments: Namespace) -> Iterator[Installation]:
    """Open the installation that `--data` names, and close it.

    Raises:
        SettingsInvalid: the folder holds none.
    """
    with installation_at(Settings.load(Path(arguments.data))) as installation:
        yield installation


def journal_of(installation: Installation) -> Journal:
    """Return the journal of whoever types: the account of the operating system."""
    try:
        account = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        account = str(os.geteuid())
    return Journal(installation.engine, installation.settings.log_origin, f"account/{account}")


@contextmanager
def acting(
    arguments: Namespace, action: str, resource: str | None = None, found: Found | None = None
) -> Iterator[Connection]:
    """Open the installation for one act, recorded in the commit that does it.

    Raises:
        SettingsInvalid: the folder holds none.
    """
    with (
        opened(arguments) as installation,
        journal_of(installation).act(action, resource, found) as act,
    ):
        yield act


def receipt_keys(installation: Installation) -> KeyLine:
    """Return the keys of receipts: from the running custodian, else from its store."""
    return _asked(installation, receipt_keys_of)


def receipt_keys_of(custodian: Custodian) -> KeyLine:
    """Return every key that a custodian signed receipts with, with its end."""
    current = custodian.service_key()
    return KeyLine.told(current, files_of(custodian.successions()))


def log_keys(installation: Installation) -> NoteKeys:
    """Return the keys of the log's checkpoints: from the running custodian, else from its store."""
    origin = installation.settings.log_origin
    return _asked(installation, lambda custodian: Signers.of(custodian, origin)).notes


def key_book(installation: Installation) -> Book:
    """Return the versions of the keys: from the running custodian, else from its store."""
    return Book.parse(_asked(installation, lambda custodian: custodian.key_versions()))


def desks_retired(installation: Installation, connection: Connection) -> list[tuple[str, str]]:
    """Return what is wrong with headquarters' desks: a code and the key to exchange, or nothing."""
    if not _asked(installation, partial(are_retired, connection)):
        return []
    return [("DESKS_RETIRED", f"{DESKS_KEY}/{installation.settings.headquarters}")]


def of_officers(installation: Installation) -> bool:
    """Tell whether the custodian has officers, running or not: nobody stops it to act alone.

    Raises:
        KeysError: the custodian does not run, and its store is not here.
    """
    return _asked(installation, lambda custodian: custodian.state().founded)


def party_of_officers(installation: Installation) -> RelyingParty | None:
    """Return where the custodian's officers sign, None while it has none; running or not.

    Raises:
        KeysError: as `of_officers`.
    """
    try:
        roll = json.loads(_asked(installation, lambda custodian: custodian.officers()))
    except OfficersNotFounded:
        return None
    return RelyingParty(roll["party"]["id"], tuple(roll["party"]["origins"]))


def client_authorities(installation: Installation) -> bytes:
    """Return the PEM of the posts' authorities: from the custodian, else from its store."""
    return _asked(installation, lambda custodian: custodian.client_authorities())


def _asked(installation: Installation, ask: Callable[[Custodian], Answer]) -> Answer:
    settings = installation.settings
    try:
        with custodian_of(settings) as custodian:
            return ask(custodian)
    except CustodianUnavailable:
        with custodian_of(settings, f"file:{settings.custodian_store}") as custodian:
            return ask(custodian)
