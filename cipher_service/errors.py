"""What the service refuses, by name.

A `ServiceError` carries a stable code and the facts that a reader needs; it knows no HTTP status
and no language. The surfaces give it both: statuses in `api/problems.py`, words in French and
English beside each surface.
"""

from collections.abc import Mapping

Facts = Mapping[str, str | int]


class ServiceError(Exception):
    """An act that the service refuses or cannot do.

    Args:
        code: stable name in capitals, such as `DUPLICATE_NUMBER`; part of the API.
        facts: what the refusal is about (post codes, numbers, ids). Never a subject, a text or
            key material: these facts reach logs and answers.

    Attributes:
        recorded: whether the refusal has its entry in the log: the registrar's have.
    """

    recorded = False

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts: Facts = facts

    def __str__(self) -> str:
        """Return the code with its facts, for logs."""
        facts = ", ".join(f"{name}={value}" for name, value in self.facts.items())
        return f"{self.code} ({facts})" if facts else self.code


class _Known(dict[str, str | int]):
    def __missing__(self, name: str) -> str:
        return "?"


def filled(text: str, facts: Facts) -> str:
    """Return a text with facts in its places; a fact that nobody gave is a question mark."""
    return text.format_map(_Known(facts))
