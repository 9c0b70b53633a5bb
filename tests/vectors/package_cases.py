"""Vectors whose truth lies inside: the archive, the manifest, signatures and parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

from keys.signing import CARD, MANIFEST, Signatures
from keys.ustar import BLOCK_BYTES, END, entry_header
from tests.vectors.envelope_cases import LOME, PARIS, Case
from tests.vectors.forge import MESSAGE, YEAR, Entry, Forgery, Members, addressee, heading, identity


def cases() -> Iterator[Case]:
    """Every case of this module."""
    yield from _archives()
    yield from _entries_out_of_place()
    yield from _manifests()
    yield from _shapes()
    yield from _signatures()
    yield from _signers()
    yield from _parts()


def with_field(header: bytes, at: int, field: bytes) -> bytes:
    """A ustar header with other bytes at an offset, its checksum made right again."""
    changed = bytearray(header)
    changed[at : at + len(field)] = field
    changed[148:156] = b" " * 8
    changed[148:156] = b"%06o\0 " % sum(changed)
    return bytes(changed)


def _entries(change: Callable[[list[Entry]], None]) -> Callable[[], bytes]:
    return Forgery([PARIS], alter_entries=change).seal


def _field(at: int, field: bytes) -> Callable[[], bytes]:
    """The message's header with one field changed."""

    def change(entries: list[Entry]) -> None:
        entries[4].header = with_field(entry_header("message.txt", len(MESSAGE)), at, field)

    return _entries(change)


def _archives() -> Iterator[Case]:
    malformed = "PACKAGE_MALFORMED"
    fields = {
        "mode": (100, b"0000755\0", "an executable file"),
        "owner": (108, b"0001750\0", "an owner"),
        "time": (136, b"00000000001\0", "a time"),
        "link": (156, b"2", "a symbolic link"),
        "hard-link": (156, b"1", "a hard link"),
        "directory": (156, b"5", "a directory"),
        "sparse": (156, b"S", "a GNU sparse file"),
        "pax": (156, b"x", "a pax header"),
        "long-name": (156, b"L", "a GNU long name"),
        "old-type": (156, b"\0", "the older mark of a regular file"),
        "link-name": (157, b"/etc/passwd", "a link's target on a regular file"),
        "gnu-magic": (257, b"ustar  \0", "the magic of GNU tar"),
        "prefix": (345, b"..", "a prefix"),
        "size-base-256": (124, b"\x80" + bytes(10) + bytes([len(MESSAGE)]), "a size in base 256"),
        "size-spaces": (124, b"%10o \0" % len(MESSAGE), "a size padded with spaces"),
        "name-bytes": (0, b"\xff\xfe", "a name that is not UTF-8"),
        "name-hidden": (40, b"x", "bytes behind the end of the name"),
    }
    for name, (at, field, about) in fields.items():
        yield Case(f"tar-{name}", about, malformed, _field(at, field))

    def wrong_checksum(entries: list[Entry]) -> None:
        header = entry_header("message.txt", len(MESSAGE))
        entries[4].header = header[:148] + b"000000\0 " + header[156:]

    yield Case("tar-checksum", "a wrong checksum", malformed, _entries(wrong_checksum))

    def pad(entries: list[Entry]) -> None:
        entries[4].padding = b"\1" + bytes(-len(MESSAGE) % BLOCK_BYTES - 1)

    yield Case("tar-padding", "padding that says something", malformed, _entries(pad))
    yield Case("tar-no-end", "no end", malformed, Forgery([PARIS], end=b"").seal)
    yield Case("tar-short-end", "one zero block", malformed, Forgery([PARIS], end=END[:512]).seal)
    yield Case(
        "tar-long-end", "three zero blocks", malformed, Forgery([PARIS], end=bytes(1536)).seal
    )

    def record_padding(archive: bytes) -> bytes:
        return archive + bytes(-len(archive) % 10240)

    yield Case(
        "tar-record",
        "padded to 10,240",
        malformed,
        Forgery([PARIS], alter_archive=record_padding).seal,
    )


