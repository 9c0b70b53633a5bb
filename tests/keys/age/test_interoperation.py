"""What we seal others open, what others seal we open: npm age-encryption, both ways."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest

from keys.age.bech32 import (
    decode_identity,
    decode_recipient,
    decode_x25519_identity,
    encode_identity,
    encode_recipient,
)
from keys.age.files import (
    decrypt,
    decrypt_with_passphrase,
    encrypt,
    encrypt_with_passphrase,
    open_age,
)
from keys.age.hybrid import HybridKey
from keys.age.x25519 import X25519Key
from keys.errors import MixedRecipients

if TYPE_CHECKING:
    from tests.keys.age.conftest import Typage

TEXT = "Dépêche chiffrée, à lire en entier.\n".encode()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_typage_opens_what_we_seal(
    typage: Typage, paris: HybridKey, lome: HybridKey, size: int
) -> None:
    plaintext = (TEXT * (size // len(TEXT) + 1))[:size]
    sealed = encrypt(plaintext, [paris.recipient, lome.recipient])
    assert typage.open(sealed, encode_identity(lome.seed)) == plaintext


@pytest.mark.parametrize("size", [0, 1, 65_536, 200_000])
def test_we_open_what_typage_seals(
    typage: Typage, paris: HybridKey, lome: HybridKey, size: int
) -> None:
    plaintext = (TEXT * (size // len(TEXT) + 1))[:size]
    recipients = [encode_recipient(paris.recipient), encode_recipient(lome.recipient)]
    sealed = typage.seal(plaintext, *recipients)
    assert decrypt(sealed, [paris]) == plaintext
    assert decrypt(sealed, [lome]) == plaintext


def test_both_derive_the_same_recipient_from_an_identity(typage: Typage) -> None:
    identity, recipient = typage.identity("hybrid")
    key = HybridKey(decode_identity(identity))
    assert key.recipient == decode_recipient(recipient)
    assert encode_recipient(key.recipient) == recipient
    assert encode_identity(key.seed) == identity


def test_passphrase_files_cross_both_ways(typage: Typage) -> None:
    ours = encrypt_with_passphrase(TEXT, b"correct horse", log_n=10)
    assert typage.open(ours, passphrase="correct horse") == TEXT
    theirs = typage.seal(TEXT, passphrase="correct horse")
    assert decrypt_with_passphrase(theirs, b"correct horse") == TEXT


def test_a_classical_stanza_slipped_in_by_a_lenient_writer_is_refused(
    typage: Typage, paris: HybridKey
) -> None:
    identity, recipient = typage.identity("x25519")
    mixed = typage.seal(TEXT, encode_recipient(paris.recipient), recipient)
    # The general reader shows that the file is sound, and that the classical key opens it too.
    classical = X25519Key(decode_x25519_identity(identity))
    assert bytes(open_age(io.BytesIO(mixed), [paris]).next_chunk()) == TEXT
    assert bytes(open_age(io.BytesIO(mixed), [classical]).next_chunk()) == TEXT
    with pytest.raises(MixedRecipients, match="X25519"):
        decrypt(mixed, [paris])


def test_typage_refuses_our_file_to_another_key(
    typage: Typage, paris: HybridKey, lome: HybridKey
) -> None:
    sealed = encrypt(TEXT, [paris.recipient])
    assert "no identity matched" in typage.refusal(sealed, encode_identity(lome.seed))
