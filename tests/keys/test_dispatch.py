"""Enciphering and deciphering: what comes out, where it waits, and what an accident leaves."""

import hashlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from keys.age.header import Header
from keys.dispatch import (
    Attachment,
    Destination,
    DigestingSink,
    Head,
    Opened,
    decipher,
    encipher,
    examine,
    open_head,
    prepare,
    read_again,
    read_parts,
)
from keys.errors import (
    CardNotInForce,
    KeyRetired,
    ManifestMalformed,
    NotIntended,
    PartTooLarge,
    PayloadDamaged,
    SignatureInvalid,
    SourceChangedError,
)
from keys.identity import Identity
from keys.manifest import Manifest, Part, Series
from keys.signing import Signatures
from keys.sources import Content, Source
from tests.vectors.forge import NOW, YEAR, Forgery, addressee, heading, identity, open_with, split

MINREX, PARIS, LOME = map(identity, ("MINREX", "PARIS", "LOME"))
CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus" / "telegrams"
TEXTS = [
    "Objet : accréditation.\nJ'ai l'honneur d'accuser réception de votre télégramme n° 12.\n",
    "Subject: landing rights. Please confirm by 1800Z.\n",
    "",
    "Ω" * 70_000,
]


def _to(identity: Identity, number: int = 1) -> Destination:
    return Destination(identity.card, "ROUTINE", Series(202600, number))


def _seal(message: Content, *attachments: Attachment) -> bytes:
    sink = io.BytesIO()
    encipher(heading(), [_to(PARIS)], message, attachments, signer=MINREX, sink=sink)
    return sink.getvalue()


def _corpus() -> list[str]:
    """Real telegrams where the corpus is at hand."""
    folder = Path(os.environ.get("CORPUS", CORPUS))
    return [json.loads(path.read_text("utf-8"))["body"] for path in sorted(folder.glob("*.json"))]


def test_texts_come_back_byte_for_byte(tmp_path: Path) -> None:
    for text in TEXTS + _corpus():
        with open_with(_seal(text.encode()), PARIS, tmp_path) as opened:
            assert (opened.folder / "message.txt").read_bytes() == text.encode()


def test_what_is_prepared_is_signed_elsewhere_and_nobody_else_signs_it(tmp_path: Path) -> None:
    prepared = prepare(heading(), [_to(PARIS)], b"Bonjour", sender=MINREX.card)
    sink = io.BytesIO()
    with pytest.raises(SignatureInvalid):
        prepared.write(LOME.sign_manifest(prepared.manifest), sink)
    assert sink.getvalue() == b""

    written = prepared.write(MINREX.sign_manifest(prepared.manifest), sink)
    with open_with(sink.getvalue(), PARIS, tmp_path) as opened:
        assert opened.manifest == prepared.manifest == written.manifest
        assert (opened.folder / "message.txt").read_bytes() == b"Bonjour"


def test_what_is_given_back_describes_what_was_written(tmp_path: Path) -> None:
    path = tmp_path / "note.pdf"
    path.write_bytes(b"%PDF" * 100)
    sink = io.BytesIO()
    digest = hashlib.sha256()
    with (tmp_path / "open.txt").open("w+b") as file:
        file.write(b"read from its beginning")
        file.flush()
        attachments = [
            Attachment("Note verbale.pdf", path, "application/pdf"),
            Attachment("à lire/d'abord.txt", file),
            Attachment("vide", b""),
        ]
        enciphered = encipher(
            heading(),
            [_to(LOME, 4), _to(PARIS, 9), Destination(MINREX.card, "ROUTINE", None, role="copy")],
            b"Ci-joint.",
            attachments,
            signer=MINREX,
            sink=DigestingSink(sink, digest),
        )
    assert enciphered.size == len(sink.getvalue())
    assert digest.digest() == hashlib.sha256(sink.getvalue()).digest()
    for reader in (LOME, PARIS, MINREX):
        with open_with(sink.getvalue(), reader, tmp_path) as opened:
            assert opened.manifest == enciphered.manifest
            assert opened.manifest.label.level == "SECRET"
            assert opened.manifest_hash == enciphered.manifest_hash == opened.manifest.hash
            assert opened.sender == MINREX.card
            assert opened.parts == opened.manifest.parts
            assert {
                part.name: (opened.folder / part.name).read_bytes() for part in opened.parts
            } == {
                "message.txt": b"Ci-joint.",
                "attachments/001-Note verbale.pdf": b"%PDF" * 100,
                "attachments/002-à lire_d'abord.txt": b"read from its beginning",
                "attachments/003-vide": b"",
            }
            assert [part.type for part in opened.parts][:2] == ["text/plain", "application/pdf"]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 65_535, 65_536, 65_537, 262_144, 700_001])
