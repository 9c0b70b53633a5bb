"""Mutation fuzz of a seal's reader: `python tests/fuzz/fuzz_seal.py [INPUTS] [SEED]`.

Each input is a scanned text damaged at one of three depths: the digits, the CBOR beneath them, or
the claims, signed again by the right key. Whatever comes, there is a verdict by name, the same
under another keyboard layout, and none that believes what was altered. The same seed gives the
same mutations.
"""

import argparse
import random
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from keys.cose import sign1
from pouch.digits import AZERTY, CALIBRATION, encode_digits
from pouch.findings import GENUINE
from pouch.seal import kid_of
from pouch.sealed import seal_manifest
from pouch.verdict import Trust, judge
from tests.fuzz.fuzz_envelope import mutate
from tests.support.valise import CLOSED, manifest
from tests.vectors.forge import identity

SEALER = identity("YAOUNDE")
SEAL = seal_manifest(manifest(), sealer=SEALER).seal
TRUST = Trust([SEALER.card])
SIGNS = "0123456789\n\r\t à&é\"'(-è_ç\x00\ud800٣²①x" + "́"
TO_AZERTY = str.maketrans(CALIBRATION, AZERTY)


def _text(chance: random.Random) -> str:
    """Digits with signs dropped, doubled, exchanged or put in."""
    signs = list(SEAL.text.translate(TO_AZERTY) if chance.randrange(2) else SEAL.text)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(signs) + 1)
        act = chance.randrange(4)
        if act == 0:
            signs[at : at + chance.choice((1, 17))] = []
        elif act == 1:
            signs.insert(at, chance.choice(SIGNS))
        elif act == 2:
            signs[at:at] = signs[at : at + chance.choice((1, 17, 34))]
        else:
            signs[at : at + 1] = chance.choice(SIGNS)
    return "".join(signs)


def _bytes(chance: random.Random) -> str:
    """Damaged CBOR, in perfect digits."""
    return encode_digits(mutate(SEAL.message.encode(), chance)[:1200])


def _claims(chance: random.Random) -> str:
    """Damaged claims, signed by the right key."""
    payload = mutate(SEAL.message.payload, chance)[:1200]
    message = sign1(payload, kid=kid_of(SEALER.card), sign=SEALER.sign_cose)
    return encode_digits(message.encode())


DEPTHS = (_text, _bytes, _claims)


def run(inputs: int, seed: int) -> Counter[str]:
    """Judge so many inputs; raises at whatever is no verdict, or believes too much."""
    verdicts: Counter[str] = Counter()
    for number in range(inputs):
        depth = DEPTHS[number % len(DEPTHS)]
        chance = random.Random(f"{seed}/{number}")
        text = depth(chance)
        verdict = judge(text, trust=TRUST, at=CLOSED)
        if verdict.name in GENUINE and depth is not _claims and verdict.claims != SEAL.claims:
            raise RuntimeError(f"input {number} of seed {seed} was believed")
        # A stray quote among digits would become a digit with them.
        if set(text.strip()) <= set(CALIBRATION):
            again = judge(text.translate(TO_AZERTY), trust=TRUST, at=CLOSED)
            if again != verdict:
                raise RuntimeError(f"input {number} of seed {seed} differs by its layout")
        verdicts[verdict.name] += 1
    return verdicts


def main() -> None:
    """Run and count."""
    parser = argparse.ArgumentParser(description="Mutation fuzz of a seal's reader.")
    parser.add_argument("inputs", type=int, nargs="?", default=10_000)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    arguments = parser.parse_args()
    for name, count in run(arguments.inputs, arguments.seed).most_common():
        print(f"{count:8} {name}")


if __name__ == "__main__":
    main()
