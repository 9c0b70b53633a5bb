"""The sealed compartment: split among holders, opened by enough of them, split anew, killed."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from keys.age.hybrid import HybridKey
from keys.custody import Custodian, no_secret, open_custodian
from keys.custody.acts import read_answer
from keys.custody.compartment import (
    OFFER_SECONDS,
    CustodyState,
    NoLock,
    SecretCompartment,
    Splitting,
)
from keys.custody.core import Custody
from keys.custody.editions import BureauKeys
from keys.custody.errors import (
    CustodianFault,
    CustodySealed,
    ShareNotAwaited,
    StoreInvalid,
    StoreSplitAlready,
    StoreUnsplit,
)
from keys.custody.shares import (
    Holder,
    Share,
    ShareMalformed,
    SharesMixed,
    SharesTooFew,
    SharesWrong,
    ShareTwice,
    open_share,
)
from keys.custody.splitting import drill, opened_store, resplit_store, split_store
from keys.custody.store import found, open_store, read_credential, read_splitting
from tests.keys.custody.conftest import END, START
from tests.support.dying import killed_at

NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")


@cache
def _key(name: str) -> HybridKey:
    del name  # one key for each
    return HybridKey.generate()


def _holders(*names: str) -> list[Holder]:
    return [Holder(name, _key(name).recipient) for name in names]


def _read(paths: list[Path]) -> list[Share]:
    return [open_share(path.read_bytes(), _key(path.stem)) for path in paths]


def _split(founded: Any, threshold: int = 2) -> list[Share]:
    credential = read_credential(founded.credential)
    return _read(split_store(founded.store, credential, threshold, _holders(*NAMES)))


def _open(founded: Any) -> Custody:
    return open_store(founded.store, read_credential(founded.credential))


def _opens(custodian: Custodian, office: Custodian, dispatch: Callable[..., Any]) -> bool:
    """Whether the bureau's keys do what they are for."""
    envelope = dispatch(office, custodian.card())
    try:
        custodian.open_file_key(envelope.header.encode(), envelope.prefix)
    except CustodySealed:
        return False
    return True


