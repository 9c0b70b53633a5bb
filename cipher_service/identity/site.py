"""Who asks officers' security keys, and which the ministry issues: read from the installation.

The folder `authenticators` of an installation holds the makers' root certificates (`*.pem`, one
each) and `models`, the AAGUIDs of the models that the ministry issues, one a line.
"""

from pathlib import Path

from cipher_service.errors import ServiceError
from cipher_service.identity.passkey_book import Site
from cipher_service.settings import Settings
from keys.attestation import AuthenticatorPolicy
from keys.passkeys import RelyingParty

MODELS = "models"


def party_of(settings: Settings) -> RelyingParty:
    """Return who asks: the console and the page where acts are signed, under one domain."""
    return RelyingParty(settings.party_id, (settings.console_origin, settings.approval_origin))


def site_of(settings: Settings) -> Site:
    """Return who asks, and which security keys are accepted at this moment.

    Raises:
        ServiceError: AUTHENTICATORS_UNKNOWN: nobody has said yet which keys the ministry issues.
    """
    return Site(party_of(settings), _policy(settings.authenticators))


def _policy(folder: Path) -> AuthenticatorPolicy:
    try:
        roots = tuple(path.read_bytes() for path in sorted(folder.glob("*.pem")))
        models = frozenset((folder / MODELS).read_text("ascii").split())
        return AuthenticatorPolicy(roots, models)
    except (OSError, ValueError) as error:
        raise ServiceError("AUTHENTICATORS_UNKNOWN") from error
