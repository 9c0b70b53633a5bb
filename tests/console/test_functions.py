"""Gate 9: every function at every address of the console.

What is expected is what the policies say of the officer and the thing, asked here once more, apart
from the pages; nothing is typed for one function at one address. An address that stands in no row
turns the first test red.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from cipher_service.access.subjects import Book, Dispatch, Key, Person, Pouch, Resource
from cipher_service.console.flows import FLOWS
from cipher_service.directory.roles import default_roles
from cipher_service.dispatches.office import chasing
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches.entitlement import LIST, house
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading
from keys.act_rules import RULES
from pouch.locator import locator
from tests.console.functions import Form, Officers, Policies, Question
from tests.console.named_things import HQ, NOBODY, NOWHERE, THINGS, Address, Thing, filled
from tests.console.passing_things import PASSING

ADDRESSES: dict[Address, bool] = {
    (page.method, page.path): page.signed_in for flow in FLOWS for page in flow.pages
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: a function, and the number of the sample's officer who holds it."""

    role: str
    number: str


May = Callable[[Policies, Asker], bool]


def any_of(*ways: tuple[str, Resource]) -> May:
    """Whom the policies allow one of these."""
    return lambda policies, asker: any(policies.allow(asker.role, *way) for way in ways)


def seated(kind: str, seat: int) -> May:
    """Who has a seat in an act of several persons, by the act's own rule."""
    functions = RULES[kind].seats_at(0)[seat]
    return lambda policies, asker: bool(policies.principals[asker.role].functions & functions)


def _drafts(policies: Policies, asker: Asker) -> bool:
    return policies.allow(asker.role, "draft", Dispatch("", 0, origin=HQ, author=asker.number))


def _mail(post: str, assigned: str = "") -> Dispatch:
    return Dispatch("", 0, origin=HQ, addressees=frozenset({post}), assigned=assigned)


def _sees_mail(policies: Policies, asker: Asker) -> bool:
    """The mail with some post: to list, or to process."""
    return any(
        policies.allow(asker.role, "list", _mail(post))
        or policies.allow(asker.role, "encipher", _mail(post, asker.number))
        for post in (HQ, "PARIS", "LOME")
    )


def _chases(policies: Policies, asker: Asker) -> bool:
    asked = chasing.request(default_scheme(), HQ)
    return policies.allow(asker.role, chasing.ACTION, asked, **chasing.FACTS)


def _sees_posts(policies: Policies, asker: Asker) -> bool:
    return _sees_mail(policies, asker) or policies.allow(asker.role, "key-revoke", Key(HQ))


def _takes_telephones(policies: Policies, asker: Asker) -> bool:
    """Who may take a telephone of their own post into service."""
    post = policies.principals[asker.role].post
    own = Pouch("device", 0, origin=post, destination=post, courier=asker.number)
    return policies.allow(asker.role, LIST, own)


RIGHTS = any_of(("policy-read", Book("policies")), ("recertify", Person("", "")))
LOG = any_of(("audit-read", Book("audit")))
BUREAU = any_of((LIST, house(HQ, "departures")))
CUSTODIANS = seated("key.destroy", 0), seated("key.destroy", 1)

# Addresses that name nothing: who is let in. The others are refused, with 403 or as if it were not.
LET_IN: dict[str, May] = {
    "/depeches/nouvelle": _drafts,
    "/recuperation": seated("officer.relink", 0),
    "/connaitre": seated("need.grant", 0),
    **dict.fromkeys(
        (
            *("/valises/departs", "/valises/itineraires", "/valises/scelles", "/valises/depot"),
            *("/valises/lettre.pdf?depart=x", "/valises/comptage.pdf?depart=x"),
            "/valises/sacs-vides",
        ),
        BUREAU,
    ),
    "/valises/telephones": _takes_telephones,
    **dict.fromkeys(("/postes", "/postes/apercu"), _sees_posts),
    "/postes/numeros": _sees_mail,
    **dict.fromkeys(
        ("/droits", "/droits.csv", "/politiques", "/urgences", "/cles/avis", "/revues", "/mandats"),
        RIGHTS,
    ),
    **dict.fromkeys(("/journal", "/journal.json", "/journal/tetes"), LOG),
    "/ceremonies/nouvelle": lambda policies, asker: any(
        custodian(policies, asker) for custodian in CUSTODIANS
    ),
}
# Whoever is signed in: one's own, or a list of what one may see, perhaps of nothing.
EVERYBODY = {
    *("/", "/aide/raccourcis", "/depeches/", "/depeches/alertes", "/depeches/parties"),
    *("/depeches/miennes", "/depeches/a-viser", "/depeches/autorisation", "/actes", "/valises"),
    *("/valises/irregularites", "/valises/reception", "/journal/questions", "/ceremonies"),
    *("/cles",),
}

