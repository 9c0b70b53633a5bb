"""What `keys` reads from outside: envelopes, cards, statements, notes, shares, frames."""

import io
import socket
from base64 import b64encode
from datetime import timedelta
from functools import partial
from pathlib import Path

import cbor2

from keys import canonical, certificates, passkeys
from keys.acts import Act
from keys.age import armor, bech32, files, hybrid
from keys.age.header import Header
from keys.age.hybrid import HybridKey
from keys.cards import read_card
from keys.cose import decode_cbor, encode_cbor, read_sign1, sign1
from keys.custody import frames
from keys.custody.acts import perform, read_answer
from keys.custody.backups import BackupKey, make_backup_key
from keys.custody.book import Book
from keys.custody.compartment import CustodyState, Splitting
from keys.custody.core import Custody
from keys.custody.grants import Grant
from keys.custody.intents import Warrant
from keys.custody.log_keys import LogKeys
from keys.custody.parts import Part, PartHead
from keys.custody.place import SecondPlace, State
from keys.custody.prekeys import Lot, Stock, split_headers
from keys.custody.roll import Roll
from keys.custody.shares import Holder, Share, open_share, read_share, split
from keys.custody.splitting_record import begin_record, confirm_record, read_splitting_record
from keys.destruction import make_record, read_record
from keys.endorsement import (
    Endorsement,
    make_endorsement,
    make_introduction,
    read_endorsement,
    read_introduction,
    read_root_file,
    root_file,
    root_fingerprint,
)
from keys.errors import KeysError
from keys.heads import open_head
from keys.jws import ApiKey
from keys.lifecycle import TRAFFIC, KeyVersion
from keys.log.checkpoints import Checkpoint
from keys.log.leaves import commit
from keys.log.succession import LogSuccession, make_log_succession, read_log_succession
from keys.manifest import Manifest, Sender
from keys.post_receipts import (
    DELIVERED,
    PostReceipt,
    make_post_receipt,
    parse_post_receipt,
    read_post_receipt,
)
from keys.prekeys import Prekey, make_bundle, read_offer
from keys.prekeys import read_bundle as read_prekeys
from keys.receipts import (
    BatchRoot,
    ReceiptMalformed,
    Submitted,
    head_carried,
    read_submitted_receipt,
    seal_batch,
)
from keys.rerouting import Addendum
from keys.s2.complements import read_complement
from keys.s2.recipients import parse_recipient as parse_s2_recipient
from keys.service_messages import (
    SeriesReference,
    ServiceMessage,
    make_service_message,
    parse_service_message,
    read_service_message,
)
from keys.signing import (
    ENDORSEMENT,
    LOG_SUCCESSION,
    RECEIPT,
    SERVICE_MESSAGE,
    SLIP,
    SUCCESSION,
    SigningKey,
)
from keys.slip_agreement import slip_for
from keys.slips import Slip, read_head, sign_slip
from keys.software_key import SoftwareKey
from keys.statements import decode_signed, key_fingerprint
from keys.succession import (
    RECEIPTS_KEY,
    Succession,
    files_of,
    make_succession,
    read_succession,
)
from keys.token_keys import TokenKey, certify_token_key, read_token_key
from keys.ustar import read_entry_header
from tests.fuzz.parsers import Parser, of, of_text
from tests.support.acts import act
from tests.support.authenticator import Maker, SecurityKey
from tests.support.intents import grant_of
from tests.support.officers import PARTY, found_ministry
from tests.vectors.forge import NOW, YEAR, Forgery, addressee, identity

PARIS, LOME, MINREX = map(identity, ("PARIS", "LOME", "MINREX"))
OFFICE = Custody.generate("MINREX", valid_from=YEAR[0], valid_until=YEAR[1])
ROOT = SigningKey.generate()
ORIGIN = "chiffre.example.cm/audit"
ISSUER = "https://chiffre.example"
ID, EARLIER = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN", "01KAMV6R8P3ZDFWQ5XJ9T2C4EM"
CHALLENGE = bytes(range(32))
SPLITTING = Splitting(bytes(16), "ab" * 32, 2, ("GARDE-A", "GARDE-B"))
WEEK = timedelta(days=7)
NOTE = "ministry/audit\n7\n" + "A" * 44 + "\n"
MALFORMED: tuple[type[Exception], ...] = (KeysError, ValueError)
"""For what says `ValueError` itself: a reader that names the file it stands in does the naming."""


