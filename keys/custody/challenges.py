"""The challenges that security keys answer: given once, good for one answer and a short time."""

from __future__ import annotations

import secrets
import threading
from datetime import timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from keys.acts import NONCE_BYTES
from keys.custody.errors import ChallengeUnknown

if TYPE_CHECKING:
    from datetime import datetime

CHALLENGE_SECONDS: Final = 300

_MOST: Final = 1024
_REGISTRATION: Final = b"depeche/v1 registration\0"


def registration_challenge(nonce: bytes) -> bytes:
    """Gives the challenge that a new security key answers (ACTS.md §5)."""
    return sha256(_REGISTRATION + nonce).digest()


class Challenges:
    """The nonces that wait for an answer; any number of threads may ask."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._given: dict[bytes, datetime] = {}

    def give(self, now: datetime) -> bytes:
        """Gives a nonce for one answer within 300 seconds."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        with self._lock:
            # Somebody who asks for many only spoils challenges, as they could by dropping answers.
            while len(self._given) >= _MOST:
                del self._given[next(iter(self._given))]
            self._given[nonce] = now
        return nonce

    def use(self, nonce: bytes, now: datetime) -> None:
        """Demands a nonce that was given and not yet used.

        Raises:
            ChallengeUnknown: it is not ours, too old, or used.
        """
        with self._lock:
            given = self._given.pop(nonce, None)
        if given is None or not given <= now < given + timedelta(seconds=CHALLENGE_SECONDS):
            raise ChallengeUnknown("the challenge is not ours, too old, or used")
