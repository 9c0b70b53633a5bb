"""The acts with the service's own keys, which no edition carries and no share opens.

Receipts, token keys, checkpoints of the log, posts' certificates and the desks' events go on while
the bureau's keys are sealed. What the bureau's keys do is in `keys.custody.core`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keys import canonical
from keys.certificates import pem
from keys.custody.client_authority import ClientAuthority
from keys.custody.clock import system_clock
from keys.custody.lasting import (
    AUTHORITY_KEY,
    CERTIFYING_KEY,
    DESKS_KEY,
    LOG_KEY,
)
from keys.log.errors import NoteMalformed
from keys.receipts import BatchRoot
from keys.signing import RECEIPTS, TOKEN_KEY, Signatures, VerifyingKey
from keys.succession import RECEIPTS_KEY
from keys.token_keys import TokenKey

if TYPE_CHECKING:
    from keys.custody.log_keys import Heads
    from keys.custody.service_keys import ServiceCompartment, ServiceKeys
    from keys.custody.versions import Versions
    from keys.log.succession import LogVerifiers


class ServiceActs:
    """A custodian's acts with the keys of its service compartment; see `Custodian`.

    Args:
        service: its keys.
        heads: where the last signed head of the log is kept.
        versions: judges and counts the uses.
        bureau: post code of the bureau, for the name of the posts' authority.
    """

    def __init__(
        self, service: ServiceCompartment, heads: Heads, versions: Versions, bureau: str
    ) -> None:
        self._service = service
        self._heads = heads
        self._versions = versions
        self._bureau = bureau
        self._clients = ClientAuthority(service.current().authority, bureau)

    @property
    def service(self) -> ServiceKeys:
        """The service's keys, as they are kept now."""
        return self._service.current()

    def service_key(self) -> VerifyingKey:
        """The key that verifies the ministry's receipts."""
        return self.service.receipts.verifying_key

    def successions(self) -> bytes:
        """What the root said of each receipts' key that took another's place."""
        said = self.service.successions
        return canonical.encode([canonical.decode(each) for each in said])

    def certifying_key(self) -> VerifyingKey:
        """The key that verifies certificates of token keys."""
        return self.service.certifying.verifying_key

    def log_keys(self) -> LogVerifiers:
        """The keys that verify the log's checkpoints."""
        return self.service.log.verifiers()

    def log_successions(self) -> bytes:
        """What the root said of each pair of log keys that took another's place."""
        said = self.service.log_successions
        return canonical.encode([canonical.decode(each) for each in said])

    def log_head(self) -> bytes:
        """The text of the last checkpoint signed, empty before the first."""
        return (self._heads.last() or "").encode()

    def sign_checkpoint(self, checkpoint: bytes, path: bytes, published: bytes) -> bytes:
        """Signs a head of the log that continues the last one signed."""
        try:
            text = checkpoint.decode()
        except UnicodeDecodeError as error:
            raise NoteMalformed("a checkpoint is UTF-8") from error
        self._versions.require_lasting(LOG_KEY)
        with self._heads.turn():
            # The terminal exchanges them in a turn of its own: what they signed then is told.
            keys = self.service
            return keys.log.sign(text, path, published, self._heads, keys.log_line)

    def sign_receipts(self, root_statement: bytes) -> Signatures:
        """Signs the root over one commit's receipts."""
        BatchRoot.parse(root_statement)
        self._versions.require_lasting(RECEIPTS_KEY)
        return self.service.receipts.sign(RECEIPTS, root_statement)

    def certify_token_key(self, statement: bytes) -> Signatures:
        """Signs the statement of a day's token key."""
        TokenKey.parse(statement)
        self._versions.require_lasting(CERTIFYING_KEY)
        return self.service.certifying.sign(TOKEN_KEY, statement)

    def client_authority(self) -> bytes:
        """The certificate of the posts' authority."""
        return self._authority().certificate

    def client_authorities(self) -> bytes:
        """The PEM of every authority whose certificates may be in force, that of today first."""
        now = system_clock()
        ended = (each.certificate for each in self.service.ended if each.until > now)
        return "".join(map(pem, (self._authority().certificate, *ended))).encode("ascii")

    def certify_client_key(self, statement: bytes) -> bytes:
        """Makes the certificate of a post's key."""
        self._versions.require_lasting(AUTHORITY_KEY)
        return self._authority().certify(statement, system_clock())

    def _authority(self) -> ClientAuthority:
        """The authority as it is kept now; made anew only once the terminal exchanged it."""
        seed = self.service.authority
        if self._clients.seed != seed:
            self._clients = ClientAuthority(seed, self._bureau)
        return self._clients

    def desk_keys(self) -> bytes:
        """The public keys of the pouch bureau's desks, one after the other."""
        return self.service.at_desks.public

    def sign_event(self, device: bytes, statement: bytes) -> bytes:
        """Signs an event in which one of the desks takes part."""
        self._versions.require_lasting(DESKS_KEY)
        return self.service.at_desks.sign(device, statement)
