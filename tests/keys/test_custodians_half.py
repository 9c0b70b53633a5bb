"""What a custodian verifies before it lets a file key go, and what `decipher` verifies anyway."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from keys.age import hybrid
from keys.age.header import Header, Stanza
from keys.dispatch import decipher, examine
from keys.errors import (
    AddresseesMismatch,
    HeaderTampered,
    LabelMismatch,
    MixedRecipients,
    NotIntended,
    PackageMalformed,
    Refusal,
    SuiteBelowFloor,
)
from keys.manifest import Manifest
from keys.package import label_id
from tests.vectors.forge import FILE_KEY, Forgery, addressee, heading, identity, label, split

MINREX, PARIS, LOME = map(identity, ("MINREX", "PARIS", "LOME"))


def _examined(envelope: bytes) -> Manifest:
    header, payload = split(envelope)
    return examine(header, FILE_KEY, io.BytesIO(payload), {PARIS.card.fingerprint})


def _changing(change: Callable[[list[Stanza]], object]) -> bytes:
    def alter(stanzas: list[Stanza]) -> None:
        change(stanzas)

    return Forgery([PARIS.card], alter_stanzas=alter).seal()


def test_a_sound_dispatch_gives_its_manifest() -> None:
    forgery = Forgery([PARIS.card])
    assert _examined(forgery.seal()).encode() == forgery.manifest()


def test_a_header_s_label_names_the_dispatch_and_nobody_else() -> None:
    forgery = Forgery([PARIS.card])
    header, _ = split(forgery.seal())
    manifest = _examined(forgery.seal())

    assert label_id(header) == manifest.id
    assert manifest.addressee(PARIS.card.fingerprint) == manifest.to[0]
    assert manifest.addressee(LOME.card.fingerprint) is None
    mute = Stanza(header.stanzas[0].type, (), b"{}")
    for stanzas in ((mute,), (replace(header.stanzas[0], type="x"),)):
        with pytest.raises(LabelMismatch):
            label_id(Header(stanzas, header.mac))


def _tampered() -> bytes:
    header, payload = split(Forgery([PARIS.card]).seal())
    more = (*header.stanzas, hybrid.wrap(FILE_KEY, LOME.card.recipient))
    return Header(more, header.mac).encode() + payload


OTHER_LABEL = label(Forgery([PARIS.card], heading=heading(subject="Autre")).manifest())


@pytest.mark.parametrize(
    ("envelope", "refusal"),
    [
        (_tampered(), HeaderTampered),
        (_changing(lambda stanzas: stanzas.append(Stanza("x", (), b""))), MixedRecipients),
        (_changing(lambda stanzas: stanzas.__setitem__(0, OTHER_LABEL)), LabelMismatch),
        (_changing(lambda stanzas: stanzas.append(stanzas[1])), AddresseesMismatch),
        (Forgery([PARIS.card], to=[addressee(LOME.card)]).seal(), NotIntended),
        (Forgery([PARIS.card], alter=lambda m: m.update(suite="S0")).seal(), SuiteBelowFloor),
        (Forgery([PARIS.card], alter_archive=lambda _: bytes(1024)).seal(), PackageMalformed),
    ],
    ids=["tampered", "mixed", "label", "addressees", "intended", "suite", "package"],
)
def test_a_custodian_refuses_by_itself(envelope: bytes, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        _examined(envelope)


class Careless:
    """Unwraps and verifies nothing: the MAC must not depend on it."""

    fingerprints = PARIS.fingerprints

    def open_file_key(self, header: Header, peek: Callable[[int], bytes]) -> bytes:
        assert header.stanzas
        assert peek(1)
        return FILE_KEY


def test_decipher_verifies_the_mac_whoever_opened(tmp_path: Path) -> None:
    header, payload = split(Forgery([PARIS.card]).seal())
    mac = bytes([header.mac[0] ^ 1]) + header.mac[1:]
    source = io.BytesIO(replace(header, mac=mac).encode() + payload)
    trusted = {MINREX.card.fingerprint: MINREX.card}
    with pytest.raises(HeaderTampered):
        decipher(source, opener=Careless(), find_sender=trusted.get, workspace=tmp_path)
    assert not list(tmp_path.iterdir())
