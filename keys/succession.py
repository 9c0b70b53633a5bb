"""What the ministry's root says of a lasting key: this one follows that one, from then on.

The keys that no edition carries (`keys.custody.lasting`) are believed by posts that compared a
fingerprint once. Another one is put in force at the custodian's terminal, which has the root say
so; whoever believes the root follows by itself, and keeps the key before for what it signed until
its end. No key vouches for its own successor: a stolen one could.

    succession = {"signatures": by the root, context `depeche/v1 succession`,
                  "statement": {"v": 1, "type": "depeche/v1 succession", "kind": "receipts",
                   "previous": {"ed25519", "mldsa65"}, "next": {"ed25519", "mldsa65"},
                   "root": fingerprint, "at"}}

    line, taken = KeyLine(pinned).following(files, "receipts", root)
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from keys import canonical
from keys.endorsement import root_fingerprint
from keys.errors import Refusal
from keys.records import FINGERPRINT, Record
from keys.signing import (
    ED25519_PUBLIC_BYTES,
    MLDSA65_PUBLIC_BYTES,
    SUCCESSION,
    VerifyingKey,
)
from keys.statements import (
    decode_signed,
    encode_signed,
    encode_statement,
    key_fingerprint,
    parse_statement,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from keys.signing import Signatures

RECEIPTS_KEY: Final = "receipts"

# The hour in a statement is its writer's: what was being signed while the keys changed, by a clock
# that is a little ahead, still counts. The key itself is gone by then.
SLACK: Final = timedelta(minutes=10)

_KIND: Final = re.compile(RECEIPTS_KEY)


class SuccessionMalformed(Refusal):
    """What should be the succession of a lasting key is not of its form."""

    code: ClassVar[str] = "SUCCESSION_MALFORMED"


class SuccessionOfAnother(Refusal):
    """The succession is of another kind of key, or by another root, than the one at hand."""

    code: ClassVar[str] = "SUCCESSION_OF_ANOTHER"


@dataclass(frozen=True)
class Succession:
    """One key taking another's place.

    Attributes:
        kind: of both, `receipts`.
        previous: serves until then.
        following: serves from then on.
        root: `root_fingerprint` of the root that says it.
        at: when, UTC, whole seconds.
    """

    kind: str
    previous: VerifyingKey
    following: VerifyingKey
    root: str
    at: datetime

    def encode(self) -> bytes:
        """The canonical bytes that are signed in context `depeche/v1 succession`.

        Raises:
            SuccessionMalformed: a field is not as it must be.
        """
        return encode_statement(self, _object, _read, SuccessionMalformed)

    @classmethod
    def parse(cls, data: bytes) -> Succession:
        """Reads what `encode` gives; SuccessionMalformed for anything else."""
        return parse_statement(data, _read, SuccessionMalformed)


def make_succession(succession: Succession, sign: Callable[[bytes], Signatures]) -> bytes:
    """Makes the file of a succession.

    Args:
        succession: what is said.
        sign: both signatures of the root over bytes, context `depeche/v1 succession`.
    """
    statement = succession.encode()
    return encode_signed(statement, sign(statement))


def read_succession(data: bytes, kind: str, root: VerifyingKey) -> Succession:
    """Reads a succession and checks that this root says it of this kind of key.

    The order: 1. its form; 2. kind and root are those at hand; 3. both signatures.

    Raises:
        SuccessionMalformed, SuccessionOfAnother, SignatureInvalid: as they say.
    """
    statement, signatures = decode_signed(data, "a succession", SuccessionMalformed)
    stated = Succession.parse(statement)
    if (stated.kind, stated.root) != (kind, root_fingerprint(root)):
        raise SuccessionOfAnother("the succession is of another kind of key, or by another root")
    root.verify(SUCCESSION, statement, signatures)
    return stated


def files_of(data: bytes) -> tuple[bytes, ...]:
    """Takes apart what `Custodian.successions` gives: the files, the oldest first.

    Raises:
        SuccessionMalformed: no canonical JSON list.
    """
    try:
        files = canonical.decode(data)
    except ValueError as error:
        raise SuccessionMalformed(str(error)) from error
    if not isinstance(files, list):
        raise SuccessionMalformed("successions come as a list")
    return tuple(canonical.encode(each) for each in files)


@dataclass(frozen=True)
class KeyLine:
    """The keys of one kind as they served, one after the other.

    Attributes:
        current: serves now.
        ended: those before it with the hour of their end, the oldest first.
    """

    current: VerifyingKey
    ended: tuple[tuple[VerifyingKey, datetime], ...] = ()

    @classmethod
    def told(cls, current: VerifyingKey, files: Sequence[bytes]) -> Self:
        """Gives the line as its own custodian, or who followed it before, keeps it.

        Nothing is verified: the files come from where the key itself is believed from.

        Args:
            current: serves where there are no files; the last of them says so otherwise, so that a
                key that was asked for just before an exchange does no harm.
            files: the successions, the oldest first.

        Raises:
            SuccessionMalformed: one is not of its form, or they are not one line.
        """
        said = [
            Succession.parse(decode_signed(each, "a", SuccessionMalformed)[0]) for each in files
        ]
        for before, after in pairwise(said):
            if key_fingerprint(before.following) != key_fingerprint(after.previous):
                raise SuccessionMalformed("the successions are not one line")
        last = said[-1].following if said else current
        return cls(last, tuple((each.previous, each.at) for each in said))

    def following(
        self, files: Sequence[bytes], kind: str, root: VerifyingKey
    ) -> tuple[Self, tuple[bytes, ...]]:
        """Gives the line with the successors that this root says of it.

        Args:
            files: as the ministry tells them, the oldest first; those that do not begin at the
                key that is believed now are passed over: they are of before it.
            kind: of the keys.
            root: believed.

        Returns:
            The line, and the files that lengthened it.

        Raises:
            SuccessionMalformed, SuccessionOfAnother, SignatureInvalid: one that does begin there
                does not hold.
        """
        line, taken = self, []
        for each in files:
            stated = Succession.parse(decode_signed(each, "a succession", SuccessionMalformed)[0])
            if key_fingerprint(stated.previous) == key_fingerprint(line.current):
                read_succession(each, kind, root)
                ended = (*line.ended, (stated.previous, stated.at))
                line = type(self)(stated.following, ended)
                taken.append(each)
        return line, tuple(taken)

    def find(self, fingerprint: str) -> tuple[VerifyingKey, datetime | None] | None:
        """Gives the key of that `key_fingerprint` and until when it counts; None for a stranger."""
        for key, end in ((self.current, None), *self.ended):
            if key_fingerprint(key) == fingerprint:
                return key, None if end is None else end + SLACK
        return None


def _object(succession: Succession) -> dict[str, Any]:
    return {
        "v": 1,
        "type": SUCCESSION,
        "kind": succession.kind,
        "previous": _key_object(succession.previous),
        "next": _key_object(succession.following),
        "root": succession.root,
        "at": canonical.text_from_time(succession.at),
    }


def _read(record: Record) -> Succession:
    record.constant("v", 1)
    record.constant("type", SUCCESSION)
    succession = Succession(
        kind=record.text("kind", _KIND),
        previous=_read_key(record.record("previous")),
        following=_read_key(record.record("next")),
        root=record.text("root", FINGERPRINT),
        at=record.time("at"),
    )
    record.close()
    if key_fingerprint(succession.previous) == key_fingerprint(succession.following):
        raise ValueError("a key does not follow itself")
    return succession


def _key_object(key: VerifyingKey) -> dict[str, str]:
    return {
        "ed25519": canonical.text_from_bytes(key.ed25519),
        "mldsa65": canonical.text_from_bytes(key.mldsa65),
    }


def _read_key(record: Record) -> VerifyingKey:
    key = VerifyingKey(
        record.octets("ed25519", ED25519_PUBLIC_BYTES),
        record.octets("mldsa65", MLDSA65_PUBLIC_BYTES),
    )
    record.close()
    return key
