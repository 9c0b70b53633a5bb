"""Every flow of the console, in the order of the navigation. A new one is added here."""

from typing import Final

from cipher_service.console import (
    acts,
    authorisations,
    ceremonies,
    dispatches,
    emergencies,
    home,
    journal,
    keys_page,
    lending,
    policies_page,
    posts,
    pouches,
    questions,
    reviews,
    rights,
    scan,
    signing_in,
)
from cipher_service.console.flow import Flow

FLOWS: Final[tuple[Flow, ...]] = (
    home.FLOW,
    dispatches.FLOW,
    acts.FLOW,
    pouches.FLOW,
    posts.FLOW,
    rights.FLOW,
    authorisations.FLOW,
    reviews.FLOW,
    lending.FLOW,
    policies_page.FLOW,
    emergencies.FLOW,
    questions.FLOW,
    journal.FLOW,
    scan.FLOW,
    ceremonies.FLOW,
    keys_page.FLOW,
    signing_in.FLOW,
)
