"""Every act, done for those who may ask and refused to a robbed caller, with every backend."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.age.files import encrypt
from keys.age.header import Header, seal_header
from keys.age.hybrid import HybridKey, unwrap, wrap
from keys.age.stream import SealingStream
from keys.cards import Card
from keys.certificates import authorities_of
from keys.custody import Bureau, Custodian, no_secret, open_custodian, read_credential
from keys.custody.bureau_opening import PREFIX_BYTES
from keys.custody.core import Custody
from keys.custody.errors import BagTextUnknown, ManifestNotOfCard, RequestMalformed
from keys.dispatch import decipher, examine
from keys.errors import (
    AddresseesMismatch,
    HeaderMalformed,
    HeaderTampered,
    LabelMismatch,
    ManifestMalformed,
    MixedRecipients,
    NotAddressed,
    NotIntended,
    PayloadDamaged,
    Refusal,
)
from keys.manifest import Addressee, Heading, Label, Manifest, Part, Sender, Series
from keys.post_receipts import PostReceipt
from keys.receipts import BatchRoot, ReceiptMalformed, ReceiptNotOfKey
from keys.service_messages import (
    SeriesReference,
    ServiceMessage,
    ServiceMessageMalformed,
    ServiceMessageNotOfCard,
)
from keys.signing import (
    CARD,
    ENROLMENT,
    MANIFEST,
    RECEIPT,
    RECEIPTS,
    SERVICE_MESSAGE,
    SLIP,
    TOKEN_KEY,
)
from keys.slip_agreement import slip_for
from keys.slips import Slip, SlipMalformed, SlipNotOfCard
from keys.token_keys import TokenKey, TokenKeyMalformed
from pouch.members import item_object
from tests.support import valise

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ID = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"


@pytest.fixture(params=["memory", "file", "worker"])
def custodian(request: pytest.FixtureRequest) -> Iterator[Custodian]:
    """The bureau MINREX's keys, wherever they are."""
    uri = "memory:"
    secrets: Callable[[str], bytes] = no_secret
    if request.param == "file":
        founded = request.getfixturevalue("lasting")
        uri = f"file:{founded.store}"
        secrets = lambda _uri: read_credential(founded.credential)  # noqa: E731  a callable is meant
    elif request.param == "worker":
        uri = request.getfixturevalue("survivor").uri
    with closing(open_custodian(uri, secrets)) as opened:
        yield opened


def _manifest(sender: Card) -> Manifest:
    heading = Heading(ID, "telegram", Label("CMR", "SECRET"), NOON, NOON)
    to = Addressee("LOME", "ab" * 32, "edition", "action", "FLASH", "cipher", Series(202600, 1))
    part = Part("message.txt", 1, "cd" * 32, "text/plain")
    return Manifest(heading, Sender(sender.post, sender.fingerprint), (to,), (part,), bytes(32))


def _slip(sender: Card) -> Slip:
    return slip_for(_manifest(sender), envelope_sha256="ef" * 32, envelope_size=9)


def _receipt(card: Card) -> PostReceipt:
    return PostReceipt("delivered", ID, card.post, card.fingerprint, "ab" * 32, NOON)


def _message(card: Card) -> ServiceMessage:
    series = SeriesReference("LOME", card.post, 202600, 3)
    return ServiceMessage(
        ID, "missing-number", card.post, card.fingerprint, "LOME", "URGENT", NOON, series
    )


def _token_key(hours: int = 24) -> TokenKey:
    return TokenKey("https://a.example", "A" * 43, "B" * 43, NOON, NOON + timedelta(hours=hours))


# What the bureau may have


def test_the_bureau_signs_its_own(custodian: Custodian) -> None:
    card = custodian.card()
    key = card.verifying_key

    manifest = _manifest(card).encode()
    key.verify(MANIFEST, manifest, custodian.sign_manifest(manifest))
    slip = _slip(card).encode()
    key.verify_ed25519(SLIP, slip, custodian.sign_slip(slip))
    receipt = _receipt(card).encode()
    key.verify(RECEIPT, receipt, custodian.sign_post_receipt(receipt))
    message = _message(card).encode()
    key.verify(SERVICE_MESSAGE, message, custodian.sign_service_message(message))