def _envelopes() -> list[Parser]:
    sealed = Forgery([PARIS.card]).seal()
    header = Header.parse(io.BytesIO(sealed)).encode()
    key = HybridKey.generate()
    written = bech32.encode_recipient(key.recipient)
    scalar = bech32.encode("age-secret-key-", bytes(range(32))).upper()
    cards = {each.card.fingerprint: each.card for each in (PARIS, MINREX)}

    def open_age(data: bytes) -> None:
        stream = files.open_age(io.BytesIO(data), [PARIS.hybrid_key])
        while stream.next_chunk():
            pass

    def head(data: bytes) -> object:
        return open_head(io.BytesIO(data), opener=PARIS, find_sender=cards.get)

    return [
        of("keys.age.header:Header.parse", lambda data: Header.parse(io.BytesIO(data)), header),
        of("keys.custody.prekeys:split_headers", split_headers, header * 2),
        of("keys.age.files:open_age", open_age, sealed),
        of("keys.heads:open_head", head, sealed),
        of("keys.age.armor:decode", armor.decode, _armoured(sealed)),
        of(
            "keys.age.hybrid:parse_recipient",
            hybrid.parse_recipient,
            key.recipient,
            refusals=MALFORMED,
        ),
        of_text(
            "keys.age.bech32:decode",
            partial(bech32.decode, "age-secret-key-"),
            scalar,
            refusals=MALFORMED,
        ),
        of_text(
            "keys.age.bech32:decode_recipient", bech32.decode_recipient, written, refusals=MALFORMED
        ),
        of_text(
            "keys.age.bech32:decode_identity",
            bech32.decode_identity,
            PARIS.age_identity,
            refusals=MALFORMED,
        ),
        of_text(
            "keys.age.bech32:decode_x25519_identity",
            bech32.decode_x25519_identity,
            scalar,
            refusals=MALFORMED,
        ),
        of(
            "keys.ustar:read_entry_header", read_entry_header, Forgery([PARIS.card]).archive()[:512]
        ),
        of("keys.manifest:Manifest.parse", Manifest.parse, Forgery([PARIS.card]).manifest()),
        of("keys.canonical:decode", canonical.decode, PARIS.card.to_bytes(), refusals=MALFORMED),
        of("keys.cose:read_sign1", read_sign1, _signed(), refusals=MALFORMED),
        of("keys.cose:decode_cbor", decode_cbor, _signed(), refusals=MALFORMED),
        of("keys.cards:read_card", read_card, PARIS.card.to_bytes()),
        of(
            "keys.s2.complements:read_complement",
            lambda data: read_complement(data, PARIS.card),
            PARIS.complement().to_bytes(),
        ),
        of(
            "keys.s2.recipients:parse_recipient",
            parse_s2_recipient,
            PARIS.complement().recipient,
            refusals=MALFORMED,
        ),
    ]


def _armoured(sealed: bytes) -> bytes:
    text = b64encode(sealed).decode()
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    begin, end = (f"-----{word} AGE ENCRYPTED FILE-----" for word in ("BEGIN", "END"))
    return "\n".join((begin, *lines, end, "")).encode()


def _signed() -> bytes:
    payload = encode_cbor({1: "YAOUNDE", 2: b"x" * 16})
    return sign1(payload, kid=b"kid-kid-", sign=PARIS.sign_cose).encode()


def _receipts() -> list[bytes]:
    service = key_fingerprint(OFFICE.service_key())
    batch = [
        Submitted(f"01KAMV6R8P3ZDFWQ5XJ9T2C{number:03d}", "PARIS", f"2026/{number:06d}", NOW,
                  f"{number:064x}", 4096, ("LOME", "MINREX"), service)
        for number in range(1, 4)
    ]  # fmt: skip
    return seal_batch(batch, time=NOW, sign=OFFICE.sign_receipts, checkpoint=NOTE)


