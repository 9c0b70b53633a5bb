"""The founding ceremony at the custodian's terminal: whole, interrupted, and with wrong people."""

import json
import os
import re
import runpy
import subprocess
import sys
from base64 import urlsafe_b64decode
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.custody import ceremony, ceremony_words, open_custodian
from keys.custody.ceremony import main
from keys.custody.ceremony_words import explain, phrase
from keys.custody.roll import Officer, Roll
from keys.custody.roll_file import RollFile
from keys.custody.store import read_credential
from tests.keys.custody.conftest import Founded
from tests.support.authenticator import HONEST, MODEL, Alterations, Maker, SecurityKey
from tests.support.dying import die_at
from tests.support.officers import (
    GENERAL,
    PARTY,
    SECURITY,
    Ministry,
    admission,
    found_ministry,
    whole_now,
)

PERSONS = {SECURITY: "SECURITY-OFFICER", GENERAL: "SECRETARY-GENERAL"}


class Terminal:
    """The custodian's terminal, with a security key beside it."""

    def __init__(self, founded: Founded, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
        self.founded = founded
        self.maker = Maker()
        self.keys: dict[str, tuple[SecurityKey, ...]] = {}
        self.said = self.complaint = ""
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.root = founded.store.parent / "root.pem"
        self.root.write_bytes(self.maker.root)

    def do(self, *words: str, answer: str | Callable[[], str] = "") -> int:
        place = ("--store", str(self.founded.store), "--credential", str(self.founded.credential))
        terminal = self

        class Input:
            def readline(self) -> str:
                terminal.said += terminal._capsys.readouterr().out
                return answer if isinstance(answer, str) else answer()

        self.said = ""
        self._monkeypatch.setattr(sys, "stdin", Input())
        status = main([*place, "--lang", "fr", *words])
        shown = self._capsys.readouterr()
        self.said, self.complaint = self.said + shown.out, shown.err
        return status

    def begin(self, party: str = PARTY.id) -> int:
        return self.do(
            *("begin", "--party", party, "--origin", PARTY.origins[0]),
            *("--root", str(self.root), "--model", MODEL),
        )

    def person(self, number: str, function: str) -> int:
        now = whole_now()
        return self.do(
            *("person", number, "--name", f"Agent {number}", "--function", function),
            *("--rank", "4", "--from", canonical.text_from_time(now - timedelta(days=1))),
            *("--until", canonical.text_from_time(now + timedelta(days=365))),
        )

    def key(
        self, number: str, key: SecurityKey | None = None, changes: Alterations = HONEST
    ) -> int:
        used = key or SecurityKey(self.maker)

        def answer() -> str:
            options = json.loads(self.said.splitlines()[-1])
            assert options["attestation"] == "direct"
            assert options["authenticatorSelection"]["userVerification"] == "required"
            challenge = urlsafe_b64decode(options["challenge"] + "==")
            return used.create(challenge, PARTY, changes).decode() + "\n"

        status = self.do("key", number, answer=answer)
        if status == 0:
            self.keys[number] = (*self.keys.get(number, ()), used)
        return status

    def enter_everybody(self) -> None:
        assert self.begin() == 0
        for number, function in PERSONS.items():
            assert self.person(number, function) == 0
            assert self.key(number) == 0
            assert self.key(number) == 0

    def close(self, misread: str = "") -> int:
        def answer() -> str:
            read = self.said.split(" : ")[1].splitlines()[0]
            return misread or read.upper() + "\n"

        return self.do("close", answer=answer)


@pytest.fixture
def terminal(
    founded: Founded, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    return Terminal(founded, monkeypatch, capsys)


def test_the_first_officers_admit_the_next_one(
    terminal: Terminal, founded: Founded, start_worker: Callable[..., Any]
) -> None:
    terminal.enter_everybody()
    assert terminal.close() == 0

    started = start_worker(founded, founded.store.parent / "custodian.sock")
    custodian = open_custodian(started.uri, lambda _: b"")
    roll = RollFile(founded.store, read_credential(founded.credential)).read()
    assert roll is not None
    ministry = Ministry(terminal.maker, roll, terminal.keys)
    act = admission(ministry.new_keys(custodian))
    ministry.signed(custodian, act, SECURITY)
    assert ministry.signed(custodian, act, GENERAL, key=1)["state"] == "executed"
    custodian.close()


def test_it_goes_on_where_it_was_interrupted(terminal: Terminal) -> None:
    """Every step may be done again; what was entered stays."""
    assert terminal.begin() == 0
    assert terminal.person(SECURITY, "SECURITY-OFFICER") == 0
    assert terminal.key(SECURITY) == 0
    named = f'--holder {SECURITY} --reference FOUNDING "passkey '
    assert f"cipher-service items enter --kind token {named}" in terminal.said
    assert terminal.do("key", SECURITY, answer="") == 1  # the power went before the key answered
    assert terminal.complaint.startswith("PASSKEY_INVALID\n")

    assert terminal.begin() == 0
    assert terminal.person(SECURITY, "SECURITY-OFFICER") == 0
    assert terminal.do("show") == 0
    assert re.search(rf"{SECURITY}  Agent {SECURITY}  SECURITY-OFFICER  4  1\n", terminal.said)


def test_killed_at_any_step_it_is_before_it_or_after_it_and_goes_on(terminal: Terminal) -> None:
    """Every step of every command: no roll half-written, nobody founded by half a ceremony."""
    file = RollFile(terminal.founded.store, read_credential(terminal.founded.credential))
    commands: list[Callable[[], int]] = [terminal.begin]
    for number, function in PERSONS.items():
        first, second = SecurityKey(terminal.maker), SecurityKey(terminal.maker)
        commands.append(partial(terminal.person, number, function))
        commands += [partial(terminal.key, number, first), partial(terminal.key, number, second)]
    commands.append(terminal.close)
    for command in commands:
        before = file.read()
        step = 1
        while _dies(terminal.founded.store, command, step):
            step += 1
            after = file.read()
            assert after == before or _words(after) == _words(before) + 1
            if after != before:
                break
        else:
            raise AssertionError("no kill came after the step that counts")
        # Done again after the kill that came after it, a step is done or says that it was.
        assert command() in {0, 1}
        assert file.read() == after or _words(file.read()) == _words(after)
    roll = file.read()
    assert roll is not None
    assert roll.founded
    assert {each: len(officer.passkeys) for each, officer in roll.officers.items()} == {
        SECURITY: 2,
        GENERAL: 2,
    }


def _words(roll: Roll | None) -> int:
    """How far a ceremony has come."""
    if roll is None:
        return 0
    keys = sum(len(officer.passkeys) for officer in roll.officers.values())
    return 1 + len(roll.officers) + keys + roll.founded


def _dies(store: Path, command: Callable[[], int], step: int) -> bool:
    """Whether the command was killed before its step on the disk, not done before that."""
    child = os.fork()
    if child == 0:
        try:
            die_at(store, step)
            os._exit(command())
        finally:
            os._exit(4)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert ended in {0, 9}
    return ended == 9


def test_for_another_party_it_begins_anew(terminal: Terminal) -> None:
    terminal.enter_everybody()
    assert terminal.begin("autre.example.cm") == 0
    assert terminal.do("show") == 0
    assert SECURITY not in terminal.said


def test_a_fingerprint_that_is_read_wrong_closes_nothing(terminal: Terminal) -> None:
    terminal.enter_everybody()
    assert terminal.close(misread="0000 1111\n") == 1
    assert terminal.complaint.startswith("FINGERPRINT_DIFFERS\n")
    assert terminal.close() == 0


def test_after_its_close_it_never_opens_again(terminal: Terminal) -> None:
    """Whoever reaches the terminal later adds nobody."""
    terminal.enter_everybody()
    assert terminal.close() == 0
    for status in (
        terminal.begin(),
        terminal.person("OFF-000009", "CIPHER-CLERK"),
        terminal.key(SECURITY),
        terminal.close(),
    ):
        assert status == 1
        assert terminal.complaint.startswith("OFFICERS_FOUNDED\n")
    assert terminal.do("show") == 0


@pytest.mark.parametrize(
    "missing", ["a second key", "a function", "everybody"], ids=lambda text: text
)
def test_it_closes_only_with_officers_who_can_go_on(terminal: Terminal, missing: str) -> None:
    assert terminal.begin() == 0
    if missing != "everybody":
        for number, function in PERSONS.items():
            assert (
                terminal.person(number, "CIPHER-CLERK" if "function" in missing else function) == 0
            )
            assert terminal.key(number) == 0
            assert (number == GENERAL and "key" in missing) or terminal.key(number) == 0
    assert terminal.do("close") == 1
    assert terminal.complaint.startswith("CEREMONY_INCOMPLETE\n")


def test_nothing_precedes_its_beginning(terminal: Terminal) -> None:
    for words in (["show"], ["close"], ["key", SECURITY]):
        assert terminal.do(*words) == 1
        assert terminal.complaint.startswith("CEREMONY_NOT_BEGUN\n")


def test_keys_go_to_persons_one_key_to_one_person(terminal: Terminal) -> None:
    terminal.enter_everybody()
    assert terminal.key("OFF-000099") == 1
    assert terminal.complaint.startswith("PERSON_UNKNOWN\n")
    assert terminal.key(GENERAL, terminal.keys[SECURITY][0]) == 1
    assert terminal.complaint.startswith("KEY_UNKNOWN\n")
    assert terminal.key(GENERAL, SecurityKey(Maker())) == 1
    assert terminal.key(GENERAL, changes=Alterations(flags=0x41)) == 1
    assert terminal.complaint.startswith("PASSKEY_UNVERIFIED\n")
    assert terminal.key(GENERAL) == 0
    assert terminal.key(GENERAL) == 0
    assert terminal.key(GENERAL) == 1
    assert terminal.complaint.startswith("PERSON_UNKNOWN\n")


def test_wrong_usage_and_a_failing_disk_are_told_apart(terminal: Terminal) -> None:
    assert terminal.begin("not a party") == 2
    terminal.root.unlink()
    assert terminal.begin() == 3


def test_it_runs_as_a_command(founded: Founded, monkeypatch: pytest.MonkeyPatch) -> None:
    place = ["--store", str(founded.store), "--credential", str(founded.credential)]
    done = subprocess.run(
        [sys.executable, "-m", "keys.custody.ceremony", "--lang", "en", *place, "show"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("CEREMONY_NOT_BEGUN\nThe founding ceremony was not begun.\n")

    monkeypatch.setattr(sys, "argv", ["ceremony", *place, "show"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(ceremony.__file__, run_name="__main__")
    assert ended.value.code == 1


def test_everything_that_it_refuses_has_its_words() -> None:
    """Every refusal that its source can raise, and those of what it calls."""
    source = Path(ceremony.__file__).read_text("utf-8")
    raised = {
        getattr(ceremony, name).code for name in re.findall(r"raise ([A-Z][A-Za-z]+)\(", source)
    }
    called = {
        *("PASSKEY_INVALID", "PASSKEY_UNVERIFIED", "PASSKEY_MODEL_REFUSED"),
        *("CUSTODY_STORE_INVALID", "CUSTODY_STORE_UNSAFE", "LEVEL_UNKNOWN"),
    }
    assert set(ceremony_words._FAILURES) == raised | called
    for code in raised | called:
        for language in ("fr", "en"):
            lines = explain(code, language).splitlines()
            assert len(lines) == 4
            assert all(lines)
    for name in ceremony_words._PHRASES:
        values = {"party": "P", "number": "N", "keys": "K", "fingerprint": "F"}
        values |= {"act": "A", "token": "T"}
        assert phrase(name, "fr", **values) != phrase(name, "en", **values)


def test_the_fingerprint_shows_every_change_of_persons_and_none_of_counters() -> None:
    roll = found_ministry(whole_now()).roll
    officer = roll.officers[SECURITY]

    def fingerprint(changed: Officer) -> str:
        return replace(roll, officers={**roll.officers, SECURITY: changed}).fingerprint

    used = tuple(replace(passkey, sign_count=9) for passkey in officer.passkeys)
    assert fingerprint(replace(officer, passkeys=used)) == roll.fingerprint
    for changed in (
        replace(officer, rank=3),
        replace(officer, revoked=True),
        replace(officer, name="Autre"),
        replace(officer, passkeys=officer.passkeys[:1]),
    ):
        assert fingerprint(changed) != roll.fingerprint
