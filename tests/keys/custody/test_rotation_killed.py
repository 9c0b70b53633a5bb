"""A rotation and a destruction killed at every step: one key in force, and nothing half-done."""

import shutil
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from keys.age.files import decrypt_with_passphrase
from keys.custody.book import Book, BookFile, version_of
from keys.custody.core import Custody
from keys.custody.editions import Edition
from keys.custody.rotation import BEGUN_FILE, Terminal
from keys.custody.shares import SharesTooFew
from keys.custody.splitting import opened_store
from keys.custody.store import read_credential
from keys.errors import Refusal
from keys.lifecycle import KeyVersion
from tests.keys.custody.test_rotation import (
    KEY,
    MONTH,
    NOW,
    UNTIL,
    _book,
    _open,
    _order,
    _states,
    _terminal,
)
from tests.keys.custody.test_splitting import _split
from tests.support.dying import killed_at


def _killed(founded: Any, step: int, act: Callable[[Terminal], object]) -> int:
    return killed_at(founded.store, step, lambda: act(_terminal(founded)))


def _every_kill(founded: Any, act: Callable[[Terminal], object]) -> Iterator[int]:
    """After each kill the store as it was left; put back for the next one."""
    kept = founded.store.with_name("kept")
    shutil.copytree(founded.store, kept)
    step = 0
    while True:
        step += 1
        ended = _killed(founded, step, act)
        assert ended in {0, 9}
        yield step
        if ended == 0:
            return
        shutil.rmtree(founded.store)
        shutil.copytree(kept, founded.store)


