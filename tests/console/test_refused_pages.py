"""Every address of the console refused: what it shows then, in both languages, on both screens.

Each address is first asked without a browser, by somebody who may not, about something that is
nowhere, without a session, or with a form that cannot be; every answer is read by a strict parser.
Most are one page with other words, and `test_every_page` lays each refusal's words into that: so of
answers whose work is of the same make (elements, classes, roles, types) one is shown in Chromium.
"""

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

import html5lib
import pytest
from playwright.sync_api import Response

from cipher_service.administration.stage import Stage
from tests.console.bureau_bags import bureau_bags
from tests.console.conftest import Enter
from tests.console.functions import Form, Officers, Policies, Question, Told
from tests.console.named_things import NOBODY, NOWHERE, Address, filled
from tests.console.sealed_bags import sealed_bag
from tests.console.support import WIDE, Tab, check_html, check_on_both_screens, check_quiet
from tests.console.test_functions import (
    ADDRESSES,
    APART,
    EVERY_THING,
    EVERYBODY,
    FORMS,
    LET_IN,
    OWN,
    Asker,
    May,
)
from tests.console.test_signing import names

BAG, OURS, BEGUN = "{bag}", "{ours}", "{begun}"
"""In an address: a post's bag that has left; the bureau's own with its courier, and one open."""
_NAMES = re.compile(f"{BAG}|{OURS}|{BEGUN}")
_CAUSE = re.compile(r'app-refusal__cause">([^<]*)</p>')
_BY_COMMAND = "Le dépositaire n’a pas encore d’officiers"
# Forms about what is there, filled in so that they are refused: these pages keep what was typed.
HANDING = {"to": NOBODY, "condition": "intact"}
MISTAKEN: list[tuple[Address, str, Form]] = [
    *(
        (("POST", f"/valises/{bag}/remise"), role, {**HANDING, **form})
        for bag, role, form in (
            (OURS, "CHIEF-POUCH", {}),
            (OURS, "CHIEF-POUCH", {"to": "{AUDITOR}"}),
            (OURS, "CHIEF-POUCH", {"to": "{COURIER}"}),
            (OURS, "CHIEF-POUCH", {"condition": "perdu"}),
            (BEGUN, "CHIEF-POUCH", {"to": "{COURIER}"}),
        )
    ),
    *(
        (("POST", f"/valises/{bag}/rectificatif"), "CHIEF-CIPHER-POUCH", form)
        for bag, form in (
            (OURS, {"reason": "Erreur", "weight": "1540"}),
            (OURS, {"weight": "1540"}),
            (BEGUN, {"reason": "Erreur", "weight": "1540"}),
        )
    ),
    (("POST", f"/valises/{BAG}/signalement"), "CHIEF-POUCH", {"what": "nothing"}),
    (
        ("POST", f"/valises/{BAG}/reception"),
        "CHIEF-POUCH",
        {"seals": "", "condition": "intact", "weight": "lourd"},
    ),
    (("POST", f"/valises/{BAG}/papiers/decharge"), "CHIEF-POUCH", {"number": "1", "ordinal": "9"}),
    (("POST", "/mandats"), "CHIEF-CNTC", {}),
    (("POST", "/ceremonies/nouvelle"), "CUSTODIAN-A", {"threshold": "9", "reason": "x"}),
    (("POST", "/depeches/brouillon"), "DRAFTER", {"edition": "x", "level": "x"}),
    (("POST", "/valises/depot"), "CHIEF-POUCH", {"to": "PARIS", "weight": "lourd"}),
]


@dataclass(frozen=True, slots=True)
class Case:
    """Somebody who asks for what they are refused; `role` is None without a session.

    `mistaken` is a form about what is there, of which each address is shown.
    """

    address: Address
    role: str | None
    question: Question
    mistaken: bool = False


def _cases(officers: Officers, named: dict[str, str]) -> Iterable[Case]:
    policies = Policies(officers)

    askers = [Asker(role, officers.numbers[role]) for role in officers.roles]

    def one_of_each(way: May) -> list[str]:
        """One who may, if anybody may, and one who may not."""
        answers = {way(policies, each): each.role for each in askers}
        return list(answers.values())

    for path, way in LET_IN.items():
        for role in one_of_each(way):
            yield Case(("GET", path.partition("?")[0]), role, Question(path))
    for path, (form, way) in FORMS.items():
        for role in one_of_each(way):
            yield Case(("POST", path.partition("?")[0]), role, Question(path, form))
    for thing in EVERY_THING:
        for address in thing.addresses:
            yield Case(address, "CHIEF-CIPHER-POUCH", thing.question(address, thing.nowhere))
    nobody_s = [("GET", path) for path in EVERYBODY] + [("POST", path) for path in OWN]
    for method, path in (*nobody_s, *APART):
        empty: Form | None = None if method == "GET" else {}
        yield Case((method, path), None, Question(filled(path, NOWHERE), empty))
    numbers = {f"{{{role}}}": number for role, number in officers.numbers.items()}
    for (method, path), role, form in MISTAKEN:
        typed = {name: numbers.get(value, value) for name, value in dict(form).items()}
        there = Question(_NAMES.sub(lambda found: named[found[0]], path), typed)
        yield Case((method, _NAMES.sub("{seal}", path)), role, there, mistaken=True)


