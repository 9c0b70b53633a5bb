"""The cases of the seal's vectors: one defect each, and the verdict that it must meet."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import cbor2

from keys import canonical
from keys.cose import Sign1, encode_cbor, sign1
from keys.merkle import inclusion_path, leaf_hash, root
from pouch.digits import AZERTY, CALIBRATION, decode_digits, encode_digits
from pouch.drill import make_drill
from pouch.manifest import Manifest
from pouch.pack import Arrival, RectifiedTo, make_pack
from pouch.seal import LogProof, kid_of
from pouch.sealed import SealedManifest, seal_manifest
from tests.support.valise import CLOSED, SEALS, announced, item, manifest, pack, waybill
from tests.vectors.forge import identity

SEALER, WITNESS, ROOT, ROGUE = map(identity, ("YAOUNDE", "DOUALA", "MINREX", "ROGUE"))
NOW = CLOSED + timedelta(days=1)
WHOLE = manifest()
RECALLED = frozenset({WHOLE.seal})
BARE, GENUINE, DAMAGED = (
    "SEAL_GENUINE_BAG_UNCHECKED",
    "SEAL_GENUINE_MANIFEST_MATCHES",
    "SEAL_DAMAGED",
)


@dataclass(frozen=True)
class Case:
    """One vector.

    Attributes:
        name: of its files.
        about: what is special about it.
        expect: name of the verdict.
        text: what a scanner gives.
        sealed: the sealed manifest at hand, if any; made only where the file is missing.
        pack: likewise the sync pack.
        seals: numbers read on the bag, if anybody looked.
        weight: of the bag in grams, if anybody weighed it.
        at: the time of the verdict.
    """

    name: str
    about: str
    expect: str
    text: str
    sealed: Callable[[], bytes] | None = None
    pack: Callable[[], bytes] | None = None
    seals: tuple[str, ...] | None = None
    weight: int | None = None
    at: datetime = NOW


def cases() -> Iterator[Case]:
    """Every case."""
    yield from _good()
    yield from _texts()
    yield from _messages()
    yield from _signatures()
    yield from _claims()
    yield from _keys()
    yield from _times_and_packs()
    yield from _manifests()
    yield from _bags()
    yield from _weights()


def _weights() -> Iterator[Case]:
    """A weight is held against the one that is right, as far as a pack in its time tells it."""
    right = RectifiedTo(1, "a5" * 32, 9_450)
    put_right = (announced(WHOLE, rectified=right),)
    announced_as, off = "SEAL_GENUINE_BAG_ANNOUNCED", "WEIGHT_OFF"
    for name, about, expect, weight, change in (
        ("sealed", "the weight of the label", announced_as, 8_450, {}),
        ("off", "a kilogram more", off, 9_450, {}),
        ("put-right", "which its origin put right", announced_as, 9_450, {"announced": put_right}),
        ("put-right-off", "the label's, put right since", off, 8_450, {"announced": put_right}),
        (
            "put-right-late",
            "a pack past its end puts nothing right",
            off,
            9_450,
            {"announced": put_right, "expires": NOW},
        ),
    ):
        made = partial(_pack, **change)
        yield Case(f"weight-{name}", about, expect, TEXT, pack=made, weight=weight)


def _seal(whole: Manifest = WHOLE, *, alone: bool = False) -> SealedManifest:
    return seal_manifest(whole, sealer=SEALER, witness=None if alone else WITNESS)


GOOD = _seal()
TEXT = GOOD.seal.text
MESSAGE = GOOD.seal.message


def _good() -> Iterator[Case]:
    yield Case("good", "a usual seal", BARE, TEXT)
    yield Case("good-alone", "one person closed the bag", BARE, _seal(alone=True).seal.text)
    typed = TEXT.translate(str.maketrans(CALIBRATION, AZERTY))
    yield Case("good-azerty", "typed by a scanner on a French keyboard", BARE, typed + "\r\n")
    czech = TEXT.translate(str.maketrans(CALIBRATION, "é+ěščřžýáí"))
    yield Case("good-czech", "typed on a Czech keyboard, Enter first", BARE, "\n" + czech)
    many = manifest(seals=tuple(f"MX-{number:017d}" for number in range(8)))
    yield Case("good-eight-seals", "eight long seal numbers", BARE, _seal(many).seal.text)
    leaves = [leaf_hash(bytes([n])) for n in range(4)] + [leaf_hash(MESSAGE.encode())]
    proved = replace(GOOD.seal, proof=LogProof(4, 5, inclusion_path(4, leaves)))
    yield Case("good-proof", "with its place in the log", BARE, proved.text)
    yield Case(
        "good-logged",
        "its place in the log leads to the pack's root",
        "SEAL_GENUINE_BAG_ANNOUNCED",
        proved.text,
        pack=lambda: _pack(roots={5: root(leaves)}),
    )
    yield Case("good-manifest", "with its manifest", GENUINE, TEXT, sealed=GOOD.to_bytes)
    seen = "SEAL_GENUINE_BAG_CHECKED"
    yield Case("good-checked", "the seals were read on the bag", seen, TEXT, seals=SEALS)
    yield Case(
        "good-announced", "announced in a pack", "SEAL_GENUINE_BAG_ANNOUNCED", TEXT, pack=_pack
    )


def _texts() -> Iterator[Case]:
    body = TEXT[10:]
    for name, about, text in (
        ("empty", "nothing", ""),
        ("words", "a web address", "https://example.org/seal"),
        ("calibration-short", "nine signs", TEXT[:9]),
        ("calibration-repeated", "a sign stands for two digits", "0123456788" + body),
        ("calibration-alone", "no seal behind it", CALIBRATION),
        ("digit-missing", "the last digit is gone", TEXT[:-1]),
        ("digit-extra", "one digit too many", TEXT + "0"),
        ("group-missing", "a whole group is gone", TEXT[:27] + TEXT[44:]),
        ("group-large", "a group above what 7 bytes hold", CALIBRATION + "9" * 17 + body[17:]),
        ("sign-foreign", "a sign that the calibration has not", TEXT[:40] + "x" + TEXT[41:]),
        ("sign-space", "a space amid the digits", TEXT[:40] + " " + TEXT[41:]),
        ("long", "longer than any symbol", CALIBRATION + "0" * 4096),
    ):
        yield Case(f"text-{name}", about, DAMAGED, text)


def _messages() -> Iterator[Case]:
    protected = encode_cbor({1: -8, 4: kid_of(SEALER.card)})
    payload, signature = MESSAGE.payload, MESSAGE.signature
    parts: list[Any] = [protected, {}, payload, signature]
    for name, about, data in (
        ("tagged", "the COSE tag 18", cbor2.dumps(cbor2.CBORTag(18, parts))),
        ("indefinite", "an array without length", b"\x9f" + encode_cbor(parts)[1:] + b"\xff"),
        (
            "long-integer",
            "a length in a longer form",
            encode_cbor(parts).replace(b"\x4d", b"\x58\x0d", 1),
        ),
        ("trailing", "one byte more", encode_cbor(parts) + b"\x00"),
        ("three-parts", "no signature", encode_cbor(parts[:3])),
        (
            "unprotected",
            "a kid in the unprotected map",
            encode_cbor([protected, {4: b"x"}, *parts[2:]]),
        ),
        (
            "algorithm",
            "ES256 in the header",
            encode_cbor([encode_cbor({1: -7, 4: kid_of(SEALER.card)}), *parts[1:]]),
        ),
        (
            "algorithm-new",
            "Ed25519 as -19",
            encode_cbor([encode_cbor({1: -19, 4: kid_of(SEALER.card)}), *parts[1:]]),
        ),
        (
            "kid-long",
            "a kid of 16 bytes",
            encode_cbor([encode_cbor({1: -8, 4: bytes(16)}), *parts[1:]]),
        ),
        ("kid-none", "no kid", encode_cbor([encode_cbor({1: -8}), *parts[1:]])),
        (
            "header-more",
            "a header too many",
            encode_cbor([encode_cbor({1: -8, 2: [1], 4: kid_of(SEALER.card)}), *parts[1:]]),
        ),
        ("signature-short", "63 bytes of signature", encode_cbor([*parts[:3], signature[:63]])),
        ("detached", "the claims are elsewhere", encode_cbor([protected, {}, None, signature])),
        ("proof-outside", "a proof beyond its tree", encode_cbor([MESSAGE.encode(), 5, 5, b""])),
        ("proof-torn", "half a hash in the path", encode_cbor([MESSAGE.encode(), 0, 2, bytes(16)])),
    ):
        yield Case(f"message-{name}", about, DAMAGED, encode_digits(data))


def _signatures() -> Iterator[Case]:
    flipped = bytearray(decode_digits(TEXT))
    flipped[-1] ^= 1
    yield Case(
        "signature-flip", "one bit of the signature", "SEAL_EDITED", encode_digits(bytes(flipped))
    )
    forged = replace(GOOD.seal.claims, seals=("MX-00000000",)).encode()
    yield Case(
        "claims-edited",
        "other seal numbers",
        "SEAL_EDITED",
        _text(replace(MESSAGE, payload=forged)),
    )


def _claims() -> Iterator[Case]:
    """Claims that no bag can have, signed by the right key all the same."""
    listed = list(cbor2.loads(MESSAGE.payload)[-65537])
    for name, about, label, value in (
        ("more", "a member too many", 2, "subject"),
        ("issuer", "no code of a post", 1, "yaounde"),
        ("float", "a time with a fraction", 6, CLOSED.timestamp() + 0.5),
        ("long-lived", "46 days", 4, int(CLOSED.timestamp()) + 46 * 86_400),
        ("ends-first", "ends as it begins", 4, int(CLOSED.timestamp())),
        ("identifier", "15 bytes", 7, bytes(15)),
        ("version", "version 2", -65537, [2, *listed[1:]]),
        ("true", "true for 1", -65537, [True, *listed[1:]]),
        ("bag", "a number of 23 digits", -65537, [1, b"\xff" * 10, *listed[2:]]),
        ("ordinal", "bag 3 of 2", -65537, [*listed[:2], 3, *listed[3:]]),
        ("no-seals", "no physical seal", -65537, [*listed[:5], [], *listed[6:]]),
        ("class", "an unknown class", -65537, [*listed[:6], 6, *listed[7:]]),
        ("mode", "an unknown mode", -65537, [*listed[:7], 5, *listed[8:]]),
        ("empty-bag", "no items", -65537, [*listed[:8], 0, *listed[9:]]),
        ("digest", "31 bytes", -65537, [*listed[:10], bytes(31), listed[11]]),
        ("witness", "7 bytes", -65537, [*listed[:11], bytes(7)]),
        ("thirteen", "thirteen members", -65537, [*listed, 0]),
    ):
        payload = encode_cbor({**cbor2.loads(MESSAGE.payload), label: value})
        message = sign1(payload, kid=kid_of(SEALER.card), sign=SEALER.sign_cose)
        yield Case(f"claims-{name}", about, DAMAGED, _text(message))


def _keys() -> Iterator[Case]:
    theirs = seal_manifest(manifest(waybill=waybill(origin="ROGUE")), sealer=ROGUE)
    yield Case("key-foreign", "another ministry's key", "KEY_UNKNOWN", theirs.seal.text)
    drill = make_drill("un mot pour les vecteurs", bags=1, defects=0, at=CLOSED)
    exercise = drill.stations[0].text
    yield Case("key-exercise", "the label of an exercise", "KEY_UNKNOWN", exercise, pack=_pack)
    borrowed = sign1(MESSAGE.payload, kid=kid_of(WITNESS.card), sign=WITNESS.sign_cose)
    yield Case("key-issuer", "a trusted key for another post", "ISSUER_FALSE", _text(borrowed))
    claimed = sign1(MESSAGE.payload, kid=kid_of(SEALER.card), sign=ROGUE.sign_cose)
    yield Case("key-claimed", "a foreign key under our kid", "SEAL_EDITED", _text(claimed))
    revoked = frozenset({SEALER.card.fingerprint})
    yield Case(
        "key-revoked",
        "the pack revokes the card",
        "KEY_REVOKED",
        TEXT,
        pack=lambda: _pack(revoked_cards=revoked),
    )


def _times_and_packs() -> Iterator[Case]:
    yield Case("time-expired", "30 days later", "SEAL_EXPIRED", TEXT, at=WHOLE.expires)
    early = CLOSED - timedelta(hours=24)
    yield Case("time-early", "a clock off by a day", "SEAL_NOT_YET_VALID", TEXT, at=early)
    for name, about, expect, change in (
        (
            "revoked",
            "the closing is revoked",
            "SEAL_REVOKED",
            {"revoked_seals": frozenset({WHOLE.seal})},
        ),
        (
            "clone",
            "received before",
            "CLONE_SUSPECTED",
            {"arrivals": (Arrival(WHOLE.seal, "LOME", CLOSED),)},
        ),
        ("unannounced", "announces nothing", "BAG_UNANNOUNCED", {"announced": ()}),
        (
            "differs",
            "announces other seals",
            "ANNOUNCEMENT_DIFFERS",
            {"announced": (announced(WHOLE, seals=SEALS[:1]),)},
        ),
        ("expired", "past its end", BARE, {"announced": (), "expires": NOW}),
        ("recalled", "its origin wants the bag back", "BAG_RECALLED", {"recalled": RECALLED}),
        (
            "recalled-late",
            "a recall outlives the pack that told it",
            "BAG_RECALLED",
            {"announced": (), "expires": NOW, "recalled": RECALLED},
        ),
        (
            "recalled-lost",
            "recalled, and revoked since",
            "SEAL_REVOKED",
            {"recalled": RECALLED, "revoked_seals": RECALLED},
        ),
        (
            "term",
            "announces the seal's own end",
            "SEAL_GENUINE_BAG_ANNOUNCED",
            {"announced": (announced(WHOLE, expires=WHOLE.expires),)},
        ),
        (
            "term-differs",
            "announces another end of the seal",
            "ANNOUNCEMENT_DIFFERS",
            {"announced": (announced(WHOLE, expires=WHOLE.expires - timedelta(days=1)),)},
        ),
    ):
        yield Case(f"pack-{name}", about, expect, TEXT, pack=_packer(change))
    ended = WHOLE.expires + timedelta(minutes=2)
    yield Case(
        "pack-clock-behind",
        "a clock that is behind the pack's issue, which is past the seal's end",
        "SEAL_EXPIRED",
        TEXT,
        pack=_packer({"issued": ended, "expires": ended + timedelta(days=7)}),
        at=WHOLE.expires - timedelta(minutes=2),
    )
    yield Case(
        "pack-recalled-swapped",
        "recalled, and other seals on the bag",
        "SEAL_NUMBERS_WRONG",
        TEXT,
        pack=_packer({"recalled": RECALLED}),
        seals=SEALS[:1],
    )


def _manifests() -> Iterator[Case]:
    for name, about, expect, make in (
        (
            "item-added",
            "an item added after sealing",
            "MANIFEST_DIFFERS",
            lambda: _items(*WHOLE.items, item(11)),
        ),
        ("item-removed", "an item removed", "MANIFEST_DIFFERS", lambda: _items(*WHOLE.items[:-1])),
        (
            "item-changed",
            "an addressee changed",
            "MANIFEST_DIFFERS",
            lambda: _items(*WHOLE.items[:-1], item(10, addressee="Un autre")),
        ),
        (
            "salt",
            "a salt changed",
            "MANIFEST_DIFFERS",
            lambda: _items(*WHOLE.items[:-1], item(10, salt=bytes(32))),
        ),
        (
            "other-bag",
            "of another closing",
            "MANIFEST_DIFFERS",
            _seal(manifest(seal="ab" * 16)).to_bytes,
        ),
        ("sealer", "the sealer's ML-DSA-65 is zero", "SEALER_INVALID", lambda: _broken("sealer")),
        (
            "witness",
            "the witness's ML-DSA-65 is zero",
            "WITNESS_INVALID",
            lambda: _broken("witness"),
        ),
        (
            "no-witness",
            "the witness did not sign",
            "WITNESS_INVALID",
            replace(GOOD, witness=None).to_bytes,
        ),
    ):
        yield Case(f"manifest-{name}", about, expect, TEXT, sealed=make)


def _bags() -> Iterator[Case]:
    for name, about, expect, seals in (
        ("swapped", "another bag's seals", "SEAL_NUMBERS_WRONG", ("MX-90817263", "PL7712093")),
        ("one", "only one of two seals", "SEAL_NUMBERS_WRONG", SEALS[:1]),
        ("near", "two digits changed places", "SEAL_NUMBER_NEAR_MISS", ("MX-48213970", SEALS[1])),
    ):
        yield Case(f"bag-{name}", about, expect, TEXT, seals=seals)


def _text(message: Sign1) -> str:
    return encode_digits(message.encode())


def _pack(**changes: object) -> bytes:
    whole = {"announced": (announced(WHOLE),), **changes}
    return make_pack(pack(**whole), sign=ROOT.sign)


def _packer(changes: dict[str, Any]) -> Callable[[], bytes]:
    return lambda: _pack(**changes)


def _items(*items: Any) -> bytes:
    return replace(GOOD, manifest=replace(WHOLE, items=items)).to_bytes()


def _broken(person: str) -> bytes:
    value = canonical.decode(GOOD.to_bytes())
    value[person]["signatures"]["mldsa65"] = canonical.text_from_bytes(bytes(3309))
    return canonical.encode(value)
