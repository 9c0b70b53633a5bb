"""The sealed manifest: a bordereau, the seal of its bag, and the full signatures of its sealers.

The label has room for one Ed25519 signature. The file that travels ahead (enciphered) and lies
inside the bag has both signatures, Ed25519 and ML-DSA-65, of each sealer over the same claims: the
bag is authentic even against whoever breaks the first, and a second person answers for it.

    sealed = seal_manifest(manifest, sealer=identity, witness=second_identity)
    sealed = read_sealed(sealed.to_bytes())
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from keys import canonical
from keys.devices import SEAL
from keys.records import FINGERPRINT, Record
from keys.statements import object_of_signatures, read_signatures
from pouch.errors import SealedMalformed, WitnessIsSealer
from pouch.members import manifest_object, read_manifest
from pouch.seal import Seal, claims_of, kid_of, make_seal, read_seal

if TYPE_CHECKING:
    from keys.cards import Card
    from keys.signing import Signatures
    from pouch.manifest import Manifest

SEALED: Final = "valise/v1 sealed-manifest"
SEALED_BYTES_MAX: Final = 1024 * 1024


class Sealer(Protocol):
    """Who can sign: an `Identity`, or a custodian on behalf of an officer."""

    @property
    def card(self) -> Card:
        """The card of the keys."""
        ...

    def sign_cose(self, structure: bytes) -> bytes:
        """The Ed25519 signature over a COSE `Sig_structure`."""
        ...

    def sign(self, context: str, message: bytes) -> Signatures:
        """Both signatures over `message` in `context`."""
        ...


@dataclass(frozen=True, slots=True)
class Signed:
    """One person's full signature: of a seal's claims (`valise/v1 seal`), or of a rectification."""

    fingerprint: str
    signatures: Signatures


@dataclass(frozen=True, slots=True)
class SealedManifest:
    """A manifest with its seal; reading it verified nothing (`pouch.verdict` does).

    Attributes:
        manifest: the bordereau.
        seal: what the label carries.
        sealer: the first person's full signature.
        witness: the second person's; None when one person closed the bag alone.
    """

    manifest: Manifest
    seal: Seal
    sealer: Signed
    witness: Signed | None

    def to_bytes(self) -> bytes:
        """The file: canonical JSON, no final newline."""
        return canonical.encode(
            {
                "v": 1,
                "type": SEALED,
                "manifest": manifest_object(self.manifest),
                "seal": self.seal.text,
                **sealers_object(self.sealer, self.witness),
            }
        )


def seal_manifest(
    manifest: Manifest, *, sealer: Sealer, witness: Sealer | None = None
) -> SealedManifest:
    """Seals a bag's manifest.

    Args:
        manifest: whose origin is the sealer's post.
        sealer: the first person.
        witness: the second; with another card.

    Raises:
        BordereauMalformed: the manifest says what no bag can be.
        OriginNotYours: the origin is another post than the sealer's.
        WitnessIsSealer: both would sign with one card.
    """
    require_two_cards(sealer, witness)
    claims = claims_of(manifest, None if witness is None else kid_of(witness.card))
    seal = make_seal(claims, card=sealer.card, sign=sealer.sign_cose)
    return SealedManifest(
        manifest,
        seal,
        _signed(sealer, seal),
        None if witness is None else _signed(witness, seal),
    )


def read_sealed(data: bytes) -> SealedManifest:
    """Reads what `SealedManifest.to_bytes` gives; one final newline is forgiven.

    Raises:
        SealedMalformed: not canonical JSON, or not of the one shape.
        SealDamaged: the seal in it is no seal.
    """
    if len(data) > SEALED_BYTES_MAX:
        raise SealedMalformed(f"a sealed manifest has at most {SEALED_BYTES_MAX} bytes")
    try:
        record = Record(canonical.decode(data.removesuffix(b"\n")), "sealed")
        record.constant("v", 1)
        record.constant("type", SEALED)
        manifest = read_manifest(record.record("manifest"))
        text = record.any_text("seal")
        sealer, witness = read_sealers(record)
        record.close()
    except ValueError as error:
        raise SealedMalformed(str(error)) from error
    seal = read_seal(text)
    if seal.text != text:
        raise SealedMalformed("the seal is not written in digits")
    return SealedManifest(manifest, seal, sealer, witness)


def _signed(sealer: Sealer, seal: Seal) -> Signed:
    return Signed(sealer.card.fingerprint, sealer.sign(SEAL, seal.message.payload))


def require_two_cards(sealer: Sealer, witness: Sealer | None) -> None:
    """Demands that a second person brings another card. Raises WitnessIsSealer."""
    if witness is not None and witness.card.fingerprint == sealer.card.fingerprint:
        raise WitnessIsSealer("the second signature needs another card")


def sealers_object(sealer: Signed, witness: Signed | None) -> dict[str, Any]:
    """Gives the members that say who signed, as JSON."""
    return {
        "sealer": _signed_object(sealer),
        "witness": None if witness is None else _signed_object(witness),
    }


def read_sealers(record: Record) -> tuple[Signed, Signed | None]:
    """Reads what `sealers_object` gives; ValueError names what is wrong."""
    sealer, witness = record.record("sealer"), record.optional_record("witness")
    return _read_signed(sealer), None if witness is None else _read_signed(witness)


def _signed_object(signed: Signed) -> dict[str, Any]:
    return {
        "fingerprint": signed.fingerprint,
        "signatures": object_of_signatures(signed.signatures),
    }


def _read_signed(record: Record) -> Signed:
    signed = Signed(
        fingerprint=record.text("fingerprint", FINGERPRINT),
        signatures=read_signatures(record.record("signatures")),
    )
    record.close()
    return signed
