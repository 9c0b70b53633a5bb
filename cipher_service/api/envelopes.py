"""What the carrier can and must check of an envelope without opening it.

The checks, in order:

1. size and SHA-256 are the slip's;
2. the header is an age v1 header (1 MiB and 600 stanzas at most);
3. one label stanza, then hybrid ones only: one other recipient would give the file to whoever
   breaks elliptic curves;
4. as many hybrid stanzas as the slip names addressees;
5. the label names the slip's dispatch and its precedences.

Of a rerouted envelope (keys/TRANSPORT.md §1) 4 and 5 are: its last addendum is of the slip's origin
and names the slip's addressees, each with a stanza; the label names what the slip refers to.
"""

import hashlib
from io import BytesIO
from typing import Any, Final

from cipher_service.errors import ServiceError
from keys import canonical
from keys.age.header import MAX_HEADER_SIZE, Header
from keys.errors import AddresseesMismatch, LabelMismatch
from keys.package import check_stanzas, key_stanzas
from keys.rerouting import Addendum, last_act
from keys.slip_agreement import SlipMismatch, entries_of
from keys.slips import Slip

PREFIX: Final = MAX_HEADER_SIZE
"""How many bytes from the start of an envelope are enough to read its header."""


def check_small(slip: Slip, envelope: bytes) -> None:
    """Check a whole envelope that is in memory.

    Raises:
        ServiceError: ENVELOPE_MISMATCH.
        keys.errors.Refusal: as `check_header`.
    """
    check_body(slip, hashlib.sha256(envelope).hexdigest(), len(envelope))
    check_header(slip, envelope)


def check_body(slip: Slip, sha256: str, size: int) -> None:
    """Check size and hash.

    Raises:
        ServiceError: ENVELOPE_MISMATCH.
    """
    if (slip.envelope_sha256, slip.envelope_size) != (sha256, size):
        raise ServiceError("ENVELOPE_MISMATCH")


def check_header(slip: Slip, prefix: bytes) -> None:
    """Check the header against the slip.

    Args:
        slip: what the origin signed.
        prefix: the envelope's first `PREFIX` bytes, or all of it when it is shorter.

    Raises:
        keys.errors.Refusal: NOT_AGE, HEADER_MALFORMED, HEADER_TOO_LARGE, MIXED_RECIPIENTS,
            LABEL_MISMATCH, ADDRESSEES_MISMATCH, REROUTING_INVALID, SLIP_MISMATCH.
    """
    header = Header.parse(BytesIO(prefix))
    check_stanzas(header)
    act = last_act(header)
    if act is not None:
        _check_rerouted(slip, header, *act)
        return
    wrapped = key_stanzas(header)
    if wrapped != len(slip.addressees):
        raise AddresseesMismatch(f"{wrapped} stanzas for {len(slip.addressees)} addressees")
    routing = {entry.precedence for entry in slip.addressees if entry.role != "copy"}
    label = _label(header)
    if label.get("id") != slip.dispatch_id or label.get("routing") != sorted(routing):
        raise LabelMismatch("the label stanza is not that of the slip")


def _check_rerouted(slip: Slip, header: Header, addendum: Addendum, recipients: int) -> None:
    named = entries_of(addendum.to)
    if (slip.addressees, len(slip.addressees)) != (named, recipients):
        raise AddresseesMismatch(f"{recipients} stanzas for the {len(named)} of the last addendum")
    sender = addendum.sender
    if (slip.origin, slip.origin_card) != (sender.post, sender.fingerprint):
        raise SlipMismatch("another post than the slip's origin rerouted this last")
    inside = _label(header).get("id")
    if slip.references != (inside,) or slip.dispatch_id == inside:
        raise LabelMismatch("the label stanza is not that of the dispatch that the slip cites")


def _label(header: Header) -> dict[str, Any]:
    try:
        label = canonical.decode(header.stanzas[0].body)
    except ValueError as error:
        raise LabelMismatch("the label stanza is not canonical JSON") from error
    if not isinstance(label, dict):
        raise LabelMismatch("the label stanza is no object")
    return label
