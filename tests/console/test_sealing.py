"""A bag in the console before a custodian with officers: opened and sealed under their grants."""

from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from cipher_service import clock
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.sample import make_officers
from cipher_service.administration.stage import Stage, chiffre, stage
from cipher_service.audit.journal import Journal
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import planning, seal_store
from cipher_service.pouches.office import Office
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from cipher_service.typography import NO_BREAK
from keys import canonical
from keys.age.files import encrypt
from keys.custody.bag_texts import RECTIFIED
from keys.signing import Signatures
from keys.statements import object_of_signatures
from pouch.claims import read_claims
from pouch.rectification import read_rectification
from pouch.seal import read_seal
from pouch.sealed import read_sealed, seal_manifest
from tests.console import photographed
from tests.console.conftest import Enter
from tests.console.sealing_desk import (
    SOFTWARE_KEY,
    Desk,
    allowed,
    begun,
    filled,
    handed_in,
    posted,
    press,
    refused_in_place,
    scan,
    sealings,
    signed,
    waiting,
)
from tests.console.support import Tab, check_page, come_back, primary
from tests.support.office import carriage as waybill
from tests.support.office import route, timetable
from tests.support.rectifying import rectification
from tests.support.sample_roll import found_sample
from tests.support.valise import manifest
from tests.vectors.forge import identity

ON_ROLL = ("CHIEF-CIPHER-POUCH", "CHIEF-POUCH", "POUCH-AGENT")
_NO_FORM = "Le formulaire n’est pas complet, ou n’est pas de cette page"
MISPUT = (
    ("weight=lourd&reason=Erreur", 422, "Rectificatif irrecevable"),
    ("weight=1540&reason=", 422, "Rectificatif irrecevable"),
    (f"weight=1540&reason={'x' * 5000}", 422, "Rectificatif irrecevable"),
    ("reason=Erreur", 422, "Rien à rectifier"),
    ("weight=1540", 400, _NO_FORM),
    ("weight=1540&weight=1541&reason=Erreur", 400, _NO_FORM),
    ("9.addressee=Consulat&reason=Erreur", 400, _NO_FORM),
)
"""Forms of a rectification that are refused, and why."""
NO_SIGNATURES = object_of_signatures(Signatures(bytes(64), bytes(3309)))


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("sealing") / "data", "fr", 1, console=True) as on:
        on.introduce({post: on.enrol(post) for post in ("PARIS", "LOME")})
        make_officers(on.settings, ("PARIS", "LOME"))
        found_sample(on.settings, ON_ROLL)
        yield on


@pytest.fixture(scope="module")
def desk(ministry: Stage) -> Iterator[Desk]:
    officers = Demonstration.of(ministry.settings).people()
    people = {one.role: one.officer for one in officers}
    engine = open_existing(ministry.settings.database)
    with custodian_of(ministry.settings) as custodian:
        journal = Journal(engine, ministry.settings.log_origin, "account/tests")
        office = Office(engine, custodian, ministry.settings.headquarters, journal)
        chief = people["CHIEF-POUCH"]
        planning.add_route(office, route(), by=chief)
        first, *_ = planning.plan(office, timetable("R-PARIS"), 2, by=chief)
        planning.entrust(office, first.departure, waybill(2, people["COURIER"]), by=chief)
        pair = {"by": chief, "second": people["CHIEF-CIPHER-POUCH"]}
        numbers = [f"MX-{number:06d}" for number in range(100, 110)]
        seal_store.take_in(office, numbers, sort="plastic", strength="S", **pair)
        seals = seal_store.issue(office, 4, **pair)
        planning.add_bag(office, by=chief)
        names = tuple(one.name for one in officers)
        yield Desk(engine, custodian, people, names, seals)
    engine.dispose()


def test_an_empty_list_says_what_comes_next(enter: Enter) -> None:
    """The first here: nothing has been made up in this ministry."""
    tab = enter("POUCH-AGENT")
    tab.goto("/valises")
    expect(tab.page.locator(".app-empty")).to_contain_text("Une confection commence")


