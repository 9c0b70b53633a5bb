"""What a device says of itself when its queue travels as a file, signed by its own key.

Whoever takes such a device into service again, as after a restore that forgot it, takes in the very
key that signed its events, for the post and the officer that it served: nobody on the way wrote
another name beside it. That the device may serve there is for who takes it in to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.records import POST
from keys.signing import ED25519_PUBLIC_BYTES, ED25519_SIGNATURE_BYTES, verify_ed25519
from pouch.manifest import OFFICER

if TYPE_CHECKING:
    from keys.records import Record

ENROLMENT: Final = "valise/v1 enrolment"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A device by its own word.

    Attributes:
        ed25519: its public key, 32 bytes.
        officer: who took it into service.
        post: code of the post that it serves.
    """

    ed25519: bytes
    officer: str
    post: str

    def encode(self) -> bytes:
        """Gives the canonical bytes that the device signs in context `valise/v1 enrolment`."""
        return canonical.encode(
            {
                "v": 1,
                "type": ENROLMENT,
                "ed25519": canonical.text_from_bytes(self.ed25519),
                "officer": self.officer,
                "post": self.post,
            }
        )


def read_enrolment(record: Record) -> Enrolment:
    """Reads the `device` of an exported queue.

    Raises:
        ValueError: another shape.
        SignatureInvalid: the key that it names did not sign it.
    """
    told = Enrolment(
        ed25519=record.octets("ed25519", ED25519_PUBLIC_BYTES),
        officer=record.text("officer", OFFICER),
        post=record.text("post", POST),
    )
    signature = record.octets("signature", ED25519_SIGNATURE_BYTES)
    record.close()
    verify_ed25519(told.ed25519, ENROLMENT, told.encode(), signature)
    return told
