"""Symbols: small, sharp, and read back from real pictures."""

import io

import pytest
from PIL import Image

from pouch.errors import ImageUnreadable, SealTooLarge, SymbolNotFound
from pouch.locator import locator
from pouch.reading import IMAGE_BYTES_MAX, read_image, texts_in
from pouch.symbol import DOTS, QUIET, draw, picture, png

TEXT = "0123456789" + "0479" * 135  # 550 digits, a usual seal
LOCATOR = locator("4820193746510293847561")


def _bytes(image: Image.Image, kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def _beside(*images: Image.Image) -> Image.Image:
    sheet = Image.new("L", (sum(i.width for i in images), max(i.height for i in images)), 255)
    left = 0
    for image in images:
        sheet.paste(image, (left, 0))
        left += image.width
    return sheet


@pytest.mark.parametrize(
    ("digits", "modules"), [(24, 21), (550, 69), (580, 69), (700, 69), (1000, 69), (1200, 85)]
)
def test_the_correction_is_the_best_that_keeps_the_symbol_small(digits: int, modules: int) -> None:
    assert len(draw("7" * digits)) == modules


def test_what_no_telephone_would_read_is_not_drawn() -> None:
    for digits in (2_800, 8_000):
        with pytest.raises(SealTooLarge):
            draw("7" * digits)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF"])
def test_a_picture_gives_its_text_back(kind: str) -> None:
    assert read_image(_bytes(picture(TEXT).convert("RGB"), kind)) == TEXT


def test_the_printed_symbol_has_its_quiet_zone() -> None:
    image = Image.open(io.BytesIO(png(TEXT)))
    assert image.size == ((69 + 2 * QUIET) * DOTS,) * 2
    assert image.convert("L").crop((0, 0, image.width, QUIET * DOTS)).getextrema() == (255, 255)


def test_a_transparent_picture_lies_on_white() -> None:
    image = picture(TEXT).convert("RGBA")
    image.putalpha(image.convert("L").point(lambda level: 255 - level))
    assert read_image(_bytes(image)) == TEXT


def test_a_locator_beside_the_seal_is_passed_over_and_alone_it_is_read() -> None:
    assert read_image(_bytes(_beside(picture(LOCATOR), picture(TEXT)))) == TEXT
    assert read_image(_bytes(picture(LOCATOR))) == LOCATOR
    both = texts_in(_bytes(_beside(picture(LOCATOR), picture(TEXT))))
    assert sorted(both) == sorted([LOCATOR, TEXT])


def test_two_faces_of_a_tag_are_one_seal_and_two_tags_are_not() -> None:
    face = picture(TEXT)
    assert read_image(_bytes(_beside(face, face))) == TEXT
    with pytest.raises(SymbolNotFound, match="2 seals"):
        read_image(_bytes(_beside(face, picture(TEXT[:-4] + "1111"))))


def test_a_picture_without_a_symbol_is_told_so() -> None:
    with pytest.raises(SymbolNotFound, match="0 seals"):
        read_image(_bytes(Image.new("L", (300, 300), 200)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        png(TEXT)[:200],
        b"\x89PNG\r\n\x1a\n" + bytes(60),
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        bytes(IMAGE_BYTES_MAX + 1),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ImageUnreadable):
        read_image(data)


@pytest.mark.parametrize("side", [9_000, 9_700, 14_000])
def test_a_decompression_bomb_is_not_unpacked(side: int) -> None:
    bomb = _bytes(Image.new("1", (side, side), 1))
    assert len(bomb) < 100_000
    with pytest.raises(ImageUnreadable):
        read_image(bomb)
