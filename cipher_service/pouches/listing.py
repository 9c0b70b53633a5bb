"""Lists of bags as each officer may see them (articles 12 and 15).

The condition in SQL comes from the policies (`access.residuals`), so that no closing is fetched
which the officer may not see; each one that it lets through is decided again by the engine, its
courier read from the events themselves, before it is shown.
"""

import logging

from sqlalchemy import ColumnElement, Dialect, and_, case, cast, func, literal
from sqlalchemy.dialects.postgresql import JSONB

from cipher_service.access.registers import LabelledColumns
from cipher_service.access.residuals import Condition, Untranslatable, condition
from cipher_service.access.subjects import Circumstances
from cipher_service.labels.scheme import Scheme
from cipher_service.pouches import repository
from cipher_service.pouches.entitlement import LIST, level_of
from cipher_service.pouches.office import Sitting
from cipher_service.pouches.repository import Closing
from cipher_service.storage.tables.pouches import closing, receipt, route, waybill
from pouch.manifest import BagClass

_LOG = logging.getLogger(__name__)


class BagColumns(LabelledColumns):
    """The attributes of a bag in `closing`, `route`, `waybill` and `receipt`, for who asks.

    Args:
        dialect: of the database.
        scheme: the markings.
        officer: who asks: whoever took the bag from another is its courier to themselves.
    """

    kind = "Pouch"

    def __init__(self, dialect: Dialect, scheme: Scheme, officer: str) -> None:
        super().__init__(
            dialect,
            scheme,
            closing.c.bag_class,
            {"id": closing.c.seal, "origin": route.c.origin, "destination": route.c.destination},
            {"caveats": literal("[]"), "takers": closing.c.takers},
        )
        self._scheme = scheme
        self._officer = officer

    def at_most(self, attribute: str, bound: int) -> Condition:
        """The bag's class holds nothing above this rank."""
        if attribute != "level":
            raise Untranslatable(f"{attribute} <= {bound}")
        ranks = {each.value: level_of(each, self._scheme) for each in BagClass}
        return closing.c.bag_class.in_([code for code, held in ranks.items() if held <= bound])

    def _text(self, attribute: str) -> ColumnElement[str]:
        if attribute == "courier":
            return self._courier()
        return self._packer() if attribute == "packer" else super()._text(attribute)

    def _courier(self) -> ColumnElement[str]:
        """Whom `entitlement.bag_of` names: nobody once the bag was received where it goes."""
        at_home = and_(closing.c.recalled == 1, receipt.c.post != route.c.origin)
        return case(
            (and_(receipt.c.seal.is_not(None), ~at_home), ""),
            (self.holds("takers", self._officer), self._officer),
            else_=func.coalesce(waybill.c.courier, ""),
        )

    def _packer(self) -> ColumnElement[str]:
        if self._postgres:
            return func.coalesce(cast(closing.c.packers, JSONB)[0].astext, "")
        return func.coalesce(func.json_extract(closing.c.packers, "$[0]"), "")


def shown_to(sitting: Sitting, officer: str) -> Condition:
    """Return when an officer may see a closing, for `repository.with_carriage`.

    Raises:
        ServiceError: UNKNOWN_OFFICER.
        Untranslatable: a policy in force has no translation into SQL; nothing is listed.
    """
    gate = sitting.office.gate
    principal = gate.principals.of(sitting.connection, officer, sitting.now)
    columns = BagColumns(sitting.connection.dialect, gate.scheme, officer)
    return condition(gate.policies, principal, LIST, Circumstances(sitting.now), columns)


def visible(sitting: Sitting, officer: str, *which: ColumnElement[bool]) -> list[Closing]:
    """Return the closings of which all this holds and that an officer may see, first due first.

    Raises:
        ServiceError: UNKNOWN_OFFICER.
        Untranslatable: a policy in force has no translation into SQL; nothing is listed.
    """
    only = shown_to(sitting, officer)
    found = repository.closings_where(sitting.connection, only, *which)
    shown = sitting.visible(officer, found)
    if len(shown) != len(found):
        seals = {each.seal for each in found} - {each.seal for each in shown}
        _LOG.error("a list of bags in SQL was wider than the policies: %s", sorted(seals))
    return shown