# What is posted to addresses that name nothing. Each form is whole and names what is nowhere: who
# may do it is told that, and nothing is done.
PACKS = any_of(("pouch-pack", house(HQ, "x")))
FORMS: dict[str, tuple[Form, May]] = {
    "/recuperation": ({"officer": NOBODY, "reason": "x"}, seated("officer.relink", 0)),
    "/valises/itineraires": (
        {"code": "R-X", "legs": "XX YY 1", "limits": "UN", "tolerance": "1", "news": "1"},
        PACKS,
    ),
    "/valises/itineraires/horaire": (
        {
            "route": "R-X",
            "mode": "courier",
            "at": "09:00",
            "cut_off": "1",
            "takes": "1",
            "weeks": "1",
        },
        PACKS,
    ),
    "/valises/lettre?depart=x": (
        {
            **dict.fromkeys(("number", "consignee", "name", "status", "passport", "vehicle"), "x"),
            "packages": "1",
            "itinerary": "PARIS",
            "courier": "",
        },
        PACKS,
    ),
    "/valises/comptage?depart=x": (
        {"locators": "", "place": HQ},
        any_of(("pouch-handover", house(HQ, "departure/x"))),
    ),
    "/valises/scelles": ({"shown": ""}, BUREAU),
    "/valises/sacs-vides": (
        {"origin": "NOWHERE", "bordereau": "x", "locators": locator("0" * 22)},
        PACKS,
    ),
    "/valises/depot": (
        {
            "to": "NOWHERE",
            "register": "x",
            "sender": "x",
            "addressee": "x",
            "kind": "letter",
            "level": "NON-PROTEGE",
            "quantity": "1",
            "weight": "1",
        },
        PACKS,
    ),
    "/valises/depot/depeche": ({"dispatch_id": NOWHERE, "post": "LOME", "weight": "1"}, PACKS),
    "/valises/scelles/mouvement": (
        {"move": "issue", "numbers": "", "count": "1", "sort": "plastic"},
        BUREAU,
    ),
    "/valises/confection": (
        {"departure": "x", "bag": locator("0" * 22), "bag_class": "SECRET"},
        PACKS,
    ),
    "/postes/numeros/relancer": ({}, _chases),
    "/connaitre": (
        {"officer": NOBODY, "kind": "poste", "matter": "PARIS", "until": "", "reason": "x"},
        seated("need.grant", 0),
    ),
    "/politiques/comparer": ({"policies": "x"}, RIGHTS),
    "/politiques/proposer": ({"policies": "x", "reason": "x"}, seated("policy.change", 0)),
}

# Where no function decides: one's own session, keys, drafts and telephone.
OWN = {
    *("/depeches/brouillon", "/cles/propre", "/cles/propre/retrouver", "/cles/retirer"),
    *("/cles/defi", "/cles/ajouter", "/deconnexion", "/session/prolonger"),
}
# Streams and parts of pages, and what the custodian decides by its own roll.
APART = {
    *(("GET", path) for path in ("/depeches/flux", "/depeches/liste", "/journal/questions.json")),
    *(("GET", path) for path in ("/valises/lettre", "/valises/comptage")),
    ("GET", "/depeches/autorisation/prise"),
    ("POST", "/depeches/autorisation"),
    # Whoever may opens a review, and writes a draft: `test_reviews`, `test_lending`.
    *(("POST", path) for path in ("/revues", "/mandats")),
    # It names officers, whom a custodian's page lists, and cards that nobody here keeps.
    ("POST", "/ceremonies/nouvelle"),
}
EVERY_THING = (*THINGS, *PASSING)
# Who has no session yet, or is known by a device, a link or an answer of a security key.
OPEN = {
    *(("GET", path) for path in ("/scan/", "/scan/files/{file}", "/scan/offline.js", "/scan/pack")),
    *(("POST", path) for path in ("/scan/devices", "/scan/events", "/demonstration")),
    *(("GET", path) for path in ("/connexion", "/inscription", "/demonstration/{secret}")),
    *(("POST", path) for path in ("/connexion/defi", "/connexion/cle")),
    *(("POST", path) for path in ("/inscription/defi", "/inscription/cles")),
}


