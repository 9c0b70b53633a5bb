"""What the custodian's book and store have room for, and that a full one is refused in time."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from keys.custody.book import POSTS_MOST, RESUMED_MOST, VERSIONS_MOST, Book, BookFile, version_of
from keys.custody.core import Custody
from keys.custody.editions import EDITIONS_MOST
from keys.custody.errors import KeyBookFull, StoreUnsafe
from keys.custody.files import FILE_BYTES_MAX
from keys.custody.frames import FRAME_BYTES_MAX
from keys.custody.service_keys import SUCCESSIONS_MOST
from keys.custody.store import (
    COMPARTMENT_BYTES_MAX,
    read_credential,
    wrap_secret,
    wrap_service,
)
from keys.lifecycle import ACTIVE, DEACTIVATED, DESTROYED, HISTORY_MOST
from keys.succession import files_of
from tests.keys.custody.test_rotation import NOW, UNTIL, _open, _terminal

KEY = "certifying/MINREX"


def _file(founded: Any) -> BookFile:
    return BookFile(founded.store, read_credential(founded.credential))


def _filled(founded: Any, custody: Custody, most: int) -> None:
    """Cards of one post, endorsed one after the other, fill the book up to so many versions."""
    book = Book.parse(custody.key_versions())
    made = replace(version_of(custody.card()), key="post/PARIS")
    for to in (ACTIVE, DEACTIVATED, DESTROYED):
        made = made.moved(to, at=NOW, reason="succeeded")
    cards = tuple(replace(made, number=at + 1) for at in range(most - len(book.versions)))
    _file(founded).write(replace(book, versions=(*book.versions, *cards)))


def _kept(founded: Any) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in founded.store.iterdir()}


def test_a_full_book_is_refused_before_a_key_is_exchanged(founded: Any) -> None:
    custody = _open(founded)
    custody.remember_keys()
    _filled(founded, custody, VERSIONS_MOST)
    assert len(b64encode(custody.key_versions())) < FRAME_BYTES_MAX / 2, "a full book can be told"
    kept = _kept(founded)
    for rotate in (
        lambda: _terminal(founded).rotate(NOW, UNTIL, NOW),
        lambda: _terminal(founded).rotate_certifying(NOW),
        lambda: _terminal(founded).rotate_receipts(NOW),
    ):
        with pytest.raises(KeyBookFull):
            rotate()
    assert _kept(founded) == kept
    assert _open(founded).root_introduction(), "what is in force serves on"


def test_posts_cards_leave_room_for_the_ministry_s_own_keys(founded: Any, lome: Custody) -> None:
    custody = _open(founded)
    custody.remember_keys()
    _filled(founded, custody, POSTS_MOST - 1)
    card = lome.card().to_bytes()
    custody.endorse_card(card)
    other = Custody.generate("BERLIN", valid_from=NOW, valid_until=UNTIL).card()
    with pytest.raises(KeyBookFull):
        custody.endorse_card(other.to_bytes())
    custody.endorse_card(card)
    assert _terminal(founded).rotate(NOW, UNTIL, NOW).edition == 2
    assert _terminal(founded).rotate_certifying(NOW).number == 2


def test_a_key_suspended_too_often_is_superseded_and_never_stuck(founded: Any) -> None:
    custody, terminal = _open(founded), _terminal(founded)
    for _ in range(RESUMED_MOST // 2 - 1):
        custody.suspend_key(KEY.encode(), b"1", b"doute")
        terminal.resume(KEY, 1, datetime.now(UTC).replace(microsecond=0), "levé")
    custody.suspend_key(KEY.encode(), b"1", b"doute")
    now = datetime.now(UTC).replace(microsecond=0)
    kept = _kept(founded)
    with pytest.raises(KeyBookFull):
        terminal.resume(KEY, 1, now, "levé")
    assert _kept(founded) == kept
    custody.compromise_key(KEY.encode(), b"1", b"vol")
    assert terminal.rotate_certifying(now).number == 2
    ended = Book.parse(_open(founded).key_versions()).find(KEY, 1)
    assert (ended.state, len(ended.history) <= HISTORY_MOST) == (DESTROYED, True)


def test_a_store_opens_with_as_many_keys_as_it_may_ever_hold(founded: Any) -> None:
    """Years of rotations: each leaves a card and its secrets, or a word of the root, in a file."""
    credential = read_credential(founded.credential)
    custody = _open(founded)
    bureau, service, card = custody.bureau, custody.service, custody.card()
    for _ in range(SUCCESSIONS_MOST):
        service = service.with_receipts(bureau.root, NOW).with_log(bureau.root, None, NOW)
    for _ in range(EDITIONS_MOST - 1):
        bureau, card = bureau.with_next(NOW, UNTIL)
        bureau = replace(bureau, card=card)
    for name, data in (
        ("secret.age", wrap_secret(bureau, credential)),
        ("service.age", wrap_service(service, credential)),
        ("bureau.card", card.to_bytes()),
    ):
        assert len(data) < COMPARTMENT_BYTES_MAX / 3
        (founded.store / name).write_bytes(data)
    custody = _open(founded)
    assert custody.card().edition == EDITIONS_MOST
    assert len(files_of(custody.successions())) == SUCCESSIONS_MOST
    assert len(files_of(custody.log_successions())) == SUCCESSIONS_MOST
    assert custody.root_introduction()
    kept = _kept(founded)
    with pytest.raises(KeyBookFull):
        _terminal(founded).rotate(NOW, UNTIL, NOW)
    assert _kept(founded) == kept


def test_a_file_that_is_longer_than_it_may_be_is_called_so(founded: Any) -> None:
    """Not cut off, and then called damaged."""
    (founded.store / "bureau.card").write_bytes(b" " * (FILE_BYTES_MAX + 1))
    with pytest.raises(StoreUnsafe, match="bytes"):
        _open(founded)
