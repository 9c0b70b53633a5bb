"""How a command of `chiffre` ends when it does not succeed.

Every failure has a stable code and the facts that its text needs; the three kinds are the three
exit statuses. Texts are in `texts/`, in French and in English. What `keys/` refuses keeps its own
code and needs nothing here.
"""

from collections.abc import Mapping
from typing import ClassVar

from cipher_service.client.messages import Explanation

REFUSED = 1
MISUSED = 2
UNAVAILABLE = 3


class Failure(Exception):
    """A command that could not do what was asked.

    Args:
        code: stable name in capitals; has an entry in `texts/`.
        facts: what fills the places of that entry. Never a passphrase, a key or a plaintext.
    """

    status: ClassVar[int] = UNAVAILABLE
    # For a failure that brings its own words, in the user's language: the ministry's refusals do.
    words: Explanation | None = None

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.facts: Mapping[str, str | int] = facts


class Refused(Failure):
    """The input is refused; trying again changes nothing. Exit status 1."""

    status = REFUSED


class Misused(Failure):
    """The command was typed wrongly. Exit status 2."""

    status = MISUSED


class Unavailable(Failure):
    """Disk, permission or network; trying again can help. Exit status 3."""

    status = UNAVAILABLE
