"""What can be wrong with a bag's papers, each wrong its own type with a stable code.

All are refusals as in `keys.errors`: judgements on an input that a retry cannot change. What is
wrong with a bag itself is no exception but a finding of a verdict.
"""

from __future__ import annotations

from typing import ClassVar

from keys.errors import Refusal


class BordereauMalformed(Refusal):
    """A manifest is not canonical JSON of its one shape, or says what no bag can be."""

    code: ClassVar[str] = "BORDEREAU_MALFORMED"
