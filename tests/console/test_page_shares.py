"""The page splits and combines as `keys.custody.shares` does: either reads what the other made."""

import base64
import json
import secrets
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keys.age.bech32 import encode_identity, encode_recipient
from keys.age.files import encrypt
from keys.age.hybrid import HybridKey
from keys.custody.shares import Holder, SharesTooFew, combine, open_share, split

HERE = Path(__file__).resolve().parent
NODE = HERE.parents[1] / ".venv/bin/node"
OFFICER = "OFF-000007"
PURPOSE = f"OWN-KEY-{OFFICER}"
HOLDERS = [HybridKey.generate() for _ in range(5)]


def page(*asked: dict[str, Any]) -> list[Any]:
    """Ask the page's source."""
    done = subprocess.run(
        [NODE, "--no-warnings", HERE / "shares.mjs"],
        input="".join(f"{json.dumps(one)}\n" for one in asked),
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def _split(key: HybridKey, threshold: int, count: int) -> dict[str, Any]:
    holders = [
        {
            "post": f"GARDE-{i}",
            "fingerprint": f"{i:064x}",
            "recipient": encode_recipient(one.recipient),
        }
        for i, one in enumerate(HOLDERS[:count])
    ]
    return {
        "split": {
            "identity": encode_identity(key.seed),
            "officer": OFFICER,
            "threshold": threshold,
            "holders": holders,
        }
    }


@pytest.mark.parametrize(("threshold", "count"), [(2, 3), (3, 5), (5, 5)])
def test_what_the_page_split_the_maintained_library_combines(threshold: int, count: int) -> None:
    key = HybridKey.generate()
    [made] = page(_split(key, threshold, count))
    shares = [
        open_share(base64.b64decode(one["sealed"]), own)
        for one, own in zip(made, HOLDERS, strict=False)
    ]
    assert {share.purpose for share in shares} == {PURPOSE}
    assert [share.holder for share in shares] == [one["holder"] for one in made]
    assert combine(shares) == key.seed  # all of them: what is beyond the threshold fits too
    assert combine(shares[-threshold:]) == key.seed
    with pytest.raises(SharesTooFew):
        combine(shares[: threshold - 1])


def test_what_the_library_split_the_page_combines_and_nothing_else() -> None:
    key, address = HybridKey.generate(), HybridKey.generate()
    names = [Holder(f"GARDE-{i}", one.recipient) for i, one in enumerate(HOLDERS[:3])]

    def shares(seed: bytes, purpose: str = PURPOSE) -> list[Any]:
        made = split(seed, purpose, 2, names)
        return [open_share(one, own) for one, own in zip(made.sealed, HOLDERS, strict=False)]

    good, mixed = shares(key.seed), shares(key.seed)
    other = shares(secrets.token_bytes(32))
    forged = replace(good[1], words=mixed[1].words)
    word = good[0].words.split(" ")
    wrong = replace(good[0], words=" ".join([*word[:9], "academic", "acid", *word[11:]]))

    def asked(*handed: Any, identity: HybridKey = address) -> dict[str, Any]:
        files = [
            base64.b64encode(encrypt(one.to_bytes(), [address.recipient])).decode()
            for one in handed
        ]
        return {
            "combine": {
                "identity": encode_identity(identity.seed),
                "officer": OFFICER,
                "files": files,
                "recipient": encode_recipient(key.recipient),
            }
        }

    found = page(
        asked(good[2], good[0]),
        asked(*good),
        asked(good[0], mixed[1]),  # of another splitting
        asked(good[0]),
        asked(good[0], good[0]),
        asked(good[0], forged),
        asked(wrong, good[1]),
        asked(*other[:2]),  # whole, and of another key
        asked(*shares(key.seed, "UNSEAL")),
        asked(*good, identity=HybridKey.generate()),  # handed over to another security key
    )
    assert found[:2] == [{"identity": encode_identity(key.seed)}] * 2
    assert all("refused" in one for one in found[2:]), found
