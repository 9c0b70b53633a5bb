"""The bureau's one-time prekeys: what was opened stays readable there, and to no later thief."""

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.age.files import open_age, open_file_key
from keys.age.header import Header, seal_header
from keys.age.hybrid import HybridKey, wrap
from keys.custody import Bureau, Custodian, open_custodian, prekeys
from keys.custody.core import Custody
from keys.custody.errors import (
    CustodySealed,
    GrantMissing,
    IntentMissing,
    PrekeyNotKept,
    PrekeysFull,
    RequestMalformed,
)
from keys.custody.prekeys import BureauPrekeys, StockFile, StockInMemory
from keys.custody.roll_file import RollFile
from keys.custody.rotation import Terminal
from keys.custody.store import open_store, read_credential
from keys.dispatch import Destination, decipher, encipher
from keys.errors import HeaderMalformed, HeaderTampered, KeyRetired, NotAddressed, NotIntended
from keys.lifecycle import KeyNotUsable
from keys.manifest import Heading, Label, Series
from keys.prekeys import Prekey, PrekeyUsed, read_bundle, read_offer
from keys.s2.recipients import S2Key
from keys.s2.recipients import wrap as s2_wrap
from tests.support.dying import die_at
from tests.support.intents import IntentLog, grant_of, granted
from tests.support.officers import CLERK, Ministry, whole_now

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ID = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"
KEY = b"bureau/MINREX"


@dataclass
class Desk:
    """What a service keeps beside envelopes; shows a custodian each header with what was kept."""

    custodian: Custodian
    kept: dict[str, bytes]

    @property
    def fingerprints(self) -> frozenset[str]:
        return Bureau(self.custodian).fingerprints

    def open_file_key(self, header: Header, peek: Callable[[int], bytes]) -> bytes:
        behind = self.kept.get(header.stanzas[0].args[0], b"")
        return self.custodian.open_file_key(header.encode() + behind, peek(400_000))

    def keep(self) -> list[tuple[bytes, bytes]]:
        told = canonical.decode(self.custodian.kept_headers())
        pairs = []
        for each in told:
            made = canonical.bytes_from_text(each["header"])
            self.kept[Header.parse(io.BytesIO(made)).stanzas[0].args[0]] = made
            pairs.append((each["prekey"].encode(), made))
        return pairs

    def spend(self) -> int:
        pairs = self.keep()
        for pair in pairs:
            self.custodian.spend_prekey(*pair)
        return len(pairs)


@pytest.fixture
def custody(founded: Any) -> Custody:
    return _open(founded)


def _open(founded: Any) -> Custody:
    return open_store(founded.store, read_credential(founded.credential))


def _made(custodian: Custodian, count: int = 1) -> list[Prekey]:
    data = custodian.make_prekeys(str(count).encode())
    bundle = read_bundle(data, custodian.card(), whole_now())
    return [read_offer(each, custodian.card(), whole_now()) for each in bundle.offers()]


def _written(sender: Custodian, to: Custodian, prekey: Prekey, dispatch: str = ID) -> bytes:
    heading = Heading(dispatch, "telegram", Label("CMR", "SECRET"), NOON, NOON, subject="Visite")
    destination = Destination(to.card(), "FLASH", Series(202600, 1), prekey=prekey)
    sink = io.BytesIO()
    encipher(heading, [destination], b"Bonjour.\n", signer=Bureau(sender), sink=sink)
    return sink.getvalue()


def _read(data: bytes, desk: Desk, sender: Custodian, folder: Path) -> bytes:
    find = {sender.card().fingerprint: sender.card()}.get
    with decipher(io.BytesIO(data), opener=desk, find_sender=find, workspace=folder) as opened:
        return (opened.folder / "message.txt").read_bytes()


def _header(data: bytes) -> Header:
    return Header.parse(io.BytesIO(data))


def _arguments(data: bytes) -> tuple[bytes, bytes]:
    header = _header(data).encode()
    return header, data[len(header) :]