def test_a_rotation_killed_anywhere_leaves_one_edition_in_force_and_goes_on(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    before = _open(founded).card()
    envelope = dispatch(lome, before)
    seen = set()
    for step in _every_kill(founded, lambda terminal: terminal.rotate(NOW, UNTIL, NOW)):
        custody = _open(founded)
        dispatch(custody, lome.card())
        custody.open_file_key(envelope.header.encode(), envelope.prefix)
        states = list(_states(custody).values())
        assert states.count("active") == 1
        seen.add(custody.card().edition)
        if custody.card().edition == 1:
            assert _terminal(founded).rotate(NOW, UNTIL, NOW).previous == before.fingerprint
            assert _open(founded).card().edition == 2
        assert step < 100
    assert seen == {1, 2}


def test_a_rotation_killed_anywhere_has_one_moment_whoever_asks_first(founded: Any) -> None:
    """The custodian's word, which the log then commits to, or the terminal's that ends it."""
    finished = set()
    for step in _every_kill(founded, lambda terminal: terminal.rotate(NOW, UNTIL, NOW)):
        told, key = _book(founded), KEY.decode()
        assert _book(founded) == told
        terminal = _terminal(founded)
        made = terminal.finish(key, NOW + MONTH)
        assert terminal.finish(key, NOW + MONTH) is None
        if made is not None:
            finished.add(step)
            assert [each for each in told if each.number == 2] == [made]
            assert (made.number, made.state) == (2, "active")
        elif _open(founded).card().edition == 1:
            assert terminal.rotate(NOW, UNTIL, NOW).edition == 2
        after = [each for each in told if each.history and each.number == 2]
        assert not after or after == [each for each in _book(founded) if each.number == 2]
    assert len(finished) > 2


@pytest.mark.parametrize("kind", ["certifying", "desks"])
def test_a_key_without_editions_killed_in_its_exchange_is_finished_too(
    founded: Any, kind: str
) -> None:
    key, finished = f"{kind}/MINREX", 0
    exchange = {"certifying": Terminal.rotate_certifying, "desks": Terminal.rotate_desks}[kind]
    _open(founded)
    for _ in _every_kill(founded, lambda terminal: exchange(terminal, NOW)):
        # Nobody asks the custodian here: the terminal alone works out what was done.
        made = _terminal(founded).finish(key, NOW + MONTH)
        states = Book.parse(_open(founded).key_versions()).of(key)
        assert made is None or states[-1] == made
        finished += made is not None
        assert [each.state for each in states] in (["active"], ["destroyed", "active"])
    assert finished > 1


def test_what_began_of_one_key_is_not_taken_for_another_s(founded: Any) -> None:
    terminal = _terminal(founded)
    _open(founded)
    terminal.rotate_desks(NOW)
    assert terminal.finish("desks/MINREX", NOW) is None
    (founded.store / BEGUN_FILE).touch(0o600)
    (founded.store / BEGUN_FILE).write_bytes(b"desks/MINREX 2\n")
    assert terminal.finish("certifying/MINREX", NOW) is None
    assert terminal.finish("desks/MINREX", NOW) == terminal.book(NOW).of("desks/MINREX")[-1]


def test_a_book_is_settled_once(founded: Any) -> None:
    file = BookFile(founded.store, read_credential(founded.credential))
    terminal = _terminal(founded)
    before = terminal.settle(NOW)
    assert file.read() == before
    card = terminal.rotate(NOW, UNTIL, NOW)
    file.write(before.with_version(version_of(card)))
    settled = terminal.settle(NOW + MONTH)
    assert terminal.settle(NOW + 2 * MONTH) == settled == file.read()
    assert settled.find(KEY.decode(), 2).since == NOW + MONTH


def test_a_destruction_killed_anywhere_is_done_by_doing_it_again(founded: Any) -> None:
    """Nothing of the edition is left on the disk then, nor what killed splittings left of it."""
    now = datetime.now(UTC).replace(microsecond=0)
    old = _open(founded).bureau.editions[0]
    _terminal(founded).rotate(now, UNTIL, now)
    _order(founded, now)
    whole = (founded.store / "secret.age").read_bytes()
    for left in ("secret-00.age", ".secret.age-making", "shares-00/A.share"):
        (founded.store / left).parent.mkdir(exist_ok=True)
        (founded.store / left).write_bytes(whole)
    assert _found(founded, old) >= 2

    def destroy(terminal: Terminal) -> KeyVersion:
        return terminal.destroy(KEY.decode(), 1, now + MONTH, "pv 12")

    for _ in _every_kill(founded, destroy):
        custody = _open(founded)
        gone = [each.card.edition for each in custody.bureau.editions] == [2]
        assert _states(custody)[1] == "destroyed" or not gone
        assert destroy(_terminal(founded)).state == "destroyed"
        assert [each.card.edition for each in _open(founded).bureau.editions] == [2]
        assert _found(founded, old) == 0


def test_nothing_of_it_is_left_in_a_split_store_either(founded: Any) -> None:
    shares, now = _split(founded), datetime.now(UTC).replace(microsecond=0)
    _terminal(founded, shares[:2]).rotate(now, UNTIL, now)
    _order(founded, now)
    (founded.store / "secret-00.age").write_bytes(b"what a splitting left that was killed")
    (founded.store / "shares-00").mkdir()
    with pytest.raises(SharesTooFew):
        _terminal(founded, shares[:1]).destroy(KEY.decode(), 1, now + MONTH, "une part de moins")
    _terminal(founded, shares[:2]).destroy(KEY.decode(), 1, now + MONTH, "pv 12")
    opened, kept, _ = opened_store(founded.store, b"", shares[:2])
    assert [each.card.edition for each in opened.editions] == [2]
    assert list(founded.store.glob("secret*.age")) == [kept]
    assert len(list(founded.store.glob("shares-*"))) == 1


def _found(founded: Any, edition: Edition) -> int:
    """In how many files of the store, opened by the credential, a secret of the edition stands."""
    credential = read_credential(founded.credential)
    seeds = (edition.hybrid.seed, edition.signing.ed25519_seed, edition.signing.mldsa65_seed)
    forms = [form for seed in seeds for form in (seed, seed.hex().encode(), b64encode(seed))]
    found = 0
    for path in (each for each in founded.store.rglob("*") if each.is_file()):
        data = path.read_bytes()
        with suppress(Refusal):
            data += decrypt_with_passphrase(data, credential)
        found += any(form in data for form in forms)
    return found
