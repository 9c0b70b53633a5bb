"""What addresses of the console name: things with an id that is, and one that is nowhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from cipher_service.access import registers
from cipher_service.access.subjects import Book, Dispatch, Key, Person, Resource
from cipher_service.administration.stage import chiffre
from cipher_service.directory import officers
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import entitlement, repository
from tests.console.functions import Form, Officers, Policies, Question
from tests.console.sealed_bags import sealed_bag

HQ, NOWHERE, NOBODY = "MINREX", "01KAMV6R8P3ZDFWQ5XJ9T2C4EN", "OFF-999999"
ID = "{id}"
"""What stands in a form for the id."""
Address = tuple[str, str]
ANYBODY = {"to": "Personne (OFF-000001)"}


@dataclass(frozen=True, slots=True)
class Thing:
    """A kind of thing.

    Attributes:
        parameter: by which addresses name it.
        nowhere: an id of its form that is nobody's.
        make: makes one; gives its id.
        seen: whether the officer of a function may know that it is there.
        forms: of each address that a form is posted to, the form; of the others, None.
        end: undoes it, where it would keep others waiting.
    """

    parameter: str
    nowhere: str
    make: Callable[[Officers, Path], str]
    seen: Callable[[Policies, Connection, str, str], bool]
    forms: dict[Address, Form | None]
    end: Callable[[Officers, str], None] = lambda _officers, _id: None

    @property
    def addresses(self) -> list[Address]:
        return list(self.forms)

    def spelt(self, address: Address, id_: str) -> list[str]:
        """What of an answer is only what was asked for: the address, and an id that is no digit."""
        return [filled(address[1], id_), *([id_] if len(id_) > 1 else [])]

    def question(self, address: Address, id_: str) -> Question:
        """The request at an address for one thing; `ID` in a form is the thing's."""
        form = self.forms[address]
        if isinstance(form, Mapping):
            form = {name: id_ if value == ID else value for name, value in form.items()}
        return Question(filled(address[1], id_), form)


def filled(path: str, id_: str) -> str:
    """An address with an id in it; what it names beside is the first."""
    first, brace, rest = path.partition("{")
    if not brace:
        return path
    return filled(first + id_ + rest.partition("}")[2], "1")


def gets(*paths: str) -> dict[Address, Form | None]:
    return {("GET", path): None for path in paths}


def posts(form: Form, *paths: str) -> dict[Address, Form | None]:
    return {("POST", path): form for path in paths}


def sent_dispatch(to: Officers, folder: Path) -> str:
    text = folder / "texte.txt"
    text.write_text("La délimitation sera signée mardi.", "utf-8")
    sent: str = chiffre(
        "fr", "send", "--identity", to.on.identity("LOME"), "--to", HQ, "--level", "SECRET",
        "--precedence", "ROUTINE", "--subject", "Délimitation", str(text),
    )["id"]  # fmt: skip
    return sent


def _draft(to: Officers, _folder: Path) -> str:
    form = {
        "edition": "0",
        "level": "NON-PROTEGE",
        "precedence": "ROUTINE",
        "subject": "Sans suite",
    }
    (told,) = to.ask([("DRAFTER", Question("/depeches/brouillon", form))])
    return told.where.rpartition("/")[2].partition("?")[0]


def _any_of_dispatch(policies: Policies, books: Connection, id_: str, role: str) -> bool:
    return policies.any(role, registers.subject(books, id_))


def _drafter_s(policies: Policies, _books: Connection, _id: str, role: str) -> bool:
    mine = Dispatch("", 0, origin=HQ, author=policies.officers.numbers["DRAFTER"])
    return role == "DRAFTER" or policies.allow(role, "list", mine)


def any_of_bag(policies: Policies, books: Connection, id_: str, role: str) -> bool:
    closing = repository.closing_of(books, id_)
    assert closing is not None
    number = policies.officers.numbers[role]
    bag = entitlement.bag_of(books, closing, default_scheme(), officer=number)
    return policies.any(role, bag)


def _any_of_person(policies: Policies, books: Connection, id_: str, role: str) -> bool:
    if policies.officers.numbers[role] == id_:
        return True  # everybody knows that they are there
    about = Person(id_, officers.read(books, id_).identity.post)
    return policies.allow(role, "policy-read", Book("policies")) or policies.any(role, about)


def _any_of_post(policies: Policies, _books: Connection, id_: str, role: str) -> bool:
    number = policies.officers.numbers[role]
    mail = Dispatch("", 0, origin=HQ, addressees=frozenset({id_}))
    ways: list[tuple[str, Resource]] = [
        ("list", mail),
        ("encipher", registers.charged(mail, number)),
        ("key-revoke", Key(id_)),
    ]
    return any(policies.allow(role, *way) for way in ways)


def _log(policies: Policies, _books: Connection, _id: str, role: str) -> bool:
    return policies.allow(role, "audit-read", Book("audit"))


_TELEGRAM = "/depeches/{number}"
_DRAFT, _VISA = "/depeches/brouillon/{number}", "/depeches/visa/{number}"
_BAG = "/valises/{seal}"
_ACCOUNT = {"circumstances": "x", "effect": "x", "measures": "x"}

