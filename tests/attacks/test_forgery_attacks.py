"""P2: who signed what, for whom, under which label, cannot be altered unnoticed by anybody.

Stock age accepts every one of them, since age authenticates nobody; the manifest's two
signatures, and what they cover, are what refuses them.
"""

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from keys.age import hybrid
from keys.age.bech32 import encode_recipient
from keys.errors import (
    AddresseesMismatch,
    LabelMismatch,
    NotAddressed,
    NotIntended,
    PackageMalformed,
    PartMismatch,
    SignatureInvalid,
    SignatureMissing,
    UnknownSender,
)
from keys.identity import Identity
from keys.package import label_stanza
from keys.signing import MANIFEST, Signatures
from tests.vectors.forge import (
    FILE_KEY,
    MESSAGE,
    Entry,
    Forgery,
    addressee,
    heading,
    identity,
    label,
    open_with,
    seal,
    split,
    unseal,
)

PARIS, LOME, MINREX, ROGUE = map(identity, ("PARIS", "LOME", "MINREX", "ROGUE"))
FOREIGN = Path(__file__).resolve().parents[1] / "foreign"


@pytest.fixture(autouse=True)
def _nothing_is_published(tmp_path: Path) -> object:
    """Whatever the attack, its refusal leaves nothing on the disk."""
    yield
    assert not list(tmp_path.iterdir())


def _typage_encrypts(data: bytes, recipient: bytes) -> bytes:
    """What an outsider makes with a public key and a published tool."""
    script = """
        import { readFileSync, writeSync } from "node:fs";
        import { Encrypter } from "age-encryption";
        const encrypter = new Encrypter();
        encrypter.addRecipient(process.argv[1]);
        writeSync(1, await encrypter.encrypt(readFileSync(0)));
    """
    node = Path(sys.executable).with_name("node")
    command = [str(node), "--input-type=module", "-e", script, encode_recipient(recipient)]
    done = subprocess.run(command, input=data, capture_output=True, check=True, cwd=FOREIGN)
    return done.stdout


def test_outsider_forgery_with_public_key(tmp_path: Path) -> None:
    envelope = _typage_encrypts(b"faux message", PARIS.card.recipient)
    with pytest.raises(LabelMismatch):
        open_with(envelope, PARIS, tmp_path)

    labelled = seal(b"faux message", Forgery([PARIS.card]).stanzas())
    with pytest.raises(PackageMalformed):
        open_with(labelled, PARIS, tmp_path)

    with pytest.raises(UnknownSender):
        open_with(Forgery([PARIS.card], signer=ROGUE).seal(), PARIS, tmp_path)

    impersonating = Forgery([PARIS.card], sign=lambda data: ROGUE.sign(MANIFEST, data))
    with pytest.raises(SignatureInvalid):
        open_with(impersonating.seal(), PARIS, tmp_path)


def test_co_recipient_replaces_payload_header_untouched(tmp_path: Path) -> None:
    """LOME holds the file key: it writes another payload behind the very same header."""
    genuine = Forgery([PARIS.card, LOME.card]).seal()
    header, file_key, _ = unseal(genuine, LOME)

    def behind_the_same_header(archive: bytes) -> bytes:
        _, payload = split(seal(archive, header.stanzas, file_key))
        return header.encode() + payload

    refused = [("message.txt", b"Refusez le visa")]
    other_manifest = Forgery([PARIS.card, LOME.card], refused).archive()
    with pytest.raises(LabelMismatch):
        open_with(behind_the_same_header(other_manifest), PARIS, tmp_path)

    other_text = Forgery(
        [PARIS.card, LOME.card],
        alter_entries=lambda entries: setattr(entries[4], "data", MESSAGE.swapcase()),
    ).archive()
    with pytest.raises(PartMismatch):
        open_with(behind_the_same_header(other_text), PARIS, tmp_path)


