"""Prekeys: signed once for many, taken one by one, used once, gone for ever."""

import io
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.age.bech32 import encode_recipient
from keys.age.header import Header
from keys.dispatch import Destination, decipher, encipher
from keys.errors import NotAddressed, NotIntended, SignatureInvalid
from keys.manifest import Series
from keys.merkle import ProofInvalid
from keys.prekey_store import PrekeyOpener, PrekeyStore
from keys.prekeys import (
    Prekey,
    PrekeyBurnt,
    PrekeyExpired,
    PrekeyMalformed,
    PrekeyNotOfCard,
    PrekeyUsed,
    make_bundle,
    read_bundle,
    read_offer,
)
from tests.vectors.forge import NOW, Forgery, addressee, heading, identity

MINREX, PARIS, LOME = map(identity, ("MINREX", "PARIS", "LOME"))
WEEK = timedelta(days=7)


def _bundle(prekeys: list[Prekey], **changes: Any) -> bytes:
    at = {"created": NOW, "expires": NOW + WEEK, **changes}
    return make_bundle(prekeys, PARIS.card, sign=PARIS.sign, **at)


@pytest.fixture
def store(tmp_path: Path) -> PrekeyStore:
    folder = tmp_path / "identity"
    folder.mkdir()
    return PrekeyStore(folder, PARIS)


def _to(prekey: Prekey, number: int = 1) -> bytes:
    sink = io.BytesIO()
    to = Destination(PARIS.card, "ROUTINE", Series(202600, number), prekey=prekey)
    encipher(heading(), [to], b"Bonjour.", signer=MINREX, sink=sink)
    return sink.getvalue()


def _open(envelope: bytes, store: PrekeyStore, workspace: Path) -> PrekeyOpener:
    opener = PrekeyOpener(PARIS, store)
    with decipher(
        io.BytesIO(envelope),
        opener=opener,
        find_sender={MINREX.card.fingerprint: MINREX.card}.get,
        workspace=workspace,
    ) as opened:
        opener.require_named(opened.manifest)
        assert (opened.folder / "message.txt").read_bytes() == b"Bonjour."
    return opener


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100])
def test_every_prekey_of_a_bundle_proves_itself(count: int) -> None:
    prekeys = [Prekey(f"{at:016d}", identity(f"P{at % 3}").card.recipient) for at in range(count)]
    bundle = read_bundle(_bundle(prekeys), PARIS.card, NOW)

    assert list(bundle.prekeys) == prekeys
    offers = bundle.offers()
    assert [read_offer(each, PARIS.card, NOW) for each in offers] == prekeys
    assert max(map(len, offers)) < 8 * 1024


def test_a_used_prekey_opens_nothing_any_more(store: PrekeyStore, tmp_path: Path) -> None:
    """Forward secrecy: later neither the edition key nor anything on the disk opens it."""
    first, other = store.make(2)
    envelope = _to(first)
    opener = _open(envelope, store, tmp_path)
    assert opener.opened_by == first.id
    _open(envelope, store, tmp_path)  # a kill before it was spent: it opens again
    opener.spend()
    opener.spend()

    assert store.ids() == [other.id]
    assert store.used() == {first.id}
    with pytest.raises(PrekeyUsed):
        _open(envelope, store, tmp_path)
    with pytest.raises(NotAddressed):
        PARIS.open_file_key(Header.parse(io.BytesIO(envelope)), lambda _: b"")
    assert _open(_to(other, 2), store, tmp_path).opened_by == other.id


def test_what_is_under_a_burnt_prekey_is_not_opened_and_nothing_is_destroyed(
    store: PrekeyStore, tmp_path: Path
) -> None:
    burnt, other = store.make(2)
    assert store.burn([burnt.id]) == [burnt.id]
    assert store.burn([burnt.id]) == [], "it is noted once"
    assert store.burnt() == {burnt.id}
    assert store.ids() == [other.id]
    with pytest.raises(PrekeyBurnt):
        _open(_to(burnt), store, tmp_path)
    assert store.key(burnt.id).recipient == burnt.recipient
    assert store.used() == frozenset()
    assert _open(_to(other), store, tmp_path).opened_by == other.id
    assert _open(_to(other, 2), PrekeyStore(tmp_path / "identity", PARIS), tmp_path).opened_by


