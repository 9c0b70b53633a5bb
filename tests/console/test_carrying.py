"""How bags travel, in a real browser: routes, timetables, the courier's letter, the count."""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pypdfium2
import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage
from cipher_service.audit.journal import Journal
from cipher_service.console.language import moment
from cipher_service.console.pouches.stations import draw
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import (
    closing,
    packing,
    planning,
    rectifying,
    roads,
    seal_store,
    shares,
    views,
)
from cipher_service.pouches.closing import Closure
from cipher_service.pouches.office import Office
from cipher_service.pouches.rectifying import Correction, Issued
from cipher_service.pouches.signing import Kept
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading
from cipher_service.typography import NO_BREAK
from pouch.locator import grouped_locator
from pouch.manifest import BagClass
from tests.console.conftest import Enter
from tests.console.first_load import check_travel
from tests.console.support import Tab, check_page
from tests.support.office import ABSENT, PIECE, carriage, route, timetable

PAGED = 60_000
"""Bytes of a page of a list, as they travel."""
LEGS = "minrex NSI 40\nNSI CDG 360\n\nCDG PARIS 30"


@dataclass
class Desk:
    """The bureau of the running demonstration, with what this module made for itself."""

    office: Office
    people: dict[str, str]
    names: tuple[str, ...]
    mark: str

    def departure(self) -> str:
        """A departure of a route of its own, with a waybill for one bag."""
        chief, code = self.people["CHIEF-POUCH"], f"R-{secrets.token_hex(4).upper()}"
        planning.add_route(self.office, route(code), by=chief)
        first, *_ = planning.plan(self.office, timetable(code), 2, by=chief)
        return first.departure

    def sealed(self, departure: str, *, packages: int = 1) -> Kept:
        """A bag of this departure, closed by two; with none, of the letter that is written."""
        chief, agent = self.people["CHIEF-POUCH"], self.people["POUCH-AGENT"]
        if packages:
            letter = carriage(packages, self.people["COURIER"])
            planning.entrust(self.office, departure, letter, by=chief)
        pair = {"by": chief, "second": agent}
        mark = secrets.token_hex(3).upper()
        numbers = [f"CT-{mark}{number}" for number in range(2)]
        seal_store.take_in(self.office, numbers, sort="plastic", strength="S", **pair)
        drawn: list[str] = []
        while not set(numbers) <= set(drawn):
            drawn += seal_store.issue(self.office, 1, **pair)
        bag = planning.add_bag(self.office, by=chief)
        seal = packing.begin(self.office, departure, bag, BagClass.SECRET, by=agent)
        piece = replace(PIECE, register=f"2026/{secrets.randbelow(10**6):06d}")
        packing.scan(self.office, seal, packing.hand_in(self.office, piece, by=agent), by=agent)
        closure = Closure(tuple(numbers), 7400, chief, ABSENT)
        witness = self.people["CHIEF-CIPHER-POUCH"]
        return closing.close(self.office, seal, closure, by=chief, second=witness)


@pytest.fixture(scope="module")
def desk(ministry: Stage) -> Iterator[Desk]:
    people = Demonstration.of(ministry.settings).people()
    engine = open_existing(ministry.settings.database)
    with custodian_of(ministry.settings) as custodian:
        journal = Journal(engine, ministry.settings.log_origin, "account/tests")
        yield Desk(
            Office(engine, custodian, ministry.settings.headquarters, journal),
            {one.role: one.officer for one in people},
            tuple(one.name for one in people),
            secrets.token_hex(4).upper(),
        )
    engine.dispose()


def check(tab: Tab, desk: Desk) -> None:
    path = tab.page.url.removeprefix(tab.origin)
    joint = "&" if "?" in path else "?"
    for language in ("en", "fr"):
        tab.goto(f"{path}{joint}lang={language}")
        check_page(tab, foreign=(*desk.names, "cipher-service"))


def _plain(text: str) -> str:
    """A text of a page without what keeps days and hours in one piece."""
    return text.replace(NO_BREAK, " ")


def press(tab: Tab, name: str) -> None:
    tab.page.get_by_role("button", name=name, exact=True).click()


