"""The log's keys and cosignatures, as the API gives and takes them (keys/LOG.md)."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from cipher_service.wire.fields import Count, Line, SignedDocument, WireModel

VerifierKeyText = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,2200}$")]


class LogKeys(WireModel):
    """Who signs the log's heads: both keys sign each of them."""

    origin: Line = Field(description="the log's name in its heads")
    vkey: VerifierKeyText = Field(description="verifies the note signature (Ed25519)")
    cosigner: VerifierKeyText = Field(description="verifies the log's own ML-DSA-44 cosignature")
    successions: list[SignedDocument] = Field(
        description="what the root said of each pair of keys that took another's place, the "
        "oldest first; a post follows them from the keys that it believes"
    )


class CosignatureRequest(WireModel):
    """`POST /v1/audit/cosignatures`: a post has found a head consistent with what it had seen."""

    witness: SignedDocument = Field(description="the card's word for the cosigning key, signed")
    size: Count = Field(description="entries of the head that was cosigned")
    cosignature: str = Field(pattern=r"^\u2014 [^\s+]{1,300} [A-Za-z0-9+/]{1,200}={0,2}\n$")


class QuestionAnswer(WireModel):
    """What the log and the books say to an auditor's question: records, never a content."""

    question: Line
    about: str = Field(max_length=64)
    lines: list[dict[str, Any]]


class CosignatureRecorded(WireModel):
    """The cosignature is on record; `created` is false when it was before."""

    created: bool
