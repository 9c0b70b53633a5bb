"""Advisories in the OSV format: one record, or the ZIP of an ecosystem that was brought on a stick.

Format: the Open Source Vulnerability schema 1.7 (OpenSSF). A record that names no component asked
for is read only as far as its names; one that does is read strictly, because what is not understood
in it would be a weakness unseen. Nothing is unpacked to the disk.
"""

import json
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NoReturn
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, is_zipfile

from packaging.utils import canonicalize_name

from cipher_service.administration import severities

LARGEST_RECORD: Final = 16 * 2**20
MOST_RECORDS: Final = 2_000_000
LARGEST_TOTAL: Final = 16 * 2**30
MOST_ABOUT: Final = 5000
"""Advisories about components asked for; those about a hundred parts are some hundreds."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_VERSION: Final = re.compile(r"[!-~]{1,128}")
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?Z")
# How zipfile ends on what is no whole ZIP; a RuntimeError, on an entry that is enciphered or of a
# later version of the format.
_DAMAGED: Final = (
    *(BadZipFile, zlib.error, EOFError, RuntimeError),
    *(IndexError, UnicodeDecodeError, struct.error),
)
_EVENTS: Final = frozenset({"introduced", "fixed", "last_affected", "limit"})


class AdvisoriesUnreadable(ValueError):
    """These are not advisories as they are read here. The text says why, in English."""


@dataclass(frozen=True, slots=True)
class Component:
    """A part of somebody else's that runs here.

    Attributes:
        ecosystem: `PyPI` or `npm`.
        name: as the ecosystem normalises it.
        version: installed.
    """

    ecosystem: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Range:
    """A line of versions along which a weakness came and went.

    Attributes:
        kind: `SEMVER`, `ECOSYSTEM` or `GIT`.
        events: (`introduced`, `fixed`, `last_affected` or `limit`; version).
    """

    kind: str
    events: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Affected:
    """What an advisory says of one package."""

    ecosystem: str
    name: str
    versions: tuple[str, ...]
    ranges: tuple[Range, ...]


@dataclass(frozen=True, slots=True)
class Advisory:
    """A record about a component asked for.

    Attributes:
        names: its own, and those it has elsewhere.
        published: when it became known.
        severity: one of `severities.LEVELS`; None where nothing readable says it.
        affected: of the components asked for alone.
    """

    names: frozenset[str]
    published: datetime
    severity: str | None
    affected: tuple[Affected, ...]


@dataclass(slots=True)
class Collected:
    """What was found in files of advisories.

    Attributes:
        advisories: those about components asked for, the withdrawn left out.
        records: how many were read, by ecosystem.
        newest: the latest change of one, by ecosystem.
        whole: whether an ecosystem's ZIP was among the files.
    """

    advisories: list[Advisory] = field(default_factory=list)
    records: Counter[str] = field(default_factory=Counter)
    newest: dict[str, datetime] = field(default_factory=dict)
    whole: bool = False


def collect(paths: list[Path], asked: frozenset[tuple[str, str]]) -> Collected:
    """Read files of advisories.

    Args:
        paths: each one OSV record as JSON, or a ZIP of them.
        asked: (ecosystem, name) of the components that are of interest.

    Raises:
        AdvisoriesUnreadable: one of them is neither, or beyond what is read.
        OSError: one of them cannot be read.
    """
    found = Collected()
    for path in paths:
        packed = is_zipfile(path)
        found.whole |= packed
        for place, data in _unpacked(path) if packed else _alone(path):
            try:
                _take(found, read_record(data, asked))
            except AdvisoriesUnreadable as error:
                raise AdvisoriesUnreadable(f"{place}: {error}") from error
    return found


@dataclass(frozen=True, slots=True)
class Record:
    """One record as far as it was read."""

    ecosystems: frozenset[str]
    modified: datetime
    advisory: Advisory | None


def read_record(data: bytes, asked: frozenset[tuple[str, str]]) -> Record:
    """Read one OSV record: strictly, if it is about a component asked for.

    Raises:
        AdvisoriesUnreadable: it is no OSV record.
    """
    record = _object(_json(data), "the record")
    modified = _instant(record, "modified")
    parts = [_object(each, "affected") for each in _list(record, "affected")]
    packages = [_package(each) for each in parts]
    about = [each for each, package in zip(parts, packages, strict=True) if package in asked]
    ecosystems = frozenset(package[0] for package in packages if package)
    if not about:
        return Record(ecosystems, modified, None)
    if record.get("withdrawn") is not None:
        _instant(record, "withdrawn")
        return Record(ecosystems, modified, None)
    names = {_text(record, "id", _NAME)}
    names |= {_matching(each, "aliases", _NAME) for each in _list(record, "aliases")}
    since = _instant(record, "published") if "published" in record else modified
    affected = tuple(map(_affected, about))
    advisory = Advisory(frozenset(names), since, _severity(record, about), affected)
    return Record(ecosystems, modified, advisory)


def _take(found: Collected, record: Record) -> None:
    for ecosystem in record.ecosystems:
        found.records[ecosystem] += 1
        latest = found.newest.get(ecosystem, record.modified)
        found.newest[ecosystem] = max(latest, record.modified)
    if record.advisory is None:
        return
    if len(found.advisories) == MOST_ABOUT:
        raise AdvisoriesUnreadable(f"more than {MOST_ABOUT} records about the same few components")
    found.advisories.append(record.advisory)


def _alone(path: Path) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as file:
        yield path.name, file.read(LARGEST_RECORD + 1)


def _unpacked(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with ZipFile(path) as archive:
            yield from _packed(archive)
    except _DAMAGED as error:
        raise AdvisoriesUnreadable(f"the ZIP is damaged: {type(error).__name__}") from error


def _packed(archive: ZipFile) -> Iterator[tuple[str, bytes]]:
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    if len(entries) > MOST_RECORDS:
        raise AdvisoriesUnreadable(f"more than {MOST_RECORDS} records in a ZIP")
    total = 0
    for entry in entries:
        if entry.header_offset < 0:
            raise BadZipFile("an entry before the beginning")
        if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
            raise AdvisoriesUnreadable("a ZIP packed otherwise than by deflate")
        with archive.open(entry) as file:
            data = file.read(LARGEST_RECORD + 1)
        total += len(data)
        if total > LARGEST_TOTAL:
            raise AdvisoriesUnreadable(f"more than {LARGEST_TOTAL} bytes in a ZIP")
        yield ascii(entry.filename)[1:-1][:128], data


def _json(data: bytes) -> Any:
    if len(data) > LARGEST_RECORD:
        raise AdvisoriesUnreadable(f"a record of more than {LARGEST_RECORD} bytes")
    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_distinct,
            parse_constant=_no_number,
            parse_int=_nought,
            parse_float=_nought,
        )
    except UnicodeDecodeError as error:
        raise AdvisoriesUnreadable("not UTF-8") from error
    except RecursionError as error:
        raise AdvisoriesUnreadable("nested too deeply") from error
    except json.JSONDecodeError as error:
        raise AdvisoriesUnreadable("not JSON") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise AdvisoriesUnreadable("a name occurs twice")
    return members


def _nought(_text: str) -> int:
    """Stand for any number: nothing here needs one, and long ones are slow to make."""
    return 0


def _no_number(_text: str) -> NoReturn:
    raise AdvisoriesUnreadable("a number that is none")


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise AdvisoriesUnreadable(f"{what} is no object")
    return value


def _list(record: dict[str, Any], name: str) -> list[Any]:
    value = record.get(name)
    if value is None:  # the schema allows null for nothing
        return []
    if not isinstance(value, list):
        raise AdvisoriesUnreadable(f"{name} is no list")
    return value


def _matching(value: Any, name: str, form: re.Pattern[str]) -> str:
    if not isinstance(value, str) or not form.fullmatch(value):
        raise AdvisoriesUnreadable(f"{name} is not as the format has it")
    return value


def _text(record: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    return _matching(record.get(name), name, form)


def _instant(record: dict[str, Any], name: str) -> datetime:
    found = _INSTANT.fullmatch(value) if isinstance(value := record.get(name), str) else None
    if found is None:
        raise AdvisoriesUnreadable(f"{name} is no instant")
    try:
        return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise AdvisoriesUnreadable(f"{name} is no instant") from error


def _package(part: dict[str, Any]) -> tuple[str, str] | None:
    """Return ecosystem (without what follows a colon) and name; None for code of no package."""
    if part.get("package") is None:
        return None
    package = _object(part["package"], "package")
    ecosystem, name = package.get("ecosystem"), package.get("name")
    if not isinstance(ecosystem, str) or not isinstance(name, str):
        raise AdvisoriesUnreadable("a package without ecosystem or name")
    ecosystem = ecosystem.partition(":")[0]
    return ecosystem, canonicalize_name(name) if ecosystem == "PyPI" else name


def _affected(part: dict[str, Any]) -> Affected:
    package = _package(part)
    if package is None:
        raise AdvisoriesUnreadable("package is no object")
    versions = tuple(_matching(each, "versions", _VERSION) for each in _list(part, "versions"))
    ranges = tuple(_range(_object(each, "ranges")) for each in _list(part, "ranges"))
    return Affected(*package, versions, ranges)


def _range(part: dict[str, Any]) -> Range:
    kind = part.get("type")
    if kind not in {"SEMVER", "ECOSYSTEM", "GIT"}:
        raise AdvisoriesUnreadable("a range of another type")
    events = []
    for each in _list(part, "events"):
        event = _object(each, "events")
        if len(event) != 1 or not set(event) <= _EVENTS:
            raise AdvisoriesUnreadable("an event is not of one known type")
        [(name, version)] = event.items()
        events.append((name, _matching(version, name, _VERSION)))
    if not any(name == "introduced" for name, _ in events):
        raise AdvisoriesUnreadable("a range without a beginning")
    return Range(kind, tuple(events))


def _severity(record: dict[str, Any], about: list[dict[str, Any]]) -> str | None:
    """Return the worst that the record says by a word or a vector that can be scored."""
    found = []
    for part in (record, *about):
        for each in _list(part, "severity"):
            told = _object(each, "severity").get("score")
            found.append(severities.of_vector(told) if isinstance(told, str) else None)
        said = part.get("database_specific")
        word = said.get("severity") if isinstance(said, dict) else None
        found.append(severities.of_word(word) if isinstance(word, str) else None)
    return severities.worst(found)
