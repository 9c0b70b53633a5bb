"""No French text that a page, a paper or a problem shows can be broken before one of its signs."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import cipher_service.console
import pouch.papers
from cipher_service.access.matrix import default_matrix
from cipher_service.access.reasons import reasons
from cipher_service.api import problems
from cipher_service.console import approving, journal, refusals, rights, scan
from cipher_service.console.helping import PAGES
from cipher_service.console.language import translations
from cipher_service.console.static import Assets
from cipher_service.typography import NO_BREAK, held
from tests.console.test_words import said

CONSOLE = Path(cipher_service.console.__file__).parent
BREAKABLE = re.compile(r"« |[^\s>}] [:;?!»](?![a-z=])")
LITERAL = re.compile(r"(?:\}\}|%\}|</\w+>) [:;?!»]|« \{\{")


def french() -> Iterator[tuple[str, str]]:
    """Each French text as it is delivered: (where, text)."""
    yield from of_pages()
    for code, problem in problems.TABLE.items():
        yield from ((code, one) for one in (problem.fr.title, problem.fr.detail, problem.fr.remedy))
    for policy in reasons():
        yield policy, rights.told(policy, "fr")
    for action, line in default_matrix().rows.items():
        for role in line.cells:
            yield f"{action} of {role}", rights.way(line.cells[role], "fr")
    papers = Path(pouch.papers.__file__).parent / "templates" / "words.toml"
    for name, pair in tomllib.loads(papers.read_text("utf-8")).items():
        yield name, pair["fr"]


def of_pages() -> Iterator[tuple[str, str]]:
    """Those of the console and of the pages that are fixed bytes."""
    words = translations("fr")
    for where, sentence in said():
        yield where, words.gettext(sentence)
        yield where, words.ngettext(sentence, sentence, 2)
    for page, row in PAGES.items():
        told = row["fr"]
        yield from ((f"help of {page}", one) for one in (told.purpose, told.buttons, told.refused))
    for code, shown in refusals.TABLE.items():
        yield from ((code, one) for one in (shown.fr.cause, shown.fr.effect, shown.fr.remedy))
    for act, (one, _) in journal.words().items():
        yield act, one
    yield "scanning page", scan.document("fr").decode()
    for address, page_bytes in approving.bundle(Assets()).items():
        yield address, page_bytes.decode()


def test_no_line_can_end_before_a_sign_of_a_french_text() -> None:
    told = list(french())
    assert len(told) > 1500
    broken = [f"{where}: {text}" for where, text in told if BREAKABLE.search(text)]
    assert not broken, "\n".join(broken)
    assert any(NO_BREAK + ";" in text for _, text in told)


def test_nor_can_it_in_what_browsers_run() -> None:
    built = CONSOLE / "static"
    manifest = json.loads((built / "manifest.json").read_text("utf-8"))
    texts = {
        name: (built / row["file"]).read_text("utf-8")
        for name, row in manifest.items()
        if name.endswith(".js")
    }
    # Code is minified: a space before a sign stands in a text.
    broken = [
        f"{name}: …{text[found.start() - 40 : found.end() + 20]}…"
        for name, text in texts.items()
        for found in re.finditer(r"« |[\wÀ-ÿ»)’] [:;?!»](?= |\"|`)", text)
    ]
    assert not broken, "\n".join(broken)
    assert f"le scellé{NO_BREAK}?" in texts["scan.js"]


def test_templates_leave_signs_to_the_language() -> None:
    for file in (CONSOLE / "templates").rglob("*.html"):
        assert not LITERAL.search(file.read_text("utf-8")), file.name


def test_only_a_space_at_a_sign_is_held() -> None:
    assert held("Qui ? « Lui » : 10 h 34 ; vu !") == (
        "Qui\u00a0? «\u00a0Lui\u00a0»\u00a0: 10 h 34\u00a0; vu\u00a0!"
    )
    assert held("https://a.example:8080/?q=1; a:b") == "https://a.example:8080/?q=1; a:b"