def _statements() -> list[Parser]:
    """What posts, bureau and root sign, and the custodian's certificates."""
    card, service = OFFICE.card(), OFFICE.service_key()
    receipt = PostReceipt(DELIVERED, ID, "PARIS", PARIS.card.fingerprint, "ab" * 32, NOW)
    message = ServiceMessage(
        id=ID, kind="repeat-request", sender="PARIS", sender_card=PARIS.card.fingerprint, to="LOME",
        precedence="FLASH", created=NOW, dispatch_id=EARLIER,
        series=SeriesReference("LOME", "PARIS", 202600, 7),
    )  # fmt: skip
    said = make_service_message(message, partial(PARIS.sign, SERVICE_MESSAGE))
    given = make_post_receipt(receipt, partial(PARIS.sign, RECEIPT))
    receipts = _receipts()
    manifest = Manifest.parse(Forgery([PARIS.card]).manifest())
    slip = slip_for(manifest, envelope_sha256="ab" * 32, envelope_size=4096)
    head = sign_slip(slip, lambda statement: PARIS.signing_key.sign_ed25519(SLIP, statement)).head
    endorsed = Endorsement.of(PARIS.card, ROOT.verifying_key, NOW)
    vouched = make_endorsement(endorsed, partial(ROOT.sign, ENDORSEMENT))
    introduced = make_introduction(ROOT.verifying_key, PARIS.card, PARIS.sign)
    bundle = make_bundle(
        [Prekey(f"{number:016d}", HybridKey.generate().recipient) for number in range(3)],
        PARIS.card, created=NOW, expires=NOW + WEEK, sign=PARIS.sign,
    )  # fmt: skip
    (offer, *_) = read_prekeys(bundle, PARIS.card, NOW).offers()
    addendum = Addendum(
        manifest=manifest.hash, number=1, previous=None,
        sender=Sender("MINREX", MINREX.card.fingerprint),
        to=(addressee(LOME.card, 1),), created=NOW, reason="Pour attribution.",
    )  # fmt: skip
    destroyed = make_record(7, "Part n° 3", "PV 12/2026", NOW, (PARIS, LOME))
    witnesses = {each.card.fingerprint: each.card for each in (PARIS, LOME)}
    roots = [BatchRoot(bytes(32), 3, NOW, head).encode() for head in (None, NOTE)]
    return [
        of("keys.post_receipts:PostReceipt.parse", PostReceipt.parse, receipt.encode()),
        of("keys.post_receipts:parse_post_receipt", parse_post_receipt, given),
        of("keys.post_receipts:read_post_receipt",
           lambda data: read_post_receipt(data, PARIS.card), given),
        of("keys.service_messages:ServiceMessage.parse", ServiceMessage.parse, message.encode()),
        of("keys.service_messages:parse_service_message", parse_service_message, said),
        of("keys.service_messages:read_service_message",
           lambda data: read_service_message(data, PARIS.card), said),
        of("keys.receipts:BatchRoot.parse", BatchRoot.parse, *roots),
        of("keys.receipts:head_carried", head_carried, *receipts),
        of("keys.receipts:read_submitted_receipt",
           lambda data: read_submitted_receipt(data, service), *receipts),
        of("keys.slips:Slip.parse", Slip.parse, slip.encode()),
        of("keys.slips:read_head", read_head, head[4:]),
        of("keys.endorsement:Endorsement.parse", Endorsement.parse, endorsed.encode()),
        of("keys.endorsement:read_endorsement",
           lambda data: read_endorsement(data, PARIS.card, ROOT.verifying_key), vouched),
        of("keys.endorsement:read_introduction",
           lambda data: read_introduction(data, PARIS.card), introduced),
        of("keys.endorsement:read_root_file", read_root_file, root_file(ROOT.verifying_key)),
        of("keys.prekeys:read_bundle", lambda data: read_prekeys(data, PARIS.card, NOW), bundle),
        of("keys.prekeys:read_offer", lambda data: read_offer(data, PARIS.card, NOW), offer),
        of("keys.rerouting:Addendum.parse", Addendum.parse, addendum.encode()),
        of("keys.destruction:read_record", lambda data: read_record(data, witnesses), destroyed),
        of("keys.statements:decode_signed",
           lambda data: decode_signed(data, "receipt", ReceiptMalformed), given),
        of("keys.acts:Act.parse", Act.parse, act("policy.change", "OFF-000001").encoded),
        of("keys.custody.book:Book.parse", Book.parse, _book(), refusals=MALFORMED),
        of("keys.custody.prekeys:Stock.parse", Stock.parse,
           Stock((Lot(1, NOW, b"age"),), 1).encode(), refusals=MALFORMED),
        of("keys.custody.compartment:CustodyState.parse", CustodyState.parse,
           OFFICE.state().to_bytes(), refusals=MALFORMED),
        of("keys.custody.compartment:Splitting.parse", Splitting.parse,
           SPLITTING.to_bytes(), refusals=MALFORMED),
        of("keys.custody.splitting_record:read_splitting_record", read_splitting_record,
           _splitting_record()),
        of("keys.cards:read_card", read_card, card.to_bytes()),
    ]  # fmt: skip


