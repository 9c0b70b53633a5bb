"""What people may write comes out as written: no markup, nothing invisible, nothing cut off."""

import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageOps

from pouch.manifest import Carrier, Manifest
from pouch.papers.forms import Finding, destruction_record, discrepancy_report, receipt
from pouch.papers.legible import legible
from pouch.papers.letters import courier_letter
from tests.support.papers import (
    ISSUE,
    inside,
    made_destruction,
    made_receipt,
    made_report,
    packages,
    pages,
    pictures,
    text,
)
from tests.support.valise import item, manifest, waybill

MARKUP = (
    '#panic("x") #sys.inputs $x^2$ @label <label> *bold* _em_ `raw` = heading',
    '\\#read("words.toml") \\u{41} \\ // comment /* comment */ \'quoted\' "quoted"',
    "- list + enum / term: ... -- --- ~ [content] {code} https://example.org #",
    "%PDF-1.7 endstream endobj ) >> (( \\) <</Type/Catalog>>",
)
LONG_WORD = "Wx" * 60
LONG_NAME = "Mme Œdipe N’Guessan-Ébolowa É. " * 4
ARABIC = "السفير محمد"


@pytest.mark.parametrize("hostile", MARKUP)
def test_markup_in_a_value_is_printed_literally(hostile: str) -> None:
    line = item(1, sender=hostile[:100], addressee=hostile[:100])
    carrier = Carrier(hostile[:100], hostile[:100], "DP 1", hostile[:100])
    for pdf in (
        inside(manifest(items=(line,)), issuer=hostile),
        courier_letter(waybill(carrier=carrier), packages(2), ISSUE, purpose=hostile),
        destruction_record(made_destruction(hostile), "en", hostile),
        discrepancy_report(made_report(hostile), "fr", "A9"),
        receipt(made_receipt(hostile), "fr", "A9"),
    ):
        assert _squeezed(hostile[:100]) in _squeezed(text(pdf))


def _squeezed(words: str) -> str:
    # A reader takes a hyphen at the end of a line for a division of the word.
    return "".join(words.split()).translate(dict.fromkeys((ord("-"), 2, 0xFFFE)))


def test_lines_of_a_report_stay_lines() -> None:
    report = replace(made_report(), circumstances="Premier.\nSecond.\n\n#Troisième.")
    assert "Premier. Second. #Troisième." in text(discrepancy_report(report, "fr", "A9"))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("a\u202eb", "a[U+202E]b"),
        ("zero\u200bwidth\u00ad", "zero[U+200B]width[U+00AD]"),
        ("tab\tnul\x00", "tab[U+0009]nul[U+0000]"),
        ("大使 \U0001f600", "[U+5927][U+4F7F] [U+1F600]"),
        ("\ue000\ufffe\u0378", "[U+E000][U+FFFE][U+0378]"),
        ("Łódź à œ « » ’ → ж Ω ệ", "Łódź à œ « » ’ → ж Ω ệ"),
        (ARABIC, ARABIC),
    ],
)
def test_a_sign_is_shown_or_named_by_its_number(written: str, shown: str) -> None:
    assert legible(written) == shown
    pdf = destruction_record(made_destruction(written), "en", "A9")
    if shown != ARABIC:  # a reader of PDF gives Arabic in the order in which it stands
        assert _squeezed(shown) in _squeezed(text(pdf))


def test_every_sign_that_is_shown_has_a_letter_form() -> None:
    """PDF/UA refuses a sign without one, and a clerk would have no paper."""
    shown = "".join(
        sign for point in range(0x110000) if (sign := chr(point)) != "\n" and legible(sign) == sign
    )
    assert len(shown) > 1_500
    words = " ".join(unicodedata.normalize("NFC", sign) for sign in shown)
    assert destruction_record(made_destruction(words), "en", words)


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=60))
def test_whatever_is_written_can_be_printed(written: str) -> None:
    assert destruction_record(made_destruction(written), "fr", written)


def _stuffed(lines: int, name: str) -> Manifest:
    each = item(1, sender=name, addressee=name, enclosure="E" * 40, register="R" * 40)
    items = tuple(
        replace(each, line=line, quantity=100_000, weight_g=2_000_000)
        for line in range(1, lines + 1)
    )
    return manifest(
        items=items,
        seals=tuple(f"WX-ABCDEFGH-00482{number:03d}" for number in range(8)),
        waybill=waybill(consignee=name, number="N" * 40),
    )


@pytest.mark.parametrize("name", [LONG_WORD, LONG_NAME[:120]], ids=["one word", "a name"])
def test_the_longest_values_stay_in_their_cells(name: str) -> None:
    carrier = Carrier(name, name, "P" * 40, name)
    stops = tuple(name[:-2] + f"{stop:02d}" for stop in range(16))
    many = waybill(packages=99, carrier=carrier, itinerary=stops, consignee=name)
    seals = tuple(f"WX-ABCDEFGH-00482{number:03d}" for number in range(8))
    reserves = tuple(Finding("damaged", 500, "R" * 40, name, name) for _ in range(40))
    report = replace(made_report(name), findings=reserves)
    for pdf in (
        inside(_stuffed(40, name), issuer=name),
        courier_letter(many, packages(99, seals), ISSUE, purpose=name),
        destruction_record(made_destruction(name), "fr", "A9"),
        discrepancy_report(report, "fr", "A9"),
        receipt(made_receipt(name, reserves=reserves), "en", "A9"),
    ):
        # At 72 dots an inch: nothing in the outer 13 mm on either side.
        for page in pictures(pdf, dpi=72):
            box = ImageOps.invert(page).getbbox()
            assert box is not None
            assert box[0] >= 37
            assert page.width - box[2] >= 37
        assert _squeezed(name) in _squeezed(text(pdf))
    assert len(pages(inside(_stuffed(40, name)))) > 5
