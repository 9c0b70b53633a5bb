"""Mutation fuzz of every parser: `python -m tests.fuzz.fuzz_parsers [INPUTS] [SEED] [NAME]`.

INPUTS are for each parser. An input is a sample damaged in its bytes, or in its values where it is
JSON or CBOR and then written again in the canonical form, so that the damage gets past the form.
A parser gives a value or refuses by a name of its own; anything else is a finding. The same seed
gives the same inputs.
"""

import argparse
import json
import random
import sys
import traceback
from collections import Counter
from typing import Any

import cbor2

from keys import canonical
from tests.fuzz.fuzz_envelope import SNIPPETS, mutate
from tests.fuzz.parsers import Parser
from tests.fuzz.parsers_keys import PARSERS as KEYS
from tests.fuzz.parsers_log import PARSERS as LOG
from tests.fuzz.parsers_pouch import PARSERS as POUCH
from tests.fuzz.parsers_service import PARSERS as SERVICE

EVERY: tuple[Parser, ...] = (*KEYS, *LOG, *POUCH, *SERVICE)
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1, 2**31, 2**53 - 1, "", "\0", "é", "PARIS", "0" * 64,
    "2026-02-30T00:00:00Z",
    "9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z", "x" * 300, [], {}, [None], {"v": 1}, "=",
)  # fmt: skip
ODD_IN_CBOR: tuple[Any, ...] = (
    *ODD,
    b"",
    b"\xff" * 64,
    1.5,
    float("nan"),
    2**70,
    cbor2.CBORTag(2, b"\1"),
)


def damaged(sample: bytes, chance: random.Random) -> bytes:
    """One sample, damaged in its bytes or in what they mean."""
    way = chance.randrange(4)
    if way == 0:
        value = _value(sample)
        if value is not None:
            altered = _altered(value, chance, ODD)
            return json.dumps(
                altered, ensure_ascii=False, sort_keys=True, separators=(",", ":")
            ).encode()
    if way == 1:
        value = _cbor(sample)
        if value is not None:
            return cbor2.dumps(_altered(value, chance, ODD_IN_CBOR), canonical=True)
    if way == 2 and chance.random() < 0.1:
        return chance.choice((b"", chance.choice(SNIPPETS), chance.randbytes(chance.randrange(99))))
    return mutate(sample, chance)


def _value(sample: bytes) -> Any:
    try:
        return canonical.decode(sample.removesuffix(b"\n"))
    except ValueError:
        return None


def _cbor(sample: bytes) -> Any:
    try:
        value = cbor2.loads(sample)
    except (cbor2.CBORError, ValueError):
        return None
    return value if isinstance(value, list | tuple | dict) else None


def _altered(value: Any, chance: random.Random, odd: tuple[Any, ...]) -> Any:
    """The same value with one member dropped, doubled, or exchanged somewhere in it."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        names = list(value)
        name = chance.choice(names)
        act = chance.randrange(6)
        changed = dict(value)
        if act == 0:
            del changed[name]
        elif act == 1:
            changed[chance.choice(names)] = changed[name]
        elif act == 2:
            changed["more" if isinstance(name, str) else 99] = chance.choice(odd)
        else:
            changed[name] = _altered(value[name], chance, odd)
        return changed
    if isinstance(value, list | tuple) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        items = list(value)
        act = chance.randrange(5)
        if act == 0:
            del items[at]
        elif act == 1:
            items.insert(at, items[at])
        else:
            items[at] = _altered(items[at], chance, odd)
        return items
    if isinstance(value, str) and value and chance.random() < 0.4:
        at = chance.randrange(len(value))
        return value[:at] + chance.choice(("", "A", "0", "=", "é", "\n", "-")) + value[at + 1 :]
    if type(value) is int and chance.random() < 0.4:
        return chance.choice((value + 1, value - 1, -value, value * 1000))
    return chance.choice(odd)


class Finding(AssertionError):
    """A parser let an exception out that its docstring does not name."""


def run(parser: Parser, inputs: int, seed: int) -> Counter[str]:
    """Give one parser its damaged inputs and count its verdicts.

    Raises:
        Finding: with the seed and the number of the input.
    """
    verdicts: Counter[str] = Counter()
    for number in range(inputs):
        chance = random.Random(f"{seed}/{parser.name}/{number}")
        data = damaged(chance.choice(parser.samples), chance)
        try:
            parser.read(data)
        except parser.refusals as refusal:
            verdicts[str(getattr(refusal, "code", type(refusal).__name__))] += 1
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            told = f"{parser.name}, seed {seed}, input {number}: {error!r}"
            raise Finding(f"{told}\n{data[:400]!r}") from error
        else:
            verdicts["READ"] += 1
    return verdicts


def main() -> int:
    """Run every parser, or one; status 1 with a finding."""
    arguments = argparse.ArgumentParser(description="Mutation fuzz of every parser.")
    arguments.add_argument("inputs", type=int, nargs="?", default=10_000)
    arguments.add_argument("seed", type=int, nargs="?", default=1)
    arguments.add_argument("name", nargs="?", default="")
    given = arguments.parse_args()
    found = 0
    for parser in EVERY:
        if given.name not in parser.name:
            continue
        try:
            verdicts = run(parser, given.inputs, given.seed)
        except Finding:
            found += 1
            traceback.print_exc()
        else:
            told = ", ".join(f"{code} {count}" for code, count in verdicts.most_common(4))
            print(f"{parser.name}: {told}", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
