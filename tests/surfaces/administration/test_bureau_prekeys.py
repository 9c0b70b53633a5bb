"""What comes to headquarters under one-time prekeys: opened, kept, and by no key alone."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select, update

from cipher_service import clock
from cipher_service.administration.stage import Stage, chiffre, stage
from cipher_service.dispatches.prekeys import LOW
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables.dispatches import dispatch, service_message
from cipher_service.storage.tables.headquarters import kept_header
from cipher_service.storage.tables.prekeys import prekey
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.prekeys import StockFile
from keys.custody.store import read_credential
from tests.surfaces.administration.running import done, refused

PATIENCE = 30.0


@pytest.fixture
def ministry(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path / "data", "en", 1) as on:
        on.introduce({post: on.enrol(post) for post in ("PARIS", "LOME")})
        yield on


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.1)


class Books:
    """The ministry's database, looked into and damaged."""

    def __init__(self, on: Stage) -> None:
        self.engine = open_engine(on.settings.database)

    def free(self) -> int:
        with reading(self.engine) as connection:
            query = select(func.count()).select_from(prekey)
            return connection.scalar(query.where(prekey.c.state == "free")) or 0

    def kept(self) -> int:
        with reading(self.engine) as connection:
            return connection.scalar(select(func.count()).select_from(kept_header)) or 0

    def asked(self) -> int:
        with reading(self.engine) as connection:
            return connection.scalar(select(func.count()).select_from(service_message)) or 0

    def newest(self) -> str:
        with reading(self.engine) as connection:
            return str(
                connection.scalar(
                    select(dispatch.c.dispatch_id).order_by(dispatch.c.seq.desc()).limit(1)
                )
            )


@pytest.fixture
def books(ministry: Stage) -> Iterator[Books]:
    found = Books(ministry)
    _until(lambda: found.free() >= LOW)
    yield found
    found.engine.dispose()


def _written(on: Stage, books: Books, folder: Path, message: str, by: str = "PARIS") -> str:
    text = folder / "texte.txt"
    text.write_text(message, "utf-8")
    words = ("--identity", on.identity(by), "--to", "MINREX", "--level", "SECRET")
    chiffre("en", "send", *words, str(text))
    return books.newest()


def _spent(on: Stage) -> int:
    store, credential = on.settings.custodian_store, on.settings.custodian_credential
    stock = StockFile(store, read_credential(credential)).read()
    return 0 if stock is None else stock.spent


def test_headquarters_reads_again_what_came_under_a_prekey_that_is_gone(
    ministry: Stage, books: Books, tmp_path: Path
) -> None:
    free = books.free()
    number = _written(ministry, books, tmp_path, "Sous préclé.\n")
    assert books.free() == free - 1
    for time_of in ("first", "second"):
        done(ministry, "bureau", "open", number, "-o", str(tmp_path / time_of))
        assert (tmp_path / time_of / "message.txt").read_text("utf-8") == "Sous préclé.\n"
    _until(lambda: books.kept() == 1 and _spent(ministry) == 1)

    done(ministry, "bureau", "open", number, "-o", str(tmp_path / "third"))
    assert (tmp_path / "third" / "message.txt").read_text("utf-8") == "Sous préclé.\n"


def test_a_prekey_given_twice_is_refused_reported_and_sent_again_under_the_edition_key(
    ministry: Stage, books: Books, tmp_path: Path
) -> None:
    first = _written(ministry, books, tmp_path, "Première.\n")
    done(ministry, "bureau", "open", first, "-o", str(tmp_path / "first"))
    _until(lambda: _spent(ministry) == 1)
    with unit_of_work(books.engine) as connection:
        again = update(prekey).where(prekey.c.taken_for == first)
        connection.execute(
            again.values(
                state="free", taken_for="x", expires=clock.text(clock.now() + timedelta(days=1))
            )
        )
    second = _written(ministry, books, tmp_path, "Seconde.\n")
    refused(ministry, "PREKEY_USED", "bureau", "open", second, "-o", str(tmp_path / "refused"))
    assert not (tmp_path / "refused").exists()

    _until(lambda: books.asked() == 1)
    paris = ministry.identity("PARIS")
    chiffre("en", "fetch", "--identity", paris, "--all", "-o", str(tmp_path / "paris"))
    third = books.newest()
    assert third not in {first, second}
    done(ministry, "bureau", "open", third, "-o", str(tmp_path / "third"))
    assert (tmp_path / "third" / "message.txt").read_text("utf-8") == "Seconde.\n"
    assert (books.asked(), _spent(ministry)) == (1, 1)


def test_without_what_was_kept_it_opens_no_more(
    ministry: Stage, books: Books, tmp_path: Path
) -> None:
    number = _written(ministry, books, tmp_path, "Une fois.\n", by="LOME")
    done(ministry, "bureau", "open", number, "-o", str(tmp_path / "first"))
    _until(lambda: _spent(ministry) == 1)
    with unit_of_work(books.engine) as connection:
        connection.execute(delete(kept_header))
    refused(ministry, "PREKEY_USED", "bureau", "open", number, "-o", str(tmp_path / "again"))
