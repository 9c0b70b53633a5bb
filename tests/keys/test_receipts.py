"""Receipts: one signature for a commit, and no way to pass one off for another."""

import copy
import dataclasses
import json
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from keys import canonical
from keys.custody.core import Custody
from keys.errors import Refusal, SignatureInvalid
from keys.merkle import ProofInvalid
from keys.post_receipts import (
    DECIPHERED,
    DELIVERED,
    REFUSED,
    PostReceipt,
    make_post_receipt,
    parse_post_receipt,
    read_post_receipt,
)
from keys.receipts import (
    BatchRoot,
    ReceiptMalformed,
    ReceiptNotOfKey,
    ReceiptOfAnother,
    Submitted,
    read_submitted_receipt,
    seal_batch,
)
from keys.signing import Signatures
from keys.slips import SeriesNumber, Slip, SlipAddressee
from keys.statements import STATEMENT_BYTES_MAX, key_fingerprint

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
MINISTRY = Custody.generate("MINREX", valid_from=START, valid_until=END)
PARIS = Custody.generate("PARIS", valid_from=START, valid_until=END)
SERVICE = key_fingerprint(MINISTRY.service_key())
ID = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"


def _submitted(number: int = 1) -> Submitted:
    return Submitted(
        dispatch_id=f"01KAMV6R8P3ZDFWQ5XJ9T2C{number:03d}",
        origin="PARIS",
        register=f"2026/{number:06d}",
        received_at=NOON,
        envelope_sha256=f"{number:064x}",
        envelope_size=4096 + number,
        addressees=("LOME", "MINREX"),
        service=SERVICE,
    )


def _batch(count: int) -> list[bytes]:
    return seal_batch([_submitted(n) for n in range(count)], time=NOON, sign=MINISTRY.sign_receipts)


def _slip_of(statement: Submitted) -> Slip:
    return Slip(
        dispatch_id=statement.dispatch_id,
        origin=statement.origin,
        origin_card=PARIS.card().fingerprint,
        kind="telegram",
        level="SECRET",
        caveats=(),
        dtg=NOON,
        envelope_sha256=statement.envelope_sha256,
        envelope_size=statement.envelope_size,
        addressees=tuple(
            SlipAddressee(post, f"{n:064x}", "action", "FLASH", "cipher", SeriesNumber(202600, 1))
            for n, post in enumerate(statement.addressees)
        ),
    )


def _spoilt(data: bytes, spoil: Callable[[Any], object]) -> bytes:
    value = copy.deepcopy(json.loads(data))
    spoil(value)
    return canonical.encode(value)


# The ministry's receipt


@pytest.mark.parametrize("count", [1, 2, 3, 7, 64])
def test_every_receipt_of_a_commit_stands_alone(count: int) -> None:
    receipts = _batch(count)

    read = [read_submitted_receipt(data, MINISTRY.service_key()) for data in receipts]

    assert read == [_submitted(n) for n in range(count)]


def test_a_commit_costs_one_signature() -> None:
    asked: list[bytes] = []

    def sign(statement: bytes) -> Signatures:
        asked.append(statement)
        return MINISTRY.sign_receipts(statement)

    seal_batch([_submitted(n) for n in range(64)], time=NOON, sign=sign)

    assert [BatchRoot.parse(statement).size for statement in asked] == [64]


def test_an_empty_commit_costs_none() -> None:
    def sign(_statement: bytes) -> Signatures:
        pytest.fail("nothing to sign")

    assert seal_batch([], time=NOON, sign=sign) == []


def test_the_receipt_is_that_of_the_slip() -> None:
    statement = read_submitted_receipt(_batch(3)[1], MINISTRY.service_key())

    statement.require_for(_slip_of(_submitted(1)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dispatch_id", ID),
        ("origin", "LOME"),
        ("envelope_sha256", "ff" * 32),
        ("envelope_size", 1),
        ("addressees", ()),
    ],
)
def test_a_receipt_replayed_for_another_dispatch_is_refused(name: str, value: object) -> None:
    statement = read_submitted_receipt(_batch(3)[1], MINISTRY.service_key())
    other = Slip(**{**vars(_slip_of(statement)), name: value})

    with pytest.raises(ReceiptOfAnother):
        statement.require_for(other)