def test_sizes_around_every_boundary(size: int, tmp_path: Path) -> None:
    data = os.urandom(size)
    path = tmp_path / "plain"
    path.write_bytes(data)
    for content in (data, path):
        with open_with(_seal(b"", Attachment("x", content)), PARIS, tmp_path) as opened:
            assert (opened.folder / "attachments/001-x").read_bytes() == data


def test_the_same_dispatch_twice_shares_no_byte_of_payload() -> None:
    _, first = split(_seal(b"Bonjour"))
    _, second = split(_seal(b"Bonjour"))
    assert first[:16] != second[:16]
    assert first[16:] != second[16:]


# Without a quarantine


def _read_through(sealed: bytes) -> tuple[Head, dict[str, bytes]]:
    kept: dict[str, bytes] = {}

    @contextmanager
    def keep(part: Part) -> Iterator[Callable[[memoryview], object]]:
        pieces: list[bytes] = []
        yield lambda piece: pieces.append(bytes(piece))
        kept[part.name] = b"".join(pieces)

    cards = {MINREX.card.fingerprint: MINREX.card}
    head = open_head(io.BytesIO(sealed), opener=PARIS, find_sender=cards.get)
    read_parts(head, keep)
    return head, kept


def test_what_was_judged_is_given_part_by_part_and_never_whole_once_it_changed() -> None:
    drawn = os.urandom(300_000)
    sealed = _seal(b"Bonjour", Attachment("vide", b""), Attachment("plan", drawn))
    head, kept = _read_through(sealed)
    assert [*kept.values()] == [b"Bonjour", b"", drawn]
    again = [b"".join(read_again(head, io.BytesIO(sealed), place)) for place in range(3)]
    assert again == [b"Bonjour", b"", drawn]
    for other in (
        sealed[:-40] + bytes([sealed[-40] ^ 1]) + sealed[-39:],
        _seal(b"Bonjour", Attachment("vide", b""), Attachment("plan", drawn)),
        sealed[:-70_000],
    ):
        given: list[bytes] = []
        with pytest.raises(PayloadDamaged):
            given.extend(read_again(head, io.BytesIO(other), 2))
        assert len(b"".join(given)) < len(drawn)


# Publishing


def test_publishing_moves_the_quarantine(tmp_path: Path) -> None:
    target = tmp_path / "opened"
    with open_with(_seal(b"Bonjour", Attachment("x", b"y")), PARIS, tmp_path) as opened:
        assert opened.folder.stat().st_mode & 0o777 == 0o700
        assert (opened.folder / "message.txt").stat().st_mode & 0o777 == 0o600
        assert not target.exists()
        opened.publish(target)
    assert [path.name for path in tmp_path.iterdir()] == ["opened"]
    assert (target / "message.txt").read_bytes() == b"Bonjour"


