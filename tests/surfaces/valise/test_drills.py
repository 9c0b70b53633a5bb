"""`valise drill`: drawn, judged by the real program, marked; and nothing of it passes for a bag."""

import json
from pathlib import Path
from typing import Any

import pypdfium2
import pytest

from cipher_service import clock
from pouch.defects import KINDS, Defect
from pouch.drill_marking import Solution
from pouch.findings import Name
from tests.support.languages import english_in
from tests.surfaces.client.offline.posts import Ending, Post
from tests.surfaces.valise.bags import sealed, state, valise

WORD = "le coffre est resté ouvert"
ML_DSA = {"trainee/EXERCICE.card", "trainee/pack.json"}
"""What ML-DSA signed, which draws randomness each time."""


def drawn(out: Path, *more: object, bags: int = 15, defects: int = 14, lang: str = "fr") -> Ending:
    words = ("drill", "new", "--bags", bags, "--defects", defects, "-o", out)
    return valise("--lang", lang, *words, *more)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exercice") / "exercice"
    done = drawn(out, "--seed", WORD)
    assert done.status == 0, done.err
    return out


def solution(folder: Path) -> Solution:
    return Solution.parse((folder / "instructor/solution.json").read_bytes())


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def answered(place: Path, folder: Path, *, wrong: int | None = None) -> Path:
    """The blank form filled in right, but for one station."""
    text = (folder / "trainee/answers.csv").read_text("ascii")
    for number, defect in enumerate(solution(folder).defects, 1):
        row = "accept,"
        if defect is not None:
            row = f"{KINDS[defect].act},{min(KINDS[defect].names)}"
        if number == wrong:
            row = "accept," if defect is not None else "refuse,"
        text = text.replace(f"\n{number},,\n", f"\n{number},{row}\n")
    path = place / "answers.csv"
    path.write_text(text, "ascii")
    return path


def marked(folder: Path, answers: Path, *more: object) -> Ending:
    key = folder / "instructor/solution.json"
    return valise("--lang", "fr", "drill", "mark", "--key", key, *more, answers)


def plain(text: str) -> str:
    return " ".join(text.split())


def test_a_drill_is_drawn_whole_and_its_solution_lies_apart(folder: Path) -> None:
    found = files(folder)
    stations = {f"trainee/{number:02d}" for number in range(1, 16)}
    papers = {"label.pdf", "label.png", "seal.txt", "bordereau.pdf", "sheet.pdf"}
    assert set(found) == {
        "instructor/solution.json",
        *(f"trainee/{name}" for name in ("EXERCICE.card", "root.json", "pack.json", "answers.csv")),
        *(f"{station}/{name}" for station in stations for name in papers),
    }
    told = b"".join(body for name, body in found.items() if name.startswith("trainee/"))
    for defect in Defect:
        assert defect.encode() not in told
    assert not list(folder.parent.glob(".valise-*"))
    for name in ("label", "bordereau", "sheet"):
        paper = pypdfium2.PdfDocument(folder / f"trainee/01/{name}.pdf")
        assert all("EXERCICE" in page.get_textpage().get_text_bounded() for page in paper)


def test_the_same_word_draws_the_same_files_of_a_day(folder: Path, tmp_path: Path) -> None:
    day = f"{solution(folder).at:%Y-%m-%d}"
    again = tmp_path / "encore"
    assert drawn(again, "--seed", WORD, "--date", day).status == 0
    first, second = files(folder), files(again)
    assert {name for name in first if first[name] != second[name]} == ML_DSA
    assert drawn(again, "--seed", WORD).status == 1, "nothing is written over"
    other = tmp_path / "autre"
    done = valise("drill", "new", "--bags", 5, "-o", other, "--json")
    told = json.loads(done.out)
    assert (told["bags"], told["defects"]) == (5, 2)
    assert told["solution"] == solution(other).hash
    assert len(solution(other).seed) == 32, "drawn at random"


def test_who_is_exercised_judges_the_labels_by_the_real_program(
    folder: Path, tmp_path: Path
) -> None:
    given = folder / "trainee"
    known = ("--root", given / "root.json", "--pack", given / "pack.json")
    told: dict[Defect | None, Any] = {}
    for number, defect in enumerate(solution(folder).defects, 1):
        name = "label.png" if number % 2 else "seal.txt"
        done = valise(
            "verify", *known, given / f"{number:02d}/{name}", "--json", env=state(tmp_path)
        )
        told[defect] = json.loads(done.out)
    for defect in (Defect.EDITED, Defect.FOREIGN, Defect.EXPIRED, Defect.REVOKED, Defect.COPIED):
        assert told[defect]["verdict"] in KINDS[defect].names
        assert told[defect]["exercise"] == (defect not in (Defect.EDITED, Defect.FOREIGN))
    assert told[None]["verdict"] == Name.SEAL_GENUINE_BAG_ANNOUNCED
    alone = ("--trust", given / "EXERCICE.card", given / "01/label.png")
    assert "EXERCICE : cette étiquette" in valise("--lang", "fr", "verify", *alone).out


