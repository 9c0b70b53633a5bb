"""The keys that no edition carries: their states and ends, and the rotation of four of them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keys import canonical
from keys.age.files import encrypt_with_passphrase
from keys.certificates import (
    LIFE_MAX,
    ClientCertificateInvalid,
    ClientKey,
    authorities_of,
    read_client_certificate,
)
from keys.custody import service_acts
from keys.custody.book import Book
from keys.custody.client_authority import ClientAuthority
from keys.custody.core import Custody
from keys.custody.desk import Desks
from keys.custody.errors import EventNotOfDesk, KeyBookFull
from keys.custody.lasting import LASTING, advised, fingerprint_of, with_lasting
from keys.custody.service_keys import (
    AUTHORITIES_MOST,
    SUCCESSIONS_MOST,
    ServiceKeys,
    encode_service,
)
from keys.custody.shares import SharesTooFew
from keys.custody.store import read_credential, wrap_service
from keys.devices import device_id
from keys.endorsement import root_fingerprint
from keys.jws import ApiKey
from keys.lifecycle import KeyNotUsable, KeyTransitionIllegal
from keys.log.checkpoints import Checkpoint
from keys.merkle import root
from keys.receipts import (
    BatchRoot,
    ReceiptNotOfKey,
    Submitted,
    read_submitted_receipt,
    seal_batch,
)
from keys.signing import SigningKey
from keys.statements import key_fingerprint
from keys.succession import RECEIPTS_KEY, KeyLine, files_of
from keys.token_keys import TokenKey, certify_token_key, read_token_key
from tests.keys.custody.conftest import START
from tests.keys.custody.test_desk import event, pack
from tests.keys.custody.test_rotation import NOW, _open, _terminal
from tests.keys.custody.test_rotation_killed import _every_kill
from tests.keys.custody.test_splitting import _split

DAY = timedelta(days=1)
EMPTY_LOG = Checkpoint("log.example", 0, root(())).encode().encode()


def _client() -> bytes:
    """The statement of a post's key, of now."""
    jwk, now = ApiKey.generate().public_jwk(), datetime.now(UTC).replace(microsecond=0)
    return ClientKey("PARIS", jwk["x"], jwk["y"], now, now + DAY).encode()


def _receipt(custody: Custody, at: datetime) -> bytes:
    statement = Submitted(
        dispatch_id="01KAMV6R8P3ZDFWQ5XJ9T2C4EN",
        origin="PARIS",
        register="2026/000001",
        received_at=at,
        envelope_sha256="ab" * 32,
        envelope_size=4096,
        addressees=("MINREX",),
        service=key_fingerprint(custody.service_key()),
    )
    return seal_batch([statement], time=at, sign=custody.sign_receipts)[0]


def _certify(custody: Custody) -> None:
    """A token key is certified, and believed by the key that the custodian names."""
    jwk = ApiKey.generate().public_jwk()
    made = TokenKey("https://x.example", jwk["x"], jwk["y"], NOW, NOW + DAY)
    certificate = certify_token_key(made, custody.certify_token_key)
    assert read_token_key(certificate, custody.certifying_key()) == made


def _desk(custody: Custody) -> bytes:
    """The id of the first desk, as a custodian is told it."""
    return device_id(custody.desk_keys()[:32]).encode()


def _seen(desk: bytes) -> bytes:
    return event(desk.decode(), None).statement


def _lasting(custody: Custody) -> dict[str, list[str]]:
    """The states of each lasting key, version by version."""
    book = Book.parse(custody.key_versions())
    return {kind: [each.state for each in book.of(f"{kind}/MINREX")] for kind in LASTING}


def test_every_key_of_a_custodian_has_a_state_an_end_and_a_warning_in_time(founded: Any) -> None:
    custody = _open(founded)
    assert _lasting(custody) == {kind: ["active"] for kind in LASTING}
    book = Book.parse(custody.key_versions())
    for kind, lasting in LASTING.items():
        (version,) = book.of(f"{kind}/MINREX")
        assert (version.starts, version.ends) == (START, START + timedelta(days=lasting.days))
        told = [
            [what for each, what in book.warnings(at) if each.key == version.key]
            for at in (version.ends - timedelta(days=61), version.ends - DAY, version.ends)
        ]
        assert told == [[], ["expiring"], ["expired"]]
    root = book.of("root/MINREX")[0]
    assert root.fingerprint == root_fingerprint(custody.bureau.root.verifying_key)


