"""The bordereau: one encoding, values that a bag can have, and lines shown one by one."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from keys import canonical
from keys.merkle import ProofInvalid
from pouch.bordereau import (
    MANIFEST_BYTES_MAX,
    commit,
    commit_line,
    decode,
    digest,
    digest_of,
    encode,
    prove_line,
    read_line,
)
from pouch.errors import BordereauMalformed
from pouch.manifest import Carrier, Manifest
from tests.support.valise import CLOSED, item, manifest, waybill


def test_what_was_written_is_read() -> None:
    whole = manifest()
    assert decode(encode(whole)) == whole
    assert encode(decode(encode(whole))) == encode(whole)
    company = waybill(carrier=Carrier("Sociéte de fret", "Transporteur", None, None))
    assert decode(encode(manifest(waybill=company))).waybill == company


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        (manifest(ordinal=3), "ordinal"),
        (manifest(expires=CLOSED), "expires"),
        (manifest(expires=CLOSED + timedelta(days=45, seconds=1)), "expires"),
        (manifest(seals=()), "seal"),
        (manifest(seals=("A-1001", "A-1001")), "seals"),
        (manifest(seals=("a-1001",)), "seals"),
        (manifest(bag="482019374651029384756"), "bag"),
        (manifest(weight_g=2_000_001), "weight_g"),
        (manifest(weight_g=0), "weight_g"),
        (manifest(lines=0), "items"),
        (manifest(lines=501), "items"),
        (manifest(items=(item(2),)), "items"),
        (manifest(items=(item(1, kind="weapons"),)), "kind"),
        (manifest(items=(item(1, sender="une\nautre"),)), "sender"),
        (manifest(items=(item(1, salt=b"short"),)), "salt"),
        (manifest(waybill=waybill(destination="YAOUNDE")), "destination"),
        (manifest(waybill=waybill(due=CLOSED)), "due"),
        (manifest(waybill=waybill(packages=100)), "packages"),
        (manifest(closed=CLOSED + timedelta(microseconds=1)), "whole seconds"),
    ],
)
def test_what_no_bag_can_be_is_never_written(wrong: Manifest, named: str) -> None:
    with pytest.raises(BordereauMalformed, match=named):
        encode(wrong)


def test_only_the_one_encoding_is_read() -> None:
    data = encode(manifest())
    value = json.loads(data)
    for other in (
        json.dumps(value).encode(),
        data + b"\n",
        data[:-1],
        b"[]",
        canonical.encode({**value, "colour": "red"}),
        b" " * (MANIFEST_BYTES_MAX + 1),
    ):
        with pytest.raises(BordereauMalformed):
            decode(other)


def test_a_line_alone_has_the_hash_that_it_has_in_its_bordereau() -> None:
    whole = manifest()
    head, leaves = commit(whole)
    assert [commit_line(each) for each in whole.items] == leaves
    assert digest_of(head, leaves) == digest(whole)


def test_the_digest_covers_every_member() -> None:
    whole = manifest()
    seen = {digest(whole)}
    for other in (
        replace(whole, salt=bytes(32)),
        replace(whole, weight_g=8_451),
        replace(whole, items=(*whole.items, item(11))),
        replace(whole, items=whole.items[:-1]),
        replace(whole, items=(*whole.items[:-1], item(10, quantity=2))),
        replace(whole, items=(*whole.items[:-1], item(10, salt=bytes(32)))),
        replace(whole, waybill=waybill(consignee="Un autre")),
    ):
        seen.add(digest(other))
    assert len(seen) == 8


@pytest.mark.parametrize("lines", [1, 2, 7, 10])
def test_one_line_is_shown_without_the_others(lines: int) -> None:
    """N5: a service gets the proof of its own line and learns nothing of its neighbours."""
    whole = manifest(lines)
    for line in range(1, lines + 1):
        proof = prove_line(whole, line)
        assert read_line(proof, digest(whole)) == whole.items[line - 1]
        for other in whole.items:
            shown = canonical.text_from_bytes(other.salt).encode() in proof
            assert shown == (other.line == line)
        assert b"NDONGO" not in proof
    with pytest.raises(IndexError):
        prove_line(whole, lines + 1)
    with pytest.raises(IndexError):
        prove_line(whole, 0)


def test_an_item_added_after_sealing_has_no_proof() -> None:
    sealed, tampered = manifest(3), manifest(4)
    with pytest.raises(ProofInvalid, match="another manifest"):
        read_line(prove_line(tampered, 4), digest(sealed))


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"count": 9},
        {"head": "00" * 32},
        {"items": "00" * 32},
        {"path": []},
        {"path": ["00" * 32] * 1},
        {"path": ["00"]},
        {"item": {}},
        {"other": 1},
    ],
)
def test_an_altered_proof_proves_nothing(change: dict[str, Any]) -> None:
    whole = manifest()
    proof = canonical.decode(prove_line(whole, 3))
    with pytest.raises(ProofInvalid):
        read_line(canonical.encode({**proof, **change}), digest(whole))


def test_a_line_is_not_moved_to_another_number() -> None:
    whole = manifest()
    proof = canonical.decode(prove_line(whole, 3))
    proof["item"]["line"] = 4
    with pytest.raises(ProofInvalid):
        read_line(canonical.encode(proof), digest(whole))
    with pytest.raises(ProofInvalid):
        read_line(b"{}", digest(whole))
    with pytest.raises(ProofInvalid):
        read_line(b"nonsense", digest(whole))
