"""An officer's own key in a real browser: made, used, lost and given back, and its failures."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cbor2
import pytest
from playwright.sync_api import CDPSession, Page, expect
from sqlalchemy import delete, select, update

from cipher_service import clock
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.dispatches.office import copies
from cipher_service.identity.site import party_of
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.identity import own_key, passkey
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.age.bech32 import encode_recipient
from keys.age.hybrid import HybridKey
from tests.console import test_keyboard as keyboard
from tests.console.conftest import Enter
from tests.console.support import Tab, check_accessible, check_html, check_language, check_width
from tests.console.test_signing import names, post, sample
from tests.support.own_recovery import shares, written
from tests.surfaces.administration.running import run

ROLE = "SECRETARY-GENERAL"
HOLDERS = ("GARDE-A", "GARDE-B", "GARDE-C")
TEXT = "La délimitation sera signée mardi."


@dataclass
class Keys:
    """Chromium's virtual security keys, each holding one credential of the officer."""

    page: Page
    session: CDPSession
    party: str
    held: list[tuple[str, str]]  # (authenticator, credential in hexadecimal)

    def add(self, ministry: Stage, *, prf: bool) -> str:
        """Plug in one more and register its credential in the service's books."""
        self.touch("")
        options = {
            "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "usb",
            "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True,
            "automaticPresenceSimulation": True, "hasPrf": prf,
        }  # fmt: skip
        added = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        told = self.page.evaluate(_MAKE, self.party)
        credential = bytes(told["id"]).hex()
        # Chromium's virtual key attests no model that a ministry pins, so that enrolment refuses
        # it (tests/console/test_passkeys.py): the books get it by hand.
        data = bytes(told["data"])
        length = int.from_bytes(data[53:55])
        public = cbor2.dumps(cbor2.loads(data[55 + length :]), canonical=True)
        engine = open_existing(ministry.settings.database)
        with unit_of_work(engine) as connection:
            connection.execute(
                passkey.insert().values(
                    credential_id=credential,
                    officer=sample(ministry, ROLE),
                    public_key=public,
                    model="00000000-0000-0000-0000-000000000000",
                    sign_count=0,
                    added_at=clock.text(clock.now()),
                )
            )
        engine.dispose()
        self.held.append((added["authenticatorId"], credential))
        return credential

    def touch(self, credential: str) -> None:
        """Let the key that holds a credential, and no other, be the one that is touched."""
        for authenticator, held in self.held:
            self.session.send(
                "WebAuthn.setAutomaticPresenceSimulation",
                {"authenticatorId": authenticator, "enabled": held == credential},
            )


_MAKE = """async (party) => {
  const made = await navigator.credentials.create({ publicKey: {
    challenge: new Uint8Array(32), rp: { id: party, name: party },
    user: { id: crypto.getRandomValues(new Uint8Array(16)), name: "x", displayName: "x" },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }, { type: "public-key", alg: -257 }],
    authenticatorSelection: { userVerification: "required" }, extensions: { prf: {} },
  } });
  return {
    id: [...new Uint8Array(made.rawId)],
    data: [...new Uint8Array(made.response.getAuthenticatorData())],
  };
}"""


@pytest.fixture
def tidied(ministry: Stage) -> Iterator[None]:
    """Leave the officer the keys of before."""
    engine, officer = open_existing(ministry.settings.database), sample(ministry, ROLE)
    mine = passkey.c.officer == officer
    with reading(engine) as connection:
        before = list(connection.scalars(select(passkey.c.credential_id).where(mine)))
    yield
    with unit_of_work(engine) as connection:
        connection.execute(delete(passkey).where(mine, passkey.c.credential_id.not_in(before)))
        connection.execute(delete(own_key).where(own_key.c.officer == officer))
    engine.dispose()


def plugged(tab: Tab, ministry: Stage) -> Keys:
    session = tab.page.context.new_cdp_session(tab.page)
    session.send("WebAuthn.enable")
    return Keys(tab.page, session, party_of(ministry.settings).id, [])


def signed(tab: Tab) -> None:
    tab.page.get_by_role("button", name="Signer avec la clé logicielle").click()
    tab.page.wait_for_url(f"{tab.origin}/**")


def check_there(tab: Tab, foreign: tuple[str, ...] = ()) -> None:
    """Hold a page of the other origin to what every page is held to."""
    check_accessible(tab.page)
    check_width(tab.page)
    check_html(tab.page)
    check_language(tab.page, foreign)


