"""Vectors whose truth lies in the age file: good dispatches, and defects of header and payload."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from keys.age import hybrid
from keys.age.header import Header, Stanza, seal_header
from keys.cards import Card
from keys.package import REROUTING_TYPE
from tests.vectors.forge import (
    FILE_KEY,
    MESSAGE,
    NOW,
    Forgery,
    addressee,
    heading,
    identity,
    label,
    seal,
    split,
    unseal,
)

OPENED = "OPENED"
PARIS: Card = identity("PARIS").card
LOME: Card = identity("LOME").card
MINREX: Card = identity("MINREX").card


@dataclass(frozen=True)
class Case:
    """One vector: who opens it, whom they trust, and what must come of it."""

    name: str
    about: str
    expect: str
    make: Callable[[], bytes]
    opener: str = "PARIS"
    trusted: tuple[str, ...] = ("MINREX",)
    complements: tuple[str, ...] = ("MINREX",)


def cases() -> Iterator[Case]:
    """Every case of this module."""
    yield from _good()
    yield from _headers()
    yield from _stanzas()
    yield from _payloads()


def _good() -> Iterator[Case]:
    yield Case("good-message", "a telegram to one post", OPENED, Forgery([PARIS]).seal)
    attachments = [
        ("message.txt", MESSAGE),
        ("attachments/001-note verbale n° 12.txt", b"Note\n"),
        ("attachments/002-vide", b""),
        ("attachments/003-" + "é" * 42, b"84 bytes of name\n"),
    ]
    yield Case(
        "good-attachments",
        "attachments with French names, one of them empty, one of the longest",
        OPENED,
        Forgery([PARIS], attachments).seal,
    )
    to = [addressee(PARIS, 7, precedence="FLASH"), addressee(LOME, 3), addressee(MINREX, None)]
    for opener in ("PARIS", "LOME", "MINREX"):
        yield Case(
            f"good-three-{opener.lower()}",
            "two posts and the sender's own copy",
            OPENED,
            Forgery([PARIS, LOME, MINREX], to=to).seal,
            opener,
        )
    yield Case(
        "good-empty", "no text at all", OPENED, Forgery([PARIS], [("message.txt", b"")]).seal
    )
    full = heading(
        kind="note-verbale",
        expires=NOW + timedelta(days=30),
        in_reply_to="01JD8ZK3V00000000000000000",
        checkpoint="log.example\n12\nAAAA\n\n— log.example AAAA\n",
        subject="L'ambassade présente ses compliments…",
    )
    yield Case("good-full", "every optional member", OPENED, Forgery([PARIS], heading=full).seal)
    yield Case(
        "good-two-chunks",
        "a payload of two chunks",
        OPENED,
        Forgery([PARIS], [("message.txt", b"Courrier. " * 6600)]).seal,
    )


def _good_envelope() -> bytes:
    return Forgery([PARIS]).seal()


def _replaced(old: bytes, new: bytes) -> Callable[[], bytes]:
    def make() -> bytes:
        envelope = _good_envelope()
        if old not in envelope:
            raise LookupError(old)
        return envelope.replace(old, new, 1)

    return make


def _headers() -> Iterator[Case]:
    yield Case("not-age-empty", "an empty file", "NOT_AGE", lambda: b"")
    yield Case("not-age-text", "a text", "NOT_AGE", lambda: MESSAGE)
    malformed = "HEADER_MALFORMED"
    yield Case(
        "header-version-2",
        "an age file of another version",
        malformed,
        _replaced(b"encryption.org/v1\n", b"encryption.org/v2\n"),
    )
    yield Case(
        "header-crlf",
        "carriage returns",
        malformed,
        _replaced(b" mlkem768x25519", b" mlkem768x25519\r"),
    )
    yield Case("header-cut", "cut in the header", malformed, lambda: _good_envelope()[:500])
    yield Case("header-padding", "a padded MAC", malformed, lambda: _with_mac_suffix(b"="))
    yield Case(
        "header-bomb",
        "601 stanzas",
        "HEADER_TOO_LARGE",
        lambda: seal(b"", [Stanza("x", (), b"")] * 601),
    )
    yield Case(
        "header-label-altered",
        "the label stanza altered by an outsider",
        "HEADER_TAMPERED",
        lambda: _remade(lambda stanzas: [replace(stanzas[0], body=b"{}"), *stanzas[1:]]),
    )
    yield Case(
        "header-stanza-added",
        "a stanza added by an outsider",
        "HEADER_TAMPERED",
        lambda: _remade(lambda stanzas: [*stanzas, hybrid.wrap(FILE_KEY, LOME.recipient)]),
    )


def _with_mac_suffix(suffix: bytes) -> bytes:
    header, payload = split(_good_envelope())
    return header.encode()[:-1] + suffix + b"\n" + payload


def _remade(change: Callable[[list[Stanza]], list[Stanza]]) -> bytes:
    """Other stanzas under the old MAC: what an outsider can do."""
    header, payload = split(_good_envelope())
    return Header(tuple(change(list(header.stanzas))), header.mac).encode() + payload


def _stanzas() -> Iterator[Case]:
    yield Case("not-addressed", "for LOME alone", "NOT_ADDRESSED", Forgery([LOME]).seal)
    yield Case(
        "not-addressed-damaged", "one bit of our stanza's body", "NOT_ADDRESSED", _damaged_stanza
    )

    def inserting(at: int, stanza: Stanza) -> Callable[[], bytes]:
        return Forgery([PARIS], alter_stanzas=lambda stanzas: stanzas.insert(at, stanza)).seal

    mixed = "MIXED_RECIPIENTS"
    share = "TEiF0ypqr+bpvcqXNyCVJpL7OuwPdVwPL7KQEbFDOCc"
    yield Case(
        "mixed-x25519",
        "an X25519 recipient",
        mixed,
        inserting(2, Stanza("X25519", (share,), bytes(32))),
    )
    yield Case(
        "mixed-grease", "a stanza nobody knows", mixed, inserting(2, Stanza("grease", (), b"?"))
    )

    yield from _malformed_hybrids()

    other = label(Forgery([PARIS], heading=heading(subject="Autre")).manifest())
    mismatch = "LABEL_MISMATCH"

    def labelled(change: Callable[[list[Stanza]], None]) -> Callable[[], bytes]:
        return Forgery([PARIS], alter_stanzas=change).seal

    yield Case("label-absent", "no label stanza", mismatch, labelled(lambda s: s.__delitem__(0)))
    yield Case("label-second", "the label behind", mismatch, labelled(lambda s: s.reverse()))
    yield Case("label-twice", "two labels", mismatch, labelled(lambda s: s.insert(0, s[0])))
    yield Case(
        "label-swapped",
        "an insider sets another dispatch's label",
        mismatch,
        labelled(lambda s: s.__setitem__(0, other)),
    )
    yield Case(
        "label-body",
        "an insider raises the routing class",
        mismatch,
        labelled(
            lambda s: s.__setitem__(0, replace(s[0], body=s[0].body.replace(b"ROUTINE", b"FLASH")))
        ),
    )
    stripped = [addressee(PARIS, 1), addressee(LOME, 1)]
    addressees = "ADDRESSEES_MISMATCH"
    yield Case(
        "addressees-stripped",
        "an insider hides an addressee",
        addressees,
        Forgery([PARIS, LOME], to=stripped, alter_stanzas=lambda s: s.__delitem__(2)).seal,
    )
    yield Case(
        "addressees-added",
        "an insider adds a reader",
        addressees,
        inserting(2, hybrid.wrap(FILE_KEY, LOME.recipient)),
    )
    yield Case(
        "addressees-rerouted",
        "a rerouting addendum, which version 1 does not follow",
        addressees,
        inserting(2, Stanza(REROUTING_TYPE, (), b"{}")),
    )
    yield Case("not-intended", "forwarded by an addressee to another", "NOT_INTENDED", _forwarded)


def _malformed_hybrids() -> Iterator[Case]:
    """In LOME's stanza, behind ours: an insider's, so the MAC holds."""

    def with_lome(change: Callable[[Stanza], Stanza]) -> Callable[[], bytes]:
        def alter(stanzas: list[Stanza]) -> None:
            stanzas[2] = change(stanzas[2])

        return Forgery([PARIS, LOME], alter_stanzas=alter).seal

    changes: dict[str, tuple[str, Callable[[Stanza], Stanza]]] = {
        "body": ("a body of 33 bytes", lambda s: replace(s, body=s.body + b"x")),
        "arguments": ("two arguments", lambda s: replace(s, args=(*s.args, "x"))),
        "none": ("no argument", lambda s: replace(s, args=())),
        "short": ("a short share", lambda s: replace(s, args=(s.args[0][:-2],))),
        "base64": ("an argument that is no base64", lambda s: replace(s, args=("?" + s.args[0],))),
    }
    for name, (about, change) in changes.items():
        yield Case(f"hybrid-{name}", about, "HEADER_MALFORMED", with_lome(change))


def _damaged_stanza() -> bytes:
    def flip(stanzas: list[Stanza]) -> list[Stanza]:
        body = bytes([stanzas[1].body[0] ^ 1]) + stanzas[1].body[1:]
        return [stanzas[0], replace(stanzas[1], body=body)]

    return _remade(flip)


def _forwarded() -> bytes:
    header, _, archive = unseal(Forgery([LOME]).seal(), identity("LOME"))
    return seal(archive, [header.stanzas[0], hybrid.wrap(FILE_KEY, PARIS.recipient)])


def _payloads() -> Iterator[Case]:
    damaged = "PAYLOAD_DAMAGED"

    def flipped(at: int) -> Callable[[], bytes]:
        def make() -> bytes:
            envelope = bytearray(_good_envelope())
            envelope[at] ^= 1
            return bytes(envelope)

        return make

    yield Case("payload-flip-last", "one bit of the last tag", damaged, flipped(-1))
    yield Case("payload-flip-text", "one bit of the text", damaged, flipped(-1600))
    yield Case("payload-cut-1", "one byte short", damaged, lambda: _good_envelope()[:-1])
    yield Case("payload-cut-100", "a hundred bytes short", damaged, lambda: _good_envelope()[:-100])
    yield Case("payload-extended", "a byte too many", damaged, lambda: _good_envelope() + b"\0")
    yield Case(
        "payload-none",
        "nothing behind the nonce",
        damaged,
        lambda: _header_only() + bytes(16),
    )
    yield Case(
        "payload-cut-nonce", "cut in the nonce", "HEADER_MALFORMED", lambda: _header_only() + b"\0"
    )
    yield Case(
        "payload-cut-chunk",
        "cut at the end of the first of two chunks",
        damaged,
        _cut_at_chunk,
    )


def _header_only() -> bytes:
    return seal_header(Forgery([PARIS]).stanzas(), FILE_KEY)


def _cut_at_chunk() -> bytes:
    header, payload = split(Forgery([PARIS], [("message.txt", b"Courrier. " * 6600)]).seal())
    return header.encode() + payload[: 16 + 65536 + 16]
