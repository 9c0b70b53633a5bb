"""Seals and locators as digits: one form each, and no keyboard layout spoils them."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pouch.digits import AZERTY, CALIBRATION, TEXT_MAX, decode_digits, encode_digits
from pouch.errors import LocatorWrong
from pouch.locator import grouped_locator, locator, new_bag, read_locator

LAYOUTS = {
    "azerty": AZERTY,
    "czech": "é+ěščřžýáí",
    "shifted": ")!@#$%^&*(",
    "arabic": "٠١٢٣٤٥٦٧٨٩",
    "reversed": CALIBRATION[::-1],
}


@given(st.binary(max_size=60), st.sampled_from(sorted(LAYOUTS)))
def test_every_text_is_read_back_under_every_layout(data: bytes, layout: str) -> None:
    text = encode_digits(data)
    assert decode_digits(text) == data
    typed = text.translate(str.maketrans(CALIBRATION, LAYOUTS[layout]))
    assert decode_digits(f"\n{typed}\r\n") == data
    assert decode_digits(unicodedata.normalize("NFD", typed)) == data


@given(st.text("0123456789", max_size=80))
def test_what_decodes_is_the_one_encoding(digits: str) -> None:
    try:
        data = decode_digits(CALIBRATION + digits)
    except ValueError:
        return
    assert encode_digits(data) == CALIBRATION + digits


def test_seven_bytes_take_seventeen_digits() -> None:
    assert encode_digits(bytes(7)) == CALIBRATION + "0" * 17
    assert encode_digits(b"\xff" * 8) == CALIBRATION + "72057594037927935" + "255"
    assert len(encode_digits(bytes(6))) == 10 + 15


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "012345678",
        "0012345678" + "0" * 17,
        "0123456788" + "0" * 17,
        CALIBRATION + "0",
        CALIBRATION + "256",
        CALIBRATION + "9" * 17,
        CALIBRATION + "0" * 16 + "x",
        CALIBRATION + "0" * 8 + " " + "0" * 9,
        CALIBRATION + "0" * 16 + "_",
        AZERTY + "0" * 17,
        "0" * (TEXT_MAX + 1),
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"digits|sign|symbol"):
        decode_digits(text)


def test_a_locator_is_read_as_printed_scanned_and_typed_in_french() -> None:
    bag = "4820193746510293847561"
    printed = grouped_locator(bag)
    assert [len(group) for group in printed.split()] == [4] * 6
    assert int(locator(bag)) % 97 == 1
    typed = locator(bag).translate(str.maketrans(CALIBRATION, AZERTY))
    for text in (printed, locator(bag), typed, f" {printed}\r\n"):
        assert read_locator(text) == bag


def test_a_new_bag_has_a_number_of_its_own() -> None:
    bags = {new_bag() for _ in range(50)}
    assert len(bags) == 50
    assert all(read_locator(locator(bag)) == bag for bag in bags)
    assert read_locator(locator("0" * 22)) == "0" * 22


def test_every_wrong_digit_and_every_exchange_of_neighbours_is_caught() -> None:
    right = locator("4820193746510293847561")
    wrong = {
        right[:place] + digit + right[place + 1 :] for place in range(24) for digit in CALIBRATION
    }
    wrong |= {
        right[:place] + right[place + 1] + right[place] + right[place + 2 :] for place in range(23)
    }
    for text in wrong - {right}:
        with pytest.raises(LocatorWrong):
            read_locator(text)


@pytest.mark.parametrize("text", ["", "1" * 23, "1" * 25, "x" * 24, "٠" * 24])
def test_what_is_no_locator_is_refused(text: str) -> None:
    with pytest.raises(LocatorWrong, match="24 digits"):
        read_locator(text)


def test_check_digits_have_one_spelling() -> None:
    """97 and 00 leave one remainder: only one of the two is ever printed, and read."""
    number = next(n for n in range(200) if locator(f"{n:022d}").endswith("97"))
    with pytest.raises(LocatorWrong, match="check digits"):
        read_locator(f"{number:022d}00")
