"""A console for an installation that was founded without one."""

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from cipher_service.administration import adding_console
from cipher_service.administration.founding import found_installation, planned
from cipher_service.administration.installation import installation_at
from cipher_service.settings import Settings
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading
from keys.passkeys import RelyingParty
from tests.surfaces.administration.running import run

ADD = ("console", "add", "--console-port")


@pytest.fixture
def older(tmp_path: Path) -> Settings:
    """An installation as it was founded before it had a console."""
    settings = planned(
        tmp_path / "data",
        host="127.0.0.1",
        port=8470,
        workers=1,
        issuer="http://127.0.0.1:8470",
    )
    found_installation(settings)
    return settings


def refused(settings: Settings, code: str, *typed: str, status: int = 1) -> None:
    ended = run("--data", str(settings.data), *ADD, *typed)
    assert (ended.returncode, f"({code})" in ended.stderr) == (status, True), ended.stderr


def test_an_older_installation_gets_a_console_once_and_the_log_says_so(older: Settings) -> None:
    assert "console add" in run("--data", str(older.data), "officers", "link", "OFF-1").stderr
    ended = run("--data", str(older.data), *ADD, "8471")
    assert ended.returncode == 0, ended.stderr
    assert "http://localhost:8472" in ended.stdout
    now = Settings.load(older.data)
    assert (now.console_port, now.approval_port) == (8471, 8472)
    assert now.console_origin == "http://localhost:8471"
    # Whatever else it was founded with is as before.
    ports = replace(now, console_port=0, approval_port=0)
    assert replace(ports, console_origin="", approval_origin="") == older
    with installation_at(now) as on, reading(on.engine) as connection:
        told = connection.execute(
            select(audit_entry.c.outcome, audit_entry.c.resource).where(
                audit_entry.c.action == "console_add"
            )
        ).all()
    assert [tuple(row) for row in told] == [("done", now.console_origin)]
    refused(older, "CONSOLE_THERE", "8481")
    assert Settings.load(older.data) == now


def test_what_browsers_or_the_api_could_not_use_is_refused_and_nothing_written(
    older: Settings,
) -> None:
    before = (older.data / "service.toml").read_bytes()
    refused(older, "SETTINGS_INVALID", "8470")  # the API listens there
    refused(older, "SETTINGS_INVALID", "8471", "--approval-port", "8471")
    refused(older, "SETTINGS_INVALID", "70000")
    refused(older, "SETTINGS_INVALID", "8471", "--console-origin", "http://bureau.example")
    refused(older, "PORT_MISSING", "0", status=2)
    assert (older.data / "service.toml").read_bytes() == before


def test_officers_who_sign_elsewhere_would_have_no_key_for_it(
    older: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the custodian's founding ceremony fixed stands in its roll for life."""
    roll = RelyingParty("bureau.example", ("https://bureau.example",))
    monkeypatch.setattr(adding_console, "party_of_officers", lambda _installation: roll)
    refused(older, "CONSOLE_OF_OTHER_KEYS", "8471")
    fitting = ("--console-origin", "https://bureau.example", "--approval-port", "8473")
    ended = run(
        *("--data", str(older.data), *ADD, "8471", *fitting),
        *("--approval-origin", "https://bureau.example"),
    )
    assert ended.returncode == 0, ended.stderr
