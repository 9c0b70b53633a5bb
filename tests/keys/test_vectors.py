"""Our own vectors: one defect a file, and the refusal that it must meet."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from keys import errors
from keys.age.bech32 import decode_identity
from keys.age.hybrid import HybridKey
from keys.cards import read_card
from keys.dispatch import decipher
from keys.errors import Refusal
from keys.identity import Identity
from keys.jws import ApiKey
from keys.s2.complements import read_complement
from keys.signing import SigningKey

FOLDER = Path(__file__).resolve().parents[1] / "vectors" / "depeche"
INDEX: dict[str, Any] = json.loads((FOLDER / "index.json").read_text("utf-8"))


def _opener(post: str) -> Identity:
    return Identity(
        read_card((FOLDER / f"{post}.card").read_bytes()),
        SigningKey.generate(),
        HybridKey(decode_identity(INDEX["identities"][post])),
        ApiKey.generate(),
    )


@pytest.mark.parametrize("vector", INDEX["vectors"], ids=lambda vector: vector["file"][:-4])
def test_a_vector_meets_its_verdict(vector: dict[str, Any], tmp_path: Path) -> None:
    posts = vector.get("trusted", INDEX["trusted"])
    cards = [read_card((FOLDER / f"{post}.card").read_bytes()) for post in posts]
    trusted = {card.fingerprint: card for card in cards}
    thirds = {
        card.fingerprint: read_complement((FOLDER / f"{card.post}.complement").read_bytes(), card)
        for card in cards
        if card.post in vector.get("complements", INDEX["complements"])
    }
    verdict = "OPENED"
    parts: dict[str, str] = {}
    try:
        with (
            (FOLDER / vector["file"]).open("rb") as source,
            decipher(
                source,
                opener=_opener(vector["opener"]),
                find_sender=trusted.get,
                workspace=tmp_path,
                find_complement=thirds.get,
            ) as opened,
        ):
            assert opened.manifest_hash == vector["manifest_sha256"]
            for part in opened.parts:
                data = (opened.folder / part.name).read_bytes()
                parts[part.name] = hashlib.sha256(data).hexdigest()
    except Refusal as refusal:
        verdict = refusal.code

    assert verdict == vector["expect"]
    assert parts == vector.get("parts", {})
    assert not list(tmp_path.iterdir()), "something was left behind"


def test_every_refusal_that_a_file_can_meet_has_a_vector() -> None:
    of_state_or_secrets = {
        "CARD_INVALID",
        "COMPLEMENT_INVALID",
        "IDENTITY_INVALID",
        "KEY_RETIRED",
        "NUMBER_REUSED",
        "PART_TOO_LARGE",
        "PASSPHRASE_WRONG",
        "REPLAYED",
    }

    codes = {
        kind.code
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, Refusal) and kind is not Refusal
    }
    assert codes - of_state_or_secrets == {
        vector["expect"] for vector in INDEX["vectors"] if vector["expect"] != "OPENED"
    }


def test_a_second_reader_agrees_on_every_vector() -> None:
    """Written in another language from SPEC.md, on libraries that are not ours."""
    node = Path(sys.executable).with_name("node")
    reader = FOLDER.parents[1] / "foreign" / "depeche_reader.mjs"
    done = subprocess.run(
        [node, reader, FOLDER], capture_output=True, check=True, text=True, timeout=120
    )
    results = json.loads(done.stdout)

    assert {name: result["verdict"] for name, result in results.items()} == {
        vector["file"]: vector["expect"] for vector in INDEX["vectors"]
    }
    for vector in INDEX["vectors"]:
        if vector["expect"] == "OPENED":
            read = results[vector["file"]]
            assert read["manifest_sha256"] == vector["manifest_sha256"]
            assert read["parts"] == vector["parts"]
