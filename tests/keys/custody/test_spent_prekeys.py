"""Prekeys that are spent: what was opened stays readable there, and to no later thief."""

import io
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.age.files import open_age, open_file_key
from keys.age.header import Header
from keys.age.hybrid import HybridKey
from keys.custody import Bureau, prekeys
from keys.custody.core import Custody
from keys.custody.errors import PrekeyNotKept
from keys.custody.prekeys import StockFile
from keys.custody.store import open_store, read_credential
from keys.errors import NotAddressed
from keys.prekeys import PrekeyUsed
from tests.support.dying import killed_at
from tests.support.prekeys import PrekeyDesk, header_of, made_prekeys, read_at, written_under


def opened_again(founded: Any) -> Custody:
    return open_store(founded.store, read_credential(founded.credential))


def test_what_officers_opened_under_a_prekey_stays_readable_once_it_is_gone(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = made_prekeys(custody, 2)
    data, other = written_under(paris, custody, first), written_under(paris, custody, second)
    desk = PrekeyDesk(custody, {})

    for _ in range(2):
        assert read_at(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 1
    stock = custody._prekeys._keeper.read()
    assert stock is not None
    assert stock.spent == 1
    assert desk.keep() == []
    assert read_at(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert PrekeyDesk(opened_again(founded), desk.kept).spend() == 0

    again = opened_again(founded)
    assert read_at(data, PrekeyDesk(again, desk.kept), paris, tmp_path) == b"Bonjour.\n"
    assert read_at(other, PrekeyDesk(again, {}), paris, tmp_path) == b"Bonjour.\n"
    with pytest.raises(PrekeyUsed):
        read_at(data, PrekeyDesk(again, {}), paris, tmp_path)


def test_whoever_steals_the_bureaus_keys_later_opens_nothing_that_was_recorded(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = made_prekeys(custody, 2)
    data = written_under(paris, custody, first)
    desk = PrekeyDesk(custody, {})
    read_at(data, desk, paris, tmp_path)
    desk.spend()

    stolen = opened_again(founded).bureau
    stock = StockFile(founded.store, read_credential(founded.credential)).read()
    assert stock is not None
    [lot] = stock.lots
    seeds = canonical.decode(
        b"".join(iter(open_age(io.BytesIO(lot.sealed), [stolen.hybrid]).next_chunk, b""))
    )["seeds"]
    assert [each["id"] for each in seeds] == [second.id]
    keys = [HybridKey(canonical.bytes_from_text(each["seed"])) for each in seeds]
    for key in (*(each.hybrid for each in stolen.editions), *keys):
        with pytest.raises(NotAddressed):
            open_file_key(header_of(data), [key])


def test_a_prekey_goes_only_once_what_it_opened_is_kept(
    custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    [prekey], [other] = made_prekeys(custody), made_prekeys(custody)
    data, desk = written_under(paris, custody, prekey), PrekeyDesk(custody, {})
    name = prekey.id.encode()
    with pytest.raises(PrekeyNotKept):
        custody.spend_prekey(name, b"")
    read_at(data, desk, paris, tmp_path)
    [(_, kept)] = desk.keep()
    for pair in ((name, kept[:-1]), (other.id.encode(), kept)):
        with pytest.raises(PrekeyNotKept):
            custody.spend_prekey(*pair)
    assert read_at(data, PrekeyDesk(custody, {}), paris, tmp_path) == b"Bonjour.\n"

    for _ in range(2):
        custody.spend_prekey(name, kept)
    custody.spend_prekey(b"\xff", b"")


def test_a_header_is_told_no_more_once_its_prekey_went_another_way(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    data, other = written_under(paris, custody, made_prekeys(custody)[0]), opened_again(founded)
    desk, elsewhere = PrekeyDesk(custody, {}), PrekeyDesk(other, {})
    read_at(data, desk, paris, tmp_path)
    read_at(data, elsewhere, paris, tmp_path)
    assert elsewhere.spend() == 1
    assert desk.spend() == 1
    assert desk.spend() == 0


def test_a_prekey_that_is_spent_between_the_look_and_the_question_costs_nothing(
    custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    data = written_under(paris, custody, made_prekeys(custody)[0])
    desk, header = PrekeyDesk(custody, {}), header_of(data)
    read_at(data, desk, paris, tmp_path)
    looks: list[bytes] = []

    def look(of: Header) -> bytes:
        found = desk.kept.get(of.stanzas[0].args[0], b"")
        if not looks:
            assert desk.spend() == 1
        looks.append(found)
        return found

    prefix = data[len(header.encode()) :]
    assert Bureau(custody, look).open_file_key(header, lambda most: prefix[:most])
    assert [bool(found) for found in looks] == [False, True]
    with pytest.raises(PrekeyUsed):
        Bureau(custody).open_file_key(header, lambda most: prefix[:most])


def test_so_much_is_told_at_once_and_remembered(
    custody: Custody, paris: Custody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prekeys, "TOLD_AT_ONCE", 1)
    monkeypatch.setattr(prekeys, "_HELD_MOST", 2)
    made = made_prekeys(custody, 3)
    written = [written_under(paris, custody, each) for each in made]
    desk = PrekeyDesk(custody, {})
    for data in written:
        read_at(data, desk, paris, tmp_path)
    assert [desk.spend() for _ in range(3)] == [1, 1, 0]
    # The first was forgotten: its prekey is there, and is told of once it is opened again.
    assert read_at(written[0], desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 1


def test_a_kill_at_any_step_of_destroying_a_prekey_loses_nothing(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = made_prekeys(custody, 2)
    data, desk = written_under(paris, custody, first), PrekeyDesk(custody, {})
    other = written_under(paris, custody, second)
    read_at(data, desk, paris, tmp_path)
    [pair] = desk.keep()
    statuses: list[int] = []
    while 0 not in statuses:
        statuses.append(
            killed_at(founded.store, len(statuses) + 1, lambda: custody.spend_prekey(*pair))
        )
        after = PrekeyDesk(opened_again(founded), desk.kept)
        assert read_at(data, after, paris, tmp_path) == b"Bonjour.\n"
        assert read_at(other, after, paris, tmp_path) == b"Bonjour.\n"
    assert statuses[:-1] == [9] * (len(statuses) - 1)
    assert len(statuses) > 2
    with pytest.raises(PrekeyUsed):
        read_at(data, PrekeyDesk(opened_again(founded), {}), paris, tmp_path)
