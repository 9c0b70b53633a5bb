"""Every page that lists something, in a ministry in which nothing has happened: its empty state.

The ministry of the other tests holds what those before have left in it; this one is founded for
this file, has officers and no post in service, and stays as it is. Each such page says in a
sentence that there is nothing, in both languages and on both screens.
"""

from collections.abc import Iterator

import pytest

from cipher_service.administration.sample import make_officers
from cipher_service.administration.stage import Stage, stage
from tests.console.conftest import Enter
from tests.console.first_load import check_travel
from tests.console.support import WIDE, Tab, check_html, check_on_both_screens, check_quiet
from tests.console.test_every_page import PATHS, WHO
from tests.console.test_signing import names

EMPTY = {
    "/": "Rien ne vous attend.",
    "/actes": "Aucun acte n’attend votre signature",
    "/ceremonies": "Aucune cérémonie.",
    "/depeches/": "Aucune dépêche à déchiffrer.",
    "/depeches/a-viser": "Aucune dépêche n’attend votre visa.",
    "/depeches/miennes": "Vous n’avez écrit aucune dépêche.",
    "/depeches/parties": "Aucune dépêche partie",
    "/journal?qui=OFF-999999": "Aucune inscription ne répond à ces filtres.",
    "/journal/questions?question=trous": "Rien",
    "/mandats": "Aucun mandat n’a été écrit.",
    "/postes/numeros": "Aucun numéro que vous puissiez voir",
    "/revues": "Aucune revue n’a été ouverte.",
    "/urgences": "Aucune urgence n’attend votre revue.",
    "/valises": "Aucune valise en cours.",
    "/valises/departs": "Aucun départ à venir.",
    "/valises/depot": "Aucun itinéraire ne part du ministère.",
    "/valises/irregularites": "Aucune irrégularité ouverte.",
    "/valises/itineraires": "Aucun itinéraire.",
    "/valises/sacs-vides": "Aucun sac vide.",
    "/valises/telephones": "Aucun téléphone de ce poste n’est en service.",
}
"""The address that shows nothing, and how its page says so."""
NEVER_EMPTY = {
    # From its first day, a ministry has officers with keys and rights, posts, policies, a log.
    *("/droits", "/cles", "/cles/avis", "/politiques", "/journal/tetes"),
    *("/postes", "/postes/apercu"),
    "/valises/scelles",  # each state of a seal with its count, which is 0
    # Forms and words.
    *("/aide/raccourcis", "/ceremonies/nouvelle", "/connaitre", "/connexion", "/recuperation"),
    *("/depeches/autorisation", "/depeches/nouvelle", "/valises/reception"),
    # About a departure that the address names; without one, the departures answer.
    *("/valises/comptage", "/valises/comptage.pdf", "/valises/lettre", "/valises/lettre.pdf"),
}


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A running demonstration that has only the sample's officers."""
    with stage(tmp_path_factory.mktemp("fresh") / "data", "fr", 1, console=True) as on:
        make_officers(on.settings, ("PARIS",))
        yield on


def test_each_page_has_an_empty_state_or_is_never_empty() -> None:
    empty = [address.partition("?")[0] for address in EMPTY]
    assert sorted([*empty, *NEVER_EMPTY]) == PATHS


@pytest.mark.parametrize("language", ["fr", "en"])
def test_every_list_says_that_there_is_nothing_yet(
    ministry: Stage, enter: Enter, language: str
) -> None:
    tabs: dict[str, Tab] = {}
    for address, said in EMPTY.items():
        path = address.partition("?")[0]
        role = WHO.get(path, "CHIEF-CIPHER-POUCH")
        tab = tabs.get(role) or enter(role, language)
        tabs[role] = tab
        tab.page.set_viewport_size(WIDE)
        answer = tab.goto(f"{address}{'&' if '?' in address else '?'}lang={language}")
        assert tab.page.locator("main tbody tr").count() == 0, address
        if language == "fr":  # what is French on an English page is found below
            assert said in tab.page.locator("main").inner_text(), address
        check_on_both_screens(tab.page, (*names(ministry), "OFF-", "cipher-service "))
        check_html(tab.page, answer.text())
        check_travel(tab.page, answer)
        check_quiet(tab)