def test_a_route_is_recorded_and_its_timetable_entered(desk: Desk, enter: Enter) -> None:
    tab, code = enter("CHIEF-POUCH"), f"R-{desk.mark}"
    tab.goto("/valises/itineraires")
    tab.page.locator("#code").fill(code.lower())
    tab.page.locator("#legs").fill("MINREX NSI 40\nCDG PARIS 30")
    tab.expected = (422,)
    press(tab, "Enregistrer l’itinéraire")
    tab.page.locator(".app-refusal").get_by_text("Étapes qui ne se suivent pas").wait_for()
    expect(tab.page.locator("#legs")).to_have_value("MINREX NSI 40\nCDG PARIS 30")
    tab.page.locator("#legs").fill(LEGS)
    for field, typed, told in (
        ("code", "Ÿ", "« Ÿ » n’est pas un code d’itinéraire"),
        ("news", "0", "Aucune heure sans nouvelles n’est admise"),
        ("tolerance", "200 g", "« 200 g » n’est pas un nombre"),
    ):
        right = tab.page.locator(f"#{field}").input_value()
        tab.page.locator(f"#{field}").fill(typed)
        press(tab, "Enregistrer l’itinéraire")
        tab.page.locator(".app-refusal").get_by_text(told).wait_for()
        expect(tab.page.locator(f"#{field}")).to_have_value(typed)
        tab.page.locator(f"#{field}").fill(right)
    expect(tab.page.locator("#code")).to_have_value(code.lower())
    tab.expected = (200,)
    press(tab, "Enregistrer l’itinéraire")
    row = tab.page.locator("tbody tr", has_text=code)
    assert "MINREX → NSI → CDG → PARIS" in row.inner_text()

    tab.page.locator("#route").select_option(code)
    tab.page.locator("#takes").fill("12")
    tab.page.locator("#weeks").fill("1")
    tab.expected = (422,)
    press(tab, "Inscrire les départs")
    tab.page.locator(".app-refusal").wait_for()
    for box in tab.page.locator("input[name=day]").all():
        box.check()
    tab.page.locator("#at").fill("7 h 45")
    press(tab, "Inscrire les départs")
    tab.page.locator(".app-refusal").get_by_text("« 7 h 45 » n’est pas une heure").wait_for()
    expect(tab.page.locator("#at")).to_have_value("7 h 45")
    assert all(box.is_checked() for box in tab.page.locator("input[name=day]").all())
    expect(tab.page.locator("#route")).to_have_value(code)
    expect(tab.page.locator("#takes")).to_have_value("12")
    tab.expected = (200,)
    tab.page.locator("#at").fill("10:00")
    press(tab, "Inscrire les départs")
    tab.page.get_by_role("status").get_by_text("départs inscrits").wait_for()
    found = roads.routes(desk.office, by=desk.people["CHIEF-POUCH"], since=code)
    line = found.lines[0]
    assert line.route.code == code
    first = line.planned[0]
    assert (first.departs.hour, first.due - first.departs) == (10, timedelta(hours=12))
    assert first.cut_off < first.departs.replace(hour=0), "the eve at the latest"
    tab.goto("/valises/itineraires")
    check(tab, desk)


def test_however_many_departures_a_page_stays_short(desk: Desk, enter: Enter) -> None:
    chief, code = desk.people["CHIEF-POUCH"], f"R-{secrets.token_hex(4).upper()}"
    planning.add_route(desk.office, route(code), by=chief)
    planned = planning.plan(desk.office, timetable(code), 22, by=chief)  # one a day
    assert len(planned) > 3 * shares.PAGE
    tab = enter("CHIEF-POUCH")
    met: list[str] = []
    answer = tab.goto("/valises/departs")
    while True:
        assert len(answer.body()) <= PAGED, tab.page.url
        check_travel(tab.page, answer)
        told = tab.page.locator("main").inner_text()
        assert re.search(r"\d+ départs à venir", told), "the count stays in sight"
        shown = tab.page.locator("main tbody th").all_inner_texts()
        assert len(shown) <= shares.PAGE
        assert not set(shown) & set(met)
        met += shown
        going = tab.page.get_by_role("link", name="La suite de la liste")
        if going.count() == 0:
            break
        with tab.page.expect_navigation() as moved:
            going.click()
        answer = moved.value
    assert {each.departure for each in planned} <= {"".join(each.split()) for each in met}
    check(tab, desk)
    tab.page.get_by_role("link", name="Revenir au premier départ").click()
    expect(tab.page.locator("main tbody th").first).to_have_text(met[0])
    tab.goto("/valises/departs?apres=R-NONE/1", status=404)


