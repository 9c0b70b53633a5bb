"""The *service* compartment: what a service needs at boot, in `service.age` of the store.

    {"v": 1, "type": "depeche/v1 service-keys", "receipts": K, "certifying": K,
     "log": {"ed25519", "mldsa44"}, "authority": 32-byte seed, "desks": 32-byte seed,
     "successions": [of the receipts' keys (`keys.succession`), the oldest first], if there is one
     "ended_authorities": [{"certificate": DER, "until"}], those before the one in force, if any
     "log_successions": [of the log's keys (`keys.log.succession`), likewise]}

The seeds of the posts' authority and of the desks stand by themselves, so that another certifying
key leaves them as they are. In stores founded before they did, and where they are absent, they are
those of the certifying key and of the receipts' key.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, Protocol, Self

from keys import canonical
from keys.certificates import LIFE_MAX
from keys.custody.client_authority import ClientAuthority
from keys.custody.desk import Desks
from keys.custody.editions import object_of_signing, read_signing
from keys.custody.errors import KeyBookFull
from keys.custody.lasting import (
    AUTHORITY_KEY,
    CERTIFYING_KEY,
    DESKS_KEY,
    LOG_KEY,
    fingerprint_of,
)
from keys.custody.log_keys import LogKeys
from keys.endorsement import root_fingerprint
from keys.log.checkpoints import Checkpoint
from keys.log.notes import new_seed
from keys.log.succession import LogLine, LogSuccession, make_log_succession
from keys.records import Record
from keys.signing import LOG_SUCCESSION, SEED_BYTES, SUCCESSION, SigningKey
from keys.statements import key_fingerprint
from keys.succession import RECEIPTS_KEY, KeyLine, Succession, make_succession

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SERVICE_TYPE: Final = "depeche/v1 service-keys"
SUCCESSIONS_MOST: Final = 64
AUTHORITIES_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class EndedAuthority:
    """An authority of the posts' certificates that another one followed.

    Attributes:
        certificate: its own, DER.
        until: by then, UTC, whole seconds, every certificate that it made has ended.
    """

    certificate: bytes
    until: datetime


@dataclass(frozen=True, repr=False)
class ServiceKeys:
    """The keys of the compartment.

    Attributes:
        receipts: signs the roots of receipts.
        certifying: signs the statements of token keys.
        log: signs the audit log's checkpoints.
        authority: seed of the posts' certificate authority, 32 bytes.
        desks: seed of the pouch bureau's desks, 32 bytes.
        successions: what the root said of each receipts' key that took another's place.
        ended: authorities of before whose certificates posts may show still, the oldest first.
        log_successions: what the root said of each pair of log keys that took another's place.
    """

    receipts: SigningKey
    certifying: SigningKey
    log: LogKeys
    authority: bytes
    desks: bytes
    successions: tuple[bytes, ...] = ()
    ended: tuple[EndedAuthority, ...] = ()
    log_successions: tuple[bytes, ...] = ()

    @classmethod
    def generate(cls) -> Self:
        """New keys from the system's random source."""
        return cls(
            receipts=SigningKey.generate(),
            certifying=SigningKey.generate(),
            log=LogKeys.generate(),
            authority=new_seed(),
            desks=new_seed(),
        )

    @cached_property
    def fingerprints(self) -> Mapping[str, str]:
        """Lower-case hexadecimal SHA-256 of each public side, by kind (`keys.custody.lasting`)."""
        log = self.log.verifiers()
        return {
            RECEIPTS_KEY: key_fingerprint(self.receipts.verifying_key),
            CERTIFYING_KEY: key_fingerprint(self.certifying.verifying_key),
            LOG_KEY: fingerprint_of(log.ed25519 + log.mldsa44),
            AUTHORITY_KEY: fingerprint_of(ClientAuthority(self.authority, "").public),
            DESKS_KEY: fingerprint_of(self.at_desks.public),
        }

    @cached_property
    def at_desks(self) -> Desks:
        """The keys of the pouch bureau's desks."""
        return Desks(self.desks)

    @cached_property
    def log_line(self) -> LogLine:
        """The log's keys, and those before them."""
        return LogLine.told(self.log.verifiers(), self.log_successions)

    def with_certifying(self) -> Self:
        """The same with another certifying key."""
        return replace(self, certifying=SigningKey.generate())

    def with_desks(self) -> Self:
        """The same with other keys at the desks."""
        return replace(self, desks=new_seed())

    def with_authority(self, bureau: str, at: datetime) -> Self:
        """The same with another authority of the posts' certificates; its key is gone.

        Args:
            bureau: post code of the bureau.
            at: when the one before ends, UTC, whole seconds.

        Raises:
            KeyBookFull: too many of before have certificates that are in force still.
        """
        kept = tuple(each for each in self.ended if each.until > at)
        if len(kept) >= AUTHORITIES_MOST:
            raise KeyBookFull(f"{AUTHORITIES_MOST} authorities have not run out yet")
        before = ClientAuthority(self.authority, bureau).certificate
        ended = (*kept, EndedAuthority(before, at + LIFE_MAX))
        return replace(self, authority=new_seed(), ended=ended)

    def with_receipts(self, root: SigningKey, at: datetime) -> Self:
        """The same with another key for receipts, and the root's word that it follows.

        Args:
            root: the ministry's.
            at: when the one before ends, UTC, whole seconds.

        Raises:
            KeyBookFull: it was exchanged as often as a store remembers.
        """
        if len(self.successions) >= SUCCESSIONS_MOST:
            raise KeyBookFull(f"a store remembers {SUCCESSIONS_MOST} keys of receipts")
        made, verifying = SigningKey.generate(), root.verifying_key
        succession = make_succession(
            Succession(
                RECEIPTS_KEY,
                self.receipts.verifying_key,
                made.verifying_key,
                root_fingerprint(verifying),
                at,
            ),
            lambda said: root.sign(SUCCESSION, said),
        )
        return replace(self, receipts=made, successions=(*self.successions, succession))

    def with_log(self, root: SigningKey, last: str | None, at: datetime) -> Self:
        """The same with other keys of the log, and the root's word that they follow.

        Args:
            root: the ministry's.
            last: the text of the last checkpoint that those before signed; None before the first.
            at: when, UTC, whole seconds.

        Raises:
            KeyBookFull: they were exchanged as often as a store remembers.
        """
        if len(self.log_successions) >= SUCCESSIONS_MOST:
            raise KeyBookFull(f"a store remembers {SUCCESSIONS_MOST} pairs of log keys")
        made = LogKeys.generate()
        succession = make_log_succession(
            LogSuccession(
                self.log.verifiers(),
                made.verifiers(),
                None if last is None else Checkpoint.parse(last),
                root_fingerprint(root.verifying_key),
                at,
            ),
            lambda said: root.sign(LOG_SUCCESSION, said),
        )
        return replace(self, log=made, log_successions=(*self.log_successions, succession))

    def current(self) -> Self:
        """As they are: keys that are in no store."""
        return self


