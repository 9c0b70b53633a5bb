"""The slip: what it says, what it refuses to say, and the body in which it travels."""

import copy
import dataclasses
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import nacl.signing
import pytest

from keys import canonical
from keys.custody.core import Custody
from keys.errors import SignatureInvalid
from keys.manifest import Addressee, Heading, Label, Manifest, Part, Sender, Series
from keys.rerouting import Addendum
from keys.slip_agreement import SlipMismatch, require_same, slip_for, slip_for_rerouting
from keys.slips import (
    HEAD_BYTES_MAX,
    SeriesNumber,
    SignedSlip,
    Slip,
    SlipAddressee,
    SlipMalformed,
    SlipNotOfCard,
    head_length,
    read_head,
    sign_slip,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
PARIS = Custody.generate("PARIS", valid_from=START, valid_until=END)
LOME = Custody.generate("LOME", valid_from=START, valid_until=END)
ID = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"
EARLIER = "01KAMV6R8P3ZDFWQ5XJ9T2C4EM"
ENVELOPE = b"age-encryption.org/v1\n..."


def _manifest() -> Manifest:
    """A telegram from PARIS to LOME, with PARIS's own copy."""
    heading = Heading(
        id=ID,
        kind="telegram",
        label=Label("CMR", "SECRET", caveats=("CANAL RESERVE",)),
        dtg=NOON,
        created=NOON,
        subject="Visite du ministre",
        references=("V/TD 123 du 12 mars",),
        in_reply_to=EARLIER,
    )
    fingerprints = {office.card().post: office.card().fingerprint for office in (PARIS, LOME)}
    to = (
        Addressee("LOME", fingerprints["LOME"], "edition", "action", "FLASH", "cipher",
                  Series(202600, 12, "ab" * 32)),
        Addressee("PARIS", fingerprints["PARIS"], "edition", "copy", "ROUTINE", "cipher", None),
    )  # fmt: skip
    part = Part("message.txt", 4, hashlib.sha256(b"text").hexdigest(), "text/plain")
    return Manifest(heading, Sender("PARIS", fingerprints["PARIS"]), to, (part,), bytes(32))


def _slip() -> Slip:
    return slip_for(
        _manifest(),
        envelope_sha256=hashlib.sha256(ENVELOPE).hexdigest(),
        envelope_size=len(ENVELOPE),
    )


def _spoilt(spoil: Callable[[Any], object]) -> bytes:
    """The canonical bytes of the slip's object after `spoil` had its way with it."""
    value = copy.deepcopy(json.loads(_slip().encode()))
    spoil(value)
    return canonical.encode(value)


def test_a_slip_says_what_the_carrier_needs() -> None:
    slip = _slip()

    assert json.loads(slip.encode()) == {
        "v": 1,
        "type": "depeche/v1 slip",
        "dispatch_id": ID,
        "origin": "PARIS",
        "origin_card": PARIS.card().fingerprint,
        "kind": "telegram",
        "level": "SECRET",
        "caveats": ["CANAL RESERVE"],
        "dtg": "2026-11-22T12:00:00Z",
        "envelope": {"sha256": hashlib.sha256(ENVELOPE).hexdigest(), "size": len(ENVELOPE)},
        "addressees": [
            {
                "post": "LOME",
                "fingerprint": LOME.card().fingerprint,
                "role": "action",
                "precedence": "FLASH",
                "delivery": "cipher",
                "series": {"epoch": 202600, "number": 12},
            },
            {
                "post": "PARIS",
                "fingerprint": PARIS.card().fingerprint,
                "role": "copy",
                "precedence": "ROUTINE",
                "delivery": "cipher",
                "series": None,
            },
        ],
        "references": [EARLIER],
    }
    assert Slip.parse(slip.encode()) == slip


def test_nothing_legible_of_the_content_is_on_it() -> None:
    """P10: subject and free references stay inside the envelope."""
    text = _slip().encode()

    assert b"ministre" not in text
    assert b"V/TD" not in text


def test_a_dispatch_that_replies_to_none_refers_to_none() -> None:
    manifest = _manifest()
    fresh = dataclasses.replace(
        manifest, heading=dataclasses.replace(manifest.heading, in_reply_to=None)
    )

    assert slip_for(fresh, envelope_sha256="00" * 32, envelope_size=1).references == ()


def test_the_body_carries_slip_and_envelope() -> None:
    signed = sign_slip(_slip(), PARIS.sign_slip)
    body = signed.head + ENVELOPE

    length = head_length(body[:4])
    read = read_head(body[4 : 4 + length])
    read.verify(PARIS.card())

    assert read == signed
    assert read.statement == signed.slip.encode()
    assert body[4 + length :] == ENVELOPE
    assert read.head == signed.head


def test_a_stranger_verifies_the_signature_with_libsodium_alone() -> None:
    signed = sign_slip(_slip(), PARIS.sign_slip)

    verify_key = nacl.signing.VerifyKey(PARIS.card().ed25519)
    verify_key.verify(b"depeche/v1 slip\0" + signed.slip.encode(), signed.signature)


def test_a_changed_slip_loses_its_signature() -> None:
    signed = sign_slip(_slip(), PARIS.sign_slip)
    louder = dataclasses.replace(signed.slip, level="NON-PROTEGE")

    with pytest.raises(SignatureInvalid):
        SignedSlip(louder, signed.signature).verify(PARIS.card())


def test_a_slip_of_another_post_or_another_card_is_not_this_cards() -> None:
    signed = sign_slip(_slip(), PARIS.sign_slip)
    renewed = Custody.generate("PARIS", valid_from=START, valid_until=END)

    for card in (LOME.card(), renewed.card()):
        with pytest.raises(SlipNotOfCard):
            signed.verify(card)


def test_the_slip_of_this_manifest_is_recognised() -> None:
    require_same(_slip(), _manifest())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("level", "NON-PROTEGE"),
        ("dispatch_id", EARLIER),
        ("origin", "LOME"),
        ("addressees", ()),
        ("references", ()),
        ("dtg", NOON.replace(hour=13)),
    ],
)
def test_a_carrier_that_shows_another_slip_is_caught(name: str, value: object) -> None:
    told = Slip(**{**vars(_slip()), name: value})

    with pytest.raises(SlipMismatch, match=name):
        require_same(told, _manifest())


