"""The shapes of a seal's verdict."""

from typing import Annotated, Final

from pydantic import Field, StringConstraints

from cipher_service.wire.fields import Count, PostCode, Sha256, Timestamp, WireModel
from cipher_service.wire.pouches import BagNumber, Code, SealId, Word

TEXT_MOST: Final = 8_192
"""Characters; a usual seal has about 550. Something longer is read to be no seal of ours."""

Typed = Annotated[str, StringConstraints(min_length=1, max_length=40)]


class VerdictRequest(WireModel):
    """A seal as it was scanned, by any keyboard layout, and what somebody saw of the bag.

    `seals` are the numbers typed from the physical seals, before the expected ones were looked at;
    `packages` the bags that arrived together, `weight_g` of this one in grams. Null, or left out,
    for what nobody looked at.
    """

    text: Annotated[str, StringConstraints(max_length=TEXT_MOST)]
    seals: Annotated[list[Typed], Field(max_length=8)] | None = None
    packages: Annotated[int, Field(ge=0, le=1_000)] | None = None
    weight_g: Annotated[int, Field(ge=0, le=10_000_000)] | None = None


class Found(WireModel):
    """One thing that was found; `detail` is a line for a log."""

    name: Code
    detail: str


class SealClaims(WireModel):
    """What a seal says whose signature holds; the numbers of the physical seals are left out."""

    seal: SealId
    bag: BagNumber
    issuer: PostCode
    destination: PostCode
    issued: Timestamp
    expires: Timestamp
    ordinal: Count
    packages: Count


class PackAge(WireModel):
    """The sync pack by which was judged, and its age in seconds."""

    version: Count
    age_s: Count
    expired: bool


class PutRight(WireModel):
    """How the origin put the bordereau right: its last rectification, and the right weight."""

    ordinal: Count
    hash: Sha256
    weight_g: Count


class VerdictAnswer(WireModel):
    """A verdict by its name in pouch/SPEC.md §9; `findings` begin with the gravest.

    `word` is CONFORMS, VERIFY, RETURN or REFUSE. `witness` is `unwitnessed`, `claimed` or
    `verified`; `log` is `no-proof`, `unchecked` or `proved`. `claims` is null unless the seal's
    signature holds. `rectified` is null where the bordereau stands as sealed.
    """

    verdict: Code
    word: Code
    genuine: bool
    findings: list[Found]
    witness: Word
    log: Word
    claims: SealClaims | None
    rectified: PutRight | None
    pack: PackAge
