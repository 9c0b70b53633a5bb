"""The header: one spelling only, bounded work, and nobody without the file key may touch it."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.age.header import (
    MAX_HEADER_SIZE,
    MAX_STANZAS,
    Header,
    Stanza,
    decode_base64,
    encode_base64,
    seal_header,
)
from keys.age.hybrid import HybridKey, wrap
from keys.errors import HeaderMalformed, HeaderTampered, HeaderTooLarge, NotAge

FILE_KEY = bytes(range(16))
VERSION = b"age-encryption.org/v1\n"
MAC_LINE = b"--- " + encode_base64(bytes(32)) + b"\n"

arguments = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20)
# A passphrase stanza must be alone, which is another test's story.
stanzas = st.builds(
    Stanza,
    arguments.filter(lambda kind: kind != "scrypt"),
    st.lists(arguments, max_size=3).map(tuple),
    st.binary(max_size=200),
)


class Counting(io.BytesIO):
    """A file that counts what is asked of it."""

    handed = 0
    calls = 0

    def readline(self, size: int | None = -1, /) -> bytes:
        line = super().readline(size)
        self.handed += len(line)
        self.calls += 1
        return line


def parse(data: bytes) -> Header:
    return Header.parse(io.BytesIO(data))


@settings(max_examples=60, deadline=None)
@given(st.lists(stanzas, min_size=1, max_size=5), st.binary(max_size=40))
def test_a_header_reads_back_and_the_payload_is_left_untouched(
    written: list[Stanza], payload: bytes
) -> None:
    data = seal_header(written, FILE_KEY)
    source = io.BytesIO(data + payload)
    header = Header.parse(source)
    assert source.read() == payload
    assert header.stanzas == tuple(written)
    assert header.encode() == data
    header.verify(FILE_KEY)


# Lines that are nearly those of a header, so that some of them are.
near_lines = st.sampled_from(
    [b"-> a b", b"-> a  b", b"->", b"AAAA", b"AAA", b"AA", b"AB", b"AA==", b"AAAA\r", b"", b"---"]
    + [b"A" * size for size in (60, 63, 64, 65, 68, 128)]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(near_lines, max_size=6))
def test_whatever_parses_has_no_other_spelling(noise: list[bytes]) -> None:
    data = b"\n".join([VERSION + b"-> a b", *noise, MAC_LINE])
    try:
        header = parse(data)
    except HeaderMalformed:
        return
    assert data.startswith(header.encode())


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=100))
def test_base64_is_without_padding_and_canonical(data: bytes) -> None:
    text = encode_base64(data)
    assert b"=" not in text
    assert decode_base64(text) == data
    assert decode_base64(text.decode()) == data


@pytest.mark.parametrize(
    "text", ["A", "AB", "AAB", "AA==", "AA AA", "AA\nAA", "A-_A", "éA", "=AAA"]
)
def test_other_spellings_of_base64_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_base64(text)


def test_200_hybrid_recipients_fit(paris: HybridKey) -> None:
    data = seal_header([wrap(FILE_KEY, paris.recipient)] * 200, FILE_KEY)
    assert 311_000 < len(data) < 312_000
    header = parse(data)
    assert len(header.stanzas) == 200
    header.verify(FILE_KEY)


STANZA = b"-> X25519 " + b"A" * 43 + b"\n" + b"A" * 43 + b"\n"


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param(VERSION + STANZA * (31_000_000 // len(STANZA)), id="many stanzas"),
        pytest.param(VERSION + b"-> a\n\n" * 5_000_000, id="many empty stanzas"),
        pytest.param(VERSION + b"-> a\n" + (b"A" * 64 + b"\n") * 470_000, id="one long body"),
        pytest.param(VERSION + b"-> " + b"a" * 31_000_000, id="one long argument"),
        pytest.param(VERSION + b"-> " + b"a " * 15_500_000, id="many arguments"),
        pytest.param(VERSION + b"-> a\n" + b"A" * 31_000_000, id="one long line"),
    ],
)
def test_header_bomb_is_refused_after_one_mebibyte(bomb: bytes) -> None:
    source = Counting(bomb)
    with pytest.raises(HeaderTooLarge):
        Header.parse(source)
    # Each byte is asked for once and none beyond the cap: the work cannot grow with the file.
    assert source.handed <= MAX_HEADER_SIZE
    assert source.tell() == source.handed
    assert source.calls <= MAX_HEADER_SIZE // 64 + 2


def test_a_file_without_any_newline_costs_one_short_read() -> None:
    source = Counting(b"\0" * 31_000_000)
    with pytest.raises(NotAge):
        Header.parse(source)
    assert source.handed == len(VERSION)


def test_the_last_stanza_allowed_is_the_600th() -> None:
    grease = Stanza("grease", (), b"")
    assert len(parse(seal_header([grease] * MAX_STANZAS, FILE_KEY)).stanzas) == 600
    with pytest.raises(HeaderTooLarge, match="600 stanzas"):
        parse(seal_header([grease] * (MAX_STANZAS + 1), FILE_KEY))


def test_a_header_may_fill_the_cap_exactly_and_no_more() -> None:
    def header_of(size: int) -> bytes:
        fixed = len(VERSION) + len(b"-> x \n\n") + len(MAC_LINE)
        return seal_header([Stanza("x", ("a" * (size - fixed),), b"")], FILE_KEY)

    assert len(header_of(MAX_HEADER_SIZE)) == MAX_HEADER_SIZE
    parse(header_of(MAX_HEADER_SIZE)).verify(FILE_KEY)
    with pytest.raises(HeaderTooLarge):
        parse(header_of(MAX_HEADER_SIZE + 1))


def test_truncation_anywhere_in_the_header_is_refused(paris: HybridKey) -> None:
    data = seal_header(
        [Stanza("label", ("a",), b"x" * 48), wrap(FILE_KEY, paris.recipient)], FILE_KEY
    )
    for end in range(len(data)):
        expected = NotAge if end < len(b"age-encryption.org/") else HeaderMalformed
        with pytest.raises(expected):
            parse(data[:end])


def test_a_bit_flipped_anywhere_in_the_header_is_refused(paris: HybridKey) -> None:
    data = seal_header(
        [Stanza("label", ("a",), b"x" * 48), wrap(FILE_KEY, paris.recipient)], FILE_KEY
    )
    for at in range(len(data)):
        flipped = bytearray(data)
        flipped[at] ^= 1 << at % 8
        with pytest.raises((NotAge, HeaderMalformed, HeaderTampered)):
            parse(bytes(flipped)).verify(FILE_KEY)


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(lambda s: s[1:], id="label stripped"),
        pytest.param(lambda s: s[:-1], id="recipient stripped"),
        pytest.param(lambda s: s[::-1], id="stanzas swapped"),
        pytest.param(lambda s: (*s, s[-1]), id="stanza repeated"),
        pytest.param(lambda s: (Stanza("label", ("SECRET",), b""), *s[1:]), id="label altered"),
    ],
)
def test_metadata_stanza_altered_or_removed_by_an_outsider_breaks_the_mac(
    paris: HybridKey, edit: object
) -> None:
    assert callable(edit)
    sealed = [Stanza("label", ("NON-PROTEGE",), b""), wrap(FILE_KEY, paris.recipient)]
    header = parse(seal_header(sealed, FILE_KEY))
    forged = Header(tuple(edit(header.stanzas)), header.mac)
    with pytest.raises(HeaderTampered):
        parse(forged.encode()).verify(FILE_KEY)


def test_a_passphrase_stanza_beside_another_is_refused() -> None:
    both = [Stanza("scrypt", (), b""), Stanza("grease", (), b"")]
    with pytest.raises(HeaderMalformed, match="alone"):
        parse(seal_header(both, FILE_KEY))


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", NotAge),
        (b"PK\x03\x04", NotAge),
        (b"age-encryption.org/v2\n-> a\n\n" + MAC_LINE, HeaderMalformed),
        (VERSION + MAC_LINE, HeaderMalformed),
        (VERSION + b"-> a\n\n--- " + encode_base64(bytes(31)) + b"\n", HeaderMalformed),
        (VERSION + b"-> a\n\nnoise\n" + MAC_LINE, HeaderMalformed),
        (VERSION + b"-> a\n" + b"A" * 68 + b"\n" + MAC_LINE, HeaderMalformed),
        (VERSION + b"-> \xe9\n\n" + MAC_LINE, HeaderMalformed),
    ],
)
def test_other_files_are_refused_by_name(data: bytes, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        parse(data)


@pytest.mark.parametrize("argument", ["", "two words", "tab\t", "line\n", "é", "\x7f"])
def test_a_stanza_cannot_be_built_with_an_argument_that_would_not_read_back(argument: str) -> None:
    with pytest.raises(ValueError):
        Stanza(argument, (), b"")
    with pytest.raises(ValueError):
        Stanza("label", (argument,), b"")


def test_a_header_is_not_sealed_over_nothing_nor_with_half_a_key() -> None:
    with pytest.raises(ValueError):
        seal_header([], FILE_KEY)
    with pytest.raises(ValueError):
        seal_header([Stanza("a", (), b"")], FILE_KEY[:8])
