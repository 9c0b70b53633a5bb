"""Who may open: the right key, exactly 16 bytes of file key, and no classical door beside."""

from __future__ import annotations

import io

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from keys.age import hybrid, scrypt, x25519
from keys.age.files import (
    begin_file,
    decrypt,
    decrypt_with_passphrase,
    encrypt,
    encrypt_with_passphrase,
    open_age,
    open_by_key,
    open_file_key,
)
from keys.age.header import Header, Stanza, decode_base64, encode_base64, seal_header
from keys.age.hybrid import HybridKey
from keys.age.scrypt import Passphrase
from keys.age.x25519 import X25519Key
from keys.errors import (
    HeaderMalformed,
    HeaderTampered,
    MixedRecipients,
    NotAddressed,
    PassphraseWrong,
    PayloadDamaged,
)

FILE_KEY = bytes(range(16))
PRIME = 2**255 - 19
INFO = b"age-encryption.org/mlkem768x25519"
SUITE = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.CHACHA20_POLY1305)


def spelled(data: bytes) -> str:
    return encode_base64(data).decode()


def test_a_small_thing_opens_for_each_recipient_and_nobody_else(
    paris: HybridKey, lome: HybridKey
) -> None:
    sealed = encrypt(b"objet", [paris.recipient, lome.recipient])
    assert decrypt(sealed, [paris]) == b"objet"
    assert decrypt(sealed, [lome]) == b"objet"
    assert decrypt(sealed, [HybridKey.generate(), lome]) == b"objet"
    with pytest.raises(NotAddressed):
        decrypt(sealed, [HybridKey.generate()])
    with pytest.raises(NotAddressed):
        decrypt(sealed, [])


def test_a_thing_is_not_sealed_to_nobody() -> None:
    with pytest.raises(ValueError):
        encrypt(b"objet", [])


def test_a_co_recipient_who_rewrites_the_header_cannot_keep_its_mac(
    paris: HybridKey, lome: HybridKey
) -> None:
    sealed = encrypt(b"objet", [paris.recipient, lome.recipient])
    header = Header.parse(io.BytesIO(sealed))
    forged = Header(header.stanzas[:1], header.mac).encode() + sealed[len(header.encode()) :]
    with pytest.raises(HeaderTampered):
        decrypt(forged, [paris])


def test_a_damaged_small_thing_is_refused_whole(paris: HybridKey) -> None:
    sealed = encrypt(b"objet", [paris.recipient])
    with pytest.raises(PayloadDamaged):
        decrypt(sealed[:-1], [paris])


@pytest.mark.parametrize("size", [0, 8, 15, 17, 32])
def test_partitioning_oracle_a_body_that_is_not_32_bytes_is_never_opened(
    paris: HybridKey, size: int
) -> None:
    # These bodies are authentic: only the rule on their length can refuse them.
    sealed = SUITE.encrypt(bytes(size), hybrid.parse_recipient(paris.recipient), info=INFO)
    stanza = Stanza("mlkem768x25519", (spelled(sealed[:1120]),), sealed[1120:])
    with pytest.raises(HeaderMalformed, match="32 bytes"):
        hybrid.unwrap(stanza, paris)
    # The same whoever reads it: the refusal says nothing of the key.
    with pytest.raises(HeaderMalformed, match="32 bytes"):
        hybrid.unwrap(stanza, HybridKey.generate())


@pytest.mark.parametrize(
    "args",
    [
        pytest.param((), id="no key"),
        pytest.param((spelled(bytes(1120)), "x"), id="one argument too many"),
        pytest.param(("===",), id="not base64"),
        pytest.param((spelled(bytes(1119)),), id="short"),
        pytest.param((spelled(bytes(1121)),), id="long"),
    ],
)
def test_a_hybrid_stanza_out_of_shape_is_refused(paris: HybridKey, args: tuple[str, ...]) -> None:
    with pytest.raises(HeaderMalformed):
        hybrid.unwrap(Stanza("mlkem768x25519", args, bytes(32)), paris)


def low_order_spellings() -> list[bytes]:
    """Every 32-byte spelling of a low-order point: reduced or not, top bit clear or set."""
    spellings = []
    for point in hybrid._LOW_ORDER:
        for value in (point, point + PRIME):
            if value < 2**255:
                spellings += [
                    value.to_bytes(32, "little"),
                    (value | 1 << 255).to_bytes(32, "little"),
                ]
    return spellings


@pytest.mark.parametrize("share", low_order_spellings(), ids=lambda share: share[:3].hex())
def test_low_order_shares_are_refused_by_every_reader(paris: HybridKey, share: bytes) -> None:
    # The table is right: the agreement itself is zero, and the library says so.
    with pytest.raises(ValueError):
        X25519PrivateKey.generate().exchange(X25519PublicKey.from_public_bytes(share))
    honest = hybrid.wrap(FILE_KEY, paris.recipient)
    enc = decode_base64(honest.args[0])[:1088] + share
    with pytest.raises(HeaderMalformed, match="low order"):
        hybrid.unwrap(Stanza(honest.type, (spelled(enc),), honest.body), paris)
    with pytest.raises(HeaderMalformed, match="low order"):
        x25519.unwrap(Stanza("X25519", (spelled(share),), bytes(32)), X25519Key(bytes(32)))
    with pytest.raises(ValueError, match="low order"):
        hybrid.parse_recipient(paris.recipient[:1184] + share)


def test_a_recipient_that_is_not_a_key_is_refused(paris: HybridKey) -> None:
    with pytest.raises(ValueError, match="1216"):
        hybrid.wrap(FILE_KEY, paris.recipient[:-1])
    # FIPS 203 §7.2: a coefficient of 4,095 is above the modulus 3,329.
    with pytest.raises(ValueError, match="ML-KEM"):
        hybrid.wrap(FILE_KEY, b"\xff" * 1184 + paris.recipient[1184:])


