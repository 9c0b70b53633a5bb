"""Every parser of bytes or text from outside has a fuzz: a new one fails here until it has."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.fuzz_parsers import EVERY

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("keys", "pouch", "cipher_service")
READS = re.compile(
    r"(parse|read|decode|judge|from|feed|split|receive)(_\w+)?|texts_in"
    r"|open_(age|head|share)|verify_(registration|assertion)"
)
GIVEN = {"bytes", "str", "BinaryIO", "AgeSource", "socket.socket"}
# A name of this list needs a reason: who calls it with what, and which fuzz stands for it.
ELSEWHERE = {
    "keys.custody.shares:split": "splits a key of our own",
    "keys.jws:ApiKey.from_private_bytes": "reads an identity's own key, from its own folder",
    "keys.statements:parse_statement": "the frame of every statement's parse, each fuzzed",
    "cipher_service.access.proof.checking:read_invariants": "reads a file of the package only",
    "cipher_service.access.shapes:read_shapes": "reads a file of the package only",
    "cipher_service.access.comparing:read": "is read_policies with another refusal",
    "cipher_service.client.drafting:read_card_file": "is read_card on a file of that name",
    "cipher_service.dispatches.acknowledgements:judge": "is read_post_receipt by the directory",
    "cipher_service.dispatches.signals:judge": "is read_service_message by the directory",
    "cipher_service.valise.reading:read_bounded": "gives a file's bytes, bounded, unread",
    "cipher_service.valise.reading:read_scanned": "is texts_in and judge on a file of that name",
    "cipher_service.administration.machines:read_key": "an administrator's own file: read_jwk",
}


def _functions(body: list[ast.stmt], within: str = "") -> Iterator[tuple[str, ast.FunctionDef]]:
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _functions(node.body, f"{node.name}.")
        if isinstance(node, ast.FunctionDef) and READS.fullmatch(node.name):
            yield f"{within}{node.name}", node


def _takes_what_is_given(function: ast.FunctionDef) -> bool:
    given = [each for each in function.args.args if each.arg not in {"self", "cls"}]
    return bool(given and given[0].annotation and ast.unparse(given[0].annotation) in GIVEN)


def _parsers() -> Iterator[str]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            for name, function in _functions(ast.parse(path.read_text("utf-8")).body):
                if _takes_what_is_given(function):
                    yield f"{module}:{name}"


def test_every_parser_has_a_fuzz() -> None:
    found, fuzzed = set(_parsers()), {parser.name for parser in EVERY}
    assert len(found) > 60
    assert found - fuzzed - set(ELSEWHERE) == set()


def test_the_list_of_those_without_says_nothing_too_many() -> None:
    found, fuzzed = set(_parsers()), {parser.name for parser in EVERY}
    assert set(ELSEWHERE) - found == set()
    assert set(ELSEWHERE) & fuzzed == set()
