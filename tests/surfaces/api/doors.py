"""Machines of doors and auditors, and somebody who may pass."""

from datetime import date, timedelta

from cipher_service import clock
from cipher_service.access import audit_machines, doors
from cipher_service.access.acts import Gate
from cipher_service.directory import authorisations, officers
from cipher_service.directory.authorisations import Clearance
from cipher_service.directory.officers import Identity, Window
from cipher_service.storage.tables.access import site_access
from tests.support.ministry import HEADQUARTERS, PostKeys
from tests.surfaces.api.live import Post, Service


def officer(service: Service, role: str, level: str = "SECRET") -> str:
    """Engage an officer with a function, habilitated."""
    now = clock.now().replace(microsecond=0)
    window = Window(now - timedelta(days=1), now + timedelta(days=300))
    identity = Identity(role, "SA", date(2015, 1, 1), date(2005, 1, 1), None, HEADQUARTERS)
    with service.administration() as connection:
        found = officers.add(connection, identity, now)
        officers.assign(connection, found, role, window, act="DEC", by=None)
        authorisations.habilitate(
            connection, found, Clearance(level, (), window, window.ends or now),
            act="H", proposer=None, grantor=None, now=now,
        )  # fmt: skip
    return found


def grant(service: Service, person: str, place: str, by: str) -> None:
    """Enter an access to a room in the register, in force."""
    now = clock.now().replace(microsecond=0)
    with service.administration() as connection:
        connection.execute(
            site_access.insert().values(
                officer=person,
                kind="room",
                place=place,
                level="SECRET",
                reason="watch",
                **Window(now - timedelta(days=1), now + timedelta(days=1)).columns(),
                state="granted",
                state_at=clock.text(now),
                proposer=by,
            )
        )


def door(service: Service, place: str, by: str) -> Post:
    """Take the door of a room into service; it calls as posts do, by a key of its own."""
    own = PostKeys("DOOR")
    with service.administration() as connection:
        own.code = doors.record(connection, Gate(), own.api_key, "room", place, by, clock.now())
    return Post(service, own)


def auditor(service: Service) -> tuple[Post, str]:
    """Take the machine of a new auditor into service; with that officer's number."""
    security, minister = officer(service, "SECURITY-OFFICER"), officer(service, "MINISTER")
    own, person = PostKeys("AUDITOR"), officer(service, "AUDITOR")
    with service.administration() as connection:
        own.code = audit_machines.record(
            connection, Gate(), own.api_key, person, security, minister, clock.now()
        )
    return Post(service, own), person
