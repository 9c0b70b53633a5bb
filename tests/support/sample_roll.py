"""A custodian that knows the officers of the service's books: their roll, without a ceremony.

A ministry founds its roll in its custodian's own terminal (`keys.custody.ceremony`), where another
person reads its fingerprint out. Here it is written as that ceremony would leave it.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.identity.demonstration import Demonstration
from cipher_service.identity.site import site_of
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables import officers as persons
from cipher_service.storage.tables.identity import passkey
from cipher_service.storage.unit_of_work import reading
from keys.attestation import AuthenticatorPolicy
from keys.custody import read_credential
from keys.custody.roll import Officer, Roll
from keys.custody.roll_file import RollFile
from keys.passkeys import Passkey, RelyingParty

_SINCE = timedelta(days=1)
_LASTS = timedelta(days=300)


def found_sample(settings: Settings, roles: Collection[str]) -> Roll:
    """Found the custodian of a demonstration with its officers who hold one of some functions.

    Raises:
        ServiceError: NOT_FOUND: this is no demonstration, or it has no officers.
    """
    numbers = [one.officer for one in Demonstration.of(settings).people() if one.role in roles]
    party = RelyingParty(settings.party_id, (settings.approval_origin,))
    engine = open_existing(settings.database)
    with reading(engine) as connection:
        officers = [officer_of(connection, number, clock.now()) for number in numbers]
    engine.dispose()
    roll = founded_roll(officers, party, site_of(settings).policy)
    RollFile(settings.custodian_store, read_credential(settings.custodian_credential)).write(roll)
    return roll


def officer_of(connection: Connection, number: str, now: datetime) -> Officer:
    """Return an officer of the service's books as a roll has them: the same keys and functions."""
    known = Gate().principals.of(connection, number, now)
    name = connection.scalar(
        select(persons.officer.c.name).where(persons.officer.c.officer_id == number)
    )
    rows = connection.execute(select(passkey).where(passkey.c.officer == number))
    today = now.replace(microsecond=0)
    return Officer(
        id=number,
        name=str(name),
        functions=known.functions,
        rank=known.clearance,
        starts=today - _SINCE,
        ends=today + _LASTS,
        version=1,
        revoked=False,
        passkeys=tuple(
            Passkey(bytes.fromhex(row.credential_id), row.public_key, row.model, 0) for row in rows
        ),
    )


def founded_roll(
    officers: Collection[Officer], party: RelyingParty, policy: AuthenticatorPolicy
) -> Roll:
    """Return the roll that a ceremony with these officers would leave."""
    return Roll(party, policy, founded=True, officers={one.id: one for one in officers})
