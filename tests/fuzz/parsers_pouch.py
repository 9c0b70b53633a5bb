"""What `pouch` reads from outside: symbols, photographs, manifests, packs, events, locators."""

import io
import json
from datetime import timedelta
from typing import Final

from PIL import Image

from pouch import reading
from pouch.bordereau import decode, digest, encode, prove_line, read_line
from pouch.claims import read_claims
from pouch.digits import decode_digits, from_azerty
from pouch.drill import make_drill
from pouch.drill_marking import Solution, blank_answers, read_answers
from pouch.empties_notice import EmptiesNotice, make_notice, read_notice
from pouch.events import parse_event, read_event
from pouch.facts import INTACT, HandedOver
from pouch.hand_over import Half, make_answer, make_half, read_answer, read_half, read_taker
from pouch.locator import locator, read_locator
from pouch.pack import Arrival, make_pack, read_pack
from pouch.papers.manifest_symbol import manifest_text, read_manifest_text
from pouch.rectification import Rectification, make_rectification, read_rectification
from pouch.seal import read_seal
from pouch.sealed import read_sealed, seal_manifest
from pouch.symbol import draw
from pouch.verdict import Trust, judge
from tests.fuzz.parsers import Parser, of, of_text
from tests.fuzz.parsers_keys import MALFORMED
from tests.support.bags import BAG, Device, Voyage, enrolment_of, signed
from tests.support.bags import SEAL as BAG_SEAL
from tests.support.rectifying import rectification
from tests.support.valise import CLOSED, announced, manifest, pack
from tests.vectors.forge import identity

SEALER: Final = identity("YAOUNDE")
ROOT: Final = identity("MINREX")
SEALED: Final = seal_manifest(manifest(), sealer=SEALER)
SEAL: Final = SEALED.seal
DOTS: Final = 3
"""To a side of each module of a symbol: few, so that a picture is read in milliseconds."""


def _picture(kind: str) -> bytes:
    """A photograph of a seal, with EXIF that turns it."""
    rows = draw(SEAL.text)
    small = Image.new("L", (len(rows) + 8, len(rows) + 8), 255)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                small.putpixel((x + 4, y + 4), 0)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Appareil"
    whole, sink = small.resize((small.width * DOTS, small.height * DOTS)), io.BytesIO()
    whole.save(sink, kind, exif=exif)
    return sink.getvalue()


def _events() -> tuple[list[bytes], dict[str, bytes]]:
    voyage = Voyage()
    told = voyage.events()
    devices = {each.id: each for each in (voyage.desk, voyage.second, voyage.courier, voyage.post)}
    named = [[event.device, *([event.witness.device] if event.witness else [])] for event in told]
    files = [
        signed(event, *map(devices.__getitem__, names))
        for event, names in zip(told, named, strict=True)
    ]
    return files, voyage.keys()


_TOLD, _KEYS = _events()
_PACK: Final = pack(
    cards=(SEALER.card,),
    announced=(announced(manifest(), expires=None),),
    arrivals=(Arrival("ff" * 16, "LOME", CLOSED),),
    roots={6: bytes(32)},
)
_PACKED: Final = make_pack(_PACK, sign=ROOT.sign)
_EMPTIES: Final = make_notice(
    EmptiesNotice(
        number="SV 12/2026",
        post=SEALER.card.post,
        card=SEALER.card.fingerprint,
        to="MINREX",
        sent=CLOSED,
        due=CLOSED + timedelta(days=30),
        bags=(BAG,),
    ),
    sign=SEALER.sign,
)
_PICTURES: Final = tuple(map(_picture, ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")))

_GIVER, _TAKER = Device("giver"), Device("taker")
_HALF: Final = make_half(
    _GIVER.tell(HandedOver(1, INTACT), officer="ABENA", witness=(_TAKER, "PAUL")),
    _GIVER.public,
    _GIVER.sign,
)
_KNOWN: Final = frozenset({_GIVER.id, _TAKER.id})


def _half(data: bytes) -> Half:
    return read_half(data, known=_KNOWN, own=_TAKER.id, bags={BAG_SEAL: BAG})


_SOLUTION: Final = Solution.of(make_drill("un mot pour les essais", bags=6, defects=3, at=CLOSED))
_FILLED: Final = blank_answers(_SOLUTION).replace(b",,\r", b",refuse,SEAL_EDITED\r")
_ANSWERS: Final = (
    _FILLED,
    _FILLED.replace(b",", b";"),
    json.dumps(
        {
            "v": 1,
            "type": "valise/v1 drill-answers",
            "solution": _SOLUTION.hash,
            "answers": [{"station": 1, "decision": "accept", "finding": None}],
        }
    ).encode(),
)


PARSERS: Final[tuple[Parser, ...]] = (
    of("pouch.bordereau:decode", decode, encode(manifest())),
    of(
        "pouch.bordereau:read_line",
        lambda data: read_line(data, digest(manifest())),
        prove_line(manifest(), 3),
    ),
    of(
        "pouch.drill_marking:Solution.parse",
        Solution.parse,
        _SOLUTION.encode(),
    ),
    of("pouch.drill_marking:read_answers", read_answers, *_ANSWERS),
    of("pouch.claims:read_claims", read_claims, SEAL.message.payload, refusals=MALFORMED),
    of_text("pouch.digits:decode_digits", decode_digits, SEAL.text, refusals=MALFORMED),
    of_text("pouch.digits:from_azerty", from_azerty, "à&é\"'(-è_ç"),
    of("pouch.events:parse_event", parse_event, *_TOLD),
    of(
        "pouch.empties_notice:read_notice",
        lambda data: read_notice(data, SEALER.card),
        _EMPTIES,
    ),
    of("pouch.events:read_event", lambda data: read_event(data, _KEYS), *_TOLD),
    of(
        "pouch.hand_over:read_taker",
        lambda data: read_taker(data, known=_KNOWN, own=_GIVER.id),
        b'{"taker":%b}' % enrolment_of(_TAKER, "PARIS"),
    ),
    of("pouch.hand_over:read_half", _half, _HALF),
    of(
        "pouch.hand_over:read_answer",
        lambda data: read_answer(data, _half(_HALF), _TAKER.public),
        make_answer(_half(_HALF), _TAKER.sign),
    ),
    of_text("pouch.locator:read_locator", read_locator, locator(BAG)),
    of(
        "pouch.pack:read_pack",
        lambda data: read_pack(
            data, ROOT.card.verifying_key, least_version=7, at=CLOSED + timedelta(hours=3)
        ),
        _PACKED,
    ),
    of_text(
        "pouch.papers.manifest_symbol:read_manifest_text",
        read_manifest_text,
        manifest_text(manifest(1)),
    ),
    of("pouch.reading:read_image", reading.read_image, *_PICTURES),
    of("pouch.reading:texts_in", reading.texts_in, *_PICTURES),
    of(
        "pouch.rectification:Rectification.parse",
        Rectification.parse,
        rectification(SEALED).encode(),
    ),
    of(
        "pouch.rectification:read_rectification",
        read_rectification,
        make_rectification(rectification(SEALED), sealer=SEALER, witness=identity("DOUALA")),
    ),
    of_text("pouch.seal:read_seal", read_seal, SEAL.text),
    of("pouch.sealed:read_sealed", read_sealed, SEALED.to_bytes()),
    of_text(
        "pouch.verdict:judge",
        lambda text: judge(text, trust=Trust([SEALER.card]), at=CLOSED, sealed=SEALED),
        SEAL.text,
    ),
)
