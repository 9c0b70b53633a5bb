"""Attacks on the age layer: header, recipients, payload."""

import hashlib
import io
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from keys import canonical
from keys.age import bech32, hybrid
from keys.age.bech32 import encode_recipient
from keys.age.header import Header, Stanza, decode_base64, encode_base64, seal_header
from keys.cards import issue_card, read_card
from keys.dispatch import decipher
from keys.errors import (
    CardInvalid,
    HeaderMalformed,
    HeaderTampered,
    HeaderTooLarge,
    LabelMismatch,
    MixedRecipients,
    NotAddressed,
    PayloadDamaged,
    Refusal,
)
from keys.signing import CARD
from tests.vectors.forge import (
    FILE_KEY,
    YEAR,
    Forgery,
    addressee,
    identity,
    open_with,
    seal,
    split,
    unseal,
)

PARIS, LOME = identity("PARIS"), identity("LOME")
FOREIGN = Path(__file__).resolve().parents[1] / "foreign"
LONG = [("message.txt", bytes(range(256)) * 1172)]


@pytest.fixture(autouse=True)
def _nothing_is_published(tmp_path: Path) -> Iterator[None]:
    """Whatever the attack, its refusal leaves nothing on the disk."""
    yield
    assert not list(tmp_path.iterdir())


def _with_stanzas(envelope: bytes, stanzas: list[Stanza]) -> bytes:
    """Other stanzas under the old MAC: an outsider's means."""
    header, payload = split(envelope)
    return Header(tuple(stanzas), header.mac).encode() + payload


def test_metadata_stanza_altered_by_outsider(tmp_path: Path) -> None:
    envelope = Forgery([PARIS.card]).seal()
    first, *others = split(envelope)[0].stanzas
    altered = replace(first, body=first.body.replace(b"ROUTINE", b"FLASH"))
    with pytest.raises(HeaderTampered):
        open_with(_with_stanzas(envelope, [altered, *others]), PARIS, tmp_path)


def test_metadata_stanza_removed_by_outsider(tmp_path: Path) -> None:
    envelope = Forgery([PARIS.card]).seal()
    _, *others = split(envelope)[0].stanzas
    with pytest.raises(LabelMismatch):
        open_with(_with_stanzas(envelope, others), PARIS, tmp_path)


def test_stanza_removed_by_outsider(tmp_path: Path) -> None:
    envelope = Forgery([PARIS.card, LOME.card]).seal()
    kept = list(split(envelope)[0].stanzas[:2])
    with pytest.raises(HeaderTampered):
        open_with(_with_stanzas(envelope, kept), PARIS, tmp_path)


@pytest.mark.parametrize("lost", [1, 100, 65_552, 65_552 - 1, 65_552 + 1, 200_000])
def test_truncation(lost: int, tmp_path: Path) -> None:
    envelope = Forgery([PARIS.card], LONG).seal()
    with pytest.raises(PayloadDamaged):
        open_with(envelope[:-lost], PARIS, tmp_path)


@pytest.mark.parametrize("chunks", [1, 2, 3, 4])
def test_truncation_at_chunk(chunks: int, tmp_path: Path) -> None:
    header, payload = split(Forgery([PARIS.card], LONG).seal())
    cut = payload[: 16 + chunks * 65_552]
    assert len(cut) < len(payload)
    with pytest.raises(PayloadDamaged):
        open_with(header.encode() + cut, PARIS, tmp_path)


def test_chunks_exchanged(tmp_path: Path) -> None:
    header, payload = split(Forgery([PARIS.card], LONG).seal())
    nonce, rest = payload[:16], payload[16:]
    first, second, others = rest[:65_552], rest[65_552:131_104], rest[131_104:]
    with pytest.raises(PayloadDamaged):
        open_with(header.encode() + nonce + second + first + others, PARIS, tmp_path)


