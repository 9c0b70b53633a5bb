"""What a flow of the console consists of: its pages, its place in the navigation, what awaits.

A flow is one value, `FLOW`, in a module of its own; `flows.py` lists them all.
"""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.access.subjects import Principal
from cipher_service.console.visit import Visit

Handler = Callable[[Visit], Awaitable[Response]]
EVERYBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Page:
    """One path and what answers there.

    Attributes:
        path: as Starlette writes it, `/depeches/{dispatch_id}`.
        handler: given the visit; returns the answer or raises what is refused.
        method: GET or POST.
        signed_in: whether it needs a signed-in officer; without one, the sign-in page answers.
        most: bytes of a body at most, for POST.
        watched: whether a request counts as the officer's activity; not for what a page asks by
            itself.
    """

    path: str
    handler: Handler
    method: str = "GET"
    signed_in: bool = True
    most: int = 64 * 1024
    watched: bool = True


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the navigation.

    Attributes:
        label: a msgid, marked with `mark`.
        path: where it leads.
        functions: who sees it; empty for everybody. It hides what is useless, and protects
            nothing: each page decides for itself.
        shortcut: the letter after `g`; empty for none.
    """

    label: str
    path: str
    functions: frozenset[str] = EVERYBODY
    shortcut: str = ""


@dataclass(frozen=True, slots=True)
class Awaiting:
    """A line of "what awaits me".

    Attributes:
        label: a msgid, marked with `mark`.
        path: where it is dealt with.
        count: how many.
        late: how many of them are late.
    """

    label: str
    path: str
    count: int
    late: int = 0


Awaits = Callable[[Connection, Gate, Principal, datetime], Iterable[Awaiting]]


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow.

    Attributes:
        name: of its folder of templates and its catalogue.
        pages: its paths.
        places: its lines of the navigation.
        awaits: says what awaits a person, from the books; lines with nothing are left out.
        keys: its shortcuts for the help, (key, msgid).
    """

    name: str
    pages: tuple[Page, ...]
    places: tuple[Place, ...] = ()
    awaits: Awaits | None = None
    keys: tuple[tuple[str, str], ...] = ()
