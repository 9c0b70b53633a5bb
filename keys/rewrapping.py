"""Gives a dispatch more addressees, or its addressees new keys, without touching its payload.

`reroute` opens the head of a dispatch, as any addressee may, and makes a new header: the old
stanzas in their order, one signed addendum, one new stanza for each new addressee, a new MAC. The
payload, the label stanza and the sender's signatures are the same bytes; `write_rerouted` copies
the payload inside the kernel, and who stores header and payload apart copies nothing.

    with path.open("rb") as source:
        rerouted = reroute(source, [Destination(card, "ROUTINE", series)], opener=identity,
                           signer=identity, find_sender=cards.get, created=now, reason="...")
    write_rerouted(rerouted, path, target)

Rewrapping for a new key of one's own is rerouting with role `copy`.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from keys.age.header import Header, seal_header
from keys.heads import open_head
from keys.manifest import Sender
from keys.rerouting import Addendum, Rerouting, by_origin, check_addressees
from keys.sealing import addressee_of, wrap_for
from keys.signing import REROUTING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from keys.cards import Card
    from keys.heads import FileKeyOpener, Head
    from keys.manifest import Manifest
    from keys.s2.complements import Complement
    from keys.sealing import Destination
    from keys.signing import Signatures

_PIECE = 1 << 30


class ReroutingSigner(Protocol):
    """Who signs addenda: an identity, or a custodian that holds its keys elsewhere."""

    @property
    def card(self) -> Card:
        """The card whose keys sign."""
        ...

    def sign_rerouting(self, addendum: bytes) -> Signatures:
        """Both signatures over an addendum's bytes, context `depeche/v1 rerouting`."""
        ...


@dataclass(frozen=True)
class Rerouted:
    """A new header for an old payload.

    Attributes:
        header: its bytes; the payload follows.
        payload_at: where the payload begins in the file that was read.
        manifest: as its sender signed it.
        sender: the card that verified it.
        addendum: what was added.
    """

    header: bytes
    payload_at: int
    manifest: Manifest
    sender: Card
    addendum: Addendum


def reroute(
    source: BinaryIO,
    destinations: Sequence[Destination],
    *,
    opener: FileKeyOpener,
    signer: ReroutingSigner,
    find_sender: Callable[[str], Card | None],
    created: datetime,
    reason: str,
    may_reroute: Callable[[Card, Manifest], bool] = by_origin,
    find_complement: Callable[[str], Complement | None] = lambda _fingerprint: None,
) -> Rerouted:
    """Makes the header of a dispatch anew, with more addressees.

    In this order: 1. the dispatch's head passes checks 1 to 11 of SPEC.md §8, so that nobody
    reroutes what they could not have received; 2. every card is in force at `created`; 3. the
    addendum is made, read back, signed, and its signatures verified; 4. the file key is wrapped
    for each destination; 5. the new header is judged as an addressee will judge it.

    Args:
        source: a buffered binary stream at the first byte of the age file.
        destinations: 1 to as many as the header's caps leave; the card of each becomes its entry.
        opener: our key, named by the dispatch.
        signer: whose card becomes the rerouter.
        find_sender: gives the trusted card with a fingerprint, or None; it must know the
            signer's too where `source` was rerouted before.
        created: UTC, whole seconds.
        reason: one line of 1 to 200 characters; every addressee reads it.
        may_reroute: as for `decipher`; judges what `source` carries already.
        find_complement: as for `decipher`.

    Raises:
        Refusal: what `decipher` refuses until check 11.
        CardNotInForce: the signer's card or a destination's is not valid at `created`.
        ReroutingInvalid: a field that no reader would accept, or a key that is named already.
        SignatureInvalid: the signer's answer does not verify with its card.
        ComplementInvalid: a dispatch of suite S2, and the keys of it of a card are not here.
    """
    # 1.
    head = open_head(
        source,
        opener=opener,
        find_sender=find_sender,
        may_reroute=may_reroute,
        find_complement=find_complement,
    )
    # 2.
    for card in (signer.card, *(destination.card for destination in destinations)):
        card.require_in_force(created)
    # 3.
    added = _signed(_addendum(head, signer.card, destinations, created, reason), signer)
    # 4.
    wrapped = [wrap_for(head.file_key, each) for each in destinations]
    stanzas = (*head.header.stanzas, added.stanza(), *wrapped)
    # 5.
    check_addressees(Header(stanzas, head.header.mac), head.manifest)
    header, old = seal_header(stanzas, head.file_key), head.header.encode()
    return Rerouted(header, len(old), head.manifest, head.sender, added.addendum)


def _addendum(
    head: Head, rerouter: Card, destinations: Sequence[Destination], created: datetime, reason: str
) -> Addendum:
    """What follows the addenda that a dispatch carries already."""
    before = head.reroutings[-1].addendum if head.reroutings else None
    return Addendum(
        manifest=head.manifest.hash,
        number=len(head.reroutings) + 1,
        previous=None if before is None else before.hash,
        sender=Sender(rerouter.post, rerouter.fingerprint),
        to=tuple(map(addressee_of, destinations)),
        created=created,
        reason=reason,
    )


def _signed(addendum: Addendum, signer: ReroutingSigner) -> Rerouting:
    statement = addendum.encode()
    signatures = signer.sign_rerouting(statement)
    signer.card.verifying_key.verify(REROUTING, statement, signatures)
    return Rerouting(addendum, signatures)


def write_rerouted(rerouted: Rerouted, source: Path, target: Path) -> int:
    """Writes the new header and the old payload to a new file, durably; gives its size.

    The payload goes from file to file inside the kernel (copy_file_range(2)), and by hand where a
    file system does not do that.

    Args:
        rerouted: of `source`.
        source: the file that was rerouted.
        target: must not exist; removed again on any error.

    Raises:
        FileExistsError: `target` is there.
        OSError: the disk refuses.
    """
    with source.open("rb", buffering=0) as old, target.open("xb", buffering=0) as new:
        try:
            target.chmod(0o600)
            new.write(rerouted.header)
            _copy(old, new, rerouted.payload_at)
            os.fsync(new.fileno())
            return new.tell()
        except BaseException:
            target.unlink(missing_ok=True)
            raise


def _copy(old: BinaryIO, new: BinaryIO, start: int) -> None:
    old.seek(start)
    try:
        while os.copy_file_range(old.fileno(), new.fileno(), _PIECE):
            pass
    except OSError:
        # Across file systems, or none that can: both files stand where the kernel left them.
        shutil.copyfileobj(old, new, 1 << 20)
