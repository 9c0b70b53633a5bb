"""The fields every message is made of: each has exactly one accepted spelling.

One spelling matters: `/posts/PARIS` and `/posts/paris` must never name the same object twice, and
an integer must never arrive as `1.0`, `"1"` or `true`.
"""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

POST_CODE: Final = r"^[A-Z0-9][A-Z0-9-]{1,15}$"
ULID: Final = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$"
SHA256: Final = r"^[0-9a-f]{64}$"
BASE64: Final = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
TIMESTAMP: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
CURSOR: Final = r"^[0-9A-Za-z_.-]{1,80}$"
UPLOAD: Final = r"^[0-9a-f]{32}$"
MARKING: Final = r"^[A-Z0-9][A-Z0-9 -]{0,39}$"

PostCode = Annotated[str, StringConstraints(pattern=POST_CODE)]
Ulid = Annotated[str, StringConstraints(pattern=ULID)]
Sha256 = Annotated[str, StringConstraints(pattern=SHA256)]
Base64 = Annotated[str, StringConstraints(pattern=BASE64, max_length=8192)]
Timestamp = Annotated[str, StringConstraints(pattern=TIMESTAMP)]
Cursor = Annotated[str, StringConstraints(pattern=CURSOR)]
UploadId = Annotated[str, StringConstraints(pattern=UPLOAD)]
Marking = Annotated[str, StringConstraints(pattern=MARKING)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=200)]
# Databases hold signed 64-bit integers; JSON readers in other languages hold 53 bits.
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
SignedDocument = dict[str, Any]
"""A document whose canonical form is signed (card, receipt, service message): carried as JSON,
judged by `keys/`, whose canonical re-encoding gives back the signed bytes."""


class WireModel(BaseModel):
    """A message or a part of one: strict, closed and immutable."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)
