"""The papers that persons sign with the pen when a bag has arrived: décharge, report, record.

What an officer types stands on the paper and nowhere else: it comes in a form and goes as a PDF.
"""

from collections.abc import Callable

from starlette.responses import Response

from cipher_service.console.pouches.reading import as_file, ask, named, page, whole
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import forms, views
from cipher_service.pouches.office import Office
from pouch.papers import forms as printed

_ACCOUNT = ("circumstances", "effect", "measures")
_NUMBER_MOST = 40
_ACCOUNT_MOST = 2000


async def desk(visit: Visit, refusal: ServiceError | None = None) -> Response:
    """Which papers a bag can have now."""
    seal, number = named(visit), visit.person.number
    found = await ask(visit, lambda office: views.journey(office, seal, by=number))
    return page(visit, "papers", refusal, bag=found.line, cases=found.cases)


async def receipt(visit: Visit) -> Response:
    """The décharge of a bag that headquarters received."""
    form = await visit.form("number", "ordinal")
    seal, by, language = named(visit), visit.person.number, visit.language
    number, ordinal = _number(form["number"]), _ordinal(form["ordinal"])
    level = default_scheme().papers["bag"].name(language)

    def drawn(office: Office) -> Callable[[], bytes]:
        value = forms.receipt(
            office, seal, by=by, number=number, ordinal=ordinal, language=language
        )
        return lambda: printed.receipt(value, language, level)

    return await _printed(visit, "decharge.pdf", drawn)


async def discrepancy(visit: Visit) -> Response:
    """The report of one of a bag's discrepancies."""
    form = await visit.form("number", "ordinal", "case", *_ACCOUNT)
    seal, by, language = named(visit), visit.person.number, visit.language
    number, ordinal = _number(form["number"]), _ordinal(form["ordinal"])
    account = {name: _text(form[name], _ACCOUNT_MOST) for name in _ACCOUNT}
    level = default_scheme().papers["bag"].name(language)

    def drawn(office: Office) -> Callable[[], bytes]:
        cases = views.journey(office, seal, by=by).cases
        if form["case"] not in {each.case for each in cases}:
            raise ServiceError("CASE_UNKNOWN", case=form["case"][:40])
        value = forms.discrepancy(
            office,
            form["case"],
            by=by,
            number=number,
            ordinal=ordinal,
            language=language,
            **account,
        )
        return lambda: printed.discrepancy_report(value, language, level)

    return await _printed(visit, "irregularite.pdf", drawn)


async def destruction(visit: Visit) -> Response:
    """The record of the last destruction of items of a bag."""
    form = await visit.form("number", "reason")
    seal, by, language = named(visit), visit.person.number, visit.language
    number, reason = _number(form["number"]), _text(form["reason"], _ACCOUNT_MOST)
    level = default_scheme().papers["bag"].name(language)

    def drawn(office: Office) -> Callable[[], bytes]:
        value = forms.destruction(
            office, seal, by=by, number=number, reason=reason, language=language
        )
        return lambda: printed.destruction_record(value, language, level)

    return await _printed(visit, "destruction.pdf", drawn)


async def _printed(
    visit: Visit, name: str, drawn: Callable[[Office], Callable[[], bytes]]
) -> Response:
    """Draw a paper up from the books, then set it outside of them; a refusal stands on the desk."""
    try:
        work = await ask(visit, drawn)
    except ServiceError as error:
        return await desk(visit, error)
    return as_file(await visit.office.in_thread(work), "application/pdf", name)


def _number(typed: str) -> str:
    return _text(typed, _NUMBER_MOST)


def _ordinal(typed: str) -> int | None:
    return whole(typed) if typed.strip() else None


def _text(typed: str, most: int) -> str:
    text = " ".join(typed.split())
    if not 0 < len(text) <= most or not text.isprintable():
        raise ServiceError("FORM_REFUSED")
    return text