@pytest.mark.parametrize("name", ["", "A" * 15, "A" * 17, "A" * 15 + "\n", "../" + "A" * 13])
def test_nothing_but_an_id_is_noted_as_burnt(store: PrekeyStore, name: str) -> None:
    store.make(1)
    with pytest.raises(ValueError, match="not the id"):
        store.burn(["A" * 16, name])
    assert store.burnt() == frozenset()


def test_what_is_addressed_to_the_edition_spends_no_prekey(
    store: PrekeyStore, tmp_path: Path
) -> None:
    before = store.ever_made
    (prekey,) = store.make(1)
    assert (before, store.ever_made) == (False, True)
    forgery = Forgery([PARIS.card])
    forgery.contents = [("message.txt", b"Bonjour.")]
    opener = _open(forgery.seal(), store, tmp_path)
    opener.spend()

    assert opener.opened_by is None
    assert store.ids() == [prekey.id]


def test_a_dispatch_to_others_is_not_ours_while_no_prekey_was_used(
    store: PrekeyStore, tmp_path: Path
) -> None:
    store.make(1)
    with pytest.raises(NotAddressed):
        _open(Forgery([LOME.card]).seal(), store, tmp_path)


def test_a_stanza_wrapped_to_another_prekey_than_the_one_named_is_refused(
    store: PrekeyStore, tmp_path: Path
) -> None:
    """Whoever reads a dispatch could use up the prekeys of its other addressees."""
    named, used = store.make(2)
    entry = replace(addressee(PARIS.card), key=f"prekey:{named.id}")
    forged = Forgery([replace(PARIS.card, recipient=used.recipient)], to=[entry])
    forged.contents = [("message.txt", b"Bonjour.")]
    with pytest.raises(NotIntended):
        _open(forged.seal(), store, tmp_path)


def test_a_kill_between_the_record_and_the_removal_is_swept(store: PrekeyStore) -> None:
    (prekey,) = store.make(1)
    (store._folder / "used").write_text(prekey.id + "\n")
    assert store.ids() == []
    store.sweep()
    assert not list(store._folder.glob("*.age"))
    store.sweep()
    assert store.used() == {prekey.id}


def test_what_the_store_keeps_is_its_owners_alone(store: PrekeyStore) -> None:
    (first,), (other,) = store.make(1), store.make(1)
    store.destroy(first.id)
    assert store.ids() == [other.id]
    folder = store._folder
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in folder.iterdir()} == {0o600}
    assert {each.name for each in folder.iterdir()} == {"used", f"{other.id}.age"}


def test_a_secret_half_is_overwritten_before_it_is_removed(
    store: PrekeyStore, tmp_path: Path
) -> None:
    (prekey,) = store.make(1)
    path = store._folder / f"{prekey.id}.age"
    assert path.stat().st_mode & 0o777 == 0o600
    os.link(path, tmp_path / "kept")
    store.destroy(prekey.id)
    assert not any((tmp_path / "kept").read_bytes())


# Falsified


