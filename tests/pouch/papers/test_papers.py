"""Every paper: what stands on it, in which languages, tagged, within its page, the same again."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from PIL import Image, ImageOps

import pouch.papers
from pouch.discrepancies import KINDS, recipients_of
from pouch.facts import BROKEN, DAMAGED, INTACT, MISSING
from pouch.manifest import BagClass, ItemKind, Mode
from pouch.papers.bag import label
from pouch.papers.forms import receipt
from pouch.papers.letters import captain_letter, count_check, courier_letter
from pouch.papers.printing import Language
from tests.support.papers import (
    CAPTAIN,
    EXERCISES,
    ISSUE,
    SIDE_BY_SIDE,
    SINGLE,
    inside,
    made_ceremony,
    made_certified,
    made_receipt,
    packages,
    pages,
    pictures,
    tags,
    text,
)
from tests.support.valise import NONCE, SEALS, manifest, waybill

TEMPLATES = Path(pouch.papers.__file__).parent / "templates"
WORDS = tomllib.loads((TEMPLATES / "words.toml").read_text("utf-8"))
LANGUAGES: tuple[Language, ...] = ("fr", "en")

EACH = [
    *(
        pytest.param(lambda make=make, language=language: make(language), id=f"{name}-{language}")
        for name, make in (*SINGLE.items(), *EXERCISES.items())
        for language in LANGUAGES
    ),
    *(pytest.param(make, id=name) for name, make in SIDE_BY_SIDE.items()),
]
A4_PAPERS = pytest.mark.parametrize("make", EACH)


@A4_PAPERS
def test_a_paper_is_tagged_accessible_and_archivable(make: Callable[[], bytes]) -> None:
    pdf = make()
    document = pypdfium2.PdfDocument(pdf)
    assert pdfium.FPDFCatalog_IsTagged(document)
    assert document.get_metadata_dict()["Title"]
    # The two standards state themselves in the uncompressed XMP packet.
    assert b"pdfuaid:part>1<" in pdf
    assert b"pdfaid:part>2<" in pdf
    assert b"pdfaid:conformance>A<" in pdf


def test_a_screen_reader_finds_title_sections_table_headings_and_symbol() -> None:
    whole = manifest(1, bag_class=BagClass.UNCLASSIFIED)
    for language in LANGUAGES:
        found = list(tags(inside(whole, language)))
        roles = [role for role, _ in found]
        assert (roles.count("H1"), roles.count("H2"), roles.count("TH")) == (1, 3, 9)
        assert ("Figure", WORDS["symbol"][language]) in found
    assert list(tags(label(whole, "0123456789"))).count(("Figure", "Sceau / Seal")) == 2


@A4_PAPERS
def test_every_page_is_numbered_and_names_its_level_above_and_below(
    make: Callable[[], bytes],
) -> None:
    printed = pages(make())
    for number, page in enumerate(printed, 1):
        assert re.search(rf"page {number} (de|of) {len(printed)}\b", page)
        assert len(re.findall(r"A9|SECRET|EXERCICE / DRILL|NON PROTÉGÉ / UNCLASSIFIED", page)) >= 2


@A4_PAPERS
def test_equal_values_give_equal_bytes_and_stay_within_the_page(
    make: Callable[[], bytes],
) -> None:
    pdf = make()
    assert make() == pdf
    for page in pictures(pdf, dpi=72):
        assert _margin(page) >= 10


@pytest.mark.parametrize("count", [4, 8, 9, 13, 14, 15, 16, 19, 24])
@pytest.mark.parametrize("make", [made_ceremony, made_certified], ids=["ceremony", "receipt"])
def test_every_signatory_has_a_whole_box_however_many_there_are(
    make: Callable[[Language, int], bytes], count: int
) -> None:
    pdf = make("fr", count)
    printed = pages(pdf)
    named = [len(re.findall(r"Nom-\d+\.", page)) for page in printed]
    # The line for the date stands at the foot of each box.
    lined = [len(re.findall(rf"\b{WORDS['signature_date']['fr']}\b", page)) for page in printed]
    assert sum(named) == count
    assert lined == named
    assert all(_margin(page) >= 10 for page in pictures(pdf, dpi=72))


def test_the_bytes_depend_on_no_font_zone_or_language_of_the_machine(tmp_path: Path) -> None:
    program = (
        "import sys; from tests.support.papers import SINGLE;"
        "sys.stdout.buffer.write(SINGLE['receipt']('fr'))"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        cwd=Path(__file__).parents[3],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TZ": "Pacific/Auckland",
            "LC_ALL": "C",
            "SOURCE_DATE_EPOCH": "1",
        },
    ).stdout
    assert elsewhere == SINGLE["receipt"]("fr")


@A4_PAPERS
def test_only_the_fonts_that_come_with_the_package_are_used(make: Callable[[], bytes]) -> None:
    fonts = set(re.findall(rb"/FontName/[A-Z]{6}\+([A-Za-z-]+)", make().replace(b" ", b"")))
    assert fonts
    assert {name.split(b"-")[0] for name in fonts} <= {b"IBMPlexSans", b"IBMPlexMono"}


def _foreign(language: Language) -> set[str]:
    """The words of the other language that are none of this one's."""
    other = "en" if language == "fr" else "fr"
    own = " ".join(_folded(words[language]) for words in WORDS.values())
    return {
        folded
        for words in WORDS.values()
        if len(folded := _folded(words[other])) > 3 and folded not in own
    }


def _folded(words: str) -> str:
    return " ".join(words.split()).lower()


@pytest.mark.parametrize("name", SINGLE)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_paper_in_one_language_has_no_word_of_the_other(name: str, language: Language) -> None:
    printed = text(SINGLE[name](language)).lower()
    # What the certifier of the specimen is, as a clerk wrote it.
    printed = printed.replace("chef du bureau de la valise", "")
    assert not {
        word for word in _foreign(language) if re.search(rf"\b{re.escape(word)}\b", printed)
    }


