"""Which authenticators an officer may use, and whether a credential's key is one that we verify.

A credential is taken only from a hardware key that the ministry issues: its model (AAGUID) is on a
list, and a certificate under a pinned root vouches for the model (WebAuthn Level 3 §8.2 "packed",
never self attestation). Roots and list come from the ministry, offline; an empty list of either
would mean "anything", so it is not possible.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import cbor2
from cryptography import x509
from cryptography.x509.oid import NameOID

from keys.cose import decode_cbor
from keys.errors import Refusal

# COSE algorithm identifiers, the most wanted first: a browser takes the first that its key can do.
ML_DSA_65: Final = -49
ML_DSA_87: Final = -50
ML_DSA_44: Final = -48
EDDSA: Final = -8
ES256: Final = -7
ALGORITHMS: Final = (ML_DSA_65, ML_DSA_87, ML_DSA_44, EDDSA, ES256)

# The members that are constants, and the byte strings with their lengths (RFC 9053 §7; for ML-DSA
# the key type AKP of the COSE registry).
_SHAPES: Final[dict[int, tuple[dict[int, int], dict[int, int]]]] = {
    ES256: ({1: 2, 3: ES256, -1: 1}, {-2: 32, -3: 32}),
    EDDSA: ({1: 1, 3: EDDSA, -1: 6}, {-2: 32}),
    ML_DSA_44: ({1: 7, 3: ML_DSA_44}, {-1: 1312}),
    ML_DSA_65: ({1: 7, 3: ML_DSA_65}, {-1: 1952}),
    ML_DSA_87: ({1: 7, 3: ML_DSA_87}, {-1: 2592}),
}
_MODEL: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# id-fido-gen-ce-aaguid (WebAuthn Level 3 §8.2.1)
_MODEL_EXTENSION: Final = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")
_OCTETS_16: Final = b"\x04\x10"
_UNIT: Final = "Authenticator Attestation"


class PasskeyModelRefused(Refusal):
    """The security key is of a model that the ministry does not issue, or copies itself."""

    code = "PASSKEY_MODEL_REFUSED"


@dataclass(frozen=True)
class AuthenticatorPolicy:
    """The models of security key that the ministry issues.

    Attributes:
        roots: certificates of their makers, PEM, one each; at least one.
        models: AAGUIDs as lower-case UUIDs; at least one.
    """

    roots: tuple[bytes, ...]
    models: frozenset[str]

    def __post_init__(self) -> None:
        """Refuses what would admit everything.

        Raises:
            ValueError: no root, no model, or one that is malformed.
        """
        if not self.roots or not self.models:
            raise ValueError("a policy names at least one root and one model")
        for root in self.roots:
            x509.load_pem_x509_certificate(root)
        if not all(_MODEL.fullmatch(model) for model in self.models):
            raise ValueError("a model is an AAGUID, written as a lower-case UUID")

    def require_model(self, model: str, certificate: bytes) -> None:
        """Demands a listed model, and an attestation certificate that names this very model.

        That the certificate stands under a root is checked where its chain is.

        Args:
            model: AAGUID of the authenticator data, as a UUID.
            certificate: the attestation certificate, DER.

        Raises:
            PasskeyModelRefused: another model, or a certificate for other uses
                (WebAuthn Level 3 §8.2.1).
            ValueError: the certificate or its extension is malformed.
        """
        if model not in self.models:
            raise PasskeyModelRefused(f"the model {model} is not issued by the ministry")
        found = x509.load_der_x509_certificate(certificate)
        units = found.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
        if found.version is not x509.Version.v3 or [unit.value for unit in units] != [_UNIT]:
            raise PasskeyModelRefused("the certificate is not one for attestation")
        try:
            basic = found.extensions.get_extension_for_class(x509.BasicConstraints).value
            extension = found.extensions.get_extension_for_oid(_MODEL_EXTENSION).value
        except x509.ExtensionNotFound:
            raise PasskeyModelRefused("the certificate does not say for which model") from None
        octets = _OCTETS_16 + bytes.fromhex(model.replace("-", ""))
        if basic.ca or extension != x509.UnrecognizedExtension(_MODEL_EXTENSION, octets):
            raise PasskeyModelRefused("the certificate is for another model")


def algorithm_of(public_key: bytes) -> int:
    """Gives the algorithm of a COSE public key that has exactly the one shape of its kind.

    Returns:
        One of `ALGORITHMS`.

    Raises:
        ValueError: another algorithm, curve, length or member, or not canonical CBOR.
    """
    value = decode_cbor(public_key)
    if not isinstance(value, dict) or value.get(3) not in _SHAPES:
        raise ValueError("not a public key of an accepted algorithm")
    algorithm: int = value[3]
    constants, strings = _SHAPES[algorithm]
    expected: dict[int, int | bytes] = dict(constants)
    for member, length in strings.items():
        octets = value.get(member)
        if not isinstance(octets, bytes) or len(octets) != length:
            raise ValueError("a public key has another length than its algorithm's")
        expected[member] = octets
    if cbor2.dumps(expected, canonical=True) != public_key:
        raise ValueError("a public key has other members than its algorithm's")
    return algorithm