def test_a_bag_is_sealed_by_two_officers_grants_over_one_seal(desk: Desk, enter: Enter) -> None:
    chief, witness = enter("CHIEF-CIPHER-POUCH"), enter("POUCH-AGENT")
    first, second = (desk.people[role] for role in ("CHIEF-CIPHER-POUCH", "POUCH-AGENT"))
    number = handed_in(chief)
    seal = begun(chief)
    check_page(chief, foreign=desk.names)
    chief.expected = (403,)
    scan(chief, number)
    chief.page.locator(".app-refusal").get_by_text("autorisation").first.wait_for()
    with reading(desk.engine) as connection:
        lines = connection.execute(select(tables.line).where(tables.line.c.seal == seal)).all()
    assert lines == [], "without a grant no piece is opened"

    assert "Permettre d’ouvrir ce que le bureau de la valise tient chiffré" in allowed(chief)
    chief.page.wait_for_url(f"**/valises/{seal}/confection")
    expect(chief.page.get_by_role("button", name="Autoriser l’ouverture")).to_have_count(0)
    scan(chief, number)
    chief.page.get_by_role("status").get_by_text("ligne 1").wait_for()
    assert primary(chief.page) == "Lire et signer", "nothing else waits for Paris"

    # Drawn up and left at the other origin: the bag waits, under its number.
    filled(chief, desk.seals[2:4], desk.people["CHIEF-POUCH"])
    chief.page.locator("#acte dl").first.wait_for()
    abandoned = waiting(desk, seal)
    chief.goto(f"/valises/{seal}/confection")
    chief.page.get_by_text("Personne ne l’autorise encore").wait_for()
    # Drawn up anew with the seals that are on the bag: the same number, another seal.
    filled(chief, desk.seals[:2], desk.people["CHIEF-POUCH"])
    shown = signed(chief)
    assert waiting(desk, seal)[0] == abandoned[0]
    claims = waiting(desk, seal)[1]
    assert claims != abandoned[1]
    digest = read_claims(claims).digest.hex()
    for said in ("Permettre de sceller une valise", "sans objet", *desk.seals[:2], digest):
        assert said in shown
    chief.page.get_by_text(f"Autorisée par Chef du Chiffre ({first})").wait_for()
    assert primary(chief.page) == "Lire et autoriser le sceau"
    check_page(chief, foreign=desk.names)
    assert sealings(desk) == [], "one alone has nothing signed"

    witness.goto(f"/valises/{seal}/confection")
    press(witness, "Lire et autoriser le sceau")
    assert digest in signed(witness)
    witness.page.wait_for_url(f"{witness.origin}/valises/{seal}")
    assert sealings(desk) == [(second, "intended"), (second, "done")]
    with reading(desk.engine) as connection:
        kept = connection.execute(select(tables.sealed).where(tables.sealed.c.seal == seal)).one()
        left = connection.execute(
            select(tables.preparation).where(tables.preparation.c.seal == seal)
        ).all()
    assert (kept.number, left) == (abandoned[0], [])
    message = read_seal(kept.symbol).message
    assert message.payload == claims
    message.verify(desk.custodian.card().verifying_key)

    last = witness.page.locator("#tableau tbody tr").last.inner_text()
    assert first in last
    assert second in last
    witness.page.get_by_text("attend la signature d’un officier").wait_for()
    expect(witness.page.get_by_role("button", name="Lire et signer l’annonce")).to_have_count(0)
    check_page(witness, foreign=desk.names)
    _papers(chief, witness, seal)
    _rectification(desk, witness, seal)
    _photographed(enter("CHIEF-POUCH"), witness, desk, seal)


def _papers(chief: Tab, witness: Tab, seal: str) -> None:
    for path, pages in (("etiquette.pdf", 2), ("bordereau.pdf", 1)):
        answer = chief.page.request.get(f"{chief.origin}/valises/{seal}/{path}")
        assert answer.ok
        assert len(pypdfium2.PdfDocument(answer.body())) == pages
    refused = witness.page.request.get(f"{witness.origin}/valises/{seal}/bordereau.pdf")
    assert refused.status == 403, "without a grant of theirs"
    allowed(witness)  # who holds none to open dispatches
    answer = witness.page.request.get(f"{witness.origin}/valises/{seal}/bordereau.pdf")
    assert answer.ok