def test_publishing_over_something_moves_nothing(tmp_path: Path) -> None:
    target = tmp_path / "opened"
    target.mkdir()
    (target / "message.txt").write_text("kept")
    with (
        pytest.raises(OSError, match="not empty"),
        open_with(_seal(b"Bonjour"), PARIS, tmp_path) as opened,
    ):
        opened.publish(target)
    assert (target / "message.txt").read_text() == "kept"
    assert [path.name for path in tmp_path.iterdir()] == ["opened"]


def test_what_is_not_published_is_wiped(tmp_path: Path) -> None:
    with open_with(_seal(b"Bonjour"), PARIS, tmp_path) as opened:
        assert opened.folder.exists()
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """Part of the text is on the disk when writing fails: RLIMIT_FSIZE stands for a full disk."""
    envelope = tmp_path / "envelope"
    envelope.write_bytes(_seal(bytes(1 << 20)))
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    script = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from tests.vectors.forge import identity, open_with
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    open_with(Path(sys.argv[1]).read_bytes(), identity("PARIS"), Path(sys.argv[2]))
except OSError as error:
    print(error.errno)
"""
    root = str(Path(__file__).resolve().parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script, str(envelope), str(workspace), root],
        capture_output=True,
        check=True,
        text=True,
    )
    assert done.stdout == "27\n"  # EFBIG
    assert not list(workspace.iterdir())


# Refusals of the writer


def _refused_heading(**changes: object) -> None:
    encipher(heading(**changes), [_to(PARIS)], b"", signer=MINREX, sink=io.BytesIO())


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "two\nlines"},
        {"subject": "\ud800"},
        {"id": "1"},
        {"kind": "letter"},
        {"created": NOW.replace(tzinfo=None)},
        {"dtg": NOW.replace(microsecond=1)},
        {"expires": NOW},
    ],
)
def test_what_no_reader_would_accept_is_not_written(changes: dict[str, object]) -> None:
    with pytest.raises(ManifestMalformed):
        _refused_heading(**changes)


def test_a_manifest_too_long_for_readers_is_not_written() -> None:
    """599 addressees fit; with 999 attachments as well they do not."""
    cards = [replace(PARIS.card, edition=number) for number in range(1, 600)]
    to = [Destination(card, "ROUTINE", Series(202600, 1)) for card in cards]
    encipher(heading(), to, b"", signer=MINREX, sink=io.BytesIO())

    many = [Attachment("annexe.pdf", b"")] * 999
    with pytest.raises(ManifestMalformed, match="at most 262144 bytes"):
        encipher(heading(), to, b"", many, signer=MINREX, sink=io.BytesIO())


def test_too_many_attachments() -> None:
    attachments = [Attachment("x", b"")] * 1000
    with pytest.raises(PartTooLarge):
        _seal(b"", *attachments)


def test_a_part_of_eight_gibibytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sparse file would do, but hashing 8 GiB takes a while: the size is what counts."""

    def measure(source: Source) -> str:
        source.size = 8 << 30
        return "0" * 64

    monkeypatch.setattr(Source, "measure", measure)
    with pytest.raises(PartTooLarge):
        _seal(b"")


def test_cards_out_of_force_are_not_written_to() -> None:
    with pytest.raises(CardNotInForce):
        _refused_heading(created=YEAR[1])
    late = replace(PARIS.card, valid_from=NOW + timedelta(seconds=1))
    with pytest.raises(CardNotInForce):
        encipher(
            heading(),
            [Destination(late, "ROUTINE", Series(202600, 1))],
            b"",
            signer=MINREX,
            sink=io.BytesIO(),
        )


class WrongSigner:
    """A custodian that answers with another key's signatures."""

    card = MINREX.card

    def sign_manifest(self, manifest: Manifest) -> Signatures:
        return LOME.sign_manifest(manifest)


def test_a_signers_answer_is_verified_before_anything_is_written() -> None:
    sink = io.BytesIO()
    with pytest.raises(SignatureInvalid):
        encipher(heading(), [_to(PARIS)], b"", signer=WrongSigner(), sink=sink)
    assert not sink.getvalue()