@pytest.fixture(scope="module")
def refused(officers: Officers) -> Iterator[list[tuple[Case, Told]]]:
    """Every refusal, as a plain client is told it."""
    with bureau_bags(officers.on) as ours:
        named = {BAG: sealed_bag(officers.on).seal, OURS: ours.seal, BEGUN: ours.open}
        cases = list(_cases(officers, named))
        # An officer may have chosen the other language before.
        told = officers.ask(
            (each.role, replace(each.question, path=_in(each.question.path, "fr")))
            for each in cases
        )
        yield [pair for pair in zip(cases, told, strict=True) if pair[1].status >= 400]


def test_every_address_is_refused_here(refused: list[tuple[Case, Told]]) -> None:
    assert {case.address for case, _ in refused} == {
        address for address, signed_in in ADDRESSES.items() if signed_in
    }
    faults = [
        case for case, told in refused if told.status >= 500 and _BY_COMMAND not in told.words
    ]
    assert faults == []
    mistaken = [(case, told) for case, told in refused if case.mistaken]
    assert len(mistaken) == len(MISTAKEN), "each is refused"
    of_forms = {case.address for case, told in mistaken if told.status not in (401, 403, 404)}
    assert {case.address for case, _ in mistaken} == of_forms


def test_a_bag_is_handed_over_and_put_right_by_whom_and_when_it_can_be(
    refused: list[tuple[Case, Told]],
) -> None:
    """Beside its form where the form was one of the page, else on a page of its own."""
    told: dict[str, list[tuple[int, str]]] = {"remise": [], "rectificatif": []}
    for case, answer in refused:
        act = case.address[1].rpartition("/")[2]
        if case.mistaken and act in told:
            cause = _CAUSE.search(answer.words)
            told[act].append((answer.status, cause[1] if cause else answer.code))
    assert told == {
        "remise": [
            (404, "Aucun officier n’a ce numéro"),
            (403, "Vos fonctions ne permettent pas cet acte"),
            (409, "Vous ne détenez pas cette valise"),
            (400, "FORM_REFUSED"),
            (409, "Étape impossible"),
        ],
        "rectificatif": [
            (503, _BY_COMMAND),
            (400, "FORM_REFUSED"),
            (404, "NOT_SEALED_HERE"),
        ],
    }


def _make(told: Told) -> str:
    """What the work of an answer consists of, without its words; the whole is read strictly."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
        [work] = parser.parse(told.words).iter("main")
    kinds = ("class", "role", "type")
    return "".join(
        f"<{one.tag} {[one.get(kind, '') for kind in kinds]}" for one in work.iter() if one.tag
    )


def test_every_refusal_is_whole_on_both_screens(
    ministry: Stage, enter: Enter, refused: list[tuple[Case, Told]]
) -> None:
    shown: dict[str, tuple[Case, Told]] = {}
    for case, told in refused:
        if "<main" in told.words:
            address = case.address if case.mistaken else ""
            shown.setdefault(f"{_make(told)}{address}", (case, told))
    tabs: dict[str | None, Tab] = {}
    for case, told in shown.values():
        tab = tabs.get(case.role) or enter(case.role)
        tabs[case.role] = tab
        tab.expected = (told.status,)
        for language in ("fr", "en"):
            tab.page.set_viewport_size(WIDE)
            answer = _asked(tab, case.question, language)
            assert answer.status == told.status, case
            assert tab.page.locator("html").get_attribute("lang") == language, case
            foreign = (*names(ministry), "OFF-", "cipher-service ")
            check_on_both_screens(tab.page, foreign)
            check_html(tab.page, answer.text())
            check_quiet(tab)
    assert len(shown) > 5


def _in(path: str, language: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{urlencode({'lang': language})}"


def _asked(tab: Tab, question: Question, language: str) -> Response:
    """Ask as a browser does: a form is posted from a page of the console."""
    path = _in(question.path, language)
    if question.form is None:
        answer = tab.page.goto(path)
        assert answer is not None
        return answer
    if tab.page.url == "about:blank":
        tab.goto("/connexion")
    form = question.form
    pairs = list(form.items()) if isinstance(form, Mapping) else list(form)
    with tab.page.expect_navigation() as navigation:
        tab.page.evaluate(_POSTED, [path, pairs])
    return navigation.value


_POSTED = """([path, pairs]) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action: path });
  for (const [name, value] of pairs) {
    form.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(form);
  form.submit();
}"""
