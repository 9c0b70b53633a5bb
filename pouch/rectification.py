"""The correction of a bordereau after the bag was closed (rectificatif).

A manifest that was sealed is never altered: the label carries its digest. What its origin got wrong
in words or weights is put right by a signed statement that names each place, what stood there and
what is right; both stay. It says nothing of what lies in the bag: no line is added or taken away,
and no number of pieces, kind, level, class, seal, bag or destination is another afterwards. Whoever
finds one line more than was sealed has found a breach, whatever a rectification says.

    data = make_rectification(rectification, sealer=identity, witness=second_identity)
    right = rectified(sealed, [read_rectification(data)], trust=trust)
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.devices import RECTIFICATION
from keys.errors import CardNotInForce
from keys.records import FINGERPRINT, Record
from keys.statements import STATEMENT_BYTES_MAX, encode_statement, parse_statement
from pouch.bordereau import digest
from pouch.errors import (
    RectificationGap,
    RectificationMalformed,
    RectificationNotOfBag,
    RectificationNotTrusted,
    RectificationUnwitnessed,
)
from pouch.manifest import BAG, LINE, REGISTER, SALT_BYTES, SEAL
from pouch.places import Change, apply, place_of
from pouch.sealed import Signed, read_sealers, require_two_cards, sealers_object

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from pouch.manifest import Manifest
    from pouch.sealed import SealedManifest, Sealer
    from pouch.verdict import Trust

CHANGES_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Rectification:
    """What is put right in one sealed bordereau, at one time.

    Attributes:
        number: in the register of the service that corrects, `REGISTER`.
        bag: the bag's number, `BAG`.
        seal: identifier of the closing, `SEAL`.
        digest: of the sealed manifest, 64 hexadecimal digits.
        ordinal: 1 for the first of this closing, then one more each.
        previous: SHA-256 of the statement before, in hexadecimal; None for the first.
        made: UTC, whole seconds.
        name: of who answers for it, `LINE`.
        function: of that person, `LINE`.
        reason: why, `LINE`.
        changes: 1 to 32, no place twice.
        salt: 32 random bytes, so that the statement's hash shows nothing of it.
    """

    number: str
    bag: str
    seal: str
    digest: str
    ordinal: int
    previous: str | None
    made: datetime
    name: str
    function: str
    reason: str
    changes: tuple[Change, ...]
    salt: bytes

    def encode(self) -> bytes:
        """Gives the canonical bytes that are signed in context `valise/v1 rectification`.

        Raises:
            RectificationMalformed: a field is not as it must be.
        """
        return encode_statement(self, _object_of, _read, RectificationMalformed)

    @classmethod
    def parse(cls, data: bytes) -> Rectification:
        """Reads what `encode` gives.

        Raises:
            RectificationMalformed: any other bytes.
        """
        return parse_statement(data, _read, RectificationMalformed)

    @property
    def hash(self) -> str:
        """SHA-256 of the statement, in hexadecimal: what the next one names."""
        return sha256(self.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class SignedRectification:
    """A rectification with its signatures; reading it verified nothing (`rectified` does)."""

    statement: Rectification
    sealer: Signed
    witness: Signed | None


def make_rectification(
    statement: Rectification, *, sealer: Sealer, witness: Sealer | None = None
) -> bytes:
    """Makes the file of a rectification.

    Args:
        statement: what is put right.
        sealer: the first person, with a card of the bag's origin.
        witness: the second, with another card.

    Raises:
        RectificationMalformed: a field is not as it must be.
        WitnessIsSealer: both would sign with one card.
    """
    require_two_cards(sealer, witness)
    data = statement.encode()

    def by(person: Sealer) -> Signed:
        return Signed(person.card.fingerprint, person.sign(RECTIFICATION, data))

    return canonical.encode(
        {
            "statement": canonical.decode(data),
            **sealers_object(by(sealer), None if witness is None else by(witness)),
        }
    )


def read_rectification(data: bytes) -> SignedRectification:
    """Reads what `make_rectification` gives; one final newline is forgiven.

    Raises:
        RectificationMalformed: not canonical JSON, or not of the one shape.
    """
    if len(data) > STATEMENT_BYTES_MAX:
        raise RectificationMalformed(f"a rectification has at most {STATEMENT_BYTES_MAX} bytes")
    try:
        record = Record(canonical.decode(data.removesuffix(b"\n")), "rectification")
        statement = _read(record.record("statement"))
        sealer, witness = read_sealers(record)
        record.close()
    except ValueError as error:
        raise RectificationMalformed(str(error)) from error
    return SignedRectification(statement, sealer, witness)


def rectified(
    sealed: SealedManifest,
    corrections: Sequence[SignedRectification],
    *,
    trust: Trust,
    revoked: Collection[str] = (),
    own_books: bool = False,
) -> Manifest:
    """Gives a manifest as its origin put it right; the sealed one stays what was sealed.

    Args:
        sealed: a sealed manifest that `pouch.verdict.judge` found genuine.
        corrections: all of this closing, in their order.
        trust: cards known to be what they say.
        revoked: fingerprints of cards that count no more.
        own_books: the origin reads what it keeps itself. A second card that it does not know is
            not verified: whose it is stands beside it.

    Raises:
        RectificationNotOfBag: it is of another closing, or something else stood there.
        RectificationGap: one before it is not at hand.
        RectificationNotTrusted: who signed is not trusted, not of the origin, not in force.
        RectificationUnwitnessed: two persons closed the bag, and one alone corrects.
        SignatureInvalid: a signature does not hold.
    """
    manifest, before = sealed.manifest, None
    told = manifest.bag, manifest.seal, digest(manifest).hex()
    for ordinal, correction in enumerate(corrections, 1):
        statement = correction.statement
        if (statement.bag, statement.seal, statement.digest) != told:
            raise RectificationNotOfBag(f"{statement.number} is of another bordereau")
        if (statement.ordinal, statement.previous) != (ordinal, before):
            raise RectificationGap(f"{statement.number} does not follow number {ordinal - 1}")
        if statement.made < manifest.closed:
            raise RectificationNotOfBag(f"{statement.number} is older than the closing")
        _require_signed(sealed, correction, trust, revoked, own_books=own_books)
        manifest, before = apply(manifest, statement.changes), statement.hash
    return manifest


def _require_signed(
    sealed: SealedManifest,
    correction: SignedRectification,
    trust: Trust,
    revoked: Collection[str],
    *,
    own_books: bool,
) -> None:
    statement, first, second = correction.statement, correction.sealer, correction.witness
    if second is None and sealed.seal.claims.witness is not None:
        raise RectificationUnwitnessed(f"{statement.number} has one signature, the seal two")
    if second is not None and second.fingerprint == first.fingerprint:
        raise RectificationUnwitnessed(f"one card signed {statement.number} twice")
    data = statement.encode()
    for signed in (first,) if second is None else (first, second):
        card = trust.card(signed.fingerprint)
        if card is None and own_books and signed is second:
            continue
        if card is None or card.fingerprint in revoked:
            raise RectificationNotTrusted(f"the card {signed.fingerprint} counts not")
        if signed is first and card.post != sealed.manifest.waybill.origin:
            raise RectificationNotTrusted(f"{card.post} did not close the bag")
        try:
            card.require_in_force(statement.made)
        except CardNotInForce as error:
            raise RectificationNotTrusted(str(error)) from error
        card.verifying_key.verify(RECTIFICATION, data, signed.signatures)


def _object_of(statement: Rectification) -> dict[str, Any]:
    return {
        "v": 1,
        "type": RECTIFICATION,
        "number": statement.number,
        "bag": statement.bag,
        "seal": statement.seal,
        "digest": statement.digest,
        "ordinal": statement.ordinal,
        "previous": statement.previous,
        "made": canonical.text_from_time(statement.made),
        "by": {"name": statement.name, "function": statement.function},
        "reason": statement.reason,
        "changes": [
            {"line": change.line, "what": change.what, "was": change.was, "now": change.now}
            for change in statement.changes
        ],
        "salt": canonical.text_from_bytes(statement.salt),
    }


def _read(record: Record) -> Rectification:
    record.constant("v", 1)
    record.constant("type", RECTIFICATION)
    by = record.record("by")
    statement = Rectification(
        number=record.text("number", REGISTER),
        bag=record.text("bag", BAG),
        seal=record.text("seal", SEAL),
        digest=record.text("digest", FINGERPRINT),
        ordinal=record.integer("ordinal", least=1),
        previous=record.optional_text("previous", FINGERPRINT),
        made=record.time("made"),
        name=by.text("name", LINE),
        function=by.text("function", LINE),
        reason=record.text("reason", LINE),
        changes=tuple(
            _read_change(Record(each, f"change {place}"))
            for place, each in enumerate(record.items("changes", least=1, most=CHANGES_MAX), 1)
        ),
        salt=record.octets("salt", SALT_BYTES),
    )
    by.close()
    record.close()
    if (statement.ordinal == 1) != (statement.previous is None):
        raise ValueError("rectification.previous is null for the first, and only there")
    places = {(change.line, change.what) for change in statement.changes}
    if len(places) < len(statement.changes):
        raise ValueError("rectification.changes name one place twice")
    return statement


def _read_change(record: Record) -> Change:
    line = record.optional_integer("line", least=1)
    what = record.any_text("what")
    try:
        place = place_of(line, what)
    except KeyError as error:
        raise ValueError("change.what is nothing that a rectification puts right") from error
    change = Change(line, what, place.read(record, "was"), place.read(record, "now"))
    record.close()
    if change.was == change.now:
        raise ValueError("change.now is what stood there")
    return change
