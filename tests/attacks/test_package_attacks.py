"""Tar tricks: what an addressee, or a captured sender, could put into an archive."""

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from keys.errors import ManifestMalformed, PackageMalformed, PartMismatch, Refusal
from keys.ustar import END, entry_header
from tests.vectors.forge import MESSAGE, Entry, Forgery, Members, identity, open_with
from tests.vectors.package_cases import with_field

PARIS = identity("PARIS")
OUTSIDE = "escaped.txt"


@pytest.fixture
def quarantine(tmp_path: Path) -> Iterator[Path]:
    """A folder inside a folder: whatever climbs out of it is seen."""
    inner = tmp_path / "outer" / "inner"
    inner.mkdir(parents=True)
    yield inner
    assert [path for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()] == []
    assert list(inner.iterdir()) == []


def _with_entries(change: Callable[[list[Entry]], None]) -> bytes:
    return Forgery([PARIS.card], alter_entries=change).seal()


@pytest.mark.parametrize(
    "name",
    [f"../{OUTSIDE}", f"../../{OUTSIDE}", f"/tmp/{OUTSIDE}", f"./{OUTSIDE}", f"a/../../{OUTSIDE}"],  # noqa: S108  the attack
)
def test_path_outside(name: str, quarantine: Path) -> None:
    """In the archive alone, the manifest knows no such part; in both, it is no part's name."""

    def rename(entries: list[Entry]) -> None:
        entries[4].name = name

    with pytest.raises(PartMismatch):
        open_with(_with_entries(rename), PARIS, quarantine)

    def rename_in_manifest(members: Members) -> None:
        members["parts"][0]["name"] = name

    both = Forgery([PARIS.card], alter=rename_in_manifest, alter_entries=rename)
    with pytest.raises(ManifestMalformed):
        open_with(both.seal(), PARIS, quarantine)


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.DIRTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.CONTTYPE,
        tarfile.GNUTYPE_SPARSE,
        tarfile.GNUTYPE_LONGNAME,
        tarfile.GNUTYPE_LONGLINK,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
    ],
)
def test_anything_but_a_regular_file(kind: bytes, quarantine: Path) -> None:
    def change(entries: list[Entry]) -> None:
        header = entry_header("message.txt", len(MESSAGE))
        entries[4].header = with_field(with_field(header, 156, kind), 157, b"/etc/passwd")

    with pytest.raises(PackageMalformed):
        open_with(_with_entries(change), PARIS, quarantine)


def test_link_then_write_through_it(quarantine: Path) -> None:
    """The classic pair: a symbolic link to a folder outside, then a file behind it."""

    def change(entries: list[Entry]) -> None:
        link = with_field(entry_header("attachments", 0), 156, b"2")
        entries.insert(4, Entry("attachments", b"", header=with_field(link, 157, b"../..")))

    with pytest.raises(PackageMalformed):
        open_with(_with_entries(change), PARIS, quarantine)


@pytest.mark.parametrize("place", [0, 1, 3, 4])
def test_duplicate(place: int, quarantine: Path) -> None:
    """The second entry of a name would win in tar and lose in a careless verifier."""

    def change(entries: list[Entry]) -> None:
        entries.insert(place + 1, Entry(entries[place].name, entries[place].data))

    with pytest.raises(Refusal):
        open_with(_with_entries(change), PARIS, quarantine)


@pytest.mark.parametrize("size", [0, 1, len(MESSAGE) - 1, len(MESSAGE) + 1, 8**11 - 1])
def test_size_lies(size: int, quarantine: Path) -> None:
    def change(entries: list[Entry]) -> None:
        entries[4].header = entry_header("message.txt", size)

    with pytest.raises(PartMismatch):
        open_with(_with_entries(change), PARIS, quarantine)


def test_size_lies_in_the_manifest_too(quarantine: Path) -> None:
    """A gibibyte is promised, a line is there: refused at the end of what is there."""

    def claim(members: Members) -> None:
        members["parts"][0]["size"] = 1 << 30

    def change(entries: list[Entry]) -> None:
        entries[4].header = entry_header("message.txt", 1 << 30)

    forgery = Forgery([PARIS.card], alter=claim, alter_entries=change)
    with pytest.raises(PackageMalformed):
        open_with(forgery.seal(), PARIS, quarantine)


@pytest.mark.parametrize(
    "form",
    [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT],
    ids=["pax", "gnu", "ustar"],
)
def test_archive_by_another_writer(form: int, quarantine: Path) -> None:
    """Right contents in a tar that a library wrote: not the one form, so refused."""

    def rewrite(archive: bytes) -> bytes:
        written = io.BytesIO()
        with (
            tarfile.open(fileobj=io.BytesIO(archive)) as source,
            tarfile.open(fileobj=written, mode="w", format=form) as target,
        ):
            for entry in source:
                entry.pax_headers = {"comment": "hidden"}
                entry.mtime = 1
                target.addfile(entry, source.extractfile(entry))
        return written.getvalue()

    with pytest.raises(PackageMalformed):
        open_with(Forgery([PARIS.card], alter_archive=rewrite).seal(), PARIS, quarantine)


def test_hidden_bytes_in_the_padding(quarantine: Path) -> None:
    def change(entries: list[Entry]) -> None:
        entries[4].padding = b"hidden".ljust(-len(MESSAGE) % 512, b"\0")

    with pytest.raises(PackageMalformed):
        open_with(_with_entries(change), PARIS, quarantine)


@pytest.mark.parametrize("end", [b"", bytes(512), bytes(1536), bytes(10240), END + b"hidden"])
def test_hidden_bytes_behind_the_end(end: bytes, quarantine: Path) -> None:
    with pytest.raises(PackageMalformed):
        open_with(Forgery([PARIS.card], end=end).seal(), PARIS, quarantine)


@pytest.mark.parametrize("order", [(1, 0), (2, 1), (3, 2), (4, 3), (4, 0)])
def test_entries_exchanged(order: tuple[int, int], quarantine: Path) -> None:
    def change(entries: list[Entry]) -> None:
        one, other = order
        entries[one], entries[other] = entries[other], entries[one]

    with pytest.raises(Refusal):
        open_with(_with_entries(change), PARIS, quarantine)


def test_name_that_shows_another_suffix(quarantine: Path) -> None:
    """A right-to-left override would show `exe.jpg` for `gpj.exe`."""

    def rename(members: Members) -> None:
        members["parts"][1]["name"] = "attachments/001-photo\u202egpj.exe"

    contents = [("message.txt", MESSAGE), ("attachments/001-x", b"MZ")]
    with pytest.raises(ManifestMalformed):
        open_with(Forgery([PARIS.card], contents, alter=rename).seal(), PARIS, quarantine)
