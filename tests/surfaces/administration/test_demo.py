"""The demonstration, as a newcomer runs it."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from cipher_service.administration.demo import POSTS
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.play import Reading, play_on
from cipher_service.administration.stage import stage
from cipher_service.administration.telegrams import shipped
from cipher_service.identity.demonstration import Demonstration
from cipher_service.settings import Settings

pytestmark = pytest.mark.slow


def _run(*typed: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "LC_ALL": "fr_FR.UTF-8", "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-m", "cipher_service", *typed],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def _processes_naming(folder: Path) -> list[str]:
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().decode("utf-8", "replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


def test_the_demonstration_exchanges_everything_and_leaves_no_process(tmp_path: Path) -> None:
    data = tmp_path / "kept"
    ended = _run("demo", "--keep", str(data))
    assert ended.returncode == 0, ended.stderr
    count = len(shipped())
    last = ended.stdout.splitlines()[-1]
    assert last == f"{count}/{count} dispatches exchanged, 0 differences"
    assert "UNKNOWN_SENDER" in ended.stdout
    settings = Settings.load(data)
    with custodian_of(settings, f"file:{settings.custodian_store}") as custodian:
        roll = json.loads(custodian.officers())
    assert len(roll["officers"]) == len(Demonstration.of(settings).people())
    assert {len(officer["passkeys"]) for officer in roll["officers"]} == {2}
    assert _processes_naming(data) == []


def test_the_console_stays_open_until_it_is_ended(tmp_path: Path) -> None:
    corpus, info, data = tmp_path / "corpus", tmp_path / "info.json", tmp_path / "data"
    corpus.mkdir()
    (corpus / "one.json").write_text(json.dumps({"id": "one", "body": "Bonjour"}), "utf-8")
    typed = ["demo", "--console", "--corpus", str(corpus), "--keep", str(data), "--info", str(info)]
    with subprocess.Popen(
        [sys.executable, "-m", "cipher_service", "--lang", "en", *typed],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and not info.exists():
            time.sleep(0.2)
        told = json.loads(info.read_text("utf-8"))
        with httpx.Client(base_url=told["url"], trust_env=False, timeout=60) as http:
            link = told["links"]["CIPHER-CLERK"]
            entered, again = http.get(link), http.get(link)
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=120)[0].splitlines()
    assert {"AUDITOR", "MINISTER", "SECURITY-OFFICER", "HEAD-OF-POST"} <= set(told["links"])
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert "__Host-session=" in entered.headers["set-cookie"]
    assert again.status_code == 410
    assert "1/1 dispatches exchanged, 0 differences" in said
    assert process.returncode == 0
    assert info.stat().st_mode & 0o077 == 0
    assert _processes_naming(data) == []


def test_a_telegram_of_ones_own_is_played_byte_for_byte(tmp_path: Path) -> None:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    body = "Œuvre, naïveté — 1 250 000 €\r\nsans fin de ligne"
    (corpus / "one.json").write_text(json.dumps({"id": "one", "body": body}), "utf-8")
    data = tmp_path / "kept"
    ended = _run("demo", "--keep", str(data), "--corpus", str(corpus))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines()[-1] == "1/1 dispatches exchanged, 0 differences"
    [text] = (data / "read").glob("*/*/message.txt")
    assert text.read_bytes() == body.encode()


def test_a_difference_is_counted_and_named(tmp_path: Path) -> None:
    """A demonstration that could not fail would show nothing."""
    telegram = shipped()[0]
    with stage(tmp_path / "data", "en", 1) as on:
        on.introduce({post: on.enrol(post) for post in POSTS[:2]})
        told: dict[str, Reading] = {}
        with play_on(on, POSTS[:2]) as play:
            sending = play.send(telegram)
            other = replace(sending, telegram=replace(telegram, body=telegram.body + b" "))
            assert play.read([other], told.__setitem__) == 0
    assert any(outcome.differences == [telegram.identifier] for outcome in told.values())


@pytest.mark.parametrize("content", [None, "not json"])
def test_an_unreadable_corpus_is_named_before_anything_is_founded(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "broken.json").write_text(content, "utf-8")
    ended = _run("demo", "--corpus", str(tmp_path))
    assert ended.returncode == 1
    assert "CORPUS_UNREADABLE" in ended.stderr