@pytest.fixture
def holders(tmp_path: Path) -> None:
    """Three persons with keys of their own."""
    for name in HOLDERS:
        new = ("identity", "new", "--post", name, "--out", str(tmp_path / name))
        chiffre("fr", *new, "--no-passphrase")


def recovered(tab: Tab, keys: Keys, ministry: Stage, folder: Path) -> None:
    """Lose every security key, and have two holders give the own key to two new ones."""
    page = tab.page
    engine = open_existing(ministry.settings.database)
    with unit_of_work(engine) as connection:
        lost = [credential for _, credential in keys.held]
        connection.execute(
            update(passkey)
            .where(passkey.c.credential_id.in_(lost))
            .values(revoked_at=clock.text(clock.now()))
        )
    engine.dispose()
    tab.goto("/cles")
    first, second = (keys.add(ministry, prf=True) for _ in range(2))
    tab.goto("/cles")
    expect(page.get_by_text("2 des 3 porteurs la rendent")).to_be_visible()
    page.get_by_role("button", name="La retrouver par ses porteurs").click()
    page.wait_for_url(f"{ministry.settings.approval_origin}/fr/propre/faire")
    check_there(tab, names(ministry))
    keys.touch(first)
    page.get_by_role("button", name="Toucher une clé de sécurité").click()
    with page.expect_download() as saving:
        page.get_by_role("button", name="Enregistrer l’adresse").click()
    address = folder / saving.value.suggested_filename
    saving.value.save_as(address)
    fingerprint = page.locator(".app-number--long").first.inner_text()
    parts = []
    for name in HOLDERS[1:]:
        with page.expect_download() as saving:
            page.get_by_role("button", name=f"Enregistrer la part de {name}").click()
        share, part = folder / f"{name}.share", folder / f"{name}.part"
        saving.value.save_as(share)
        typed = ("--to", str(address), "--fingerprint", fingerprint, "-o", str(part), str(share))
        ended = run("custody", "hand-over", "--identity", str(folder / name), *typed)
        assert ended.returncode == 0, ended.stderr
        parts.append(part)
    given = page.get_by_label("Fichiers remis par les porteurs")
    given.set_input_files([folder / "GARDE-B.share"])  # still sealed to its holder
    expect(page.locator(".app-refusal")).to_contain_text("SHARES_WRONG")
    given.set_input_files(parts[:1])
    expect(page.get_by_text("Parts reçues : GARDE-B (1/2)")).to_be_visible()
    expect(page.get_by_role("heading", name="Nouvelles copies")).to_be_hidden()
    given.set_input_files(parts[1:])
    expect(page.get_by_role("heading", name="Nouvelles copies")).to_be_visible()
    check_there(tab, names(ministry))
    for credential in (first, second):
        copied(tab, keys, credential)
    page.get_by_role("button", name="Garder ces copies").click()
    page.wait_for_url(f"{tab.origin}/cles")


def made(tab: Tab, keys: Keys, ministry: Stage, folder: Path) -> None:
    """Make an own key under two security keys, with shares to three holders, and offer it."""
    page = tab.page
    tab.goto("/cles")
    first, second = (keys.add(ministry, prf=True) for _ in range(2))
    bare = keys.add(ministry, prf=False)
    tab.goto("/cles")
    keyboard.go(page, "k", "/cles")
    keyboard.press(page, page.get_by_role("button", name="Faire ma clé propre"))
    page.wait_for_url(f"{ministry.settings.approval_origin}/fr/propre/faire")
    keys.touch(bare)
    page.get_by_role("button", name=f"Faire la copie pour la clé {bare[:8]}").click()
    expect(page.locator(".app-refusal")).to_contain_text("KEY_WITHOUT_PRF")
    offer = page.get_by_role("button", name="Enregistrer la clé propre")
    copied(tab, keys, first)
    expect(offer).to_be_hidden()  # one copy is none
    copied(tab, keys, second)
    expect(offer).to_be_hidden()  # nobody keeps it yet
    cards = page.get_by_label("Cartes des porteurs")
    held = [folder / name / f"{name}.card" for name in HOLDERS]
    spoilt = folder / "autre.card"
    spoilt.write_bytes(held[0].read_bytes().replace(b"GARDE-A", b"GARDE-Z"))
    cards.set_input_files([spoilt])
    expect(page.locator(".app-refusal")).to_contain_text("CARD_INVALID")
    cards.set_input_files(held[:2])
    expect(page.get_by_text("GARDE-B", exact=True)).to_be_visible()
    expect(offer).to_be_hidden()
    cards.set_input_files([held[1]])
    expect(page.locator(".app-refusal")).to_contain_text("HOLDER_TWICE")
    cards.set_input_files([held[2]])
    check_there(tab, names(ministry))
    assert keyboard.walk(page) == []
    keyboard.choose(page, page.get_by_label("Porteurs qu’il faudra réunir"), "2")
    keyboard.press(page, offer)
    expect(page.get_by_text("Mettre en service la clé propre")).to_be_visible()
    expect(page.get_by_text("GARDE-A").first).to_be_visible()
    signed(tab)
    expect(page.get_by_text("l’officier de sécurité doit encore signer")).to_be_visible()