def _successions() -> list[Parser]:
    """What the root says of the keys of receipts, and of the log's."""
    said = Succession(
        RECEIPTS_KEY, OFFICE.service_key(), OFFICE.certifying_key(),
        root_fingerprint(ROOT.verifying_key), NOW,
    )  # fmt: skip
    file = make_succession(said, partial(ROOT.sign, SUCCESSION))
    log = LogSuccession(
        OFFICE.log_keys(), LogKeys.generate().verifiers(), Checkpoint("log", 3, bytes(32)),
        root_fingerprint(ROOT.verifying_key), NOW,
    )  # fmt: skip
    log_file = make_log_succession(log, partial(ROOT.sign, LOG_SUCCESSION))
    return [
        of("keys.succession:Succession.parse", Succession.parse, said.encode()),
        of("keys.succession:read_succession",
           lambda data: read_succession(data, RECEIPTS_KEY, ROOT.verifying_key), file),
        of("keys.succession:files_of", files_of, b"[" + file + b"]"),
        of("keys.log.succession:LogSuccession.parse", LogSuccession.parse, log.encode()),
        of("keys.log.succession:read_log_succession",
           lambda data: read_log_succession(data, ROOT.verifying_key), log_file),
    ]  # fmt: skip


def _splitting_record() -> bytes:
    """Confirmed by one of its two holders."""
    names = SPLITTING.holders
    record = begin_record("MINREX", SPLITTING, [identity(name).card for name in names], "PV", NOW)
    share = Share("UNSEAL", bytes(16), names[0], 2, 2, SPLITTING.fingerprint, "")
    return confirm_record(record, identity(names[0]), share, NOW)


def _book() -> bytes:
    version = KeyVersion("bureau/MINREX", 1, "ab" * 32, TRAFFIC, NOW, NOW + WEEK)
    return Book((version.moved("active", at=NOW, reason="essai"),)).encode()


def _tokens() -> list[Parser]:
    """Keys of machines, their certificates, and security keys."""
    key = ApiKey.generate()
    jwk = key.public_jwk()
    client = certificates.ClientKey("PARIS", jwk["x"], jwk["y"], NOW, NOW + timedelta(days=7))
    day = TokenKey(ISSUER, jwk["x"], jwk["y"], NOW, NOW + timedelta(hours=30))
    authority = OFFICE.client_authority()
    certificate = OFFICE.certify_client_key(client.encode())
    certified = certify_token_key(day, OFFICE.certify_token_key)
    maker = Maker()
    security = SecurityKey(maker)
    created = security.create(CHALLENGE, PARTY)
    registered = passkeys.verify_registration(
        created, challenge=CHALLENGE, party=PARTY, policy=maker.policy()
    )
    return [
        of(
            "keys.canonical:decode_typed",
            canonical.decode_typed,
            PARIS.card.to_bytes(),
            refusals=(ValueError, RecursionError),
        ),
        of("keys.certificates:ClientKey.parse", certificates.ClientKey.parse, client.encode()),
        of("keys.certificates:read_client_certificate",
           lambda data: certificates.read_client_certificate(data, authority), certificate),
        of("keys.certificates:authorities_of", certificates.authorities_of,
           OFFICE.client_authorities()),
        of_text("keys.certificates:from_pem", certificates.from_pem,
                certificates.pem(certificate)),
        of("keys.token_keys:TokenKey.parse", TokenKey.parse, day.encode()),
        of("keys.token_keys:read_token_key",
           lambda data: read_token_key(data, OFFICE.certifying_key()), certified),
        of("keys.passkeys:verify_registration",
           lambda data: passkeys.verify_registration(
               data, challenge=CHALLENGE, party=PARTY, policy=maker.policy()), created),
        of("keys.passkeys:verify_assertion",
           lambda data: passkeys.verify_assertion(
               data, challenge=CHALLENGE, party=PARTY, passkey=registered),
           security.get(CHALLENGE, PARTY)),
        of("keys.software_key:SoftwareKey.from_bytes", SoftwareKey.from_bytes,
           SoftwareKey.generate().to_bytes(), refusals=MALFORMED),
    ]  # fmt: skip


