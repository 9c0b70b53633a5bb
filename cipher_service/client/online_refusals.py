"""What can go wrong between a post and the ministry, by name.

Three kinds, since each asks something else of the person at the keyboard: the network or the
server is away (wait: nothing is lost), the ministry refuses (its own words say why), or what the
ministry answered does not hold (trust nothing, telephone).
"""

from collections.abc import Mapping
from datetime import datetime

from cipher_service.client.failures import Refused, Unavailable
from cipher_service.client.messages import Explanation


class Unreachable(Unavailable):
    """The network is gone or the server cannot answer now; a retry can help.

    Args:
        code: stable name in capitals.
        wait: seconds that the server asked for; None when trying again at once is no use.
        words: the server's own, when it said what ails it.
        facts: what our texts mention.
    """

    def __init__(
        self,
        code: str,
        *,
        wait: float | None = 0.0,
        words: Explanation | None = None,
        **facts: str | int,
    ) -> None:
        super().__init__(code, **facts)
        self.wait = wait
        self.words = words


class MinistryRefused(Refused):
    """The ministry answered no, with a problem document (RFC 9457).

    Args:
        code: the problem's own code.
        http_status: of the answer, 400 to 499.
        words: its title, detail and remedy, in the language that was asked for; None where the
            answer could not hold any.
        facts: numbers and codes that the words mention.
        server_time: the server's clock as it answered, None when it did not say.
    """

    def __init__(
        self,
        code: str,
        *,
        http_status: int,
        words: Explanation | None,
        facts: Mapping[str, str | int],
        server_time: datetime | None,
    ) -> None:
        super().__init__(code)
        self.facts = facts
        self.words = words
        self.http_status = http_status
        self.server_time = server_time


class Distrusted(Refused):
    """What the server answered does not hold against what this post pinned or asked for."""


class Unready(Refused):
    """This identity folder cannot do that yet, or not under this name."""
