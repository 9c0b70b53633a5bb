"""The bureau's one-time prekeys: what they open, and what opens nothing by them."""

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.age.files import open_age, open_file_key
from keys.age.header import Header, seal_header
from keys.age.hybrid import HybridKey, wrap
from keys.custody import Custodian, open_custodian, prekeys
from keys.custody.core import Custody
from keys.custody.errors import (
    CustodySealed,
    GrantMissing,
    IntentMissing,
    PrekeysFull,
    RequestMalformed,
)
from keys.custody.prekeys import BureauPrekeys, StockInMemory
from keys.custody.roll_file import RollFile
from keys.custody.rotation import Terminal
from keys.custody.store import read_credential
from keys.errors import HeaderMalformed, HeaderTampered, KeyRetired, NotAddressed, NotIntended
from keys.lifecycle import KeyNotUsable
from keys.prekeys import read_bundle, read_offer
from keys.s2.recipients import S2Key
from keys.s2.recipients import wrap as s2_wrap
from tests.support.intents import IntentLog, grant_of, granted
from tests.support.officers import CLERK, Ministry, whole_now
from tests.support.prekeys import (
    ID,
    NOON,
    PrekeyDesk,
    arguments_of,
    header_of,
    made_prekeys,
    read_at,
    written_under,
)

KEY = b"bureau/MINREX"


def test_a_kept_header_and_the_payload_are_a_file_for_published_tools(
    custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    data = written_under(paris, custody, made_prekeys(custody)[0])
    desk = PrekeyDesk(custody, {})
    read_at(data, desk, paris, tmp_path)
    [(_, kept)] = desk.keep()

    payload = data[len(header_of(data).encode()) :]
    package = open_age(io.BytesIO(kept + payload), [custody.bureau.hybrid]).next_chunk()
    assert bytes(package[:13]) == b"manifest.json"


def test_a_prekey_opens_only_what_names_it(custody: Custody, paris: Custody) -> None:
    prekey, other = made_prekeys(custody, 2)
    data = written_under(paris, custody, replace(prekey, id=other.id))
    with pytest.raises(NotIntended):
        custody.open_file_key(*arguments_of(data))
    assert custody.kept_headers() == b"[]"


def test_nothing_stands_behind_a_header_but_the_one_that_was_kept_for_it(
    custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = made_prekeys(custody, 2)
    data, other = written_under(paris, custody, first), written_under(paris, custody, second)
    desk = PrekeyDesk(custody, {})
    read_at(data, desk, paris, tmp_path)
    [(_, kept)] = desk.keep()
    header, prefix = arguments_of(data)
    for behind in (b"x", kept + b"x"):
        with pytest.raises(HeaderMalformed):
            custody.open_file_key(header + behind, prefix)
    with pytest.raises(HeaderTampered):
        custody.open_file_key(header_of(other).encode() + kept, arguments_of(other)[1])
    stranger = seal_header([wrap(bytes(16), HybridKey.generate().recipient)], bytes(16))
    with pytest.raises(NotAddressed):
        custody.open_file_key(header + stranger, prefix)


def test_a_rotation_leaves_prekeys_and_what_they_opened_readable(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    first, second = made_prekeys(custody, 2)
    data, other = written_under(paris, custody, first), written_under(paris, custody, second)
    terminal = Terminal(founded.store, read_credential(founded.credential))
    now = whole_now()
    terminal.rotate(now - timedelta(days=1), now + timedelta(days=300), now)

    desk = PrekeyDesk(custody, {})
    assert read_at(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 1
    assert read_at(data, desk, paris, tmp_path) == b"Bonjour.\n"
    kept = next(iter(desk.kept.values()))
    assert open_file_key(header_of(kept), [custody.bureau.hybrid])

    custody.suspend_key(KEY, b"2", b"doubt")
    with pytest.raises(KeyRetired):
        read_at(data, desk, paris, tmp_path)
    assert read_at(other, desk, paris, tmp_path) == b"Bonjour.\n"


def test_a_suspended_edition_makes_no_prekeys_and_what_it_signed_opens_nothing(
    custody: Custody, paris: Custody
) -> None:
    data = written_under(paris, custody, made_prekeys(custody)[0])
    custody.suspend_key(KEY, b"1", b"doubt")
    with pytest.raises(KeyRetired):
        custody.open_file_key(*arguments_of(data))
    assert custody.kept_headers() == b"[]"
    with pytest.raises(KeyNotUsable):
        custody.make_prekeys(b"1")


def test_what_came_under_a_prekey_is_not_kept_for_an_edition_that_fell(
    founded: Any, custody: Custody, paris: Custody, tmp_path: Path
) -> None:
    data, desk = written_under(paris, custody, made_prekeys(custody)[0]), PrekeyDesk(custody, {})
    custody.compromise_key(KEY, b"1", b"stolen")
    assert read_at(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 0

    now = whole_now()
    terminal = Terminal(founded.store, read_credential(founded.credential))
    terminal.rotate(now - timedelta(days=1), now + timedelta(days=300), now)
    assert read_at(data, desk, paris, tmp_path) == b"Bonjour.\n"
    assert desk.spend() == 1
    assert read_at(data, desk, paris, tmp_path) == b"Bonjour.\n"


def test_without_prekeys_a_stranger_is_told_that_nothing_is_addressed(
    custody: Custody, paris: Custody, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    envelope = dispatch(paris, lome.card())
    with pytest.raises(NotAddressed):
        custody.open_file_key(envelope.header.encode(), envelope.prefix)


def test_sealed_keys_make_no_prekeys_and_open_none(custody: Custody, paris: Custody) -> None:
    data = written_under(paris, custody, made_prekeys(custody)[0])
    custody.open_file_key(*arguments_of(data))
    assert custody._prekeys._open
    custody.seal()
    assert not custody._prekeys._open, "no key of theirs stays in memory"
    for ask in (
        lambda: custody.make_prekeys(b"1"),
        lambda: custody.open_file_key(*arguments_of(data)),
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
    data = written_under(paris, custodian, read_offer(offer, custodian.card(), whole_now()))
    arguments = arguments_of(data)

    with pytest.raises(GrantMissing):
        custodian.open_file_key(*arguments, log.warrant("open_file_key", arguments, ID))
    assert custodian.kept_headers() == b"[]"

    token = granted(ministry, custodian, grant_of(CLERK, rank=3, dispatch=ID, uses=1))
    warrant = log.warrant("open_file_key", arguments, ID, actor=CLERK, grant=token)
    custodian.open_file_key(*arguments, warrant)
    desk = PrekeyDesk(custodian, {})
    assert desk.spend() == 1
    header, prefix = arguments
    arguments = (header + next(iter(desk.kept.values())), prefix)
    with pytest.raises(GrantMissing):
        custodian.open_file_key(*arguments, log.warrant("open_file_key", arguments, ID))
    token = granted(ministry, custodian, grant_of(CLERK, rank=3, dispatch=ID, uses=1))
    warrant = log.warrant("open_file_key", arguments, ID, actor=CLERK, grant=token)
    assert len(custodian.open_file_key(*arguments, warrant)) == 16
