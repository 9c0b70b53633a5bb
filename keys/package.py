"""What stands in the archive besides the parts, and the label stanza that answers to it.

    manifest.json            canonical bytes, at most 256 KiB
    manifest.json.ed25519    64 bytes, context `depeche/v1 manifest`
    manifest.json.mldsa65    3,309 bytes, same context
    manifest.json.mldsa87    4,627 bytes, same context, in suite S2 alone
    SHA256SUMS               one line a part, for people with sha256sum
    message.txt
    attachments/001-name ...

The label stanza stands first in the age header. age readers ignore it and its MAC covers it; it
lets a carrier route a dispatch, and ties the header to one manifest.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.age.header import Stanza
from keys.age.hybrid import HYBRID_TYPE, refuse_mixed
from keys.errors import HeaderMalformed, LabelMismatch, SuiteBelowFloor
from keys.manifest import COPY
from keys.records import ULID, Record
from keys.s2.recipients import S2_TYPE, check_stanza, is_s2
from keys.suites import S2

if TYPE_CHECKING:
    from keys.age.header import Header
    from keys.manifest import Manifest

MANIFEST_NAME: Final = "manifest.json"
ED25519_NAME: Final = "manifest.json.ed25519"
MLDSA65_NAME: Final = "manifest.json.mldsa65"
MLDSA87_NAME: Final = "manifest.json.mldsa87"
SUMS_NAME: Final = "SHA256SUMS"
LABEL_TYPE: Final = "depeche.v1/label"
KEY_TYPES: Final = frozenset({HYBRID_TYPE, S2_TYPE})
# `keys.rerouting` says what stands in it.
REROUTING_TYPE: Final = "depeche.v1/rerouting"
# Of a hybrid stanza: ML-KEM-768 ciphertext and X25519 share, 1,120 bytes in their one base64, whose
# last letter has four bits to spare; file key and tag (C2SP age.md).
_ENC: Final = re.compile("[A-Za-z0-9+/]{1493}[AQgw]")
_BODY_BYTES: Final = 32


def label_stanza(manifest: Manifest) -> Stanza:
    """The stanza that goes with a manifest.

    Its argument is the base64 SHA-256 of the manifest's bytes; its body is canonical JSON of the
    dispatch id, the suite, and the routing class: the distinct precedences of the addressees (the
    sender's own copy apart), sorted. Nothing of it says who they are.
    """
    routing = {entry.precedence for entry in manifest.to if entry.role != COPY}
    body = {"id": manifest.id, "routing": sorted(routing), "suite": manifest.suite}
    digest = hashlib.sha256(manifest.encode()).digest()
    return Stanza(LABEL_TYPE, (canonical.text_from_bytes(digest),), canonical.encode(body))


def label_id(header: Header) -> str:
    """Gives the dispatch id that a header's label names; nothing authenticates it here.

    Raises:
        LabelMismatch: the header does not begin with a label of the one form.
    """
    stanza = header.stanzas[0]
    try:
        record = Record(canonical.decode(stanza.body), "label")
        found = record.text("id", ULID)
    except ValueError as error:
        raise LabelMismatch(f"the label stanza cannot be read: {error}") from error
    if stanza.type != LABEL_TYPE:
        raise LabelMismatch("the header does not begin with its label stanza")
    return found


def checksum_lines(manifest: Manifest) -> bytes:
    """SHA256SUMS: `hash`, two spaces, `name`, newline, for each part in order."""
    lines = (f"{part.sha256}  {part.name}\n" for part in manifest.parts)
    return "".join(lines).encode()


def check_stanzas(header: Header) -> None:
    """Demands well-formed key stanzas behind one label stanza (or rerouting, judged later).

    They are all of suite S1 (hybrid) or all of suite S2.

    All of them are looked at, not only those up to our own, so that every addressee comes to the
    same verdict.

    Raises:
        MixedRecipients: another sort of stanza could carry the file key.
        LabelMismatch: the label stanza is absent, double or out of place.
        HeaderMalformed: a hybrid stanza has other arguments or sizes.
    """
    types = {stanza.type for stanza in header.stanzas}
    if types <= {S2_TYPE, LABEL_TYPE, REROUTING_TYPE}:
        for stanza in header.stanzas:
            if stanza.type == S2_TYPE:
                check_stanza(stanza)
    else:
        refuse_mixed(header, besides={LABEL_TYPE, REROUTING_TYPE})
    places = [at for at, stanza in enumerate(header.stanzas) if stanza.type == LABEL_TYPE]
    if places != [0]:
        raise LabelMismatch("the header does not begin with its one label stanza")
    for stanza in header.stanzas:
        if stanza.type == HYBRID_TYPE:
            _check_hybrid(stanza)


def key_stanzas(header: Header) -> int:
    """How many stanzas wrap the file key."""
    return sum(stanza.type in KEY_TYPES for stanza in header.stanzas)


def check_label(header: Header, manifest: Manifest) -> None:
    """Demands that the stanzas are of the manifest's suite, and the label stanza its own.

    Raises:
        SuiteBelowFloor: the file key is wrapped as another suite does.
        LabelMismatch: the label is another's.
    """
    if is_s2(header) != (manifest.suite == S2):
        raise SuiteBelowFloor(f"the file key is not wrapped as suite {manifest.suite} does")
    if header.stanzas[0] != label_stanza(manifest):
        raise LabelMismatch("the label stanza does not match the manifest")


def _check_hybrid(stanza: Stanza) -> None:
    if len(stanza.args) != 1 or _ENC.fullmatch(stanza.args[0]) is None:
        raise HeaderMalformed("a hybrid stanza's argument is not the one base64 of its size")
    if len(stanza.body) != _BODY_BYTES:
        raise HeaderMalformed(f"a hybrid stanza's body has not {_BODY_BYTES} bytes")
