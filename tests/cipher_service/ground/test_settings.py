from dataclasses import replace
from pathlib import Path

import pytest

from cipher_service.errors import ServiceError
from cipher_service.settings import Settings, SettingsInvalid

GOOD = 'headquarters = "MINREX"\nissuer = "http://127.0.0.1:8470/"\n'


def test_what_is_written_is_read_again_and_private(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text(GOOD, "utf-8")
    settings = Settings.load(tmp_path)
    settings.write()
    assert Settings.load(tmp_path) == settings
    assert settings.issuer == "http://127.0.0.1:8470"
    assert settings.workers == 2
    assert not settings.certificates_demanded
    strict = replace(settings, certificates_demanded=True, production=True)
    strict.write()
    assert Settings.load(tmp_path) == strict
    (tmp_path / "service.toml").unlink()
    settings.write()
    assert (tmp_path / "service.toml").stat().st_mode & 0o777 == 0o600


def test_everything_lives_in_the_data_folder(tmp_path: Path) -> None:
    (tmp_path / "service.toml").write_text(GOOD, "utf-8")
    settings = Settings.load(tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/ministry.db"
    for place in (
        settings.registrar_socket,
        settings.custodian_store,
        settings.custodian_credential,
    ):
        assert place.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        'headquarters = ""\nissuer = "x"',
        GOOD + "port = 0",
        GOOD + "port = 70000",
        GOOD + "port = true",
        GOOD + 'workers = "2"',
        GOOD + "host = 1",
        "[[",
    ],
)
def test_a_broken_setting_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "service.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsInvalid, match=r"service\.toml"):
        Settings.load(tmp_path)


def test_production_takes_no_console_without_tls(tmp_path: Path) -> None:
    text = GOOD + (
        'console_port = 1\napproval_port = 2\nconsole_origin = "{0}:1"\n'
        'approval_origin = "{0}:2"\nproduction = true\n'
    )
    file = tmp_path / "service.toml"
    file.write_text(text.format("http://localhost"), "utf-8")
    with pytest.raises(SettingsInvalid, match="https"):
        Settings.load(tmp_path)
    file.write_text(text.format("https://chiffre.example.cm"), "utf-8")
    assert Settings.load(tmp_path).production


def test_a_folder_without_settings_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="does not exist"):
        Settings.load(tmp_path)


def test_a_refusal_shows_its_code_and_facts() -> None:
    assert str(ServiceError("UNKNOWN_POST", post="PARIS")) == "UNKNOWN_POST (post=PARIS)"
    assert str(ServiceError("BUSY")) == "BUSY"


@pytest.mark.parametrize(
    ("approval", "serves"),
    [
        ("https://bureau.example:8443", True),
        ("https://signature.bureau.example", True),
        ("https://example", False),
        ("https://otherbureau.example", False),
        ("https://bureau.example.evil.example", False),
    ],
)
def test_the_page_where_officers_sign_stands_under_the_consoles_name(
    tmp_path: Path, approval: str, serves: bool
) -> None:
    ports = "console_port = 8471\napproval_port = 8472\n"
    origins = f'console_origin = "https://bureau.example"\napproval_origin = "{approval}"\n'
    (tmp_path / "service.toml").write_text(GOOD + ports + origins, "utf-8")
    if serves:
        assert Settings.load(tmp_path).party_id == "bureau.example"
        return
    with pytest.raises(SettingsInvalid, match="approval_origin"):
        Settings.load(tmp_path)
