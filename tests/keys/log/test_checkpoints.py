"""Checkpoints, cosignatures and quorums."""

import pytest

from keys.log.checkpoints import (
    Checkpoint,
    cosign,
    own_note,
    read_checkpoint,
    read_cosignature,
    read_head,
    require_continuation,
)
from keys.log.errors import (
    LogForked,
    LogOfAnother,
    LogRolledBack,
    NoteMalformed,
    NoteNotSigned,
)
from keys.log.notes import (
    ED25519_COSIGNATURE,
    Ed25519Signer,
    MlDsa44Signer,
    Note,
    NoteSignature,
)
from keys.merkle import consistency_path_of, root
from tests.support.trees import hashes, range_roots

LOG = Ed25519Signer("log.example/audit", b"\1" * 32)
PARIS = Ed25519Signer("PARIS", b"\2" * 32, ED25519_COSIGNATURE)
LOME = MlDsa44Signer("LOME", b"\3" * 32)
LEAVES = hashes(9)
# The example of tlog-cosignature; its keys are not published with it.
EXAMPLE = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=
"""


def head(size: int, origin: str = "log.example/audit") -> Checkpoint:
    return Checkpoint(origin, size, root(LEAVES[:size]))


def signed(checkpoint: Checkpoint) -> Note:
    return Note(checkpoint.encode(), (LOG.sign(checkpoint.encode()),))


def test_the_published_checkpoint_is_read() -> None:
    checkpoint = Checkpoint.parse(EXAMPLE)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.encode() == EXAMPLE


def test_a_checkpoint_is_of_its_log() -> None:
    assert read_checkpoint(signed(head(3)), LOG.verifier) == head(3)
    with pytest.raises(LogOfAnother):
        read_checkpoint(signed(head(3, "other.example/audit")), LOG.verifier)
    extended = Checkpoint("log.example/audit", 3, root(LEAVES[:3]), ("more", "lines"))
    assert read_checkpoint(signed(extended), LOG.verifier) == extended


@pytest.mark.parametrize(
    "text",
    [
        "a\n1\n",
        "\n1\nAAAA\n",
        "a\n01\nAAAA\n",
        "a\n-1\nAAAA\n",
        "a\n1\nAAAA\n",
        "a\n1\n!\n",
        f"{EXAMPLE}\nmore\n",
        EXAMPLE[:-1],
    ],
)
def test_what_is_no_checkpoint(text: str) -> None:
    with pytest.raises(NoteMalformed):
        Checkpoint.parse(text)


def test_a_log_only_grows() -> None:
    path = consistency_path_of(3, 9, range_roots(LEAVES))
    require_continuation(head(3), head(9), path)
    with pytest.raises(LogOfAnother):
        require_continuation(head(3), head(9, "b"), path)
    with pytest.raises(LogRolledBack):
        require_continuation(head(9), head(3), path)
    with pytest.raises(LogForked):
        require_continuation(Checkpoint(LOG.verifier.name, 3, LEAVES[0]), head(9), path)


@pytest.mark.parametrize("signer", [PARIS, LOME])
def test_a_cosignature_covers_time_and_head(signer: Ed25519Signer | MlDsa44Signer) -> None:
    line = cosign(head(3), signer, 1_700_000_000)
    note = signed(head(3)).with_signatures([line])
    assert read_cosignature(Note.parse(note.encode()), signer.verifier) == 1_700_000_000
    assert read_cosignature(signed(head(3)), signer.verifier) is None
    with pytest.raises(NoteNotSigned):
        read_cosignature(signed(head(4)).with_signatures([line]), signer.verifier)
    later = bytes([*line.signature[:7], line.signature[7] ^ 1, *line.signature[8:]])
    moved = NoteSignature(line.name, line.key_id, later)
    with pytest.raises(NoteNotSigned):
        read_cosignature(signed(head(3)).with_signatures([moved]), signer.verifier)
    never = NoteSignature(line.name, line.key_id, b"\xff" * 72)
    with pytest.raises(NoteMalformed):
        read_cosignature(signed(head(3)).with_signatures([never]), signer.verifier)


def test_a_head_is_signed_with_both_keys_of_its_log() -> None:
    own = MlDsa44Signer(LOG.verifier.name, b"\4" * 32)
    witness = cosign(head(3), PARIS, 1)
    half = signed(head(3)).with_signatures([witness])
    whole = half.with_signatures([cosign(head(3), own, 0)])

    assert read_head(whole, LOG.verifier, own.verifier) == head(3)
    with pytest.raises(NoteNotSigned):
        read_head(half, LOG.verifier, own.verifier)
    # What a manifest carries is the log's own word; who witnessed it stays with the log.
    assert read_head(own_note(whole), LOG.verifier, own.verifier) == head(3)
    assert read_cosignature(own_note(whole), PARIS.verifier) is None


def test_the_bytes_of_both_cosigned_messages() -> None:
    """Built here by hand from the specification."""
    at = 1_700_000_000
    line = cosign(head(3), PARIS, at)
    text = f"cosignature/v1\ntime {at}\n{head(3).encode()}"
    assert line.signature == at.to_bytes(8, "big") + PARIS.sign_raw(text.encode())
    struct = b"subtree/v1\n\0\x04LOME" + at.to_bytes(8, "big") + b"\x11log.example/audit"
    struct += bytes(8) + bytes([0, 0, 0, 0, 0, 0, 0, 3]) + root(LEAVES[:3])
    from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey  # noqa: PLC0415  oracle

    MLDSA44PublicKey.from_public_bytes(LOME.verifier.public).verify(
        cosign(head(3), LOME, at).signature[8:], struct
    )


def test_a_note_key_does_not_cosign() -> None:
    with pytest.raises(ValueError, match="note key"):
        cosign(head(1), LOG, 1)
    with pytest.raises(ValueError, match="time"):
        cosign(head(1), PARIS, 2**63)
    assert read_cosignature(signed(head(1)), LOG.verifier) is None
