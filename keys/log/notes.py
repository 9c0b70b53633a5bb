"""Signed notes and verifier keys (c2sp.org/signed-note@v1.0.0), and the keys that sign them.

    text || newline || signature lines:   "— " name " " base64(key id[4] || signature) newline

Three algorithms are known: 0x01 Ed25519 over the text, 0x04 Ed25519 cosignatures and 0x06
ML-DSA-44 cosignatures (c2sp.org/tlog-cosignature@v1.0.1), which cover a time as well. A signature
of a key that is not known is skipped, one of a known key that does not hold refuses the note.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import nacl.bindings
import nacl.exceptions
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey
from nacl.utils import random as random_bytes

from keys.canonical import bytes_from_text, text_from_bytes
from keys.log.errors import NoteMalformed, NoteNotSigned
from keys.signing import ED25519_SIGNATURE_BYTES, SEED_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

ED25519: Final = 0x01
ED25519_COSIGNATURE: Final = 0x04
MLDSA44_COSIGNATURE: Final = 0x06

NOTE_BYTES_MAX: Final = 1_000_000
SIGNATURES_MAX: Final = 100

_PUBLIC_BYTES: Final = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA44_COSIGNATURE: 1312}
_ID_BYTES: Final = 4
# All below the blank but the line feed.
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f]")
_NAME: Final = re.compile(r"[^\s+\x00-\x20\x7f]+")
_LINE: Final = re.compile("\u2014 ([^ \n]+) ([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True)
class VerifierKey:
    """Who signs under which name with which public key.

    Attributes:
        name: the key's name; a log's is its origin. No white space, no plus sign.
        algorithm: `ED25519`, `ED25519_COSIGNATURE` or `MLDSA44_COSIGNATURE`.
        public: raw public key, 32 or 1,312 bytes.
    """

    name: str
    algorithm: int
    public: bytes

    def __post_init__(self) -> None:
        """Refuses what no vkey can say.

        Raises:
            NoteMalformed: name, algorithm or length of the key.
        """
        if not _NAME.fullmatch(self.name):
            raise NoteMalformed("a key's name holds white space or a plus sign")
        if len(self.public) != _PUBLIC_BYTES.get(self.algorithm):
            raise NoteMalformed("a verifier key of an unknown algorithm or length")

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature line names the key."""
        said = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public
        return sha256(said).digest()[:_ID_BYTES]

    def encode(self) -> str:
        """The vkey: `name+hex(key id)+base64(algorithm || public key)`."""
        material = text_from_bytes(bytes([self.algorithm]) + self.public)
        return f"{self.name}+{self.key_id.hex()}+{material}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Reads a vkey.

        Raises:
            NoteMalformed: another form, or an identifier that is not this key's.
        """
        try:
            name, key_id, material = text.split("+", 2)
            data = bytes_from_text(material)
            key = cls(name, data[0], data[1:])
            own = key.key_id.hex()
        except (ValueError, IndexError) as error:
            raise NoteMalformed("not a verifier key") from error
        if own != key_id:
            raise NoteMalformed("the verifier key's identifier is not its own")
        return key


@dataclass(frozen=True)
class NoteSignature:
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes

    def encode(self) -> str:
        """The line, newline included."""
        return f"\u2014 {self.name} {text_from_bytes(self.key_id + self.signature)}\n"


@dataclass(frozen=True)
class Note:
    """A text and the signatures under it.

    Attributes:
        text: ends with a newline.
        signatures: in the order of their lines.
    """

    text: str
    signatures: tuple[NoteSignature, ...]

    def encode(self) -> bytes:
        """The note's bytes."""
        lines = "".join(signature.encode() for signature in self.signatures)
        return f"{self.text}\n{lines}".encode()

    @classmethod
    def parse(cls, data: bytes) -> Note:
        """Reads a signed note.

        Raises:
            NoteMalformed: not UTF-8, control characters, no signature, or too long.
        """
        if len(data) > NOTE_BYTES_MAX:
            raise NoteMalformed("a note has at most a million bytes")
        try:
            whole = data.decode()
        except UnicodeDecodeError as error:
            raise NoteMalformed("a note is not UTF-8") from error
        if _CONTROL.search(whole):
            raise NoteMalformed("a note holds a control character")
        text, gap, lines = whole.rpartition("\n\n")
        if not gap or not lines.endswith("\n"):
            raise NoteMalformed("a note is a text, an empty line and signatures")
        signatures = tuple(_read_line(line) for line in lines[:-1].split("\n"))
        if len(signatures) > SIGNATURES_MAX:
            raise NoteMalformed(f"a note has at most {SIGNATURES_MAX} signatures")
        return cls(text + "\n", signatures)

    def of(self, key: VerifierKey) -> NoteSignature | None:
        """The first signature that names `key`, not verified."""
        wanted = (key.name, key.key_id)
        return next((one for one in self.signatures if (one.name, one.key_id) == wanted), None)

    def with_signatures(self, more: Iterable[NoteSignature]) -> Note:
        """The note with further signatures under it."""
        return Note(self.text, (*self.signatures, *more))


