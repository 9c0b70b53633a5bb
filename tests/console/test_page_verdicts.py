"""The scanning page judges as `pouch.verdict` does: on every vector, on a thousand mutants."""

import base64
import json
import random
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from keys.canonical import decode, encode, time_from_text
from keys.cards import read_card
from keys.devices import PACK
from keys.endorsement import read_root_file
from keys.errors import Refusal
from keys.statements import object_of_signatures
from pouch.digits import decode_digits, encode_digits
from pouch.pack import read_pack
from pouch.physical import Observed
from pouch.verdict import Trust, judge
from tests.vectors.pouch_cases import ROOT as SIGNER

HERE = Path(__file__).resolve().parent
NODE = HERE.parents[1] / ".venv/bin/node"
FOLDER = HERE.parent / "vectors/pouch"
INDEX: dict[str, Any] = json.loads((FOLDER / "index.json").read_text("utf-8"))
CARDS = [FOLDER / f"{post}.card" for post in INDEX["trusted"]]
ROOT = FOLDER / f"{INDEX['root']}.root"
TRUST = Trust(read_card(path.read_bytes()) for path in CARDS)
# The sealed manifest travels enciphered and is never on a telephone.
VECTORS = [vector for vector in INDEX["vectors"] if "manifest" not in vector]


@dataclass
class Case:
    """What both are asked."""

    text: str
    at: datetime
    pack: bytes | None = None
    seals: list[str] | None = field(default=None)
    weight: int | None = None

    def asked(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "cards": [str(path) for path in CARDS],
            "root": str(ROOT),
            "pack": self.pack and base64.b64encode(self.pack).decode(),
            "at": int(self.at.timestamp()),
            "seals": self.seals,
            "weight": self.weight,
        }

    def ours(self) -> dict[str, Any]:
        key = read_root_file(ROOT.read_bytes())
        try:
            pack = self.pack and read_pack(self.pack, key, least_version=0, at=self.at)
        except Refusal as refusal:
            return {"refused": refusal.code}
        read = None if self.seals is None else tuple(self.seals)
        looked = self.seals is not None or self.weight is not None
        verdict = judge(
            self.text,
            trust=TRUST,
            at=self.at,
            pack=pack or None,
            observed=Observed(seals=read, weight_g=self.weight) if looked else None,
        )
        findings = [finding.name.value for finding in verdict.findings]
        return {
            "name": verdict.name.value,
            "findings": findings,
            "word": verdict.word.name,
            "logging": verdict.logging.value,
        }


def _case(vector: dict[str, Any]) -> Case:
    return Case(
        (FOLDER / vector["file"]).read_bytes().decode(),
        time_from_text(vector["at"]),
        (FOLDER / vector["pack"]).read_bytes() if "pack" in vector else None,
        vector.get("seals"),
        vector.get("weight"),
    )


def _theirs(cases: list[Case]) -> list[dict[str, Any]]:
    """What the page's source answers, run by Node as it stands."""
    lines = "".join(json.dumps(case.asked()) + "\n" for case in cases)
    done = subprocess.run(
        [NODE, "--no-warnings", HERE / "judge.mjs"],
        input=lines,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def _apart(cases: list[Case], answers: list[dict[str, Any]]) -> list[tuple[str, Any, Any]]:
    pairs = zip(cases, answers, strict=True)
    return [(case.text[:80], told, ours) for case, told in pairs if told != (ours := case.ours())]


def test_every_vector_meets_its_verdict_on_the_page_too() -> None:
    answers = _theirs([_case(vector) for vector in VECTORS])
    assert [answer.get("name") for answer in answers] == [vector["expect"] for vector in VECTORS]
    assert len(VECTORS) > 60


def test_the_page_finds_all_that_we_find() -> None:
    cases = [_case(vector) for vector in VECTORS]
    assert _apart(cases, _theirs(cases)) == []


def _mutant(chance: random.Random, case: Case) -> Case:
    """One change somewhere: a sign, a byte of the message, the order, white space, the clock."""
    text = case.text
    place = chance.randrange(len(text) or 1)
    match chance.randrange(7):
        case 0:
            text = text[:place] + chance.choice("0123456789aé\ufeff\u00a0\n") + text[place + 1 :]
        case 1:
            text = text[:place] + text[place + 1 :]
        case 2:
            text = chance.choice([" ", "\ufeff", "\x1c", "\u200b", "\n"]) + text
        case 3 | 4:
            try:
                data = bytearray(decode_digits(text))
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
                text = encode_digits(bytes(data))
            except (ValueError, IndexError):
                text = text[::-1]
        case 5:
            at = case.at.replace(year=chance.choice([2025, 2026, 2027, 2028]))
            return Case(text, at, case.pack, case.seals, case.weight)
        case _:
            seals = [*(case.seals or ["CM-48213", "CM-90177"])]
            spot = chance.randrange(len(seals))
            letters = list(seals[spot])
            letters[chance.randrange(len(letters))] = chance.choice("C0O1I 9-c")
            seals[spot] = "".join(letters)
            return Case(text, case.at, case.pack, seals, case.weight)
    return Case(text, case.at, case.pack, case.seals, case.weight)


def test_mutants_meet_one_verdict_on_both_sides() -> None:
    chance = random.Random(20261125)
    cases = [_case(vector) for vector in VECTORS]
    mutants = [_mutant(chance, chance.choice(cases)) for _ in range(1_000)]

    answers = _theirs(mutants)
    assert _apart(mutants, answers) == []
    assert len({answer["name"] for answer in answers if "name" in answer}) > 8


def _told(**change: Any) -> bytes:
    """A pack that says more or less, and whose root signs it all the same."""
    statement = {**decode((FOLDER / "pack-recalled.pack.json").read_bytes())["statement"], **change}
    signatures = object_of_signatures(SIGNER.sign(PACK, encode(statement)))
    return encode({"signatures": signatures, "statement": statement})


(RIGHT,) = decode((FOLDER / "weight-put-right.pack.json").read_bytes())["statement"]["announced"]


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"signatures":{},"statement":{}}',
        (FOLDER / "good-announced.pack.json").read_bytes()[:-2],
        (FOLDER / "good-announced.pack.json").read_bytes().replace(b'"version":', b'"version":1'),
        (FOLDER / "good-announced.pack.json").read_bytes() + b" ",
        (FOLDER / "good-announced.pack.json").read_bytes() + b"\n",
        _told(recalled=[]),
        _told(recalled=["CC" * 16]),
        _told(recalled=["cc" * 16, "dd" * 16]),
        _told(arrivals=[], recalled=None),
        _told(announced=[RIGHT, {**RIGHT, "seal": "ab" * 16, "destination": "EXERCICE-POSTE"}]),
        _told(arrivals=[{"seal": "ab" * 16, "place": "EXERCICE", "at": "2026-11-22T10:34:00Z"}]),
        *(
            _told(announced=[{**RIGHT, "rectified": odd}])
            for odd in (
                *(None, {}, {**RIGHT["rectified"], "more": 1}),
                *({**RIGHT["rectified"], "weight_g": weight} for weight in (0, 2_000_001, "1")),
                {**RIGHT["rectified"], "ordinal": 0},
                {**RIGHT["rectified"], "hash": "A5" * 32},
            )
        ),
    ],
)
def test_a_pack_is_refused_by_the_same_name(wrong: bytes) -> None:
    vector = next(each for each in VECTORS if each["file"] == "good-announced.txt")
    case = _case(vector)
    case.pack = wrong or b"\0"

    assert _apart([case], _theirs([case])) == []
