"""The life of the bureau's keys: rotated, suspended, compromised, destroyed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from keys.custody.book import Book, BookFile, BookInMemory
from keys.custody.bureau import Bureau
from keys.custody.core import Custody
from keys.custody.errors import (
    CardEndorsedOtherwise,
    CustodySealed,
    KeyDestructionNotOrdered,
    KeyNotDestroyable,
    KeyVersionUnknown,
    RequestMalformed,
    StoreInvalid,
)
from keys.custody.lasting import lasting_kind
from keys.custody.orders import Order
from keys.custody.rotation import Terminal
from keys.custody.shares import SharesMixed, SharesTooFew
from keys.custody.splitting import resplit_store
from keys.custody.store import open_store, read_credential
from keys.custody.versions import USES_AHEAD, Versions
from keys.dispatch import decipher
from keys.endorsement import read_endorsement, read_introduction, root_fingerprint
from keys.errors import CardInvalid, KeyRetired, NotAddressed
from keys.lifecycle import KeyNotUsable, KeyTransitionIllegal, KeyVersion
from tests.keys.custody.test_splitting import _holders, _read, _split

NOW = datetime(2026, 11, 22, 11, tzinfo=UTC)
UNTIL = datetime(2027, 11, 25, tzinfo=UTC)
MONTH = timedelta(days=31)
KEY = b"bureau/MINREX"


def _terminal(founded: Any, shares: Any = ()) -> Terminal:
    return Terminal(founded.store, read_credential(founded.credential), shares)


def _open(founded: Any) -> Custody:
    return open_store(founded.store, read_credential(founded.credential))


def _book(founded: Any) -> tuple[KeyVersion, ...]:
    """Every version of a key that has editions, the ministry's and posts'."""
    versions = Book.parse(_open(founded).key_versions()).versions
    return tuple(each for each in versions if lasting_kind(each.key) is None)


def _order(founded: Any, at: datetime, number: int = 1) -> None:
    """The order to destroy an edition stands, as officers gave it (test_orders.py)."""
    file = BookFile(founded.store, read_credential(founded.credential))
    book = file.read() or Book(_book(founded))
    made = Order(
        "01KAMV6R8P3ZDFWQ5XJ9000000", "0" * 64, "bureau/MINREX", number, ("OFF-1",), "x", at
    )
    file.write(replace(book, orders=(*book.orders, made)))


def _states(custody: Custody) -> dict[int, str]:
    book = Book.parse(custody.key_versions())
    return {each.number: each.state for each in book.of(KEY.decode())}


@pytest.fixture
def rotate(founded: Any) -> Callable[..., Any]:
    return lambda **at: _terminal(founded).rotate(NOW, UNTIL, at.get("now", NOW))


def test_the_next_edition_signs_and_both_open(
    founded: Any,
    lome: Custody,
    dispatch: Callable[..., Any],
    rotate: Callable[..., Any],
    tmp_path: Path,
) -> None:
    first = _open(founded).card()
    before = dispatch(lome, first)
    card = rotate()
    custody = _open(founded)

    assert custody.card() == card
    assert (card.edition, card.previous) == (2, first.fingerprint)
    assert _states(custody) == {1: "deactivated", 2: "active"}
    for envelope in (before, dispatch(lome, card)):
        with decipher(
            BytesIO(envelope.data),
            opener=Bureau(custody),
            find_sender=lambda _: lome.card(),
            workspace=tmp_path,
        ) as opened:
            assert opened.manifest.sender.post == "LOME"
    dispatch(custody, lome.card())


def test_a_book_names_the_versions_that_ask_for_something(
    founded: Any, rotate: Callable[..., Any]
) -> None:
    rotate()
    book = Book(_book(founded))
    assert book.warnings(NOW) == []
    told = [(each.number, what) for each, what in book.warnings(UNTIL)]
    assert told == [(2, "expired")]


def test_one_person_suspends_and_the_terminal_resumes(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    custody = _open(founded)
    envelope = dispatch(lome, custody.card())
    custody.suspend_key(KEY, b"1", "soupçon".encode())
    with pytest.raises(KeyNotUsable):
        dispatch(custody, lome.card())
    with pytest.raises(KeyRetired):
        custody.open_file_key(envelope.header.encode(), envelope.prefix)
    assert custody.suspend_key(KEY, b"1", b"encore") == custody.suspend_key(KEY, b"1", b"encore")

    later = datetime.now(UTC).replace(microsecond=0)
    assert _terminal(founded).resume("bureau/MINREX", 1, later, "levé").state == "active"
    custody.open_file_key(envelope.header.encode(), envelope.prefix)
    with pytest.raises(KeyTransitionIllegal):
        _terminal(founded).resume("bureau/MINREX", 1, later, "levé")


def test_a_compromised_edition_opens_what_is_to_be_rescued_and_signs_nothing_ever_again(
    founded: Any, lome: Custody, dispatch: Callable[..., Any], rotate: Callable[..., Any]
) -> None:
    custody = _open(founded)
    envelope = dispatch(lome, custody.card())
    custody.compromise_key(KEY, b"1", b"vol")
    with pytest.raises(KeyNotUsable):
        dispatch(custody, lome.card())
    assert len(custody.open_file_key(envelope.header.encode(), envelope.prefix)) == 16
    with pytest.raises(KeyTransitionIllegal):
        custody.suspend_key(KEY, b"1", b"non")
    rotate()
    assert _states(_open(founded)) == {1: "compromised", 2: "active"}


@pytest.mark.parametrize(
    ("key", "number", "reason", "refusal"),
    [
        (b"bureau/MINREX", b"9", b"x", KeyVersionUnknown),
        (b"bureau/PARIS", b"1", b"x", KeyVersionUnknown),
        (b"bureau/MINREX", b"-1", b"x", KeyVersionUnknown),
        (b"bureau/MINREX", b"one", b"x", RequestMalformed),
        (b"bureau/MINREX", b"1", b"", RequestMalformed),
        (b"bureau/MINREX", b"1", b"two\nlines", RequestMalformed),
        (b"\xff", b"1", b"x", RequestMalformed),
        (b"bureau/MINREX", b"1", b"x" * 201, RequestMalformed),
    ],
)
def test_nonsense_about_a_key_changes_nothing(
    founded: Any, key: bytes, number: bytes, reason: bytes, refusal: type[Exception]
) -> None:
    custody = _open(founded)
    with pytest.raises(refusal):
        custody.suspend_key(key, number, reason)
    assert _states(custody) == {1: "active"}


def test_an_archive_key_rests_thirty_days_then_goes(
    founded: Any, lome: Custody, dispatch: Callable[..., Any], rotate: Callable[..., Any]
) -> None:
    envelope = dispatch(lome, _open(founded).card())
    now = datetime.now(UTC).replace(microsecond=0)
    terminal = _terminal(founded)
    rotate(now=now)
    with pytest.raises(KeyDestructionNotOrdered):
        terminal.destroy(KEY.decode(), 1, now + MONTH, "de son propre chef")
    _order(founded, now)
    with pytest.raises(KeyNotDestroyable):
        terminal.destroy(KEY.decode(), 1, now + timedelta(days=29), "trop tôt")
    gone = terminal.destroy(KEY.decode(), 1, now + MONTH, "procès-verbal 12")
    assert (gone.state, gone.history[-1].act) == ("destroyed", "01KAMV6R8P3ZDFWQ5XJ9000000")
    custody = _open(founded)
    with pytest.raises(NotAddressed):
        custody.open_file_key(envelope.header.encode(), envelope.prefix)
    assert terminal.destroy(KEY.decode(), 1, now + 2 * MONTH, "encore") == gone
    assert _states(custody) == {1: "destroyed", 2: "active"}


def test_uses_are_counted_and_a_kill_never_makes_them_too_few(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    for times in (1, 2):
        custody = _open(founded)
        for _ in range(3):
            dispatch(custody, lome.card())
        (version,) = Book.parse(custody.key_versions()).of(KEY.decode())
        assert version.uses == times * USES_AHEAD


def test_a_split_store_rotates_by_its_shares_alone(founded: Any) -> None:
    shares = _split(founded)
    with pytest.raises(SharesTooFew):
        _terminal(founded, shares[:1]).rotate(NOW, UNTIL, NOW)
    card = _terminal(founded, shares[:2]).rotate(NOW, UNTIL, NOW)
    custody = _open(founded)
    assert custody.state().sealed
    for share in shares[1:]:
        custody.offer_share(share.to_bytes())
    slip_key = custody.bureau.signing.verifying_key
    assert (slip_key.ed25519, custody.card()) == (card.ed25519, card)
    new = _read(resplit_store(founded.store, shares[:2], 2, _holders("GARDE-A", "GARDE-D")))
    with pytest.raises(SharesMixed):
        _terminal(founded, shares[:2]).rotate(NOW, UNTIL, NOW)
    assert _terminal(founded, new).rotate(NOW, UNTIL, NOW).edition == 3


def test_a_custodian_that_runs_goes_on_with_the_keys_as_they_are_now(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    """It is not started again: not after a rotation, and not after a destruction."""
    custody, now = _open(founded), datetime.now(UTC).replace(microsecond=0)
    before = dispatch(lome, custody.card())
    card = _terminal(founded).rotate(NOW, UNTIL, now)
    assert custody.card() == card
    dispatch(custody, lome.card())
    assert len(custody.open_file_key(before.header.encode(), before.prefix)) == 16

    _order(founded, now)
    _terminal(founded).destroy(KEY.decode(), 1, now + MONTH, "procès-verbal 12")
    with pytest.raises(NotAddressed):
        custody.open_file_key(before.header.encode(), before.prefix)
    assert [each.card.edition for each in custody.bureau.editions] == [2]


def test_a_split_custodian_that_runs_seals_itself_until_its_holders_open_what_is_new(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    shares = _split(founded)
    custody = _open(founded)
    for share in shares[:2]:
        custody.offer_share(share.to_bytes())
    now = datetime.now(UTC).replace(microsecond=0)
    card = _terminal(founded, shares[:2]).rotate(NOW, UNTIL, now)

    assert (custody.card(), custody.state().sealed) == (card, True)
    with pytest.raises(CustodySealed):
        dispatch(custody, lome.card())
    for share in shares[1:]:
        custody.offer_share(share.to_bytes())
    dispatch(custody, lome.card())


def test_a_custodian_that_is_split_while_it_runs_stays_open(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    custody = _open(founded)
    _split(founded)
    dispatch(custody, lome.card())
    assert not custody.state().sealed


def test_states_that_another_credential_wrote_are_refused(founded: Any) -> None:
    BookFile(founded.store, b"x" * 64).write(Book())
    with pytest.raises(StoreInvalid):
        _open(founded).key_versions()


def test_states_that_no_custodian_writes_are_refused(founded: Any) -> None:
    (version,) = _book(founded)
    with pytest.raises(ValueError, match="twice"):
        Book((version, version)).encode()
    with pytest.raises(KeyTransitionIllegal):
        Versions(BookInMemory(), lambda: founded.founding.card, lambda: NOW).make_safer(
            version.key, 1, "destroyed", "une seule personne"
        )


def test_a_post_s_next_card_supersedes_the_one_before(founded: Any, lome: Custody) -> None:
    custody, first = _open(founded), lome.card()
    keys, second = lome.bureau.with_next(NOW, UNTIL)
    assert keys.with_next(NOW, UNTIL) == (keys, second)
    for card in (first, second):
        custody.endorse_card(card.to_bytes())

    assert [each.state for each in _book(founded) if each.key == "post/LOME"] == [
        "deactivated",
        "active",
    ]
    with pytest.raises(KeyTransitionIllegal):
        custody.endorse_card(first.to_bytes())


def test_the_root_endorses_one_card_for_each_edition(founded: Any, lome: Custody) -> None:
    custody = _open(founded)
    root = read_introduction(custody.root_introduction(), custody.card())
    card = lome.card()
    read_endorsement(custody.endorse_card(card.to_bytes()), card, root)
    read_endorsement(custody.endorse_card(card.to_bytes()), card, root)
    other = Custody.generate("LOME", valid_from=NOW, valid_until=UNTIL).card()
    with pytest.raises(CardEndorsedOtherwise):
        _open(founded).endorse_card(other.to_bytes())
    with pytest.raises(CardInvalid):
        custody.endorse_card(b"{}")
    custody.compromise_key(b"post/LOME", b"1", b"vol")
    with pytest.raises(KeyTransitionIllegal):
        custody.endorse_card(card.to_bytes())
    _terminal(founded).rotate(NOW, UNTIL, NOW)
    after = _open(founded)
    again = read_introduction(after.root_introduction(), after.card())
    assert root_fingerprint(again) == root_fingerprint(root)