class ServiceCompartment(Protocol):
    """Where the service's keys are."""

    def current(self) -> ServiceKeys:
        """Gives them as they are kept now: the terminal may have exchanged one.

        Raises:
            StoreUnsafe, StoreInvalid: what is kept does not open.
        """
        ...


def encode_service(keys: ServiceKeys) -> bytes:
    """Gives the plaintext of the compartment's file."""
    return canonical.encode(
        {
            "v": 1,
            "type": SERVICE_TYPE,
            "receipts": object_of_signing(keys.receipts),
            "certifying": object_of_signing(keys.certifying),
            "log": {
                "ed25519": canonical.text_from_bytes(keys.log.ed25519_seed),
                "mldsa44": canonical.text_from_bytes(keys.log.mldsa44_seed),
            },
            "authority": canonical.text_from_bytes(keys.authority),
            "desks": canonical.text_from_bytes(keys.desks),
            **(
                {"successions": [canonical.decode(each) for each in keys.successions]}
                if keys.successions
                else {}
            ),
            **(
                {"ended_authorities": [_object_of_ended(each) for each in keys.ended]}
                if keys.ended
                else {}
            ),
            **(
                {"log_successions": [canonical.decode(each) for each in keys.log_successions]}
                if keys.log_successions
                else {}
            ),
        }
    )


def read_service(record: Record) -> ServiceKeys:
    """Reads what `encode_service` gives; `v` and `type` were taken.

    Raises:
        ValueError: another shape.
    """
    receipts = read_signing(record.record("receipts"))
    certifying = read_signing(record.record("certifying"))
    log = _read_log(record.record("log"))
    authority, desks = certifying.ed25519_seed, receipts.ed25519_seed
    if record.has("authority"):
        authority = record.octets("authority", SEED_BYTES)
        desks = record.octets("desks", SEED_BYTES)
    successions = _read_files(record, "successions")
    KeyLine.told(receipts.verifying_key, successions)
    log_successions = _read_files(record, "log_successions")
    LogLine.told(log.verifiers(), log_successions)
    ended: tuple[EndedAuthority, ...] = ()
    if record.has("ended_authorities"):
        values = record.items("ended_authorities", least=1, most=AUTHORITIES_MOST)
        ended = tuple(_read_ended(Record(value, "ended")) for value in values)
    record.close()
    return ServiceKeys(
        receipts, certifying, log, authority, desks, successions, ended, log_successions
    )


def _read_files(record: Record, member: str) -> tuple[bytes, ...]:
    if not record.has(member):
        return ()
    found = record.items(member, least=1, most=SUCCESSIONS_MOST)
    return tuple(canonical.encode(each) for each in found)


def _object_of_ended(ended: EndedAuthority) -> dict[str, str]:
    return {
        "certificate": canonical.text_from_bytes(ended.certificate),
        "until": canonical.text_from_time(ended.until),
    }


def _read_ended(record: Record) -> EndedAuthority:
    certificate = canonical.bytes_from_text(record.any_text("certificate"))
    ended = EndedAuthority(certificate, record.time("until"))
    record.close()
    return ended


def _read_log(record: Record) -> LogKeys:
    key = LogKeys(record.octets("ed25519", SEED_BYTES), record.octets("mldsa44", SEED_BYTES))
    record.close()
    return key