def test_a_rerouted_envelope_has_the_slip_of_its_last_addendum() -> None:
    manifest, lome = _manifest(), LOME.card()
    entry = Addressee(
        "DAKAR", "cd" * 32, "edition", "action", "ROUTINE", "cipher", Series(202600, 3)
    )
    addendum = Addendum(
        manifest=manifest.hash,
        number=1,
        previous=None,
        sender=Sender(lome.post, lome.fingerprint),
        to=(entry,),
        created=NOON,
        reason="Pour attribution.",
    )
    slip = slip_for_rerouting(
        manifest, addendum, dispatch_id=EARLIER, envelope_sha256="ef" * 32, envelope_size=9
    )

    require_same(slip, manifest, [addendum])
    assert Slip.parse(slip.encode()) == slip
    assert (slip.origin, slip.references, slip.level) == ("LOME", (ID,), "SECRET")
    assert [(each.post, each.series) for each in slip.addressees] == [
        ("DAKAR", SeriesNumber(202600, 3))
    ]
    another = dataclasses.replace(addendum, sender=Sender("PARIS", PARIS.card().fingerprint))
    for addenda in ([], [addendum, another]):
        with pytest.raises(SlipMismatch):
            require_same(slip, manifest, addenda)


SPOILT: dict[str, Callable[[Any], object]] = {
    "no-version": lambda slip: slip.pop("v"),
    "version-2": lambda slip: slip.update(v=2),
    "another-type": lambda slip: slip.update(type="depeche/v1 card"),
    "unknown-member": lambda slip: slip.update(subject="Visite"),
    "lower-case-post": lambda slip: slip.update(origin="paris"),
    "post-with-newline": lambda slip: slip.update(origin="PARIS\n"),
    "not-a-ulid": lambda slip: slip.update(dispatch_id="8" + ID[1:]),
    "unknown-kind": lambda slip: slip.update(kind="letter"),
    "caveat-twice": lambda slip: slip.update(caveats=["A1", "A1"]),
    "free-reference": lambda slip: slip.update(references=["V/TD 123"]),
    "local-time": lambda slip: slip.update(dtg="2026-11-22T12:00:00+01:00"),
    "empty-envelope": lambda slip: slip["envelope"].update(size=0),
    "upper-case-hash": lambda slip: slip["envelope"].update(sha256="AB" * 32),
    "envelope-member": lambda slip: slip["envelope"].update(name="x"),
    "nobody": lambda slip: slip.update(addressees=[]),
    "same-post-twice": lambda slip: slip["addressees"].append(slip["addressees"][0]),
    "addressee-member": lambda slip: slip["addressees"][0].update(key="edition"),
    "unknown-role": lambda slip: slip["addressees"][0].update(role="bcc"),
    "unknown-delivery": lambda slip: slip["addressees"][0].update(delivery="mail"),
    "unnumbered": lambda slip: slip["addressees"][0].update(series=None),
    "numbered-copy": lambda slip: slip["addressees"][1].update(
        series={"epoch": 202600, "number": 1}
    ),
    "number-zero": lambda slip: slip["addressees"][0]["series"].update(number=0),
    "number-true": lambda slip: slip["addressees"][0]["series"].update(number=True),
    "series-member": lambda slip: slip["addressees"][0]["series"].update(previous=None),
    "too-many": lambda slip: slip.update(addressees=slip["addressees"][:1] * 600),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_slip_of_another_shape_is_refused(spoil: Callable[[Any], object]) -> None:
    with pytest.raises(SlipMalformed):
        Slip.parse(_spoilt(spoil))


@pytest.mark.parametrize(
    ("spelled", "otherwise"),
    [
        (b'"v":1}', b'"v":1} '),
        (b'"v":1}', b'"v":1}\n'),
        (b'"v":1}', b'"v":1.0}'),
        (b'"v":1}', b'"v":1,"v":1}'),
        (b'"origin":"PARIS"', b'"origin": "PARIS"'),
        (b'"origin":"PARIS"', b'"origin":"P\\u0041RIS"'),
        (b'"number":12', b'"number":012'),
        (b'"number":12', b'"number":9007199254740992'),
        (b'"number":12', b'"number":1e3'),
        (b'"epoch":202600,"number":12', b'"number":12,"epoch":202600'),
        (b"},{", b"}{"),
        (b"},{", b"},,{"),
        (b'"series":null}', b'"series":null},'),
        (b"2026-11-22T12", b"2026-11-31T12"),
        (b'"CANAL RESERVE"', b'"CANAL RESERVE",'),
        (b'"CANAL RESERVE"', '"CANAL RÉSERVÉ"'.encode()),
    ],
)
def test_a_slip_has_one_spelling(spelled: bytes, otherwise: bytes) -> None:
    data = _slip().encode()
    assert data.count(spelled) == 1

    with pytest.raises(SlipMalformed):
        Slip.parse(data.replace(spelled, otherwise))


def test_a_slip_is_written_as_it_is_read() -> None:
    """The reader's one spelling is that of canonical JSON."""
    data = _slip().encode()

    assert canonical.encode(json.loads(data)) == data
    assert Slip.parse(data).encode() == data


def test_what_would_be_refused_is_never_signed() -> None:
    for wrong in (
        dataclasses.replace(_slip(), envelope_size=0),
        dataclasses.replace(_slip(), dtg=datetime(2026, 1, 1)),  # noqa: DTZ001  the defect
    ):
        with pytest.raises(SlipMalformed):
            sign_slip(wrong, PARIS.sign_slip)


@pytest.mark.parametrize(
    "prefix",
    [b"", b"\0\0\1", bytes(4), (HEAD_BYTES_MAX + 1).to_bytes(4, "big"), b"\xff" * 4],
    ids=["nothing", "three-bytes", "zero", "too-long", "four-gigabytes"],
)
def test_a_body_that_announces_no_slip_is_refused(prefix: bytes) -> None:
    with pytest.raises(SlipMalformed):
        head_length(prefix)


def test_the_longest_slip_fits_the_head() -> None:
    entries = tuple(
        SlipAddressee(
            post=f"POST-{n:011d}", fingerprint=f"{n:064x}", role="action", precedence="P" * 40,
            delivery="cipher", series=SeriesNumber(202600, 2**53 - 1),
        )
        for n in range(599)
    )  # fmt: skip

    head = sign_slip(dataclasses.replace(_slip(), addressees=entries), PARIS.sign_slip).head

    assert head_length(head[:4]) == len(head) - 4


HEADS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no-signature": lambda head: head.pop("signature"),
    "short-signature": lambda head: head.update(signature="AAAA"),
    "no-slip": lambda head: head.pop("slip"),
    "unknown-member": lambda head: head.update(also=1),
}


@pytest.mark.parametrize("spoil", HEADS.values(), ids=HEADS.keys())
def test_a_head_of_another_shape_is_refused(spoil: Callable[[Any], object]) -> None:
    head = json.loads(sign_slip(_slip(), PARIS.sign_slip).head[4:])
    spoil(head)

    with pytest.raises(SlipMalformed):
        read_head(canonical.encode(head))


@pytest.mark.parametrize(
    ("spelled", "otherwise"), [(b'=="', b'=" '), (b"==", b"A="), (b'"v":1}', b'"v":2}')]
)
def test_a_head_has_one_spelling(spelled: bytes, otherwise: bytes) -> None:
    head = SignedSlip(_slip(), bytes(64)).head[4:]
    stray = head.replace(b"AA==", b"AB==")

    for body in (head.replace(spelled, otherwise), stray):
        with pytest.raises(SlipMalformed):
            read_head(body)


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"\xff", b" {}", b"[" * 100_000, b" " * (HEAD_BYTES_MAX + 1)],
    ids=["empty", "no-members", "array", "not-utf8", "space", "deep", "too-long"],
)
def test_a_head_that_is_not_one_is_refused(body: bytes) -> None:
    with pytest.raises(SlipMalformed):
        read_head(body)
