"""One dispatch, several urgencies and two ways: what each addressee is given, and who sees it."""

import json
from pathlib import Path

import pytest

from tests.surfaces.client.offline.posts import Ending, Post, chiffre


def _encipher(origin: Post, action: Post, info: Post, out: Path, *options: str) -> Ending:
    return chiffre(
        "encipher",
        *("--identity", origin.identity, "--to", action.card, "--info", info.card),
        *("--level", "SECRET", *options, "-o", out, "-"),
        stdin=b"Texte.",
    )


def test_each_addressee_has_its_own_precedence_and_way(
    lome: Post, paris: Post, accra: Post, tmp_path: Path
) -> None:
    out = tmp_path / "d.age"
    sent = _encipher(
        *(lome, paris, accra, out),
        *("--precedence-for", "paris=flash", "--precedence-for", "ACCRA=urgent"),
        *("--pouch", "ACCRA"),
    )
    assert sent.status == 0, sent.err
    assert "Par valise : ACCRA." in sent.err
    for reader in (paris, accra):
        assert reader.decipher(out, lome, out=tmp_path / reader.code).status == 0
        record = json.loads((tmp_path / reader.code / "dispatch.json").read_text("utf-8"))
        assert [(to["post"], to["precedence"], to["delivery"]) for to in record["addressees"]] == [
            ("PARIS", "FLASH", "cipher"),
            ("ACCRA", "URGENT", "pouch"),
            ("LOME", "FLASH", "cipher"),
        ]
    # An outsider sees which urgencies there are (SPEC section 5), not whose nor by which way.
    outside = chiffre("inspect", "--json", out)
    assert outside.record["label"]["routing"] == ["FLASH", "URGENT"]
    assert not {"ACCRA", "PARIS", "pouch", "valise"} & set(json.dumps(outside.record).split('"'))


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--precedence-for", "YAOUNDE=FLASH"), "NOT_AN_ADDRESSEE", "YAOUNDE"),
        (("--precedence-for", "LOME=FLASH"), "NOT_AN_ADDRESSEE", "ACCRA, PARIS"),
        (("--pouch", "YAOUNDE"), "NOT_AN_ADDRESSEE", "--pouch"),
        (("--pouch", "PARIS", "--pouch", "paris"), "ADDRESSEE_REPEATED", "--pouch"),
        (
            ("--precedence-for", "PARIS=R", "--precedence-for", "PARIS=FLASH"),
            "ADDRESSEE_REPEATED",
            "PARIS",
        ),
        (("--precedence-for", "ACCRA=FLASH"), "INFO_ABOVE_ACTION", "ACCRA"),
        (
            ("--precedence", "FLASH", "--precedence-for", "PARIS=ROUTINE"),
            "INFO_ABOVE_ACTION",
            "ACCRA",
        ),
        (("--precedence-for", "PARIS=NOW"), "UNKNOWN_PRECEDENCE", "NOW"),
        (("--precedence-for", "PARIS"), "HEADING_INVALID", "LOME=FLASH"),
    ],
    ids=str,
)
def test_addressing_that_cannot_be_takes_no_number(
    lome: Post,
    paris: Post,
    accra: Post,
    tmp_path: Path,
    options: tuple[str, ...],
    code: str,
    said: str,
) -> None:
    refused = _encipher(lome, paris, accra, tmp_path / "d.age", *options)
    assert refused.status == 2
    assert f"({code})" in refused.err
    assert said in refused.err
    assert lome.series()["sent"] == []
    assert not (tmp_path / "d.age").exists()
