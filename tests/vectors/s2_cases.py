"""Vectors of suite S2: good dispatches, and what a file of two suites, or of half a one, meets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from keys.age import hybrid
from keys.age.header import Stanza, decode_base64, encode_base64
from keys.s2.recipients import S2_TYPE
from keys.signing import CARD, MANIFEST, Signatures
from tests.vectors.envelope_cases import LOME, MINREX, OPENED, PARIS, Case
from tests.vectors.forge import Entry, Forgery, addressee, identity

FILE_KEY = bytes(range(32))


def s2(**changes: Any) -> Forgery:
    """A dispatch of suite S2 to PARIS."""
    return replace(Forgery([PARIS], suite="S2", file_key=FILE_KEY), **changes)


def cases() -> Iterator[Case]:
    """Every case of this module."""
    yield Case("s2-good", "a telegram to one post", OPENED, s2().seal)
    three = [addressee(PARIS), addressee(LOME, 2), addressee(MINREX, None)]
    to_three = s2(recipients=[PARIS, LOME, MINREX], to=three)
    for post in ("PARIS", "LOME", "MINREX"):
        yield Case(
            f"s2-good-{post.lower()}", "to two posts and itself", OPENED, to_three.seal, post
        )
    long = [("message.txt", bytes(range(256)) * 700)]
    yield Case("s2-good-chunks", "three chunks", OPENED, s2(contents=long).seal)
    yield Case("s2-not-addressed", "for another post", "NOT_ADDRESSED", s2().seal, "LOME")
    yield Case(
        "s2-no-complement",
        "a sender of whom only the card is here",
        "UNKNOWN_SENDER",
        s2().seal,
        complements=(),
    )
    yield from _suites()
    yield from _stanzas()
    yield from _signatures()
    yield from _bytes()


def _suites() -> Iterator[Case]:
    below = "SUITE_BELOW_FLOOR"
    said = s2(alter=lambda members: members.update(suite="S1"))
    yield Case("s2-says-s1", "wrapped as S2 does, a manifest of S1", below, said.seal)

    def besides(stanzas: list[Stanza]) -> None:
        stanzas.append(hybrid.wrap(bytes(16), LOME.recipient))

    mixed = s2(alter_stanzas=besides).seal
    yield Case("s2-mixed", "a stanza of S1 beside one of S2", "MIXED_RECIPIENTS", mixed)


def _stanzas() -> Iterator[Case]:
    def short(stanza: Stanza) -> Stanza:
        enc = encode_base64(decode_base64(stanza.args[0])[:-1]).decode()
        return Stanza(S2_TYPE, (enc,), stanza.body)

    def off_the_curve(stanza: Stanza) -> Stanza:
        enc = decode_base64(stanza.args[0])
        point = b"\x04" + bytes(95) + b"\x01"
        return Stanza(S2_TYPE, (encode_base64(enc[:1568] + point).decode(),), stanza.body)

    changes: dict[str, tuple[str, str, Callable[[Stanza], Stanza]]] = {
        "short": ("a point cut short", "HEADER_MALFORMED", short),
        "body": ("a short body", "HEADER_MALFORMED", lambda s: replace(s, body=s.body[:-1])),
        "arguments": ("two", "HEADER_MALFORMED", lambda s: replace(s, args=s.args * 2)),
        "point": ("a point on no curve", "NOT_ADDRESSED", off_the_curve),
        "base64": ("stray bits", "HEADER_MALFORMED", lambda s: replace(s, args=(s.args[0] + "=",))),
    }
    for name, (about, expect, change) in changes.items():

        def alter(stanzas: list[Stanza], change: Callable[[Stanza], Stanza] = change) -> None:
            stanzas[1] = change(stanzas[1])

        yield Case(f"s2-stanza-{name}", about, expect, s2(alter_stanzas=alter).seal)


def _signatures() -> Iterator[Case]:
    signer = identity("MINREX").signing_key

    def without(entries: list[Entry]) -> None:
        del entries[3]

    missing = s2(alter_entries=without).seal
    yield Case("s2-mldsa87-missing", "two signatures alone", "SIGNATURE_MISSING", missing)

    def other(data: bytes) -> Signatures:
        good = signer.sign_thrice(MANIFEST, data)
        return replace(good, mldsa87=signer.sign_thrice(CARD, data).mldsa87)

    false = s2(sign=other).seal
    yield Case("s2-mldsa87-context", "made for a card", "SIGNATURE_INVALID", false)

    def short(data: bytes) -> Signatures:
        good = signer.sign_thrice(MANIFEST, data)
        return replace(good, mldsa87=good.mldsa87[:-1])

    yield Case("s2-mldsa87-short", "cut short", "SIGNATURE_INVALID", s2(sign=short).seal)

    def both(data: bytes) -> Signatures:
        good = signer.sign_thrice(MANIFEST, data)
        return replace(good, mldsa65=identity("ROGUE").signing_key.sign(MANIFEST, data).mldsa65)

    yield Case(
        "s2-mldsa65", "the older signature is another's", "SIGNATURE_INVALID", s2(sign=both).seal
    )


def _bytes() -> Iterator[Case]:
    def flipped(at: int) -> Callable[[], bytes]:
        def make() -> bytes:
            data = bytearray(s2().seal())
            data[at] ^= 1
            return bytes(data)

        return make

    yield Case("s2-flipped", "a bit of the payload", "PAYLOAD_DAMAGED", flipped(-30))
    yield Case("s2-cut", "the payload ends early", "PAYLOAD_DAMAGED", lambda: s2().seal()[:-1])

    def remade() -> bytes:
        data = s2().seal()
        return data[: data.index(b"--- ")] + _other_mac(data)

    yield Case("s2-mac", "another MAC", "HEADER_TAMPERED", remade)


def _other_mac(data: bytes) -> bytes:
    rest = bytearray(data[data.index(b"--- ") :])
    rest[4] = ord("A") if rest[4] != ord("A") else ord("B")
    return bytes(rest)
