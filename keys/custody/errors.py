"""What can go wrong with a custodian, beyond the refusals of the formats it judges."""

from __future__ import annotations

from keys.errors import KeysError, Refusal


class ManifestNotOfCard(Refusal):
    """The manifest to be signed names another sender than the custodian's own card."""

    code = "MANIFEST_NOT_OF_CARD"


class RequestMalformed(Refusal):
    """A frame or the request in it is not of the protocol."""

    code = "REQUEST_MALFORMED"


class NotAdmitted(Refusal):
    """The process at the other end of the socket runs as a user that is not served."""

    code = "NOT_ADMITTED"


class StoreInvalid(Refusal):
    """The custodian's store is incomplete, malformed, or sealed by another credential."""

    code = "CUSTODY_STORE_INVALID"


class StoreUnsafe(Refusal):
    """A file or folder of the store could be read or exchanged by somebody else."""

    code = "CUSTODY_STORE_UNSAFE"


class ShareNotAwaited(Refusal):
    """The compartment is open already, or was never split."""

    code = "SHARE_NOT_AWAITED"


class StoreSplitAlready(Refusal):
    """The store's unseal key has holders already: only they split it anew."""

    code = "CUSTODY_STORE_SPLIT"


class StoreUnsplit(Refusal):
    """The store's unseal key was never split: its credential opens it."""

    code = "CUSTODY_STORE_UNSPLIT"


class CustodySealed(KeysError):
    """The bureau's keys are sealed; once their holders have opened them, a retry succeeds."""

    code = "CUSTODY_SEALED"


class CustodianUnavailable(KeysError):
    """The custodian's process cannot be reached or does not answer; a retry can help."""

    code = "CUSTODIAN_UNAVAILABLE"


class CustodianFault(KeysError):
    """The custodian failed in a way that it does not explain, or answered out of protocol."""

    code = "CUSTODIAN_FAULT"
