"""What awaits a person about posts: numbers to ask for again, keys that end soon."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection

from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.subjects import Circumstances, Principal
from cipher_service.console.flow import Awaiting
from cipher_service.console.language import mark
from cipher_service.console.posts.state import SOON, URGENT
from cipher_service.directory.register import Directory, read_directory
from cipher_service.dispatches import speaking
from cipher_service.dispatches.office import chasing

_CLERKS: Final = frozenset({"CIPHER-CLERK", "CHIEF-CIPHER-POUCH"})
_KEEPERS: Final = frozenset({"CUSTODIAN-A", "CUSTODIAN-B", "SECURITY-OFFICER"})


def awaits(
    connection: Connection, gate: Gate, principal: Principal, now: datetime
) -> Iterator[Awaiting]:
    """Say which numbers cipher clerks have to ask for, and which keys their keepers renew."""
    held = principal.functions | {mandate.function for mandate in principal.mandates}
    if not held & (_CLERKS | _KEEPERS):
        return
    directory = read_directory(connection)
    thing = chasing.request(gate.scheme, principal.post)
    facts: dict[str, Any] = chasing.FACTS
    context = Circumstances(now, **facts)
    if held & _CLERKS and decide(gate.policies, principal, chasing.ACTION, thing, context).allowed:
        due = speaking.due(connection, directory, principal.post)
        yield Awaiting(mark("Numéros manquants à redemander"), "/postes/numeros", len(due))
    if held & _KEEPERS:
        left = _days_left(directory, now)
        late = sum(days < URGENT for days in left)
        yield Awaiting(
            mark("Clés de poste à renouveler"),
            "/postes/apercu",
            sum(days < SOON for days in left),
            late,
        )


def _days_left(directory: Directory, now: datetime) -> list[int]:
    return [
        (directory.cards[post.fingerprint].card.valid_until - now).days
        for post in directory.posts.values()
        if post.state == "active" and post.fingerprint is not None
    ]
