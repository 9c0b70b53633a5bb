"""The sync pack: what a device without network needs to judge a bag, signed by the ministry's root.

It holds the cards in force, the bags announced and not yet received, the closings that were
received (a second arrival is a copy), what was recalled or revoked, and roots of the log. It has a
version and an end. Whoever stores packs keeps the highest version seen and refuses a lower one,
since an old pack knows no new revocation; how old a pack is stands in every verdict.

    data = make_pack(pack, sign=root.sign)
    pack = read_pack(data, root.verifying_key, least_version=7, at=now)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.cards import Card, read_card
from keys.devices import PACK
from keys.errors import CardInvalid, SignatureInvalid
from keys.log.notes import NOTE_BYTES_MAX
from keys.records import FINGERPRINT, POST, Record, is_exercise
from keys.statements import object_of_signatures, read_signatures
from pouch.errors import PackMalformed, PackNotOfRoot, PackNotYetValid, PackRolledBack
from pouch.logged import logged_object, read_logged
from pouch.manifest import BAG, PACKAGES_MAX, SEAL, WEIGHT_MAX_G
from pouch.members import bounded, read_seals

if TYPE_CHECKING:
    import re
    from collections.abc import Callable
    from datetime import datetime

    from keys.signing import Signatures, VerifyingKey
    from pouch.logged import Logged

PACK_BYTES_MAX: Final = 16 * 1024 * 1024
# Clocks of devices differ by so much without being wrong.
SKEW: Final = timedelta(minutes=5)

_CARDS_MAX: Final = 2_000
_BAGS_MAX: Final = 20_000
_ROOTS_MAX: Final = 1_000


@dataclass(frozen=True, slots=True)
class RectifiedTo:
    """What a bag's origin put right in its bordereau, as far as it is told outside of a bag.

    Attributes:
        ordinal: of the last rectification of this closing, from 1.
        hash: of its statement, 64 hexadecimal digits; a salt keeps what it says from being guessed.
        weight_g: of the closed bag, as it is right.
    """

    ordinal: int
    hash: str
    weight_g: int


@dataclass(frozen=True, slots=True)
class Announced:
    """A bag on its way, as its origin told it through the cipher.

    Attributes:
        seal: identifier of the closing.
        bag: 22 digits.
        digest: of its manifest, 64 hexadecimal digits.
        seals: numbers of its physical seals.
        destination: code of the post that receives.
        packages: how many bags travel together.
        expires: when its seal ends; None where the ministry does not know the seal.
        logged: that the log holds the seal; None as long as no signed head says so.
        rectified: how its bordereau was put right; None where it stands as sealed.
        hand_overs: ordinal of the furthest hand-over that was told, 0 for none.
    """

    seal: str
    bag: str
    digest: str
    seals: tuple[str, ...]
    destination: str
    packages: int
    expires: datetime | None = None
    logged: Logged | None = None
    rectified: RectifiedTo | None = None
    hand_overs: int = 0


@dataclass(frozen=True, slots=True)
class Arrival:
    """A closing that was received: it cannot arrive again.

    Attributes:
        seal: identifier of the closing.
        place: code of the post where it was received.
        at: when, UTC, whole seconds.
    """

    seal: str
    place: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Pack:
    """What a device knows.

    Attributes:
        version: of the pack, from 1, always rising.
        issued: UTC, whole seconds.
        expires: from then on the pack decides nothing any more.
        cards: of posts and officers, in force or lately so.
        announced: bags under way; a bag that is not among them is unannounced.
        arrivals: closings that were received.
        revoked_seals: identifiers of closings that count no more.
        revoked_cards: fingerprints of cards that count no more.
        roots: roots of the log by the sizes of its tree.
        recalled: identifiers of closings that their origins want back, unopened.
        checkpoint: the log's signed head whose root is among `roots`, as the log publishes it; b""
            for none.
        devices: ids of the devices in force, with which a bag may be handed over without network.
    """

    version: int
    issued: datetime
    expires: datetime
    cards: tuple[Card, ...]
    announced: tuple[Announced, ...]
    arrivals: tuple[Arrival, ...]
    revoked_seals: frozenset[str]
    revoked_cards: frozenset[str]
    roots: dict[int, bytes]
    recalled: frozenset[str] = frozenset()
    checkpoint: bytes = b""
    devices: frozenset[str] = frozenset()


def make_pack(pack: Pack, *, sign: Callable[[str, bytes], Signatures]) -> bytes:
    """Gives the file of a pack, signed by the root.

    Args:
        pack: what to tell.
        sign: both signatures over a message in a context; `SigningKey.sign` fits.

    Raises:
        PackMalformed: the pack says what no pack can.
    """
    try:
        statement = canonical.encode(_pack_object(pack))
        _read(Record(canonical.decode(statement), "pack"))
    except ValueError as error:
        raise PackMalformed(str(error)) from error
    signatures = canonical.encode(object_of_signatures(sign(PACK, statement)))
    return b'{"signatures":%b,"statement":%b}' % (signatures, statement)


def read_pack(data: bytes, root: VerifyingKey, *, least_version: int, at: datetime) -> Pack:
    """Reads a pack and checks it whole.

    The order: 1. canonical JSON of the outer form; 2. both signatures of the root; 3. the members;
    4. the version; 5. it is not from the future. That it has expired is for the verdict, which
    says so beside what the pack still shows.

    Args:
        data: the file; one final newline is forgiven.
        root: the root's public keys.
        least_version: the highest version seen before, 0 for none.
        at: the present time.

    Raises:
        PackMalformed: 1 or 3 fails.
        PackNotOfRoot: 2 fails.
        PackRolledBack: 4 fails.
        PackNotYetValid: 5 fails.
    """
    # 1.
    if len(data) > PACK_BYTES_MAX:
        raise PackMalformed(f"a pack has at most {PACK_BYTES_MAX} bytes")
    try:
        value = canonical.decode(data.removesuffix(b"\n"))
        record = Record(value, "pack")
        statement = record.record("statement")
        signatures = read_signatures(record.record("signatures"))
        record.close()
    except ValueError as error:
        raise PackMalformed(str(error)) from error
    # 2.
    try:
        root.verify(PACK, canonical.encode(value["statement"]), signatures)
    except SignatureInvalid as error:
        raise PackNotOfRoot(str(error)) from error
    # 3.
    try:
        pack = _read(statement)
    except ValueError as error:
        raise PackMalformed(str(error)) from error
    # 4.
    if pack.version < least_version:
        raise PackRolledBack(f"version {pack.version} after version {least_version}")
    # 5.
    if pack.issued > at + SKEW:
        raise PackNotYetValid(f"issued at {canonical.text_from_time(pack.issued)}")
    return pack


def _pack_object(pack: Pack) -> dict[str, Any]:
    # What packs did not tell from the beginning is left out where there is nothing to tell.
    recalled = {"recalled": sorted(pack.recalled)} if pack.recalled else {}
    head = {"checkpoint": canonical.text_from_bytes(pack.checkpoint)} if pack.checkpoint else {}
    devices = {"devices": sorted(pack.devices)} if pack.devices else {}
    return {
        "v": 1,
        "type": PACK,
        "version": pack.version,
        "issued": canonical.text_from_time(pack.issued),
        "expires": canonical.text_from_time(pack.expires),
        "cards": [canonical.decode(card.to_bytes()) for card in pack.cards],
        "announced": [_announced_object(bag) for bag in pack.announced],
        "arrivals": [
            {"seal": each.seal, "place": each.place, "at": canonical.text_from_time(each.at)}
            for each in pack.arrivals
        ],
        "revoked_seals": sorted(pack.revoked_seals),
        "revoked_cards": sorted(pack.revoked_cards),
        "roots": [{"size": size, "root": pack.roots[size].hex()} for size in sorted(pack.roots)],
        **recalled,
        **head,
        **devices,
    }


def _announced_object(bag: Announced) -> dict[str, Any]:
    expires = None if bag.expires is None else canonical.text_from_time(bag.expires)
    return {
        "seal": bag.seal,
        "bag": bag.bag,
        "digest": bag.digest,
        "seals": bag.seals,
        "destination": bag.destination,
        "packages": bag.packages,
        **({} if expires is None else {"expires": expires}),
        **({} if bag.logged is None else {"logged": logged_object(bag.logged)}),
        **({} if bag.rectified is None else {"rectified": _rectified_object(bag.rectified)}),
        **({"hand_overs": bag.hand_overs} if bag.hand_overs else {}),
    }


def _rectified_object(told: RectifiedTo) -> dict[str, Any]:
    return {"hash": told.hash, "ordinal": told.ordinal, "weight_g": told.weight_g}


def _read(record: Record) -> Pack:
    record.constant("v", 1)
    record.constant("type", PACK)
    roots = [_read_root(item) for item in record.items("roots", most=_ROOTS_MAX)]
    pack = Pack(
        version=record.integer("version", least=1),
        issued=record.time("issued"),
        expires=record.time("expires"),
        cards=tuple(_read_card(item) for item in record.items("cards", most=_CARDS_MAX)),
        announced=tuple(
            _read_announced(Record(item, "announced"))
            for item in record.items("announced", most=_BAGS_MAX)
        ),
        arrivals=tuple(
            _read_arrival(Record(item, "arrival"))
            for item in record.items("arrivals", most=_BAGS_MAX)
        ),
        revoked_seals=frozenset(record.texts("revoked_seals", SEAL, most=_BAGS_MAX)),
        revoked_cards=frozenset(record.texts("revoked_cards", FINGERPRINT, most=_BAGS_MAX)),
        roots=dict(roots),
        recalled=_read_set(record, "recalled", SEAL),
        checkpoint=_read_checkpoint(record),
        devices=_read_set(record, "devices", FINGERPRINT),
    )
    record.close()
    if pack.issued >= pack.expires:
        raise ValueError("pack.expires is not after pack.issued")
    _require_unmixed(pack)
    for told, name in ((pack.announced, "announced"), (pack.arrivals, "arrivals")):
        if len({each.seal for each in told}) != len(told):
            raise ValueError(f"pack.{name} names a closing twice")
    return pack


def _require_unmixed(pack: Pack) -> None:
    """Demands that what tells of an exercise tells of nothing else."""
    posts = {
        *(card.post for card in pack.cards),
        *(bag.destination for bag in pack.announced),
        *(arrival.place for arrival in pack.arrivals),
    }
    if len(set(map(is_exercise, posts))) > 1:
        raise ValueError("a pack of a ministry holds something of an exercise")


def _read_set(record: Record, member: str, pattern: re.Pattern[str]) -> frozenset[str]:
    """Reads a set that is left out where it is empty: packs did not tell it from the beginning."""
    if not record.has(member):
        return frozenset()
    return frozenset(record.texts(member, pattern, least=1, most=_BAGS_MAX))


def _read_checkpoint(record: Record) -> bytes:
    """Reads the signed head, if there is one: the root's signature speaks for `roots` by itself."""
    if not record.has("checkpoint"):
        return b""
    note = canonical.bytes_from_text(record.any_text("checkpoint"))
    if not 0 < len(note) <= NOTE_BYTES_MAX:
        raise ValueError("pack.checkpoint is no signed head")
    return note


