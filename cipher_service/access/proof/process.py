"""The process that proves a set of policies: the solver's memory goes with it.

Standard input: `{"now": text or null, "other": text}`, UTF-8 JSON. Standard output: what `other`
breaks, and with `now` what it opens and closes beside it, each finding in both languages:
`{"broken", "opened", "closed": [{"name", "fr": [line], "en": [line]}]}`; or `{"problem": text}`
where a set cannot be read or not be proved.
"""

import json
from collections.abc import Iterable
from typing import Any, Final

from cipher_service.access.policies import PoliciesInvalid, read_policies
from cipher_service.access.proof import checking
from cipher_service.access.proof.encoding import Unprovable
from cipher_service.apart import answer_apart

_MEMORY: Final = 2 * 1024 * 1024 * 1024
_CPU_SECONDS: Final = 120


def proved(asked: dict[str, Any]) -> dict[str, Any]:
    """Return what is found of the set that is asked about."""
    try:
        other = read_policies(asked["other"])
        found = {"broken": checking.check(other), "opened": [], "closed": []}
        if asked["now"] is not None:
            now = read_policies(asked["now"])
            found["opened"] = checking.new_access(now, other)
            found["closed"] = checking.new_access(other, now)
    except PoliciesInvalid as error:
        return {"problem": error.problems[0]}
    except Unprovable as error:
        return {"problem": str(error)}
    return {name: _told(findings) for name, findings in found.items()}


def _told(findings: Iterable[checking.Finding]) -> list[dict[str, Any]]:
    return [
        {"name": finding.name, "fr": finding.tell("fr"), "en": finding.tell("en")}
        for finding in findings
    ]


def _answer(data: bytes) -> bytes:
    return json.dumps(proved(json.loads(data))).encode()


if __name__ == "__main__":
    answer_apart(_answer, memory=_MEMORY, cpu_seconds=_CPU_SECONDS)
