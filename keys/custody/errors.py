"""What can go wrong with a custodian, beyond the refusals of the formats it judges."""

from __future__ import annotations

from keys.errors import KeysError, Refusal


class ManifestNotOfCard(Refusal):
    """The manifest to be signed names another sender than the custodian's own card."""

    code = "MANIFEST_NOT_OF_CARD"


class SealNotOfCard(Refusal):
    """The claims to be sealed are none, or name another post than the custodian's own card."""

    code = "SEAL_NOT_OF_CARD"


class RectificationNotSignable(Refusal):
    """What is to be signed is no rectification of a bordereau."""

    code = "RECTIFICATION_NOT_SIGNABLE"


class PackNotSignable(Refusal):
    """What is to be signed is no sync pack, or one that would be believed for too long."""

    code = "PACK_NOT_SIGNABLE"


class EventNotOfDesk(Refusal):
    """The event to be signed is none, or the desk that should sign takes no part in it."""

    code = "EVENT_NOT_OF_DESK"


class RequestMalformed(Refusal):
    """A frame or the request in it is not of the protocol."""

    code = "REQUEST_MALFORMED"


class NotAdmitted(Refusal):
    """The process at the other end of the socket runs as a user that is not served."""

    code = "NOT_ADMITTED"


class LogHeadLost(Refusal):
    """The custodian remembers less of the log than it has signed: restored, or it has a twin."""

    code = "LOG_HEAD_LOST"


class BackupKeyNotAdmitted(Refusal):
    """No key of backups was admitted to the custodian's store: it gives nothing of itself."""

    code = "BACKUP_KEY_NOT_ADMITTED"


class StoreInvalid(Refusal):
    """The custodian's store is incomplete, malformed, or sealed by another credential."""

    code = "CUSTODY_STORE_INVALID"


class StoreUnsafe(Refusal):
    """A file or folder of the store could be read or exchanged by somebody else."""

    code = "CUSTODY_STORE_UNSAFE"


class SecondPlaceUnreachable(KeysError):
    """The second place of the custodian's store cannot be written or read; a retry can help."""

    code = "CUSTODY_SECOND_UNREACHABLE"


class SecondPlaceDiffers(Refusal):
    """Store and second place do not belong together: one of them is older, or damaged."""

    code = "CUSTODY_SECOND_DIFFERS"


class HsmCredentialInvalid(Refusal):
    """The wrapped credential is malformed, altered, or sealed by another module."""

    code = "HSM_CREDENTIAL_INVALID"


class HsmUnavailable(KeysError):
    """The hardware security module does not answer, has no such token, or refuses the PIN."""

    code = "HSM_UNAVAILABLE"


class ClockSetBack(Refusal):
    """The machine's clock is behind the time at which a custodian last worked from this store."""

    code = "CUSTODY_CLOCK_BACK"


class StoreBusy(Refusal):
    """Another custodian serves from this store."""

    code = "CUSTODY_STORE_BUSY"


class ShareNotAwaited(Refusal):
    """The compartment is open already, or was never split."""

    code = "SHARE_NOT_AWAITED"


class StoreSplitAlready(Refusal):
    """The store's unseal key has holders already: only they split it anew."""

    code = "CUSTODY_STORE_SPLIT"


class StoreUnsplit(Refusal):
    """The store's unseal key was never split: its credential opens it."""

    code = "CUSTODY_STORE_UNSPLIT"


class OfficersNotFounded(Refusal):
    """The founding ceremony was not closed: the custodian knows no officers yet."""

    code = "OFFICERS_NOT_FOUNDED"


class OriginUnsafe(Refusal):
    """The officers of a production roll sign at an origin that anybody on the way could play."""

    code = "CUSTODY_ORIGIN_UNSAFE"


class OfficersFounded(Refusal):
    """The founding ceremony is over: from now on two officers admit a third."""

    code = "OFFICERS_FOUNDED"


class CeremonyNotBegun(Refusal):
    """The founding ceremony was not begun."""

    code = "CEREMONY_NOT_BEGUN"


class CeremonyIncomplete(Refusal):
    """The officers entered so far could not admit another one, or lack keys."""

    code = "CEREMONY_INCOMPLETE"


class FingerprintDiffers(Refusal):
    """The fingerprint that another person read out is not the roll's."""

    code = "FINGERPRINT_DIFFERS"


