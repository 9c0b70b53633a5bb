"""The JSON border refuses what lenient parsers let through."""

import pytest

from cipher_service.api.strict_json import MAX_DEPTH, BodyRefused, parse

REFUSED = [
    b"",
    b"{",
    b"\xff\xfe{}",
    b"\xef\xbb\xbf{}",
    '{"a": 1}'.encode("utf-16"),
    b'{"a": 1, "a": 2}',
    b'{"a": {"b": 1, "b": 1}}',
    b"NaN",
    b'{"a": Infinity}',
    b'{"a": -Infinity}',
    b'{"a": 1e999}',
    b'{"a": 1.0}',
    b'{"a": -0}',
    b'{"a": 9007199254740993}',
    b'{"a": ' + b"9" * 5000 + b"}",
    rb'"\ud800"',
    rb'{"\udfff": 1}',
    rb'{"a": ["x\u0000y"]}',
    b'"a\x00b"',
    b"[" * 100_000,
    b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    b'{"a":' * 5000,
    b"{} {}",
    b"{'a': 1}",
    b"// x\n{}",
]


@pytest.mark.parametrize("body", REFUSED, ids=range(len(REFUSED)))
def test_it_is_refused_by_one_type(body: bytes) -> None:
    with pytest.raises(BodyRefused):
        parse(body)


def test_what_is_strict_is_read() -> None:
    assert parse('{"a": [1, -2, "é😀", null, true]}'.encode()) == {"a": [1, -2, "é😀", None, True]}
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert parse(deep)
    assert parse(b'"\\ud83d\\ude00"') == "😀"  # a pair of surrogates is a character