def test_every_address_has_its_row() -> None:
    """And none has two: a new one is decided by something that is written down here."""
    named = {path.partition("?")[0] for path in (*LET_IN, *EVERYBODY)}
    posted = {path.partition("?")[0] for path in FORMS}
    rows = [
        *(("GET", path) for path in named),
        *(("POST", path) for path in posted),
        *(("POST", path) for path in OWN),
        *APART,
        *(address for thing in EVERY_THING for address in thing.addresses),
    ]
    assert sorted(rows) == sorted(set(rows))
    signed_in = {address for address, needed in ADDRESSES.items() if needed}
    assert set(rows) == signed_in
    assert {address for address in ADDRESSES if address not in signed_in} == OPEN


def test_nobody_comes_in_anywhere_without_a_session(officers: Officers) -> None:
    asked = [
        Question(filled(path, NOWHERE), None if method == "GET" else {})
        for (method, path), needed in sorted(ADDRESSES.items())
        if needed
    ]
    for question, told in zip(asked, officers.ask((None, each) for each in asked), strict=True):
        assert told.refused, question


def test_every_function_is_let_in_exactly_where_the_policies_say(officers: Officers) -> None:
    policies = Policies(officers)
    pages = [(Question(path), may) for path, may in LET_IN.items()]
    pages += [(Question(path, form), may) for path, (form, may) in FORMS.items()]
    asked = [(role, *each) for each in pages for role in officers.roles]
    told = officers.ask((role, question) for role, question, _ in asked)
    wrong = [
        f"{role} {question.path}: {answer.status} {answer.code}"
        for (role, question, may), answer in zip(asked, told, strict=True)
        if answer.refused == may(policies, Asker(role, officers.numbers[role]))
    ]
    assert wrong == []


def test_what_is_everybody_s_is_refused_to_no_function(officers: Officers) -> None:
    asked = [(role, Question(path)) for path in sorted(EVERYBODY) for role in officers.roles]
    told = officers.ask(asked)
    assert [each for each, answer in zip(asked, told, strict=True) if answer.status != 200] == []


FUNCTIONS_EACH = len(default_roles().roles) if os.environ.get("GATES") == "full" else 3
"""Functions that ask for a thing at one address; all of them have their turn over a thing's."""


@pytest.mark.parametrize("thing", EVERY_THING, ids=lambda each: each.addresses[0][1].strip("/"))
def test_an_id_that_one_may_not_see_is_answered_like_one_that_is_nowhere(
    officers: Officers, thing: Thing, tmp_path: Path
) -> None:
    """Status, headers that lead elsewhere and every word; for what is read and what is changed."""
    there, policies = thing.make(officers, tmp_path), Policies(officers)
    try:
        engine = open_existing(officers.on.settings.database)
        with reading(engine) as books:
            unseen = [
                role for role in officers.roles if not thing.seen(policies, books, there, role)
            ]
        engine.dispose()
        assert unseen
        assert _told_apart(officers, thing, there, unseen) == []
    finally:
        thing.end(officers, there)


def _told_apart(officers: Officers, thing: Thing, there: str, unseen: list[str]) -> list[str]:
    """Return where what is there is answered otherwise than what is nowhere."""
    asked = [
        (unseen[(turn + place) % len(unseen)], address)
        for place, address in enumerate(thing.addresses)
        for turn in range(0, len(unseen), max(len(unseen) // FUNCTIONS_EACH, 1))
    ]
    real = officers.ask((role, thing.question(address, there)) for role, address in asked)
    none = officers.ask((role, thing.question(address, thing.nowhere)) for role, address in asked)
    return [
        f"{role} {address}: {told.status} {told.code}, not {nothing.status} {nothing.code}"
        for (role, address), told, nothing in zip(asked, real, none, strict=True)
        if told.without(*thing.spelt(address, there))
        != nothing.without(*thing.spelt(address, thing.nowhere))
        or told.status == 200
    ]
