"""The rectification of a bordereau: words and weights by whoever closed the bag, nothing else."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from keys import canonical
from keys.errors import Refusal, SignatureInvalid
from pouch.bordereau import encode
from pouch.errors import (
    RectificationGap,
    RectificationMalformed,
    RectificationNotOfBag,
    RectificationNotTrusted,
    RectificationUnwitnessed,
    WitnessIsSealer,
)
from pouch.places import OF_BAG, OF_LINE, Change, apply
from pouch.rectification import Rectification, make_rectification, read_rectification, rectified
from pouch.sealed import SealedManifest, seal_manifest
from pouch.verdict import Trust
from tests.support.rectifying import CHANGES, rectification
from tests.support.valise import CLOSED, manifest
from tests.vectors.forge import identity

SEALER, WITNESS, STRANGER = identity("YAOUNDE"), identity("DOUALA"), identity("LOME")
SEALED = seal_manifest(manifest(), sealer=SEALER, witness=WITNESS)
ALONE = seal_manifest(manifest(), sealer=SEALER)
TRUST = Trust([SEALER.card, WITNESS.card, STRANGER.card])


def signed(statement: Rectification) -> bytes:
    return make_rectification(statement, sealer=SEALER, witness=WITNESS)


def refusal(*files: bytes, sealed: SealedManifest = SEALED, **more: Any) -> type[Refusal]:
    with pytest.raises(Refusal) as caught:
        rectified(sealed, [read_rectification(each) for each in files], **{"trust": TRUST, **more})
    return caught.type


def test_words_and_weights_are_put_right_and_the_sealed_manifest_stays() -> None:
    before = SEALED.to_bytes()
    right = rectified(
        SEALED, [read_rectification(signed(rectification(SEALED)) + b"\n")], trust=TRUST
    )
    assert right.items[2].addressee == "Consulat, Marseille"
    assert (right.weight_g, right.waybill.carrier.vehicle) == (9_450, None)
    changed = {2: replace(right.items[2], addressee=SEALED.manifest.items[2].addressee)}
    assert tuple(changed.get(at, item) for at, item in enumerate(right.items)) == (
        SEALED.manifest.items
    )
    assert SEALED.to_bytes() == before
    assert rectified(SEALED, [], trust=TRUST) == SEALED.manifest


def test_a_statement_is_read_from_the_bytes_that_are_signed_and_from_no_others() -> None:
    statement = rectification(SEALED)
    assert Rectification.parse(statement.encode()) == statement
    file = signed(statement)
    for wrong in (b"", b"{}", file, statement.encode() + b"\n", statement.encode()[:-1]):
        with pytest.raises(RectificationMalformed):
            Rectification.parse(wrong)


def test_the_origin_reads_its_own_books_without_the_second_card_and_never_without_the_first() -> (
    None
):
    file = signed(rectification(SEALED))
    known = Trust([SEALER.card])
    assert refusal(file, trust=known) is RectificationNotTrusted
    read = [read_rectification(file)]
    assert rectified(SEALED, read, trust=known, own_books=True).weight_g == 9_450
    assert refusal(file, trust=Trust([WITNESS.card]), own_books=True) is RectificationNotTrusted
    others = make_rectification(rectification(SEALED), sealer=STRANGER, witness=WITNESS)
    assert refusal(others, own_books=True) is RectificationNotTrusted
    alone = make_rectification(rectification(SEALED), sealer=SEALER)
    assert refusal(alone, trust=known, own_books=True) is RectificationUnwitnessed
    forged = canonical.decode(file)
    forged["witness"]["signatures"] = forged["sealer"]["signatures"]
    assert refusal(canonical.encode(forged), own_books=True) is SignatureInvalid


def test_one_follows_the_other_and_none_may_miss() -> None:
    first = rectification(SEALED)
    then = (Change(None, "weight", 9_450, 9_460),)
    second = rectification(SEALED, ordinal=2, previous=first.hash, changes=then)
    files = signed(first), signed(second)
    right = rectified(SEALED, [read_rectification(each) for each in files], trust=TRUST)
    assert right.weight_g == 9_460
    assert refusal(files[1]) is RectificationGap
    assert refusal(*files[::-1]) is RectificationGap
    assert refusal(files[0], files[0]) is RectificationGap
    other = signed(replace(second, previous=sha256(b"another").hexdigest()))
    assert refusal(files[0], other) is RectificationGap


def test_two_who_closed_a_bag_correct_it_by_two() -> None:
    statement = rectification(SEALED)
    one = make_rectification(statement, sealer=SEALER)
    assert refusal(one) is RectificationUnwitnessed
    assert rectified(ALONE, [read_rectification(one)], trust=TRUST).weight_g == 9_450
    with pytest.raises(WitnessIsSealer):
        make_rectification(statement, sealer=SEALER, witness=SEALER)
    value = canonical.decode(one)
    twice = canonical.encode({**value, "witness": value["sealer"]})
    assert refusal(twice) is RectificationUnwitnessed


def test_only_trusted_cards_of_the_origin_in_force_correct() -> None:
    statement = rectification(SEALED)
    data = signed(statement)
    assert refusal(data, trust=Trust([SEALER.card])) is RectificationNotTrusted
    assert refusal(data, revoked={WITNESS.card.fingerprint}) is RectificationNotTrusted
    theirs = make_rectification(statement, sealer=STRANGER, witness=SEALER)
    assert refusal(theirs) is RectificationNotTrusted
    late = signed(replace(statement, made=SEALER.card.valid_until))
    assert refusal(late) is RectificationNotTrusted


def test_another_statement_under_the_signatures_does_not_hold() -> None:
    value = canonical.decode(signed(rectification(SEALED)))
    value["statement"]["reason"] = "Autre raison"
    assert refusal(canonical.encode(value)) is SignatureInvalid
    mine = canonical.decode(signed(rectification(SEALED)))
    mine["witness"]["signatures"] = mine["sealer"]["signatures"]
    assert refusal(canonical.encode(mine)) is SignatureInvalid


@pytest.mark.parametrize(
    "wrong",
    [
        {"bag": "0" * 22},
        {"seal": "0" * 32},
        {"digest": "0" * 64},
        {"made": CLOSED - timedelta(seconds=1)},
        {"changes": (Change(11, "sender", "Un service", "Un autre"),)},
        {"changes": (Change(None, "weight", 8_451, 9_450),)},
    ],
    ids=["bag", "closing", "digest", "early", "no-line", "not-so"],
)
def test_what_is_of_another_bordereau_corrects_nothing(wrong: dict[str, Any]) -> None:
    assert refusal(signed(rectification(SEALED, **wrong))) is RectificationNotOfBag


@pytest.mark.parametrize(
    "change",
    [
        *(
            Change(None, what, "A", "B")
            for what in ("items", "class", "seals", "destination", "packages", "bag")
        ),
        *(Change(1, what, "A1", "B2") for what in ("quantity", "kind", "level", "line", "salt")),
        Change(0, "sender", "A", "B"),
        Change(1, "consignee", "A", "B"),
        Change(None, "sender", "A", "B"),
        Change(None, "weight", 1, 0),
        Change(None, "weight", 1, 2_000_001),
        Change(None, "weight", None, 1),
        Change(None, "consignee", "A", "A"),
        Change(None, "consignee", "A", "B\n"),
        Change(1, "register", "A1", "b2"),
    ],
    ids=lambda change: f"{change.line}-{change.what}-{change.now!r}",
)
def test_nothing_else_is_put_right(change: Change) -> None:
    statement = rectification(SEALED, changes=(change,))
    with pytest.raises(RectificationMalformed):
        signed(statement)
    value = canonical.decode(signed(rectification(SEALED)))
    told = {"line": change.line, "what": change.what, "was": change.was, "now": change.now}
    value["statement"]["changes"] = [told]
    with pytest.raises(RectificationMalformed):
        read_rectification(canonical.encode(value))


def test_another_shape_is_malformed() -> None:
    for wrong in (
        {"changes": ()},
        {"changes": CHANGES + CHANGES[:1]},
        {"changes": tuple(Change(n, "sender", "A", "B") for n in range(1, 34))},
        {"ordinal": 2},
        {"previous": "0" * 64},
        {"reason": ""},
        {"salt": bytes(31)},
    ):
        with pytest.raises(RectificationMalformed):
            signed(rectification(SEALED, **wrong))
    data = signed(rectification(SEALED))
    more = canonical.encode({**canonical.decode(data), "more": 1})
    for each in (b"", b"{}", data[:-1], more, data + b" " * 65_536):
        with pytest.raises(RectificationMalformed):
            read_rectification(each)


def test_every_value_that_may_be_put_right_is_found_where_it_stands() -> None:
    """The largest rectification still fits into its file."""
    whole, long = manifest(), "É" * 120
    for line, places in ((None, OF_BAG), (2, OF_LINE)):
        for what, place in places.items():
            holder = _object(whole, line)
            for member in place.within:
                holder = holder[member]
            was = holder[place.member]
            now = was + 1 if isinstance(was, int) else "AUTRE 17"
            statement = rectification(SEALED, changes=(Change(line, what, was, now),))
            told = read_rectification(signed(statement)).statement.changes
            right = _object(apply(whole, told), line)
            for member in place.within:
                right = right[member]
            assert right[place.member] == now
    many = tuple(Change(n, "sender", long, "\U0001f4ee" * 120) for n in range(1, 33))
    assert read_rectification(signed(rectification(SEALED, changes=many))).statement.changes == many


def _object(whole: Any, line: int | None) -> Any:
    value = canonical.decode(encode(whole))
    return value if line is None else value["items"][line - 1]