def _entries_out_of_place() -> Iterator[Case]:
    malformed = "PACKAGE_MALFORMED"
    yield Case(
        "tar-extra-entry",
        "a file that the manifest does not know",
        malformed,
        _entries(lambda entries: entries.append(Entry("attachments/001-x", b"x"))),
    )
    yield Case(
        "tar-duplicate",
        "the message twice",
        malformed,
        _entries(lambda entries: entries.append(entries[4])),
    )
    yield Case(
        "tar-message-missing",
        "no message",
        malformed,
        _entries(lambda entries: entries.__delitem__(4)),
    )
    yield Case(
        "tar-sums-missing",
        "no SHA256SUMS",
        malformed,
        _entries(lambda entries: entries.__delitem__(3)),
    )
    yield Case(
        "tar-manifest-late",
        "the manifest is not first",
        malformed,
        _entries(lambda entries: entries.insert(0, entries.pop(4))),
    )
    yield Case(
        "tar-manifest-huge",
        "a manifest that claims more than 256 KiB",
        malformed,
        _entries(lambda entries: _claim(entries[0], 256 * 1024 + 1)),
    )
    yield Case(
        "tar-empty", "an empty archive", malformed, Forgery([PARIS], alter_archive=_none).seal
    )


def _claim(entry: Entry, size: int) -> None:
    entry.header = entry_header(entry.name, size)


def _none(_archive: bytes) -> bytes:
    return b""


def _altered(change: Callable[[Members], object]) -> Callable[[], bytes]:
    def alter(members: Members) -> None:
        change(members)

    return Forgery([PARIS], alter=alter).seal


def _rewritten(change: Callable[[bytes], bytes]) -> Callable[[], bytes]:
    return Forgery([PARIS], alter_bytes=change).seal


def _manifests() -> Iterator[Case]:
    malformed = "MANIFEST_MALFORMED"
    texts: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
        "newline": ("a final newline", lambda data: data + b"\n"),
        "mark": ("a byte order mark", lambda data: b"\xef\xbb\xbf" + data),
        "duplicate": ("a member twice", lambda data: data.replace(b'"v":1', b'"v":1,"v":1')),
        "order": (
            "members out of order",
            lambda data: b'{"v":1,' + data[1:].replace(b',"v":1', b""),
        ),
        "float": ("1.0 for 1", lambda data: data.replace(b'"v":1', b'"v":1.0')),
        "escape": ("an escape without need", lambda data: data.replace(b"SECRET", b"\\u0053ECRET")),
        "utf-8": ("bytes that are no UTF-8", lambda data: data.replace(b"SECRET", b"SECRE\xc3")),
        "surrogate": ("half a surrogate pair", lambda data: data.replace(b"Visa", b"\\ud800isa")),
        "nul": ("U+0000", lambda data: data.replace(b"Visa", b"\\u0000isa")),
        "array": ("an array", lambda _: b"[]"),
        "deep": ("seventeen levels", lambda _: b"[" * 17 + b"]" * 17),
        "bomb": ("five thousand levels", lambda _: b"[" * 5000),
        "huge-integer": (
            "2^53",
            lambda data: data.replace(b'"number":1', b'"number":9007199254740992'),
        ),
        "empty": ("nothing", lambda _: b""),
        "v2": ("another version", lambda data: data.replace(b'"v":1', b'"v":2')),
        "v-true": ("true for 1", lambda data: data.replace(b'"v":1', b'"v":true')),
    }
    for name, (about, change) in texts.items():
        yield Case(f"manifest-{name}", about, malformed, _rewritten(change))
    for suite in ("S0", "S2"):
        yield Case(
            f"suite-{suite.lower()}",
            "a suite that version 1 does not accept",
            "SUITE_BELOW_FLOOR",
            _altered(partial(_set_suite, suite)),
        )


