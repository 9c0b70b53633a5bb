"""Shares of an unseal key: m of its n holders together open what fewer never can.

The words of a share are SLIP-0039 (Shamir's scheme over GF(256), RS1024 checksum over the words,
digest over the secret), so that they can be read aloud, written down, and combined by other
programs. What travels to a holder is a share in canonical JSON inside an age file to that holder's
own hybrid recipient: `age -d` opens it, and its bearer learns nothing.

    made = split(key, "UNSEAL", threshold=3, holders=[Holder("DEPOSITAIRE-A", recipient), ...])
    share = open_share(made.sealed[0], holder_key)   # each holder alone
    key = combine(shares)                            # three of them together

    share = {"v": 1, "type": "depeche/v1 key-share", "purpose", "set", "holder", "threshold",
             "count", "fingerprint", "words"}

`set` is 16 random bytes in base64, the same for all shares made together: shares of two sets never
combine, so that replacing a holder (splitting anew) retires every share that was out. `fingerprint`
is SHA-256("depeche/v1 shared-key" || 0x00 || set || key): it shows that shares combine to the very
key, and tells nothing about 256 random bits.
"""

from __future__ import annotations

import re
import secrets
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, Final

from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.share import Share as Words

from keys import canonical
from keys.age.files import decrypt, encrypt
from keys.errors import Refusal
from keys.records import CODE, FINGERPRINT, Record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.age.hybrid import HybridKey

KEY_BYTES: Final = 32
HOLDERS_MAX: Final = 16
THRESHOLD_LEAST: Final = 2

_TYPE: Final = "depeche/v1 key-share"
_CONTEXT: Final = b"depeche/v1 shared-key\x00"
_SET_BYTES: Final = 16
_WORDS: Final = re.compile(r"[a-z]{4,8}( [a-z]{4,8}){32}")


class ShareMalformed(Refusal):
    """This is not a share, or a word of it is wrong: its checksum does not hold."""

    code = "SHARE_MALFORMED"


class SharesMixed(Refusal):
    """The shares were not made together: one is of another key, or of a set that was replaced."""

    code = "SHARES_MIXED"


class ShareTwice(Refusal):
    """One share was given twice: that is one person, not two."""

    code = "SHARE_TWICE"


class SharesTooFew(Refusal):
    """Fewer shares than the key was split for."""

    code = "SHARES_TOO_FEW"


class SharesWrong(Refusal):
    """Each share is well formed, but together they give another key: one of them was forged."""

    code = "SHARES_WRONG"


@dataclass(frozen=True)
class Holder:
    """Who keeps a share.

    Attributes:
        name: code, 1 to 40 characters; one person.
        recipient: 1,216 raw bytes of the holder's own hybrid recipient.
    """

    name: str
    recipient: bytes


@dataclass(frozen=True, repr=False)
class Share:
    """One opened share; see the module for its members."""

    purpose: str
    set: bytes
    holder: str
    threshold: int
    count: int
    fingerprint: str
    words: str

    def to_bytes(self) -> bytes:
        """The share in canonical JSON."""
        return canonical.encode(
            {
                "v": 1,
                "type": _TYPE,
                "purpose": self.purpose,
                "set": canonical.text_from_bytes(self.set),
                "holder": self.holder,
                "threshold": self.threshold,
                "count": self.count,
                "fingerprint": self.fingerprint,
                "words": self.words,
            }
        )


@dataclass(frozen=True)
class Split:
    """What a splitting made.

    Attributes:
        set: the 16 bytes that all its shares carry.
        fingerprint: of set and key.
        sealed: an age file for each holder, in their order.
    """

    set: bytes
    fingerprint: str
    sealed: tuple[bytes, ...]


