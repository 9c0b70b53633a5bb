"""The short form of the parsers' fuzz run; `make fuzz` runs the long one."""

import random

import pytest

from tests.fuzz.fuzz_parsers import EVERY, Finding, damaged, run
from tests.fuzz.parsers import Parser, of

INPUTS = 40
ACCEPTED = {"READ", "CUSTODY_SEALED"}
"""The second is the error that one answer of a custodian carries, read to its end."""


def _verdict(parser: Parser, sample: bytes) -> str:
    try:
        parser.read(sample)
    except parser.refusals as refusal:
        return str(getattr(refusal, "code", repr(refusal)))
    return "READ"


@pytest.mark.parametrize("parser", EVERY, ids=lambda parser: parser.name)
def test_a_parser_reads_its_samples_and_refuses_the_rest_by_name(parser: Parser) -> None:
    for sample in parser.samples:
        assert _verdict(parser, sample) in ACCEPTED
    assert run(parser, INPUTS, seed=2026).total() == INPUTS


def test_an_exception_without_a_name_is_a_finding() -> None:
    careless = of("careless", lambda data: data.decode("ascii"), b"plain", refusals=(KeyError,))
    with pytest.raises(Finding, match="careless, seed 1, input"):
        run(careless, 200, seed=1)


def test_a_seed_gives_its_inputs_again() -> None:
    (sample, *_) = EVERY[0].samples
    once, again = (damaged(sample, random.Random("7")) for _ in range(2))
    assert once == again != sample