def test_answers_are_marked_with_figures_words_and_a_sheet(folder: Path, tmp_path: Path) -> None:
    right = json.loads(marked(folder, answered(tmp_path, folder), "--json").out)
    assert (right["noticed"]["hits"], right["noticed"]["of"]) == (14, 14)
    assert right["noticed"]["interval_95"] == [0.7847, 1.0]
    assert right["alarms"]["rate"] == 0.0
    assert len(right["kinds"]) == len(Defect)
    missed = solution(folder).defects.index(Defect.BROKEN) + 1
    genuine = solution(folder).defects.index(None) + 1
    out = tmp_path / "resultat.pdf"
    done = marked(
        folder, answered(tmp_path, folder, wrong=missed), "--trainee", "Mme Essai", "-o", out
    )
    assert done.status == 0, done.err
    for said in (
        "13 sur 14, 93 % ; à 95 % entre 69 % et 99 %",
        "Scellé recollé",
        "décelé 0/1, nommé 0/1",
        f"Postes manqués {missed} Postes alertés à tort -",
    ):
        assert said in plain(done.out)
    assert "ne disent pas combien" in done.err
    paper = pypdfium2.PdfDocument(out)
    printed = "".join(page.get_textpage().get_text_bounded() for page in paper)
    assert "Mme Essai" in printed
    assert "manqué" in printed
    alarm = json.loads(marked(folder, answered(tmp_path, folder, wrong=genuine), "--json").out)
    assert alarm["alarms"] == {"hits": 1, "of": 1, "rate": 1.0, "interval_95": [0.2065, 1.0]}
    assert [each["station"] for each in alarm["marks"] if not each["acted"]] == [genuine]


def test_a_drill_without_defects_has_no_rate(tmp_path: Path) -> None:
    out = tmp_path / "juste"
    assert drawn(out, bags=3, defects=0).status == 0
    done = marked(out, answered(tmp_path, out))
    assert "Défauts décelés - Défauts nommés -" in plain(done.out)


@pytest.mark.parametrize(
    ("more", "status", "code"),
    [
        (("--bags", 0), 1, "DRILL_IMPOSSIBLE"),
        (("--defects", 16), 1, "DRILL_IMPOSSIBLE"),
        (("--seed", "court"), 1, "DRILL_IMPOSSIBLE"),
        (("--seed", "octets \udcff perdus"), 1, "DRILL_IMPOSSIBLE"),
        (("--date", "demain"), 2, "DRILL_DATE_WRONG"),
        (("--date", "2027-02-30"), 2, "DRILL_DATE_WRONG"),
        (("--date", "0001-01-01"), 2, "DRILL_DATE_WRONG"),
        (("--date", "9999-12-31"), 2, "DRILL_DATE_WRONG"),
    ],
)
def test_a_drill_that_cannot_be_is_refused_and_leaves_nothing(
    more: tuple[object, ...], status: int, code: str, tmp_path: Path
) -> None:
    done = drawn(tmp_path / "exercice", *more)
    assert (done.status, f"({code})" in done.err) == (status, True), done.err
    assert english_in(done.err, details=False) == []
    assert list(tmp_path.iterdir()) == []


def test_spoilt_answers_and_solutions_are_refused_in_french(folder: Path, tmp_path: Path) -> None:
    answers, key = answered(tmp_path, folder), folder / "instructor/solution.json"
    text = answers.read_text("ascii")
    spoilt = tmp_path / "lu"
    for body, code in (
        (b"", "ANSWERS_MALFORMED"),
        (b"\xff\xd8\xff", "ANSWERS_MALFORMED"),
        (b"[" * 50_000, "ANSWERS_MALFORMED"),
        (b'{"a":' * 9_000, "ANSWERS_MALFORMED"),
        (b"x" * 70_000, "FILE_TOO_LONG"),
        (text.replace("\n3,", "\n33,").encode(), "ANSWER_WRONG"),
        (text.replace("15,", "15;").encode(), "ANSWERS_MALFORMED"),
        (text.rpartition("15,")[0].encode(), "ANSWER_WRONG"),
        (text.replace(solution(folder).hash, "0" * 64).encode(), "ANSWERS_OF_ANOTHER"),
    ):
        spoilt.write_bytes(body)
        done = marked(folder, spoilt)
        assert (done.status, f"({code})" in done.err) == (1, True), done.err
        assert english_in(done.err.replace(str(spoilt), ""), details=False) == []
    changed = key.read_bytes().replace(b'"defect":null', b'"defect":"weight-off"')
    for body, code in ((changed, "ANSWERS_OF_ANOTHER"), (b"{}", "SOLUTION_MALFORMED")):
        spoilt.write_bytes(body)
        done = valise("--lang", "fr", "drill", "mark", "--key", spoilt, answers)
        assert (done.status, f"({code})" in done.err) == (1, True), done.err
    for name in ("deux\nlignes", "x" * 121, "\udcff"):
        done = marked(folder, answers, "--trainee", name)
        assert (done.status, "(TRAINEE_WRONG)" in done.err) == (2, True), done.err


def test_who_trusts_a_ministry_believes_nothing_of_a_drill(
    folder: Path, yaounde: Post, tmp_path: Path
) -> None:
    bag = sealed(tmp_path, yaounde)
    for station in (folder / "trainee").glob("[0-9]*"):
        for label in ("label.png", "seal.txt"):
            done = valise("verify", "--trust", bag.card, station / label, "--json")
            told = json.loads(done.out)
            assert (done.status, told["verdict"], told["claims"]) == (1, "KEY_UNKNOWN", None)
            assert told["exercise"] is False
    assert clock.now() > solution(folder).at