def _read_card(item: object) -> Card:
    try:
        return read_card(canonical.encode(item))
    except CardInvalid as error:
        raise ValueError(f"a card of the pack is no card: {error}") from error


def _read_announced(record: Record) -> Announced:
    announced = Announced(
        seal=record.text("seal", SEAL),
        bag=record.text("bag", BAG),
        digest=record.text("digest", FINGERPRINT),
        seals=read_seals(record),
        destination=record.text("destination", POST),
        packages=bounded(record, "packages", PACKAGES_MAX),
        expires=record.time("expires") if record.has("expires") else None,
        logged=read_logged(record.record("logged")) if record.has("logged") else None,
        rectified=_read_rectified(record.record("rectified")) if record.has("rectified") else None,
        hand_overs=record.integer("hand_overs", least=1) if record.has("hand_overs") else 0,
    )
    record.close()
    return announced


def _read_rectified(record: Record) -> RectifiedTo:
    told = RectifiedTo(
        ordinal=record.integer("ordinal", least=1),
        hash=record.text("hash", FINGERPRINT),
        weight_g=bounded(record, "weight_g", WEIGHT_MAX_G),
    )
    record.close()
    return told


def _read_arrival(record: Record) -> Arrival:
    arrival = Arrival(
        seal=record.text("seal", SEAL), place=record.text("place", POST), at=record.time("at")
    )
    record.close()
    return arrival


def _read_root(item: object) -> tuple[int, bytes]:
    record = Record(item, "root")
    size, digest = record.integer("size", least=1), record.text("root", FINGERPRINT)
    record.close()
    return size, bytes.fromhex(digest)