# A source that changes between its two readings


class Meddling:
    """Signs, and meanwhile changes the file that is being enciphered."""

    card = MINREX.card

    def __init__(self, meddle: Callable[[], object]) -> None:
        self._meddle = meddle

    def sign_manifest(self, manifest: Manifest) -> Signatures:
        self._meddle()
        return MINREX.sign_manifest(manifest)


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"x" * 1000),
        lambda path: path.write_bytes(b"x" * 999),
        lambda path: path.write_bytes(b"x" * 400_000),
        lambda path: path.write_bytes(b""),
        lambda path: path.rename(path.with_name("gone")) and path.write_bytes(b"x" * 1000),
    ],
    ids=["rewritten", "shorter", "longer", "emptied", "replaced"],
)
def test_a_file_that_changes_meanwhile(change: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "plain"
    path.write_bytes(b"a" * 1000)
    os.utime(path, ns=(0, 0))
    signer = Meddling(lambda: change(path))
    with pytest.raises(SourceChangedError):
        encipher(heading(), [_to(PARIS)], path, signer=signer, sink=io.BytesIO())


def test_a_pipe_cannot_be_read_twice() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe, pytest.raises(OSError, match="seek"):
        _seal(pipe)


# The custodian's half


class PrefixCustodian:
    """Opens the manifest itself from a prefix of the file, as a custodian does."""

    def __init__(self, holder: Identity, count: int) -> None:
        self.fingerprints = holder.fingerprints
        self._holder = holder
        self._count = count
        self.manifest: Manifest | None = None

    def open_file_key(self, header: Header, peek: Callable[[int], bytes]) -> bytes:
        file_key = self._holder.open_file_key(header, peek)
        assert peek(16) == peek(self._count)[:16]
        prefix = io.BytesIO(peek(self._count))
        self.manifest = examine(header, file_key, prefix, {self._holder.card.fingerprint})
        return file_key


@pytest.mark.parametrize("count", [65_569, 400_000, 1 << 22])
def test_a_custodian_reads_the_manifest_from_a_prefix(count: int, tmp_path: Path) -> None:
    custodian = PrefixCustodian(PARIS, count)
    envelope = _seal(os.urandom(300_000))
    trusted = {MINREX.card.fingerprint: MINREX.card}
    with decipher(
        io.BytesIO(envelope), opener=custodian, find_sender=trusted.get, workspace=tmp_path
    ) as opened:
        assert custodian.manifest == opened.manifest


def test_a_custodian_keeps_the_file_key_of_what_is_not_for_it(tmp_path: Path) -> None:
    forwarded = Forgery([PARIS.card], to=[addressee(LOME.card)]).seal()
    with pytest.raises(NotIntended):
        _decipher(forwarded, PrefixCustodian(PARIS, 400_000), tmp_path)
    damaged = bytearray(Forgery([PARIS.card]).seal())
    damaged[-1] ^= 1
    with pytest.raises(PayloadDamaged):
        _decipher(bytes(damaged), PrefixCustodian(PARIS, 400_000), tmp_path)


class RetiredKey:
    """A custodian whose key was retired."""

    fingerprints = PARIS.fingerprints

    def open_file_key(self, header: Header, peek: Callable[[int], bytes]) -> bytes:
        PARIS.open_file_key(header, peek)
        raise KeyRetired("the key of edition 1 was retired on 2026-11-01")


def test_a_retired_key_says_so(tmp_path: Path) -> None:
    with pytest.raises(KeyRetired):
        _decipher(_seal(b""), RetiredKey(), tmp_path)


def _decipher(envelope: bytes, opener: PrefixCustodian | RetiredKey, folder: Path) -> Opened:
    trusted = {MINREX.card.fingerprint: MINREX.card}
    return decipher(io.BytesIO(envelope), opener=opener, find_sender=trusted.get, workspace=folder)
