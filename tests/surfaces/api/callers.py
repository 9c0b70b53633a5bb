"""Every kind of caller that the API knows, and what the books and policies say of each."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, update

from cipher_service import clock
from cipher_service.access import audit_machines, doors
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.machines import Thing, viewer_of
from cipher_service.access.subjects import Book, Circumstances
from cipher_service.directory import enrolment
from cipher_service.directory.organisation import Post as Declared
from cipher_service.directory.organisation_book import declare_post
from cipher_service.directory.register import Directory, changed, read_directory
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables import directory as tables
from cipher_service.storage.unit_of_work import reading
from tests.surfaces.api.bags import machine
from tests.surfaces.api.doors import auditor, door, officer
from tests.surfaces.api.live import Post, Service

PLACE = "GATE-NINE"


@dataclass(frozen=True)
class Books:
    """The books as they are now, asked apart from the API."""

    connection: Connection
    directory: Directory
    gate: Gate

    def post_may(self, caller: Post, action: str, thing: Thing) -> bool:
        """Whether a caller's key is a post's in force, and the policies let that post do this."""
        known = self.directory.api_keys.get(caller.own.api.thumbprint())
        if known is None or known.state != "active":
            return False
        return viewer_of(self.connection, self.directory, known.post).may(action, thing)

    def of_headquarters(self, caller: Post) -> bool:
        """Whether it is the machine of the ministry's own bureau."""
        return caller.code == self.directory.headquarters

    def of_auditor(self, caller: Post) -> bool:
        """Whether it is in service, of an officer whom the policies let read the log."""
        known = self.directory.auditors.get(caller.own.api.thumbprint())
        if known is None:
            return False
        principal = self.gate.principals.of(self.connection, known.officer, clock.now())
        now = Circumstances(clock.now())
        return decide(self.gate.policies, principal, "audit-read", Book("audit"), now).allowed

    def of_door(self, caller: Post) -> bool:
        """Whether it is a door in service."""
        return caller.own.api.thumbprint() in self.directory.doors


@contextmanager
def books_of(service: Service) -> Iterator[Books]:
    """Open the books to ask them."""
    engine, gate = open_existing(service.settings.database), Gate()
    try:
        with reading(engine) as connection:
            gate.principals.look(connection)
            yield Books(connection, read_directory(connection), gate)
    finally:
        engine.dispose()


def every_caller(service: Service, paris: Post, lome: Post, other: Post) -> Mapping[str, Post]:
    """Return a caller of each kind, by name; each holds a token that was good when it was given.

    What ended (a suspended post, a card that was withdrawn, a door and an auditor's machine that
    were revoked) ended after that.
    """
    security = officer(service, "SECURITY-OFFICER")
    asking, _person = auditor(service)
    gone, _other = auditor(service)
    callers = {
        "origin": paris,
        "addressee": lome,
        "other": other,
        "headquarters": machine(service),
        "suspended": declared(service, "GATE-HALTED"),
        "withdrawn": declared(service, "GATE-WITHDRAWN"),
        "pending": declared(service, "GATE-PENDING"),
        "door": door(service, PLACE, security),
        "door revoked": door(service, PLACE, security),
        "auditor": asking,
        "auditor revoked": gone,
    }
    for caller in callers.values():
        caller.held_token = None
        caller.token()
    now, gate = clock.now(), Gate()
    with service.administration() as connection:
        withdrawn = callers["withdrawn"].own.card
        enrolment.suspend(connection, callers["suspended"].code, now)
        enrolment.withdraw(connection, withdrawn.post, withdrawn.fingerprint, now)
        _pending_again(connection, callers["pending"])
        doors.revoke(connection, gate, callers["door revoked"].code, security, now)
        audit_machines.revoke(connection, gate, gone.code, security, now)
    return callers


def _pending_again(connection: Connection, caller: Post) -> None:
    """Undo a comparison: no post has a token before it, so that nothing else refuses this one."""
    for table, mine in (
        (tables.card, tables.card.c.fingerprint == caller.own.card.fingerprint),
        (tables.post, tables.post.c.code == caller.code),
    ):
        connection.execute(update(table).where(mine).values(state="pending"))
    changed(connection)


def declared(service: Service, code: str) -> Post:
    """A post of no map, so that what becomes of it here is nobody else's."""
    declared = Declared(code, "embassy", f"Poste {code}", f"Post {code}", "Gate", "CM")
    with service.administration() as connection:
        declare_post(connection, declared, clock.now())
    return service.enrolled(code)
