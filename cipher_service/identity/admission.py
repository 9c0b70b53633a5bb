"""May this post act now? Decided against the directory of the transaction that carries the act.

An API process recognises a caller from its token (`gatekeeper`); what can change from one moment
to the next is asked here, in the registrar, so that a suspension or a withdrawn card takes effect
on the next request and not when some cache expires.
"""

from cipher_service.directory.register import (
    ApiKeyRecord,
    AuditorRecord,
    CardRecord,
    Directory,
    DoorRecord,
)
from cipher_service.errors import ServiceError


def client_in_force(directory: Directory, thumbprint: str) -> ApiKeyRecord:
    """Return an API key that may ask for tokens or act.

    Raises:
        ServiceError: TOKEN_REFUSED (unknown, or its card is no longer in force), POST_NOT_ACTIVE
            (its card awaits activation, or its post is suspended).
    """
    client = directory.api_keys.get(thumbprint)
    if client is None or client.state in ("superseded", "withdrawn"):
        raise ServiceError("TOKEN_REFUSED")
    directory.active_post(client.post)
    if client.state != "active":
        raise ServiceError("POST_NOT_ACTIVE", post=client.post)
    return client


def admit(directory: Directory, *, post: str, client: str) -> CardRecord:
    """Demand that a recognised caller may act, and return its card in force.

    Raises:
        ServiceError: as `client_in_force`; also TOKEN_REFUSED when the key is another post's.
    """
    found = client_in_force(directory, client)
    if found.post != post:
        raise ServiceError("TOKEN_REFUSED")
    return directory.cards[found.fingerprint]


def door_in_force(directory: Directory, *, door: str, client: str) -> DoorRecord:
    """Return the door that a recognised caller is.

    Raises:
        ServiceError: DOOR_UNKNOWN: none in service has that number and key; a post is none.
    """
    found = directory.doors.get(client)
    if found is None or found.number != door:
        raise ServiceError("DOOR_UNKNOWN", door=door)
    return found


def auditor_in_force(
    directory: Directory, *, machine: str, client: str, officer: str
) -> AuditorRecord:
    """Return the auditor's machine that a recognised caller is.

    Raises:
        ServiceError: AUDITOR_UNKNOWN: none in service has that number and key and is that
            officer's; a post is none.
    """
    found = directory.auditors.get(client)
    if found is None or (found.number, found.officer) != (machine, officer):
        raise ServiceError("AUDITOR_UNKNOWN", machine=machine)
    return found