def test_a_letter_is_written_printed_and_then_changes_no_more(desk: Desk, enter: Enter) -> None:
    departure = desk.departure()
    tab = enter("CHIEF-POUCH")
    tab.goto("/valises/departs")
    tab.page.get_by_role("link", name=f"Lettre {departure}", exact=True).click()
    tab.page.wait_for_url(re.compile("/valises/lettre"))
    check(tab, desk)
    number = f"LC-{secrets.token_hex(3).upper()}"
    for field, value in (
        ("number", number),
        ("consignee", "Chef de mission"),
        ("name", "Porteur Unique"),
        ("status", "Courrier de cabinet"),
        ("passport", "D0012345"),
    ):
        tab.page.locator(f"#{field}").fill(value)
    tab.page.locator("#courier").select_option(desk.people["COURIER"])
    press(tab, "Écrire la lettre")
    tab.page.get_by_text("gardée chiffrée").wait_for()
    assert "Porteur Unique" not in tab.page.content()
    found = roads.departing(desk.office, departure, by=desk.people["CHIEF-POUCH"])
    assert (found.packages, found.courier) == (1, desk.people["COURIER"])
    address = f"{tab.origin}/valises/lettre.pdf?depart={departure}"
    assert tab.page.request.get(address).status == 409

    seals = desk.sealed(departure).sealed.manifest.seals
    tab.goto(f"/valises/lettre?depart={departure}")
    check(tab, desk)
    assert tab.page.locator("#number").count() == 0, "a bag is sealed"
    words = _words(tab.page.request.get(address).body())
    assert all(seal in words for seal in seals)
    sheet = _words(tab.page.request.get(address.replace("lettre.pdf", "comptage.pdf")).body())
    assert not any(seal in sheet for seal in seals), "each number is read from its bag"


def test_the_form_of_a_count_is_printed_from_one_bag(desk: Desk, enter: Enter) -> None:
    departure = desk.departure()
    for packages in (2, 0):
        desk.sealed(departure, packages=packages)
    tab = enter("CHIEF-POUCH")

    def opened(paper: str) -> int:
        before = _papers_opened(desk)
        answer = tab.page.request.get(f"{tab.origin}/valises/{paper}.pdf?depart={departure}")
        assert answer.ok
        return _papers_opened(desk) - before

    assert opened("comptage") == 1
    assert opened("lettre") == 2


def test_a_letter_printed_after_a_rectification_says_what_is_right(
    desk: Desk, enter: Enter
) -> None:
    departure = desk.departure()
    first = desk.sealed(departure, packages=2).sealed.manifest
    other = desk.sealed(departure, packages=0).sealed.manifest
    tab = enter("CHIEF-POUCH")
    address = f"{tab.origin}/valises/lettre.pdf?depart={departure}"
    assert "7400g" in _packed(_words(tab.page.request.get(address).body()))

    issued = put_right(desk, first.seal, "weight=9600", "carrier=Une Autre Porteuse")

    tab.goto(f"/valises/{first.seal}")
    link = tab.page.get_by_role("link", name=f"Rectificatif {issued.statement.number} (PDF)")
    paper = tab.page.request.get(f"{tab.origin}{link.get_attribute('href')}")
    assert paper.ok
    assert "Une Autre Porteuse" in _words(paper.body())
    check(tab, desk)
    answer = tab.page.request.get(f"{tab.origin}/valises/{other.seal}/rectificatif.pdf")
    assert answer.status == 404
    assert "n’a pas de rectificatif n" in _plain(answer.text())
    answer = tab.page.request.get(address)
    assert answer.status == 409
    assert "Bordereaux qui ne disent pas la même lettre" in _plain(answer.text())
    put_right(desk, other.seal, "carrier=Une Autre Porteuse")
    letter = tab.page.request.get(address).body()
    words = _packed(_words(letter))
    for word in ("9600g", "7400g", "UneAutrePorteuse"):
        assert word in words
    assert _packed(carriage(1, None).carrier.name) not in words


def put_right(desk: Desk, seal: str, *typed: str) -> Issued:
    """Two persons put a bordereau right, as the command does."""
    chief, witness = desk.people["CHIEF-POUCH"], desk.people["CHIEF-CIPHER-POUCH"]
    correction = Correction(typed, "Erreur de transcription")
    return rectifying.rectify(desk.office, seal, correction, by=chief, second=witness)