def _shapes() -> Iterator[Case]:
    malformed = "MANIFEST_MALFORMED"
    changes: dict[str, tuple[str, Callable[[Members], object]]] = {
        "unknown": ("a member that version 1 has not", lambda m: m.update(extra=None)),
        "no-salt": ("no salt", lambda m: m.pop("salt")),
        "salt": ("a short salt", lambda m: m.update(salt="AAAA")),
        "salt-bits": ("stray bits in the salt", lambda m: m.update(salt="A" * 42 + "B=")),
        "id": ("an id with a U", lambda m: m.update(id="U" * 26)),
        "kind": ("an unknown kind", lambda m: m.update(kind="letter")),
        "time": ("a time with a fraction", lambda m: m.update(created="2026-11-22T12:28:59.0Z")),
        "no-such-time": ("the 31st of November", lambda m: m.update(dtg="2026-11-31T12:00:00Z")),
        "expired": (
            "expires before it is made",
            lambda m: m.update(expires="2020-01-01T00:00:00Z"),
        ),
        "subject": ("a subject of two lines", lambda m: m.update(subject="Visa\nRefusé")),
        "references": ("the same reference twice", lambda m: m.update(references=["A", "A"])),
        "level": ("a level in lower case", lambda m: m["label"].update(level="secret")),
        "review": ("a review date with a time", lambda m: m["label"].update(review="2036-11-22T")),
        "post": ("a post's code in lower case", lambda m: m["sender"].update(post="minrex")),
        "nobody": ("no addressee", lambda m: m.update(to=[])),
        "key": ("an unknown sort of key", lambda m: m["to"][0].update(key="archive")),
        "number": ("number 0", lambda m: m["to"][0]["series"].update(number=0)),
        "number-text": ("a number as text", lambda m: m["to"][0]["series"].update(number="1")),
        "no-number": ("no number for an addressee", lambda m: m["to"][0].update(series=None)),
        "copy": ("a copy with a number", lambda m: m["to"][0].update(role="copy")),
        "copy-abroad": ("another's copy", lambda m: m["to"][0].update(role="copy", series=None)),
        "twice": ("an addressee twice", lambda m: m["to"].append(m["to"][0])),
        "no-parts": ("no parts", lambda m: m.update(parts=[])),
        "size": ("a negative size", lambda m: m["parts"][0].update(size=-1)),
        "hash": ("a hash in upper case", lambda m: m["parts"][0].update(sha256="A" * 64)),
        "type": ("a media type with a parameter", lambda m: m["parts"][0].update(type="a/b;c=d")),
    }
    for name, (about, change) in changes.items():
        yield Case(f"shape-{name}", about, malformed, _altered(change))
    names = {
        "absolute": "/etc/passwd",
        "parent": "attachments/001-../../x",
        "dots": "attachments/001-..",
        "backslash": "attachments/001-..\\x",
        "number": "attachments/002-x",
        "control": "attachments/001-a\x1bb",
        "newline": "attachments/001-a\nb",
        "direction": "attachments/001-gpj\u202eexe.",
        "decomposed": "attachments/001-e\u0301",
        "long": "attachments/001-" + "x" * 85,
        "no-number": "attachments/x",
        "empty": "attachments/001-",
        "message-twice": "message.txt",
        "space": "attachments/001-x ",
    }
    for name, part in names.items():
        contents = [("message.txt", MESSAGE), ("attachments/001-x", b"x")]

        def rename(members: Members, part: str = part) -> None:
            members["parts"][1]["name"] = part

        yield Case(
            f"name-{name}",
            f"a part named {json.dumps(part[:40])}",
            malformed,
            Forgery([PARIS], contents, alter=rename).seal,
        )


def _signatures() -> Iterator[Case]:
    missing, invalid = "SIGNATURE_MISSING", "SIGNATURE_INVALID"
    for at, half in ((1, "ed25519"), (2, "mldsa65")):
        yield Case(
            f"signature-no-{half}",
            f"{half} stripped",
            missing,
            _entries(partial(_drop, at)),
        )
        yield Case(
            f"signature-flip-{half}",
            f"one bit of {half}",
            invalid,
            _entries(partial(_flip, at)),
        )
        yield Case(
            f"signature-short-{half}",
            f"{half} one byte short",
            invalid,
            _entries(partial(_shorten, at)),
        )


