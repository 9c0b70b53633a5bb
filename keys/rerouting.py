"""The rerouting addendum: addressees whom a header gained after its dispatch was signed.

    depeche.v1/label  ...
    mlkem768x25519    one for each entry of the manifest's `to`
    depeche.v1/rerouting  {"addendum": ..., "signatures": {"ed25519", "mldsa65"}}
    mlkem768x25519    one for each entry of this addendum's `to`
    depeche.v1/rerouting  ...

Label, payload and the sender's signatures stay as they are; the header's MAC, made with the file
key, covers all of it (SPEC.md §9). An addendum names the manifest by its hash and the addendum
before it by its own, so that none can be moved to another dispatch or dropped from the middle.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.age.header import Stanza
from keys.errors import (
    AddresseesMismatch,
    NotIntended,
    ReroutingInvalid,
    ReroutingNotEntitled,
    UnknownSender,
)
from keys.manifest import (
    ADDRESSEES_MAX,
    Addressee,
    Sender,
    addressee_members,
    check_copies,
    read_addressee,
)
from keys.package import KEY_TYPES, REROUTING_TYPE
from keys.records import FINGERPRINT, POST, Record
from keys.signing import REROUTING, Signatures
from keys.statements import object_of_signatures, read_signatures

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from keys.age.header import Header
    from keys.cards import Card
    from keys.manifest import Manifest

_REASON: Final = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{1,200}")


@dataclass(frozen=True)
class Addendum:
    """One act of rerouting.

    Attributes:
        manifest: hash of the manifest that the header belongs to.
        number: 1 for the first addendum of the dispatch.
        previous: lower-case hexadecimal SHA-256 of the addendum before, None for the first.
        sender: the post and the card whose keys sign; never the origin's word unless it is it.
        to: whom the header gains, as in a manifest; a `copy` is the rerouting post's own.
        created: UTC, whole seconds.
        reason: one line of 1 to 200 characters.
    """

    manifest: str
    number: int
    previous: str | None
    sender: Sender
    to: tuple[Addressee, ...]
    created: datetime
    reason: str

    def encode(self) -> bytes:
        """The canonical bytes that are signed.

        Raises:
            ReroutingInvalid: a member holds what its readers would refuse.
        """
        try:
            data = canonical.encode(_members(self))
            _read_addendum(Record(canonical.decode(data), "addendum"))
        except ValueError as error:
            raise ReroutingInvalid(str(error)) from error
        return data

    @classmethod
    def parse(cls, data: bytes) -> Addendum:
        """Reads what `encode` gives.

        Raises:
            ReroutingInvalid: other bytes.
        """
        try:
            return _read_addendum(Record(canonical.decode(data), "addendum"))
        except ValueError as error:
            raise ReroutingInvalid(str(error)) from error

    @property
    def hash(self) -> str:
        """Lower-case hexadecimal SHA-256 of `encode()`, which the next addendum cites."""
        return hashlib.sha256(self.encode()).hexdigest()


@dataclass(frozen=True)
class Rerouting:
    """An addendum as it stands in a header, with its signatures, verified or not."""

    addendum: Addendum
    signatures: Signatures

    def stanza(self) -> Stanza:
        """The stanza that carries it."""
        body = {
            "addendum": canonical.decode(self.addendum.encode()),
            "signatures": object_of_signatures(self.signatures),
        }
        return Stanza(REROUTING_TYPE, (), canonical.encode(body))


def by_origin(rerouter: Card, manifest: Manifest) -> bool:
    """The rule where nothing else is known: only the sender's post reroutes its dispatch."""
    return rerouter.post == manifest.sender.post


def check_intended(header: Header, manifest: Manifest, fingerprints: Collection[str]) -> Addressee:
    """Demands that the manifest or an addendum names one of our cards, and gives the entry.

    Raises:
        NotIntended: neither does: somebody forwarded the dispatch behind its sender's back.
        ReroutingInvalid: an addendum cannot be read.
    """
    for entry in manifest.to:
        if entry.fingerprint in fingerprints:
            return entry
    for each in _reroutings(header):
        for entry in each.addendum.to:
            if entry.fingerprint in fingerprints:
                return entry
    raise NotIntended("nobody named the card that opened the dispatch")


def check_addressees(header: Header, manifest: Manifest) -> tuple[Rerouting, ...]:
    """Demands one hybrid stanza for each entry of `to`, then likewise for each addendum in turn.

    Returns:
        The addenda, in their chain; their signatures are for `verify_rerouting`.

    Raises:
        AddresseesMismatch: somebody with the file key added or dropped a recipient.
        ReroutingInvalid: an addendum cannot be read, is another dispatch's, or out of its place.
    """
    counts = _counts(header)
    if counts[0] != len(manifest.to) or 0 in counts:
        raise AddresseesMismatch(
            f"the header has {counts} recipients; the manifest names {len(manifest.to)} addressees"
        )
    reroutings = _reroutings(header)
    named = {(entry.fingerprint, entry.key) for entry in manifest.to}
    previous: Addendum | None = None
    for number, each in enumerate(reroutings, start=1):
        addendum = each.addendum
        place = (manifest.hash, number, None if previous is None else previous.hash)
        if (addendum.manifest, addendum.number, addendum.previous) != place:
            raise ReroutingInvalid(f"addendum {number} is another dispatch's or out of its place")
        if counts[number] != len(addendum.to):
            raise AddresseesMismatch(
                f"addendum {number} names {len(addendum.to)} addressees; "
                f"{counts[number]} recipients follow it"
            )
        gained = {(entry.fingerprint, entry.key) for entry in addendum.to}
        if gained & named:
            raise ReroutingInvalid(f"addendum {number} names a key that was named before")
        named |= gained
        previous = addendum
    return reroutings