def test_a_swapped_statement_leaves_its_proof_behind() -> None:
    """The service's own signature is there, over a tree that never held this statement."""
    first, second = (json.loads(data) for data in _batch(2))
    first["statement"] = second["statement"]

    with pytest.raises(ProofInvalid):
        read_submitted_receipt(canonical.encode(first), MINISTRY.service_key())


def test_an_altered_statement_is_refused() -> None:
    forged = _spoilt(_batch(4)[2], lambda value: value["statement"].update(register="2026/000009"))

    with pytest.raises(ProofInvalid):
        read_submitted_receipt(forged, MINISTRY.service_key())


@pytest.mark.parametrize(
    "spoil",
    [
        lambda proof: proof.update(path=[b64encode(bytes(32)).decode(), *proof["path"][1:]]),
        lambda proof: proof.update(path=proof["path"][:-1]),
        lambda proof: proof.update(path=[*proof["path"], proof["path"][0]]),
        lambda proof: proof.update(path=[]),
        lambda proof: proof.update(index=0),
        lambda proof: proof.update(index=4),
    ],
    ids=["forged", "shorter", "longer", "none", "other-place", "outside"],
)
def test_a_forged_path_is_refused(spoil: Callable[[Any], object]) -> None:
    forged = _spoilt(_batch(4)[2], lambda value: spoil(value["proof"]))

    with pytest.raises(ProofInvalid):
        read_submitted_receipt(forged, MINISTRY.service_key())


def test_the_root_of_another_commit_is_refused() -> None:
    """A sound root with its sound signatures, from another tree."""
    other = json.loads(seal_batch(
        [_submitted(n) for n in range(10, 14)], time=NOON, sign=MINISTRY.sign_receipts
    )[2])  # fmt: skip

    def graft(value: Any) -> None:
        value["proof"]["root"] = other["proof"]["root"]
        value["proof"]["signatures"] = other["proof"]["signatures"]

    with pytest.raises(ProofInvalid):
        read_submitted_receipt(_spoilt(_batch(4)[2], graft), MINISTRY.service_key())


@pytest.mark.parametrize("half", ["ed25519", "mldsa65"])
def test_each_signature_alone_is_not_enough(half: str) -> None:
    impostor = Custody.generate("MINREX", valid_from=START, valid_until=END)

    def sign(statement: bytes) -> Signatures:
        return dataclasses.replace(
            impostor.sign_receipts(statement),
            **{half: getattr(MINISTRY.sign_receipts(statement), half)},
        )

    receipt = seal_batch([_submitted()], time=NOON, sign=sign)[0]

    with pytest.raises(SignatureInvalid):
        read_submitted_receipt(receipt, MINISTRY.service_key())


def test_a_root_signed_with_a_later_time_is_refused() -> None:
    forged = _spoilt(
        _batch(1)[0], lambda value: value["proof"]["root"].update(time="2027-01-01T00:00:00Z")
    )

    with pytest.raises(SignatureInvalid):
        read_submitted_receipt(forged, MINISTRY.service_key())


def test_the_receipt_of_another_service_is_refused() -> None:
    impostor = Custody.generate("MINREX", valid_from=START, valid_until=END)

    with pytest.raises(ReceiptNotOfKey):
        read_submitted_receipt(_batch(1)[0], impostor.service_key())


def test_the_certifying_key_signs_no_receipt() -> None:
    statement = dataclasses.replace(
        _submitted(), service=key_fingerprint(MINISTRY.certifying_key())
    )
    receipt = seal_batch([statement], time=NOON, sign=MINISTRY.sign_receipts)[0]

    with pytest.raises(SignatureInvalid):
        read_submitted_receipt(receipt, MINISTRY.certifying_key())


