"""Prekeys on the wire: how many are free, and taking one of each addressee for a dispatch."""

from typing import Annotated

from pydantic import Field, StringConstraints

from cipher_service.wire.fields import Count, PostCode, SignedDocument, Ulid, WireModel

PrekeyId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{16}$")]


class PrekeyStock(WireModel):
    """How many of the caller's prekeys can still be given out."""

    free: Count


class BurntPrekeys(WireModel):
    """The caller's prekeys that were given for a dispatch and whose carriage was breached since.

    What came under one of them may have been read by others: it is to be asked for again.
    """

    burnt: Annotated[list[PrekeyId], Field(max_length=5_000)]


class PrekeyRequest(WireModel):
    """`POST /v1/prekeys/taken`: for which dispatch, of which addressees."""

    dispatch_id: Ulid
    posts: Annotated[list[PostCode], Field(min_length=1, max_length=599)]


class PrekeyOffers(WireModel):
    """One offer for each addressee that has a prekey; the others are written to as ever.

    Each is a file of `keys/prekeys`, which proves itself against the addressee's card.
    """

    offers: list[SignedDocument]
