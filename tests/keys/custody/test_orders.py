"""Officers order that a key be destroyed, together; two take it back; nobody else does either."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from keys.acts import (
    Act,
    ActExecuted,
    ActMalformed,
    ActNotInForce,
    ActOutdated,
    ApproversNotDistinct,
    ApproverWithoutFunction,
)
from keys.custody.book import Book, BookFile
from keys.custody.clock import system_clock
from keys.custody.core import Custody
from keys.custody.errors import (
    ActNotOfCustodian,
    KeyDestructionNotOrdered,
    KeyNotDestroyable,
    KeyVersionUnknown,
    TooMuchWaiting,
)
from keys.custody.log_keys import HeadInMemory
from keys.custody.orders import read_order
from keys.custody.roll_file import RollFile
from keys.custody.rotation import Terminal
from keys.custody.store import open_store, read_credential
from keys.errors import KeyRetired, Refusal
from keys.lifecycle import ARCHIVE_REST
from keys.records import Record
from tests.support.dying import killed_at
from tests.support.officers import (
    CELL,
    GENERAL,
    KEEPER_A,
    KEEPER_B,
    SECURITY,
    Ministry,
    found_ministry,
    key_act,
    whole_now,
)

UNTIL = datetime(2027, 11, 25, tzinfo=UTC)
BUREAU, LOME = "bureau/MINREX", "post/LOME"
FUNCTIONS = {
    SECURITY: "SECURITY-OFFICER",
    GENERAL: "SECRETARY-GENERAL",
    CELL: "CHIEF-CNTC",
    KEEPER_A: "CUSTODIAN-A",
    KEEPER_B: "CUSTODIAN-B",
}


@pytest.fixture
def ministry() -> Ministry:
    return found_ministry(whole_now(), FUNCTIONS)


@pytest.fixture
def terminal(founded: Any, ministry: Ministry) -> Terminal:
    """A store with officers, whose first edition was succeeded."""
    credential = read_credential(founded.credential)
    RollFile(founded.store, credential).write(ministry.roll)
    terminal = Terminal(founded.store, credential)
    terminal.rotate(whole_now(), UNTIL, whole_now())
    return terminal


@pytest.fixture
def custody(terminal: Terminal) -> Custody:
    return _opened(terminal)


def _opened(terminal: Terminal) -> Custody:
    return open_store(terminal.store, terminal.credential)


def _ungranted(terminal: Terminal) -> Custody:
    """The same keys under the same states, where no officer need grant their use."""
    keys = _opened(terminal)
    book = BookFile(terminal.store, terminal.credential)
    return Custody(keys.service, keys.secret, HeadInMemory(), book=book)


def _book(custody: Custody) -> Book:
    return Book.parse(custody.key_versions())


def _destruction(custody: Custody, key: str = BUREAU, number: int = 1, **changes: Any) -> Act:
    book = _book(custody)
    version, orders = book.find(key, number), book.orders_on(key, number)
    named = {
        "number": number,
        "fingerprint": version.fingerprint,
        "end_of_life": version.end_of_life,
        **changes.pop("parameters", {}),
    }
    at = len(version.history) + len(orders) + sum(each.kept is not None for each in orders)
    return key_act("key.destroy", KEEPER_A, named, key, **{"version": at, **changes})


def _keeping(custody: Custody, order: str, **changes: Any) -> Act:
    at = _destruction(custody).version
    given = {"number": 1, "order": order, **changes.pop("parameters", {})}
    return key_act("key.keep", KEEPER_B, given, **{"version": at, **changes})


def _signed(ministry: Ministry, custody: Custody, act: Act, *signers: str) -> dict[str, Any]:
    outcome: dict[str, Any] = {}
    for signer in signers:
        outcome = ministry.signed(custody, act, signer)
    return outcome


def test_an_archive_key_opens_nothing_once_three_ordered_its_end_and_goes_after_its_rest(
    terminal: Terminal,
    custody: Custody,
    ministry: Ministry,
    lome: Custody,
    dispatch: Callable[..., Any],
) -> None:
    envelope = dispatch(lome, custody.bureau.editions[0].card)
    act, before = _destruction(custody), whole_now()
    assert _signed(ministry, custody, act, KEEPER_A, KEEPER_B)["state"] == "open"
    _ungranted(terminal).open_file_key(envelope.header.encode(), envelope.prefix)
    done = _signed(ministry, custody, act, GENERAL)
    assert done == {
        "state": "executed",
        "approved": [KEEPER_A, KEEPER_B, GENERAL],
        "version": act.version + 1,
    }
    with pytest.raises(KeyRetired):
        _ungranted(terminal).open_file_key(envelope.header.encode(), envelope.prefix)
    (order,) = _book(_opened(terminal)).orders
    assert terminal.book(whole_now()).ordered(BUREAU, 1) == order
    assert before <= order.at <= system_clock() + timedelta(seconds=1)
    assert (order.act, order.digest, order.kept) == (act.id, act.digest.hex(), None)

    with pytest.raises(KeyNotDestroyable):
        terminal.destroy(BUREAU, 1, order.at + ARCHIVE_REST - timedelta(seconds=1), "pv")
    gone = terminal.destroy(BUREAU, 1, order.at + ARCHIVE_REST, "pv")
    assert (gone.state, gone.history[-1].act) == ("destroyed", act.id)
    for too_late in (_keeping(custody, act.id), _destruction(custody)):
        with pytest.raises((ActOutdated, KeyNotDestroyable)):
            _signed(ministry, custody, too_late, too_late.proposer)


def test_two_take_an_order_back_and_the_key_opens_again(
    terminal: Terminal,
    custody: Custody,
    ministry: Ministry,
    lome: Custody,
    dispatch: Callable[..., Any],
) -> None:
    envelope = dispatch(lome, custody.bureau.editions[0].card)
    act = _destruction(custody)
    _signed(ministry, custody, act, KEEPER_A, KEEPER_B, CELL)
    keeping = _keeping(custody, act.id)
    with pytest.raises(ApproverWithoutFunction):
        _signed(ministry, custody, keeping, KEEPER_A)
    assert _signed(ministry, custody, keeping, KEEPER_B)["state"] == "open"
    assert _signed(ministry, custody, keeping, CELL)["state"] == "executed"

    _ungranted(terminal).open_file_key(envelope.header.encode(), envelope.prefix)
    with pytest.raises(KeyDestructionNotOrdered):
        terminal.destroy(BUREAU, 1, whole_now() + 2 * ARCHIVE_REST, "pv")
    for done in (act, keeping):
        with pytest.raises(ActExecuted):
            _signed(ministry, custody, done, CELL)
    _signed(ministry, custody, _destruction(custody), KEEPER_A, KEEPER_B, CELL)
    assert [each.kept is None for each in _book(custody).orders] == [False, True]


def test_a_traffic_key_goes_at_once(
    terminal: Terminal, custody: Custody, ministry: Ministry, lome: Custody
) -> None:
    """The post's keys are at the post: the ministry's record of them ends."""
    _, second = lome.bureau.with_next(whole_now(), UNTIL)
    for card in (lome.card(), second):
        _ungranted(terminal).endorse_card(card.to_bytes())
    with pytest.raises(KeyDestructionNotOrdered):
        terminal.destroy(LOME, 1, whole_now(), "pv")
    _signed(ministry, custody, _destruction(custody, LOME), KEEPER_A, KEEPER_B, GENERAL)
    secret = (terminal.store / "secret.age").read_bytes()
    early = whole_now() - timedelta(seconds=2)
    assert terminal.destroy(LOME, 1, early, "pv").state == "destroyed"
    assert (terminal.store / "secret.age").read_bytes() == secret


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"number": 2}, KeyNotDestroyable),
        ({"key": "bureau/PARIS", "version": 0}, KeyVersionUnknown),
        ({"version": 9}, ActOutdated),
        ({"rank": 1}, ActMalformed),
        ({"subjects": (CELL,)}, ActMalformed),
        ({"authors": (CELL,)}, ActMalformed),
        ({"parameters": {"number": True}}, ActMalformed),
        ({"parameters": {"number": "1"}}, ActMalformed),
        ({"parameters": {"more": 1}}, ActMalformed),
        ({"parameters": {"fingerprint": "0" * 64}}, ActOutdated),
        ({"parameters": {"end_of_life": "traffic"}}, ActOutdated),
        ({"not_before": whole_now() + timedelta(hours=1)}, ActNotInForce),
    ],
)
def test_an_order_says_exactly_which_key(
    custody: Custody, ministry: Ministry, changes: dict[str, Any], refusal: type[Refusal]
) -> None:
    if "not_before" in changes:
        changes = {**changes, "expires": changes["not_before"] + timedelta(hours=1)}
    key = changes.pop("key", None) if "key" in (changes := dict(changes)) else None
    act = _destruction(custody, **changes)
    act = act if key is None else replace(act, resource=key)
    with pytest.raises(refusal):
        _signed(ministry, custody, act, KEEPER_A)
    assert json.loads(custody.officers())["open"] == []


def test_nobody_orders_alone_or_twice(custody: Custody, ministry: Ministry) -> None:
    """A robbed service brings what signatures it likes: three persons of three seats, once."""
    act = _destruction(custody)
    for other in (SECURITY, GENERAL, CELL):
        with pytest.raises(ApproverWithoutFunction):
            _signed(ministry, custody, replace(act, proposer=other), other)
    assert _signed(ministry, custody, act, KEEPER_A)["state"] == "open"
    with pytest.raises(ApproversNotDistinct):
        _signed(ministry, custody, act, KEEPER_A)
    assert _signed(ministry, custody, act, CELL)["state"] == "open"
    assert _book(custody).orders == ()
    second = _destruction(custody)
    _signed(ministry, custody, second, KEEPER_A, KEEPER_B, GENERAL)
    with pytest.raises(ActOutdated):
        _signed(ministry, custody, act, KEEPER_B)
    with pytest.raises(ActOutdated):
        _signed(ministry, custody, _destruction(custody), KEEPER_A)
    with pytest.raises(ActOutdated):
        _signed(ministry, custody, _keeping(custody, act.id), KEEPER_B)
    for strange_words in ({"order": 1}, {"more": 1}):
        keeping = _keeping(custody, second.id, parameters=strange_words)
        with pytest.raises(ActMalformed):
            _signed(ministry, custody, keeping, KEEPER_B)
    strange = replace(act, kind="policy.change", version=0, proposer=CELL)
    with pytest.raises(ActNotOfCustodian):
        _signed(ministry, custody, strange, CELL)


def test_eight_last_signatures_order_once(custody: Custody, ministry: Ministry) -> None:
    act, barrier = _destruction(custody), threading.Barrier(8)
    _signed(ministry, custody, act, KEEPER_A, KEEPER_B)
    ministry.keys[GENERAL][0].count = -1  # a key that does not count

    def last(_: int) -> str:
        ministry.keys[GENERAL][0].count = -1
        barrier.wait()
        try:
            return str(ministry.signed(custody, act, GENERAL)["state"])
        except Refusal as refusal:
            return refusal.code

    with ThreadPoolExecutor(8) as pool:
        outcomes = sorted(pool.map(last, range(8)))
    assert outcomes.count("executed") == 1
    assert len(_book(custody).orders) == 1


def test_the_book_holds_so_many_orders_and_no_more(
    terminal: Terminal, custody: Custody, ministry: Ministry
) -> None:
    _signed(ministry, custody, _destruction(custody), KEEPER_A, KEEPER_B, CELL)
    file = BookFile(terminal.store, terminal.credential)
    book = _book(custody)
    (order,) = book.orders
    kept = [
        replace(order, act=f"01KAAAAAAAAAAAAAAAAA{count:06d}", kept=order.act)
        for count in range(512)
    ]
    file.write(replace(book, orders=tuple(kept)))
    with pytest.raises(TooMuchWaiting):
        _signed(ministry, custody, _destruction(custody), KEEPER_A)
    with pytest.raises(ValueError, match="two orders"):
        replace(book, orders=(order, order)).encode()
    signers = tuple(f"OFF-{number}" for number in range(9))
    whole = replace(order, approved=signers[:8])
    assert read_order(Record(whole.to_object(), "order")) == whole
    for strange in ({"approved": signers}, {"more": 1}):
        with pytest.raises(ValueError, match=next(iter(strange))):
            read_order(Record({**order.to_object(), **strange}, "order"))


@pytest.mark.parametrize("kind", ["destroy", "keep"])
def test_the_last_signature_killed_anywhere_orders_whole_or_not_at_all(
    terminal: Terminal, ministry: Ministry, kind: str
) -> None:
    """Said again it is done once, and never waits on after it was done."""
    step, seen = 0, set()
    while True:
        step += 1
        custody = _opened(terminal)
        act = _destruction(custody)
        _signed(ministry, custody, act, KEEPER_A, KEEPER_B)
        if kind == "keep":
            _signed(ministry, custody, act, GENERAL)
            act = _keeping(custody, act.id)
            _signed(ministry, custody, act, KEEPER_B)
        ended = killed_at(terminal.store, step, partial(_last, terminal, ministry, act))
        assert ended in {0, 9}
        ministry.keys[GENERAL][0].count += 1  # what the child's key counted

        after = _opened(terminal)
        done = _book(after).knows(act.id)
        seen.add(done)
        if done:
            with pytest.raises(ActExecuted):
                ministry.signed(after, act, GENERAL)
        else:
            assert ministry.signed(after, act, GENERAL)["state"] == "executed"
        assert _book(after).knows(act.id)
        assert json.loads(after.officers())["open"] == []
        if kind == "destroy":
            _signed(ministry, after, _keeping(after, act.id), KEEPER_B, CELL)
        if ended == 0:
            break
        assert step < 100
    assert seen == {False, True}


def _last(terminal: Terminal, ministry: Ministry, act: Act) -> None:
    ministry.signed(_opened(terminal), act, GENERAL)