def test_a_key_put_in_another_s_place_ends_every_one_before_it(founded: Any) -> None:
    book = Book.parse(_open(founded).key_versions())
    for fingerprint in ("aa" * 32, "bb" * 32):
        book = with_lasting(book, "MINREX", {"certifying": fingerprint}, NOW)
    versions = book.of("certifying/MINREX")
    assert [each.state for each in versions] == ["destroyed", "destroyed", "active"]
    assert versions[-1].fingerprint == "bb" * 32


def test_a_warning_says_what_can_be_done_about_the_key(founded: Any) -> None:
    book = Book.parse(_open(founded).key_versions())
    told = {
        kind: advised(book.of(f"{kind}/MINREX")[0], "expired")
        for kind in ("bureau", "certifying", "desks", "receipts", "root")
    }
    assert told == {
        "bureau": "expired",
        "certifying": "expired_rotates",
        "desks": "expired_rotates",
        "receipts": "expired_rotates",
        "root": "expired_lasting",
    }


def test_a_sealed_custodian_knows_the_key_of_the_root_that_it_cannot_see(founded: Any) -> None:
    """Also in a store of before the states of these keys were kept."""
    (founded.store / "versions.age").unlink(missing_ok=True)
    shares = _split(founded)
    assert _lasting(_open(founded))["root"] == []
    custody = _open(founded)
    for share in shares[:2]:
        custody.offer_share(share.to_bytes())
    again = _open(founded)
    assert (again.state().sealed, _lasting(again)["root"]) == (True, ["active"])


SIGNING: list[tuple[str, Callable[[Custody, Custody], object]]] = [
    ("root", lambda custody, post: custody.endorse_card(post.card().to_bytes())),
    ("root", lambda custody, _: custody.root_introduction()),
    ("root", lambda custody, _: custody.sign_pack(pack())),
    ("receipts", lambda custody, _: custody.sign_receipts(BatchRoot(bytes(32), 1, NOW).encode())),
    ("certifying", lambda custody, _: _certify(custody)),
    ("log", lambda custody, _: custody.sign_checkpoint(EMPTY_LOG, b"", b"")),
    ("authority", lambda custody, _: custody.certify_client_key(_client())),
    ("desks", lambda custody, _: custody.sign_event(b"DESK", b"{}")),
]


@pytest.mark.parametrize(("kind", "sign"), SIGNING)
def test_a_lasting_key_that_one_person_suspended_signs_nothing_until_the_terminal_resumes_it(
    founded: Any, lome: Custody, kind: str, sign: Callable[[Custody, Custody], object]
) -> None:
    custody, key = _open(founded), f"{kind}/MINREX"
    custody.suspend_key(key.encode(), b"1", b"doute")
    with pytest.raises(KeyNotUsable):
        sign(custody, lome)
    later = datetime.now(UTC).replace(microsecond=0)
    assert _terminal(founded).resume(key, 1, later, "levé").state == "active"
    with suppress(EventNotOfDesk):  # there is no such event: the key was reached
        sign(custody, lome)
    custody.compromise_key(key.encode(), b"1", b"vol")
    with pytest.raises(KeyNotUsable):
        sign(custody, lome)
    with pytest.raises(KeyTransitionIllegal):
        _terminal(founded).resume(key, 1, later, "non")


def test_another_certifying_key_is_taken_up_by_a_custodian_that_runs(founded: Any) -> None:
    custody, now = _open(founded), datetime.now(UTC).replace(microsecond=0)
    old, others = custody.certifying_key(), custody.service.fingerprints
    authority, desks = custody.client_authority(), custody.desk_keys()
    custody.compromise_key(b"certifying/MINREX", b"1", b"vol")
    made = _terminal(founded).rotate_certifying(now)
    assert (made.number, made.state, made.ends - made.starts) == (2, "active", 366 * DAY)
    assert key_fingerprint(custody.certifying_key()) == made.fingerprint != key_fingerprint(old)
    assert _lasting(custody)["certifying"] == ["destroyed", "active"]
    changed = dict(custody.service.fingerprints.items() - others.items())
    assert changed == {"certifying": made.fingerprint}
    assert (custody.client_authority(), custody.desk_keys()) == (authority, desks)
    again = _open(founded)
    assert (again.client_authority(), again.desk_keys()) == (authority, desks)