def copied(tab: Tab, keys: Keys, credential: str) -> None:
    keys.touch(credential)
    tab.page.get_by_role("button", name=f"Faire la copie pour la clé {credential[:8]}").click()
    expect(tab.page.get_by_text(f"Copie faite pour la clé {credential[:8]}")).to_be_visible()


def unsealed(tab: Tab, ministry: Stage, number: str) -> None:
    """Open a dispatch with the own key, in the page alone."""
    page = tab.page
    tab.goto(f"/depeches/{number}")
    page.get_by_role("button", name="Déchiffrer avec ma clé propre").click()
    page.wait_for_url(f"{ministry.settings.approval_origin}/fr/propre")
    unsealer = page.get_by_role("button", name="Déchiffrer avec ma clé de sécurité")
    expect(unsealer).to_be_visible()
    check_there(tab, names(ministry))
    unsealer.click()
    expect(page.locator(".app-document")).to_contain_text(TEXT)


def taken_by(ministry: Stage, number: str) -> list[tuple[int, int]]:
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        found = copies.made(connection, number)
    engine.dispose()
    return sorted((one.part, one.number) for one in found)


def taken_away(tab: Tab, folder: Path) -> None:
    """Save the attachment, twice, and print the text: each is a numbered copy first."""
    page = tab.page
    for _ in range(2):
        with page.expect_download() as saving:
            page.get_by_role("button", name="Enregistrer : texte.txt").click()
        assert saving.value.suggested_filename == "texte.txt"
        saving.value.save_as(folder / "annexe.txt")
        assert (folder / "annexe.txt").read_text("utf-8") == TEXT
    document = page.locator(".app-document")
    page.emulate_media(media="print")
    expect(document).to_be_hidden()  # Ctrl+P prints no text
    expect(page.locator(".app-unprinted")).to_be_visible()
    page.evaluate("window.print = () => { window.printed = true; }")
    page.emulate_media(media="screen")
    page.get_by_role("button", name="Imprimer").click()
    page.wait_for_function("() => window.printed")
    page.emulate_media(media="print")
    expect(document).to_contain_text(TEXT)
    expect(page.locator(".app-document__watermark")).to_be_visible()
    edges = page.locator("[data-copy]")
    expect(edges).to_have_count(2)
    for place in edges.all():
        expect(place).to_contain_text("Exemplaire n° 1 · Secrétaire général")
    bands = page.locator(".app-band:visible")
    expect(bands).to_have_count(2)  # top and bottom of each sheet
    expect(bands.first).to_have_text("CONFIDENTIEL", ignore_case=True)
    expect(page.get_by_role("button")).to_have_count(0)
    page.emulate_media(media="screen")
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(edges.first).to_be_empty()


