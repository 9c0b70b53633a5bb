"""The bytes of a manifest, its salted digest, and the proof of one line without the others.

A bag's seal carries the *digest*: SHA-256 of a canonical object that names the hash of everything
but the lines (`head`), and the root of a Merkle tree over the lines (`items`). The head and each
line hold a random salt of 32 bytes, so that nobody confirms a guess; and a line's proof shows that
line by its path in the tree while the rest stays hidden.

    data = encode(manifest)
    manifest = decode(data)
    proof = prove_line(manifest, 3)
    item = read_line(proof, digest(manifest))
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.merkle import ProofInvalid, inclusion_path, leaf_hash, root, verify_inclusion
from keys.records import FINGERPRINT, Record
from pouch.errors import BordereauMalformed
from pouch.members import item_object, manifest_object, read_item, read_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pouch.manifest import Item, Manifest

DIGEST: Final = "valise/v1 digest"
LINE_PROOF: Final = "valise/v1 line-proof"
MANIFEST_BYTES_MAX: Final = 512 * 1024

_PATH_MAX: Final = 9


def encode(manifest: Manifest) -> bytes:
    """Gives the canonical bytes of a manifest, after reading them back.

    Raises:
        BordereauMalformed: it says what no bag can be, by the first member that does.
    """
    try:
        data = canonical.encode(manifest_object(manifest))
    except ValueError as error:
        raise BordereauMalformed(str(error)) from error
    decode(data)
    return data


def decode(data: bytes) -> Manifest:
    """Reads what `encode` gives.

    Raises:
        BordereauMalformed: not canonical JSON, or not of the one shape.
    """
    if len(data) > MANIFEST_BYTES_MAX:
        raise BordereauMalformed(f"a manifest has at most {MANIFEST_BYTES_MAX} bytes")
    try:
        return read_manifest(Record(canonical.decode(data), "manifest"))
    except ValueError as error:
        raise BordereauMalformed(str(error)) from error


def digest(manifest: Manifest) -> bytes:
    """Gives the 32 bytes that a seal carries.

    Raises:
        BordereauMalformed: as `encode`.
    """
    head, leaves = commit(manifest)
    return digest_of(head, leaves)


def commit(manifest: Manifest) -> tuple[bytes, list[bytes]]:
    """Gives the hash of the head and those of the lines, salted so that they show nothing.

    Raises:
        BordereauMalformed: as `encode`.
    """
    head: dict[str, Any] = canonical.decode(encode(manifest))
    items = head.pop("items")
    return sha256(canonical.encode(head)).digest(), [_leaf(item) for item in items]


def commit_line(item: Item) -> bytes:
    """Gives the salted hash of one line, 32 bytes: `commit` gives the same for it."""
    return _leaf(item_object(item))


def digest_of(head: bytes, leaves: Sequence[bytes]) -> bytes:
    """Gives the digest of a manifest from its commitments: for those who may not read its lines.

    Args:
        head: hash of everything but the lines, 32 bytes.
        leaves: hashes of the lines in their order, 32 bytes each.
    """
    return _digest(head, root(leaves), len(leaves))


def prove_line(manifest: Manifest, line: int) -> bytes:
    """Gives the proof of one line: canonical JSON that shows it and hides the others.

    Args:
        manifest: the whole bordereau.
        line: number of the line, from 1.

    Raises:
        BordereauMalformed: as `encode`.
        IndexError: there is no such line.
    """
    head, leaves = commit(manifest)
    path = inclusion_path(line - 1, leaves)
    return canonical.encode(
        {
            "v": 1,
            "type": LINE_PROOF,
            "item": item_object(manifest.items[line - 1]),
            "count": len(leaves),
            "path": [node.hex() for node in path],
            "items": root(leaves).hex(),
            "head": head.hex(),
        }
    )


def read_line(proof: bytes, expected: bytes) -> Item:
    """Reads one line and checks that it stands in the manifest of a digest.

    Args:
        proof: what `prove_line` gives.
        expected: the digest from a verified seal, 32 bytes.

    Raises:
        ProofInvalid: another shape, or that manifest has not this line at its number.
    """
    try:
        record = Record(canonical.decode(proof), "line-proof")
        record.constant("v", 1)
        record.constant("type", LINE_PROOF)
        item = read_item(record.record("item"))
        count = record.integer("count", least=1)
        path = [bytes.fromhex(node) for node in record.texts("path", FINGERPRINT, most=_PATH_MAX)]
        tree = bytes.fromhex(record.text("items", FINGERPRINT))
        head = bytes.fromhex(record.text("head", FINGERPRINT))
        record.close()
    except ValueError as error:
        raise ProofInvalid(str(error)) from error
    if _digest(head, tree, count) != expected:
        raise ProofInvalid("the line is of another manifest than the sealed one")
    verify_inclusion(_leaf(item_object(item)), item.line - 1, count, path, tree)
    return item


def _leaf(item: dict[str, Any]) -> bytes:
    return leaf_hash(canonical.encode(item))


def _digest(head: bytes, tree: bytes, count: int) -> bytes:
    return sha256(
        canonical.encode(
            {"v": 1, "type": DIGEST, "head": head.hex(), "items": tree.hex(), "count": count}
        )
    ).digest()