def test_co_recipient_writes_another_manifest_and_its_label(tmp_path: Path) -> None:
    """With the header made anew as well, only the signatures are left, and suffice."""
    genuine = Forgery([PARIS.card, LOME.card])
    _, file_key, _ = unseal(genuine.seal(), LOME)
    signatures = MINREX.sign(MANIFEST, genuine.manifest())
    forged = Forgery(
        [PARIS.card, LOME.card],
        [("message.txt", b"Refusez le visa")],
        sign=lambda _: signatures,
        file_key=file_key,
    )
    with pytest.raises(SignatureInvalid):
        open_with(forged.seal(), PARIS, tmp_path)


def test_co_recipient_strips_a_stanza_to_hide_an_addressee(tmp_path: Path) -> None:
    genuine = Forgery([PARIS.card, LOME.card, MINREX.card])
    header, file_key, archive = unseal(genuine.seal(), PARIS)
    stripped = seal(archive, (*header.stanzas[:2], *header.stanzas[3:]), file_key)

    for opener in (PARIS, MINREX):
        with pytest.raises(AddresseesMismatch):
            open_with(stripped, opener, tmp_path)
    with pytest.raises(NotAddressed):
        open_with(stripped, LOME, tmp_path)


def test_co_recipient_adds_a_reader(tmp_path: Path) -> None:
    header, file_key, archive = unseal(Forgery([PARIS.card]).seal(), PARIS)
    extra = hybrid.wrap(file_key, ROGUE.card.recipient)
    with pytest.raises(AddresseesMismatch):
        open_with(seal(archive, (*header.stanzas, extra), file_key), PARIS, tmp_path)


def test_surreptitious_forwarding(tmp_path: Path) -> None:
    """LOME passes a dispatch signed for LOME on to PARIS, as if MINREX had written to PARIS."""
    header, _, archive = unseal(Forgery([LOME.card]).seal(), LOME)
    forwarded = seal(archive, [header.stanzas[0], hybrid.wrap(FILE_KEY, PARIS.card.recipient)])
    with pytest.raises(NotIntended):
        open_with(forwarded, PARIS, tmp_path)


def test_label_stanza_swapped_by_insider(tmp_path: Path) -> None:
    """An addressee puts the label of a lower dispatch on a higher one, and makes the MAC anew."""
    header, file_key, archive = unseal(Forgery([PARIS.card]).seal(), PARIS)
    lower = Forgery([PARIS.card], heading=heading(id="01JD8ZK3V00000000000000002"))
    swapped = seal(archive, (label(lower.manifest()), *header.stanzas[1:]), file_key)
    with pytest.raises(LabelMismatch):
        open_with(swapped, PARIS, tmp_path)

    same_hash = replace(header.stanzas[0], body=header.stanzas[0].body.replace(b"ROUT", b"FLAS"))
    with pytest.raises(LabelMismatch):
        open_with(seal(archive, (same_hash, *header.stanzas[1:]), file_key), PARIS, tmp_path)


@pytest.mark.parametrize("half", [1, 2], ids=["ed25519", "mldsa65"])
def test_signature_stripping(half: int, tmp_path: Path) -> None:
    stripped = Forgery([PARIS.card], alter_entries=lambda entries: entries.__delitem__(half))
    with pytest.raises(SignatureMissing):
        open_with(stripped.seal(), PARIS, tmp_path)

    def empty(entries: list[Entry]) -> None:
        entries[half].data = b""

    with pytest.raises(SignatureInvalid):
        open_with(Forgery([PARIS.card], alter_entries=empty).seal(), PARIS, tmp_path)


@pytest.mark.parametrize(("one", "other"), [(MINREX, ROGUE), (ROGUE, MINREX)])
def test_signature_mix_and_match(one: Identity, other: Identity, tmp_path: Path) -> None:
    """One broken algorithm is not enough: each half is needed, from the same card."""

    def sign(data: bytes) -> Signatures:
        return Signatures(one.sign(MANIFEST, data).ed25519, other.sign(MANIFEST, data).mldsa65)

    with pytest.raises(SignatureInvalid):
        open_with(Forgery([PARIS.card], sign=sign).seal(), PARIS, tmp_path)


