"""`cipher-service custody`: the bureau's keys under seal, while a ministry goes on receiving."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import httpx
import pytest

from cipher_service.administration.stage import Stage, chiffre, stage
from keys.custody.shares import combine, open_share
from keys.identity import load_identity
from tests.support.memory import found, processes
from tests.surfaces.administration.running import done, given, refused, run
from tests.surfaces.api.test_processes import eventually

BAND = 'id="scelle"'
NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")


@pytest.fixture(scope="module")
def holders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Three persons, each with keys of their own."""
    folder = tmp_path_factory.mktemp("holders")
    for name in NAMES:
        new = ("identity", "new", "--post", name, "--out", str(folder / name))
        chiffre("en", *new, "--no-passphrase")
    return {name: folder / name for name in NAMES}


def _cards(holders: dict[str, Path], *names: str) -> list[str]:
    return [word for name in names for word in ("--holder", str(holders[name] / f"{name}.card"))]


def _shares(made: list[dict[str, Any]], holders: dict[str, Path], *names: str) -> list[str]:
    files = {share["holder"]: share["share"] for share in made}
    return [
        word
        for name in names
        for word in ("--share", files[name], "--identity", str(holders[name]))
    ]


def _offer(share: dict[str, Any], holders: dict[str, Path], by: str) -> tuple[str, ...]:
    return ("custody", "offer", "--identity", str(holders[by]), share["share"])


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A ministry with a console, whose pages say when its keys are sealed."""
    folder = tmp_path_factory.mktemp("sealed") / "data"
    with stage(folder, "en", 1, console=True) as on:
        on.introduce({"PARIS": on.enrol("PARIS")})
        yield on


def _health(on: Stage) -> str:
    return str(httpx.get(f"{on.settings.issuer}/v1/health").json()["custodian"])


def _page(on: Stage, language: str) -> str:
    return httpx.get(f"{on.settings.console_origin}/connexion?lang={language}").text


def _key_of(made: list[dict[str, Any]], holders: dict[str, Path], *names: str) -> bytes:
    """Put the unseal key together, as the custodian did."""
    files = {share["holder"]: Path(share["share"]) for share in made}
    return combine(
        [
            open_share(
                files[name].read_bytes(), load_identity(holders[name], lambda: b"").hybrid_key
            )
            for name in names
        ]
    )


@contextmanager
def _holding(on: Stage, key: bytes) -> Iterator[int]:
    """A process of this ministry's folder that keeps the key in its memory."""
    program = "import sys; k = sys.stdin.buffer.read(32); h = k.hex(); print(len(k), flush=True)"
    command = [sys.executable, "-c", f"{program}; sys.stdin.read()", str(on.settings.data)]
    with Popen(command, stdin=PIPE, stdout=PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(key)
        process.stdin.flush()
        assert int(process.stdout.readline()) == len(key)
        assert process.pid in dict(processes(on.settings.data))
        yield process.pid


def _require_unknown(on: Stage, key: bytes) -> None:
    """The unseal key is in the memory of no process but the custodian's.

    The search is proved by a process that does hold it, as bytes and as digits, and is found.
    """
    forms = {"unseal key": key, "its digits": key.hex().encode()}
    with _holding(on, key) as robbed:
        assert found(robbed, forms) == set(forms)
    others = [one for one in processes(on.settings.data) if "keys.custody.worker" not in one[1]]
    assert len(others) > 3
    try:
        held = {command: found(process, forms) for process, command in others}
    except PermissionError:
        pytest.skip("this user may not read the memory of a process that forbids it")
    assert set().union(*held.values()) == set()


def test_a_sealed_ministry_keeps_receiving_until_its_holders_open_it(
    ministry: Stage, holders: dict[str, Path], tmp_path: Path
) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("Le ministre arrive mardi.", "utf-8")
    split = ("custody", "split", "--threshold", "2", *_cards(holders, *NAMES))
    made = given(ministry, *split)
    listed = given(ministry, "items", "list")["items"]
    shares = [(each["holder"], each["state"]) for each in listed if each["kind"] == "share"]
    assert sorted(shares) == [(name, "held") for name in NAMES]
    assert "CUSTODY_STORE_SPLIT" in refused(ministry, "CUSTODY_STORE_SPLIT", *split)
    assert _health(ministry) == "open"
    assert BAND not in _page(ministry, "fr")
    assert given(ministry, "custody", "seal")["sealed"]
    assert _health(ministry) == "sealed"
    eventually(lambda: BAND in _page(ministry, "fr"))
    assert "nothing opens and nothing leaves" in _page(ministry, "en")

    sent = chiffre(
        "en",
        *("send", "--identity", ministry.identity("PARIS"), "--to", "MINREX"),
        *("--level", "SECRET", "--subject", "Visite", str(text)),
    )
    opening = ("bureau", "open", sent["id"], "-o", str(tmp_path / "recu"))
    refused(ministry, "CUSTODY_SEALED", *opening, status=3)
    assert [line["dispatch_id"] for line in given(ministry, "bureau", "inbox")] == [sent["id"]]

    refused(ministry, "SHARE_OF_ANOTHER", *_offer(made[0], holders, "GARDE-B"))
    offered = done(ministry, *_offer(made[0], holders, "GARDE-A"))
    assert "GARDE-A" in offered.splitlines()[2]
    refused(ministry, "SHARE_TWICE", *_offer(made[0], holders, "GARDE-A"))
    assert not given(ministry, *_offer(made[2], holders, "GARDE-C"))["sealed"]
    assert _health(ministry) == "open"
    eventually(lambda: BAND not in _page(ministry, "fr"))
    refused(ministry, "SHARE_NOT_AWAITED", *_offer(made[1], holders, "GARDE-B"))

    done(ministry, *opening)
    assert (tmp_path / "recu" / "message.txt").read_text("utf-8") == text.read_text("utf-8")
    _require_unknown(ministry, _key_of(made, holders, "GARDE-A", "GARDE-C"))


def test_shares_without_a_database_are_made_and_the_command_for_the_register_is_told(
    holders: dict[str, Path], tmp_path: Path
) -> None:
    data = str(tmp_path / "data")
    assert run("--data", data, "init").returncode == 0
    (tmp_path / "data" / "ministry.db").unlink()
    split = ("custody", "split", "--threshold", "2", *_cards(holders, *NAMES), "--json")
    ended = run("--data", data, *split)
    assert ended.returncode == 0, ended.stderr
    made = Path(json.loads(ended.stdout)[0]["share"]).parent.name
    for name in NAMES:
        typed = f'items enter --kind share --holder {name} --reference {made} "{name} {made}"'
        assert typed in ended.stderr


def test_a_holder_is_replaced_after_a_drill(holders: dict[str, Path], tmp_path: Path) -> None:
    with stage(tmp_path / "data", "en", 1) as ministry:
        first = given(
            ministry, "custody", "split", "--threshold", "2", *_cards(holders, "GARDE-A", "GARDE-B")
        )
        done(ministry, "custody", "drill", *_shares(first, holders, "GARDE-A", "GARDE-B"))
        refused(ministry, "SHARES_TOO_FEW", "custody", "drill", *_shares(first, holders, "GARDE-A"))
        refused(
            ministry,
            "SHARES_WITHOUT_IDENTITIES",
            *("custody", "drill", *_shares(first, holders, "GARDE-A"), "--share", "more"),
            status=2,
        )
        refused(
            ministry,
            "SPLITTING_REFUSED",
            *("custody", "resplit", "--threshold", "3", *_cards(holders, "GARDE-A", "GARDE-C")),
            *_shares(first, holders, "GARDE-A", "GARDE-B"),
        )
        second = given(
            ministry,
            *("custody", "resplit", "--threshold", "2", *_cards(holders, "GARDE-A", "GARDE-C")),
            *_shares(first, holders, "GARDE-A", "GARDE-B"),
        )
        kept = tmp_path / "old.share"
        kept.write_bytes(Path(second[0]["share"]).read_bytes())
        done(ministry, "custody", "drill", *_shares(second, holders, "GARDE-A", "GARDE-C"))
        assert [share["holder"] for share in second] == ["GARDE-A", "GARDE-C"]
        assert not Path(first[0]["share"]).exists()
        state = done(ministry, "custody", "seal", language="en").splitlines()
        assert state[1] == "2 of 2 holders open: GARDE-A, GARDE-C"
