"""Prekeys on the wire: how many are free, and taking one of each addressee for a dispatch."""

from typing import Annotated

from pydantic import Field

from cipher_service.wire.fields import Count, PostCode, SignedDocument, Ulid, WireModel


class PrekeyStock(WireModel):
    """How many of the caller's prekeys can still be given out."""

    free: Count


class PrekeyRequest(WireModel):
    """`POST /v1/prekeys/taken`: for which dispatch, of which addressees."""

    dispatch_id: Ulid
    posts: Annotated[list[PostCode], Field(min_length=1, max_length=599)]


class PrekeyOffers(WireModel):
    """One offer for each addressee that has a prekey; the others are written to as ever.

    Each is a file of `keys/prekeys`, which proves itself against the addressee's card.
    """

    offers: list[SignedDocument]