SPOILT: dict[str, Callable[[Any], object]] = {
    "no-statement": lambda value: value.pop("statement"),
    "no-proof": lambda value: value.pop("proof"),
    "unknown-member": lambda value: value.update(also=1),
    "unknown-proof-member": lambda value: value["proof"].update(also=1),
    "another-kind": lambda value: value["statement"].update(kind="delivered"),
    "register-without-year": lambda value: value["statement"].update(register="000123"),
    "same-post-twice": lambda value: value["statement"].update(addressees=["LOME", "LOME"]),
    "envelope-member": lambda value: value["statement"]["envelope"].update(name="x"),
    "statement-member": lambda value: value["statement"].update(level="SECRET"),
    "root-member": lambda value: value["proof"]["root"].update(also=1),
    "size-zero": lambda value: value["proof"]["root"].update(size=0),
    "negative-index": lambda value: value["proof"].update(index=-1),
    "sibling-number": lambda value: value["proof"].update(path=[7]),
    "sibling-short": lambda value: value["proof"].update(path=["AAAA"]),
    "sibling-not-base64": lambda value: value["proof"].update(path=["!"]),
    "endless-path": lambda value: value["proof"].update(path=value["proof"]["path"] * 65),
    "half-signed": lambda value: value["proof"]["signatures"].pop("mldsa65"),
    "third-signature": lambda value: value["proof"]["signatures"].update(rsa="AAAA"),
    "short-signature": lambda value: value["proof"]["signatures"].update(ed25519="AAAA"),
}


@pytest.mark.parametrize("count", [0, 1, 2, 600])
def test_a_statement_is_written_as_canonical_json_writes_it(count: int) -> None:
    posts = tuple(f"P{n:03d}" for n in range(count))
    statement = dataclasses.replace(_submitted(7), addressees=posts, envelope_size=2**53 - 1)

    written = canonical.encode(
        {
            "v": 1,
            "type": "depeche/v1 receipt",
            "kind": "submitted",
            "dispatch_id": statement.dispatch_id,
            "origin": statement.origin,
            "register": statement.register,
            "received_at": "2026-11-22T12:00:00Z",
            "envelope": {"sha256": statement.envelope_sha256, "size": 2**53 - 1},
            "addressees": list(posts),
            "service": SERVICE,
        }
    )

    assert statement.encode() == written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dispatch_id", ID[1:]),
        ("dispatch_id", ID.lower()),
        ("origin", "paris"),
        ("origin", 'PARIS","origin":"LOME'),
        ("origin", "PARIS\n"),
        ("register", "000123"),
        ("received_at", NOON.replace(tzinfo=None)),
        ("received_at", NOON.replace(microsecond=1)),
        ("envelope_sha256", "FF" * 32),
        ("envelope_size", 0),
        ("envelope_size", -1),
        ("envelope_size", 2**53),
        ("envelope_size", True),
        ("envelope_size", "7"),
        ("addressees", ("LOME", "LOME")),
        ("addressees", ("LOME", "")),
        ("addressees", ('LOME","PARIS',)),
        ("addressees", tuple(f"P{n:03d}" for n in range(601))),
        pytest.param("service", SERVICE[:-1], id="service-short"),
    ],
)
def test_nothing_is_stated_that_no_reader_would_take(name: str, value: Any) -> None:
    with pytest.raises(ReceiptMalformed):
        dataclasses.replace(_submitted(), **{name: value}).encode()


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_receipt_of_another_shape_is_refused(spoil: Callable[[Any], object]) -> None:
    with pytest.raises(ReceiptMalformed):
        read_submitted_receipt(_spoilt(_batch(2)[1], spoil), MINISTRY.service_key())


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"{", b" " * (STATEMENT_BYTES_MAX + 1)])
def test_what_is_no_receipt_at_all_is_refused(data: bytes) -> None:
    with pytest.raises(ReceiptMalformed):
        read_submitted_receipt(data, MINISTRY.service_key())
    with pytest.raises(ReceiptMalformed):
        read_post_receipt(data, PARIS.card())


def test_what_would_be_refused_is_never_sealed() -> None:
    wrong = dataclasses.replace(_submitted(), register="12")

    with pytest.raises(ReceiptMalformed):
        seal_batch([wrong], time=NOON, sign=MINISTRY.sign_receipts)
    with pytest.raises(ReceiptMalformed):
        BatchRoot(root=bytes(31), size=1, time=NOON).encode()
    with pytest.raises(ReceiptMalformed):
        BatchRoot(root=bytes(32), size=1, time=NOON.replace(microsecond=1)).encode()


def test_the_fingerprint_of_a_service_key_covers_both_halves() -> None:
    ours, other = MINISTRY.service_key(), PARIS.service_key()
    mixed = type(ours)(ours.ed25519, other.mldsa65)

    assert len({key_fingerprint(key) for key in (ours, other, mixed)}) == 3


