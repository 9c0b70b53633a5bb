"""How far a loss of the service would reach, as the API tells it: `GET /v1/continuity`."""

from pydantic import Field

from cipher_service.wire.fields import Base64, Count, Line, SignedDocument, WireModel


class BackupReach(WireModel):
    """The newest backup, as the log's own record says (keys/LOG.md §10)."""

    record: SignedDocument = Field(description="its `resource` is the last register number in it")
    salt: Base64
    proof: str = Field(
        max_length=16384, description="c2sp.org/tlog-proof@v1 of the commitment to both"
    )


class CancelledNumbers(WireModel):
    """Register numbers that a restore skipped: what was acknowledged under them may be lost."""

    year: int = Field(ge=2000, le=9999)
    first: Count
    last: Count = Field(description="included")


class Continuity(WireModel):
    """`GET /v1/continuity`. Another log than before: the service was restored from a backup."""

    log: Line = Field(description="the log's name")
    backup: BackupReach | None = Field(
        description="null before the first backup, and while the log's head does not reach it"
    )
    cancelled: list[CancelledNumbers] = Field(description="in the order in which they were found")


class NumberProved(WireModel):
    """`POST /v1/continuity/receipts`: `raised` is false when the number was spent before."""

    raised: bool
