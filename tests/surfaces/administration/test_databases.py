"""A database that is lost, empty, of a later release, or moved with its folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cipher_service.administration.founding import found_installation, planned
from cipher_service.settings import Settings
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.engine import open_engine, open_existing
from cipher_service.storage.unit_of_work import unit_of_work
from tests.support import postgres
from tests.support.ports import free_port
from tests.surfaces.api.live import serving


@pytest.fixture
def installation(tmp_path: Path) -> Settings:
    port = free_port()
    settings = planned(
        tmp_path / "data",
        host="127.0.0.1",
        port=port,
        workers=1,
        issuer=f"http://127.0.0.1:{port}",
    )
    found_installation(settings)
    return settings


def _run(data: Path, *typed: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cipher_service", "--lang", "fr", "--data", str(data), *typed],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["serve", "migrate", "check"])
def test_a_lost_database_is_never_replaced_by_an_empty_one(
    installation: Settings, command: str
) -> None:
    database = installation.data / "ministry.db"
    database.unlink()
    ended = _run(installation.data, command)
    assert ended.returncode == 1
    assert "DATABASE_MISSING" in ended.stderr
    assert not database.exists()


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_an_empty_database_is_not_taken_for_the_installations(
    installation: Settings, command: str
) -> None:
    database = installation.data / "ministry.db"
    database.write_bytes(b"")
    ended = _run(installation.data, command)
    assert ended.returncode == 1
    assert "DATABASE_EMPTY" in ended.stderr


@pytest.mark.parametrize("command", ["serve", "migrate"])
def test_a_later_releases_database_is_left_alone(installation: Settings, command: str) -> None:
    engine = open_existing(installation.database)
    with unit_of_work(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    ended = _run(installation.data, command)
    assert ended.returncode == 1
    assert "DATABASE_NEWER" in ended.stderr


def test_a_folder_that_is_moved_still_finds_its_own_custodian(
    installation: Settings, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    shutil.move(installation.data, moved)
    settings = Settings.load(moved)
    assert settings.custodian == f"worker:{moved}/run/custodian.sock"
    assert _run(moved, "check").returncode == 0


def test_a_service_that_cannot_start_says_which_process(installation: Settings) -> None:
    (installation.data / "custodian.credential").unlink()
    ended = _run(installation.data, "serve")
    assert ended.returncode == 3
    assert "START_FAILED" in ended.stderr
    assert "custodian" in ended.stderr


def test_a_second_service_on_the_same_database_does_not_start(installation: Settings) -> None:
    port = free_port()
    copy = installation.data.parent / "copy"
    shutil.copytree(installation.data, copy, ignore=shutil.ignore_patterns("*.sock"))
    text = (copy / "service.toml").read_text("utf-8")
    text = text.replace(f"port = {installation.port}", f"port = {port}")
    text = text.replace('database_url = ""', f'database_url = "{installation.database}"')
    (copy / "service.toml").write_text(text, "utf-8")
    with serving(installation):
        ended = _run(copy, "serve")
    assert ended.returncode == 3
    assert "registrar" in ended.stderr


def test_a_database_in_use_is_refused_before_anything_is_founded(
    postgres_cluster: postgres.Cluster, tmp_path: Path
) -> None:
    url, data = postgres_cluster.fresh(), tmp_path / "data"
    engine = open_engine(url)
    with unit_of_work(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE somebodys (own TEXT)")
    ended = _run(data, "init", "--database", url)
    assert (ended.returncode, "DATABASE_IN_USE" in ended.stderr) == (1, True)
    assert not data.exists()
    with unit_of_work(engine) as connection:
        connection.exec_driver_sql("DROP TABLE somebodys")
    assert _run(data, "init", "--database", url).returncode == 0
    again = _run(tmp_path / "other", "init", "--database", url)
    assert (again.returncode, (tmp_path / "other").exists()) == (1, False)
    engine.dispose()


def test_a_database_that_does_not_answer_leaves_nothing_founded(tmp_path: Path) -> None:
    data = tmp_path / "data"
    nowhere = f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/nothing"
    ended = _run(data, "init", "--database", nowhere)
    assert (ended.returncode, "DATABASE_UNAVAILABLE" in ended.stderr) == (3, True)
    assert not data.exists()


@pytest.mark.parametrize(
    ("typed", "port"),
    [
        ((), 8470),
        (("--issuer", "http://127.0.0.1:9321"), 9321),
        (("--issuer", "https://chiffre.example.org:9321"), 8470),
        (("--issuer", "http://127.0.0.1:9321", "--port", "9322"), 9322),
    ],
)
def test_it_listens_where_its_address_says(tmp_path: Path, typed: tuple[str], port: int) -> None:
    assert _run(tmp_path / "data", "init", *typed).returncode == 0
    assert Settings.load(tmp_path / "data").port == port


@pytest.mark.parametrize("issuer", ["127.0.0.1:8470", "http://", "http://x:99999", "ftp://x"])
def test_what_is_no_address_founds_nothing(tmp_path: Path, issuer: str) -> None:
    ended = _run(tmp_path / "data", "init", "--issuer", issuer)
    assert (ended.returncode, "ISSUER_INVALID" in ended.stderr) == (2, True)
    assert not (tmp_path / "data").exists()


def test_what_belongs_to_no_dispatch_is_swept_once_it_is_old(installation: Settings) -> None:
    blobs = Blobs(installation.data)
    orphans = []
    for content in (b"refused long ago", b"about to be recorded"):
        with blobs.spool() as spool:
            spool.write(content)
            orphans.append(blobs.path(spool.keep().sha256))
    left = installation.data / "spool" / f"{'ab' * 16}.part"
    left.write_bytes(b"of a killed process")
    for path in (orphans[0], left):
        os.utime(path, (0, 0))
    assert _run(installation.data, "check").returncode == 0
    assert all(path.exists() for path in (*orphans, left))
    swept = _run(installation.data, "check", "--sweep")
    assert (swept.returncode, "Restes effacés : 2" in swept.stderr) == (0, True)
    assert [path.exists() for path in (*orphans, left)] == [False, True, False]
