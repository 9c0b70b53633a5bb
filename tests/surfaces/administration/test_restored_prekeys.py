"""A store restored from before an opening has the prekey that went then: nobody gets it again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from cipher_service import clock
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage, chiffre, stage
from cipher_service.audit.journal import Journal
from cipher_service.directory import prekeys
from cipher_service.dispatches.prekeys import LOW, BureauPrekeys
from cipher_service.references import new_id
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables.prekeys import prekey
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.prekeys import StockFile
from keys.custody.store import read_credential
from tests.surfaces.administration.running import done, given, run
from tests.surfaces.api.test_processes import eventually

NAMES = ("GARDE-A", "GARDE-B")
MESSAGE = "Sous une préclé du Bureau.\n"


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "data", "en", 1) as on:
        on.introduce({"PARIS": on.enrol("PARIS")})
        yield on


def _ids(settings: Settings, state: str | None = None) -> set[str]:
    engine = open_engine(settings.database)
    try:
        with reading(engine) as connection:
            rows = select(prekey.c.prekey_id)
            if state is not None:
                rows = rows.where(prekey.c.state == state)
            return set(connection.scalars(rows))
    finally:
        engine.dispose()


def _spent(settings: Settings) -> int:
    credential = read_credential(settings.custodian_credential)
    stock = StockFile(settings.custodian_store, credential).read()
    return 0 if stock is None else stock.spent


def _written(on: Stage, folder: Path) -> str:
    """Have PARIS write under a prekey; return the dispatch."""
    eventually(lambda: len(_ids(on.settings, "free")) >= LOW)
    text = folder / "texte.txt"
    text.write_text(MESSAGE, "utf-8")
    sending = ("send", "--identity", on.identity("PARIS"), "--to", "MINREX", "--level", "SECRET")
    number = str(chiffre("en", *sending, str(text))["id"])
    assert len(_ids(on.settings, "taken")) == 1
    # The service makes more as soon as one is taken: a backup of before that would have fewer.
    eventually(lambda: len(_ids(on.settings, "free")) >= LOW)
    return number


def _backed_up(on: Stage, folder: Path) -> tuple[str, list[str]]:
    """Make a backup; return its path, and what opens it."""
    for name in NAMES:
        new = ("identity", "new", "--post", name, "--out", str(folder / name))
        chiffre("en", *new, "--no-passphrase")
    cards = [word for name in NAMES for word in ("--holder", str(folder / name / f"{name}.card"))]
    said = done(on, "backup", "key", "--threshold", "2", *cards, language="en")
    shares = [word for word in said.split() if word.endswith(".share")]
    opening = [
        word
        for share in shares
        for word in ("--share", share, "--identity", str(folder / Path(share).stem))
    ]
    return given(on, "backup", "make", "--out", str(folder / "backups"))["path"], opening


def test_what_a_backup_has_is_given_to_nobody_again_and_opens_what_is_on_its_way(
    ministry: Stage, tmp_path: Path
) -> None:
    number = _written(ministry, tmp_path)
    backup, opening = _backed_up(ministry, tmp_path)
    before = _ids(ministry.settings)
    done(ministry, "bureau", "open", number, "-o", str(tmp_path / "opened"))
    eventually(lambda: _spent(ministry.settings) == 1)

    fresh = tmp_path / "anew"
    ended = run("--data", str(fresh), "restore", backup, *opening)
    assert ended.returncode == 0, ended.stderr
    settings = Settings.load(fresh)
    with (fresh / "service.toml").open("a", encoding="utf-8") as file:
        file.write(f'custodian = "file:{settings.custodian_store}"\n')
    settings = Settings.load(fresh)
    assert _spent(settings) == 0, "the store is of before the opening"
    assert _ids(settings) == before
    assert _ids(settings, "free") == set()

    reading_it = ("bureau", "open", number, "-o", str(tmp_path / "again"))
    ended = run("--data", str(fresh), *reading_it)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "again" / "message.txt").read_text("utf-8") == MESSAGE
    _require_new_ones(settings, before)


def _require_new_ones(settings: Settings, before: set[str]) -> None:
    """New mail leaves under no prekey that the backup had, only under those made since."""
    engine = open_engine(settings.database)
    with custodian_of(settings) as custodian:
        card, now = custodian.card().fingerprint, clock.now()

        def given_to(sender: str) -> list[bytes]:
            with unit_of_work(engine) as connection:
                return prekeys.give(connection, sender, new_id(now), [card], now)

        assert given_to("PARIS") == given_to("LOME") == []
        journal = Journal(engine, settings.log_origin, "service")
        assert BureauPrekeys(engine, custodian, settings.headquarters, journal).top_up()
        made = _ids(settings) - before
        assert len(made) == LOW
        assert _ids(settings, "free") == made
        offers = [*given_to("PARIS"), *given_to("LOME")]
    engine.dispose()
    assert len(set(offers)) == 2
    assert len(made - _ids(settings, "free")) == 2