def test_file_keys_and_seeds_have_one_size(paris: HybridKey) -> None:
    with pytest.raises(ValueError):
        hybrid.wrap(bytes(32), paris.recipient)
    with pytest.raises(ValueError):
        scrypt.wrap(bytes(32), b"secret", 10)
    with pytest.raises(ValueError):
        HybridKey(bytes(31))
    with pytest.raises(ValueError):
        X25519Key(bytes(31))


def test_secrets_do_not_show_in_a_repr() -> None:
    key = HybridKey(b"\xab" * 32)
    assert "ab" * 8 not in repr([key])
    assert "HybridKey" in repr(key)
    assert "correct" not in repr([Passphrase(b"correct horse")])


def test_mixed_recipients_are_refused_but_for_stanzas_known_to_wrap_nothing(
    paris: HybridKey,
) -> None:
    label = Stanza("depeche/label", ("x",), b"")
    header = Header.parse(
        io.BytesIO(seal_header([label, hybrid.wrap(FILE_KEY, paris.recipient)], FILE_KEY))
    )
    hybrid.refuse_mixed(header, besides={"depeche/label"})
    with pytest.raises(MixedRecipients, match="depeche/label"):
        hybrid.refuse_mixed(header)
    # The general reader ignores stanzas that it does not know, as the format demands.
    assert open_file_key(header, [X25519Key(bytes(32)), Passphrase(b"x"), paris]) == FILE_KEY


def test_an_x25519_stanza_out_of_shape_is_refused() -> None:
    key = X25519Key(bytes(32))
    share = spelled(b"\x09" + bytes(31))
    for args, body in [
        ((), bytes(32)),
        ((share, "x"), bytes(32)),
        (("===",), bytes(32)),
        ((spelled(bytes(31)),), bytes(32)),
        ((share,), bytes(48)),
    ]:
        with pytest.raises(HeaderMalformed):
            x25519.unwrap(Stanza("X25519", args, body), key)
    assert x25519.unwrap(Stanza("X25519", (share,), bytes(32)), key) is None


def test_a_passphrase_opens_what_it_sealed_and_no_other_does() -> None:
    sealed = encrypt_with_passphrase(b"secret part", b"correct horse", log_n=10)
    assert decrypt_with_passphrase(sealed, b"correct horse") == b"secret part"
    payload = open_age(io.BytesIO(sealed), [Passphrase(b"no"), Passphrase(b"correct horse")])
    assert bytes(payload.next_chunk()) == b"secret part"
    with pytest.raises(PassphraseWrong):
        decrypt_with_passphrase(sealed, b"Correct horse")


def test_a_passphrase_file_is_told_apart_from_any_other(paris: HybridKey) -> None:
    with pytest.raises(NotAddressed):
        decrypt_with_passphrase(encrypt(b"objet", [paris.recipient]), b"correct horse")
    with pytest.raises(MixedRecipients):
        decrypt(encrypt_with_passphrase(b"objet", b"correct horse", log_n=10), [paris])


def test_a_passphrase_file_with_its_mac_altered_is_refused() -> None:
    sealed = encrypt_with_passphrase(b"objet", b"correct horse", log_n=10)
    header = Header.parse(io.BytesIO(sealed))
    forged = Header(header.stanzas, bytes(32)).encode() + sealed[len(header.encode()) :]
    with pytest.raises(HeaderTampered):
        decrypt_with_passphrase(forged, b"correct horse")


@pytest.mark.parametrize(
    "log_n", ["0", "01", "+1", "1e1", "0x9", "-1", "21", "99", "100", "9" * 400]
)
def test_a_work_factor_out_of_bounds_is_refused_before_any_work(log_n: str) -> None:
    stanza = Stanza("scrypt", (spelled(bytes(16)), log_n), bytes(32))
    with pytest.raises(HeaderMalformed, match="work factor"):
        scrypt.unwrap(stanza, b"correct horse")


def test_a_passphrase_stanza_out_of_shape_is_refused() -> None:
    salt = spelled(bytes(16))
    for args, body in [
        ((), bytes(32)),
        ((salt,), bytes(32)),
        ((salt, "10", "x"), bytes(32)),
        (("===", "10"), bytes(32)),
        ((spelled(bytes(15)), "10"), bytes(32)),
        ((salt, "10"), bytes(48)),
    ]:
        with pytest.raises(HeaderMalformed):
            scrypt.unwrap(Stanza("scrypt", args, body), b"correct horse")


def test_what_protects_nothing_is_not_written() -> None:
    with pytest.raises(ValueError, match="empty"):
        encrypt_with_passphrase(b"objet", b"")
    for log_n in (0, 21):
        with pytest.raises(ValueError, match="work factor"):
            encrypt_with_passphrase(b"objet", b"correct horse", log_n=log_n)


def test_a_file_written_in_pieces_opens_by_its_recipient_and_by_its_file_key() -> None:
    key, sink = HybridKey.generate(), io.BytesIO()
    file_key, stream = begin_file(sink, [key.recipient])
    for piece in (b"a" * 70_000, b"", b"b" * 3):
        stream.write(piece)
    stream.finish()
    whole = b"a" * 70_000 + b"b" * 3
    assert decrypt(sink.getvalue(), [key]) == whole
    opened = open_by_key(io.BytesIO(sink.getvalue()), file_key)
    assert b"".join(iter(lambda: bytes(opened.next_chunk()), b"")) == whole
    with pytest.raises(HeaderTampered):
        open_by_key(io.BytesIO(sink.getvalue()), FILE_KEY)
    with pytest.raises(ValueError):
        begin_file(io.BytesIO(), [])