@pytest.mark.parametrize("part", range(0, 100, 7))
def test_bit_flip_in_payload(part: int, tmp_path: Path) -> None:
    header, payload = split(Forgery([PARIS.card], LONG).seal())
    damaged = bytearray(payload)
    damaged[len(damaged) * part // 100] ^= 1
    with pytest.raises(PayloadDamaged):
        open_with(header.encode() + bytes(damaged), PARIS, tmp_path)


def test_no_byte_of_a_damaged_file_is_published_on_the_way(
    tmp_path: Path,
) -> None:
    """The authentic prefix that age leaves on the disk stays in a folder that only we can read."""
    header, payload = split(Forgery([PARIS.card], LONG).seal())
    seen: list[int] = []

    class Watched(io.BytesIO):
        def readinto(self, buffer: object, /) -> int:
            seen.extend(folder.stat().st_mode & 0o777 for folder in tmp_path.iterdir())
            return super().readinto(buffer)  # type: ignore[arg-type]  # a buffer, as BytesIO has it

    source = Watched(header.encode() + payload[:-1])
    trusted = {identity("MINREX").card.fingerprint: identity("MINREX").card}

    with pytest.raises(PayloadDamaged):
        decipher(source, opener=PARIS, find_sender=trusted.get, workspace=tmp_path)
    assert seen
    assert set(seen) == {0o700}


def _typage_mixes(hybrid_recipient: bytes) -> bytes:
    """typage 0.3.1 seals one file to a hybrid and a classical recipient; Go age refuses to."""
    script = """
        import { writeSync } from "node:fs";
        import { Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
        const encrypter = new Encrypter();
        encrypter.addRecipient(process.argv[1]);
        encrypter.addRecipient(await identityToRecipient(await generateX25519Identity()));
        writeSync(1, await encrypter.encrypt("dépêche"));
    """
    node = Path(sys.executable).with_name("node")
    command = [str(node), "--input-type=module", "-e", script, encode_recipient(hybrid_recipient)]
    return subprocess.run(command, capture_output=True, check=True, cwd=FOREIGN).stdout


def test_pq_and_classical_mixing_is_refused_on_opening(tmp_path: Path) -> None:
    """P1: no stanza gives the file key to a quantum computer."""
    mixed = _typage_mixes(PARIS.card.recipient)
    with pytest.raises(MixedRecipients):
        open_with(mixed, PARIS, tmp_path)

    classical = next(each for each in split(mixed)[0].stanzas if each.type == "X25519")
    insider = Forgery([PARIS.card], alter_stanzas=lambda stanzas: stanzas.append(classical))
    with pytest.raises(MixedRecipients):
        open_with(insider.seal(), PARIS, tmp_path)


def test_downgrade_to_a_classical_card_is_refused_before_sealing() -> None:
    """A card cannot name a classical recipient, so nothing can be sealed to one."""
    members = canonical.decode(PARIS.card.to_bytes())
    members["recipient"] = bech32.encode("age", bytes(range(32)))
    del members["fingerprint"], members["signatures"]
    statement = canonical.encode(members)
    signatures = PARIS.sign(CARD, statement)
    members["fingerprint"] = hashlib.sha256(statement).hexdigest()
    members["signatures"] = {
        "ed25519": canonical.text_from_bytes(signatures.ed25519),
        "mldsa65": canonical.text_from_bytes(signatures.mldsa65),
    }
    with pytest.raises(CardInvalid, match="recipient"):
        read_card(canonical.encode(members))


@pytest.mark.parametrize("length", [0, 31, 33, 48, 64])
def test_partitioning_oracle_body_of_another_length(length: int, tmp_path: Path) -> None:
    def lengthen(stanzas: list[Stanza]) -> None:
        stanzas[1] = replace(stanzas[1], body=bytes(length))

    with pytest.raises(HeaderMalformed):
        open_with(Forgery([PARIS.card], alter_stanzas=lengthen).seal(), PARIS, tmp_path)


def test_key_commitment_one_ciphertext_for_two_keys(tmp_path: Path) -> None:
    """Two addressees are given different file keys: the MAC can only commit to one."""
    other_key = bytes(16)

    def split_keys(stanzas: list[Stanza]) -> None:
        stanzas[2] = hybrid.wrap(other_key, LOME.card.recipient)

    to = [addressee(PARIS.card), addressee(LOME.card)]
    envelope = Forgery([PARIS.card, LOME.card], to=to, alter_stanzas=split_keys).seal()
    open_with(envelope, PARIS, tmp_path).discard()
    with pytest.raises(HeaderTampered):
        open_with(envelope, LOME, tmp_path)


def test_low_order_x25519(tmp_path: Path) -> None:
    def make_low(stanzas: list[Stanza]) -> None:
        share = decode_base64(stanzas[1].args[0])[:1088] + bytes(32)
        stanzas[1] = replace(stanzas[1], args=(encode_base64(share).decode(),))

    with pytest.raises(HeaderMalformed):
        open_with(Forgery([PARIS.card], alter_stanzas=make_low).seal(), PARIS, tmp_path)

    _refused_card(PARIS.card.recipient[:1184] + bytes(32))


def test_bad_ek_modulus() -> None:
    """FIPS 203 §7.2: the first coefficient becomes 4095, past 3329."""
    _refused_card(b"\xff\x0f" + PARIS.card.recipient[2:])


def _refused_card(recipient: bytes) -> None:
    with pytest.raises(CardInvalid):
        issue_card(
            PARIS.signing_key,
            recipient,
            post="PARIS",
            edition=1,
            valid_from=YEAR[0],
            valid_until=YEAR[1],
        )


BOMBS = {
    "many stanzas": b"-> x\n\n" * 5_000_000,
    "many bodies": (b"-> x\n" + b"A" * 64 + b"\n\n") * 440_000,
    "one long body": b"-> x\n" + (b"A" * 64 + b"\n") * 480_000,
    "one long line": b"-> " + b"x" * 31_000_000,
    "many arguments": b"-> " + b"x " * 15_000_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_header_bomb(bomb: bytes, tmp_path: Path) -> None:
    """31 MB of header: refused in milliseconds, having read one MiB at most."""
    envelope = b"age-encryption.org/v1\n" + bomb
    start = time.process_time()
    with pytest.raises(HeaderTooLarge):
        open_with(envelope, PARIS, tmp_path)
    # Copying the 31 MB into the stream takes longer than refusing it.
    assert time.process_time() - start < 0.3


def test_two_hundred_addressees_are_no_bomb(tmp_path: Path) -> None:
    others = [replace(addressee(LOME.card, at), key=f"prekey:{at}") for at in range(1, 200)]
    cards = [LOME.card] * 199 + [PARIS.card]
    envelope = Forgery(cards, to=[*others, addressee(PARIS.card)]).seal()
    with open_with(envelope, PARIS, tmp_path) as opened:
        assert len(opened.manifest.to) == 200


@pytest.mark.parametrize(
    "stanza",
    [b"-> grease x\n", b"-> grease x\n" + b"A" * 64 + b"\n"],
    ids=["missing body", "missing final line"],
)
def test_malformed_stanzas_accepted_by_lenient_peers(stanza: bytes, tmp_path: Path) -> None:
    envelope = Forgery([PARIS.card]).seal()
    with pytest.raises(HeaderMalformed):
        open_with(envelope.replace(b"-> mlkem", stanza + b"-> mlkem", 1), PARIS, tmp_path)


def test_the_file_key_alone_does_not_make_a_reader_of_an_outsider(tmp_path: Path) -> None:
    """NOT_ADDRESSED tells who has no key; it is the same for a stanza damaged on its way."""
    header, payload = split(Forgery([PARIS.card]).seal())
    with pytest.raises(NotAddressed):
        open_with(header.encode() + payload, LOME, tmp_path)


def test_an_empty_payload_is_a_refusal(tmp_path: Path) -> None:
    stanzas = Forgery([PARIS.card]).stanzas()
    for payload in (b"", bytes(15), bytes(16), bytes(31), bytes(32)):
        with pytest.raises(Refusal):
            open_with(seal_header(stanzas, FILE_KEY) + payload, PARIS, tmp_path)
    with pytest.raises(Refusal):
        open_with(seal(b"", stanzas), PARIS, tmp_path)


def test_the_forger_gives_what_the_product_opens(tmp_path: Path) -> None:
    """Otherwise every refusal above could have another cause."""
    envelope = Forgery([PARIS.card], LONG).seal()
    assert unseal(envelope, PARIS)[1] == FILE_KEY
    with open_with(envelope, PARIS, tmp_path) as opened:
        assert (opened.folder / "message.txt").read_bytes() == LONG[0][1]
