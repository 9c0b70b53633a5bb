"""`cipher-service custody hand-over`: a holder gives a share to its officer's new key alone."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from cipher_service.administration.stage import chiffre
from keys.age.bech32 import encode_recipient
from keys.age.hybrid import HybridKey
from keys.cards import read_card
from keys.custody.shares import Holder, open_share, split
from tests.surfaces.administration.running import Ended, run

NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")
OFFICER = "OFF-000007"
ADDRESS = HybridKey.generate()
TEXT = encode_recipient(ADDRESS.recipient)
READ = " ".join(sha256(TEXT.encode()).hexdigest()[at : at + 4] for at in range(0, 64, 4))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three holders, their shares of an own key and of the custodian's, an address."""
    folder = tmp_path_factory.mktemp("holders")
    for name in NAMES:
        new = ("identity", "new", "--post", name, "--out", str(folder / name))
        chiffre("en", *new, "--no-passphrase")
    cards = [read_card((folder / name / f"{name}.card").read_bytes()) for name in NAMES]
    holders = [Holder(card.post, card.recipient) for card in cards]
    for purpose, end in ((f"OWN-KEY-{OFFICER}", "share"), ("UNSEAL", "unseal")):
        made = split(bytes(range(32)), purpose, 2, holders)
        for name, sealed in zip(NAMES, made.sealed, strict=True):
            (folder / f"{name}.{end}").write_bytes(sealed)
    (folder / "to.adresse").write_text(f"{TEXT}\n", "ascii")
    return folder


def hand(house: Path, out: Path, share: str = "GARDE-A.share", **changed: str) -> Ended:
    typed = {"--identity": str(house / "GARDE-A"), "--to": str(house / "to.adresse")}
    typed |= {"--fingerprint": READ, "-o": str(out)}
    typed |= {name: value for name, value in changed.items() if name.startswith("-")}
    words = [word for pair in typed.items() for word in pair]
    return run("custody", "hand-over", *words, str(house / share), "--json")


def test_a_share_is_handed_to_the_address_that_was_read_aloud(house: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.part"
    ended = hand(house, out)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == {"holder": "GARDE-A", "officer": OFFICER, "out": str(out)}
    share = open_share(out.read_bytes(), ADDRESS)
    assert (share.holder, share.purpose) == ("GARDE-A", f"OWN-KEY-{OFFICER}")
    # Nothing is written over.
    assert hand(house, out).returncode == 3


def test_what_would_lead_a_share_astray_is_refused_and_leaves_no_file(
    house: Path, tmp_path: Path
) -> None:
    out = tmp_path / "a.part"
    (tmp_path / "wrong").write_text(TEXT[:-1] + ("p" if TEXT[-1] == "q" else "q"), "ascii")
    for code, ended in (
        ("FINGERPRINT_OF_ADDRESS", hand(house, out, **{"--fingerprint": READ[:-1] + "x"})),
        ("FINGERPRINT_OF_ADDRESS", hand(house, out, **{"--fingerprint": READ[:9]})),
        ("ADDRESS_INVALID", hand(house, out, **{"--to": str(tmp_path / "wrong")})),
        ("ADDRESS_INVALID", hand(house, out, **{"--to": str(house / "GARDE-A.share")})),
        ("SHARE_NOT_HANDED_OVER", hand(house, out, "GARDE-A.unseal")),
        ("SHARE_OF_ANOTHER", hand(house, out, "GARDE-B.share")),
    ):
        assert (ended.returncode, f"({code})" in ended.stderr) == (1, True), ended.stderr
        assert not out.exists()
