"""What whoever is not signed in is shown: the page where an officer signs in."""

from typing import Final

from starlette.responses import Response

from cipher_service.console.visit import Visit
from cipher_service.identity.demonstration import Demonstration, SampleOfficer

DEMONSTRATION: Final = "__Host-demonstration"


def sign_in_form(visit: Visit, status: int = 200, *, ended: bool = False) -> Response:
    """Answer with the sign-in page; `ended` says that a session was asked for and there is none."""
    return visit.page("signing_in/sign_in.html", status, ended=ended, sample=_sample(visit))


def _sample(visit: Visit) -> list[SampleOfficer]:
    """Return a demonstration's officers, for a browser that came by one of its links."""
    if not visit.office.settings.demo:
        return []
    there = Demonstration.of(visit.office.settings)
    carried = visit.request.cookies.get(DEMONSTRATION)
    return there.people() if carried == there.carried else []