THINGS = (
    Thing(
        "number",
        NOWHERE,
        sent_dispatch,
        _any_of_dispatch,
        {
            **gets(_TELEGRAM),
            **posts(
                {},
                *(
                    f"{_TELEGRAM}/{act}"
                    for act in ("autoriser", "ouvrir", "ouvrir-ici", "imprimer")
                ),
                *(f"{_TELEGRAM}/annexes/{{place}}", f"{_TELEGRAM}/entendu"),
            ),
            **posts(ANYBODY, f"{_TELEGRAM}/charger", f"{_TELEGRAM}/remettre"),
            **posts(
                {"level": "NON-PROTEGE", "caveats": "", "reason": "x"}, f"{_TELEGRAM}/abaisser"
            ),
        },
    ),
    Thing(
        "number",
        NOWHERE,
        _draft,
        _drafter_s,
        {
            **gets(_DRAFT, f"{_DRAFT}/verifier", _VISA, f"{_VISA}/refus"),
            **posts({**ANYBODY, "edition": "1"}, f"{_DRAFT}/soumettre"),
            **posts(
                {},
                *(f"{_DRAFT}/retirer", f"{_DRAFT}/effacer", f"{_DRAFT}/annexes"),
                *(f"{_DRAFT}/annexes/{{place}}/retirer", f"{_VISA}/lire", f"{_VISA}/partir"),
                f"{_VISA}/annexes/{{place}}",
            ),
            **posts(ANYBODY, f"{_VISA}/signer", f"{_VISA}/demander"),
            **posts({"reason": "x"}, f"{_VISA}/refuser", f"{_VISA}/urgence"),
        },
    ),
    Thing(
        "seal",
        "ab" * 16,
        lambda to, _folder: sealed_bag(to.on).seal,
        any_of_bag,
        {
            **gets(
                _BAG,
                *(f"{_BAG}/{page}" for page in ("confection", "etiquette.pdf", "bordereau.pdf")),
                *(f"{_BAG}/rectificatif.pdf", f"{_BAG}/rectificatif"),
                *(f"{_BAG}/{page}" for page in ("epcis.json", "papiers", "photographies")),
                *(f"{_BAG}/{page}" for page in ("reception", "verification")),
                f"{_BAG}/photographies/{{photograph}}",
                f"{_BAG}/photographies/{{photograph}}/image",
            ),
            **posts(
                {},
                *(f"{_BAG}/{act}" for act in ("autorisation", "retirer", "sceau", "annonce")),
                *(f"{_BAG}/{act}" for act in ("retrouvee", "ouverture", "photographies")),
            ),
            **posts({}, f"{_BAG}/rectificatif/sceau"),
            **posts({"ordinal": "1"}, f"{_BAG}/rectificatif/annonce"),
            **posts({"reason": "x", "weight": "1"}, f"{_BAG}/rectificatif"),
            **posts({"number": "0000000000"}, f"{_BAG}/pieces"),
            **posts(
                {"seals": "XX-000001", "weight": "1", "certifier": NOBODY, "days": "1"},
                f"{_BAG}/sceller",
            ),
            **posts({"to": NOBODY, "condition": "intact"}, f"{_BAG}/remise"),
            **posts({"what": "loss"}, f"{_BAG}/signalement"),
            **posts({"number": "1", "ordinal": "1"}, f"{_BAG}/papiers/decharge"),
            **posts(
                {"number": "1", "ordinal": "1", "case": "x", **_ACCOUNT},
                f"{_BAG}/papiers/irregularite",
            ),
            **posts({"number": "1", "reason": "x"}, f"{_BAG}/papiers/destruction"),
            **posts({"seals": "", "condition": "intact", "weight": "1"}, f"{_BAG}/reception"),
            **posts({"locator": ID}, "/valises/reception"),
            **posts({"nonce": "00" * 16, "unlisted": "0"}, f"{_BAG}/verification"),
        },
    ),
    Thing(
        "officer",
        NOBODY,
        lambda to, _folder: to.numbers["ADMINISTRATOR"],
        _any_of_person,
        {
            **gets("/droits/{officer}", "/droits/{officer}/accorder"),
            **posts(
                {
                    "level": "CONFIDENTIEL",
                    "caveats": "",
                    "until": "2027-01-01",
                    "trained": "2027-01-01",
                    "act": "x",
                    "reason": "x",
                },
                "/droits/{officer}/habilitation",
            ),
            **posts(
                {"role": "DRAFTER", "until": "", "act": "x", "reason": "x"},
                "/droits/{officer}/fonction",
            ),
            **posts({"kind": "function", "right": "DRAFTER"}, "/droits/{officer}/retirer"),
            **posts({}, "/droits/{officer}/suspendre"),
            **posts({"reason": "x"}, "/droits/{officer}/retablir"),
        },
    ),
    Thing("post", "NOWHERE", lambda _to, _folder: "LOME", _any_of_post, gets("/postes/{post}")),
    Thing(
        "number",
        "999999999",
        lambda _to, _folder: "1",
        _log,
        gets("/journal/{number}", "/journal/{number}/preuve", "/journal/tetes/{number}"),
    ),
)
