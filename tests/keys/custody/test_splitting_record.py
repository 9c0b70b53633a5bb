"""The record of a splitting: each holder confirms the same bytes, with the share in hand."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.custody.compartment import Splitting
from keys.custody.errors import SplittingHolderUnknown, SplittingRecordMalformed, StoreUnsplit
from keys.custody.shares import Holder, Share, SharesMixed, SharesWrong, open_share
from keys.custody.splitting import in_force, resplit_store, split_store
from keys.custody.splitting_record import begin_record, confirm_record, read_splitting_record
from keys.custody.store import read_credential, read_splitting
from keys.errors import SignatureInvalid
from keys.identity import Identity
from keys.signing import SHARE_HELD
from keys.statements import encode_signed
from tests.support.dying import killed_at
from tests.vectors.forge import NOW, identity

NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")
PEOPLE = {name: identity(name) for name in NAMES}
HOLDERS = [Holder(name, each.card.recipient) for name, each in PEOPLE.items()]
CARDS = [each.card for each in PEOPLE.values()]
REASON = "Relève de septembre"


def _opened(paths: list[Path]) -> dict[str, Share]:
    found = {
        path.stem: open_share(path.read_bytes(), PEOPLE[path.stem].hybrid_key) for path in paths
    }
    assert tuple(found) == NAMES
    return found


def _split(founded: Any) -> dict[str, Share]:
    credential = read_credential(founded.credential)
    return _opened(split_store(founded.store, credential, 2, HOLDERS))


def _in_force(founded: Any) -> Splitting:
    splitting = read_splitting(founded.store)
    assert splitting is not None
    return splitting


def _begun(founded: Any) -> bytes:
    return begin_record("MINREX", _in_force(founded), list(reversed(CARDS)), REASON, NOW)


def _confirmed(founded: Any) -> bytes:
    shares, record = _split(founded), _begun(founded)
    for name in ("GARDE-C", "GARDE-A", "GARDE-B"):
        record = confirm_record(record, PEOPLE[name], shares[name], NOW)
    return record


def test_each_holder_confirms_the_same_bytes_in_any_order(founded: Any) -> None:
    shares, record = _split(founded), _begun(founded)
    before = read_splitting_record(record)
    assert before.missing == NAMES
    assert before.stated.cards == tuple(card.fingerprint for card in CARDS)
    record = confirm_record(record, PEOPLE["GARDE-C"], shares["GARDE-C"], NOW)
    assert read_splitting_record(record).missing == ("GARDE-A", "GARDE-B")
    for name in ("GARDE-A", "GARDE-B"):
        record = confirm_record(record, PEOPLE[name], shares[name], NOW)
    after = read_splitting_record(record)
    assert (after.missing, after.stated) == ((), before.stated)
    assert (after.stated.splitting, after.stated.reason) == (_in_force(founded), REASON)
    assert set(after.confirmed.values()) == {NOW}


def test_a_record_tells_no_share(founded: Any) -> None:
    shares, record = _split(founded), _begun(founded)
    record = confirm_record(record, PEOPLE["GARDE-A"], shares["GARDE-A"], NOW)
    assert not [share for share in shares.values() if share.words.encode() in record]


def test_a_holder_confirms_once(founded: Any) -> None:
    shares, record = _split(founded), _begun(founded)
    once = confirm_record(record, PEOPLE["GARDE-A"], shares["GARDE-A"], NOW)
    again = confirm_record(once, PEOPLE["GARDE-A"], shares["GARDE-A"], NOW + timedelta(days=1))
    assert again == once != record


def test_only_the_holder_confirms_with_the_holders_own_share(founded: Any) -> None:
    shares, record = _split(founded), _begun(founded)
    with pytest.raises(SharesWrong):
        confirm_record(record, PEOPLE["GARDE-A"], shares["GARDE-B"], NOW)
    with pytest.raises(SplittingHolderUnknown):
        confirm_record(record, identity("GARDE-D"), shares["GARDE-A"], NOW)
    namesake = replace(PEOPLE["GARDE-A"], card=identity("GARDE-D").card)
    with pytest.raises(SplittingHolderUnknown):
        confirm_record(record, namesake, shares["GARDE-A"], NOW)


def test_a_share_of_another_splitting_confirms_nothing(founded: Any) -> None:
    old, record = _split(founded), _begun(founded)
    resplit_store(founded.store, [old["GARDE-A"], old["GARDE-B"]], 2, HOLDERS)
    anew = _begun(founded)
    assert (
        read_splitting_record(anew).stated.fingerprint
        != read_splitting_record(record).stated.fingerprint
    )
    with pytest.raises(SharesMixed):
        confirm_record(anew, PEOPLE["GARDE-A"], old["GARDE-A"], NOW)


@pytest.mark.parametrize(
    "cards", [CARDS[:2], [*CARDS, identity("GARDE-D").card], [*CARDS, CARDS[0]]]
)
def test_a_record_is_begun_with_the_cards_of_all_holders(founded: Any, cards: list[Any]) -> None:
    _split(founded)
    with pytest.raises(SplittingHolderUnknown):
        begin_record("MINREX", _in_force(founded), cards, REASON, NOW)


@pytest.mark.parametrize("reason", ["", "deux\nlignes", "x" * 201])
def test_a_reason_is_one_line(founded: Any, reason: str) -> None:
    _split(founded)
    with pytest.raises(SplittingRecordMalformed):
        begin_record("MINREX", _in_force(founded), CARDS, reason, NOW)


def _signed_by(who: Identity, value: dict[str, Any], **altered: str) -> dict[str, Any]:
    """A confirmation made anew by somebody's key over an altered statement."""
    said = canonical.encode({**value["confirmations"][0]["statement"], **altered})
    signed: dict[str, Any] = canonical.decode(encode_signed(said, who.sign(SHARE_HELD, said)))
    return signed


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda v: v["statement"].update(threshold=3), SplittingRecordMalformed),
        (lambda v: v["statement"].update(threshold=4), SplittingRecordMalformed),
        (lambda v: v["statement"].update(threshold=1), SplittingRecordMalformed),
        (lambda v: v["statement"].update(reason="Une autre"), SplittingRecordMalformed),
        (lambda v: v["statement"].update(more=1), SplittingRecordMalformed),
        (lambda v: v.update(more=1), SplittingRecordMalformed),
        (lambda v: v["statement"]["holders"].reverse(), SplittingRecordMalformed),
        (lambda v: v["cards"].reverse(), SplittingRecordMalformed),
        (lambda v: v["cards"].pop(), SplittingRecordMalformed),
        (
            lambda v: v["confirmations"].append(v["confirmations"][0]),
            SplittingRecordMalformed,
        ),
        (
            lambda v: v["confirmations"][1].update(signatures=v["confirmations"][0]["signatures"]),
            SignatureInvalid,
        ),
        (
            lambda v: v["confirmations"].__setitem__(
                0, _signed_by(PEOPLE["GARDE-A"], v, holder="GARDE-C")
            ),
            SignatureInvalid,
        ),
        (
            lambda v: v["confirmations"].__setitem__(
                0, _signed_by(PEOPLE["GARDE-C"], v, record="ab" * 32)
            ),
            SplittingRecordMalformed,
        ),
        (
            lambda v: v["confirmations"].__setitem__(
                0, _signed_by(identity("GARDE-D"), v, holder="GARDE-D")
            ),
            SplittingRecordMalformed,
        ),
    ],
)
def test_an_altered_record_is_refused(
    founded: Any, change: Callable[[dict[str, Any]], object], refusal: type[Exception]
) -> None:
    value = canonical.decode(_confirmed(founded))
    change(value)
    with pytest.raises(refusal):
        read_splitting_record(canonical.encode(value))