def _custodian() -> list[Parser]:
    """What the service says to the custodian, and what holders and officers bring it."""
    held = HybridKey.generate()
    holders = [Holder("GARDE-A", held.recipient), Holder("GARDE-B", PARIS.card.recipient)]
    sealed = split(bytes(32), "UNSEAL", 2, holders).sealed
    backup = make_backup_key(2, holders).key
    ask = frames.encode_frame({"act": "sign_slip", "arguments": {"slip": b"{}", "warrant": b""}})
    asked = frames.encode_frame({"act": "log_head", "arguments": {}})
    record = canonical.encode({"type": "depeche/v1 audit", "outcome": "intended"})
    warrant = Warrant(bytes(32), record, bytes(32), commit(record, bytes(32))).encode()
    return [
        of("keys.custody.frames:receive_frame", _frame, ask, asked),
        of("keys.custody.acts:read_answer", _answer, cbor2.dumps({"result": {"bytes": b"x"}}),
           cbor2.dumps({"error": "CUSTODY_SEALED", "detail": "closed"}),
           refusals=(KeysError, cbor2.CBORError, ValueError)),
        of("keys.custody.grants:Grant.parse", Grant.parse, grant_of("OFF-000004").encoded),
        of("keys.custody.intents:Warrant.parse", Warrant.parse, warrant),
        of("keys.custody.roll:Roll.parse", Roll.parse, found_ministry(NOW).roll.encode(),
           refusals=MALFORMED),
        of("keys.custody.shares:open_share", lambda data: open_share(data, held), sealed[0]),
        of("keys.custody.shares:read_share", read_share, open_share(sealed[0], held).to_bytes()),
        of("keys.custody.backups:BackupKey.parse", BackupKey.parse, backup.to_bytes(),
           refusals=MALFORMED),
        of("keys.custody.parts:PartHead.parse", PartHead.parse,
           PartHead("a" * 64, 4711, "b" * 64).to_bytes(), refusals=MALFORMED),
        of("keys.custody.parts:Part.parse", Part.parse,
           Part(b"c" * 64, {"bureau.card": b"card", "shares-00/GARDE-A.share": b"x"}).to_bytes(),
           refusals=MALFORMED),
        of("keys.custody.place:SecondPlace.parse", SecondPlace.parse,
           SecondPlace(Path("/mnt/second/one"), bytes(32)).to_bytes(), refusals=MALFORMED),
        of("keys.custody.place:State.parse", lambda data: State.parse(data, bytes(32)),
           State(7, {"bureau.card": "a" * 64}).to_bytes(bytes(32)), refusals=MALFORMED),
    ]  # fmt: skip


def _frame(data: bytes) -> None:
    """A request as it comes over the custodian's socket, answered by the custodian itself."""
    one, other = socket.socketpair()
    with one, other:
        one.sendall(data[:65536])
        one.shutdown(socket.SHUT_WR)
        request = frames.receive_frame(other)
    if request is not None:
        perform(OFFICE, request)


def _answer(data: bytes) -> None:
    read_answer("log_head", cbor2.loads(data))


PARSERS: tuple[Parser, ...] = (
    *_envelopes(),
    *_statements(),
    *_successions(),
    *_tokens(),
    *_custodian(),
)
