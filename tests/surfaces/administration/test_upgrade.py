"""A ministry that an earlier release filled is brought to this one, works on, and can go back."""

import json
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config

from cipher_service.administration.stage import chiffre
from cipher_service.settings import Settings
from cipher_service.storage import migrations
from cipher_service.storage.unit_of_work import unit_of_work
from tests.support import postgres
from tests.support.earlier import SHAPE, Rows, engine_of, move_to, rows_of, unpack
from tests.surfaces.administration.running import run
from tests.surfaces.api.live import serving

pytestmark = pytest.mark.slow

LATER = '''"""What a release after this one might do to a database."""
from alembic import op
import sqlalchemy as sa
revision, down_revision = "9999_later", "{head}"
def upgrade():
    op.create_table("later", sa.Column("one", sa.Text, primary_key=True))
    op.add_column("dispatch", sa.Column("later", sa.Text))
    op.execute("UPDATE dispatch SET later = dispatch_id")
def downgrade():
    raise NotImplementedError("the way back is the backup made before")
'''


@pytest.fixture(params=["sqlite", "postgresql"])
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """The ministry as its release left it, on either database."""
    settings = unpack(tmp_path)
    if request.param == "postgresql":
        cluster: postgres.Cluster = request.getfixturevalue("postgres_cluster")
        settings = move_to(cluster.fresh(), settings)
    return settings


def _done(settings: Settings, *typed: str) -> str:
    ended = run("--data", str(settings.data), *typed, language="en")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def _given(settings: Settings) -> dict[str, Any]:
    """What may never be given again, and how long the log is."""
    with engine_of(settings) as engine:
        rows = rows_of(engine)
    registers = sorted((row["register_year"], row["register_number"]) for row in rows["dispatch"])
    series = [(row["post"], row["epoch"], row["number"]) for row in rows["allotted"]]
    return {"registers": registers, "series": series, "log": len(rows["audit_entry"])}


def _require_kept(before: Rows, after: Rows) -> None:
    for table, rows in before.items():
        assert table in after, f"{table} is gone"
        names = set(rows[0]) if rows else set()
        kept = [{name: row.get(name) for name in names} for row in after[table]]
        assert len(kept) == len(rows), table
        for row in rows:
            assert row in kept, f"{table} changed"


def test_everything_is_kept_and_the_posts_go_on(earlier: Settings, tmp_path: Path) -> None:
    refused = run("--data", str(earlier.data), "serve", language="en")
    assert (refused.returncode, "(DATABASE_NOT_CURRENT)" in refused.stderr) == (1, True), (
        refused.stderr
    )
    with engine_of(earlier) as engine:
        assert migrations.version(engine) == SHAPE
        before = rows_of(engine)
    assert len(before["dispatch"]) == 8
    assert before["pouch_event"]
    assert before["allotted"]
    _done(earlier, "migrate")
    with engine_of(earlier) as engine:
        assert migrations.is_current(engine)
        _require_kept(before, rows_of(engine))
    _done(earlier, "check")
    given = _given(earlier)
    _go_on(earlier, tmp_path)
    _require_numbered_on(given, _given(earlier), dispatches=3)
    _done(earlier, "check")


def _go_on(settings: Settings, folder: Path) -> None:
    """Both posts read what waited, write, and follow the log on; headquarters reads and writes."""
    text = folder / "texte.txt"
    text.write_text("Après la mise à niveau.\n", "utf-8")
    paris, lome = (str(settings.data / "posts" / code) for code in ("PARIS", "LOME"))
    with serving(settings):
        waiting = chiffre("en", "inbox", "--identity", paris, "--new")
        assert len(waiting) >= 3  # what the earlier release took in for it
        chiffre("en", "fetch", "--identity", paris, "--all", "--decipher", "-o", str(folder / "p"))
        assert len(list((folder / "p").glob("*/message.txt"))) == len(waiting)
        to = ("--level", "SECRET", str(text))
        sent = chiffre("en", "send", "--identity", paris, "--to", "LOME", *to)
        home = chiffre("en", "send", "--identity", lome, "--to", "MINREX", *to)
        chiffre(
            "en", "fetch", "--identity", lome, sent["id"], "--decipher", "-o", str(folder / "l")
        )
        _done(settings, "bureau", "open", home["id"], "-o", str(folder / "h"))
        people = ("--drafter", "A. Ndongo", "--authority", "SG")
        _done(settings, "bureau", "send", "--to", "LOME", *people, *to)
        chiffre("en", "sync", "--identity", lome)
    for name in ("l", "h"):
        (read,) = (folder / name).rglob("message.txt")
        assert read.read_bytes() == text.read_bytes()


