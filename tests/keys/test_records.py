"""Records: each member named, typed and bounded, none left over."""

import re
from collections.abc import Callable

import pytest

from keys.records import EXERCISE, POST, ULID, Record, is_exercise

READERS: dict[str, Callable[[Record], object]] = {
    "text": lambda record: record.text("m", POST),
    "any_text": lambda record: record.any_text("m"),
    "optional_text": lambda record: record.optional_text("m", POST),
    "texts": lambda record: record.texts("m", POST, most=2),
    "constant": lambda record: record.constant("m", 1),
    "integer": lambda record: record.integer("m", least=1),
    "optional_integer": lambda record: record.optional_integer("m", least=1),
    "boolean": lambda record: record.boolean("m"),
    "octets": lambda record: record.octets("m", 3),
    "time": lambda record: record.time("m"),
    "optional_time": lambda record: record.optional_time("m"),
    "items": lambda record: record.items("m", least=1, most=2),
    "record": lambda record: record.record("m").close(),
    "optional_record": lambda record: record.optional_record("m"),
}


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        ("text", "PARIS", "PARIS"),
        ("any_text", "", ""),
        ("optional_text", None, None),
        ("optional_text", "LOME", "LOME"),
        ("texts", ["LOME", "PARIS"], ("LOME", "PARIS")),
        ("constant", 1, None),
        ("integer", 1, 1),
        ("optional_integer", 1, 1),
        ("optional_integer", None, None),
        ("boolean", False, False),
        ("octets", "AP/+", b"\0\xff\xfe"),
        ("optional_time", None, None),
        ("items", [None], (None,)),
        ("record", {}, None),
        ("optional_record", None, None),
    ],
)
def test_a_member_is_read(reader: str, value: object, read: object) -> None:
    record = Record({"m": value}, "card")
    assert READERS[reader](record) == read
    record.close()


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("text", "paris"),
        ("text", "PARIS\n"),
        ("text", 1),
        ("any_text", None),
        ("optional_text", ""),
        ("optional_integer", 0),
        ("optional_integer", True),
        ("boolean", 1),
        ("boolean", None),
        ("texts", ["LOME", "LOME"]),
        ("texts", ["LOME", 1]),
        ("texts", ["LOME", "lome"]),
        ("texts", ["AA", "BB", "CC"]),
        ("constant", 2),
        ("constant", True),
        ("integer", 0),
        ("integer", True),
        ("integer", "1"),
        ("octets", "AAAAAA=="),
        ("octets", "AP_-"),
        ("octets", 3),
        ("time", "2026"),
        ("time", 2026),
        ("optional_time", ""),
        ("items", []),
        ("items", {}),
        ("record", []),
        ("record", {"x": 1}),
        ("optional_record", 1),
    ],
)
def test_another_value_is_refused(reader: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"card\.m"):
        READERS[reader](Record({"m": value}, "card"))


@pytest.mark.parametrize("reader", READERS)
def test_an_absent_member_is_refused(reader: str) -> None:
    with pytest.raises(ValueError, match="card lacks m"):
        READERS[reader](Record({}, "card"))


def test_a_member_that_may_be_left_out_is_there_until_it_is_taken() -> None:
    record = Record({"m": None}, "card")
    assert record.has("m")
    assert record.optional_text("m", POST) is None
    assert not record.has("m")
    assert not record.has("n")


def test_a_member_left_over_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown member 'x'"):
        Record({"x": 1}, "card").close()


def test_the_first_character_of_a_ulid_keeps_it_in_128_bits() -> None:
    assert re.fullmatch(ULID, "7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
    assert not re.fullmatch(ULID, "8ZZZZZZZZZZZZZZZZZZZZZZZZZ")


def test_the_codes_of_exercises_are_codes_of_posts_and_of_no_ministry() -> None:
    assert POST.fullmatch(EXERCISE)
    assert is_exercise(EXERCISE)
    assert is_exercise("EXERCICE-POSTE")
    assert not is_exercise("EXERCICES")
    assert not is_exercise("PARIS-EXERCICE")
