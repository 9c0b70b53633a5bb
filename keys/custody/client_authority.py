"""The authority of the posts' certificates: a key of the service, which certifies nothing else.

It comes from its seed in the service compartment by HKDF-SHA256 (RFC 5869); in stores founded
before that seed stood by itself, from the seed of the certifying key (`keys.custody.service_keys`).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.certificates import (
    LIFE_MAX,
    ClientKey,
    ClientKeyMalformed,
    make_authority,
    make_client_certificate,
)

if TYPE_CHECKING:
    from datetime import datetime

_INFO: Final = b"depeche/v1 client-authority"
_BYTES: Final = (
    56  # 64 bits more than the order has, so that the remainder is even (FIPS 186-5 A.2.1)
)
_ORDER: Final = int(
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    16,
)
_AHEAD: Final = timedelta(minutes=5)


class ClientAuthority:
    """Makes posts' certificates.

    Attributes:
        seed: of the compartment, 32 bytes.
        certificate: of the authority, DER.
        public: its key, DER of SubjectPublicKeyInfo (RFC 5280 §4.1).

    Args:
        seed: as above.
        bureau: post code of the bureau, for the authority's name.
    """

    def __init__(self, seed: bytes, bureau: str) -> None:
        self.seed = seed
        made = int.from_bytes(HKDF(SHA256(), _BYTES, salt=None, info=_INFO).derive(seed), "big")
        self._key = ec.derive_private_key(made % (_ORDER - 1) + 1, ec.SECP384R1())
        self.public = self._key.public_key().public_bytes(
            Encoding.DER, PublicFormat.SubjectPublicKeyInfo
        )
        self.certificate = make_authority(self._key, bureau)

    def certify(self, statement: bytes, now: datetime) -> bytes:
        """Makes the certificate of a post's key, DER.

        Args:
            statement: of the key (`keys.certificates.ClientKey`).
            now: by the custodian's own clock: nobody has a stock of later certificates made.

        Raises:
            ClientKeyMalformed: it is no such statement, or of a time to come.
        """
        client = ClientKey.parse(statement)
        if client.valid_from > now + _AHEAD or client.valid_until > now + LIFE_MAX:
            raise ClientKeyMalformed("a certificate begins now")
        return make_client_certificate(self._key, self.certificate, client)
