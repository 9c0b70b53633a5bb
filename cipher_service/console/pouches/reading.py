"""What the pouch bureau's pages share: the bureau to read from, forms, refusals beside a form."""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.console.pouches import words
from cipher_service.console.refusals import status_of, words_of
from cipher_service.console.visit import Visit
from cipher_service.directory import officers
from cipher_service.errors import ServiceError
from cipher_service.pouches.office import Office, seated
from keys.cards import read_card
from keys.endorsement import read_introduction, root_fingerprint

Result = TypeVar("Result")


async def ask(visit: Visit, question: Callable[[Office], Result]) -> Result:
    """Ask the bureau's books something, at one moment."""

    def read(connection: Connection, gate: Gate) -> Result:
        return question(seated(connection, visit.office.headquarters, gate, lambda: visit.now))

    return await visit.read(read)


async def names_of(visit: Visit, numbers: Iterable[str | None]) -> dict[str, str]:
    """Return the names of persons whom a page gives by number, beside which they stand."""
    wanted = list(numbers)
    return await visit.read(lambda connection, _gate: officers.names(connection, wanted))


def page(visit: Visit, name: str, refusal: ServiceError | None = None, **values: Any) -> Response:
    """Answer with a page of the bureau; what was refused stands above its form."""
    told = None if refusal is None else words_of(refusal, visit.language)
    status = 200 if refusal is None else status_of(refusal)
    return visit.page(f"pouches/{name}.html", status, words=words, refusal=told, **values)


def named(visit: Visit) -> str:
    """Return the bag that the address names."""
    return str(visit.request.path_params["seal"])


def whole(typed: str) -> int:
    """Return a number as typed. Raises ServiceError NUMBER_MISREAD."""
    text = "".join(typed.split())
    if not text.isascii() or not text.isdecimal() or len(text) > 9:  # noqa: PLR2004 - more digits than any weight or count of a bag has
        raise ServiceError("NUMBER_MISREAD", typed=typed.strip()[:20] or "–")
    return int(text)


async def root_shown(visit: Visit) -> str | None:
    """Return the fingerprint of the ministry's root; None while its keys were never opened."""
    seals = await visit.office.ask("seals", {})
    if not seals["root"]:
        return None
    return root_fingerprint(read_introduction(seals["root"], read_card(seals["card"])))


def as_file(body: bytes, kind: str, name: str) -> Response:
    """Answer with a file to keep."""
    return Response(
        body, media_type=kind, headers={"content-disposition": f'attachment; filename="{name}"'}
    )
