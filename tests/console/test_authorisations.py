"""Rights given by two and taken by one, policies compared and changed by two, as officers do it."""

from datetime import date, timedelta

import pytest

from cipher_service import clock
from cipher_service.access.deployed import deployed
from cipher_service.access.policies import default_policies
from cipher_service.administration.stage import Stage
from cipher_service.directory import officers
from cipher_service.directory.officers import Identity
from cipher_service.directory.roles import default_roles
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.access import emergency
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.console.conftest import Enter
from tests.console.sealed_bags import number_of
from tests.console.support import Tab, check_accessible, check_page, primary
from tests.console.test_signing import names

NEW = "M. Ngono"
SAME = f"{default_policies().text}\n// Relu.\n"
CLOSED = """
@id("ministry-closed")
forbid (principal, action == Action::"mail-register", resource);
"""
BROKEN = """
@id("everybody")
permit (principal, action == Action::"read", resource is Dispatch);
"""


@pytest.fixture(scope="module")
def newcomer(ministry: Stage) -> str:
    """A person of these tests alone, who holds nothing."""
    engine = open_existing(ministry.settings.database)
    identity = Identity(
        NEW, "SAE", date(2020, 1, 1), date(2012, 5, 1), None, ministry.settings.headquarters
    )
    try:
        with unit_of_work(engine) as connection:
            return officers.add(connection, identity, clock.now())
    finally:
        engine.dispose()


def sign(tab: Tab, said: str) -> None:
    """Sign on the page of the other origin, and come back."""
    tab.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    tab.page.get_by_text(said).wait_for()
    tab.page.wait_for_url("**/actes")


def test_an_habilitation_is_given_by_two_and_taken_by_one(
    ministry: Stage, enter: Enter, newcomer: str
) -> None:
    foreign = (*names(ministry), NEW, "OFF-", *default_roles().roles)
    first, second = enter("SECURITY-OFFICER"), enter("SECRETARY-GENERAL")
    first.goto(f"/droits/{newcomer}")
    first.page.get_by_role("link", name="Donner et retirer des droits").click()
    check_page(first, foreign=foreign)
    first.goto(f"/droits/{newcomer}/accorder?lang=en")
    check_page(first, foreign=foreign)
    first.goto(f"/droits/{newcomer}/accorder?lang=fr")
    form = first.page.locator("form[action$=habilitation]")
    form.get_by_label("Niveau").select_option("SECRET")
    form.get_by_label("Dernier jour").fill("2036-01-31")
    form.get_by_label("Formation").fill("2036-01-31")
    form.get_by_label("Référence").fill("DEC-77")
    form.get_by_label("Motif").fill("Relève du chiffreur")
    form.get_by_role("button").click()
    first.page.get_by_text("Relève du chiffreur").first.wait_for()
    assert first.page.get_by_text("DEC-77").count() > 0
    check_accessible(first.page)
    sign(first, "D’autres doivent encore signer")
    second.goto("/actes")
    second.page.locator("tr", has_text=newcomer).get_by_role("link").click()
    second.page.get_by_role("button", name="Lire et signer").click()
    sign(second, "Signé, et fait")
    second.goto(f"/droits/{newcomer}/accorder")
    row = second.page.locator("tbody tr", has_text="SECRET")
    row.get_by_role("button", name="Retirer").click()
    second.page.get_by_text("Aucun droit en cours").wait_for()
    second.page.get_by_role("button", name="Suspendre").click()
    second.page.get_by_text("suspendue").wait_for()
    auditor = enter("AUDITOR")
    auditor.goto(f"/journal?objet={newcomer}&lang=fr")
    told = auditor.page.locator("tbody").inner_text()
    assert all(said in told for said in ("habilitation_grant", "habilitation_withdraw"))
    auditor.goto(f"/droits/{newcomer}/accorder")
    assert auditor.page.locator("form[action$=habilitation]").count() == 0
    assert first.complaints == second.complaints == []


