"""Other keys of the log: it goes on, and those before sign nothing that anybody believes."""

import shutil
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from keys.custody import Custodian, open_custodian
from keys.custody.book import Book
from keys.custody.core import Custody
from keys.custody.errors import KeyBookFull
from keys.custody.intents import Warrant
from keys.custody.log_keys import HeadInMemory
from keys.custody.service_keys import SUCCESSIONS_MOST, ServiceKeys
from keys.custody.shares import SharesTooFew
from keys.lifecycle import KeyNotUsable
from keys.log.checkpoints import Checkpoint
from keys.log.errors import LogKeyEnded, NoteNotSigned
from keys.log.notes import Note
from keys.log.succession import LogLine
from keys.merkle import consistency_path_of, root
from keys.signing import SigningKey
from keys.succession import files_of
from tests.keys.custody.test_demands import DISPATCH, Robber
from tests.keys.custody.test_rotation import _open, _terminal
from tests.keys.custody.test_rotation_killed import _every_kill
from tests.keys.custody.test_splitting import _split
from tests.support.officers import CLERK
from tests.support.trees import hashes, range_roots

ORIGIN = "minrex.example/audit"
LEAVES = hashes(60)


def head(size: int) -> Checkpoint:
    return Checkpoint(ORIGIN, size, root(LEAVES[:size]))


def sign(custodian: Custodian, size: int, published: bytes = b"") -> bytes:
    """The next head, continued from the last one that the custodian remembers."""
    kept = custodian.log_head().decode()
    before = Checkpoint.parse(kept).size if kept else 0
    path = b"".join(consistency_path_of(before, size, range_roots(LEAVES)))
    return custodian.sign_checkpoint(head(size).encode().encode(), path, published)


def followed(custodian: Custodian, known: Any, custody: Custody) -> LogLine:
    """The line, as somebody follows it who believed the keys `known` and the root."""
    files = files_of(custodian.log_successions())
    if not files:
        return LogLine(known)
    return LogLine.led(lambda keys: keys == known, files, custody.bureau.root.verifying_key)


def whole_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def states(custodian: Custodian) -> list[str]:
    book = Book.parse(custodian.key_versions())
    return [each.state for each in book.of("log/MINREX")]


def test_other_keys_are_taken_up_by_a_custodian_that_runs_and_the_log_goes_on(
    founded: Any,
) -> None:
    custody = _open(founded)
    known, others = custody.log_keys(), custody.service.fingerprints
    assert custody.log_successions() == b"[]"
    published = sign(custody, 7)
    made = _terminal(founded).rotate_log(whole_now())
    assert (made.number, made.state) == (2, "active")
    assert states(custody) == ["destroyed", "active"]
    assert dict(custody.service.fingerprints.items() - others.items()) == {"log": made.fingerprint}
    assert custody.log_keys() != known
    later = sign(custody, 20, published)
    line = followed(custody, known, custody)
    assert line.current == custody.log_keys()
    for note, size in ((published, 7), (later, 20)):
        assert line.read_head(Note.parse(note), ORIGIN) == head(size)
    with pytest.raises(NoteNotSigned):
        LogLine(known).read_head(Note.parse(later), ORIGIN)
    # The head that stood at the exchange may be signed anew: an answer that got lost.
    assert line.read_head(Note.parse(sign(custody, 20, later)), ORIGIN) == head(20)


def test_whoever_stole_the_keys_before_has_nothing_longer_believed(founded: Any) -> None:
    custody = _open(founded)
    known, stolen = custody.log_keys(), custody.service.log
    published = sign(custody, 7)
    custody.compromise_key(b"log/MINREX", b"1", b"vol")
    with pytest.raises(KeyNotUsable):
        sign(custody, 9, published)
    _terminal(founded).rotate_log(whole_now())
    assert states(custody) == ["destroyed", "active"]

    fork = Checkpoint(ORIGIN, 9, bytes(32)).encode()
    forged = stolen.sign(fork, b"", b"", HeadInMemory(), LogLine(known))
    with pytest.raises(LogKeyEnded):
        followed(custody, known, custody).read_head(Note.parse(forged), ORIGIN)
    with pytest.raises(LogKeyEnded):
        sign(custody, 9, forged)
    sign(custody, 9, published)


def test_keys_that_signed_nothing_count_for_nothing(founded: Any) -> None:
    custody = _open(founded)
    known, stolen = custody.log_keys(), custody.service.log
    for _ in range(2):
        _terminal(founded).rotate_log(whole_now())
    forged = stolen.sign(head(1).encode(), b"", b"", HeadInMemory(), LogLine(known))
    with pytest.raises(LogKeyEnded):
        followed(custody, known, custody).read_head(Note.parse(forged), ORIGIN)
    sign(custody, 3)