class PersonUnknown(Refusal):
    """The person is not on the roll, or has as many keys as a person may have."""

    code = "PERSON_UNKNOWN"


class ChallengeUnknown(Refusal):
    """The challenge was not given by this custodian, is older than 300 seconds, or was used."""

    code = "CHALLENGE_UNKNOWN"


class KeyUnknown(Refusal):
    """The security key is none of an admitted officer."""

    code = "KEY_UNKNOWN"


class KeyNotAttested(Refusal):
    """A security key that an act names was not registered with the custodian, or is taken."""

    code = "KEY_NOT_ATTESTED"


class ActNotOfCustodian(Refusal):
    """The custodian does no acts of this kind."""

    code = "ACT_NOT_OF_CUSTODIAN"


class GrantMalformed(Refusal):
    """It is not a grant of the one form."""

    code = "GRANT_MALFORMED"


class GrantMissing(Refusal):
    """An officer's grant is needed: none was shown, or it ended, is used up or not of here."""

    code = "GRANT_MISSING"


class GrantOfAnother(Refusal):
    """The grant is for another purpose, dispatch or request."""

    code = "GRANT_OF_ANOTHER"


class GrantTooLow(Refusal):
    """What is asked for is of a higher level than the grant covers."""

    code = "GRANT_TOO_LOW"


class LevelUnknown(Refusal):
    """The dispatch names a level that the roll of officers does not rank."""

    code = "LEVEL_UNKNOWN"


class BagTextUnknown(Refusal):
    """What a grant to open bags' texts would open is a text of something else."""

    code = "BAG_TEXT_UNKNOWN"


class WarrantMalformed(Refusal):
    """What came with the request as its grant and logged intent is not of the one form."""

    code = "WARRANT_MALFORMED"


class IntentMissing(Refusal):
    """The act's intent was not shown to be in the log."""

    code = "INTENT_MISSING"


class IntentOfAnother(Refusal):
    """The logged intent is of another act, request, dispatch or person."""

    code = "INTENT_OF_ANOTHER"


class IntentOutdated(Refusal):
    """The intent was logged more than five minutes ago, or is dated ahead."""

    code = "INTENT_OUTDATED"


class TooMuchWaiting(Refusal):
    """Too many acts or new security keys wait at one time."""

    code = "TOO_MUCH_WAITING"


class KeyVersionUnknown(Refusal):
    """The custodian has no such version of a key."""

    code = "KEY_VERSION_UNKNOWN"


class CardEndorsedOtherwise(Refusal):
    """The root endorsed another card for this edition of the post."""

    code = "CARD_ENDORSED_OTHERWISE"


class KeyBookFull(Refusal):
    """What the custodian keeps of its keys has no room for another version, or another move."""

    code = "KEY_BOOK_FULL"


class PrekeysFull(Refusal):
    """The custodian keeps as many one-time prekeys as it may."""

    code = "PREKEYS_FULL"


class PrekeyNotKept(Refusal):
    """A prekey was to be destroyed before what it opened is kept under a lasting key."""

    code = "PREKEY_NOT_KEPT"


class KeyNotDestroyable(Refusal):
    """The version is in force, suspended, or an archive key that still rests before it goes."""

    code = "KEY_NOT_DESTROYABLE"


class KeyDestructionNotOrdered(Refusal):
    """No order of officers to destroy this version stands."""

    code = "KEY_DESTRUCTION_NOT_ORDERED"


class SplittingRecordMalformed(Refusal):
    """A record of a splitting is not of its form, or a confirmation in it is out of place."""

    code = "SPLITTING_RECORD_MALFORMED"


class SplittingHolderUnknown(Refusal):
    """A card or identity is of nobody who holds a share by this splitting."""

    code = "SPLITTING_HOLDER_UNKNOWN"


class CustodySealed(KeysError):
    """The bureau's keys are sealed; once their holders have opened them, a retry succeeds."""

    code = "CUSTODY_SEALED"


class CustodianUnavailable(KeysError):
    """The custodian's process cannot be reached or does not answer; a retry can help."""

    code = "CUSTODIAN_UNAVAILABLE"


class CustodianFault(KeysError):
    """The custodian failed in a way that it does not explain, or answered out of protocol."""

    code = "CUSTODIAN_FAULT"
