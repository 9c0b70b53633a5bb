"""What waits in the console, listed, read whole and signed by `cipher-service approve`."""

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.authorising import HABILITATION, Authorising
from cipher_service.administration import approving, words
from cipher_service.administration.installation import Installation, installation_at
from cipher_service.administration.stage import Stage
from cipher_service.console import approving as page
from cipher_service.console.coded import CODES, NUMBERED
from cipher_service.console.language import translations
from cipher_service.directory import authorisations, officers
from cipher_service.directory.officers import Identity
from cipher_service.identity.demonstration import Demonstration
from cipher_service.identity.shared_acts import open_acts
from cipher_service.identity.site import party_of
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.act_rules import RULES
from keys.acts import Act
from tests.surfaces.administration.running import Ended, run

REASON = "Relève du chiffreur"


@pytest.fixture(scope="module")
def newcomer(ministry: Stage) -> str:
    """A person of these tests alone."""
    engine = open_existing(ministry.settings.database)
    grade = ("SAE", date(2020, 1, 1), date(2012, 5, 1), None)
    with unit_of_work(engine) as connection:
        one = Identity("Mme Fouda", *grade, ministry.settings.headquarters)
        number = officers.add(connection, one, clock.now())
    engine.dispose()
    return number


def typed(ministry: Stage, *more: str, language: str = "en") -> Ended:
    return run("--data", str(ministry.settings.data), "approve", *more, language=language)


def holder(ministry: Stage, role: str) -> str:
    return Demonstration.of(ministry.settings).holder(role)


def proposed(ministry: Stage, newcomer: str) -> str:
    """Propose an habilitation under the security officer's own signature; return the act's id."""
    by = holder(ministry, "SECURITY-OFFICER")
    asked = {"officer": newcomer, "starts": "", "ends": "2036-01-31T00:00:00Z", "back": "/actes"}
    right = {"level": "CONFIDENTIEL", "caveats": [], "act": "DEC-9", "reason": REASON}
    trained = {"trained_until": "2036-01-31T00:00:00Z"}
    engine = open_existing(ministry.settings.database)
    desk = Authorising(Gate())
    with unit_of_work(engine) as connection:
        ticket = desk.propose(HABILITATION, connection, by, {**asked, **right, **trained})["ticket"]
    with installation_at(ministry.settings) as on:
        shown = approving.registrar(on, by, "approval_show", {"ticket": ticket})
        there, origin = Demonstration.of(ministry.settings), ministry.settings.approval_origin
        act = Act.parse(bytes(shown["body"]))
        party = party_of(ministry.settings)
        answer = there.approve(by, bytes(shown["nonce"]), act.digest, party, origin)
        given = {"ticket": ticket, "nonce": shown["nonce"], "response": answer}
        assert approving.registrar(on, by, "approval_sign", given)["outcome"] == "waiting"
    engine.dispose()
    return act.id


def test_what_waits_is_listed_read_and_signed_once(ministry: Stage, newcomer: str) -> None:
    act = proposed(ministry, newcomer)
    head, clerk = holder(ministry, "CHIEF-CNTC"), holder(ministry, "CIPHER-CLERK")
    listed = typed(ministry, "--officer", head, language="fr")
    assert f"{act}  Accorder une habilitation : Mme Fouda ({newcomer})" in listed.stdout
    assert f"cipher-service approve NUMÉRO --officer {head}" in listed.stderr
    for nobody in (clerk, holder(ministry, "SECURITY-OFFICER")):
        assert act not in typed(ministry, "--officer", nobody).stdout
        assert "(ACT_NOT_WAITING)" in typed(ministry, act, "--officer", nobody).stderr

    done = typed(ministry, act, "--officer", head, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"act": act, "outcome": "done"}
    for said in (
        *("Act: Grant an habilitation", f"Reason: {REASON}", "Level: CONFIDENTIEL"),
        *(f"On: Mme Fouda ({newcomer})", "Until: 31 Jan 2036, 00:00 UTC"),
        *('"type":"depeche/v1 act"', f'"reason":"{REASON}"', "fingerprint"),
    ):
        assert said in done.stderr, said
    again = typed(ministry, act, "--officer", head)
    assert (again.returncode, "(ACT_NOT_WAITING)" in again.stderr) == (1, True)
    engine = open_existing(ministry.settings.database)
    with unit_of_work(engine) as connection:
        authorisations.withdraw_habilitation(connection, newcomer, clock.now())
        records = [
            json.loads(bytes(row.record)) for row in connection.execute(audit_entry.select())
        ]
    engine.dispose()
    mine = {entry["action"] for entry in records if entry.get("actor") == head}
    assert {"approval_sign", "habilitation_grant"} <= mine
    assert any(entry["action"] == "acts_listed" for entry in records)