def verify_note(note: Note, key: VerifierKey) -> None:
    """Demands the signature of an Ed25519 note key (0x01) over the note's text.

    Raises:
        NoteNotSigned: there is none of this key, or it does not hold.
    """
    found = note.of(key)
    if key.algorithm != ED25519 or found is None:
        raise NoteNotSigned(f"{key.name} has not signed the note")
    verify_raw(key, found.signature, note.text.encode())


def verify_raw(key: VerifierKey, signature: bytes, message: bytes) -> None:
    """Demands a signature over a message as it is, by the key's algorithm.

    Raises:
        NoteNotSigned: it does not hold.
    """
    try:
        if key.algorithm == MLDSA44_COSIGNATURE:
            MLDSA44PublicKey.from_public_bytes(key.public).verify(signature, message)
        elif len(signature) != ED25519_SIGNATURE_BYTES:
            raise NoteNotSigned(f"the signature of {key.name} has another length")
        else:
            nacl.bindings.crypto_sign_open(signature + message, key.public)
    except (InvalidSignature, nacl.exceptions.BadSignatureError) as error:
        raise NoteNotSigned(f"the signature of {key.name} does not hold") from error


class Ed25519Signer:
    """An Ed25519 key that signs notes, or cosigns, under one name.

    Args:
        name: the key's name.
        seed: 32 random bytes.
        algorithm: `ED25519` or `ED25519_COSIGNATURE`.
    """

    def __init__(self, name: str, seed: bytes, algorithm: int = ED25519) -> None:
        public, self._secret = nacl.bindings.crypto_sign_seed_keypair(seed)
        self.verifier = VerifierKey(name, algorithm, public)

    def sign_raw(self, message: bytes) -> bytes:
        """64 bytes over a message as it is."""
        signed: bytes = nacl.bindings.crypto_sign(message, self._secret)
        return signed[:ED25519_SIGNATURE_BYTES]

    def sign(self, text: str) -> NoteSignature:
        """The line under a note's text."""
        return NoteSignature(self.verifier.name, self.verifier.key_id, self.sign_raw(text.encode()))


class MlDsa44Signer:
    """An ML-DSA-44 key that cosigns under one name; `seed` is 32 random bytes."""

    def __init__(self, name: str, seed: bytes) -> None:
        self._secret = MLDSA44PrivateKey.from_seed_bytes(seed)
        public = self._secret.public_key().public_bytes_raw()
        self.verifier = VerifierKey(name, MLDSA44_COSIGNATURE, public)

    def sign_raw(self, message: bytes) -> bytes:
        """2,420 bytes over a message as it is."""
        return self._secret.sign(message)


def new_seed() -> bytes:
    """32 bytes from the system's random source."""
    return random_bytes(SEED_BYTES)


def _read_line(line: str) -> NoteSignature:
    match = _LINE.fullmatch(line)
    if match is None:
        raise NoteMalformed("a signature line is not of its form")
    try:
        data = bytes_from_text(match[2])
    except ValueError as error:
        raise NoteMalformed("a signature is not base64") from error
    if len(data) <= _ID_BYTES or not _NAME.fullmatch(match[1]):
        raise NoteMalformed("a signature line is too short, or its name is not one")
    return NoteSignature(match[1], data[:_ID_BYTES], data[_ID_BYTES:])
