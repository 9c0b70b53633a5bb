"""keys/TRANSPORT.md says what the code does: members, codes, kinds, acts and limits."""

import re
from pathlib import Path

import pytest

from keys import certificates, post_receipts, receipts, service_messages, slips, token_keys
from keys.custody import acts, bureau_opening, errors, frames
from keys.errors import KeysError
from keys.merkle import ProofInvalid
from keys.service_messages import RULES

HERE = Path(receipts.__file__).parent
PAGE = (HERE / "TRANSPORT.md").read_text(encoding="utf-8")
# What officers are refused stands with their acts.
ACTS_PAGE = (HERE / "ACTS.md").read_text(encoding="utf-8")
MODULES = (slips, receipts, post_receipts, service_messages, token_keys, certificates, errors)
CODES = {
    value.code
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type)
    and issubclass(value, KeysError)
    and value.__module__ == module.__name__
} | {ProofInvalid.code}


def _sections() -> dict[str, str]:
    titles = re.findall(r"^## \d+\. (.*)$", PAGE, re.MULTILINE)
    return dict(zip(titles, re.split(r"^## \d+\. .*$", PAGE, flags=re.MULTILINE)[1:], strict=True))


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_refusal_is_on_the_page(code: str) -> None:
    assert f"`{code}`" in PAGE + ACTS_PAGE


def test_every_kind_of_service_message_is_as_on_the_page() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]*) \| (\w+) \| (\w+) \| ([^|]+) \|$",
                      _sections()["Service messages"], re.MULTILINE)  # fmt: skip
    words = {"must": True, "no": False, "may": None}

    told = {
        kind: (words[series], words[dispatch], "origin" in by, "addressee" in by)
        for kind, _, series, dispatch, by in rows
    }

    assert told == {
        kind: (rule.series, rule.dispatch, rule.speaker == "origin", rule.speaker == "addressee")
        for kind, rule in RULES.items()
    }
    for kind, signal, *_ in rows:
        assert RULES[kind].signal == signal or kind in {"number-check", "tracer"}


def test_every_act_is_as_on_the_page() -> None:
    told = {
        act: tuple(re.findall(r"`(\w+)`", arguments))
        for names, arguments in re.findall(
            r"^\| ((?:`\w+`(?:, )?)+) \|([^|]*)\|", _sections()["The custodian's socket"],
            re.MULTILINE,
        )
        for act in re.findall(r"`(\w+)`", names)
    }  # fmt: skip

    assert told == {name: act.arguments for name, act in acts.ACTS.items()}


@pytest.mark.parametrize(
    "limit", [slips.HEAD_BYTES_MAX, frames.FRAME_BYTES_MAX, bureau_opening.PREFIX_BYTES]
)
def test_every_limit_is_on_the_page(limit: int) -> None:
    assert f"{limit:,}" in PAGE