def test_a_signature_that_the_service_refuses_loses_nothing(ministry: Stage, newcomer: str) -> None:
    act, head = proposed(ministry, newcomer), holder(ministry, "CHIEF-CNTC")
    engine = open_existing(ministry.settings.database)
    try:
        with unit_of_work(engine) as connection:  # behind the signer's back, between two looks
            authorisations.habilitate(
                connection,
                newcomer,
                authorisations.Clearance(
                    *("CONFIDENTIEL", ()),
                    officers.Window(clock.now(), clock.parse("2036-01-31T00:00:00Z")),
                    clock.parse("2036-01-31T00:00:00Z"),
                ),
                act="DEC-8",
                proposer=None,
                grantor=None,
                now=clock.now(),
            )
        refused = typed(ministry, act, "--officer", head)
        assert refused.returncode == 1
        assert "(ACT_OUTDATED)" in refused.stderr
        with reading(engine) as connection:
            assert act in [one.id for one in open_acts(connection, clock.now())]
        socket = ministry.settings.registrar_socket
        hidden = socket.with_name("hidden")
        socket.rename(hidden)
        try:
            away = typed(ministry, act, "--officer", head, language="fr")
        finally:
            hidden.rename(socket)
        assert "Le service ne tourne pas, ou n'a pas répondu." in away.stderr
        assert "(UNKNOWN_OFFICER)" in typed(ministry, "--officer", "OFF-999999").stderr
    finally:
        with unit_of_work(engine) as connection:
            authorisations.withdraw_habilitation(connection, newcomer, clock.now())
            connection.exec_driver_sql(
                "UPDATE shared_act SET state = 'refused' WHERE act_id = ?", (act,)
            )
        engine.dispose()


def test_acts_are_told_in_the_words_of_the_page() -> None:
    folder = Path(page.__file__).parent / "assets" / "src" / "words"
    source = (folder / "acts.ts").read_text("utf-8").replace("’", "'")
    pair = r'(?:"([\w./-]+)"|(\w+)): \{\s*fr: "([^"]*)",\s*en: "([^"]*)",?\s*\}'
    for table, prefix in (("ACTS", "act_"), ("MEMBERS", "member_")):
        part = source.split(f"export const {table}")[1].split("};")[0]
        for quoted, plain, french, english in re.findall(pair, part):
            name = prefix + (quoted or plain)
            assert (words.phrase(name, "fr"), words.phrase(name, "en")) == (french, english)
    assert all(words.has_phrase(f"act_{kind}") for kind in RULES)
    coded = source.split("export const CODES")[1].split("};")[0]
    coded += source.split("export const ROUTES")[1].split("};")[0]
    shown = {quoted or plain: (fr, en) for quoted, plain, fr, en in re.findall(pair, coded)}
    english = translations("en").gettext
    told = {
        code: tuple(each.replace("’", "'").casefold() for each in (word, english(word)))
        for table in CODES.values()
        for code, word in table.items()
    }
    assert shown == told
    numbered = source.split("export const NUMBERED = ")[1].split(";")[0]
    assert json.loads(numbered) == list(NUMBERED)


def test_a_service_that_shows_another_act_than_its_books_is_not_signed_for(
    ministry: Stage, newcomer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    act, head = proposed(ministry, newcomer), holder(ministry, "CHIEF-CNTC")
    asked = approving.registrar

    def robbed(
        installation: Installation, officer: str, command: str, payload: Mapping[str, Any]
    ) -> dict[str, Any]:
        shown = asked(installation, officer, command, payload)
        return {**shown, "body": bytes(shown["body"]).replace(b"CONFIDENTIEL", b"SECRET")}

    monkeypatch.setattr(approving, "registrar", robbed)
    refused = typed(ministry, act, "--officer", head)
    assert "(ACT_OF_SERVICE_CHANGED)" in refused.stderr
    monkeypatch.undo()
    engine = open_existing(ministry.settings.database)
    with unit_of_work(engine) as connection:
        connection.exec_driver_sql(
            "UPDATE shared_act SET state = 'refused' WHERE act_id = ?", (act,)
        )
    engine.dispose()
