"""The certificate by which a post shows itself in TLS, as it lies beside the identity.

`certificate.json` holds no secret: what it certifies is the post's API key. Commands show it while
it is in force and have it renewed in the second half of its life; without it, or after it, they
prove themselves by DPoP.
"""

from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from cipher_service.client.durable import write_durably
from cipher_service.client.online_refusals import Distrusted
from cipher_service.wire.tokens import CertificateAnswer
from keys.certificates import ClientCertificate, read_client_certificate
from keys.errors import Refusal
from keys.identity import Identity

FILE: Final = "certificate.json"


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate of this post.

    Attributes:
        answer: as the ministry gave it.
        says: what it says.
    """

    answer: CertificateAnswer
    says: ClientCertificate

    @property
    def der(self) -> bytes:
        """The certificate."""
        return b64decode(self.answer.certificate)

    def serves(self, now: datetime) -> bool:
        """Tell whether it can be shown."""
        return self.says.valid_from <= now <= self.says.valid_until

    def wears_out(self, now: datetime) -> bool:
        """Tell whether half its life is over."""
        return now > self.says.valid_from + (self.says.valid_until - self.says.valid_from) / 2


def held_certificate(folder: Path, identity: Identity) -> Held | None:
    """Return the certificate of an identity folder; None without one of its present API key.

    Raises:
        Distrusted: the file was altered or is damaged.
    """
    path = folder / FILE
    try:
        answer = CertificateAnswer.model_validate_json(path.read_bytes())
        found = _read(answer)
    except FileNotFoundError:
        return None
    except (ValidationError, Refusal) as error:
        raise Distrusted("PIN_DAMAGED", path=str(path)) from error
    return found if _is_of(found, identity) else None


def keep_certificate(folder: Path, identity: Identity, answer: CertificateAnswer) -> Held:
    """Keep what the ministry gave.

    Raises:
        Distrusted: it is no certificate of this post's key.
    """
    made = judged_certificate(identity, answer)
    write_durably(folder / FILE, made.answer.model_dump_json().encode())
    return made


def judged_certificate(identity: Identity, answer: CertificateAnswer) -> Held:
    """Read what the ministry gave. Raises Distrusted as `keep_certificate`."""
    try:
        made = _read(answer)
    except Refusal as error:
        raise Distrusted("ANSWER_MALFORMED", message="CertificateAnswer") from error
    if not _is_of(made, identity):
        raise Distrusted("ANSWER_MALFORMED", message="CertificateAnswer")
    return made


def _read(answer: CertificateAnswer) -> Held:
    says = read_client_certificate(b64decode(answer.certificate), b64decode(answer.authority))
    return Held(answer, says)


def _is_of(held: Held, identity: Identity) -> bool:
    return (held.says.post, held.says.client) == (
        identity.card.post,
        identity.api_key.thumbprint(),
    )