# A post's receipt


def _post_receipt(kind: str = DELIVERED) -> PostReceipt:
    return PostReceipt(
        kind=kind,
        dispatch_id=ID,
        post="PARIS",
        card=PARIS.card().fingerprint,
        envelope_sha256="ab" * 32,
        at=NOON,
        manifest_hash="cd" * 32 if kind == DECIPHERED else None,
        reason="NOT_INTENDED" if kind == REFUSED else None,
        checkpoint="minrex.example/journal\n42\nAAAA\n",
    )


@pytest.mark.parametrize("kind", [DELIVERED, DECIPHERED, REFUSED])
def test_a_post_states_what_became_of_an_envelope(kind: str) -> None:
    receipt = _post_receipt(kind)

    data = make_post_receipt(receipt, PARIS.sign_post_receipt)

    assert read_post_receipt(data, PARIS.card()) == receipt
    assert parse_post_receipt(data)[0] == receipt
    assert json.loads(data)["statement"]["type"] == "depeche/v1 receipt"


def test_a_receipt_of_another_post_or_card_is_refused() -> None:
    data = make_post_receipt(_post_receipt(), PARIS.sign_post_receipt)
    renewed = Custody.generate("PARIS", valid_from=START, valid_until=END)

    for card in (MINISTRY.card(), renewed.card()):
        with pytest.raises(ReceiptNotOfKey):
            read_post_receipt(data, card)


@pytest.mark.parametrize("half", ["ed25519", "mldsa65"])
def test_a_post_signs_with_both_keys(half: str) -> None:
    data = make_post_receipt(_post_receipt(), PARIS.sign_post_receipt)
    stray = PARIS.bureau.signing.sign("depeche/v1 receipt", b"something else")

    def swap(value: Any) -> None:
        value["signatures"][half] = b64encode(getattr(stray, half)).decode()

    with pytest.raises(SignatureInvalid):
        read_post_receipt(_spoilt(data, swap), PARIS.card())


def test_a_refusal_is_not_turned_into_a_delivery() -> None:
    data = make_post_receipt(_post_receipt(REFUSED), PARIS.sign_post_receipt)
    forged = _spoilt(data, lambda value: value["statement"].update(kind="delivered", reason=None))

    with pytest.raises(SignatureInvalid):
        read_post_receipt(forged, PARIS.card())


POST_SPOILT: dict[str, Callable[[Any], object]] = {
    "submitted": lambda value: value["statement"].update(kind="submitted"),
    "unknown-member": lambda value: value["statement"].update(note="Reçu"),
    "outer-member": lambda value: value.update(note="Reçu"),
    "reason-of-a-delivery": lambda value: value["statement"].update(reason="NOT_AGE"),
    "refusal-without-reason": lambda value: value["statement"].update(kind="refused"),
    "reason-in-prose": lambda value: value["statement"].update(kind="refused", reason="Non lu"),
    "hash-of-a-delivery": lambda value: value["statement"].update(manifest_hash="ab" * 32),
    "deciphered-without-hash": lambda value: value["statement"].update(kind="deciphered"),
    "binary-checkpoint": lambda value: value["statement"].update(checkpoint="a\tb"),
    "half-signed": lambda value: value["signatures"].pop("ed25519"),
    "statement-not-object": lambda value: value.update(statement=[]),
}


@pytest.mark.parametrize("spoil", POST_SPOILT.values(), ids=POST_SPOILT.keys())
def test_a_post_receipt_of_another_shape_is_refused(spoil: Callable[[Any], object]) -> None:
    data = make_post_receipt(_post_receipt(), PARIS.sign_post_receipt)

    with pytest.raises(ReceiptMalformed):
        read_post_receipt(_spoilt(data, spoil), PARIS.card())


def test_neither_sort_of_receipt_passes_for_the_other() -> None:
    post = make_post_receipt(_post_receipt(), PARIS.sign_post_receipt)

    with pytest.raises(Refusal):
        read_submitted_receipt(post, MINISTRY.service_key())
    with pytest.raises(Refusal):
        read_post_receipt(_batch(1)[0], PARIS.card())
