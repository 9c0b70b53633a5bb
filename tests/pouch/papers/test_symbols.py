"""The printed symbols, read back from the page as a worn printer or a hurried hand leaves them."""

import random
import zlib

import pytest
import zxingcpp
from PIL import Image, ImageFilter

from pouch.bordereau import MANIFEST_BYTES_MAX, encode
from pouch.digits import encode_digits
from pouch.errors import BordereauMalformed, SealTooLarge
from pouch.locator import grouped_locator
from pouch.manifest import BagClass, Manifest
from pouch.papers.bag import label
from pouch.papers.manifest_symbol import manifest_text, read_manifest_text
from tests.support.papers import MILLIMETRES_PER_INCH, inside, pages, pictures
from tests.support.valise import SEALS, manifest, waybill

# As many digits as a usual seal has: version 13, 69 modules.
SEAL = encode_digits(bytes(range(213)))
LONGEST = manifest(
    seals=tuple(f"WX-ABCDEFGH-00482{number:03d}" for number in range(8)),
    ordinal=99,
    waybill=waybill(packages=99, origin="YAOUNDE-CENTRAL1", destination="NEW-YORK-MISSION"),
)


def _worn(page: Image.Image, seed: int) -> Image.Image:
    """Uneven grey, noise of 6 of 255 and a blur: a tired printer under a bad lamp."""
    draw = random.Random(seed)
    noisy = page.filter(ImageFilter.GaussianBlur(0.7))
    pixels = noisy.load()
    assert pixels is not None
    for x in range(noisy.width):
        for y in range(noisy.height):
            value = 60 + int(pixels[x, y] * 0.55) + int(draw.gauss(0, 6)) - 30 * x // noisy.width  # type: ignore[operator]  # grey has one band
            pixels[x, y] = min(255, max(0, value))
    return noisy


def _read(page: Image.Image) -> str | None:
    found = zxingcpp.read_barcode(page)
    return found.text if found else None


@pytest.mark.parametrize("of", [manifest(), LONGEST], ids=["short", "longest"])
def test_both_faces_of_a_label_are_read_at_camera_resolution(of: Manifest) -> None:
    # 100 dpi: the symbol is 204 pixels wide, about three to a module.
    faces = pictures(label(of, SEAL), dpi=100)
    assert len(faces) == 2
    for seed, face in enumerate(faces):
        assert _read(face) == SEAL
        assert _read(_worn(face, seed)) == SEAL


def test_a_label_measures_60_by_100_with_modules_of_three_quarters_of_a_millimetre() -> None:
    dots = 1016  # 0.025 mm each
    (face, _) = pictures(label(manifest(), SEAL), dpi=dots)
    per_millimetre = dots / MILLIMETRES_PER_INCH
    assert (face.width / per_millimetre, face.height / per_millimetre) == pytest.approx(
        (60, 100), abs=0.1
    )
    found = zxingcpp.read_barcode(face)
    assert found is not None
    corners = found.position
    side = (corners.top_right.x - corners.top_left.x) / per_millimetre
    assert side == pytest.approx(69 * 0.75, abs=0.3)
    left = corners.top_left.x / per_millimetre
    assert left >= 4 * 0.75


def test_a_label_says_what_it_must_and_nothing_else() -> None:
    said = (
        "VALISE DIPLOMATIQUE DIPLOMATIC BAG YAOUNDE → PARIS Sac 1 de 2 Bag 1 of 2"
        f" {grouped_locator(manifest().bag)} Scellés / Seals {SEALS[0]} {SEALS[1]}"
    )
    assert pages(label(manifest(), SEAL)) == (said, said)


def test_the_longest_label_still_has_two_pages_and_every_seal() -> None:
    faces = pages(label(LONGEST, SEAL))
    assert len(faces) == 2
    for face in faces:
        for seal in LONGEST.seals:
            assert seal in face


def test_a_seal_that_no_tag_can_show_has_no_label() -> None:
    with pytest.raises(SealTooLarge):
        label(manifest(), "0123456789" * 400)


def test_a_short_open_bordereau_is_read_from_its_page() -> None:
    whole = manifest(3, bag_class=BagClass.UNCLASSIFIED)
    page = pictures(inside(whole), dpi=200)[-1]
    for seen in (page, _worn(page.crop(_right_lower(page)), 1)):
        digits = _read(seen)
        assert digits is not None
        assert read_manifest_text(digits) == whole


def _right_lower(page: Image.Image) -> tuple[int, int, int, int]:
    return page.width // 2, page.height // 2, page.width, page.height


@pytest.mark.parametrize(
    "whole",
    [manifest(3), manifest(60, bag_class=BagClass.UNCLASSIFIED)],
    ids=["classified", "too long"],
)
def test_a_bordereau_without_a_symbol_says_so(whole: Manifest) -> None:
    pdf = inside(whole)
    assert "ne porte pas de symbole" in " ".join(pages(pdf))
    assert not [page for page in pictures(pdf) if _read(page)]


def test_what_is_not_a_manifests_symbol_is_refused() -> None:
    whole = manifest(1)
    packed = zlib.compress(encode(whole))
    bomb = zlib.compress(b" " * (MANIFEST_BYTES_MAX + 1))
    assert read_manifest_text(manifest_text(whole)) == whole
    for wrong in (
        "",
        "no digits",
        encode_digits(b"no stream"),
        encode_digits(packed[:-1]),
        encode_digits(packed + b"more"),
        encode_digits(zlib.compress(b"{}")),
        encode_digits(bomb),
    ):
        with pytest.raises(BordereauMalformed):
            read_manifest_text(wrong)
