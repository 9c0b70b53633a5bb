"""What must never come twice does not, when many draw at once and after a fork."""

import multiprocessing
from hashlib import sha256

from nacl.utils import random as of_nacl

from keys.age.header import seal_header
from keys.age.hybrid import HybridKey, wrap
from keys.jws import ApiKey
from keys.passkeys import CHALLENGE_BYTES_LEAST

DRAWN = 2000
PROCESSES = 8


def _draw(_number: int) -> list[bytes]:
    """Draw what a process draws: file keys, wrapped shares, keys of clients."""
    identity = HybridKey(bytes(32))
    drawn = [of_nacl(CHALLENGE_BYTES_LEAST) for _ in range(DRAWN)]
    drawn += [ApiKey.generate().thumbprint().encode() for _ in range(20)]
    for _ in range(20):
        stanza = wrap(bytes(16), identity.recipient)
        drawn.append(sha256(seal_header([stanza], bytes(16))).digest())
    return drawn


def test_nothing_is_drawn_twice_by_processes_that_were_one() -> None:
    _draw(0)  # whatever a library keeps of its source is there before the fork
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        drawn = [value for values in pool.map(_draw, range(PROCESSES)) for value in values]
    assert len(drawn) == PROCESSES * (DRAWN + 40)
    assert len(set(drawn)) == len(drawn)