def _offer(change: Callable[[dict[str, Any]], object]) -> bytes:
    prekeys = [Prekey(f"{at:016d}", identity(f"P{at}").card.recipient) for at in range(3)]
    value = canonical.decode(read_bundle(_bundle(prekeys), PARIS.card, NOW).offers()[1])
    change(value)
    return canonical.encode(value)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        (lambda v: v["prekey"].update(id="A" * 16), ProofInvalid),
        (lambda v: v["proof"].update(index=2), ProofInvalid),
        (lambda v: v["proof"]["path"].pop(), ProofInvalid),
        (lambda v: v["proof"].update(path=[]), ProofInvalid),
        (lambda v: v["proof"].update(path=["AAAA"]), PrekeyMalformed),
        (lambda v: v["statement"].update(size=2), SignatureInvalid),
        (lambda v: v["statement"].update(expires="2026-12-30T00:00:00Z"), SignatureInvalid),
        (lambda v: v["statement"].update(expires="2030-12-30T00:00:00Z"), PrekeyMalformed),
        (lambda v: v["statement"].update(post="LOME"), PrekeyNotOfCard),
        (lambda v: v.update(more=1), PrekeyMalformed),
        (lambda v: v["proof"].update(more=1), PrekeyMalformed),
        (lambda v: v["proof"].update(path=v["proof"]["path"][:1] * 7), ProofInvalid),
        (lambda v: v["proof"].update(path=v["proof"]["path"][:1] * 8), PrekeyMalformed),
        (lambda v: v["statement"].update(more=1), PrekeyMalformed),
        (lambda v: v["prekey"].update(recipient=encode_recipient(b"\xff" * 1216)), PrekeyMalformed),
        (lambda v: v["prekey"].update(recipient="age1pq1" + "q" * 1952), PrekeyMalformed),
        (lambda v: v["prekey"].update(id="short"), PrekeyMalformed),
    ],
)
def test_a_falsified_offer_is_refused(
    change: Callable[[dict[str, Any]], object], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        read_offer(_offer(change), PARIS.card, NOW)


def test_prekeys_of_another_card_or_another_time_are_refused() -> None:
    data = _offer(lambda _: None)
    assert read_offer(data, PARIS.card, NOW).id == f"{1:016d}"
    with pytest.raises(PrekeyNotOfCard):
        read_offer(data, LOME.card, NOW)
    for moment in (NOW - timedelta(seconds=1), NOW + WEEK):
        with pytest.raises(PrekeyExpired):
            read_offer(data, PARIS.card, moment)
    with pytest.raises(PrekeyMalformed):
        read_offer(b"{" * 17_000, PARIS.card, NOW)


def test_a_bundle_that_no_reader_would_take_is_not_made() -> None:
    prekey = Prekey("0" * 16, LOME.card.recipient)
    many = [replace(prekey, id=f"{at:016d}") for at in range(101)]
    for wrong in ([], [prekey, prekey], many, [replace(prekey, id="x")]):
        with pytest.raises(PrekeyMalformed):
            _bundle(wrong)
    for life in (timedelta(days=62, seconds=1), timedelta(0), timedelta(seconds=-1)):
        with pytest.raises(PrekeyMalformed):
            _bundle([prekey], expires=NOW + life)
    for life in (timedelta(days=62), timedelta(seconds=1)):
        assert read_bundle(_bundle([prekey], expires=NOW + life), PARIS.card, NOW).prekeys
    with pytest.raises(SignatureInvalid):
        make_bundle([prekey], PARIS.card, created=NOW, expires=NOW + WEEK, sign=LOME.sign)


def test_a_bundle_of_another_card_another_time_or_another_form_is_refused() -> None:
    data = _bundle([Prekey("0" * 16, LOME.card.recipient)])
    with pytest.raises(PrekeyNotOfCard):
        read_bundle(data, LOME.card, NOW)
    for moment in (NOW - timedelta(seconds=1), NOW + WEEK):
        with pytest.raises(PrekeyExpired):
            read_bundle(data, PARIS.card, moment)
    with pytest.raises(PrekeyMalformed, match="more"):
        read_bundle(canonical.encode({**canonical.decode(data), "more": 1}), PARIS.card, NOW)


@pytest.mark.parametrize(("read", "most"), [(read_bundle, 256 * 1024), (read_offer, 16 * 1024)])
def test_what_is_too_long_is_not_read_at_all(read: Callable[..., object], most: int) -> None:
    for length, said in ((most, "^(?!.*at most)"), (most + 1, f"at most {most} bytes")):
        with pytest.raises(PrekeyMalformed, match=said):
            read(b"1" * length, PARIS.card, NOW)


def test_a_prekey_taken_out_of_a_signed_bundle_is_noticed() -> None:
    prekeys = [Prekey(f"{at:016d}", identity(f"P{at}").card.recipient) for at in range(3)]
    value = canonical.decode(_bundle(prekeys))
    del value["prekeys"][0]
    with pytest.raises(PrekeyMalformed):
        read_bundle(canonical.encode(value), PARIS.card, NOW)
    with pytest.raises(PrekeyMalformed, match="bytes"):
        read_bundle(b"[" * 1_000_000, PARIS.card, NOW)
