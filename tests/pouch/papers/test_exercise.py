"""Papers of an exercise: not to be taken for a real bag's, and nothing on them tells the answer."""

import io
import tomllib
from pathlib import Path

import pytest
from PIL import Image

import pouch.papers
from pouch.defects import FINDINGS, KINDS, Act, Defect
from pouch.drill_bags import Condition
from pouch.drill_marking import Solution
from pouch.papers.bag import label
from pouch.papers.exercise import percent
from pouch.papers.printing import Language
from pouch.reading import read_image, texts_in
from tests.support.papers import drill_result, drill_station, made_drill, pages, pictures, text
from tests.support.valise import manifest

LANGUAGES: tuple[Language, ...] = ("fr", "en")
FAMILIES = Path(pouch.papers.__file__).parent / "templates" / "words.toml"
WORDS = tomllib.loads(FAMILIES.read_text("utf-8"))


def _png(picture: Image.Image) -> bytes:
    sink = io.BytesIO()
    picture.save(sink, "PNG")
    return sink.getvalue()


def test_a_label_says_exercise_in_place_of_diplomatic_bag_and_its_symbol_is_read() -> None:
    station = made_drill().stations[0]
    files = drill_station("fr")
    for face in pages(files["label.pdf"]):
        assert "EXERCICE" in face
        assert "DRILL" in face
        assert "VALISE DIPLOMATIQUE" not in face
        assert "NO DIPLOMATIC BAG" in face
    assert read_image(files["label.png"]) == station.text
    for page in pictures(files["label.pdf"], dpi=203):
        assert texts_in(_png(page)) == [station.text]
    assert files["seal.txt"] == station.text.encode() + b"\n"
    real = label(manifest(1), station.text)
    assert "EXERCICE" not in "".join(pages(real))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sheet_says_what_there_is_to_see_and_not_what_is_wrong(language: Language) -> None:
    drill = made_drill()
    hash_ = Solution.of(drill).hash
    for station in drill.stations:
        if station.defect not in (Defect.TRANSPOSED, Defect.BROKEN, Defect.SHORT, None):
            continue
        printed = text(drill_station(language, station.number)["sheet.pdf"])
        for seen in (
            *station.found.seals,
            *(piece.register for piece in station.found.pieces),
            WORDS[f"exercise_{station.found.condition}"][language],
        ):
            assert seen.replace("\u00a0", " ") in printed
        assert hash_ in printed.replace(" ", "")
        if station.defect is not None:
            assert WORDS[f"exercise_{station.defect}"][language] not in printed
            assert station.defect not in printed


def test_the_place_of_the_receipt_code_is_empty_where_it_was_taken_out() -> None:
    drill = made_drill()
    for station in drill.stations:
        printed = text(drill_station("fr", station.number)["bordereau.pdf"])
        if station.nonce is None:
            assert station.defect is Defect.CODE_ABSENT
        else:
            assert station.nonce in printed


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_result_gives_each_figure_with_its_interval_and_what_it_does_not_mean(
    language: Language,
) -> None:
    printed = text(drill_result(language)).replace("\u00a0", " ")
    for name in ("noticed", "named", "acted", "alarms", "caution"):
        assert " ".join(WORDS[f"exercise_{name}"][language].split()) in printed
    assert "/14" in printed
    none = text(drill_result(language, 0))
    assert "0/0 — —" in none
    assert WORDS["exercise_kinds"][language] not in none


def test_every_defect_finding_decision_and_condition_has_its_word() -> None:
    codes = (*KINDS, *FINDINGS, *Act, *Condition)
    assert {f"exercise_{code}" for code in codes} <= set(WORDS)


def test_a_rate_is_written_as_each_language_writes_it() -> None:
    assert percent(0.857, "fr") == "86\u00a0%"
    assert percent(0.857, "en") == "86%"