def test_every_word_is_there_in_both_languages_and_used() -> None:
    assert all(set(words) == set(LANGUAGES) and all(words.values()) for words in WORDS.values())
    assert not [
        words["en"] for words in WORDS.values() if not words["en"].replace("’", "").isascii()
    ]
    same = {words["fr"] for words in WORDS.values() if words["fr"] == words["en"]}
    assert same == {"page", "date", "signature", "Destination", "document", "Incident"}
    source = "".join(path.read_text("utf-8") for path in TEMPLATES.glob("*.typ"))
    quoted = set(re.findall(r'"([a-z_]+)"', source))
    families = {prefix for prefix in quoted if prefix.endswith("_")}
    unused = {
        name
        for name in WORDS
        if name not in quoted and not any(name.startswith(prefix) for prefix in families)
    }
    # `purpose` and `vehicle` are keys of one dictionary in the letter.
    assert unused <= {"purpose", "vehicle"}


def test_every_kind_that_the_valise_knows_has_its_word() -> None:
    wanted = chain(
        (f"finding_{kind}" for kind in KINDS),
        (f"recipient_{told}" for told in recipients_of("breach", BagClass.SECRET)),
        (f"condition_{condition}" for condition in (INTACT, DAMAGED, BROKEN, MISSING)),
        (f"mode_{mode}" for mode in Mode),
        (f"kind_{kind}" for kind in ItemKind),
    )
    assert set(wanted) <= set(WORDS)


@pytest.mark.parametrize("name", SIDE_BY_SIDE)
def test_a_letter_says_everything_in_both_languages(name: str) -> None:
    printed = text(SIDE_BY_SIDE[name]())
    key = {"count": "count_opening"}.get(name.split(maxsplit=1)[0], f"{_kind(name)}_opening")
    for language in LANGUAGES:
        assert WORDS[key][language][:40] in printed


def _kind(name: str) -> str:
    return "letter" if name.startswith("courier") else "captain"


def test_a_letter_states_holder_passport_status_packages_seals_and_way() -> None:
    printed = text(courier_letter(waybill(), packages(2), ISSUE))
    for stated in (
        "NDONGO Paul",
        "DP 004417",
        "courrier diplomatique / diplomatic courier",
        "Number of packages 2",
        "YAOUNDE → Bruxelles → PARIS",
        "SU 271",
        f"1/2 {SEALS[0]}, {SEALS[1]} 8 450 g",
        "2/2",
        "22 nov. 2026, 10 h 34 UTC",
        "22 Nov 2026, 10:34 UTC",
        "2 Dec 2026",
        "Emmanuel Atangana",
    ):
        assert stated in printed.replace("\u00a0", " ")
    ad_hoc = text(courier_letter(waybill(mode=Mode.AD_HOC), packages(2), ISSUE, purpose="Sommet"))
    assert "article 27, paragraph 6" in ad_hoc
    assert "Sommet" in ad_hoc


def test_the_captains_letter_says_who_takes_the_bags_and_that_a_captain_is_no_courier() -> None:
    printed = text(captain_letter(CAPTAIN, packages(2), ISSUE, taken_by="SALI Oumarou, attaché"))
    for stated in ("MBARGA Hélène", "QC 301, TJ-QCA", "SALI Oumarou, attaché", "is not considered"):
        assert stated in printed


def test_a_letter_refuses_a_bag_that_it_does_not_name() -> None:
    for named in (packages(1), packages(3), packages(2)[::-1]):
        with pytest.raises(ValueError, match="every bag"):
            courier_letter(waybill(), named, ISSUE)
    with pytest.raises(ValueError, match="courier"):
        courier_letter(waybill(mode=Mode.FREIGHT), packages(2), ISSUE)
    with pytest.raises(ValueError, match="courier"):
        courier_letter(CAPTAIN, packages(2), ISSUE)
    with pytest.raises(ValueError, match="captain"):
        captain_letter(waybill(), packages(2), ISSUE, taken_by="SALI Oumarou")


def test_the_count_check_names_no_seal() -> None:
    printed = text(count_check(waybill()))
    assert not [seal for seal in SEALS if seal in printed]


def test_a_bordereau_has_its_lines_totals_and_proof() -> None:
    printed = text(inside(manifest(40)))
    assert [f"2026/{line:06d}" in printed for line in range(1, 41)] == [True] * 40
    total = sum(each.weight_g for each in manifest(40).items)
    for stated in (
        "VAL 2026-000123",
        "Nombre de lignes 40",
        f"{total // 1000},{total % 1000:03d} kg",
        "Direction des Affaires consulaires",
        "ENV-0007",
        "MBARGA Jeanne",
        "Second scelleur",
        NONCE.hex(),
        *SEALS,
    ):
        assert stated in printed.replace("\u00a0", " ")
    controlled = inside(manifest(1, bag_class=BagClass.CONTROLLED), "en")
    assert "CONTROLLED" in text(controlled)


def test_a_receipt_claims_an_opening_only_with_the_code_from_inside() -> None:
    opened = text(receipt(made_receipt(), "en", "A9"))
    assert "before they opened it together" in opened
    assert NONCE.hex() in opened
    closed = text(receipt(made_receipt(nonce=None), "en", "A9"))
    assert "The bag was not opened." in closed
    assert "nothing else" not in closed


def _margin(page: Image.Image) -> int:
    """Empty pixels between what is printed and the nearest edge."""
    box = ImageOps.invert(page).getbbox()
    assert box is not None
    left, top, right, bottom = box
    return min(left, top, page.width - right, page.height - bottom)