def _require_numbered_on(given: dict[str, Any], now: dict[str, Any], *, dispatches: int) -> None:
    assert set(given["registers"]) < set(now["registers"])
    assert len(set(now["registers"])) == len(now["registers"])
    new = sorted(set(now["registers"]) - set(given["registers"]))
    assert len(new) == dispatches
    assert min(new) > max(given["registers"])
    assert len(set(now["series"])) == len(now["series"]) > len(given["series"])
    assert now["log"] > given["log"]


def _opening(folder: Path) -> list[str]:
    holders = folder / "holders"
    return [
        word
        for name in ("GARDE-A", "GARDE-B")
        for word in ("--share", str(holders / f"{name}.share"), "--identity", str(holders / name))
    ]


def test_a_backup_of_the_earlier_release_opens_in_this_one(tmp_path: Path) -> None:
    before = unpack(tmp_path)
    (backup,) = (tmp_path / "backups").glob("*.backup")
    given = _given(before)
    fresh = tmp_path / "anew"
    ended = run("--data", str(fresh), "restore", str(backup), *_opening(tmp_path), language="en")
    assert ended.returncode == 0, ended.stderr
    restored = Settings.load(fresh)
    _done(restored, "check")
    # All but the last dispatch, which was made after the backup.
    assert _given(restored)["registers"] == given["registers"][:-1]


def test_what_a_later_release_upgraded_is_left_by_the_backup_made_before(tmp_path: Path) -> None:
    """Runbook `restore`, §7: there is no way back on the same database, and one on a new one."""
    settings = unpack(tmp_path)
    _done(settings, "migrate")
    made = json.loads(_done(settings, "backup", "make", "--out", str(tmp_path / "b"), "--json"))
    given = _given(settings)
    _upgrade_beyond(settings, tmp_path)
    for word in ("serve", "migrate"):
        refused = run("--data", str(settings.data), word, language="en")
        assert (refused.returncode, "(DATABASE_NEWER)" in refused.stderr) == (1, True)

    back = tmp_path / "went-back"
    restore = ("--data", str(back), "restore", made["path"], *_opening(tmp_path))
    ended = run(*restore, language="en")
    assert ended.returncode == 0, ended.stderr
    restored = Settings.load(back)
    assert _given(restored)["registers"] == given["registers"]
    _done(restored, "check")
    text, paris = tmp_path / "texte.txt", str(settings.data / "posts" / "PARIS")
    text.write_text("Après le retour.\n", "utf-8")
    to = ("--to", "LOME", "--level", "SECRET", str(text))
    with serving(restored):
        chiffre("en", "send", "--identity", paris, *to)
        _done(restored, "bureau", "send", "--drafter", "A. Ndongo", "--authority", "SG", *to)
    new = set(_given(restored)["registers"]) - set(given["registers"])
    assert len(new) == 2
    assert min(new) > max(given["registers"])
    _done(restored, "check")


def _upgrade_beyond(settings: Settings, folder: Path) -> None:
    """Do what a later release's `migrate` does: one version more, over the filled tables."""
    own = Path(migrations.__file__).parent
    later = folder / "later"
    later.mkdir()
    config = Config()
    config.set_main_option("script_location", str(own))
    config.set_main_option("version_locations", f"{own / 'versions'} {later}")
    config.set_main_option("path_separator", "space")
    with engine_of(settings) as engine:
        head = migrations.version(engine)
        (later / "9999_later.py").write_text(LATER.format(head=head), "utf-8")
        with unit_of_work(engine) as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        assert migrations.is_newer(engine)