def _rectification(desk: Desk, witness: Tab, seal: str) -> None:
    """One that nobody signed opens under the grant, as each in the books; and prints nothing."""
    sealed = {"fingerprint": "ab" * 32, "signatures": NO_SIGNATURES}
    with reading(desk.engine) as connection:
        number = connection.scalar(select(tables.sealed.c.number))
    statement = rectification(seal_manifest(manifest(seal=seal), sealer=identity("YAOUNDE")))
    file = {"statement": canonical.decode(statement.encode()), "sealer": sealed, "witness": None}
    text = {"v": 1, "type": RECTIFIED, "levels": ["SECRET"], "rectification": file}
    row = {
        "seal": seal,
        "ordinal": 1,
        "number": f"{number}/R1",
        "hash": statement.hash,
        "made_at": clock.text(statement.made),
        "first": desk.people["CHIEF-POUCH"],
        "second": desk.people["CHIEF-CIPHER-POUCH"],
        "body": encrypt(canonical.encode(text), [desk.custodian.card().recipient]),
    }
    book = tables.rectification
    with unit_of_work(desk.engine) as connection:
        connection.execute(book.insert().values(**row))
    answer = witness.page.request.get(f"{witness.origin}/valises/{seal}/rectificatif.pdf")
    with unit_of_work(desk.engine) as connection:
        connection.execute(book.delete())
    assert answer.status == 409
    assert "Rectificatif que le bureau n’a pas signé" in answer.text().replace(NO_BREAK, " ")


def _photographed(chief: Tab, witness: Tab, desk: Desk, seal: str) -> None:
    """A photograph too opens under the grant for bags' texts alone, and not without one."""
    photographed.add(chief, seal, photographed.camera())
    chief.page.get_by_role("button", name="Autoriser l’ouverture des pièces").wait_for()
    expect(chief.page.locator(".app-photograph")).to_have_count(0)
    check_page(chief, foreign=desk.names)
    refused = chief.page.request.get(f"{chief.page.url}/image")
    assert (refused.status, "image" in refused.headers["content-type"]) == (403, False)
    witness.goto(chief.page.url.removeprefix(chief.origin))
    photographed.looked_at(witness)
    check_page(witness, foreign=desk.names)


def test_the_receiver_is_told_under_the_grant_of_who_saw_the_manifest(
    desk: Desk, ministry: Stage, enter: Enter, tmp_path: Path
) -> None:
    """By keys alone; left at the other origin once, then signed: it leaves once."""
    with reading(desk.engine) as connection:
        [kept] = connection.execute(select(tables.sealed)).all()
    where = f"/valises/{kept.seal}"
    chief = enter("CHIEF-CIPHER-POUCH")
    chief.goto(where)
    assert primary(chief.page) == "Autoriser l’ouverture des pièces"
    allowed(chief)
    assert primary(chief.page) == "Lire et signer l’annonce", "before the bag is handed over"
    for language in ("en", "fr"):
        chief.goto(f"{where}?lang={language}")
        check_page(chief, foreign=desk.names)

    def asked() -> None:
        chief.page.get_by_role("button", name="Lire et signer l’annonce").focus()
        chief.page.keyboard.press("Enter")
        chief.page.locator("#acte dl").first.wait_for()

    asked()
    chief.goto(where)
    chief.hosts.clear()
    asked()
    shown = chief.page.locator("#acte").inner_text()
    for said in ("Faire signer une dépêche", "PARIS 0002", f"Valise {kept.number}", "SECRET"):
        assert said in shown
    chief.page.get_by_role("button", name=SOFTWARE_KEY).focus()
    chief.page.keyboard.press("Enter")
    come_back(chief, where.removeprefix("/"), key="Enter")
    chief.hosts.clear()
    expect(chief.page.get_by_role("heading", name="Annoncer la valise")).to_have_count(0)
    assert primary(chief.page) == "Enregistrer la remise"
    check_page(chief, foreign=desk.names)

    chiffre(
        "fr", "fetch", "--identity", ministry.identity("PARIS"), "--all", "--decipher",
        "-o", str(tmp_path / "paris"),
    )  # fmt: skip
    [file] = (tmp_path / "paris").glob("*/attachments/*")
    sealed = read_sealed(file.read_bytes().strip())
    assert sealed.manifest.number == kept.number
    assert sealed.seal.text == kept.symbol
    answer = posted(chief, f"{where}/annonce", "")
    assert answer.status == 409
    assert "Valise annoncée déjà" in answer.text()


