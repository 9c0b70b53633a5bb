"""The ministry's receipt: an envelope is durably held, under which register number.

Receipts of one commit are the leaves of a Merkle tree (RFC 6962) whose root both signatures cover,
so a commit costs one ML-DSA signature however many dispatches it holds; each receipt carries its
own path and stands alone. What an addressee says of an envelope is in `keys.post_receipts`.

    files = seal_batch(statements, time=now, sign=custodian.sign_receipts)
    statement = read_submitted_receipt(files[0], service_key)
    statement.require_for(slip)
    head = head_carried(files[0])     # of the log, as the ministry had it signed before
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from keys import canonical
from keys.errors import Refusal
from keys.merkle import HASH_SIZE, leaf_hash, rooted_paths, verify_inclusion
from keys.records import FINGERPRINT, POST, ULID, Record
from keys.signing import RECEIPT, RECEIPTS, Signatures, VerifyingKey
from keys.statements import (
    STATEMENT_BYTES_MAX,
    encode_statement,
    object_of_signatures,
    parse_statement,
    read_signatures,
)
from keys.succession import KeyLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from keys.slips import Slip

SUBMITTED: Final = "submitted"

# Printable text and line feeds, as in a manifest: a signed note (C2SP tlog-checkpoint).
CHECKPOINT: Final = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f]{1,4096}")

_POSTS_MAX: Final = 600
_PATH_MAX: Final = 64
_JOINT: Final = b'},"statement":'
_REGISTER: Final = re.compile(r"[0-9]{4}/[0-9]{6,9}")

# Every text of this statement is of letters that JSON never escapes, so that it has one spelling.
_WRITTEN: Final = (
    '{"addressees":[%(addressees)s],"dispatch_id":"%(dispatch_id)s",'
    '"envelope":{"sha256":"%(sha256)s","size":%(size)s},"kind":"submitted",'
    '"origin":"%(origin)s","received_at":"%(received_at)s","register":"%(register)s",'
    '"service":"%(service)s","type":"depeche/v1 receipt","v":1}'
)
_SUBMITTED: Final = re.compile(
    # The braces and brackets of the one shape as they stand, each value as its pattern says.
    re.sub(r"([{}\[\]])", r"\\\1", _WRITTEN)
    % {
        "addressees": '[",A-Z0-9-]*',  # each is looked at alone
        "dispatch_id": ULID.pattern,
        "sha256": FINGERPRINT.pattern,
        "size": "[1-9][0-9]{0,15}",
        "origin": POST.pattern,
        "received_at": canonical.TIME.pattern,
        "register": _REGISTER.pattern,
        "service": FINGERPRINT.pattern,
    }
)


class ReceiptMalformed(Refusal):
    """A receipt, the ministry's or a post's, is not canonical JSON of its one shape."""

    code: ClassVar[str] = "RECEIPT_MALFORMED"


class ReceiptNotOfKey(Refusal):
    """A receipt names another service key or another card than the one it is checked against."""

    code: ClassVar[str] = "RECEIPT_NOT_OF_KEY"


class ReceiptOfAnother(Refusal):
    """A sound receipt, but of another dispatch or another envelope."""

    code: ClassVar[str] = "RECEIPT_OF_ANOTHER"


@dataclass(frozen=True, slots=True)
class Submitted:
    """The ministry's statement that it holds an envelope durably.

    Attributes:
        dispatch_id: ULID.
        origin: code of the post that submitted it.
        register: the ministry's own number, `2026/000123`; gap-free per year.
        received_at: UTC, whole seconds.
        envelope_sha256: of the whole age file, 64 hexadecimal digits.
        envelope_size: of the whole age file, in bytes.
        addressees: codes of the posts to which it will be carried, in the order of the slip.
        service: fingerprint of the key that signs receipts (`key_fingerprint`).
    """

    dispatch_id: str
    origin: str
    register: str
    received_at: datetime
    envelope_sha256: str
    envelope_size: int
    addressees: tuple[str, ...]
    service: str

    def encode(self) -> bytes:
        """Gives the canonical bytes that are a leaf of the batch.

        Raises:
            ReceiptMalformed: a field is not as it must be.
        """
        try:
            data = _WRITTEN % {
                "addressees": ",".join(map('"%s"'.__mod__, self.addressees)),
                "dispatch_id": self.dispatch_id,
                "sha256": self.envelope_sha256,
                "size": self.envelope_size,
                "origin": self.origin,
                "received_at": canonical.text_from_time(self.received_at),
                "register": self.register,
                "service": self.service,
            }
        except ValueError as error:
            raise ReceiptMalformed(str(error)) from error
        # What these let pass, and nothing else, is what `_read_submitted` reads.
        posts = self.addressees
        if not (
            _SUBMITTED.fullmatch(data)
            and type(self.envelope_size) is int
            and self.envelope_size <= canonical.INTEGER_MAX
            and all(map(POST.fullmatch, posts))
            and len(set(posts)) == len(posts) <= _POSTS_MAX
        ):
            raise ReceiptMalformed("a member of the statement is not as it must be")
        return data.encode()

    def require_for(self, slip: Slip) -> None:
        """Demands that this is the receipt of what `slip` announced.

        Raises:
            ReceiptOfAnother: dispatch, origin, envelope or addressees differ.
        """
        announced = (
            slip.dispatch_id,
            slip.origin,
            slip.envelope_sha256,
            slip.envelope_size,
            tuple(entry.post for entry in slip.addressees),
        )
        stated = (
            self.dispatch_id,
            self.origin,
            self.envelope_sha256,
            self.envelope_size,
            self.addressees,
        )
        if announced != stated:
            raise ReceiptOfAnother(f"the receipt is of {self.dispatch_id} or of another envelope")


@dataclass(frozen=True, slots=True)
class BatchRoot:
    """What both signatures of the service key cover: the tree over one commit's statements.

    Attributes:
        root: RFC 6962 root, 32 bytes.
        size: number of leaves, at least 1.
        time: UTC, whole seconds.
        checkpoint: the log's last signed head (a signed note); None before there is one, and in
            receipts given before they carried it.
    """

    root: bytes
    size: int
    time: datetime
    checkpoint: str | None = None

    def encode(self) -> bytes:
        """Gives the canonical bytes that are signed in context `depeche/v1 receipts`.

        Raises:
            ReceiptMalformed: a field is not as it must be.
        """
        return encode_statement(self, _root_object, _read_root, ReceiptMalformed)

    @classmethod
    def parse(cls, data: bytes) -> BatchRoot:
        """Reads what `encode` gives; ReceiptMalformed for anything else."""
        return parse_statement(data, _read_root, ReceiptMalformed)


@dataclass(frozen=True, slots=True)
class SealedBatch:
    """The receipts of one commit, with what they all share kept once.

    Attributes:
        shared: the root and its signatures, some 4.7 kB.
        own: of each receipt, all the rest; `whole_receipt` puts both together.
    """

    shared: bytes
    own: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class UnsignedBatch:
    """The receipts of one commit, before the root over them is signed.

    Attributes:
        root_statement: what a custodian's `sign_receipts` signs.
        own: as in `SealedBatch`.
    """

    root_statement: bytes
    own: tuple[bytes, ...]

    def sealed(self, signatures: Signatures) -> SealedBatch:
        """Gives the receipts, once both signatures over the root are there."""
        shared = canonical.encode(object_of_signatures(signatures))
        return SealedBatch(
            shared=b'"root":%b,"signatures":%b' % (self.root_statement, shared), own=self.own
        )


def batch_together(
    statements: Sequence[Submitted], *, time: datetime, checkpoint: str | None = None
) -> UnsignedBatch:
    """Makes the receipts of one commit, all but the signatures that they share.

    Args:
        statements: at least one, in any order; their receipts come back in the same.
        time: UTC, whole seconds.
        checkpoint: the log's last signed head.

    Raises:
        ReceiptMalformed: a statement is not as it must be.
    """
    leaves = [statement.encode() for statement in statements]
    top, paths = rooted_paths([leaf_hash(leaf) for leaf in leaves])
    # Each node stands in many paths: it is spelled once.
    spelled = {node: b64encode(node) for node in {node for path in paths for node in path}}
    return UnsignedBatch(
        BatchRoot(root=top, size=len(leaves), time=time, checkpoint=checkpoint).encode(),
        tuple(
            b'{"proof":{"index":%d,"path":[%b]%b%b}'
            % (index, b",".join([b'"%b"' % spelled[node] for node in path]), _JOINT, leaf)
            for index, (path, leaf) in enumerate(zip(paths, leaves, strict=True))
        ),
    )


def whole_receipt(own: bytes, shared: bytes) -> bytes:
    """Gives the receipt of what `UnsignedBatch.sealed` made of it.

    It is put together from canonical pieces; a reader's canonical decoding refuses a member out of
    its place, and so whatever this makes of anything else.
    """
    # A path holds base64 alone, so the first joint is the right one.
    proof, joint, statement = own.partition(_JOINT)
    return b"".join((proof, b",", shared, joint, statement))


def seal_batch(
    statements: Sequence[Submitted],
    *,
    time: datetime,
    sign: Callable[[bytes], Signatures],
    checkpoint: str | None = None,
) -> list[bytes]:
    """Makes whole receipts with one call of `sign`.

    Args:
        statements: of one commit; `sign` is not called for none.
        time: UTC, whole seconds.
        sign: both signatures in context `depeche/v1 receipts` by the service key; a custodian's
            `sign_receipts` fits.
        checkpoint: the log's last signed head.

    Raises:
        ReceiptMalformed: a statement is not as it must be.
    """
    if not statements:
        return []
    batch = batch_together(statements, time=time, checkpoint=checkpoint)
    sealed = batch.sealed(sign(batch.root_statement))
    return [whole_receipt(own, sealed.shared) for own in sealed.own]


def read_submitted_receipt(data: bytes, keys: KeyLine | VerifyingKey) -> Submitted:
    """Reads the ministry's receipt and checks it whole.

    The order: 1. canonical JSON of the one shape; 2. the statement names a key of the line, which
    served when the root was signed; 3. both signatures over the root statement; 4. the path leads
    from the statement to that root. Whether it is the receipt of the dispatch at hand is for
    `Submitted.require_for`.

    Args:
        data: the receipt.
        keys: the service's keys as they followed each other, or the one that always served.

    Raises:
        ReceiptMalformed: 1 fails.
        ReceiptNotOfKey: 2 fails.
        SignatureInvalid: 3 fails.
        ProofInvalid: 4 fails.
    """
    # 1.
    if len(data) > STATEMENT_BYTES_MAX:
        raise ReceiptMalformed(f"a receipt has at most {STATEMENT_BYTES_MAX} bytes")
    try:
        record = Record(canonical.decode(data), "receipt")
        statement = _read_submitted(record.record("statement"))
        proof = record.record("proof")
        record.close()
        index = proof.integer("index")
        path = [_read_sibling(item) for item in proof.items("path", most=_PATH_MAX)]
        batch = _read_root(proof.record("root"))
        signatures = read_signatures(proof.record("signatures"))
        proof.close()
    except ValueError as error:
        raise ReceiptMalformed(str(error)) from error
    # 2.
    line = KeyLine(keys) if isinstance(keys, VerifyingKey) else keys
    found = line.find(statement.service)
    if found is None:
        raise ReceiptNotOfKey("the receipt names another service key")
    service_key, until = found
    if until is not None and batch.time > until:
        raise ReceiptNotOfKey("the receipt is of after its key's end")
    # 3.
    service_key.verify(RECEIPTS, batch.encode(), signatures)
    # 4.
    verify_inclusion(leaf_hash(statement.encode()), index, batch.size, path, batch.root)
    return statement


def head_carried(data: bytes) -> str | None:
    """Gives the head of the log in a receipt that `read_submitted_receipt` has accepted.

    Both signatures of the service key cover it; whether it is one of the log that the reader knows
    is for the reader's own log (`LOG.md`). None in a receipt that carries none.

    Raises:
        ReceiptMalformed: this is no receipt.
    """
    try:
        root = Record(canonical.decode(data), "receipt").record("proof").record("root")
        return _read_root(root).checkpoint
    except ValueError as error:
        raise ReceiptMalformed(str(error)) from error


def _read_submitted(record: Record) -> Submitted:
    record.constant("v", 1)
    record.constant("type", RECEIPT)
    record.constant("kind", SUBMITTED)
    envelope = record.record("envelope")
    statement = Submitted(
        dispatch_id=record.text("dispatch_id", ULID),
        origin=record.text("origin", POST),
        register=record.text("register", _REGISTER),
        received_at=record.time("received_at"),
        envelope_sha256=envelope.text("sha256", FINGERPRINT),
        envelope_size=envelope.integer("size", least=1),
        addressees=record.texts("addressees", POST, most=_POSTS_MAX),
        service=record.text("service", FINGERPRINT),
    )
    envelope.close()
    record.close()
    return statement


def _root_object(batch: BatchRoot) -> dict[str, Any]:
    carried = {} if batch.checkpoint is None else {"checkpoint": batch.checkpoint}
    return {
        **carried,
        "v": 1,
        "type": RECEIPTS,
        "root": batch.root.hex(),
        "size": batch.size,
        "time": canonical.text_from_time(batch.time),
    }


def _read_root(record: Record) -> BatchRoot:
    record.constant("v", 1)
    record.constant("type", RECEIPTS)
    batch = BatchRoot(
        root=bytes.fromhex(record.text("root", FINGERPRINT)),
        size=record.integer("size", least=1),
        time=record.time("time"),
        checkpoint=record.text("checkpoint", CHECKPOINT) if record.has("checkpoint") else None,
    )
    record.close()
    return batch


def _read_sibling(item: object) -> bytes:
    if not isinstance(item, str):
        raise ValueError("receipt.proof.path is not as it must be")
    sibling = canonical.bytes_from_text(item)
    if len(sibling) != HASH_SIZE:
        raise ValueError("receipt.proof.path is not as it must be")
    return sibling