def split(key: bytes, purpose: str, threshold: int, holders: Sequence[Holder]) -> Split:
    """Splits a key among holders.

    Args:
        key: 32 random bytes.
        purpose: code of what it opens.
        threshold: how many holders suffice, at least 2.
        holders: at least `threshold` and at most 16 distinct persons with distinct keys.

    Raises:
        ValueError: an argument is not as above.
    """
    if len(key) != KEY_BYTES or not CODE.fullmatch(purpose):
        raise ValueError("a split key has 32 bytes and a purpose")
    if not THRESHOLD_LEAST <= threshold <= len(holders) <= HOLDERS_MAX:
        raise ValueError(f"{threshold} of {len(holders)} is not a number of holders")
    names = {holder.name for holder in holders if CODE.fullmatch(holder.name)}
    if len(names) != len(holders) or len({one.recipient for one in holders}) != len(holders):
        raise ValueError("each holder is a person of their own, with a key of their own")
    one_set = secrets.token_bytes(_SET_BYTES)
    fingerprint = _fingerprint(one_set, key)
    [mnemonics] = generate_mnemonics(1, [(threshold, len(holders))], key)
    shares = (
        Share(
            purpose=purpose,
            set=one_set,
            holder=holder.name,
            threshold=threshold,
            count=len(holders),
            fingerprint=fingerprint,
            words=words,
        )
        for holder, words in zip(holders, mnemonics, strict=True)
    )
    sealed = tuple(
        encrypt(share.to_bytes(), [holder.recipient])
        for share, holder in zip(shares, holders, strict=True)
    )
    return Split(one_set, fingerprint, sealed)


def open_share(sealed: bytes, key: HybridKey) -> Share:
    """Opens the share that was sealed to a holder.

    Raises:
        ShareMalformed: what is inside is not a share.
        KeysError: as `keys.age.files.decrypt`.
    """
    return read_share(decrypt(sealed, [key]))


def read_share(data: bytes) -> Share:
    """Reads a share as its holder deciphered it.

    Raises:
        ShareMalformed: another shape, or words whose checksum does not hold.
    """
    try:
        record = Record(canonical.decode(data), "share")
        record.constant("v", 1)
        record.constant("type", _TYPE)
        share = Share(
            purpose=record.text("purpose", CODE),
            set=record.octets("set", _SET_BYTES),
            holder=record.text("holder", CODE),
            threshold=record.integer("threshold", least=THRESHOLD_LEAST),
            count=record.integer("count", least=THRESHOLD_LEAST),
            fingerprint=record.text("fingerprint", FINGERPRINT),
            words=record.text("words", _WORDS),
        )
        record.close()
        words = Words.from_mnemonic(share.words)
    except (ValueError, MnemonicError) as error:
        raise ShareMalformed(f"not a share: {error}") from error
    if (words.member_threshold, words.group_count) != (share.threshold, 1):
        raise ShareMalformed("the words are of another splitting than the share says")
    return share


def combine(shares: Sequence[Share]) -> bytes:
    """Gives the key that the shares were split from.

    Args:
        shares: at least as many as their threshold, of distinct holders; more are checked too.

    Returns:
        32 bytes.

    Raises:
        SharesTooFew, SharesMixed, ShareTwice, SharesWrong: see each.
    """
    if not shares:
        raise SharesTooFew("no share was given")
    first = shares[0]
    for share in shares[1:]:
        if _splitting(share) != _splitting(first):
            raise SharesMixed(f"{share.holder}'s share was not made with {first.holder}'s")
    holders = Counter(share.holder for share in shares)
    words = Counter(share.words for share in shares)
    if max(holders.values()) > 1 or max(words.values()) > 1:
        raise ShareTwice(f"{holders.most_common(1)[0][0]}'s share was given twice")
    if len(shares) < first.threshold:
        raise SharesTooFew(f"{len(shares)} of the {first.threshold} shares that are needed")
    # The scheme takes exactly as many as it needs; each further one must fit as well.
    needed = list(shares[: first.threshold])
    for share in shares[first.threshold :]:
        _combined([*needed[1:], share])
    return _combined(needed)


def _combined(shares: Sequence[Share]) -> bytes:
    first = shares[0]
    try:
        key: bytes = combine_mnemonics([share.words for share in shares])
    except MnemonicError as error:
        raise SharesWrong(f"the shares do not combine: {error}") from error
    if not compare_digest(_fingerprint(first.set, key), first.fingerprint):
        raise SharesWrong("the shares combine to another key than was split")
    return key


def _splitting(share: Share) -> tuple[object, ...]:
    return share.purpose, share.set, share.threshold, share.count, share.fingerprint


def _fingerprint(one_set: bytes, key: bytes) -> str:
    return sha256(_CONTEXT + one_set + key).hexdigest()