def test_a_sealed_bordereau_is_put_right_by_two_officers_grants(
    desk: Desk, ministry: Stage, enter: Enter, tmp_path: Path
) -> None:
    with reading(desk.engine) as connection:
        [kept] = connection.execute(select(tables.sealed)).all()
    where, page = f"/valises/{kept.seal}", f"/valises/{kept.seal}/rectificatif"
    chief, witness = enter("CHIEF-CIPHER-POUCH"), enter("POUCH-AGENT")
    first, second = (desk.people[role] for role in ("CHIEF-CIPHER-POUCH", "POUCH-AGENT"))
    chief.goto(where)
    chief.page.get_by_role("link", name="Rectifier le bordereau").click()
    chief.page.wait_for_url(f"**{page}")
    assert primary(chief.page) == "Autoriser l’ouverture des pièces"
    check_page(chief, foreign=desk.names)
    allowed(chief)
    chief.goto(page)
    typed = (*desk.names, "Direction des Nations unies", "Chancellerie")
    refused_in_place(chief, page, MISPUT, typed)
    for language in ("en", "fr"):
        chief.goto(f"{page}?lang={language}")
        check_page(chief, foreign=typed)
    chief.page.get_by_text("Ligne 1").click()
    chief.page.locator("#e-1-addressee").fill("Consulat, Marseille")
    chief.page.locator("#e-weight").fill("1 540")
    chief.page.locator("#reason").fill("Erreur de transcription")
    press(chief, "Lire et signer")
    shown = signed(chief).replace(NO_BREAK, " ")
    for said in (
        *("Permettre de rectifier un bordereau scellé", "Erreur de transcription"),
        "ligne 1, destinataire, au lieu de « Chancellerie », lire « Consulat, Marseille »",
        "poids en grammes, au lieu de « 1500 », lire « 1540 »",
        f"{kept.number}/R1",
    ):
        assert said in shown
    assert "sceller une valise" not in shown
    chief.page.get_by_text(f"Autorisé par Chef du Chiffre ({first})").wait_for()
    assert primary(chief.page) == "Lire et autoriser le rectificatif"
    check_page(chief, foreign=typed)
    with reading(desk.engine) as connection:
        assert connection.execute(select(tables.rectification)).all() == [], "one alone: nothing"
        waits = connection.execute(select(tables.rectifying)).all()
    assert "Marseille" not in repr(waits)

    witness.goto(where)
    witness.page.get_by_text("un rectificatif attend une autorisation").wait_for()
    allowed(witness)
    witness.goto(page)
    check_page(witness, foreign=typed)
    expect(witness.page.get_by_role("button", name="Lire et signer")).to_have_count(0)
    press(witness, "Lire et autoriser le rectificatif")
    assert "Consulat, Marseille" in signed(witness)
    witness.page.wait_for_url(f"{witness.origin}{where}")
    with reading(desk.engine) as connection:
        [row] = connection.execute(select(tables.rectification)).all()
        left = connection.execute(select(tables.rectifying)).all()
    assert (row.number, row.first, row.second) == (f"{kept.number}/R1", first, second)
    assert (row.weight_g, left) == (1540, [])
    paper = witness.page.request.get(f"{witness.origin}{where}/rectificatif.pdf")
    words = pypdfium2.PdfDocument(paper.body())[0].get_textpage().get_text_bounded()
    assert "Consulat, Marseille" in " ".join(words.split())
    witness.goto(page)
    witness.page.get_by_text("pas encore").wait_for()
    expect(witness.page.get_by_role("button", name="Lire et signer l’annonce")).to_have_count(0)
    check_page(witness, foreign=typed)
    foreign = (*typed, "Consulat, Marseille")
    _not_before_the_bag(desk, chief, page, foreign)
    _told_of_the_rectification(chief, ministry, page, row.number, tmp_path, foreign)


