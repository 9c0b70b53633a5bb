"""Canonical JSON: one value, one encoding, and nothing else is read."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keys import canonical

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_encoded_is_read_back(value: object) -> None:
    assert canonical.decode(canonical.encode(value)) == value


@given(st.binary(max_size=40))
def test_whatever_is_read_has_one_encoding(data: bytes) -> None:
    try:
        value = canonical.decode(data)
    except ValueError:
        return
    assert canonical.encode(value) == data


ANY_TEXT = st.text(st.characters(), max_size=8) | st.just("\0") | st.just("\\u0000")
ANY_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(2**53 - 2, 2**53 + 2) | ANY_TEXT,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(ANY_TEXT, inner, max_size=3)
        | inner.map(lambda value: [[[[[[[[[[[[[[[[value]]]]]]]]]]]]]]]])
    ),
    max_leaves=8,
)


@given(ANY_VALUES)
def test_reading_refuses_exactly_what_encoding_refuses(value: object) -> None:
    """Reading looks at single values only where it must: it may not be more lenient for that."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        expected = canonical.encode(value)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            canonical.decode(text.encode(errors="surrogatepass"))
    else:
        assert canonical.decode(text.encode()) == value
        assert text.encode() == expected


def test_the_form_is_the_one_specified() -> None:
    value = {"b": [1, -2, True, None, ("é", "\U0001f511", '\x1f\n"\\/\x7f')], "B": {}, "a": ""}
    assert canonical.encode(value) == (
        '{"B":{},"a":"","b":[1,-2,true,null,["é","\U0001f511","\\u001f\\n\\"\\\\/\x7f"]]}'.encode()
    )


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" 1",
        b"1 ",
        b"1\n",
        b"01",
        b"-0",
        b"1.0",
        b"1e2",
        b"NaN",
        b"Infinity",
        b"9007199254740992",
        b"9" * 5000,
        b'"\\u0041"',
        b'"\\/"',
        b'"\\u001F"',
        b'"\\ud800"',
        b'"\\u0000"',
        b'"\xff"',
        b"\xef\xbb\xbf1",
        b'{"a":1,"a":1}',
        b'{"b":1,"a":1}',
        b'{"a": 1}',
        b"[" * 17 + b"]" * 17,
        b"[" * 100_000,
        b'{"a":' * 17 + b"1" + b"}" * 17,
        b"1 2",
        b"'a'",
    ],
)
def test_anything_lenient_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        canonical.decode(data)


@pytest.mark.parametrize(
    "value", [1.0, b"x", {1: 2}, {"a": {2}}, 2**53, -(2**53), "\0", {"\0": 1}, "\ud800", [object()]]
)
def test_what_canonical_json_cannot_say_is_not_encoded(value: object) -> None:
    with pytest.raises(ValueError):
        canonical.encode(value)


def test_sixteen_levels_are_read() -> None:
    assert canonical.decode(b"[" * 16 + b"]" * 16)


def test_bytes_have_one_text() -> None:
    assert canonical.text_from_bytes(b"\0\xff\xfe") == "AP/+"
    assert canonical.bytes_from_text("AP/+") == b"\0\xff\xfe"


@pytest.mark.parametrize("text", ["AP_-", "AA", "AA=", "AB==", "A A=", "AA==\n", "é", "AA==="])
def test_another_base64_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        canonical.bytes_from_text(text)


def test_a_time_has_one_text() -> None:
    time = datetime(2026, 11, 22, 12, 28, 59, tzinfo=UTC)
    assert canonical.text_from_time(time) == "2026-11-22T12:28:59Z"
    assert canonical.time_from_text("2026-11-22T12:28:59Z") == time
    yaounde = time.astimezone(timezone(timedelta(hours=1)))
    assert canonical.text_from_time(yaounde) == "2026-11-22T12:28:59Z"


def test_an_early_year_keeps_its_four_digits() -> None:
    text = "0987-01-02T03:04:05Z"
    assert canonical.text_from_time(canonical.time_from_text(text)) == text


@pytest.mark.parametrize(
    "time",
    [datetime(2026, 1, 1), datetime(2026, 1, 1, microsecond=1, tzinfo=UTC)],  # noqa: DTZ001  the defect
)
def test_a_vague_time_is_not_written(time: datetime) -> None:
    with pytest.raises(ValueError):
        canonical.text_from_time(time)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-22T12:28:59",
        "2026-11-22 12:28:59Z",
        "2026-02-30T00:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T12:28:59.0Z",
    ],
)
def test_another_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        canonical.time_from_text(text)


def test_json_as_people_write_it_is_read_with_each_name_once() -> None:
    typed = b'\xef\xbb\xbf { "b": 1.5,\r\n "a": [] }\n'
    assert canonical.decode_typed(typed) == {"b": 1.5, "a": []}
    for data in (b"", b"\xff", b"{", b'{"a": 1, "a": 1}', b'[{"b": {"a": 1, "a": 2}}]'):
        with pytest.raises(ValueError):
            canonical.decode_typed(data)
