"""Statements: canonical JSON of one closed shape, and the files that hold one with signatures.

A statement is written by its `to_object` and read by its `read`; it is never given out for signing
before it was read back, so nothing is signed that its readers would refuse. Receipts of posts,
service messages and certificates of token keys travel as `{"signatures":{...},"statement":{...}}`;
what is signed is the canonical encoding of the inner object, which a reader gets back by encoding
what it parsed.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, TypeVar

from keys import canonical
from keys.records import Record
from keys.signing import (
    ED25519_SIGNATURE_BYTES,
    MLDSA65_SIGNATURE_BYTES,
    Signatures,
    VerifyingKey,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.errors import Refusal

STATEMENT_BYTES_MAX: Final = 64 * 1024

_Statement = TypeVar("_Statement")


def encode_statement(
    statement: _Statement,
    to_object: Callable[[_Statement], dict[str, Any]],
    read: Callable[[Record], _Statement],
    refusal: type[Refusal],
) -> bytes:
    """Gives the canonical bytes of a statement, after reading back what they encode.

    Raises:
        Refusal: of the given type: the statement holds what its readers would refuse.
    """
    try:
        value = to_object(statement)
        data = canonical.encode(value)
        read(Record(value, "statement"))
    except ValueError as error:
        raise refusal(str(error)) from error
    return data


def parse_statement(
    data: bytes, read: Callable[[Record], _Statement], refusal: type[Refusal]
) -> _Statement:
    """Reads the canonical bytes of a statement.

    Raises:
        Refusal: of the given type: not canonical JSON, or not of the one shape.
    """
    try:
        return read(Record(canonical.decode(data), "statement"))
    except ValueError as error:
        raise refusal(str(error)) from error


def encode_signed(statement: bytes, signatures: Signatures) -> bytes:
    """Gives the file of a statement (its canonical bytes) and its two signatures."""
    return canonical.encode(
        {
            "statement": canonical.decode(statement),
            "signatures": object_of_signatures(signatures),
        }
    )


def decode_signed(data: bytes, name: str, refusal: type[Refusal]) -> tuple[bytes, Signatures]:
    """Takes such a file apart; verifies nothing.

    Args:
        data: the file, at most 64 KiB.
        name: of the sort of file, for messages.
        refusal: what its readers raise.

    Returns:
        The canonical bytes of the statement, whatever it states, and the signatures.

    Raises:
        Refusal: of the given type: too long, not canonical JSON, or not of this outer form.
    """
    if len(data) > STATEMENT_BYTES_MAX:
        raise refusal(f"{name} has at most {STATEMENT_BYTES_MAX} bytes")
    try:
        value = canonical.decode(data)
        record = Record(value, name)
        record.record("statement")
        signatures = read_signatures(record.record("signatures"))
        record.close()
    except ValueError as error:
        raise refusal(str(error)) from error
    return canonical.encode(value["statement"]), signatures


def key_fingerprint(key: VerifyingKey) -> str:
    """Gives the hexadecimal SHA-256 over both public keys of a key that has no card.

    The service's receipt and certifying keys belong to no post; the canonical object that is
    hashed names its type, so that it can never equal a card's fingerprint.
    """
    return sha256(
        canonical.encode(
            {
                "v": 1,
                "type": "depeche/v1 service-key",
                "ed25519": canonical.text_from_bytes(key.ed25519),
                "mldsa65": canonical.text_from_bytes(key.mldsa65),
            }
        )
    ).hexdigest()


def object_of_signatures(signatures: Signatures) -> dict[str, str]:
    """Gives both signatures as a JSON object of base64 texts."""
    return {
        "ed25519": canonical.text_from_bytes(signatures.ed25519),
        "mldsa65": canonical.text_from_bytes(signatures.mldsa65),
    }


def read_signatures(record: Record) -> Signatures:
    """Reads what `object_of_signatures` gives.

    Raises:
        ValueError: another shape, or a signature of the wrong length.
    """
    signatures = Signatures(
        ed25519=record.octets("ed25519", ED25519_SIGNATURE_BYTES),
        mldsa65=record.octets("mldsa65", MLDSA65_SIGNATURE_BYTES),
    )
    record.close()
    return signatures