@pytest.mark.usefixtures("tidied", "holders")
def test_an_own_key_is_made_accepted_opens_in_the_page_alone_and_is_given_back(
    enter: Enter, ministry: Stage, tmp_path: Path
) -> None:
    tab = enter(ROLE)
    page = tab.page
    posted: list[str] = []
    page.on("request", lambda request: posted.append(request.post_data or ""))
    keys = plugged(tab, ministry)
    made(tab, keys, ministry, tmp_path)

    security = enter("SECURITY-OFFICER")
    security.goto("/actes")
    security.page.get_by_role("link", name="Mettre en service la clé propre").first.click()
    security.page.get_by_role("button", name="Lire et signer").click()
    signed(security)
    tab.goto("/cles")
    expect(page.get_by_text("Elle est en service.")).to_be_visible()

    text = tmp_path / "texte.txt"
    text.write_text(TEXT, "utf-8")
    number = chiffre(
        "fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX", "--level",
        "CONFIDENTIEL", "--precedence", "ROUTINE", "--attach", str(text), str(text),
    )["id"]  # fmt: skip
    unsealed(tab, ministry, number)
    expect(page.get_by_text("deux signatures vérifiées dans cette page")).to_be_visible()
    expect(page.get_by_role("heading", name="sans objet")).to_be_focused()
    check_there(tab, (*names(ministry), TEXT))
    assert keyboard.walk(page) == []
    taken_away(tab, tmp_path)
    asked = next(json.loads(one) for one in posted if '"part":' in one)
    for part in ("1001", "-1", "", "0x1"):
        assert post(ministry, "/propre/exemplaire", {**asked, "part": part})[0] == 404, part
    page.keyboard.press("l")
    expect(page.locator(".app-document")).to_have_count(0)
    assert "mardi" not in page.content()

    recovered(tab, keys, ministry, tmp_path)
    unsealed(tab, ministry, number)
    # Nothing of the secrets, of the key, of a share in clear or of the text was sent.
    sent = "".join(posted)
    assert "wrapped" in sent
    never = ("AGE-SECRET-KEY", '"prf"', "mardi", "clientExtension", "key-share")
    assert not any(each in sent for each in never)
    tab.goto(f"/depeches/{number}")
    expect(page.get_by_text("lue par Secrétaire").first).to_be_visible()
    assert taken_by(ministry, number) == [(0, 1), (1, 1), (1, 2)]
    assert tab.complaints == []


def _copy(credential: str) -> dict[str, str]:
    sizes = {"salt": 32, "nonce": 12, "box": 93}
    made = {name: canonical.text_from_bytes(bytes(size)) for name, size in sizes.items()}
    return {"credential": canonical.text_from_bytes(bytes.fromhex(credential)), **made}


@pytest.mark.usefixtures("tidied")
def test_the_service_refuses_a_secret_one_copy_and_somebody_elses_credential(
    enter: Enter, ministry: Stage
) -> None:
    tab = enter(ROLE)
    asked = tab.page.request.post(
        f"{tab.origin}/cles/propre",
        headers={"origin": tab.origin, "content-type": "application/x-www-form-urlencoded"},
        max_redirects=0,
    )
    ticket = {"ticket": asked.headers["location"].rpartition("#")[2]}
    engine, officer = open_existing(ministry.settings.database), sample(ministry, ROLE)
    with reading(engine) as connection:
        rows = connection.execute(select(passkey.c.credential_id, passkey.c.officer)).all()
    engine.dispose()
    mine = [row.credential_id for row in rows if row.officer == officer]
    others = [row.credential_id for row in rows if row.officer != officer]
    recipient = {"recipient": encode_recipient(HybridKey.generate().recipient)}
    good = [_copy(each) for each in mine[:2]]
    kept = {name: HybridKey.generate() for name in HOLDERS}
    recovery = written(shares(bytes(32), officer, kept))

    def offered(copies: object, **more: object) -> str:
        wrapped = json.dumps(copies, sort_keys=True, separators=(",", ":"))
        members = {**ticket, **recipient, "wrapped": wrapped, "recovery": recovery, **more}
        return str(post(ministry, "/propre/offrir", members)[1].get("code"))

    refused = post(ministry, "/propre/exemplaire", {**ticket, "part": "0"})
    assert refused[1]["code"] == "TICKET_UNKNOWN"  # it leads to no text
    assert offered(good, prf="c2VjcmV0") == "FORM_REFUSED"
    assert offered([{**good[0], "prf": "c2VjcmV0"}, good[1]]) == "FORM_REFUSED"
    assert offered({"copies": good}) == "FORM_REFUSED"
    assert offered([{**good[0], "box": "AAAA"}, good[1]]) == "FORM_REFUSED"
    assert offered([]) == "FORM_REFUSED"
    assert offered(good, recipient="age1pq1" + "q" * 1952) == "FORM_REFUSED"
    assert offered(good[:1]) == "OWN_KEY_ALONE"
    assert offered([good[0], good[0]]) == "OWN_KEY_ALONE"
    assert offered([good[0], _copy(others[0])]) == "OWN_KEY_ALONE"
    assert offered(good, recovery="[]") == "OWN_KEY_UNSHARED"
    assert offered(good) == "None"
    assert offered(good) == "TICKET_UNKNOWN"  # once
    tab.expected = (410,)
    tab.page.goto(f"{ministry.settings.approval_origin}/en/propre/faire#{ticket['ticket']}")
    expect(tab.page.get_by_text("TICKET_UNKNOWN")).to_be_visible()
    check_there(tab)
