"""The papers of a bag's arrival and end, drawn up from the books (article 15, remise).

Each is what persons sign with the pen: a décharge, the report of a discrepancy, the bordereau of
empty bags, the record of a destruction. They name lines by their numbers, never what they are.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from cipher_service import clock
from cipher_service.directory import officers
from cipher_service.directory.register import read_directory
from cipher_service.errors import ServiceError
from cipher_service.pouches import cases, outcomes, overview, repository, signing, waybills
from cipher_service.pouches.carriage import seen
from cipher_service.pouches.entitlement import LIST
from cipher_service.pouches.mishaps import bag_of_case
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.repository import Closing
from pouch.custody import live_events
from pouch.discrepancies import CLOCKS, NOTIFIED, recipients_of
from pouch.events import Event
from pouch.facts import Accounted, HandedOver, Received
from pouch.locator import grouped_locator
from pouch.papers.forms import (
    BagReference,
    Destroyed,
    Destruction,
    DiscrepancyReport,
    Empties,
    Finding,
    Notice,
    Receipt,
    Signatory,
)
from pouch.papers.printing import Language


def receipt(
    office: Office, named: str, *, by: str, number: str, ordinal: int | None, language: Language
) -> Receipt:
    """Draw up the décharge of a bag that headquarters received.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, RECEIPT_MISSING; as `_bag`.
    """
    with office.look() as sitting:
        closing = seen(sitting, named, by)
        held = outcomes.receipt_of(sitting.connection, closing.seal)
        told = {each.id: each for each in repository.events_of(sitting.connection, closing.seal)}
        arrived = None if held is None else told.get(held.event_id)
        if held is None or arrived is None or not isinstance(arrived.facts, Received):
            raise ServiceError("RECEIPT_MISSING", seal=closing.seal)
        discharge = told.get(held.discharge or "")
        found = cases.cases_of(sitting.connection, closing.seal)
        lines = len(repository.lines_of(sitting.connection, closing.seal))
        touched = {case.what for case in found if case.what.isdecimal() and case.kind != "unlisted"}
        return Receipt(
            number=number,
            issuer=_post_name(sitting, language),
            bag=_bag(sitting, closing, ordinal),
            handed_over_by=_bearer(sitting, told.values()),
            received=arrived.at,
            place=arrived.place,
            seals_announced=closing.seals,
            seals_read=arrived.facts.seals,
            condition=arrived.facts.condition,
            weight_closed_g=closing.weighed_g or 0,
            weight_received_g=arrived.facts.weight_g,
            lines_announced=lines,
            lines_conforming=lines - len(touched),
            reserves=tuple(_finding(case) for case in found),
            nonce=discharge.facts.nonce
            if discharge is not None and isinstance(discharge.facts, Accounted)
            else None,
            signatories=_signatories(sitting, discharge or arrived, language),
        )


def discrepancy(
    office: Office,
    case: str,
    *,
    by: str,
    number: str,
    ordinal: int | None,
    language: Language,
    circumstances: str,
    effect: str,
    measures: str,
) -> DiscrepancyReport:
    """Draw up the report of a case.

    Raises:
        ServiceError: CASE_UNKNOWN, UNKNOWN_OFFICER; as `_bag`.
    """
    with office.look() as sitting:
        closing = bag_of_case(sitting, case, by)
        row = cases.case_of(sitting.connection, case)
        reported = clock.parse(row.reported_at)
        informed = cases.reached(sitting.connection, case, NOTIFIED)
        return DiscrepancyReport(
            number=number,
            issuer=_post_name(sitting, language),
            severity=row.severity,
            bag=_bag(sitting, closing, ordinal),
            noticed=reported,
            place=sitting.office.post,
            noticed_by=_name(sitting, row.reporter),
            findings=(_finding(row),),
            circumstances=circumstances,
            effect=effect,
            measures=measures,
            notices=tuple(
                Notice(recipient, reported + CLOCKS[row.severity][0], informed)
                for recipient in recipients_of(row.severity, closing.bag_class)
            ),
            signatories=(Signatory(_WORDS[language]["reporter"], _name(sitting, row.reporter)),),
        )


def empty_bags(office: Office, to: str, *, by: str, number: str, language: Language) -> Empties:
    """Draw up the bordereau of the empty bags that lie at headquarters and go to a post.

    Raises:
        ServiceError: NOT_ALLOWED, UNKNOWN_OFFICER, UNKNOWN_POST, NO_EMPTY_BAGS.
    """
    with office.look() as sitting:
        sitting.require_house(by, LIST, "empties")
        post = read_directory(sitting.connection).post(to)
        lying = tuple(
            bag
            for bag in overview.empty_bags(sitting.connection, sitting.now)
            if bag.place == office.post
        )
        if not lying:
            raise ServiceError("NO_EMPTY_BAGS")
        return Empties(
            number=number,
            issuer=_post_name(sitting, language),
            origin=office.post,
            destination=post.code,
            made=sitting.now,
            bags=lying,
            signatories=(Signatory(_WORDS[language]["sender"], _name(sitting, by)),),
        )


def destruction(
    office: Office, named: str, *, by: str, number: str, reason: str, language: Language
) -> Destruction:
    """Draw up the record of the last destruction of items of a bag.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, NOTHING_DESTROYED.
    """
    with office.look() as sitting:
        closing = seen(sitting, named, by)
        rows = repository.destructions_of(sitting.connection, closing.seal)
        if not rows:
            raise ServiceError("NOTHING_DESTROYED", seal=closing.seal)
        last = max(rows, key=lambda row: row.destroyed_at)
        together = [row for row in rows if row.destroyed_at == last.destroyed_at]
        words = _WORDS[language]
        return Destruction(
            number=number,
            issuer=_post_name(sitting, language),
            ordered_by=last.ordered_by,
            method=last.method,
            destroyed=clock.parse(last.destroyed_at),
            place=office.post,
            objects=tuple(
                Destroyed("item", f"{grouped_locator(closing.bag)} / {row.line}", reason)
                for row in together
            ),
            signatories=(
                Signatory(words["destroyer"], _name(sitting, last.first)),
                Signatory(words["witness"], _name(sitting, last.second)),
            ),
        )


_WORDS: dict[Language, dict[str, str]] = {
    "fr": {
        "receiver": "Reçu par", "witness": "Témoin", "reporter": "Signalé par",
        "sender": "Expédié par", "destroyer": "Détruit par",
    },
    "en": {
        "receiver": "Received by", "witness": "Witness", "reporter": "Reported by",
        "sender": "Sent by", "destroyer": "Destroyed by",
    },
}  # fmt: skip


def _bag(sitting: Sitting, closing: Closing, ordinal: int | None) -> BagReference:
    """Name a bag as its label does; which of several it is, headquarters knows of its own alone.

    Raises:
        ServiceError: ORDINAL_NEEDED.
    """
    departure = closing.departure
    packages = waybills.bags_together(sitting.connection, [departure], sitting.now)[departure]
    kept = signing.row_of(sitting.connection, closing.seal)
    known = kept.ordinal if kept is not None else 1 if packages == 1 else ordinal
    if known is None or not 1 <= known <= packages:
        raise ServiceError("ORDINAL_NEEDED", packages=packages)
    return BagReference(
        grouped_locator(closing.bag),
        known,
        packages,
        closing.route.origin,
        closing.route.destination,
    )


def _bearer(sitting: Sitting, events: Iterable[Event]) -> str:
    """Return who gave the bag last."""
    given = [each for each in live_events(events) if isinstance(each.facts, HandedOver)]
    if not given:
        return "-"
    last = max(given, key=lambda each: getattr(each.facts, "ordinal", 0))
    return _name(sitting, last.officer)


def _finding(case: Row[Any]) -> Finding:
    line = int(case.what) if case.what.isdecimal() and case.kind != "unlisted" else None
    read = case.what if line is None and case.what and case.kind != "unlisted" else None
    return Finding(case.kind, line=line, found=read)


def _signatories(sitting: Sitting, event: Event, language: Language) -> tuple[Signatory, ...]:
    words = _WORDS[language]
    second = None if event.witness is None else _name(sitting, event.witness.officer)
    return (
        Signatory(words["receiver"], _name(sitting, event.officer)),
        Signatory(words["witness"], second),
    )


def _name(sitting: Sitting, officer: str) -> str:
    try:
        return officers.read(sitting.connection, officer).identity.name
    except ServiceError:
        return officer  # of a post that keeps its own officers


def _post_name(sitting: Sitting, language: Language) -> str:
    post = read_directory(sitting.connection).post(sitting.office.post)
    return post.name_fr if language == "fr" else post.name_en
