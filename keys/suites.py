"""The suites of "depeche v1", and the floor below which nothing is opened.

A suite is a number for a complete choice of algorithms, carried inside the signed manifest and
repeated in the label stanza, so that nobody can strip or trade one algorithm alone.

* S1: HPKE MLKEM768-X25519, HKDF-SHA256, ChaCha20-Poly1305 (age v1 hybrid recipients); SHA-256;
  Ed25519 and ML-DSA-65, both required.
* S2 (reserved, not read by this version): MLKEM1024-P384, AES-256-GCM, ML-DSA-87.
"""

from __future__ import annotations

from typing import Final

from keys.errors import SuiteBelowFloor

S1: Final = "S1"


def require_accepted(suite: str) -> None:
    """Demands a suite that this version accepts.

    Raises:
        SuiteBelowFloor: any other, whether weak, reserved or unknown.
    """
    if suite != S1:
        raise SuiteBelowFloor(f"the suite {suite[:20]!r} is not accepted; {S1} is")
