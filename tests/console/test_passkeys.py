"""Security keys in the browser: enrolled by a link, signing in, signing acts, taken away.

Chromium's own virtual security key attests no model that a ministry could pin, so it is refused at
enrolment, by name. Officers here enrol with keys that a maker of the tests attests; those very
credentials are then put into Chromium's virtual key, and the browser signs with them.
"""

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from playwright.sync_api import CDPSession

from cipher_service import clock
from cipher_service.administration.sample import make_officers
from cipher_service.administration.stage import Stage, stage
from cipher_service.identity import passkey_book, sessions
from cipher_service.identity.site import MODELS, party_of
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import unit_of_work
from tests.console.conftest import Enter
from tests.console.support import Tab, check_page
from tests.console.test_keyboard import press, write
from tests.console.test_signing import names, sample
from tests.support.authenticator import MODEL, Maker, SecurityKey

MAKER = Maker()


@dataclass
class Holder:
    """An officer, and the two keys that a link is about to enrol or has enrolled."""

    number: str
    link: str
    keys: tuple[SecurityKey, SecurityKey]


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A demonstration of this file: an officer of it ends without the sample's key."""
    with stage(tmp_path_factory.mktemp("passkeys") / "data", "fr", 1, console=True) as on:
        make_officers(on.settings, ("PARIS",))
        yield on


@pytest.fixture(scope="module")
def holder(ministry: Stage) -> Iterator[Holder]:
    """An officer with a new link, in a ministry that trusts the tests' maker."""
    folder = ministry.settings.authenticators
    before = (folder / MODELS).read_text("ascii")
    (folder / "tests.pem").write_bytes(MAKER.root)
    (folder / MODELS).write_text(f"{before}{MODEL}\n", "ascii")
    number = sample(ministry, "CUSTODIAN-B")
    engine = open_existing(ministry.settings.database)
    with unit_of_work(engine) as connection:
        link = passkey_book.make_link(connection, number, clock.now(), by=None)
    engine.dispose()
    yield Holder(number, link, (SecurityKey(MAKER), SecurityKey(MAKER)))
    (folder / "tests.pem").unlink()
    (folder / MODELS).write_text(before, "ascii")


def virtual(tab: Tab) -> tuple[CDPSession, str]:
    """Give Chromium a virtual security key whose holder is always there and verified."""
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("WebAuthn.enable")
    added = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "ctap2Version": "ctap2_1",
                "transport": "usb",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
                "hasPrf": True,
            }
        },
    )
    return session, added["authenticatorId"]


def put(session: CDPSession, authenticator: str, key: SecurityKey, party: str) -> None:
    """Put a credential into a virtual key."""
    assert isinstance(key.private, ec.EllipticCurvePrivateKey)
    private = key.private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    session.send(
        "WebAuthn.addCredential",
        {
            "authenticatorId": authenticator,
            "credential": {
                "credentialId": b64encode(key.credential_id).decode(),
                "isResidentCredential": False,
                "rpId": party,
                "privateKey": b64encode(private).decode(),
                "signCount": key.count + 1,
            },
        },
    )


def answer_with(tab: Tab, ministry: Stage, *keys: SecurityKey) -> None:
    """Let `navigator.credentials.create` be answered by these keys, one after the other."""
    waiting = list(keys)
    party = party_of(ministry.settings)

    def made(challenge: list[int]) -> str:
        return waiting.pop(0).create(bytes(challenge), party).decode()

    tab.page.expose_function("answered", made)
    tab.page.add_init_script(
        """navigator.credentials.create = async ({publicKey}) => {
          const text = await window.answered([...new Uint8Array(publicKey.challenge)]);
          return {toJSON: () => ({...JSON.parse(text),
            clientExtensionResults: {prf: {enabled: true, results: {first: "c2VjcmV0"}}}})};
        };"""
    )


def test_a_key_that_attests_no_model_of_ours_is_refused_by_name(
    holder: Holder, enter: Enter
) -> None:
    tab = enter()
    session, first = virtual(tab)
    tab.page.goto(f"/inscription#{holder.link}")
    tab.page.get_by_text(holder.number).wait_for()
    assert "#" not in tab.page.url
    check_page(tab, foreign=("Dépositaire B.",))
    tab.page.get_by_role("button", name="Inscrire la première clé").click()
    tab.expected = (403,)
    # A key refuses to be enrolled twice for one account: the second is another one.
    tab.page.get_by_role("button", name="Inscrire la seconde clé").wait_for()
    session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": first})
    virtual(tab)
    tab.page.get_by_role("button", name="Inscrire la seconde clé").click()
    tab.page.get_by_text("PASSKEY_").wait_for()
    # Chromium would like RS256 to be accepted too; no key that the ministry issues needs it.
    assert all("pubKeyCredParams" in each for each in tab.complaints)


