"""How the API says no (RFC 9457, problem details)."""

from typing import Final

from pydantic import Field

from cipher_service.wire.fields import Line, WireModel

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"


class Problem(WireModel):
    """A refusal: what is wrong, whether anything was lost, what to do next.

    `code` is stable and meant for programs; the texts are for people, in French by default or in
    English when `Accept-Language` asks for it. `facts` holds numbers and codes that the texts
    mention (never anything the caller sent as free text).
    """

    type: Line
    title: Line
    status: int = Field(ge=400, le=599)
    code: str = Field(pattern=r"^[A-Z][A-Z0-9_]{1,59}$")
    detail: str = Field(max_length=1000)
    remedy: str = Field(max_length=1000)
    reference: Line = Field(description="quote it to the operator: it finds the line in the log")
    facts: dict[str, str | int] = Field(default_factory=dict)
