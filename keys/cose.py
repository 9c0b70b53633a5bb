"""COSE_Sign1 by Ed25519 (RFC 9052 §4.2, RFC 9053 §2.2): one signature small enough for a symbol.

The one form that is written and read: an untagged array of the protected header {1: -8, 4: kid},
an empty unprotected map, the payload and 64 bytes of signature, in deterministic CBOR
(RFC 8949 §4.2.3, lengths first). What is signed is the `Sig_structure` with no external data. It
begins with the octet 0x84, which no context of `keys.signing` does, so that neither sort of
signature can be shown for the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cbor2

from keys.signing import ED25519_SIGNATURE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.signing import VerifyingKey

KID_BYTES: Final = 8

_ALGORITHM: Final = 1
_KID: Final = 4
_EDDSA: Final = -8


@dataclass(frozen=True, slots=True)
class Sign1:
    """One such message, taken apart; reading it verified nothing.

    Attributes:
        kid: says which keys to try, 8 bytes; it proves nothing.
        payload: what is signed.
        signature: 64 bytes.
    """

    kid: bytes
    payload: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Gives the one encoding."""
        return encode_cbor([_protected(self.kid), {}, self.payload, self.signature])

    def verify(self, key: VerifyingKey) -> None:
        """Demands the signature of `key`.

        Raises:
            SignatureInvalid: it does not hold.
        """
        key.verify_cose(_to_be_signed(self.kid, self.payload), self.signature)


def sign1(payload: bytes, *, kid: bytes, sign: Callable[[bytes], bytes]) -> Sign1:
    """Signs a payload.

    Args:
        payload: any bytes.
        kid: 8 bytes by which readers find the key.
        sign: Ed25519 over a `Sig_structure`; `SigningKey.sign_cose` fits.
    """
    return Sign1(kid, payload, sign(_to_be_signed(kid, payload)))


def read_sign1(data: bytes) -> Sign1:
    """Reads what `Sign1.encode` gives.

    Raises:
        ValueError: anything else, another encoding of the same values included.
    """
    match decode_cbor(data):
        case [bytes() as protected, _, bytes() as payload, bytes() as signature]:
            message = Sign1(_read_kid(protected), payload, signature)
        case _:
            raise ValueError("not a COSE_Sign1 message")
    # Encoding again refuses the rest, among it what Python takes for equal: 1, 1.0 and true.
    if len(signature) != ED25519_SIGNATURE_BYTES or message.encode() != data:
        raise ValueError("not a COSE_Sign1 message of the one form")
    return message


def encode_cbor(value: object) -> bytes:
    """Gives the deterministic encoding of integers, bytes, texts, lists, dicts, booleans, None."""
    return cbor2.dumps(value, canonical=True)


def decode_cbor(data: bytes) -> Any:
    """Reads one deterministically encoded value; the caller judges its shape.

    Raises:
        ValueError: `data` is not CBOR, or not the one encoding of what it holds.
    """
    try:
        value = cbor2.loads(data)
        canonical = encode_cbor(value) == data
    # A hostile message can hold any tag, and each tag's own reader fails in its own way.
    except (cbor2.CBORError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        raise ValueError("not CBOR") from error
    if not canonical:
        raise ValueError("not in deterministic form")
    return value


def _read_kid(protected: bytes) -> bytes:
    match decode_cbor(protected):
        case {4: bytes() as kid} if len(kid) == KID_BYTES:
            return kid
    raise ValueError("not a header {1: -8, 4: kid}")


def _protected(kid: bytes) -> bytes:
    return encode_cbor({_ALGORITHM: _EDDSA, _KID: kid})


def _to_be_signed(kid: bytes, payload: bytes) -> bytes:
    return encode_cbor(["Signature1", _protected(kid), b"", payload])