def last_act(header: Header) -> tuple[Addendum, int] | None:
    """Gives the last addendum of a header, and how many recipients follow it; None without any.

    Whoever carries the envelope can read this much; nothing of it is verified.

    Raises:
        ReroutingInvalid: an addendum cannot be read.
    """
    reroutings = _reroutings(header)
    return (reroutings[-1].addendum, _counts(header)[-1]) if reroutings else None


def verify_rerouting(
    rerouting: Rerouting,
    manifest: Manifest,
    find_card: Callable[[str], Card | None],
    may_reroute: Callable[[Card, Manifest], bool],
) -> Card:
    """Demands that a trusted, entitled card signed an addendum while it was in force.

    Args:
        rerouting: from `check_addressees`.
        manifest: of the dispatch.
        find_card: gives the trusted card with a fingerprint, or None.
        may_reroute: whether that card may reroute this dispatch.

    Returns:
        The card.

    Raises:
        UnknownSender: no trusted card of that post has this fingerprint.
        ReroutingNotEntitled: `may_reroute` says no.
        SignatureInvalid: a signature does not hold.
        CardNotInForce: the card was not, at the addendum's `created`.
    """
    addendum, named = rerouting.addendum, rerouting.addendum.sender
    card = find_card(named.fingerprint)
    if card is None or (card.fingerprint, card.post) != (named.fingerprint, named.post):
        raise UnknownSender(f"no trusted card of {named.post} is {named.fingerprint}")
    if not may_reroute(card, manifest):
        raise ReroutingNotEntitled(f"{card.post} may not reroute this dispatch")
    card.verifying_key.verify(REROUTING, addendum.encode(), rerouting.signatures)
    card.require_in_force(addendum.created)
    return card


def _counts(header: Header) -> list[int]:
    """How many key stanzas follow the label, and each addendum after it."""
    counts = [0]
    for stanza in header.stanzas[1:]:
        if stanza.type in KEY_TYPES:
            counts[-1] += 1
        else:
            counts.append(0)
    return counts


def _reroutings(header: Header) -> tuple[Rerouting, ...]:
    return tuple(_read(each) for each in header.stanzas if each.type == REROUTING_TYPE)


def _read(stanza: Stanza) -> Rerouting:
    if stanza.args:
        raise ReroutingInvalid("a rerouting stanza has no argument")
    try:
        record = Record(canonical.decode(stanza.body), "rerouting")
        signatures = read_signatures(record.record("signatures"))
        addendum = _read_addendum(record.record("addendum"))
        record.close()
    except ValueError as error:
        raise ReroutingInvalid(str(error)) from error
    return Rerouting(addendum, signatures)


def _members(addendum: Addendum) -> dict[str, Any]:
    return {
        "v": 1,
        "type": REROUTING,
        "manifest": addendum.manifest,
        "number": addendum.number,
        "previous": addendum.previous,
        "sender": {"post": addendum.sender.post, "fingerprint": addendum.sender.fingerprint},
        "to": [addressee_members(entry) for entry in addendum.to],
        "created": canonical.text_from_time(addendum.created),
        "reason": addendum.reason,
    }


def _read_addendum(record: Record) -> Addendum:
    record.constant("v", 1)
    record.constant("type", REROUTING)
    sender = record.record("sender")
    addendum = Addendum(
        manifest=record.text("manifest", FINGERPRINT),
        number=record.integer("number", least=1),
        previous=record.optional_text("previous", FINGERPRINT),
        sender=Sender(sender.text("post", POST), sender.text("fingerprint", FINGERPRINT)),
        to=_read_addressees(record.items("to", least=1, most=ADDRESSEES_MAX)),
        created=record.time("created"),
        reason=record.text("reason", _REASON),
    )
    sender.close()
    record.close()
    if (addendum.number == 1) != (addendum.previous is None):
        raise ValueError("addendum.previous is there from the second addendum on, and only then")
    check_copies(addendum.to, addendum.sender)
    if len({(entry.fingerprint, entry.key) for entry in addendum.to}) != len(addendum.to):
        raise ValueError("addendum.to names a key twice")
    return addendum


def _read_addressees(values: Sequence[Any]) -> tuple[Addressee, ...]:
    return tuple(read_addressee(Record(value, "addendum.to")) for value in values)
