"""Every flow of the console, in the order of the navigation. A new one is added here."""

from typing import Final

from cipher_service.console import acts, home, signing_in
from cipher_service.console.flow import Flow

FLOWS: Final[tuple[Flow, ...]] = (
    home.FLOW,
    acts.FLOW,
    signing_in.FLOW,
)