def test_bags_are_counted_before_the_airport_is_left(desk: Desk, enter: Enter) -> None:
    departure = desk.departure()
    bag = desk.sealed(departure).sealed.manifest.bag
    tab = enter("POUCH-AGENT")
    tab.goto("/valises/departs")
    tab.page.get_by_role("link", name=f"Compter {departure}", exact=True).click()
    tab.page.wait_for_url(re.compile("/valises/comptage"))
    assert tab.page.locator("#place").input_value() == "NSI"
    check(tab, desk)
    stranger = grouped_locator(f"{secrets.randbelow(10**22):022d}")
    tab.page.locator("#locators").fill(stranger)
    press(tab, "Comparer au départ")
    result = tab.page.get_by_role("status").inner_text()
    assert grouped_locator(bag) in result
    assert f"sac que personne ne connaît {stranger}" in " ".join(result.split())
    check_page(tab, foreign=desk.names)
    kinds = [
        case.kind
        for case in views.journey(
            desk.office, grouped_locator(bag), by=desk.people["CHIEF-POUCH"]
        ).cases
    ]
    assert kinds == ["bag-missing"]

    tab.page.locator("#locators").fill("1234")
    tab.expected = (422,)
    press(tab, "Comparer au départ")
    tab.page.locator(".app-refusal").wait_for()
    assert tab.page.locator("#locators").input_value() == "1234", "what was typed stays"
    tab.expected = (200,)
    tab.page.locator("#locators").fill(grouped_locator(bag))
    press(tab, "Comparer au départ")
    tab.page.get_by_text("Le compte est juste").wait_for()
    told = views.journey(desk.office, grouped_locator(bag), by=desk.people["CHIEF-POUCH"]).events
    assert [event.place for event in told if event.kind == "seen"] == ["NSI"]
    _stops(tab, desk, grouped_locator(bag))


def _stops(tab: Tab, desk: Desk, named: str) -> None:
    """The stops in between are drawn: what was told of each, and when it is planned."""
    found = views.journey(desk.office, named, by=desk.people["CHIEF-POUCH"])
    stops = draw(found.closing, found.events)
    assert [(stop.place, stop.passed, stop.here) for stop in stops] == [
        ("MINREX", True, False),
        ("NSI", True, True),
        ("CDG", False, False),
        ("PARIS", False, False),
    ]
    tab.goto(f"/valises/{found.line.seal}")
    drawing = tab.page.get_by_role("img", name=f"Itinéraire de la valise {named}")
    departs = found.closing.departs
    earliest = (None, timedelta(minutes=40), timedelta(minutes=400), None)
    for row, stop, least in zip(
        tab.page.locator("#etapes tbody tr").all(), stops, earliest, strict=True
    ):
        cells = [_plain(cell.inner_text()) for cell in row.locator("th, td").all()]
        assert cells[0] == stop.place
        if least is not None:
            assert cells[2] == f"au plus tôt {moment(departs + least, 'fr')}"
        shown = _plain(drawing.text_content() or "")
        assert all(cell.removesuffix(" · dernières nouvelles") in shown for cell in cells)
        assert ("vue en route" in cells[1]) == (stop.place == "NSI")
        assert (cells[1] == "rien n’en est dit") == (stop.place in ("CDG", "PARIS"))
    check(tab, desk)


@pytest.mark.parametrize("role", ["DRAFTER", "HEAD-OF-POST"])
def test_whoever_is_not_of_the_bureau_sees_none_of_it(desk: Desk, enter: Enter, role: str) -> None:
    departure = desk.departure()
    asked = enter(role).blank.request
    for page in ("itineraires", f"lettre?depart={departure}", f"comptage?depart={departure}"):
        assert asked.get(f"/valises/{page}").status == 403
    assert asked.get("/valises/lettre.pdf?depart=nothing").status == 403


def _packed(text: str) -> str:
    """A text of a paper without its spaces, which lines break at."""
    return "".join(text.split())


def _papers_opened(desk: Desk) -> int:
    entry = audit_entry.c
    with reading(desk.office.engine) as connection:
        rows = connection.execute(
            select(entry.seq).where(entry.action == "bag_papers", entry.outcome == "done")
        ).all()
    return len(rows)


def _words(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "".join(page.get_textpage().get_text_bounded() for page in document)
