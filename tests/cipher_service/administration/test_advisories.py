"""Files of advisories: what is taken from them, and hostile ones, which end in one refusal."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_LZMA, ZipFile

import pytest

from cipher_service.administration import advisories
from cipher_service.administration.advisories import (
    AdvisoriesUnreadable,
    Affected,
    Range,
    collect,
    read_record,
)
from tests.support.advisories import ECDSA, record, zipped

ASKED = frozenset({("PyPI", "ecdsa"), ("npm", "qr")})


def _read(told: Any) -> advisories.Record:
    return read_record(json.dumps(told).encode(), ASKED)


def test_a_record_is_taken_as_it_is_published() -> None:
    taken = _read(ECDSA)
    assert taken.ecosystems == {"PyPI"}
    assert taken.advisory is not None
    assert taken.advisory.names == {"GHSA-wj6h-64fc-37mp", "CVE-2024-23342"}
    assert taken.advisory.published == datetime(2024, 1, 22, 21, 35, 27, tzinfo=UTC)
    assert taken.advisory.severity == "high"
    always = Range("ECOSYSTEM", (("introduced", "0"),))
    assert taken.advisory.affected == (Affected("PyPI", "ecdsa", (), (always,)),)


@pytest.mark.parametrize(
    ("severity", "specific", "level"),
    [
        ([], {}, None),
        (None, {"severity": "MODERATE"}, "medium"),
        ([{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}], {"severity": "CRITICAL"}, "critical"),
        ([{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}], {}, None),
        (ECDSA["severity"], {"severity": "LOW"}, "high"),
        (ECDSA["severity"], {"severity": 7}, "high"),
    ],
)
def test_the_worst_severity_told_holds(severity: Any, specific: Any, level: str | None) -> None:
    told = record("X-1", "ecdsa", severity=severity, database_specific=specific)
    assert (advisory := _read(told).advisory) is not None
    assert advisory.severity == level
    told = record("X-1", "ecdsa")
    told["affected"][0] |= {"severity": severity, "database_specific": specific}
    assert (advisory := _read(told).advisory) is not None
    assert advisory.severity == level


def test_names_are_compared_as_their_ecosystem_does() -> None:
    assert _read(record("X-1", "ECDSA")).advisory is not None
    assert _read(record("X-1", "e-c-d-s-a")).advisory is None
    assert _read(record("X-1", "ecdsa", ecosystem="PyPI:elsewhere")).advisory is not None
    assert _read(record("X-1", "ecdsa", ecosystem="crates.io")).advisory is None
    assert _read(record("X-1", "qr", ecosystem="npm")).advisory is not None
    assert _read(record("X-1", "QR", ecosystem="npm")).advisory is None


def test_one_that_was_withdrawn_is_counted_and_concerns_nobody() -> None:
    taken = _read(record("X-1", "ecdsa", withdrawn="2026-11-21T00:00:00Z"))
    assert taken == advisories.Record(frozenset({"PyPI"}), taken.modified, None)
    assert _read(record("X-1", "ecdsa", withdrawn=None)).advisory is not None


HOSTILE: dict[str, dict[str, Any]] = {
    "no instant": {"modified": "yesterday"},
    "a day that there is not": {"modified": "2026-02-30T00:00:00Z"},
    "an instant elsewhere": {"published": "2026-11-20T08:00:00+01:00"},
    "withdrawn, but not when": {"withdrawn": ""},
    "no name": {"id": ""},
    "a name that steers a terminal": {"id": "X-1\x1b[2J"},
    "an alias that does": {"aliases": ["CVE-1\nCVE-2"]},
    "aliases as a text": {"aliases": "CVE-1"},
    "affected as an object": {"affected": {}},
    "affected of texts": {"affected": ["ecdsa"]},
    "a package of no name": {"affected": [{"package": {"ecosystem": "PyPI"}}]},
    "severity of texts": {"severity": ["HIGH"]},
}
PARTS: dict[str, dict[str, Any]] = {
    "versions of numbers": {"versions": [1]},
    "a version of blanks": {"versions": ["1 0"]},
    "a version without end": {"versions": ["1" * 129]},
    "a line of no kind": {"ranges": [{"events": [{"introduced": "0"}]}]},
    "a line of another kind": {"ranges": [{"type": "MOON", "events": [{"introduced": "0"}]}]},
    "a line without events": {"ranges": [{"type": "SEMVER", "events": []}]},
    "a line without beginning": {"ranges": [{"type": "SEMVER", "events": [{"fixed": "1"}]}]},
    "two in one event": {
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0", "fixed": "1.0.0"}]}]
    },
    "an event of another kind": {
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"forgotten": "1"}]}]
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_record_about_us_that_is_not_as_the_format_has_it_is_refused(name: str) -> None:
    with pytest.raises(AdvisoriesUnreadable):
        _read(record("X-1", "ecdsa") | HOSTILE[name])


@pytest.mark.parametrize("name", PARTS)
def test_so_is_one_with_such_a_part(name: str) -> None:
    told = record("X-1", "ecdsa")
    told["affected"][0] |= PARTS[name]
    with pytest.raises(AdvisoriesUnreadable):
        _read(told)
    told["affected"][0]["package"]["name"] = "of-nobody-here"
    assert _read(told).advisory is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b"[]",
        b"null",
        b'{"id": "X-1"}',
        b'{"modified": "2026-11-20T08:00:00Z", "modified": "2026-11-20T08:00:00Z"}',
        b'{"modified": "2026-11-20T08:00:00Z", "epss": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_no_record_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(AdvisoriesUnreadable):
        read_record(data, ASKED)


def test_numbers_of_any_length_cost_nothing() -> None:
    told = json.dumps(record("X-1", "ecdsa", database_specific={"epss": 0.125}))
    assert read_record(told.replace("0.125", "9" * 1_000_000).encode(), ASKED).advisory is not None


def _files(folder: Path) -> list[Path]:
    alone = folder / "one.json"
    alone.write_text(json.dumps(record("X-3", "qr", ecosystem="npm")), "utf-8")
    old = record("X-1", "ecdsa") | {"modified": "2020-01-01T00:00:00Z"}
    packed = zipped(folder / "all.zip", [old, record("X-2", "nobody"), ECDSA])
    return [alone, packed]


def test_records_of_several_files_come_together(tmp_path: Path) -> None:
    alone, packed = _files(tmp_path)
    found = collect([alone, packed], ASKED)
    assert found.records == {"PyPI": 3, "npm": 1}
    assert found.newest["PyPI"] == datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert sorted(min(each.names) for each in found.advisories) == [
        *("CVE-2024-23342", "X-1", "X-3"),
    ]
    assert found.whole
    assert not collect([alone], ASKED).whole


def test_what_is_wrong_is_named_with_its_place(tmp_path: Path) -> None:
    packed = tmp_path / "all.zip"
    with ZipFile(packed, "w") as archive:
        archive.writestr("../../etc/\x1b[2Jpasswd", b"{")
    with pytest.raises(AdvisoriesUnreadable) as refused:
        collect([packed], ASKED)
    assert str(refused.value) == "../../etc/\\x1b[2Jpasswd: not JSON"
    assert {path.name for path in tmp_path.iterdir()} == {"all.zip"}


def test_a_damaged_zip_is_refused(tmp_path: Path) -> None:
    _, packed = _files(tmp_path)
    good = packed.read_bytes()
    kinds = set()
    for place in range(0, len(good), 3):
        packed.write_bytes(good[:place] + bytes([good[place] ^ 0x5A]) + good[place + 1 :])
        try:
            collect([packed], ASKED)
        except AdvisoriesUnreadable as error:
            kinds.add(str(error).partition(":")[0])
    assert "the ZIP is damaged" in kinds


def test_an_enciphered_zip_is_refused(tmp_path: Path) -> None:
    _, packed = _files(tmp_path)
    data = bytearray(packed.read_bytes())
    # Bit 0 of the general purpose flag, in each local and each central header.
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + place] |= 1
            at = data.find(mark, at + 4)
    packed.write_bytes(data)
    with pytest.raises(AdvisoriesUnreadable, match="RuntimeError"):
        collect([packed], ASKED)


@pytest.mark.parametrize("packing", [ZIP_BZIP2, ZIP_LZMA])
def test_a_zip_packed_otherwise_is_refused(tmp_path: Path, packing: int) -> None:
    """Their unpackers take memory by what the file says, and end on damage as a disk does."""
    packed = tmp_path / "all.zip"
    with ZipFile(packed, "w", packing) as archive:
        archive.writestr("a.json", json.dumps(ECDSA))
    with pytest.raises(AdvisoriesUnreadable, match="deflate"):
        collect([packed], ASKED)


def test_what_unpacks_without_end_is_left_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bomb.zip"
    with ZipFile(bomb, "w", ZIP_DEFLATED) as archive:
        archive.writestr("a.json", b" " * (advisories.LARGEST_RECORD + 1))
    with pytest.raises(AdvisoriesUnreadable, match="a record of more than"):
        collect([bomb], ASKED)
    monkeypatch.setattr(advisories, "LARGEST_TOTAL", 100)
    with pytest.raises(AdvisoriesUnreadable, match="more than 100 bytes in a ZIP"):
        collect([_files(tmp_path)[1]], ASKED)
    monkeypatch.setattr(advisories, "MOST_RECORDS", 2)
    with pytest.raises(AdvisoriesUnreadable, match="more than 2 records in a ZIP"):
        collect([_files(tmp_path)[1]], ASKED)


def test_a_flood_of_records_about_one_part_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flood = zipped(tmp_path / "all.zip", [record(f"X-{n}", "ecdsa") for n in range(4)])
    monkeypatch.setattr(advisories, "MOST_ABOUT", 3)
    with pytest.raises(AdvisoriesUnreadable, match="more than 3 records about"):
        collect([flood], ASKED)
