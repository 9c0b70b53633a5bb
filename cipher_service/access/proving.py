"""To have a set of policies proved in a process of its own, which takes seconds.

    prove(text)                  # {"broken": [Told, ...], "opened": (), "closed": ()}
    prove(text, beside=now)      # and what it opens and closes beside another set

No server process ever holds the solver, nor the hundreds of megabytes that a proof takes; one proof
is made at a time, so that whoever asks for many fills neither the memory nor the cores.
"""

import json
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from cipher_service.apart import asked_apart
from cipher_service.errors import ServiceError

PROBLEM_MOST: Final = 200
_PROVES: Final = "cipher_service.access.proof.process"
_SECONDS: Final = 180.0
_ONE_AT_A_TIME: Final = Lock()


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in words: its invariant's or function's name, and its lines in both languages."""

    name: str
    fr: tuple[str, ...]
    en: tuple[str, ...]

    def tell(self, language: str) -> tuple[str, ...]:
        """Return what should hold, then the case."""
        return self.fr if language == "fr" else self.en


def prove(text: str, *, beside: str | None = None) -> dict[str, tuple[Told, ...]]:
    """Return what a set breaks, and what it opens and closes beside another one.

    Raises:
        ServiceError: POLICIES_UNPARSABLE (one of them cannot be read, or not be proved within the
            bounds of `proof.process`), UNAVAILABLE (not proved in time).
    """
    asked = json.dumps({"now": beside, "other": text}).encode()
    with _ONE_AT_A_TIME:
        try:
            answer = asked_apart(_PROVES, asked, seconds=_SECONDS)
        except TimeoutError as error:
            raise ServiceError("UNAVAILABLE") from error
    if answer is None:
        raise _unparsable("proof takes more than its bounds")
    found = json.loads(answer)
    if "problem" in found:
        raise _unparsable(found["problem"])
    return {name: told(findings) for name, findings in found.items()}


def told(findings: list[dict[str, Any]]) -> tuple[Told, ...]:
    """Read findings as they are written down."""
    return tuple(Told(one["name"], tuple(one["fr"]), tuple(one["en"])) for one in findings)


def _unparsable(problem: str) -> ServiceError:
    return ServiceError("POLICIES_UNPARSABLE", problem=problem[:PROBLEM_MOST])
