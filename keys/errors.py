"""What can be wrong, each wrong its own type with a stable code.

Two kinds: a `Refusal` is a judgement on an input (a file, a card, a passphrase) that a retry
cannot change; any other `KeysError` is an accident around a sound input. Disk trouble stays
`OSError`, and a broken call of ours stays `ValueError` or `TypeError`.

`code` is part of the format (SPEC.md lists every one): the second reader and the clients'
French and English texts are keyed by it. `str(error)` is one English line for a log; it never
holds plaintext, passphrases or key material.
"""

from __future__ import annotations

from typing import ClassVar


class KeysError(Exception):
    """Anything that keys/ reports by name."""

    code: ClassVar[str] = "KEYS"


class SourceChangedError(KeysError):
    """A file changed on disk while it was being enciphered; enciphering again can help."""

    code = "SOURCE_CHANGED"


class Refusal(KeysError):
    """This input is refused."""

    code: ClassVar[str] = "REFUSED"


# The age file


class NotAge(Refusal):
    """The file does not begin like a binary age v1 file."""

    code = "NOT_AGE"


class HeaderMalformed(Refusal):
    """The age header breaks the grammar of age v1."""

    code = "HEADER_MALFORMED"


class HeaderTooLarge(Refusal):
    """The age header passes the caps in bytes or stanzas."""

    code = "HEADER_TOO_LARGE"


class HeaderTampered(Refusal):
    """The header's MAC does not hold: somebody without the file key altered the header."""

    code = "HEADER_TAMPERED"


class NotAddressed(Refusal):
    """No stanza opens with the keys at hand."""

    code = "NOT_ADDRESSED"


class KeyRetired(Refusal):
    """A stanza was made for a key that may no longer open anything."""

    code = "KEY_RETIRED"


class PayloadDamaged(Refusal):
    """The encrypted payload is truncated, extended or altered."""

    code = "PAYLOAD_DAMAGED"


# The package inside


class PackageMalformed(Refusal):
    """The archive is not the one canonical ustar of a dispatch."""

    code = "PACKAGE_MALFORMED"


class ManifestMalformed(Refusal):
    """The manifest is not canonical JSON of the one shape."""

    code = "MANIFEST_MALFORMED"


class PartMismatch(Refusal):
    """A part, or SHA256SUMS, is not what the signed manifest says."""

    code = "PART_MISMATCH"


class PartTooLarge(Refusal):
    """A part cannot be described in a ustar header (8 GiB), or there are too many parts."""

    code = "PART_TOO_LARGE"


class LabelMismatch(Refusal):
    """The header's label stanza is absent or does not match the manifest."""

    code = "LABEL_MISMATCH"


class MixedRecipients(Refusal):
    """The header carries a stanza that is neither the label nor a hybrid recipient."""

    code = "MIXED_RECIPIENTS"


class SuiteBelowFloor(Refusal):
    """The suite is not one that this reader accepts."""

    code = "SUITE_BELOW_FLOOR"


# Who signed, and for whom


class UnknownSender(Refusal):
    """The manifest names a sender whose card is not among those trusted by the reader."""

    code = "UNKNOWN_SENDER"


class SignatureMissing(Refusal):
    """One of the two signatures is absent; both are required."""

    code = "SIGNATURE_MISSING"


class SignatureInvalid(Refusal):
    """A signature does not hold."""

    code = "SIGNATURE_INVALID"


class NotIntended(Refusal):
    """The key opens the file but the signed manifest does not name its card."""

    code = "NOT_INTENDED"


class AddresseesMismatch(Refusal):
    """The header's recipients are not one for one the addressees of the signed manifest."""

    code = "ADDRESSEES_MISMATCH"


class ReroutingInvalid(Refusal):
    """A rerouting addendum is malformed, or not the next one of this dispatch."""

    code = "REROUTING_INVALID"


class ReroutingNotEntitled(Refusal):
    """The card that signed a rerouting addendum may not reroute this dispatch."""

    code = "REROUTING_NOT_ENTITLED"


class CardNotInForce(Refusal):
    """A card is used outside its period of validity."""

    code = "CARD_NOT_IN_FORCE"


class CardInvalid(Refusal):
    """A card is malformed, names another fingerprint, or is not signed by its own keys."""

    code = "CARD_INVALID"


class ComplementInvalid(Refusal):
    """The S2 keys that go with a card are malformed, another card's, or not signed by all."""

    code = "COMPLEMENT_INVALID"


# State, held by those who remember (a post's client, the ministry's register)


class Replayed(Refusal):
    """This dispatch id was already received with other content."""

    code = "REPLAYED"


class NumberReused(Refusal):
    """This series number was already used by another dispatch."""

    code = "NUMBER_REUSED"


# Secrets


class PassphraseWrong(Refusal):
    """The passphrase does not open the secret."""

    code = "PASSPHRASE_WRONG"


class IdentityInvalid(Refusal):
    """An identity's secret part is malformed or does not belong to its card."""

    code = "IDENTITY_INVALID"
