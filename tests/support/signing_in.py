"""Officers with security keys of the service, for the tests of identity."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import Engine

from cipher_service.directory import officers
from cipher_service.directory.officers import Identity
from cipher_service.directory.organisation import default_organisation
from cipher_service.directory.organisation_book import load
from cipher_service.identity import challenges, passkey_book
from cipher_service.identity.passkey_book import Site
from cipher_service.storage.unit_of_work import unit_of_work
from keys.passkeys import RelyingParty
from tests.support.authenticator import HONEST, Alterations, Maker, SecurityKey

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
PARTY = RelyingParty("chiffre.example.cm", ("https://chiffre.example.cm",))
MAKER = Maker()
SITE = Site(PARTY, MAKER.policy())
CLERK = Identity(
    "A. Essomba", "SAE", date(2020, 1, 1), date(2012, 5, 1), "SG/SDCCL/SCVD/BC", "MINREX"
)


@dataclass(frozen=True)
class Enrolled:
    """An officer with two security keys."""

    number: str
    keys: tuple[SecurityKey, SecurityKey]


def load_ministry(engine: Engine) -> None:
    with unit_of_work(engine) as connection:
        load(connection, default_organisation(), NOW)


def add_officer(engine: Engine) -> str:
    with unit_of_work(engine) as connection:
        return officers.add(connection, CLERK, NOW)


def registration(
    engine: Engine, officer: str, key: SecurityKey, now: datetime = NOW
) -> tuple[bytes, bytes]:
    with unit_of_work(engine) as connection:
        nonce = challenges.give(connection, "enrol", officer, now)
    return nonce, key.create(challenges.asked("enrol", nonce), PARTY)


def enrol(engine: Engine, officer: str | None = None, now: datetime = NOW) -> Enrolled:
    """Enrols an officer (a new one unless given) with two new keys, by a link."""
    number = officer or add_officer(engine)
    keys = (SecurityKey(MAKER), SecurityKey(MAKER))
    with unit_of_work(engine) as connection:
        link = passkey_book.make_link(connection, number, now, by=None)
    made = [registration(engine, number, key, now) for key in keys]
    with unit_of_work(engine) as connection:
        assert passkey_book.enrol(connection, link, made, SITE, now) == number
    return Enrolled(number, keys)


def signed_in(
    engine: Engine, key: SecurityKey, now: datetime = NOW, changes: Alterations = HONEST
) -> str:
    """Signs in with a key; gives the cookie's value."""
    with unit_of_work(engine) as connection:
        nonce = challenges.give(connection, "sign-in", None, now)
    response = key.get(challenges.asked("sign-in", nonce), PARTY, changes)
    with unit_of_work(engine) as connection:
        return passkey_book.sign_in(connection, nonce, response, SITE, now)
