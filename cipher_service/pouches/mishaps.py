"""What goes wrong with bags, told by persons: losses, recalls, discrepancies and their cases."""

from cipher_service.errors import ServiceError
from cipher_service.pouches import cases, repository
from cipher_service.pouches.carriage import find, open_cases, seen, tell
from cipher_service.pouches.entitlement import HAND_OVER
from cipher_service.pouches.office import Office, Sitting
from cipher_service.pouches.repository import Closing
from pouch.discrepancies import REPORTABLE, Difference
from pouch.facts import Found, Lost, Recalled


def lose(office: Office, named: str, *, by: str) -> None:
    """Report a bag lost; one person suffices.

    Raises:
        ServiceError: CLOSING_UNKNOWN, UNKNOWN_OFFICER.
        StepForbidden, BagLost: it cannot be lost now, or is.
    """
    with office.act("pouch_lose", named) as sitting:
        closing = seen(sitting, named, by)
        tell(sitting, closing, Lost(), by)
        open_cases(sitting, closing, [Difference("bag-missing", "")], by)


def recover(office: Office, named: str, *, by: str, second: str) -> None:
    """State by two persons that a lost bag is back.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER.
        StepForbidden: it is not lost.
    """
    with office.act("pouch_recover", named) as sitting:
        closing = find(sitting, named)
        for officer in (by, second):
            sitting.require(officer, HAND_OVER, closing)
        events = repository.events_of(sitting.connection, closing.seal)
        found = {event.facts.lost for event in events if isinstance(event.facts, Found)}
        lost = [e.id for e in events if isinstance(e.facts, Lost) and e.id not in found]
        for event in lost or [""]:
            tell(sitting, closing, Found(event), by, second)


def recall(office: Office, named: str, *, by: str) -> None:
    """Call a bag back, unopened; one person suffices.

    Raises:
        ServiceError: CLOSING_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER, WRONG_PLACE.
        StepForbidden, BagLost: it is not on its way.
    """
    with office.act("pouch_recall", named) as sitting:
        closing = seen(sitting, named, by)
        sitting.require(by, HAND_OVER, closing)
        if closing.route.origin != office.post:
            raise ServiceError("WRONG_PLACE", place=closing.route.origin)
        tell(sitting, closing, Recalled(), by)


def report(office: Office, named: str, kind: str, *, by: str) -> list[str]:
    """Report what was seen of a bag; one person suffices. Returns the new cases' ids.

    Raises:
        ServiceError: CLOSING_UNKNOWN, UNKNOWN_OFFICER, KIND_UNKNOWN.
    """
    if kind not in REPORTABLE:
        raise ServiceError("KIND_UNKNOWN", kind=kind[:40])
    with office.act("pouch_report", named) as sitting:
        closing = seen(sitting, named, by)
        return open_cases(sitting, closing, [Difference(kind, "")], by)


def advance(office: Office, case: str, state: str, *, by: str) -> None:
    """Take a case to its next state: notified, assessed, closed.

    Raises:
        ServiceError: CASE_UNKNOWN, NOT_ALLOWED, UNKNOWN_OFFICER.
        DiscrepancyActForbidden: not the next state, or its reporter would close it.
    """
    with office.act("pouch_case", case) as sitting:
        sitting.require(by, HAND_OVER, bag_of_case(sitting, case, by))
        cases.take_further(sitting.connection, case, state, officer=by, now=sitting.now)


def raise_case(office: Office, case: str, *, by: str) -> None:
    """Make an incident a breach; whoever sees the bag may. Refusals as `advance`."""
    with office.act("pouch_breach", case) as sitting:
        bag_of_case(sitting, case, by)
        cases.make_breach(sitting.connection, case, officer=by, now=sitting.now)


def bag_of_case(sitting: Sitting, case: str, officer: str) -> Closing:
    """Return the closing that a case is about; that of a bag nobody shows them is no case to them.

    Raises:
        ServiceError: CASE_UNKNOWN, UNKNOWN_OFFICER.
    """
    closing = sitting.closing(cases.seal_of(sitting.connection, case))
    if not sitting.visible(officer, [closing]):
        raise ServiceError("CASE_UNKNOWN", case=case)
    return closing