def test_what_officers_opened_under_a_prekey_stays_readable_once_it_is_gone(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = _made(custody, 2)
    data, other = _written(paris, custody, first), _written(paris, custody, second)
    desk = Desk(custody, {})

    assert _read(data, desk, paris, tmp_path) == _read(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 1
    stock = custody._prekeys._keeper.read()
    assert stock is not None
    assert stock.spent == 1
    assert desk.keep() == []
    assert _read(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert Desk(_open(founded), desk.kept).spend() == 0

    again = _open(founded)
    assert _read(data, Desk(again, desk.kept), paris, tmp_path) == b"Bonjour.\n"
    assert _read(other, Desk(again, {}), paris, tmp_path) == b"Bonjour.\n"
    with pytest.raises(PrekeyUsed):
        _read(data, Desk(again, {}), paris, tmp_path)


def test_whoever_steals_the_bureaus_keys_later_opens_nothing_that_was_recorded(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = _made(custody, 2)
    data = _written(paris, custody, first)
    desk = Desk(custody, {})
    _read(data, desk, paris, tmp_path)
    desk.spend()

    stolen = _open(founded).bureau
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
            open_file_key(_header(data), [key])


def test_a_kept_header_and_the_payload_are_a_file_for_published_tools(
    custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    data = _written(paris, custody, _made(custody)[0])
    desk = Desk(custody, {})
    _read(data, desk, paris, tmp_path)
    [(_, kept)] = desk.keep()

    payload = data[len(_header(data).encode()) :]
    package = open_age(io.BytesIO(kept + payload), [custody.bureau.hybrid]).next_chunk()
    assert bytes(package[:13]) == b"manifest.json"


def test_a_prekey_goes_only_once_what_it_opened_is_kept(
    custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    [prekey], [other] = _made(custody), _made(custody)
    data, desk = _written(paris, custody, prekey), Desk(custody, {})
    name = prekey.id.encode()
    with pytest.raises(PrekeyNotKept):
        custody.spend_prekey(name, b"")
    _read(data, desk, paris, tmp_path)
    [(_, kept)] = desk.keep()
    for pair in ((name, kept[:-1]), (other.id.encode(), kept)):
        with pytest.raises(PrekeyNotKept):
            custody.spend_prekey(*pair)
    assert _read(data, Desk(custody, {}), paris, tmp_path) == b"Bonjour.\n"

    for _ in range(2):
        custody.spend_prekey(name, kept)
    custody.spend_prekey(b"\xff", b"")


def test_a_header_is_told_no_more_once_its_prekey_went_another_way(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    data, other = _written(paris, custody, _made(custody)[0]), _open(founded)
    desk, elsewhere = Desk(custody, {}), Desk(other, {})
    _read(data, desk, paris, tmp_path)
    _read(data, elsewhere, paris, tmp_path)
    assert elsewhere.spend() == 1
    assert desk.spend() == 1
    assert desk.spend() == 0


def test_a_prekey_that_is_spent_between_the_look_and_the_question_costs_nothing(
    custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    data = _written(paris, custody, _made(custody)[0])
    desk, header = Desk(custody, {}), _header(data)
    _read(data, desk, paris, tmp_path)
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


def test_a_prekey_opens_only_what_names_it(custody: Custody, paris: Custody) -> None:
    prekey, other = _made(custody, 2)
    data = _written(paris, custody, replace(prekey, id=other.id))
    with pytest.raises(NotIntended):
        custody.open_file_key(*_arguments(data))
    assert custody.kept_headers() == b"[]"


def test_nothing_stands_behind_a_header_but_the_one_that_was_kept_for_it(
    custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = _made(custody, 2)
    data, other = _written(paris, custody, first), _written(paris, custody, second)
    desk = Desk(custody, {})
    _read(data, desk, paris, tmp_path)
    [(_, kept)] = desk.keep()
    header, prefix = _arguments(data)
    for behind in (b"x", kept + b"x"):
        with pytest.raises(HeaderMalformed):
            custody.open_file_key(header + behind, prefix)
    with pytest.raises(HeaderTampered):
        custody.open_file_key(_header(other).encode() + kept, _arguments(other)[1])
    stranger = seal_header([wrap(bytes(16), HybridKey.generate().recipient)], bytes(16))
    with pytest.raises(NotAddressed):
        custody.open_file_key(header + stranger, prefix)


def test_a_rotation_leaves_prekeys_and_what_they_opened_readable(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = _made(custody, 2)
    data, other = _written(paris, custody, first), _written(paris, custody, second)
    terminal = Terminal(founded.store, read_credential(founded.credential))
    now = whole_now()
    terminal.rotate(now - timedelta(days=1), now + timedelta(days=300), now)

    desk = Desk(custody, {})
    assert _read(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 1
    assert _read(data, desk, paris, tmp_path) == b"Bonjour.\n"
    kept = next(iter(desk.kept.values()))
    assert open_file_key(_header(kept), [custody.bureau.hybrid])

    custody.suspend_key(KEY, b"2", b"doubt")
    with pytest.raises(KeyRetired):
        _read(data, desk, paris, tmp_path)
    assert _read(other, desk, paris, tmp_path) == b"Bonjour.\n"


def test_a_suspended_edition_makes_no_prekeys_and_what_it_signed_opens_nothing(
    custody: Custody, paris: Custody
) -> None:
    data = _written(paris, custody, _made(custody)[0])
    custody.suspend_key(KEY, b"1", b"doubt")
    with pytest.raises(KeyRetired):
        custody.open_file_key(*_arguments(data))
    assert custody.kept_headers() == b"[]"
    with pytest.raises(KeyNotUsable):
        custody.make_prekeys(b"1")


def test_what_came_under_a_prekey_is_not_kept_for_an_edition_that_fell(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    data, desk = _written(paris, custody, _made(custody)[0]), Desk(custody, {})
    custody.compromise_key(KEY, b"1", b"stolen")
    assert _read(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 0

    now = whole_now()
    terminal = Terminal(founded.store, read_credential(founded.credential))
    terminal.rotate(now - timedelta(days=1), now + timedelta(days=300), now)
    assert _read(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 1
    assert _read(data, desk, paris, tmp_path) == b"Bonjour.\n"


def test_without_prekeys_a_stranger_is_told_that_nothing_is_addressed(
    custody: Custody, paris: Custody, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    envelope = dispatch(paris, lome.card())
    with pytest.raises(NotAddressed):
        custody.open_file_key(envelope.header.encode(), envelope.prefix)


def test_sealed_keys_make_no_prekeys_and_open_none(custody: Custody, paris: Custody) -> None:
    data = _written(paris, custody, _made(custody)[0])
    custody.open_file_key(*_arguments(data))
    assert custody._prekeys._open
    custody.seal()
    assert not custody._prekeys._open, "no key of theirs stays in memory"
    for ask in (
        lambda: custody.make_prekeys(b"1"),
        lambda: custody.open_file_key(*_arguments(data)),
        lambda: custody.spend_prekey(b"a", b""),
    ):
        with pytest.raises(CustodySealed):
            ask()
    assert len(canonical.decode(custody.kept_headers())) == 1, "told still: it needs no key"


@pytest.mark.parametrize("count", [b"0", b"101", b"-1", b"x", b""])
def test_a_bundle_has_one_to_a_hundred(custody: Custody, count: bytes) -> None:
    with pytest.raises(RequestMalformed):
        custody.make_prekeys(count)


def test_the_custodian_keeps_so_many_and_no_more(
    paris: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prekeys.PREKEYS_MOST == 2000
    monkeypatch.setattr(prekeys, "PREKEYS_MOST", 5)
    keys, clock = paris.bureau, [NOON]
    stock = StockInMemory()
    own = BureauPrekeys(stock, lambda: clock[0])
    own.make(keys, 3)
    with pytest.raises(PrekeysFull):
        own.make(keys, 3)
    own.make(keys, 2)

    clock[0] += timedelta(days=240, seconds=-1)
    with pytest.raises(PrekeysFull):
        own.make(keys, 1)
    clock[0] += timedelta(seconds=1)
    own.make(keys, 5)
    held = stock.read()
    assert held is not None
    assert len(held.lots) == 1


def test_no_prekey_opens_suite_s2(custody: Custody) -> None:
    stranger = S2Key(HybridKey.generate())
    header = Header((s2_wrap(bytes(32), stranger.recipient),), bytes(32))
    own = BureauPrekeys(StockInMemory(), whole_now)
    own.make(custody.bureau, 1)
    with pytest.raises(NotAddressed, match="S2"):
        own.unwrap(header, None, custody.bureau, frozenset)


def test_so_much_is_told_at_once_and_remembered(
    custody: Custody, paris: Custody, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prekeys, "TOLD_AT_ONCE", 1)
    monkeypatch.setattr(prekeys, "_HELD_MOST", 2)
    made = _made(custody, 3)
    written = [_written(paris, custody, each) for each in made]
    desk = Desk(custody, {})
    for data in written:
        _read(data, desk, paris, tmp_path)
    assert [desk.spend() for _ in range(3)] == [1, 1, 0]
    # The first was forgotten: its prekey is there, and is told of once it is opened again.
    assert _read(written[0], desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 1


@pytest.fixture
def officers_custodian(request: pytest.FixtureRequest) -> Iterator[Custodian]:
    founded, ministry = request.getfixturevalue("founded"), request.getfixturevalue("ministry")
    RollFile(founded.store, read_credential(founded.credential)).write(ministry.roll)
    worker = request.getfixturevalue("start_worker")(founded, founded.store.parent / "c.sock")
    with_officers = open_custodian(worker.uri, lambda _: b"")
    yield with_officers
    with_officers.close()


def test_a_robbed_service_has_prekeys_made_only_in_the_log_and_nothing_opened_by_them(
    officers_custodian: Custodian, ministry: Ministry, paris: Custody
) -> None:
    custodian, log = officers_custodian, IntentLog(officers_custodian)
    with pytest.raises(IntentMissing):
        custodian.make_prekeys(b"1")
    bundle = custodian.make_prekeys(b"1", log.warrant("make_prekeys", (b"1",)))
    [offer] = read_bundle(bundle, custodian.card(), whole_now()).offers()
    data = _written(paris, custodian, read_offer(offer, custodian.card(), whole_now()))
    arguments = _arguments(data)

    with pytest.raises(GrantMissing):
        custodian.open_file_key(*arguments, log.warrant("open_file_key", arguments, ID))
    assert custodian.kept_headers() == b"[]"

    token = granted(ministry, custodian, grant_of(CLERK, rank=3, dispatch=ID, uses=1))
    warrant = log.warrant("open_file_key", arguments, ID, actor=CLERK, grant=token)
    custodian.open_file_key(*arguments, warrant)
    desk = Desk(custodian, {})
    assert desk.spend() == 1
    header, prefix = arguments
    arguments = (header + next(iter(desk.kept.values())), prefix)
    with pytest.raises(GrantMissing):
        custodian.open_file_key(*arguments, log.warrant("open_file_key", arguments, ID))
    token = granted(ministry, custodian, grant_of(CLERK, rank=3, dispatch=ID, uses=1))
    warrant = log.warrant("open_file_key", arguments, ID, actor=CLERK, grant=token)
    assert len(custodian.open_file_key(*arguments, warrant)) == 16


def test_a_kill_at_any_step_of_destroying_a_prekey_loses_nothing(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = _made(custody, 2)
    data, desk = _written(paris, custody, first), Desk(custody, {})
    other = _written(paris, custody, second)
    _read(data, desk, paris, tmp_path)
    [pair] = desk.keep()
    statuses: list[int] = []
    while 0 not in statuses:
        statuses.append(_killed(founded, len(statuses) + 1, lambda: custody.spend_prekey(*pair)))
        after = Desk(_open(founded), desk.kept)
        assert _read(data, after, paris, tmp_path) == b"Bonjour.\n"
        assert _read(other, after, paris, tmp_path) == b"Bonjour.\n"
    assert statuses[:-1] == [9] * (len(statuses) - 1)
    assert len(statuses) > 2
    with pytest.raises(PrekeyUsed):
        _read(data, Desk(_open(founded), {}), paris, tmp_path)


def _killed(founded: Any, step: int, act: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        try:
            die_at(founded.store, step)
            act()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