@pytest.mark.parametrize(
    "change",
    [
        lambda said: said.update(threshold=4),
        lambda said: said["holders"][1].update(post="GARDE-A"),
        lambda said: said["holders"][0].update(more=1),
        lambda said: said.update(more=1),
    ],
)
def test_a_statement_that_no_splitting_has_is_refused_before_anybody_confirms_it(
    founded: Any, change: Callable[[dict[str, Any]], object]
) -> None:
    _split(founded)
    value = canonical.decode(_begun(founded))
    change(value["statement"])
    with pytest.raises(SplittingRecordMalformed):
        read_splitting_record(canonical.encode(value))


def test_all_holders_may_be_needed_at_once(founded: Any) -> None:
    split_store(founded.store, read_credential(founded.credential), 3, HOLDERS)
    assert read_splitting_record(_begun(founded)).stated.splitting.threshold == len(NAMES)


def test_a_confirmation_says_nothing_more(founded: Any) -> None:
    value = canonical.decode(_confirmed(founded))
    value["confirmations"][0] = _signed_by(PEOPLE["GARDE-C"], value, more="1")
    with pytest.raises(SplittingRecordMalformed):
        read_splitting_record(canonical.encode(value))


def test_a_confirmation_taken_away_is_a_holder_missing(founded: Any) -> None:
    value = canonical.decode(_confirmed(founded))
    value["confirmations"].pop(0)
    assert read_splitting_record(canonical.encode(value)).missing == ("GARDE-C",)


def test_too_much_is_not_read() -> None:
    most = 512 * 1024
    with pytest.raises(SplittingRecordMalformed, match="at most 524288 bytes"):
        read_splitting_record(b"[" * (most + 1))
    with pytest.raises(SplittingRecordMalformed) as refused:
        read_splitting_record(b"[" * most)
    assert "at most" not in str(refused.value)


def _split_killed_at(founded: Any, step: int) -> int:
    credential = read_credential(founded.credential)
    return killed_at(
        founded.store, step, lambda: split_store(founded.store, credential, 2, HOLDERS)
    )


def test_a_splitting_that_was_killed_once_in_force_gets_its_record(founded: Any) -> None:
    """Nobody saw the command end; before that step there is nothing to record."""
    for step in range(1, 60):
        assert _split_killed_at(founded, step) == 9
        if read_splitting(founded.store) is not None:
            break
        with pytest.raises(StoreUnsplit):
            in_force(founded.store)
    post, splitting = in_force(founded.store)
    record = begin_record(post, splitting, CARDS, REASON, NOW)
    folder = founded.store / f"shares-{splitting.set.hex()}"
    for name, share in _opened([folder / f"{name}.share" for name in NAMES]).items():
        record = confirm_record(record, PEOPLE[name], share, NOW)
    assert (post, read_splitting_record(record).missing) == ("MINREX", ())
