"""The head of a dispatch: checks 1 to 11 of deciphering, which read no further than its signatures.

`keys.opening` lists all the checks in their order and makes the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Protocol

from keys.age.header import Header
from keys.age.stream import OpeningStream
from keys.errors import PackageMalformed, SignatureInvalid, SignatureMissing, UnknownSender
from keys.manifest import MANIFEST_BYTES_MAX, Manifest
from keys.package import (
    ED25519_NAME,
    MANIFEST_NAME,
    MLDSA65_NAME,
    MLDSA87_NAME,
    check_label,
    check_stanzas,
)
from keys.rerouting import by_origin, check_addressees, check_intended, verify_rerouting
from keys.signing import (
    ED25519_SIGNATURE_BYTES,
    MANIFEST,
    MLDSA65_SIGNATURE_BYTES,
    MLDSA87_SIGNATURE_BYTES,
    Signatures,
)
from keys.suites import S2
from keys.unpacking import Package, Payload

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from keys.age.stream import ByteSource
    from keys.cards import Card
    from keys.rerouting import Rerouting
    from keys.s2.complements import Complement


class FileKeyOpener(Protocol):
    """Who opens stanzas: an identity, or a custodian that holds its keys elsewhere."""

    @property
    def fingerprints(self) -> frozenset[str]:
        """Of every card whose key may open; the manifest must name one."""
        ...

    def open_file_key(self, header: Header, peek: Callable[[int], bytes]) -> bytes:
        """Gives the 16-byte file key of a header, having verified the header's MAC.

        Args:
            header: parsed, its stanza types already judged.
            peek: gives up to n bytes from the beginning of the payload (nonce included) without
                consuming them, so that a custodian can open the manifest itself
                (`examine`); fewer only when the file has no more.

        Raises:
            NotAddressed: no stanza is for this key.
            KeyRetired: one is, but the key may no longer be used.
            HeaderTampered: the MAC does not hold.
        """
        ...


@dataclass(frozen=True)
class Head:
    """A dispatch whose checks 1 to 11 hold, its parts still to be read.

    Attributes:
        header: as parsed.
        file_key: 16 bytes.
        manifest: as signed.
        signatures: both, verified.
        sender: the card that verified them.
        reroutings: verified too.
        package: stands at SHA256SUMS.
    """

    header: Header
    file_key: bytes
    manifest: Manifest
    signatures: Signatures
    sender: Card
    reroutings: tuple[Rerouting, ...]
    package: Package


def open_head(
    source: BinaryIO,
    *,
    opener: FileKeyOpener,
    find_sender: Callable[[str], Card | None],
    may_reroute: Callable[[Card, Manifest], bool] = by_origin,
    find_complement: Callable[[str], Complement | None] = lambda _fingerprint: None,
) -> Head:
    """Makes checks 1 to 11 and reads no further than the manifest's signatures.

    The arguments and what is raised are those of `decipher`.
    """
    # 1.
    header = Header.parse(source)
    # 2.
    check_stanzas(header)
    # 3.
    payload = Payload(source)
    file_key = opener.open_file_key(header, payload.peek)
    header.verify(file_key)
    # 4. to 6.
    package = Package(OpeningStream(file_key, payload))
    manifest = _read_manifest(package)
    check_label(header, manifest)
    # 7. to 9.
    sender = _trusted_sender(manifest, find_sender)
    third = _complement_of(sender, find_complement) if manifest.suite == S2 else None
    signatures = _read_signatures(package, manifest.suite)
    sender.verifying_key.verify(MANIFEST, manifest.encode(), signatures)
    if third is not None:
        third.verify(MANIFEST, manifest.encode(), signatures.mldsa87)
    sender.require_in_force(manifest.heading.created)
    # 10. and 11.
    check_intended(header, manifest, opener.fingerprints)
    reroutings = check_addressees(header, manifest)
    for each in reroutings:
        verify_rerouting(each, manifest, find_sender, may_reroute)
    return Head(header, file_key, manifest, signatures, sender, reroutings, package)


def examine(
    header: Header, file_key: bytes, payload: ByteSource, fingerprints: Collection[str]
) -> Manifest:
    """What a custodian verifies before it lets a file key go: checks 2 to 6, 10 and 11.

    Signatures, those of addenda too, are left to `decipher`, since a custodian need not know every
    sender.

    Args:
        header: parsed.
        file_key: unwrapped, 16 bytes.
        payload: from the nonce on, at least until one byte after the chunk in which the manifest
            ends; it may be cut there.
        fingerprints: of the cards of the key that unwrapped it.

    Returns:
        The manifest, from whose label and addressees the custodian may judge.

    Raises:
        Refusal: the subclass of the first check that fails.
    """
    check_stanzas(header)
    header.verify(file_key)
    manifest = _read_manifest(Package(OpeningStream(file_key, payload)))
    check_label(header, manifest)
    check_intended(header, manifest, fingerprints)
    check_addressees(header, manifest)
    return manifest


def _read_manifest(package: Package) -> Manifest:
    name, size = package.next_entry()
    if name != MANIFEST_NAME or size > MANIFEST_BYTES_MAX:
        raise PackageMalformed("the first entry is not a manifest of at most 256 KiB")
    return Manifest.parse(package.body(size))


def _trusted_sender(manifest: Manifest, find_sender: Callable[[str], Card | None]) -> Card:
    named = manifest.sender
    card = find_sender(named.fingerprint)
    if card is None or (card.fingerprint, card.post) != (named.fingerprint, named.post):
        raise UnknownSender(f"no trusted card of {named.post} is {named.fingerprint}")
    return card


def _complement_of(sender: Card, find: Callable[[str], Complement | None]) -> Complement:
    complement = find(sender.fingerprint)
    if complement is None or complement.card != sender.fingerprint:
        raise UnknownSender(f"the keys of suite S2 of {sender.post} are not here")
    return complement


def _read_signatures(package: Package, suite: str) -> Signatures:
    both = Signatures(
        ed25519=_read_signature(package, ED25519_NAME, ED25519_SIGNATURE_BYTES),
        mldsa65=_read_signature(package, MLDSA65_NAME, MLDSA65_SIGNATURE_BYTES),
    )
    if suite != S2:
        return both
    third = _read_signature(package, MLDSA87_NAME, MLDSA87_SIGNATURE_BYTES)
    return replace(both, mldsa87=third)


def _read_signature(package: Package, expected: str, length: int) -> bytes:
    name, size = package.next_entry()
    if name != expected:
        raise SignatureMissing(f"{expected} is missing; every signature is required")
    if size != length:
        raise SignatureInvalid(f"{expected} has {size} bytes, not {length}")
    return package.body(size)