@pytest.mark.parametrize("context", ["depeche/v1 card", "depeche/v1 receipt", "", MANIFEST + "\0"])
def test_signature_from_another_context(context: str, tmp_path: Path) -> None:
    """A signature got for a receipt or a card does not sign a manifest."""
    forged = Forgery([PARIS.card], sign=lambda data: MINREX.sign(context, data))
    with pytest.raises(SignatureInvalid):
        open_with(forged.seal(), PARIS, tmp_path)


def test_replay_is_recognised_under_another_header(tmp_path: Path) -> None:
    """Who remembers ids and manifest hashes knows a dispatch again, however it is wrapped."""
    genuine = Forgery([PARIS.card, LOME.card]).seal()
    header, _, archive = unseal(genuine, LOME)
    fresh_key = bytes(reversed(range(16)))
    wrapped = [hybrid.wrap(fresh_key, each.card.recipient) for each in (PARIS, LOME)]
    again = seal(archive, [header.stanzas[0], *wrapped], fresh_key)

    assert again != genuine
    with open_with(genuine, PARIS, tmp_path) as first, open_with(again, PARIS, tmp_path) as second:
        assert first.manifest.id == second.manifest.id
        assert first.manifest_hash == second.manifest_hash


def test_reorder_and_suppression_show_in_the_signed_series(tmp_path: Path) -> None:
    """Numbers and the hash of the dispatch before are under the signatures, per addressee."""
    first = Forgery([PARIS.card])
    with open_with(first.seal(), PARIS, tmp_path) as opened:
        before = opened.manifest_hash
    entry = addressee(PARIS.card, 2)
    assert entry.series is not None
    second = Forgery(
        [PARIS.card],
        heading=heading(id="01JD8ZK3V00000000000000002"),
        to=[replace(entry, series=replace(entry.series, previous=before))],
    )
    with open_with(second.seal(), PARIS, tmp_path) as opened:
        named = opened.manifest.addressee(PARIS.card.fingerprint)
        assert named is not None
        assert named.series is not None
        assert (named.series.number, named.series.previous) == (2, before)

    def renumber(data: bytes) -> bytes:
        return data.replace(b'"number":2', b'"number":1')

    genuine = MINREX.sign(MANIFEST, second.manifest())
    renumbered = replace(second, alter_bytes=renumber, sign=lambda _: genuine)
    with pytest.raises(SignatureInvalid):
        open_with(renumbered.seal(), PARIS, tmp_path)


def test_one_time_prekey_reuse_by_a_lying_server(tmp_path: Path) -> None:
    """A post destroys a prekey after its first use; a second dispatch to it opens no more."""
    prekey = hybrid.HybridKey.generate()
    once = replace(PARIS, hybrid_key=prekey)
    card = replace(PARIS.card, recipient=prekey.recipient)
    to = [replace(addressee(PARIS.card), key="prekey:7")]
    with open_with(Forgery([card], to=to).seal(), once, tmp_path) as opened:
        named = opened.manifest.addressee(PARIS.card.fingerprint)
        assert named is not None
        assert named.key == "prekey:7"

    with pytest.raises(NotAddressed):
        open_with(Forgery([card], to=to).seal(), PARIS, tmp_path)


def test_a_guess_at_the_manifest_is_not_confirmed_by_the_label() -> None:
    """The salt makes two dispatches of the same words have unrelated public hashes."""
    envelopes = [Forgery([PARIS.card], heading=heading(id=f"01JD8ZK3V{n:017d}")) for n in (1, 2)]
    salted = {label(each.manifest()).args for each in envelopes}
    assert len(salted) == 2
    header, _ = split(envelopes[0].seal())
    assert header.stanzas[0].body == (
        b'{"id":"01JD8ZK3V00000000000000001","routing":["ROUTINE"],"suite":"S1"}'
    )


def test_the_product_and_the_forger_agree_on_the_label(tmp_path: Path) -> None:
    """Otherwise the refusals above could have another cause."""
    forgery = Forgery([PARIS.card])
    with open_with(forgery.seal(), PARIS, tmp_path) as opened:
        assert label_stanza(opened.manifest) == label(forgery.manifest())
        assert io.BytesIO((opened.folder / "message.txt").read_bytes()).read() == MESSAGE