def _signers() -> Iterator[Case]:
    invalid = "SIGNATURE_INVALID"
    minrex, rogue = identity("MINREX"), identity("ROGUE")
    yield Case(
        "signature-context",
        "signatures made for a card",
        invalid,
        Forgery([PARIS], sign=lambda data: minrex.sign(CARD, data)).seal,
    )
    yield Case(
        "signature-forged",
        "signed by another who names MINREX",
        invalid,
        Forgery([PARIS], sign=lambda data: rogue.sign(MANIFEST, data)).seal,
    )
    yield Case(
        "signature-half",
        "Ed25519 of MINREX, ML-DSA-65 of another",
        invalid,
        Forgery(
            [PARIS],
            sign=lambda data: Signatures(
                minrex.sign(MANIFEST, data).ed25519, rogue.sign(MANIFEST, data).mldsa65
            ),
        ).seal,
    )
    yield Case(
        "signature-of-other",
        "signatures of another manifest",
        invalid,
        Forgery([PARIS], sign=lambda data: minrex.sign(MANIFEST, data + b" ")).seal,
    )
    yield Case(
        "sender-unknown",
        "a sender without a card",
        "UNKNOWN_SENDER",
        Forgery([PARIS], signer=rogue).seal,
    )
    yield Case(
        "sender-post",
        "the right fingerprint under another post",
        "UNKNOWN_SENDER",
        _altered(lambda members: members["sender"].update(post="LOME")),
    )
    late = heading(created=YEAR[1] + timedelta(seconds=1))
    yield Case(
        "sender-late",
        "signed when the card had ended",
        "CARD_NOT_IN_FORCE",
        Forgery([PARIS], heading=late).seal,
    )
    yield Case(
        "not-intended-to",
        "enciphered to PARIS, naming LOME",
        "NOT_INTENDED",
        Forgery([PARIS], to=[addressee(LOME)]).seal,
    )


def _set_suite(suite: str, members: Members) -> None:
    members["suite"] = suite


def _drop(at: int, entries: list[Entry]) -> None:
    del entries[at]


def _flip(at: int, entries: list[Entry]) -> None:
    entries[at].data = bytes([entries[at].data[0] ^ 1]) + entries[at].data[1:]


def _shorten(at: int, entries: list[Entry]) -> None:
    entries[at].data = entries[at].data[:-1]


def _parts() -> Iterator[Case]:
    mismatch = "PART_MISMATCH"

    def replaced(at: int, data: bytes) -> Callable[[], bytes]:
        return _entries(lambda entries: entries.__setitem__(at, Entry(entries[at].name, data)))

    yield Case(
        "part-text", "another text of the same length", mismatch, replaced(4, MESSAGE.swapcase())
    )
    yield Case("part-size", "a shorter text", mismatch, replaced(4, MESSAGE[:-1]))
    yield Case(
        "part-sums", "another SHA256SUMS", mismatch, replaced(3, b"0" * 64 + b"  message.txt\n")
    )
    yield Case("part-sums-length", "an empty SHA256SUMS", mismatch, replaced(3, b""))
    yield Case(
        "part-name",
        "the message under another name",
        mismatch,
        _entries(lambda entries: entries.__setitem__(4, Entry("message.exe", MESSAGE))),
    )
    yield Case(
        "part-parent",
        "the message under ../message.txt",
        mismatch,
        _entries(lambda entries: entries.__setitem__(4, Entry("../message.txt", MESSAGE))),
    )
    two = [("message.txt", MESSAGE), ("attachments/001-a", b"a"), ("attachments/002-b", b"b")]
    yield Case(
        "part-order",
        "attachments exchanged",
        mismatch,
        Forgery([PARIS], two, alter_entries=lambda entries: entries.insert(5, entries.pop())).seal,
    )
