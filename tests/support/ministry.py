"""A ministry for the tests: the decree's organisation, real keys, real database, no server.

Keys are made once for a test process; every ministry has its own database and blob store. What
the first one writes when it is founded, the next ones of the same posts copy: that is most of the
work of a test that reads one page of a bureau.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from copy import copy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, insert, select, text

from cipher_service import clock
from cipher_service.directory import enrolment
from cipher_service.directory.enrolment import ApiKey
from cipher_service.directory.organisation import default_organisation
from cipher_service.directory.organisation_book import load
from cipher_service.directory.register import Directory, DirectoryReader, read_directory
from cipher_service.dispatches.commands import Desk
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.dispatches.submission import Submission, judge
from cipher_service.labels.scheme import default_scheme
from cipher_service.references import new_id, series_epoch
from cipher_service.storage.batch import Batches, Outcome, Request
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.tables import metadata
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.age.hybrid import HybridKey
from keys.cards import Card, issue_card
from keys.custody.compartment import NoLock, SecretCompartment
from keys.custody.core import Custody
from keys.custody.log_keys import HeadInMemory
from keys.jws import ApiKey as Es256Key
from keys.receipts import Submitted, read_submitted_receipt
from keys.signing import SLIP, SigningKey
from keys.slips import SeriesNumber, Slip, SlipAddressee, sign_slip
from tests.support import postgres

HEADQUARTERS = "MINREX"
EPOCH = series_epoch(2026)


class PostKeys:
    """A post's own keys and card, in memory."""

    def __init__(self, code: str, edition: int = 1, previous: str | None = None) -> None:
        now = clock.now().replace(microsecond=0)
        self.code = code
        self.signing = SigningKey.generate()
        self.hybrid = HybridKey(secrets.token_bytes(32))
        self.api = Es256Key.generate()
        self.card: Card = issue_card(
            self.signing,
            self.hybrid.recipient,
            post=code,
            edition=edition,
            valid_from=now - timedelta(days=1),
            valid_until=now + timedelta(days=365),
            previous=previous,
        )

    @property
    def api_key(self) -> ApiKey:
        return ApiKey(self.api.thumbprint(), json.dumps(self.api.public_jwk()))

    def sign_slip(self, statement: bytes) -> bytes:
        return self.signing.sign_ed25519(SLIP, statement)


@cache
def post_keys(code: str) -> PostKeys:
    """The keys of a post, made once."""
    return PostKeys(code)


@cache
def custody() -> Custody:
    """The headquarters' custodian, in this process."""
    now = clock.now().replace(microsecond=0)
    return Custody.generate(
        HEADQUARTERS, valid_from=now - timedelta(days=1), valid_until=now + timedelta(days=365)
    )


def apart() -> Custody:
    """The same keys in a custodian of one test's own: its prekeys and states no other one sees."""
    keys = custody()
    secret = SecretCompartment(keys.bureau, NoLock(keys.card()))
    return Custody(keys.service, secret, HeadInMemory())


def _found(connection: Connection, posts: Sequence[str], now: datetime) -> None:
    """Load the organisation and bring posts into service, as headquarters does."""
    load(connection, default_organisation(), now)
    enrolment.install(connection, custody().card(), clock.now())
    for code in posts:
        keys_of = post_keys(code)
        once = enrolment.issue_code(connection, code, clock.now())
        enrolment.enrol(connection, once, keys_of.card, keys_of.api_key, clock.now())
        enrolment.activate(connection, code, keys_of.card.fingerprint, clock.now())


_Rows = list[tuple[Table, list[dict[str, Any]]]]
_FOUNDED: dict[tuple[str, ...], _Rows] = {}
"""What a founding wrote, by database and cards."""


def _written(connection: Connection) -> _Rows:
    """Return every row of a database, parents first."""
    rows = [(each, connection.execute(select(each)).mappings()) for each in metadata.sorted_tables]
    return [(each, [dict(row) for row in found]) for each, found in rows]


def _copy(connection: Connection, rows: _Rows) -> None:
    """Write rows into an empty database, whose own numbers go on after theirs.

    They come in the order in which a server keeps them, which need not be parents first: what held
    when they were written is not asked again.
    """
    counted = connection.dialect.name == "postgresql"
    if counted:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    for table, lines in rows:
        if not lines:
            continue
        connection.execute(insert(table), lines)
        for column in table.columns if counted else ():
            if column.identity is not None:
                sequence = func.pg_get_serial_sequence(table.name, column.name)
                last = max(line[column.name] for line in lines)
                connection.execute(select(func.setval(sequence, last)))
    if counted:
        connection.execute(text("SET LOCAL session_replication_role = origin"))