def test_two_keys_enrol_sign_in_sign_an_act_and_one_is_taken_away(
    ministry: Stage, holder: Holder, enter: Enter
) -> None:
    tab = enter()
    sent: list[str] = []
    tab.page.on("request", lambda request: sent.append(request.post_data or ""))
    answer_with(tab, ministry, *holder.keys)
    tab.page.goto(f"/inscription#{holder.link}")
    # From here to the signature by keys alone.
    for name in ("Inscrire la première clé", "Inscrire la seconde clé"):
        press(tab.page, tab.page.get_by_role("button", name=name))
    tab.page.wait_for_url("**/connexion")
    assert not any("results" in body for body in sent), "the key's secret left the page"
    check_page(tab)

    session, authenticator = virtual(tab)
    put(session, authenticator, holder.keys[0], ministry.settings.party_id)
    write(tab.page, tab.page.get_by_label("Votre numéro"), str(int(holder.number[4:])))
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**/")
    tab.page.get_by_text("Dépositaire").first.wait_for()
    holder.keys[0].count += 10

    third = SecurityKey(MAKER)
    answer_with_more(tab, ministry, third)
    tab.goto("/cles")
    check_page(tab, foreign=names(ministry))
    press(tab.page, tab.page.get_by_role("button", name="Ajouter une clé"))
    tab.page.get_by_text("Ajouter une clé de sécurité").wait_for()
    assert ministry.settings.approval_origin in tab.page.url
    press(tab.page, tab.page.get_by_role("button", name="Signer avec ma clé"))
    tab.page.wait_for_url("**/cles")
    buttons = tab.page.get_by_role("button", name="Retirer")
    assert buttons.count() == 3
    told = tab.page.get_by_role("region", name="Avis sur vos clés et vos connexions")
    told.get_by_text("clé de sécurité ajoutée").first.wait_for()

    own = holder.keys[0].credential_id.hex()[:8]
    with tab.page.expect_navigation():
        press(tab.page, tab.page.get_by_role("button", name=f"Retirer {own}"))
    tab.goto("/", status=401)
    write(tab.page, tab.page.get_by_label("Votre numéro"), holder.number)
    tab.expected = (403, 401)
    press(tab.page, tab.page.get_by_role("button", name="Se connecter avec"))
    tab.page.get_by_text("KEY_").wait_for()

    officer = enter("SECURITY-OFFICER")
    officer.goto("/cles/avis")
    lines = officer.page.locator("tbody tr").all_inner_texts()
    assert any("clé de sécurité retirée" in line for line in lines)
    check_page(officer, foreign=names(ministry))


def answer_with_more(tab: Tab, ministry: Stage, key: SecurityKey) -> None:
    """Let the same script be answered by another key from the next page on."""
    tab.page.context.add_init_script("window.more = true;")
    party = party_of(ministry.settings)
    tab.page.expose_function(
        "answeredMore", lambda challenge: key.create(bytes(challenge), party).decode()
    )
    tab.page.add_init_script("window.answered = (challenge) => window.answeredMore(challenge);")


def test_a_link_of_nobody_and_an_unknown_number_are_told(enter: Enter) -> None:
    tab = enter()
    tab.expected = (410,)
    tab.page.goto("/inscription#nothing")
    tab.page.get_by_text("LINK_UNKNOWN").wait_for()
    check_page(tab)


def test_numbers_cannot_be_told_apart(ministry: Stage, enter: Enter) -> None:
    tab = enter()
    tab.goto("/connexion")
    known, unknown, again = (
        tab.page.evaluate(
            """async (officer) => {
              const answer = await fetch("/connexion/defi", {method: "POST",
                headers: {"content-type": "application/json"}, body: JSON.stringify({officer})});
              return JSON.stringify((await answer.json()).options.allowCredentials);
            }""",
            number,
        )
        for number in (sample(ministry, "AUDITOR"), "OFF-999999", "OFF-999999")
    )
    assert unknown == again
    assert [sorted(one) for one in json.loads(known)] == [
        sorted(one) for one in json.loads(unknown)
    ]


def test_a_session_ended_elsewhere_is_ended_here(ministry: Stage, enter: Enter) -> None:
    tab = enter("COURIER")
    tab.goto("/cles")
    engine = open_existing(ministry.settings.database)
    with unit_of_work(engine) as connection:
        sessions.end_sessions(connection, sample(ministry, "COURIER"), clock.now())
    engine.dispose()
    tab.goto("/cles", status=401)
    tab.page.get_by_text("Aucune session ouverte").wait_for()
