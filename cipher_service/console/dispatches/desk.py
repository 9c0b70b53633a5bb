"""What the pages of dispatches share: the custodian of this process, ids."""

import re
from typing import Final
from weakref import WeakKeyDictionary

from cipher_service.access.acts import Gate
from cipher_service.audit.journal import Journal
from cipher_service.console.language import mark
from cipher_service.console.office import Office
from cipher_service.console.visit import Visit
from cipher_service.dispatches.office.compositions import Composition
from cipher_service.dispatches.office.showing import Showing
from cipher_service.dispatches.reception import Reception
from cipher_service.errors import ServiceError
from cipher_service.storage.blobs import Blobs
from keys.custody import Custodian, open_custodian, read_credential
from keys.records import ULID

_CUSTODIANS: Final[WeakKeyDictionary[Office, Custodian]] = WeakKeyDictionary()
_OFFICER: Final = re.compile(r"OFF-[0-9]{6,12}")


def custodian_of(office: Office) -> Custodian:
    """Return this process's way to the custodian; whoever asks it blocks."""
    known = _CUSTODIANS.get(office)
    if known is not None:
        return known
    settings = office.settings
    credential = settings.custodian_credential
    found = open_custodian(settings.custodian, lambda _uri: read_credential(credential))
    return _CUSTODIANS.setdefault(office, found)


def showing_of(office: Office, custodian: Custodian | None = None) -> Showing:
    """Return what seals texts, or with a custodian that is asked for an officer opens them."""
    settings = office.settings
    asked = custodian or custodian_of(office)
    # Its journal is never used here: each act is the registrar's.
    journal = Journal(office.engine, settings.log_origin, "console")
    reception = Reception(
        office.engine, Blobs(settings.data), asked, settings.headquarters, journal
    )
    return Showing(office.engine, reception, asked, settings.headquarters)


def number_of(visit: Visit) -> str:
    """Return the dispatch that the address names. Raises ServiceError NOT_FOUND."""
    number = str(visit.request.path_params["number"])
    if ULID.fullmatch(number) is None:
        raise ServiceError("NOT_FOUND")
    return number


def headed(visit: Visit, subject: str) -> str:
    """Return what heads a dispatch on a page: its subject, or that it has none."""
    return subject or visit.say(mark("sans objet"))


def require_seen(visit: Visit, gate: Gate, known: Composition) -> None:
    """Demand that the officer has a part in a departure or may list it.

    Raises:
        ServiceError: NOT_FOUND.
    """
    parts = (known.author, known.assigned, known.enciphers, known.released_by)
    seen = visit.person.number in parts
    if not seen and not visit.decides(gate, "list", known.thing(gate.scheme)).allowed:
        raise ServiceError("NOT_FOUND")


def officer_in(form: dict[str, str], field: str = "to") -> str:
    """Return a person's number that a form chose. Raises ServiceError FORM_REFUSED."""
    if _OFFICER.fullmatch(form[field]) is None:
        raise ServiceError("FORM_REFUSED")
    return form[field]