class Ministry:
    """A loaded ministry with some posts in service.

    Args:
        engine: a database of the present shape, empty.
        folder: for the blob store.
        posts: codes of the posts to enrol and activate.
    """

    def __init__(
        self, engine: Engine, folder: Path, posts: Sequence[str] = ("PARIS", "LOME")
    ) -> None:
        self.engine = engine
        self.blobs = Blobs(folder)
        self.custodian = custody()
        self.scheme = default_scheme()
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
        with unit_of_work(engine) as connection:
            # Any other role than the owner may not set what a column counts: it founds for itself.
            mine = engine.url.username in (None, postgres.USER)
            cards = [custody().card(), *(post_keys(code).card for code in posts)]
            founded = (engine.dialect.name, *(card.fingerprint for card in cards))
            if mine and founded in _FOUNDED:
                _copy(connection, _FOUNDED[founded])
            else:
                empty = not any(lines for _, lines in _written(connection))
                _found(connection, posts, self.now)
                if mine and empty:  # else a test's own rows would be copied into others' ministries
                    _FOUNDED[founded] = _written(connection)
        self.sealer = ReceiptSealer(self.custodian, HEADQUARTERS)
        self.desk = Desk(DirectoryReader(), self.blobs, self.sealer.service, now=lambda: self.now)
        self.batches = Batches(
            engine,
            self.desk.handlers(),
            self.sealer.before_commit,
            {"submit": self.desk.submit_together},
        )

    def on(self, engine: Engine) -> "Ministry":
        """The same ministry on a copy of its database."""
        other = copy(self)
        other.engine = engine
        other.batches = Batches(engine, self.desk.handlers(), self.sealer.before_commit)
        return other

    @property
    def directory(self) -> Directory:
        with reading(self.engine) as connection:
            return read_directory(connection)

    def slip(
        self,
        origin: str,
        to: Sequence[tuple[str, int]],
        body: bytes,
        *,
        dispatch_id: str | None = None,
        precedence: str = "ROUTINE",
        level: str = "SECRET",
        delivery: str = "cipher",
        copy: bool = False,
    ) -> Slip:
        """A slip from `origin` to (post, number) pairs for an envelope of these bytes."""
        entries = [
            SlipAddressee(
                post=post,
                fingerprint=self.card_of(post).fingerprint,
                role="action",
                precedence=precedence,
                delivery=delivery,
                series=SeriesNumber(EPOCH, number),
            )
            for post, number in to
        ]
        if copy:
            mine = self.card_of(origin).fingerprint
            entries.append(SlipAddressee(origin, mine, "copy", precedence, "cipher", None))
        return Slip(
            dispatch_id=dispatch_id or new_id(self.now),
            origin=origin,
            origin_card=self.card_of(origin).fingerprint,
            kind="telegram",
            level=level,
            caveats=("NODIS",),
            dtg=self.now.replace(second=0),
            envelope_sha256=hashlib.sha256(body).hexdigest(),
            envelope_size=len(body),
            addressees=tuple(entries),
        )

    def judged(self, slip: Slip) -> Submission:
        """Sign a slip as its origin and judge it as an API process does."""
        if slip.origin == HEADQUARTERS:
            signed = sign_slip(slip, self.custodian.sign_slip)
        else:
            signed = sign_slip(slip, post_keys(slip.origin).sign_slip)
        return judge(signed, self.directory, self.scheme, caller=slip.origin)

    def card_of(self, post: str) -> Card:
        return self.custodian.card() if post == HEADQUARTERS else post_keys(post).card

    def submit(self, slip: Slip, body: bytes | None) -> dict[str, Any]:
        """Submit as one batch; returns the answer or raises the refusal."""
        return self.answer(self.run(("submit", self.judged(slip).to_payload(body)))[0])

    def run(self, *commands: tuple[str, Any]) -> list[Outcome]:
        """Run commands as one batch."""
        return self.batches.run([Request(command, payload) for command, payload in commands])

    def answer(self, outcome: Outcome) -> dict[str, Any]:
        if outcome.refusal is not None:
            raise outcome.refusal
        result: dict[str, Any] = outcome.result
        return result

    def receipt(self, answer: dict[str, Any]) -> Submitted:
        """Read the receipt of an answer as its origin does."""
        return read_submitted_receipt(answer["receipt"], self.custodian.service_key())
