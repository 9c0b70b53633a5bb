"""A ministry of a few persons, founded in the books, for the tests of acts."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection, Engine

from cipher_service.access.acts import Gate
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Identity, Window
from cipher_service.directory.organisation import default_organisation
from cipher_service.directory.organisation_book import load
from cipher_service.storage.unit_of_work import unit_of_work
from tests.cipher_service.access.populations import NOW

YEAR = timedelta(days=365)
WINDOW = Window(NOW, NOW + YEAR)
ROLES = (
    "MINISTER",
    "SECRETARY-GENERAL",
    "CHIEF-CNTC",
    "SECURITY-OFFICER",
    "DEPUTY-DIRECTOR",
    "AUDITOR",
)


@dataclass(frozen=True)
class Ministry:
    engine: Engine
    gate: Gate
    of: dict[str, str]

    def add(self, role: str, grade: str = "CAE", since: int = 2015, entered: int = 2005) -> str:
        with unit_of_work(self.engine) as connection:
            return person(connection, role, grade, since, entered)


def founded(engine: Engine) -> Ministry:
    with unit_of_work(engine) as connection:
        load(connection, default_organisation(), NOW)
        of = {role: person(connection, role) for role in ROLES}
    return Ministry(engine, Gate(), of)


def person(
    connection: Connection, role: str, grade: str = "MP", since: int = 2010, entered: int = 2000
) -> str:
    identity = Identity(role, grade, date(since, 1, 1), date(entered, 1, 1), None, "MINREX")
    officer = officers.add(connection, identity, NOW)
    officers.assign(connection, officer, role, WINDOW, act="DEC", by=None)
    clearance = Clearance("SECRET", (), WINDOW, NOW + YEAR)
    authorisations.habilitate(
        connection, officer, clearance, act="H", proposer=None, grantor=None, now=NOW
    )
    return officer
