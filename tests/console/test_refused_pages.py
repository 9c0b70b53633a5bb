"""Every address of the console refused: what it shows then, in both languages, on both screens.

Each address is first asked without a browser, by somebody who may not, about something that is
nowhere, without a session, or with a form that cannot be; every answer is read by a strict parser.
Most are one page with other words, and `test_every_page` lays each refusal's words into that: so of
answers whose work is of the same make (elements, classes, roles, types) one is shown in Chromium.
"""

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

import html5lib
import pytest
from playwright.sync_api import Response

from cipher_service.administration.stage import Stage
from tests.console.conftest import Enter
from tests.console.functions import Form, Officers, Policies, Question, Told
from tests.console.named_things import NOWHERE, Address, filled
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

BAG = "{bag}"
"""Stands for a bag that has left, in an address."""
# Forms about what is there, filled in so that they are refused: these pages keep what was typed.
MISTAKEN: list[tuple[Address, str, Form]] = [
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
    """Somebody who asks for what they are refused; `role` is None without a session."""

    address: Address
    role: str | None
    question: Question


def _cases(officers: Officers, bag: str) -> Iterable[Case]:
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
    for (method, path), role, form in MISTAKEN:
        named = (method, path.replace(BAG, "{seal}"))
        yield Case(named, role, Question(path.replace(BAG, bag), form))


@pytest.fixture(scope="module")
def refused(officers: Officers) -> list[tuple[Case, Told]]:
    """Every refusal, as a plain client is told it."""
    cases = list(_cases(officers, sealed_bag(officers.on).seal))
    told = officers.ask((each.role, each.question) for each in cases)
    return [pair for pair in zip(cases, told, strict=True) if pair[1].status >= 400]


def test_every_address_is_refused_here(refused: list[tuple[Case, Told]]) -> None:
    assert {case.address for case, _ in refused} == {
        address for address, signed_in in ADDRESSES.items() if signed_in
    }
    assert [case for case, told in refused if told.status >= 500] == []
    mistaken = {(method, path.replace(BAG, "{seal}")) for (method, path), _, _ in MISTAKEN}
    of_forms = {case.address for case, told in refused if told.status not in (401, 403, 404)}
    assert mistaken <= of_forms


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
            shown.setdefault(_make(told), (case, told))
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


def _asked(tab: Tab, question: Question, language: str) -> Response:
    """Ask as a browser does: a form is posted from a page of the console."""
    path = f"{question.path}{'&' if '?' in question.path else '?'}{urlencode({'lang': language})}"
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
