"""What a door asks, and what it is told."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from cipher_service.wire.fields import WireModel

OfficerNumber = Annotated[str, StringConstraints(pattern=r"^OFF-[0-9]{6,12}$")]


class EntryRequest(WireModel):
    """`POST /v1/entries`: may this officer enter now, where the asking door stands?"""

    officer: OfficerNumber


class EntryAnswer(WireModel):
    """Yes, or no and why; valid for this moment alone."""

    may_enter: bool
    reason: Literal["GRANTED", "NO_ACCESS", "OFFICER_NOT_IN_SERVICE", "HABILITATION_SHORT"]