def test_what_cannot_be_is_refused_before_a_signature(enter: Enter, newcomer: str) -> None:
    tab = enter("SECURITY-OFFICER")
    tab.goto(f"/droits/{newcomer}/accorder")
    form = tab.page.locator("form[action$=fonction]")
    form.get_by_label("Fonction").select_option("CIPHER-CLERK")
    form.get_by_label("Motif").fill("Sans référence")
    tab.expected = (422,)
    form.get_by_role("button").click()
    tab.page.get_by_text("La référence de la décision manque").wait_for()
    check_accessible(tab.page)
    tab.goto("/droits/OFF-999999/accorder", status=404)
    clerk = enter("CIPHER-CLERK")
    clerk.goto(f"/droits/{newcomer}/accorder", status=403)
    clerk.goto("/connaitre", status=404)
    clerk.goto("/politiques", status=403)
    deputy = enter("DEPUTY-DIRECTOR")
    deputy.goto("/connaitre?lang=fr")
    deputy.page.get_by_label("Officier").select_option(index=1)
    deputy.page.get_by_label("À connaître").select_option("poste")
    deputy.page.get_by_label("Identifiant").fill("ATLANTIDE")
    deputy.page.get_by_label("Motif").fill("Dossier en cours")
    deputy.expected = (422,)
    deputy.page.get_by_role("button", name="Lire et signer").click()
    deputy.page.get_by_text("Le poste ATLANTIDE n’est pas au répertoire").wait_for()


def test_a_day_that_is_none_is_told_above_what_was_typed(
    ministry: Stage, enter: Enter, newcomer: str
) -> None:
    foreign = (*names(ministry), NEW, "OFF-", *default_roles().roles)
    security, deputy = enter("SECURITY-OFFICER"), enter("DEPUTY-DIRECTOR")
    written = {"until": "31/02/2036", "act": "DEC-78", "reason": "Relève <du chiffreur>"}
    at, clerk = f"/droits/{newcomer}/accorder", number_of(ministry, "CIPHER-CLERK")
    for tab, address, form, more in (
        (security, at, "habilitation", {"level": "SECRET", "caveats": "X, Y", "trained": "1/1/36"}),
        (security, at, "fonction", {"role": "CIPHER-CLERK"}),
        (deputy, "/connaitre", "connaitre", {"officer": clerk, "kind": "poste", "matter": "P"}),
    ):
        typed = {name: said for name, said in written.items() if name != "act" or tab is security}
        typed |= more
        for language, said in (("fr", "n’est pas une date"), ("en", "is not a date")):
            tab.goto(f"{address}?lang={language}")
            filled = tab.page.locator(f"form[action$={form}]")
            for name, value in typed.items():
                field = filled.locator(f"[name={name}]")
                if field.evaluate("each => each.tagName") == "SELECT":
                    field.select_option(value)
                else:
                    field.fill(value)
            tab.expected = (400,)
            filled.get_by_role("button").click()
            told = tab.page.locator(".app-refusal").inner_text()
            assert "31/02/2036" in told
            assert said in told
            assert "31/01/2036" in told, "the form that is expected"
            assert {name: filled.locator(f"[name={name}]").input_value() for name in typed} == typed
            check_page(tab, foreign=(*foreign, *typed.values()))


def test_a_day_that_is_none_stays_in_its_field(enter: Enter) -> None:
    tab = enter("AUDITOR")
    for address, field, called in (
        ("/droits?jour=31/02/2036", "jour", "Droits de ce jour"),
        ("/journal?du=31/02/2036", "du", "Depuis le"),
        ("/journal?au=31/02/2036", "au", "Jusqu’au"),
    ):
        tab.goto(f"{address}&lang=fr")
        assert called in tab.page.locator("#travail [role=alert]").inner_text()
        assert tab.page.locator(f"#{field}").input_value() == "31/02/2036"
    for question, about in (("droits", "31/02/2036"), ("refus", "")):
        query = f"question={question}&sur={about}&du={'' if about else '31/02/2036'}"
        tab.goto(f"/journal/questions?{query}&lang=fr", status=400)
        assert "31/02/2036" in tab.page.locator(".app-refusal").inner_text()
        assert tab.page.locator("#sur").input_value() == about
        assert tab.page.locator("#question").input_value() == question
    tab.goto("/journal/questions?question=lecteurs&lang=fr", status=422)
    assert tab.page.locator("#question").input_value() == "lecteurs"
    tab.goto("/journal/questions?question=lectures-hautes&sur=ULTRA&lang=fr", status=422)
    assert tab.page.locator("#sur").input_value() == "ULTRA"
    for day in ("27/11/2026", "2026-11-27"):
        tab.goto(f"/journal/questions?question=droits&sur={day}&lang=fr")
        assert tab.page.locator("tbody tr").count() > 0


