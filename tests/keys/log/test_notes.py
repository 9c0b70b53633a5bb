"""Signed notes, against the specification's own example and notes that are not ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys.log.errors import NoteMalformed, NoteNotSigned
from keys.log.notes import (
    ED25519_COSIGNATURE,
    MLDSA44_COSIGNATURE,
    Ed25519Signer,
    MlDsa44Signer,
    Note,
    NoteSignature,
    VerifierKey,
    new_seed,
    verify_note,
    verify_raw,
)

# golang.org/x/mod/sumdb/note's own documentation.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
SIGNED = (
    f"{TEXT}\n"
    "\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"  # noqa: E501  published bytes
).encode()
OURS = Ed25519Signer("log.example/audit", b"\1" * 32)


def test_the_published_note_holds() -> None:
    key = VerifierKey.parse(PETER)
    note = Note.parse(SIGNED)
    verify_note(note, key)
    assert (key.encode(), note.encode(), note.text) == (PETER, SIGNED, TEXT)


@given(st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=40))
def test_what_is_signed_is_read_again(line: str) -> None:
    note = Note(f"{line}\n", (OURS.sign(f"{line}\n"),))
    read = Note.parse(note.encode())
    verify_note(read, OURS.verifier)
    assert read == note


def test_a_note_of_another_text_or_key_is_refused() -> None:
    note = Note.parse(SIGNED)
    with pytest.raises(NoteNotSigned):
        verify_note(Note("Something else.\n", note.signatures), VerifierKey.parse(PETER))
    with pytest.raises(NoteNotSigned):
        verify_note(note, OURS.verifier)
    cut = NoteSignature(OURS.verifier.name, OURS.verifier.key_id, b"short")
    with pytest.raises(NoteNotSigned):
        verify_note(note.with_signatures([cut]), OURS.verifier)
    cosigner = Ed25519Signer("log.example/audit", new_seed(), ED25519_COSIGNATURE)
    with pytest.raises(NoteNotSigned):  # a cosignature covers another message
        verify_note(note.with_signatures([cosigner.sign(TEXT)]), cosigner.verifier)


def test_both_algorithms_of_cosigners() -> None:
    signer = MlDsa44Signer("w", b"\2" * 32)
    assert VerifierKey.parse(signer.verifier.encode()) == signer.verifier
    assert signer.verifier.algorithm == MLDSA44_COSIGNATURE
    verify_raw(signer.verifier, signer.sign_raw(b"m"), b"m")
    with pytest.raises(NoteNotSigned):
        verify_raw(signer.verifier, signer.sign_raw(b"m"), b"n")


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b"text\n",
        b"text\n\n",
        b"te\txt\n\n\xe2\x80\x94 a AAAAAAA=\n",
        b"text\n\n- a AAAAAAA=\n",
        "text\n\n\u2014 a AAAAAAB=\n".encode(),
        "text\n\n\u2014 a AAAA\n".encode(),
        "text\n\n\u2014 a+b AAAAAAA=\n".encode(),
        "text\n\n\u2014 a AAAAAAA=".encode(),
        b"text\n\n" + "\u2014 a AAAAAAA=\n".encode() * 101,
        b"x" * 1_000_001,
    ],
)
def test_what_is_no_note(data: bytes) -> None:
    with pytest.raises(NoteMalformed):
        Note.parse(data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a+b",
        "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "a+00000000+",
        "a+00000000+AQ==",
        "a+00000000+CQAA",
    ],
)
def test_what_is_no_verifier_key(text: str) -> None:
    with pytest.raises(NoteMalformed):
        VerifierKey.parse(text)