def _not_before_the_bag(desk: Desk, tab: Tab, page: str, foreign: tuple[str, ...]) -> None:
    """As long as the bag was not announced, the page leads there and nothing leaves."""
    book = tables.sealed
    with unit_of_work(desk.engine) as connection:
        told = connection.scalar(select(book.c.announcement))
        connection.execute(update(book).values(announcement=None))
    for language, said in (("en", "Announce the bag first"), ("fr", "Annoncez d’abord la valise")):
        tab.goto(f"{page}?lang={language}")
        tab.page.get_by_role("link", name=said).wait_for()
        check_page(tab, foreign=foreign)
    expect(tab.page.get_by_role("button", name="Lire et signer l’annonce")).to_have_count(0)
    answer = posted(tab, f"{page}/annonce", "ordinal=1")
    assert answer.status == 409
    assert "La valise elle-même n’est pas annoncée" in answer.text().replace(NO_BREAK, " ")
    with unit_of_work(desk.engine) as connection:
        connection.execute(update(book).values(announcement=told))


def _listed_as_untold(
    tab: Tab, where: str, number: str, foreign: tuple[str, ...], *, untold: bool
) -> None:
    """The bag's page and the list of bags say that the receiver was not told, or no more."""
    for language, told in (
        ("en", ("the receiver was not told of rectification", "1 rectification not announced")),
        ("fr", ("le destinataire n’est pas averti du rectificatif", "1 rectificatif non annoncé")),
    ):
        tab.goto(f"{where}?lang={language}")
        main = tab.page.locator("main")
        expect(main.get_by_text(f"{told[0]} {number}")).to_have_count(int(untold))
        check_page(tab, foreign=foreign)
        tab.goto(f"/valises?lang={language}")
        expect(main.get_by_text(told[1])).to_have_count(int(untold))
        check_page(tab, foreign=foreign)


def _told_of_the_rectification(
    chief: Tab, ministry: Stage, page: str, number: str, folder: Path, foreign: tuple[str, ...]
) -> None:
    """Left at the other origin once, then signed: it leaves once, and the receiver has the file."""
    where = page.removesuffix("/rectificatif")
    _listed_as_untold(chief, where, number, foreign, untold=True)
    for language in ("en", "fr"):
        chief.goto(f"{page}?lang={language}")
        check_page(chief, foreign=foreign)
    assert primary(chief.page) == "Lire et signer l’annonce"
    press(chief, "Lire et signer l’annonce")
    chief.page.locator("#acte dl").first.wait_for()
    chief.goto(page)
    chief.hosts.clear()
    press(chief, "Lire et signer l’annonce")
    shown = signed(chief)
    for said in ("Faire signer une dépêche", f"Valise : rectificatif {number}", "SECRET"):
        assert said in shown.replace(NO_BREAK, " ")
    chief.page.wait_for_url(f"**{page}")
    chief.page.get_by_role("cell", name="oui").wait_for()
    expect(chief.page.get_by_role("heading", name="Avertir le destinataire")).to_have_count(0)
    _listed_as_untold(chief, where, number, foreign, untold=False)

    chiffre(
        "fr", "fetch", "--identity", ministry.identity("PARIS"), "--all", "--decipher",
        "-o", str(folder / "paris"),
    )  # fmt: skip
    [file] = (folder / "paris").glob("*/attachments/*rectification*")
    assert read_rectification(file.read_bytes().strip()).statement.number == number
    for ordinal, code, words in (("1", 409, "annoncé déjà"), ("2", 404, "n’a pas de rectificatif")):
        answer = posted(chief, f"{page}/annonce", f"ordinal={ordinal}")
        assert answer.status == code
        assert words in answer.text().replace(NO_BREAK, " ")