def test_a_split_store_starts_sealed_and_opens_with_enough_shares(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    shares = _split(founded)
    custody = _open(founded)

    assert not _opens(custody, lome, dispatch)
    state = custody.offer_share(shares[0].to_bytes())
    assert (state.sealed, state.threshold, state.offered) == (True, 2, ("GARDE-A",))
    assert state.holders == NAMES
    state = custody.offer_share(shares[2].to_bytes())

    assert (state.sealed, state.offered) == (False, ())
    assert _opens(custody, lome, dispatch)


def test_while_it_is_sealed_the_service_keeps_its_own_keys(founded: Any) -> None:
    """Receipts and tokens go on: mail is accepted, and nothing that was acknowledged is lost."""
    before = _open(founded)
    _split(founded)
    sealed = _open(founded)

    assert sealed.card() == before.card()
    assert sealed.service_key().ed25519 == before.service_key().ed25519
    assert sealed.certifying_key().mldsa65 == before.certifying_key().mldsa65
    with pytest.raises(CustodySealed):
        sealed.open_sealed(b"")


def test_shares_of_another_store_are_not_taken_for_one_that_its_credential_opens(
    founded: Any, tmp_path: Path
) -> None:
    other = replace(founded, store=tmp_path / "other")
    found(other.store, founded.credential, "MINREX", START, END)
    shares = _split(other)

    with pytest.raises(StoreUnsplit):
        opened_store(founded.store, read_credential(founded.credential), shares)


def test_one_person_seals_it_at_once(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    shares = _split(founded)
    custody = _open(founded)
    custody.offer_share(shares[0].to_bytes())
    custody.offer_share(shares[1].to_bytes())
    custody.seal()
    custody.seal()

    assert custody.state().sealed
    assert not _opens(custody, lome, dispatch)
    custody.offer_share(shares[1].to_bytes())
    custody.offer_share(shares[2].to_bytes())
    assert _opens(custody, lome, dispatch)


def test_a_store_that_its_credential_opens_can_be_sealed_until_its_next_start(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    custody = _open(founded)
    custody.seal()

    assert (custody.state().sealed, custody.state().threshold) == (True, 0)
    assert not _opens(custody, lome, dispatch)
    assert _opens(_open(founded), lome, dispatch)


def test_the_credential_alone_opens_a_split_store_no_more(founded: Any) -> None:
    before = _open(founded).bureau
    shares = _split(founded)
    credential = founded.credential.read_bytes().strip()
    left = b"".join(path.read_bytes() for path in founded.store.rglob("*") if path.is_file())

    assert not (founded.store / "secret.age").exists()
    for secret in (before.hybrid.seed, before.signing.ed25519_seed, credential):
        assert secret not in left
    assert all(share.words.encode() not in left for share in shares)


def test_a_share_is_refused_before_it_can_spoil_the_others(founded: Any) -> None:
    shares = _split(founded)
    custody = _open(founded)
    first, second, _ = shares
    custody.offer_share(first.to_bytes())

    with pytest.raises(ShareTwice):
        custody.offer_share(first.to_bytes())
    with pytest.raises(ShareMalformed):
        custody.offer_share(b"{}")
    with pytest.raises(SharesMixed):
        custody.offer_share(replace(second, set=bytes(16)).to_bytes())
    with pytest.raises(SharesMixed):
        custody.offer_share(replace(second, purpose="ROOT").to_bytes())
    with pytest.raises(SharesWrong):
        custody.offer_share(replace(second, holder="INTRUS").to_bytes())
    with pytest.raises(SharesWrong):
        custody.offer_share(replace(second, fingerprint="0" * 64).to_bytes())
    assert custody.state().offered == ("GARDE-A",)


def test_a_forged_share_makes_the_holders_begin_again(founded: Any) -> None:
    first, second, third = _split(founded)
    custody = _open(founded)
    custody.offer_share(first.to_bytes())
    forged = replace(second, words=third.words)

    custody.offer_share(forged.to_bytes())  # another share's words open as well: nothing is forged
    assert not custody.state().sealed
    custody.seal()
    custody.offer_share(first.to_bytes())
    with pytest.raises(ShareTwice):
        custody.offer_share(replace(second, words=first.words).to_bytes())
    assert custody.state().offered == ()


def test_an_offered_share_does_not_wait_for_ever(founded: Any) -> None:
    first, second, _ = _split(founded)
    now = [0.0]
    lock = _open(founded).secret._lock
    compartment = SecretCompartment(None, lock, lambda: now[0])
    compartment.offer(first)
    now[0] = OFFER_SECONDS

    assert compartment.state().offered == ()
    assert compartment.offer(second).sealed


def test_no_share_is_awaited_when_nothing_is_sealed_or_split(founded: Any, lome: Custody) -> None:
    [share, other, _] = _split(founded)
    custody = _open(founded)
    custody.offer_share(share.to_bytes())
    custody.offer_share(other.to_bytes())

    with pytest.raises(ShareNotAwaited):
        custody.offer_share(share.to_bytes())
    sealed = SecretCompartment(None, NoLock(lome.card()))
    with pytest.raises(ShareNotAwaited):
        sealed.offer(share)
    with pytest.raises(CustodySealed):
        NoLock(lome.card()).unlock(Splitting(share.set, share.fingerprint, 2, NAMES), bytes(32))


def test_a_new_splitting_replaces_a_holder_and_retires_every_old_share(
    founded: Any, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    """A running custodian notices: what was offered before the new splitting is forgotten."""
    old = _split(founded)
    running = _open(founded)
    running.offer_share(old[0].to_bytes())
    new = _read(resplit_store(founded.store, old[:2], 2, _holders("GARDE-A", "GARDE-D")))

    assert running.state().offered == ()
    assert running.state().holders == ("GARDE-A", "GARDE-D")
    for share in old:
        with pytest.raises(SharesMixed):
            running.offer_share(share.to_bytes())
    with pytest.raises(SharesMixed):
        drill(founded.store, old)
    for share in new:
        running.offer_share(share.to_bytes())
    assert _opens(running, lome, dispatch)
    assert len(list(founded.store.glob("secret-*.age"))) == 1
    assert len(list(founded.store.glob("shares-*"))) == 1


def test_a_drill_proves_the_shares_and_changes_nothing(founded: Any) -> None:
    shares = _split(founded)
    before = {path: path.read_bytes() for path in founded.store.rglob("*") if path.is_file()}

    drill(founded.store, shares[1:])
    with pytest.raises(SharesTooFew):
        drill(founded.store, shares[:1])
    with pytest.raises(SharesWrong):
        drill(founded.store, [shares[0], replace(shares[1], holder="INTRUS")])

    after = {path: path.read_bytes() for path in founded.store.rglob("*") if path.is_file()}
    assert after == before


def test_who_may_split_depends_on_what_opens(founded: Any) -> None:
    credential = read_credential(founded.credential)
    with pytest.raises(StoreInvalid):
        split_store(founded.store, credential[::-1], 2, _holders(*NAMES))
    with pytest.raises(ValueError, match="number of holders"):
        split_store(founded.store, credential, 4, _holders(*NAMES))
    shares = _split(founded)

    with pytest.raises(StoreSplitAlready):
        split_store(founded.store, credential, 2, _holders(*NAMES))
    (founded.store / "secret.splitting").unlink()
    with pytest.raises(StoreUnsplit):
        drill(founded.store, shares)


def test_a_damaged_splitting_closes_the_store(founded: Any) -> None:
    _split(founded)
    (founded.store / "secret.splitting").write_bytes(b"{}")

    with pytest.raises(StoreInvalid):
        _open(founded)


def test_a_key_that_combines_and_opens_nothing_leaves_it_sealed(founded: Any) -> None:
    """Somebody exchanged the wrapped file on the disk."""
    shares = _split(founded)
    splitting = read_splitting(founded.store)
    assert splitting is not None
    path = founded.store / f"secret-{splitting.set.hex()}.age"
    path.write_bytes((founded.store / "service.age").read_bytes())
    custody = _open(founded)
    custody.offer_share(shares[0].to_bytes())

    with pytest.raises(StoreInvalid):
        custody.offer_share(shares[1].to_bytes())
    assert custody.state().sealed
    assert custody.state().offered == ()


# Killed at every step


def _killed_at(founded: Any, step: int, keys: list[HybridKey], shares: list[Path]) -> int:
    """Split in a process of its own that dies before its `step`-th look at the store's disk."""

    def split() -> None:
        holders = [Holder(f"N-{i}", key.recipient) for i, key in enumerate(keys)]
        if shares:
            opened = [
                open_share(path.read_bytes(), key) for path, key in zip(shares, keys, strict=True)
            ]
            resplit_store(founded.store, opened, 2, holders)
        else:
            split_store(founded.store, read_credential(founded.credential), 2, holders)

    return killed_at(founded.store, step, split)


def _shares_in_force(founded: Any) -> list[Path] | None:
    splitting = read_splitting(founded.store)
    if splitting is None:
        return None
    folder = founded.store / f"shares-{splitting.set.hex()}"
    return [folder / f"{name}.share" for name in splitting.holders]


@pytest.mark.parametrize("anew", [False, True], ids=["first", "anew"])
def test_killed_at_any_step_a_splitting_is_done_or_undone(founded: Any, anew: bool) -> None:
    """Whatever is left opens: by the credential, by the old shares or by the new ones."""
    keys = [HybridKey.generate() for _ in range(2)]
    bureau = _open(founded).bureau
    if anew:
        assert _killed_at(founded, 0, keys, []) == 0
    for step in range(1, 60):
        before = _shares_in_force(founded)
        ended = _killed_at(founded, step, keys, before or [])
        assert ended in {0, 9}
        after = _shares_in_force(founded)
        custody = _open(founded)
        if after is not None:
            for path, key in zip(after, keys, strict=True):
                custody.offer_share(open_share(path.read_bytes(), key).to_bytes())
        assert _same(custody.bureau, bureau)
        if ended == 0 or (after is not None and not anew):
            break
    assert after is not None
    assert step > 10
    shares = [open_share(path.read_bytes(), key) for path, key in zip(after, keys, strict=True)]
    (founded.store / ".secret.splitting-left-behind").touch()
    resplit_store(founded.store, shares, 2, _holders(*NAMES))
    assert len(list(founded.store.glob("secret-*.age"))) == 1
    assert not list(founded.store.glob(".secret*"))


def _same(one: BureauKeys, other: BureauKeys) -> bool:
    return (one.hybrid.seed, one.signing.ed25519_seed) == (
        other.hybrid.seed,
        other.signing.ed25519_seed,
    )


@pytest.mark.parametrize("place", ["process", "thread"])
def test_over_the_socket(
    founded: Any,
    tmp_path: Path,
    start_worker: Callable[..., Any],
    open_door: Callable[..., Any],
    place: str,
) -> None:
    shares = _split(founded)
    if place == "process":
        uri = start_worker(founded, tmp_path / "custodian.sock").uri
    else:
        open_door(_open(founded))
        uri = f"worker:{tmp_path}/door.sock"
    with closing(open_custodian(uri, no_secret)) as custodian:
        assert custodian.state() == CustodyState(
            sealed=True, threshold=2, holders=NAMES, offered=()
        )
        with pytest.raises(CustodySealed):
            custodian.open_sealed(b"anything")
        custodian.offer_share(shares[0].to_bytes())
        assert not custodian.offer_share(shares[1].to_bytes()).sealed
        with pytest.raises(ShareNotAwaited):
            custodian.offer_share(shares[2].to_bytes())
        custodian.seal()
        assert custodian.state().sealed


def test_an_answer_that_seals_nothing_in_words_is_not_believed() -> None:
    with pytest.raises(CustodianFault):
        read_answer("seal", {"result": {"bytes": b""}})
    assert read_answer("seal", {"result": {}}) is None
