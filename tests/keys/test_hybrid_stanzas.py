"""A hybrid stanza's key has one spelling, and what decodes base64 agrees on which it is."""

import os

import pytest

from keys.age.header import Header, Stanza, decode_base64, encode_base64
from keys.age.hybrid import HYBRID_TYPE
from keys.errors import HeaderMalformed
from keys.package import LABEL_TYPE, check_stanzas
from keys.s2.recipients import S2_TYPE

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
KEY = encode_base64(os.urandom(1120)).decode()


def check(*arguments: str, body: bytes = bytes(32)) -> None:
    label = Stanza(LABEL_TYPE, (encode_base64(bytes(32)).decode(),), b"{}")
    check_stanzas(Header((label, Stanza(HYBRID_TYPE, arguments, body)), bytes(32)))


def passes(key: str) -> bool:
    try:
        check(key)
    except HeaderMalformed:
        return False
    return True


def decodes(key: str) -> bool:
    try:
        return len(decode_base64(key)) == 1120
    except ValueError:
        return False


def test_the_pattern_lets_in_what_decodes_to_the_size_and_nothing_else() -> None:
    last = [KEY[:-1] + letter for letter in (*ALPHABET, "=", "-", "_", "~")]
    first = [sign + KEY[1:] for sign in (*ALPHABET, "=", "-", "_", "!")]
    sizes = [encode_base64(bytes(size)).decode() for size in (1, 1088, 1119, 1121, 1122)]
    padded = [f"{KEY}=", f"{KEY}==", f"{KEY}A", KEY[:-1]]
    tried = [KEY, *last, *first, *sizes, *padded]
    assert [passes(key) for key in tried] == [decodes(key) for key in tried]
    assert sum(map(passes, last)) == 4  # four bits are to spare, and must be zero
    assert passes(KEY)


@pytest.mark.parametrize("arguments", [(), (KEY, KEY), (KEY, "x")], ids=["none", "two", "more"])
def test_another_number_of_arguments_is_refused(arguments: tuple[str, ...]) -> None:
    with pytest.raises(HeaderMalformed, match="argument"):
        check(*arguments)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_another_size_of_the_body_is_refused(size: int) -> None:
    with pytest.raises(HeaderMalformed, match="body"):
        check(KEY, body=bytes(size))


@pytest.mark.parametrize(
    ("arguments", "body"), [(("AAAA",), b""), ((), bytes(32))], ids=["sizes", "no argument"]
)
def test_a_stanza_of_the_other_suite_that_breaks_its_form_is_refused(
    arguments: tuple[str, ...], body: bytes
) -> None:
    label = Stanza(LABEL_TYPE, (encode_base64(bytes(32)).decode(),), b"{}")
    with pytest.raises(HeaderMalformed, match="S2"):
        check_stanzas(Header((label, Stanza(S2_TYPE, arguments, body)), bytes(32)))