def test_the_service_signs_with_keys_of_its_own(custodian: Custodian) -> None:
    batch = BatchRoot(root=bytes(32), size=3, time=NOON).encode()
    custodian.service_key().verify(RECEIPTS, batch, custodian.sign_receipts(batch))
    token_key = _token_key().encode()
    certifying = custodian.certifying_key()
    certifying.verify(TOKEN_KEY, token_key, custodian.certify_token_key(token_key))

    keys = (custodian.card().verifying_key, custodian.service_key(), certifying)
    assert len({key.ed25519 for key in keys}) == len({key.mldsa65 for key in keys}) == 3


@pytest.mark.parametrize("size", [8, 1_000_000], ids=["small", "longer-than-the-prefix"])
def test_a_dispatch_passes_between_two_bureaux(
    custodian: Custodian, paris: Custody, tmp_path: Path, size: int,
    dispatch: Callable[..., Any],
) -> None:  # fmt: skip
    message = bytes(range(256)) * (size // 8)
    there = dispatch(custodian, paris.card(), message=message)
    back = dispatch(paris, custodian.card(), message=message[::-1])

    for sender, envelope, reader in ((custodian, there, paris), (paris, back, custodian)):
        with decipher(
            io.BytesIO(envelope.data),
            opener=Bureau(reader),
            find_sender={sender.card().fingerprint: sender.card()}.get,
            workspace=tmp_path,
        ) as opened:
            text = (opened.folder / "message.txt").read_bytes()
        assert text == (message if envelope is there else message[::-1])


def test_a_header_is_made_for_one_readers_own_key_and_opens_for_no_other(
    custodian: Custodian, paris: Custody, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    envelope = dispatch(paris, custodian.card(), message=b"Bonjour")
    own, header = HybridKey.generate(), envelope.header.encode()
    told = canonical.decode(custodian.rewrap_header(header, envelope.prefix, own.recipient))
    made = Header.parse(io.BytesIO(canonical.bytes_from_text(told["header"])))
    label, stanza = made.stanzas
    file_key = unwrap(stanza, own)
    assert file_key is not None
    assert unwrap(stanza, HybridKey.generate()) is None
    made.verify(file_key)
    payload = io.BytesIO(envelope.payload)
    manifest = examine(envelope.header, file_key, payload, {custodian.card().fingerprint})
    assert label == envelope.header.stanzas[0]
    assert (told["manifest"], told["releasability"]) == (manifest.hash, [])
    with pytest.raises(RequestMalformed):
        custodian.rewrap_header(header, envelope.prefix, own.recipient[:-1])
    other = dispatch(paris, lome.card())
    with pytest.raises(NotAddressed):
        custodian.rewrap_header(other.header.encode(), other.prefix, own.recipient)


def test_sealed_columns_are_opened(custodian: Custodian) -> None:
    sealed = encrypt(b"Objet : visite", [custodian.card().recipient])

    assert custodian.open_sealed(sealed) == b"Objet : visite"


def test_a_bags_text_is_opened_and_a_subject_is_none(custodian: Custodian) -> None:
    line, subject = (
        encrypt(text, [custodian.card().recipient])
        for text in (canonical.encode(item_object(valise.item(1))), b"Objet : visite")
    )

    assert canonical.decode(custodian.open_bag_text(line)) == item_object(valise.item(1))
    with pytest.raises(BagTextUnknown):
        custodian.open_bag_text(subject)


def test_the_posts_authorities_are_the_one_in_force(custodian: Custodian) -> None:
    (authority,) = authorities_of(custodian.client_authorities())

    assert authority == custodian.client_authority()


# What a robbed caller may not have


def test_a_manifest_of_another_sender_is_not_signed(custodian: Custodian, paris: Custody) -> None:
    own, other = custodian.card(), paris.card()
    borrowed_name = Manifest.parse(
        _manifest(other).encode().replace(b'"post":"PARIS"', b'"post":"' + own.post.encode() + b'"')
    )
    for manifest in (_manifest(other), borrowed_name):
        with pytest.raises(ManifestNotOfCard):
            custodian.sign_manifest(manifest.encode())


def test_a_slip_of_another_origin_is_not_signed(custodian: Custodian, paris: Custody) -> None:
    with pytest.raises(SlipNotOfCard):
        custodian.sign_slip(_slip(paris.card()).encode())


def test_a_receipt_of_another_post_is_not_signed(custodian: Custodian, paris: Custody) -> None:
    with pytest.raises(ReceiptNotOfKey):
        custodian.sign_post_receipt(_receipt(paris.card()).encode())


def test_a_service_message_of_another_post_is_not_signed(
    custodian: Custodian, paris: Custody
) -> None:
    with pytest.raises(ServiceMessageNotOfCard):
        custodian.sign_service_message(_message(paris.card()).encode())


def test_a_token_key_for_a_month_is_not_certified(custodian: Custodian) -> None:
    statement = json.loads(_token_key().encode())
    statement["valid_until"] = "2026-12-22T12:00:00Z"

    with pytest.raises(TokenKeyMalformed):
        custodian.certify_token_key(canonical.encode(statement))


def test_no_act_signs_an_untyped_or_foreign_statement(custodian: Custodian) -> None:
    """Each act gets every other act's statement, a card, and noise."""
    card = custodian.card()
    statements: dict[type[Refusal], tuple[Callable[[bytes], object], bytes]] = {
        ManifestMalformed: (custodian.sign_manifest, _manifest(card).encode()),
        SlipMalformed: (custodian.sign_slip, _slip(card).encode()),
        ServiceMessageMalformed: (custodian.sign_service_message, _message(card).encode()),
        TokenKeyMalformed: (custodian.certify_token_key, _token_key().encode()),
    }
    receipts: dict[Callable[[bytes], object], bytes] = {
        custodian.sign_post_receipt: _receipt(card).encode(),
        custodian.sign_receipts: BatchRoot(bytes(32), 1, NOON).encode(),
    }
    noise = (b"", b"{}", b"sign me", card.statement, card.to_bytes(), b"\xff" * 64)
    everything = {*noise, *receipts.values(), *(bytes_ for _, bytes_ in statements.values())}

    for refusal, (act, own) in statements.items():
        for statement in everything - {own}:
            with pytest.raises(refusal):
                act(statement)
    for act, own in receipts.items():
        for statement in everything - {own}:
            with pytest.raises(ReceiptMalformed):
                act(statement)


def test_no_act_signs_in_a_context_that_has_none(custodian: Custodian) -> None:
    """There is no act for a card or an enrolment yet: nothing signed passes for one."""
    card = custodian.card()
    manifest = _manifest(card).encode()
    signatures = custodian.sign_manifest(manifest)

    for context in (CARD, ENROLMENT, SLIP, RECEIPT):
        with pytest.raises(Refusal):
            card.verifying_key.verify(context, manifest, signatures)


def test_a_dispatch_of_others_is_not_opened(
    custodian: Custodian, paris: Custody, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    envelope = dispatch(paris, lome.card())

    with pytest.raises(NotAddressed):
        custodian.open_file_key(envelope.header.encode(), envelope.prefix)


def test_a_dispatch_passes_no_way_round_through_open_sealed(
    custodian: Custodian, paris: Custody, dispatch: Callable[..., Any]
) -> None:
    """With the label stanza it is refused as a dispatch, without it by the header's MAC."""
    envelope = dispatch(paris, custodian.card())
    bare = Header(envelope.header.stanzas[1:], envelope.header.mac).encode()

    with pytest.raises(MixedRecipients):
        custodian.open_sealed(envelope.data)
    with pytest.raises(HeaderTampered):
        custodian.open_sealed(bare + envelope.payload)


def test_a_header_with_a_bad_mac_opens_nothing(
    custodian: Custodian, paris: Custody, dispatch: Callable[..., Any]
) -> None:
    envelope = dispatch(paris, custodian.card())
    header = Header(envelope.header.stanzas, bytes(32)).encode()

    with pytest.raises(HeaderTampered):
        custodian.open_file_key(header, envelope.prefix)


def test_the_label_of_another_dispatch_opens_nothing(
    custodian: Custodian, paris: Custody, dispatch: Callable[..., Any]
) -> None:
    """A co-addressee knows the file key and can make the MAC fit: the manifest tells."""
    envelope = dispatch(paris, custodian.card())
    stranger = dispatch(paris, custodian.card())
    file_key = custodian.open_file_key(envelope.header.encode(), envelope.prefix)
    header = seal_header((stranger.header.stanzas[0], *envelope.header.stanzas[1:]), file_key)

    with pytest.raises(LabelMismatch):
        custodian.open_file_key(header, envelope.prefix)


def test_a_dispatch_without_label_opens_nothing(
    custodian: Custodian, paris: Custody, dispatch: Callable[..., Any]
) -> None:
    envelope = dispatch(paris, custodian.card())
    file_key = custodian.open_file_key(envelope.header.encode(), envelope.prefix)
    header = seal_header(envelope.header.stanzas[1:], file_key)

    with pytest.raises(LabelMismatch):
        custodian.open_file_key(header, envelope.prefix)


def test_a_dispatch_forwarded_behind_its_senders_back_opens_nothing(
    custodian: Custodian, paris: Custody, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    """LOME, its addressee, wraps the file key for the bureau; the manifest names LOME alone."""
    envelope = dispatch(paris, lome.card())
    file_key = lome.open_file_key(envelope.header.encode(), envelope.prefix)
    stanza = wrap(file_key, custodian.card().recipient)
    replaced = seal_header((envelope.header.stanzas[0], stanza), file_key)
    added = seal_header((*envelope.header.stanzas, stanza), file_key)

    for header in (replaced, added):
        with pytest.raises(NotIntended):
            custodian.open_file_key(header, envelope.prefix)


def test_a_hidden_addressee_opens_nothing(
    custodian: Custodian, paris: Custody, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    envelope = dispatch(paris, custodian.card(), lome.card())
    file_key = lome.open_file_key(envelope.header.encode(), envelope.prefix)
    header = seal_header(envelope.header.stanzas[:2], file_key)

    with pytest.raises(AddresseesMismatch):
        custodian.open_file_key(header, envelope.prefix)


def test_the_payload_of_another_dispatch_opens_nothing(
    custodian: Custodian, paris: Custody, dispatch: Callable[..., Any]
) -> None:
    first, second = dispatch(paris, custodian.card()), dispatch(paris, custodian.card())

    with pytest.raises(PayloadDamaged):
        custodian.open_file_key(first.header.encode(), second.prefix)


def test_a_payload_that_is_no_dispatch_opens_nothing(
    custodian: Custodian, paris: Custody, dispatch: Callable[..., Any]
) -> None:
    """Under a true header, a payload of the attacker's: not a package, then no payload."""
    envelope = dispatch(paris, custodian.card())
    file_key = custodian.open_file_key(envelope.header.encode(), envelope.prefix)
    sink = io.BytesIO()
    stream = SealingStream(file_key, sink)
    stream.write(b"not an archive" * 100)
    stream.finish()

    for prefix in (sink.getvalue(), b"", envelope.prefix[:100]):
        with pytest.raises(Refusal):
            custodian.open_file_key(envelope.header.encode(), prefix)


def test_a_header_with_a_tail_is_not_a_header(
    custodian: Custodian, paris: Custody, dispatch: Callable[..., Any]
) -> None:
    envelope = dispatch(paris, custodian.card())

    with pytest.raises(HeaderMalformed):
        custodian.open_file_key(envelope.header.encode() + b"x", envelope.prefix)


def test_the_largest_manifest_is_read_from_the_prefix(
    paris: Custody, lome: Custody, dispatch: Callable[..., Any]
) -> None:
    """256 KiB of manifest and the archive's first header end within PREFIX_BYTES."""
    envelope = dispatch(paris, lome.card(), message=bytes(PREFIX_BYTES))

    assert len(envelope.payload) > len(envelope.prefix) == PREFIX_BYTES
    assert PREFIX_BYTES - 16 - 5 * 16 > 512 + 256 * 1024