def test_killed_anywhere_one_pair_is_in_force_that_is_followed_from_the_first(
    founded: Any,
) -> None:
    custody = _open(founded)
    known, published = custody.log_keys(), sign(custody, 7)
    now, seen = whole_now(), set()
    for step in _every_kill(founded, lambda terminal: terminal.rotate_log(now)):
        custody = _open(founded)
        later = sign(custody, 20, published)
        line = followed(custody, known, custody)
        for note, size in ((published, 7), (later, 20)):
            assert line.read_head(Note.parse(note), ORIGIN) == head(size)
        changed = custody.log_keys() != known
        assert states(custody) == (["destroyed"] if changed else []) + ["active"]
        seen.add(changed)
        assert step < 100
    assert seen == {False, True}


def test_nothing_is_signed_beyond_what_the_root_names_while_they_are_exchanged(
    founded: Any, worker: Any
) -> None:
    """A worker signs head after head, the terminal exchanges the keys under it."""
    notes: list[tuple[int, bytes]] = []
    with closing(open_custodian(worker.uri, lambda _uri: b"")) as custodian:
        known = custodian.log_keys()

        def go_on() -> None:
            for size in range(1, len(LEAVES) + 1):
                notes.append((size, sign(custodian, size, notes[-1][1] if notes else b"")))

        signing = threading.Thread(target=go_on)
        signing.start()
        for _ in range(3):
            _terminal(founded).rotate_log(whole_now())
        signing.join()
        line = followed(custodian, known, _open(founded))
    assert [size for size, _ in notes] == list(range(1, len(LEAVES) + 1))
    assert len(line.ended) == 3
    for size, note in notes:
        assert line.read_head(Note.parse(note), ORIGIN) == head(size)


def test_a_root_that_is_suspended_says_of_no_keys_that_they_follow(founded: Any) -> None:
    custody = _open(founded)
    custody.suspend_key(b"root/MINREX", b"1", b"doute")
    with pytest.raises(KeyNotUsable):
        _terminal(founded).rotate_log(whole_now())
    assert custody.log_successions() == b"[]"


def test_a_split_store_needs_its_holders_for_other_keys_of_the_log(founded: Any) -> None:
    shares, custody = _split(founded), _open(founded)
    with pytest.raises(SharesTooFew):
        _terminal(founded, shares[:1]).rotate_log(whole_now())
    assert _terminal(founded, shares[:2]).rotate_log(whole_now()).number == 2
    assert len(files_of(_open(founded).log_successions())) == 1
    sign(custody, 3)


def test_a_store_copied_before_says_by_whom_it_was_overtaken(founded: Any) -> None:
    """Put back, its keys sign again; nobody who followed believes them."""
    custody = _open(founded)
    known, first = custody.log_keys(), sign(custody, 5)
    kept = founded.store.with_name("before")
    shutil.copytree(founded.store, kept)
    _terminal(founded).rotate_log(whole_now())
    line = followed(custody, known, custody)
    sign(custody, 9, first)
    shutil.rmtree(founded.store)
    shutil.copytree(kept, founded.store)
    again = sign(_open(founded), 9, first)
    with pytest.raises(LogKeyEnded):
        line.read_head(Note.parse(again), ORIGIN)


def test_a_store_remembers_no_more_pairs_than_it_can_read_again() -> None:
    keys, by = ServiceKeys.generate(), SigningKey.generate()
    for _ in range(SUCCESSIONS_MOST):
        keys = keys.with_log(by, None, whole_now())
    with pytest.raises(KeyBookFull):
        keys.with_log(by, None, whole_now())


def test_an_intent_is_proved_under_either_pair_and_not_by_whoever_stole_the_first(
    worker_of: Custodian, founded: Any, ministry: Any, dispatch: Callable[..., Any], paris: Custody
) -> None:
    robber = Robber(worker_of, ministry, dispatch(paris, worker_of.card()))
    stolen, waiting = _open(founded).service.log, robber.warrant(robber.single())
    _terminal(founded).rotate_log(whole_now())
    assert len(robber.unwrap(waiting)) == 16
    assert len(robber.unwrap(robber.warrant(robber.single()))) == 16

    log, token = robber.log, robber.single()
    record, salt, place = log.intend("open_file_key", robber.arguments, DISPATCH, CLERK)
    text = Checkpoint(log.origin, len(log.leaves), root(log.leaves)).encode()
    log.note = stolen.sign(text, b"", b"", HeadInMemory(), LogLine(stolen.verifiers()))
    with pytest.raises(LogKeyEnded):
        robber.unwrap(Warrant(token, record, salt, log.proof(place)).encode())