def test_a_suspension_is_lifted_by_two(ministry: Stage, enter: Enter, newcomer: str) -> None:
    foreign = (*names(ministry), NEW, "OFF-", *default_roles().roles)
    first, second = enter("SECURITY-OFFICER"), enter("SECRETARY-GENERAL")
    engine = open_existing(ministry.settings.database)
    with unit_of_work(engine) as connection:
        officers.set_state(connection, newcomer, "suspended", clock.now())
    engine.dispose()
    for language in ("en", "fr"):
        first.goto(f"/droits/{newcomer}/accorder?lang={language}")
        check_page(first, foreign=foreign)
    assert primary(first.page) == "Proposer la levée"
    first.page.locator("#resumption-reason").fill("Retour " * 80)
    first.expected = (422,)
    first.page.get_by_role("button", name="Proposer la levée").click()
    first.page.locator(".app-refusal").get_by_text("L’acte n’est pas complet").wait_for()
    assert first.page.locator("#resumption-reason").input_value() == "Retour " * 80
    first.expected = (200,)
    first.page.locator("#resumption-reason").fill("Retour de congé")
    first.page.get_by_role("button", name="Proposer la levée").click()
    first.page.get_by_text("Retour de congé").first.wait_for()
    sign(first, "D’autres doivent encore signer")
    second.goto("/actes")
    row = second.page.locator("tr", has_text=newcomer)
    row.get_by_role("link", name="Lever la suspension").click()
    second.page.get_by_role("button", name="Lire et signer").click()
    sign(second, "Signé, et fait")
    first.hosts.clear()
    first.goto(f"/droits/{newcomer}/accorder")
    assert first.page.get_by_role("button", name="Suspendre cette personne").is_visible()


def test_policies_are_compared_before_two_put_them_in_force(ministry: Stage, enter: Enter) -> None:
    first, second = enter("CHIEF-CNTC"), enter("SECRETARY-GENERAL")
    for text, said in (
        ("permit everything", "Ce ne sont pas des politiques"),
        (default_policies().text + BROKEN, "ne peut pas être mis en vigueur"),
        (default_policies().text + CLOSED, "tenir le registre du courrier"),
        (SAME, "Aucun accès nouveau"),
    ):
        first.goto("/politiques?lang=fr")
        first.page.get_by_label("Texte complet").fill(text)
        first.expected = (200, 422)
        first.page.get_by_role("button", name="Prouver et comparer").click(timeout=60_000)
        first.page.get_by_text(said).first.wait_for(timeout=60_000)
        check_accessible(first.page)
    first.page.get_by_label("Motif").fill("Relecture annuelle")
    first.page.get_by_role("button", name="Lire et signer").click()
    first.page.get_by_text("Relecture annuelle").first.wait_for()
    check_accessible(first.page)
    sign(first, "D’autres doivent encore signer")
    second.goto("/actes")
    second.page.get_by_role("link", name="Changer les politiques").click()
    second.page.get_by_role("link", name="Voir ce que").click(timeout=60_000)
    second.page.get_by_text("Aucun accès nouveau").wait_for()
    check_page(second, foreign=("cedar",))
    second.page.get_by_role("link", name="Retour à l’acte").click()
    second.page.get_by_role("button", name="Lire et signer").click()
    second.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    second.page.get_by_text("Signé, et fait").wait_for(timeout=60_000)
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        assert deployed(connection).text == SAME
    engine.dispose()


def test_an_emergency_is_reviewed_by_another(ministry: Stage, enter: Enter, newcomer: str) -> None:
    engine = open_existing(ministry.settings.database)
    now, reason = clock.now(), "Évacuation de nuit"
    with unit_of_work(engine) as connection:
        number = connection.scalar(
            emergency.insert()
            .values(
                officer=newcomer,
                action="read",
                object="01KAMV6R8P3ZDFWQ5XJ9T2C4EN",
                reason=reason,
                declared_at=clock.text(now),
                ends=clock.text(now + timedelta(hours=1)),
                review_by=clock.text(now + timedelta(hours=24)),
            )
            .returning(emergency.c.seq)
        )
    tab = enter("SECURITY-OFFICER")
    tab.goto("/?lang=fr")
    tab.page.get_by_role("link", name="Urgences à revoir").click()
    tab.page.get_by_text(reason).wait_for()
    check_page(tab, foreign=(*names(ministry), NEW))
    tab.page.locator("section", has_text=reason).get_by_role("button", name="justifiée").click()
    tab.page.locator("td", has_text="Officier de sécurité").first.wait_for()
    for written, status in ((str(number), 409), (f"{number:015}9", 400), ("x", 400)):
        answer = tab.page.request.post(
            f"{tab.origin}/urgences/revoir",
            form={"number": written, "finding": "injustifiee"},
            headers={"Origin": tab.origin},
        )
        assert answer.status == status
    with reading(engine) as connection:
        rows = connection.execute(emergency.select().where(emergency.c.seq == number))
        assert [row.finding for row in rows] == ["justified"]
    engine.dispose()
    enter("CIPHER-CLERK").goto("/urgences", status=403)
