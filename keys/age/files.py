"""Whole age files: a general reader, and small things sealed in memory.

`encrypt` and `decrypt` are for sealed columns and wrapped secrets; both keep to hybrid
recipients. Dispatches are written by keys.dispatch, which streams.
"""

import io
import secrets
from collections.abc import Iterable, Sequence
from typing import Protocol

from keys.age import hybrid, scrypt, x25519
from keys.age.header import FILE_KEY_SIZE, SCRYPT_TYPE, Header, LineSource, Stanza, seal_header
from keys.age.hybrid import HybridKey
from keys.age.scrypt import DEFAULT_LOG_N, Passphrase
from keys.age.stream import ByteSink, ByteSource, OpeningStream, SealingStream
from keys.age.x25519 import X25519Key
from keys.errors import NotAddressed, PassphraseWrong

Identity = HybridKey | X25519Key | Passphrase


class AgeSource(LineSource, ByteSource, Protocol):
    """What an age file is read from: a buffered binary stream (a file, a BytesIO)."""


def open_file_key(header: Header, identities: Sequence[Identity]) -> bytes:
    """Unwraps the file key with the first identity that fits, and verifies the header with it.

    Args:
        header: as read.
        identities: tried in order on each stanza in order.

    Returns:
        The 16-byte file key.

    Raises:
        NotAddressed: no stanza opens with any identity.
        HeaderMalformed: a stanza of a known type breaks its format.
        HeaderTampered: the MAC does not hold.
    """
    for stanza in header.stanzas:
        for identity in identities:
            file_key = _unwrap(stanza, identity)
            if file_key is not None:
                header.verify(file_key)
                return file_key
    raise NotAddressed("no stanza of the header opens with the keys at hand")


def open_age(source: AgeSource, identities: Sequence[Identity]) -> OpeningStream:
    """Opens any binary age v1 file, to be read chunk by chunk.

    Recipients of different kinds may be mixed: refusing that is for the caller, who knows what
    the file is for (`keys.age.hybrid.refuse_mixed`).

    Args:
        source: stands at the first byte of the file.
        identities: what to try.

    Returns:
        The payload, header verified.

    Raises:
        NotAge, HeaderMalformed, HeaderTooLarge, HeaderTampered, NotAddressed: as named.
    """
    file_key = open_file_key(Header.parse(source), identities)
    return OpeningStream(file_key, source)


def begin_file(sink: ByteSink, recipients: Iterable[bytes]) -> tuple[bytes, SealingStream]:
    """Begins an age file to hybrid recipients whose payload is written in pieces.

    Args:
        sink: takes the file.
        recipients: one or more, 1,216 raw bytes each.

    Returns:
        The 16-byte file key, by which `open_by_key` opens the file again, and where the payload
        goes; the file is whole once that is finished.

    Raises:
        ValueError: no recipient, or bytes that are not one.
        OSError: from the sink.
    """
    file_key = secrets.token_bytes(FILE_KEY_SIZE)
    stanzas = [hybrid.wrap(file_key, each) for each in recipients]
    sink.write(seal_header(stanzas, file_key))
    return file_key, SealingStream(file_key, sink)


def open_by_key(source: AgeSource, file_key: bytes) -> OpeningStream:
    """Opens an age file by its file key, to be read chunk by chunk.

    Raises:
        NotAge, HeaderMalformed, HeaderTooLarge: as named.
        HeaderTampered: the file key is another file's, or the header was changed.
        ValueError: a file key of another size.
    """
    Header.parse(source).verify(file_key)
    return OpeningStream(file_key, source)


def encrypt(plaintext: bytes, recipients: Iterable[bytes]) -> bytes:
    """Seals a small thing to hybrid recipients.

    Args:
        plaintext: any size that fits in memory twice.
        recipients: one or more, 1,216 raw bytes each.

    Returns:
        A binary age file.

    Raises:
        ValueError: no recipient, or bytes that are not one.
    """
    file_key = secrets.token_bytes(FILE_KEY_SIZE)
    return _seal(plaintext, file_key, [hybrid.wrap(file_key, each) for each in recipients])


def decrypt(ciphertext: bytes, identities: Sequence[HybridKey]) -> bytes:
    """Opens what `encrypt` sealed.

    Args:
        ciphertext: a binary age file.
        identities: what to try.

    Returns:
        The plaintext, whole and authentic.

    Raises:
        MixedRecipients: a stanza is not hybrid.
        NotAge, HeaderMalformed, HeaderTooLarge, HeaderTampered, NotAddressed: as named.
        PayloadDamaged: altered or cut.
    """
    source = io.BytesIO(ciphertext)
    header = Header.parse(source)
    hybrid.refuse_mixed(header)
    return _read(OpeningStream(open_file_key(header, identities), source))


def encrypt_with_passphrase(
    plaintext: bytes, passphrase: bytes, log_n: int = DEFAULT_LOG_N
) -> bytes:
    """Seals a small thing by a passphrase, readable by any age tool.

    Args:
        plaintext: any size that fits in memory twice.
        passphrase: at least one byte.
        log_n: base-two logarithm of scrypt's work factor, 1 to 20.

    Returns:
        A binary age file.

    Raises:
        ValueError: an empty passphrase or a work factor out of bounds.
    """
    file_key = secrets.token_bytes(FILE_KEY_SIZE)
    return _seal(plaintext, file_key, [scrypt.wrap(file_key, passphrase, log_n)])


def decrypt_with_passphrase(ciphertext: bytes, passphrase: bytes) -> bytes:
    """Opens what `encrypt_with_passphrase` sealed.

    Args:
        ciphertext: a binary age file.
        passphrase: as it was given.

    Returns:
        The plaintext, whole and authentic.

    Raises:
        PassphraseWrong: the passphrase is another.
        NotAddressed: the file is not sealed by a passphrase at all.
        NotAge, HeaderMalformed, HeaderTooLarge, HeaderTampered: as named.
        PayloadDamaged: altered or cut.
    """
    source = io.BytesIO(ciphertext)
    header = Header.parse(source)
    if header.stanzas[0].type != SCRYPT_TYPE:
        raise NotAddressed("the file is not sealed by a passphrase")
    file_key = scrypt.unwrap(header.stanzas[0], passphrase)
    if file_key is None:
        raise PassphraseWrong("the passphrase does not open the file")
    header.verify(file_key)
    return _read(OpeningStream(file_key, source))


def _unwrap(stanza: Stanza, identity: Identity) -> bytes | None:
    if isinstance(identity, HybridKey):
        return hybrid.unwrap(stanza, identity)
    if isinstance(identity, X25519Key):
        return x25519.unwrap(stanza, identity)
    return scrypt.unwrap(stanza, identity.secret)


def _seal(plaintext: bytes, file_key: bytes, stanzas: Sequence[Stanza]) -> bytes:
    sink = io.BytesIO()
    sink.write(seal_header(stanzas, file_key))
    payload = SealingStream(file_key, sink)
    payload.write(plaintext)
    payload.finish()
    return sink.getvalue()


def _read(payload: OpeningStream) -> bytes:
    plaintext = bytearray()
    while chunk := payload.next_chunk():
        plaintext += chunk
    return bytes(plaintext)
