"""Found an installation: settings, the bureau's keys, the database, the decree's directory."""

from argparse import Namespace
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cipher_service import clock
from cipher_service.administration import first_officer
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.words import Speaker
from cipher_service.client.durable import sync_folder
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import enrolment, organisation_book
from cipher_service.directory.controlled_keys import enter_versions
from cipher_service.directory.organisation import Organisation, default_organisation
from cipher_service.settings import FILE, Settings, origin_for, own_custodian
from cipher_service.storage import migrations
from cipher_service.storage.engine import open_engine
from cipher_service.storage.unit_of_work import unit_of_work
from keys.cards import grouped
from keys.custody import Founding, found
from keys.custody.book import Book
from keys.custody.files import make_folders
from keys.statements import key_fingerprint


@dataclass(frozen=True, slots=True)
class Console:
    """Where officers' pages are, and whether they are a demonstration's."""

    port: int
    origin: str
    approval_port: int
    approval_origin: str
    demo: bool = False

    def added_to(self, settings: Settings) -> Settings:
        """Return an installation's settings with this console."""
        return replace(
            settings,
            console_port=self.port,
            console_origin=self.origin,
            approval_port=self.approval_port,
            approval_origin=self.approval_origin,
            demo=self.demo,
        )


CARD_LIFE = timedelta(days=366)
PORT: Final = 8470


def init(arguments: Namespace, terminal: Terminal) -> None:
    """Found the installation that `--data` names, and show the fingerprints to hand to posts.

    Where its first person is named, also the link by which they enrol in the console.
    """
    data = Path(arguments.data).resolve()
    port = arguments.port or _port(arguments.issuer) or PORT
    settings = planned(
        data,
        host=arguments.host,
        port=port,
        workers=arguments.workers,
        issuer=arguments.issuer or f"http://{arguments.host}:{port}",
        database_url=arguments.database,
        custodian=arguments.custodian,
        production=arguments.production,
        console=console_of(arguments),
    )
    first = first_officer.identity_of(arguments, settings)
    founding = found_installation(settings)
    speaker = Speaker(terminal)
    speaker.show("init_done", data=str(data), post=settings.headquarters)
    speaker.show("init_card", fingerprint=grouped(founding.card.fingerprint))
    speaker.show("init_service", fingerprint=grouped(key_fingerprint(founding.service_key)))
    if settings.console_port:
        speaker.say("init_console", folder=str(settings.authenticators))
    if first is not None:
        first_officer.record(arguments, terminal, first, settings.console_origin)
    speaker.say("init_next", data=str(data))


def planned(
    data: Path,
    *,
    host: str,
    port: int,
    workers: int,
    issuer: str,
    database_url: str = "",
    console: Console | None = None,
    custodian: str | None = None,
    production: bool = False,
) -> Settings:
    """Return the settings of an installation that is to be founded.

    Args:
        data: absent or empty.
        host: address to listen on.
        port: of the API.
        workers: API processes.
        issuer: public address of the API.
        database_url: PostgreSQL; empty for the embedded database.
        console: where officers' pages are; None for an installation without.
        custodian: URI of one that was founded apart and runs; None to found one in the folder.
        production: whether it must have officers before the bureau's keys serve anybody.
    """
    settings = Settings(
        data=data,
        headquarters=_headquarters(default_organisation()),
        database_url=database_url,
        host=host,
        port=port,
        workers=workers,
        issuer=issuer.rstrip("/"),
        custodian=custodian or own_custodian(data),
        production=production,
        log=origin_for(issuer.rstrip("/")),
    )
    return settings if console is None else console.added_to(settings)


def found_installation(settings: Settings, past: timedelta = timedelta()) -> Founding:
    """Found an installation in an absent or empty folder.

    The settings are written last: a founding that was interrupted leaves a folder that no command
    takes for an installation.

    The database is looked at first: one that is in use, or that does not answer, leaves no trace.

    Args:
        settings: of the installation.
        past: how long before now the bureau's card begins: in a demonstration things have happened.

    Raises:
        Refused: FOUNDED_ALREADY, DATABASE_IN_USE, CUSTODIAN_OF_ANOTHER.
        CustodianUnavailable: nobody answers at the URI.
        SettingsInvalid: the console's origins are not such.
        SQLAlchemyError: the database does not answer.
        OSError: the disk refuses.
    """
    data = settings.data
    if (data / FILE).exists() or (data / "custodian").exists():
        raise Refused("FOUNDED_ALREADY", data=str(data))
    if settings.console_port:
        settings.require_origins()
    _require_vacant(settings)
    make_folders(data)
    (data / "run").mkdir(mode=0o700, exist_ok=True)
    now = clock.now().replace(microsecond=0)
    apart = settings.custodian != own_custodian(data)
    founding = _asked(settings) if apart else _founded(settings, now - past)
    engine = open_engine(settings.database)
    try:
        migrations.upgrade(engine)
        with unit_of_work(engine) as connection:
            organisation_book.load(connection, default_organisation(), now)
            enrolment.install(connection, founding.card, now)
            own = None if apart else f"file:{settings.custodian_store}"
            with custodian_of(settings, own) as custodian:
                enter_versions(connection, Book.parse(custodian.key_versions()).versions, now)
    finally:
        engine.dispose()
    settings.write()
    sync_folder(data)
    return founding


def _founded(settings: Settings, begins: datetime) -> Founding:
    return found(
        settings.custodian_store,
        settings.custodian_credential,
        settings.headquarters,
        begins,
        begins + CARD_LIFE,
    )


def _asked(settings: Settings) -> Founding:
    """Ask a custodian that was founded apart for the public side of its keys."""
    with custodian_of(settings) as custodian:
        card = custodian.card()
        if card.post != settings.headquarters:
            raise Refused("CUSTODIAN_OF_ANOTHER", post=card.post)
        return Founding(card, custodian.service_key(), custodian.certifying_key())


def console_of(arguments: Namespace) -> Console | None:
    """Return the console that is asked for; its page for signing takes the next port."""
    port = arguments.console_port
    if not port:
        return None
    approval = arguments.approval_port or port + 1
    return Console(
        port,
        (arguments.console_origin or f"http://localhost:{port}").rstrip("/"),
        approval,
        (arguments.approval_origin or f"http://localhost:{approval}").rstrip("/"),
    )


def _port(issuer: str | None) -> int | None:
    """Return the port that an issuer names and that nobody but the service itself can listen on.

    Behind `https` somebody else ends TLS, and listens there.

    Raises:
        Misused: ISSUER_INVALID.
    """
    if issuer is None:
        return None
    try:
        parts = urlsplit(issuer)
        port = parts.port
    except ValueError:
        raise Misused("ISSUER_INVALID", given=issuer[:200]) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Misused("ISSUER_INVALID", given=issuer[:200])
    return port if parts.scheme == "http" else None


def _require_vacant(settings: Settings) -> None:
    if not settings.database_url:
        return  # the embedded one is in the folder, which holds no installation
    engine = open_engine(settings.database)
    try:
        if not migrations.is_vacant(engine):
            raise Refused("DATABASE_IN_USE")
    finally:
        engine.dispose()


def _headquarters(organisation: Organisation) -> str:
    [seat] = [post.code for post in organisation.posts if post.kind == "headquarters"]
    return seat