def test_another_authority_of_posts_certificates_is_taken_up_while_those_of_before_last(
    founded: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    custody, now = _open(founded), datetime.now(UTC).replace(microsecond=0)
    old, others = custody.client_authority(), custody.service.fingerprints
    assert authorities_of(custody.client_authorities()) == (old,)
    before = custody.certify_client_key(_client())
    made = _terminal(founded).rotate_authority(now)
    assert (made.number, made.state, made.ends - made.starts) == (2, "active", 1096 * DAY)
    assert dict(custody.service.fingerprints.items() - others.items()) == {
        "authority": made.fingerprint
    }
    new = custody.client_authority()
    assert authorities_of(custody.client_authorities()) == (new, old)
    after = custody.certify_client_key(_client())
    for made_by, certificate, other in ((old, before, new), (new, after, old)):
        read_client_certificate(certificate, made_by)
        with pytest.raises(ClientCertificateInvalid):
            read_client_certificate(certificate, other)
    again = _open(founded)
    assert authorities_of(again.client_authorities()) == (new, old)
    monkeypatch.setattr(service_acts, "system_clock", lambda: now + LIFE_MAX)
    assert authorities_of(again.client_authorities()) == (new,)


def test_another_authority_killed_anywhere_leaves_one_in_force(founded: Any) -> None:
    first = _open(founded).client_authority()
    now, seen = datetime.now(UTC).replace(microsecond=0), set()
    for step in _every_kill(founded, lambda terminal: terminal.rotate_authority(now)):
        custody = _open(founded)
        known = authorities_of(custody.client_authorities())
        read_client_certificate(custody.certify_client_key(_client()), known[0])
        changed = known[0] != first
        assert known[1:] == ((first,) if changed else ())
        assert _lasting(custody)["authority"] == (["destroyed"] if changed else []) + ["active"]
        seen.add(changed)
        assert step < 100
    assert seen == {False, True}


def test_no_more_authorities_are_believed_than_a_store_can_read_again(founded: Any) -> None:
    keys, credential = ServiceKeys.generate(), read_credential(founded.credential)
    for _ in range(AUTHORITIES_MOST):
        keys = keys.with_authority("MINREX", NOW)
    (founded.store / "service.age").write_bytes(wrap_service(keys, credential))
    assert _open(founded).service.ended == keys.ended
    with pytest.raises(KeyBookFull):
        keys.with_authority("MINREX", NOW + LIFE_MAX - timedelta(seconds=1))
    assert len(keys.with_authority("MINREX", NOW + LIFE_MAX).ended) == 1


def test_other_keys_at_the_desks_are_taken_up_by_a_custodian_that_runs(founded: Any) -> None:
    custody, now = _open(founded), datetime.now(UTC).replace(microsecond=0)
    before, others = (founded.store / "service.age").read_bytes(), custody.service.fingerprints
    old = _desk(custody)
    custody.compromise_key(b"desks/MINREX", b"1", b"vol")
    with pytest.raises(KeyNotUsable):
        custody.sign_event(old, _seen(old))
    made = _terminal(founded).rotate_desks(now)
    assert (made.number, made.state, made.ends - made.starts) == (2, "active", 1096 * DAY)
    assert made.fingerprint == fingerprint_of(custody.desk_keys())
    assert dict(custody.service.fingerprints.items() - others.items()) == {
        "desks": made.fingerprint
    }
    new = _desk(custody)
    assert custody.sign_event(new, _seen(new))
    with pytest.raises(EventNotOfDesk):
        custody.sign_event(old, _seen(old))
    assert _open(founded).desk_keys() == custody.desk_keys()
    (founded.store / "service.age").write_bytes(before)
    with pytest.raises(KeyNotUsable):
        _open(founded).sign_event(old, _seen(old))


def test_other_keys_at_the_desks_killed_anywhere_leave_one_pair_in_force(founded: Any) -> None:
    first = _open(founded).desk_keys()
    now, seen = datetime.now(UTC).replace(microsecond=0), set()
    for step in _every_kill(founded, lambda terminal: terminal.rotate_desks(now)):
        custody = _open(founded)
        desk = _desk(custody)
        assert custody.sign_event(desk, _seen(desk))
        changed = custody.desk_keys() != first
        assert _lasting(custody)["desks"] == (["destroyed"] if changed else []) + ["active"]
        seen.add(changed)
        assert step < 100
    assert seen == {False, True}


def test_the_old_certifying_key_put_back_certifies_nothing(founded: Any) -> None:
    _open(founded)
    before = (founded.store / "service.age").read_bytes()
    _terminal(founded).rotate_certifying(datetime.now(UTC).replace(microsecond=0))
    (founded.store / "service.age").write_bytes(before)
    with pytest.raises(KeyNotUsable):
        _certify(_open(founded))


def test_another_certifying_key_killed_anywhere_leaves_one_in_force(founded: Any) -> None:
    first = _open(founded).certifying_key()
    now, seen = datetime.now(UTC).replace(microsecond=0), set()
    for step in _every_kill(founded, lambda terminal: terminal.rotate_certifying(now)):
        custody = _open(founded)
        _certify(custody)
        changed = custody.certifying_key().ed25519 != first.ed25519
        assert _lasting(custody)["certifying"] == (["destroyed"] if changed else []) + ["active"]
        seen.add(changed)
        assert step < 100
    assert seen == {False, True}


def test_another_key_of_receipts_is_taken_up_by_a_custodian_that_runs(founded: Any) -> None:
    custody, now = _open(founded), datetime.now(UTC).replace(microsecond=0)
    old, others = custody.service_key(), custody.service.fingerprints
    before = _receipt(custody, now)
    assert custody.successions() == b"[]"
    made = _terminal(founded).rotate_receipts(now)
    assert (made.number, made.state, made.ends - made.starts) == (2, "active", 1096 * DAY)
    assert key_fingerprint(custody.service_key()) == made.fingerprint != key_fingerprint(old)
    assert _lasting(custody)["receipts"] == ["destroyed", "active"]
    assert dict(custody.service.fingerprints.items() - others.items()) == {
        "receipts": made.fingerprint
    }
    line, _ = KeyLine(old).following(
        files_of(custody.successions()), RECEIPTS_KEY, custody.bureau.root.verifying_key
    )
    for each in (before, _receipt(custody, now)):
        assert read_submitted_receipt(each, line).register == "2026/000001"
    with pytest.raises(ReceiptNotOfKey):
        read_submitted_receipt(_receipt(custody, now), old)


def test_another_key_of_receipts_killed_anywhere_leaves_one_that_posts_follow(founded: Any) -> None:
    first, believed = _open(founded).service_key(), _open(founded).bureau.root.verifying_key
    now, seen = datetime.now(UTC).replace(microsecond=0), set()
    for step in _every_kill(founded, lambda terminal: terminal.rotate_receipts(now)):
        custody = _open(founded)
        line, _ = KeyLine(first).following(files_of(custody.successions()), RECEIPTS_KEY, believed)
        read_submitted_receipt(_receipt(custody, now), line)
        changed = custody.service_key().ed25519 != first.ed25519
        assert _lasting(custody)["receipts"] == (["destroyed"] if changed else []) + ["active"]
        seen.add(changed)
        assert step < 100
    assert seen == {False, True}


def test_a_root_that_is_suspended_says_of_no_key_that_it_follows(founded: Any) -> None:
    custody, now = _open(founded), datetime.now(UTC).replace(microsecond=0)
    custody.suspend_key(b"root/MINREX", b"1", b"doute")
    with pytest.raises(KeyNotUsable):
        _terminal(founded).rotate_receipts(now)
    assert custody.successions() == b"[]"


def test_a_split_store_needs_its_holders_for_another_key_of_receipts(founded: Any) -> None:
    shares, now = _split(founded), datetime.now(UTC).replace(microsecond=0)
    custody = _open(founded)
    with pytest.raises(SharesTooFew):
        _terminal(founded, shares[:1]).rotate_receipts(now)
    assert _terminal(founded, shares[:2]).rotate_receipts(now).number == 2
    assert len(files_of(custody.successions())) == 1, "also while its bureau's keys are sealed"


def test_a_store_remembers_no_more_keys_of_receipts_than_it_can_read_again() -> None:
    keys = replace(ServiceKeys.generate(), successions=(b"{}",) * SUCCESSIONS_MOST)
    with pytest.raises(KeyBookFull):
        keys.with_receipts(SigningKey.generate(), NOW)


def test_a_store_of_before_derives_authority_and_desks_as_it_did(founded: Any) -> None:
    credential = read_credential(founded.credential)
    opened = _open(founded).service
    old = canonical.decode(encode_service(opened))
    del old["authority"], old["desks"]
    sealed = encrypt_with_passphrase(canonical.encode(old), credential, 10)
    (founded.store / "service.age").write_bytes(sealed)
    seeds = opened.certifying.ed25519_seed, opened.receipts.ed25519_seed
    custody, now = _open(founded), datetime.now(UTC).replace(microsecond=0)
    assert custody.client_authority() == ClientAuthority(seeds[0], "MINREX").certificate
    assert custody.desk_keys() == Desks(seeds[1]).public
    _terminal(founded).rotate_certifying(now)
    after = _open(founded)
    assert after.client_authority() == custody.client_authority()
    assert after.desk_keys() == custody.desk_keys()
