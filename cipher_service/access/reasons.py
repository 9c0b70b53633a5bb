"""Why a policy said yes or no, in words (`data/reasons.toml`)."""

import tomllib
from functools import cache

from cipher_service.access.policies import data_text

_PERMITTED = {
    "fr": "une fonction du décret le permet (voir `cipher-service policy matrix`)",
    "en": "a function of the decree permits it (see `cipher-service policy matrix`)",
}


def reason(policy: str, language: str) -> str:
    """Return what a policy says, for the person it was applied to; `fr` or `en`."""
    return reasons().get(policy, _PERMITTED)[language]


@cache
def reasons() -> dict[str, dict[str, str]]:
    """Return the words of every shipped policy that forbids."""
    return tomllib.loads(data_text("reasons.toml"))
