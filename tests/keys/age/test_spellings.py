"""Bech32 and armor: each key and each file has one spelling in text."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.age import armor, bech32
from keys.age.hybrid import HybridKey

# The key pair printed in C2SP age.md (the recipient by its beginning and end).
SPEC_IDENTITY = "AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR"
SPEC_RECIPIENT_BEGINS = (
    "age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqtzdxz95pae"
)
SPEC_RECIPIENT_ENDS = "xpfqdkmhh6gjtqmwze9pyyzk3tlhl53k2ykx3qheyty7saeq0d3fzv49zc0k"


def test_the_key_pair_of_the_specification() -> None:
    seed = bech32.decode_identity(SPEC_IDENTITY)
    recipient = bech32.encode_recipient(HybridKey(seed).recipient)
    assert bech32.encode_identity(seed) == SPEC_IDENTITY
    assert len(recipient) == 1959
    assert recipient.startswith(SPEC_RECIPIENT_BEGINS)
    assert recipient.endswith(SPEC_RECIPIENT_ENDS)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=100))
def test_bytes_come_back_from_either_case(data: bytes) -> None:
    text = bech32.encode("age", data)
    assert bech32.decode("age", text) == data
    assert bech32.decode("age", text.upper()) == data


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_one_character_misread_over_a_telephone_is_noticed(data: st.DataObject) -> None:
    text = bech32.encode("age", bytes(32))
    at = data.draw(st.integers(len("age1"), len(text) - 1))
    other = data.draw(st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l".replace(text[at], "")))
    with pytest.raises(ValueError, match="checksum"):
        bech32.decode("age", text[:at] + other + text[at + 1 :])


def checksummed(characters: str) -> str:
    """A Bech32 string over data characters that no encoder would choose, checksum right."""
    values = [bech32._ALPHABET.index(ord(c)) for c in characters]
    check = bech32._polymod("age", bytes(values) + bytes(6)) ^ 1
    tail = "".join(chr(bech32._ALPHABET[check >> 5 * (5 - i) & 31]) for i in range(6))
    return f"age1{characters}{tail}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "prefix"),
        ("age", "prefix"),
        ("age1", "too short"),
        ("age1qqqqq", "too short"),
        ("age1bqqqqqqq", "alphabet"),
        ("age1qqqqqqqé", "ASCII"),
        ("Age1qqqqqqq", "mixed case"),
        ("AGE1qqqqqqq", "mixed case"),
        ("AGE-SECRET-KEY-1QQQQQQQ", "prefix"),
        (checksummed("q"), "length"),
        (checksummed("qqq"), "length"),
        (checksummed("qp"), "canonical"),
        (checksummed("qqqqp"), "canonical"),
    ],
)
def test_other_strings_are_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        bech32.decode("age", text)


def test_a_key_of_another_size_or_kind_is_refused(paris: HybridKey) -> None:
    for wrong in (b"", bytes(31), bytes(33), paris.recipient):
        with pytest.raises(ValueError):
            bech32.encode_identity(wrong)
    with pytest.raises(ValueError):
        bech32.encode_recipient(bytes(32))
    with pytest.raises(ValueError):
        bech32.decode_recipient(bech32.encode("age1pq", bytes(1215)))
    with pytest.raises(ValueError):
        bech32.decode_identity(bech32.encode("age-secret-key-", bytes(32)))
    with pytest.raises(ValueError):
        bech32.decode_x25519_identity(bech32.encode_identity(bytes(32)))


def test_a_refused_identity_is_not_repeated_in_the_message() -> None:
    secret = bech32.encode_identity(bytes(range(32)))
    with pytest.raises(ValueError) as refused:
        bech32.decode_identity(secret[:-1] + "q")
    assert secret[20:40] not in str(refused.value)
    assert refused.value.__context__ is None or refused.value.__suppress_context__


BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
END = b"-----END AGE ENCRYPTED FILE-----"


def armored(data: bytes, newline: bytes = b"\n") -> bytes:
    text = base64.b64encode(data)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return newline.join([BEGIN, *lines, END, b""])


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"\n", b"\r\n"]))
def test_an_armored_file_comes_back(data: bytes, newline: bytes) -> None:
    text = armored(data, newline)
    assert armor.decode(text) == data
    assert armor.decode(b"\r\n \t" + text + b"\n\n") == data


@pytest.mark.parametrize(
    "text",
    [
        b"",
        BEGIN,
        END,
        BEGIN + b"\n" + BEGIN,
        armored(bytes(100)).replace(b"\n", b"\r\n", 1),
        armored(bytes(100)).replace(b"\n", b"\r"),
        armored(bytes(100)).replace(b"\n", b"\n\n", 1),
        armored(bytes(48)).replace(b"A\n", b"A\n\n"),
        armored(bytes(100)) * 2,
        armored(bytes(10)).replace(b"=", b""),
        armored(bytes(10)).replace(b"A=", b"B="),
        armored(bytes(10)).replace(b"AA", b"*A"),
        armored(bytes(100)).replace(b"AAA\n", b"\nAAA\n"),
    ],
)
def test_anything_around_or_within_the_armor_is_refused(text: bytes) -> None:
    with pytest.raises(armor.ArmorMalformed):
        armor.decode(text)
