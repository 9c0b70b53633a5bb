"""The page where everybody arrives: what awaits me, what is late, and the list of shortcuts."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.access.subjects import Principal
from cipher_service.console.flow import Awaiting, Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.visit import Visit
from cipher_service.directory.roles import default_roles


async def home(visit: Visit) -> Response:
    """What awaits the officer, over all flows."""
    lines = await visit.read(
        lambda connection, gate: awaiting(
            visit.flows, connection, gate, visit.person.principal, visit.now
        )
    )
    roles = default_roles().roles
    held = [roles[code] for code in sorted(visit.person.principal.functions) if code in roles]
    return visit.page("home/home.html", lines=lines, held=held)


async def shortcuts(visit: Visit) -> Response:
    """The help: every shortcut, where it applies."""
    return visit.page("home/shortcuts.html")


def awaiting(
    flows: Iterable[Flow], connection: Connection, gate: Gate, principal: Principal, now: datetime
) -> list[Awaiting]:
    """Return the lines of every flow that have something, what is late first."""
    lines = [
        line
        for flow in flows
        if flow.awaits is not None
        for line in flow.awaits(connection, gate, principal, now)
        if line.count
    ]
    return sorted(lines, key=lambda line: -line.late)


FLOW: Final = Flow(
    "home",
    (Page("/", home), Page("/aide/raccourcis", shortcuts)),
    (Place(mark("À faire"), "/", shortcut="a"),),
    keys=(
        ("?", mark("Montrer l’aide de cette page")),
        ("g a", mark("Aller à ce qui m’attend")),
    ),
)
