"""A dispatch on the screen: when its text is taken away, and why an envelope shows none."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import ViewportSize, expect
from sqlalchemy import delete, insert, select, update

from cipher_service import clock
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.directory.prekeys import UNUSED_MOST
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables.dispatches import dispatch, envelope
from cipher_service.storage.tables.prekeys import prekey
from cipher_service.storage.unit_of_work import unit_of_work
from keys.age import hybrid
from keys.age.header import seal_header
from keys.age.stream import OpeningStream
from keys.custody import read_credential
from keys.custody.book import Book, BookFile
from keys.custody.core import Custody
from keys.custody.orders import Order
from keys.custody.store import open_store
from tests.console.conftest import Enter
from tests.console.support import NARROW, WIDE, Tab, check_accessible, check_language
from tests.console.test_signing import sample
from tests.vectors import forge

TEXT = "La délimitation sera signée mardi."
ENTRY = 512
"""Bytes of an archive's header before what it holds."""
HIDDEN = """(state) => {
  const hidden = { value: state === "hidden", configurable: true };
  Object.defineProperty(document, "hidden", hidden);
  document.dispatchEvent(new Event("visibilitychange"));
}"""
Change = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def arrival(ministry: Stage, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A dispatch of LOME for headquarters, under the bureau's edition key: LOME gets no prekey."""
    text = tmp_path_factory.mktemp("texts") / "texte.txt"
    text.write_text(TEXT, "utf-8")
    with many_prekeys_taken(ministry, "LOME"):
        sent: str = chiffre(
            "fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX", "--level",
            "NON-PROTEGE", "--precedence", "ROUTINE", "--subject", "Délimitation", str(text),
        )["id"]  # fmt: skip
    return sent


@contextmanager
def many_prekeys_taken(ministry: Stage, post: str) -> Iterator[None]:
    """Have a post taken so many of the bureau's prekeys, for nothing, that it is passed over."""
    taken, engine = f"taken-by-{post}", open_existing(ministry.settings.database)
    card, now = custody_of(ministry).card().fingerprint, clock.text(clock.now())
    ends = clock.text(clock.now() + timedelta(days=1))
    rows = [
        {
            "prekey_id": f"{taken}-{place}",
            "post": ministry.settings.headquarters,
            "card": card,
            "expires": ends,
            "offer": b"",
            "state": "taken",
            "recorded_at": now,
            "taken_by": post,
            "taken_for": taken,
            "taken_at": now,
        }
        for place in range(UNUSED_MOST)
    ]
    try:
        with unit_of_work(engine) as connection:
            connection.execute(insert(prekey), rows)
        yield
        with unit_of_work(engine) as connection:
            connection.execute(delete(prekey).where(prekey.c.taken_for == taken))
    finally:
        engine.dispose()


def custody_of(ministry: Stage) -> Custody:
    settings = ministry.settings
    return open_store(settings.custodian_store, read_credential(settings.custodian_credential))


def opened(tab: Tab) -> None:
    """Decipher, by the button of the card."""
    tab.page.locator("#ouvrir").click()
    expect(tab.page.locator(".app-document")).to_contain_text("mardi")


def locked(tab: Tab) -> None:
    expect(tab.page.locator(".app-document")).to_be_hidden()
    assert "mardi" not in tab.page.content()


def test_the_text_locks_when_the_officer_is_away(enter: Enter, arrival: str) -> None:
    tab = enter("MINISTER")
    page, hours = tab.page, tab.page.clock
    hours.install()
    tab.goto(f"/depeches/{arrival}")
    opened(tab)
    hours.run_for(61_000)
    locked(tab)

    opened(tab)
    page.keyboard.press("Escape")
    locked(tab)

    opened(tab)
    page.evaluate(HIDDEN, "hidden")
    locked(tab)
    page.locator("#ouvrir").click()  # and while the text is on its way
    expect(page.locator("#ouvrir")).to_be_enabled()
    locked(tab)
    page.evaluate(HIDDEN, "visible")

    opened(tab)
    page.evaluate("dispatchEvent(new Event('blur'))")
    hours.run_for(4000)
    page.evaluate("dispatchEvent(new Event('focus'))")
    hours.run_for(4000)
    expect(page.locator(".app-document")).to_be_visible()
    page.evaluate("dispatchEvent(new Event('blur'))")
    hours.run_for(5001)
    locked(tab)


def bit_flipped(whole: bytes) -> bytes:
    return whole[:-40] + bytes([whole[-40] ^ 1]) + whole[-39:]


def for_another(custody: Custody) -> Change:
    """Give what wraps an envelope's file key for another key than the bureau's."""

    def change(whole: bytes) -> bytes:
        header, payload = forge.split(whole)
        key, _edition = custody.bureau.open(header)
        other = hybrid.wrap(key, forge.identity("ROME").card.recipient)
        kept = [each for each in header.stanzas if each.type != other.type]
        return seal_header([*kept, other], key) + payload

    return change


def signed_by_nobody(custody: Custody) -> Change:
    """Give what a holder of the file key can write without its sender's signing key."""

    def change(whole: bytes) -> bytes:
        header, payload = forge.split(whole)
        key, _edition = custody.bureau.open(header)
        stream = OpeningStream(key, io.BytesIO(payload))
        archive = bytearray()
        while chunk := stream.next_chunk():
            archive += chunk
        archive[archive.index(b"manifest.json.ed25519") + ENTRY] ^= 1
        return forge.seal(bytes(archive), header.stanzas, key)

    return change


@contextmanager
def envelope_changed(ministry: Stage, number: str, change: Change) -> Iterator[None]:
    """Let an envelope at rest be another, for the time of the block."""
    engine = open_existing(ministry.settings.database)
    mine = envelope.c.dispatch == select(dispatch.c.seq).where(
        dispatch.c.dispatch_id == number
    ).scalar_subquery()  # fmt: skip
    try:
        with unit_of_work(engine) as connection:
            whole = bytes(connection.scalars(select(envelope.c.body).where(mine)).one())
            connection.execute(update(envelope).where(mine).values(body=change(whole)))
        yield
        with unit_of_work(engine) as connection:
            connection.execute(update(envelope).where(mine).values(body=whole))
    finally:
        engine.dispose()


@contextmanager
def key_retired(ministry: Stage) -> Iterator[None]:
    """Have the end of the bureau's key ordered, for the time of the block: it opens nothing."""
    settings, custody = ministry.settings, custody_of(ministry)
    file = BookFile(settings.custodian_store, read_credential(settings.custodian_credential))
    act, key = "01KAMV6R8P3ZDFWQ5XJ9000000", f"bureau/{settings.headquarters}"
    before, at = Book.parse(custody.key_versions()), clock.now().replace(microsecond=0)
    order = Order(act, "0" * 64, key, 1, ("OFF-1",), "Fin de série", at)
    with file.held():
        file.write(replace(before, orders=(*before.orders, order)))
    try:
        yield
    finally:
        with file.held():
            file.write(before)


def refused(tab: Tab, code: str, cause: str, action: str, where: str) -> None:
    """Decipher in vain: the cause is told, and the one thing to do about it has the focus."""
    page = tab.page
    tab.expected = (409,)
    page.locator("#ouvrir").click()
    told = page.locator("#refus")
    expect(told).to_contain_text(cause)
    expect(told).to_contain_text(code)
    expect(page.locator(".app-document")).to_be_hidden()
    own = told.get_by_role("link")
    expect(own).to_have_count(1)
    expect(own).to_have_text(action)
    expect(own).to_be_focused()
    expect(own).to_have_attribute("href", where)
    check_language(page, ("Ministre",))
    page.get_by_role("button", name="Revenir à la carte").click()
    expect(page.locator("#ouvrir")).to_be_focused()


def test_each_failure_is_named_with_the_one_thing_to_do_about_it(
    enter: Enter, ministry: Stage, arrival: str
) -> None:
    custody = custody_of(ministry)
    tab = enter("MINISTER")
    tab.goto(f"/depeches/{arrival}")
    asking = f"/depeches/nouvelle?source={arrival}&relation=reply"
    anew = "Demander un nouveau chiffrement"
    for change, told in (
        (bit_flipped, ("PAYLOAD_DAMAGED", "est endommagée", "Demander la répétition", asking)),
        (for_another(custody), ("PREKEY_USED", "Aucune clé du Bureau", anew, asking)),
        (
            signed_by_nobody(custody),
            (
                *("SIGNATURE_INVALID", "La signature de l’expéditeur ne vaut rien"),
                *("Voir le poste d’origine et sa carte", "/postes/LOME"),
            ),
        ),
    ):
        with envelope_changed(ministry, arrival, change):
            refused(tab, *told)
    with key_retired(ministry):
        refused(tab, "KEY_RETIRED", "La clé qui ouvrait cette enveloppe est retirée", anew, asking)
        tab.page.locator("#ouvrir").click()
        expect(tab.page.get_by_role("link", name=anew)).to_be_visible()
        check_accessible(tab.page)
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url(f"**{asking}")
    expect(tab.page.get_by_label("LOME")).to_have_value("action")
    tab.goto(f"/depeches/{arrival}")
    opened(tab)


# Each naming of the reader in the mark behind a text, and whether all of it can be seen: the same
# words are laid as text where the style has them, since nothing can measure what a style says.
_NAMED = """(name) => {
  const mark = document.querySelector(".app-document__watermark");
  const words = JSON.parse(getComputedStyle(mark, "::before").content);
  const silent = new CSSStyleSheet();
  silent.replaceSync(".app-document__watermark::before { content: none !important }");
  document.adoptedStyleSheets.push(silent);
  mark.textContent = words;
  const box = mark.parentElement.getBoundingClientRect();
  const within = (one) => one.left >= box.left && one.right <= box.right
    && one.top >= box.top && one.bottom <= box.bottom;
  let seen = 0;
  for (let at = words.indexOf(name); at >= 0; at = words.indexOf(name, at + 1)) {
    const range = document.createRange();
    range.setStart(mark.firstChild, at);
    range.setEnd(mark.firstChild, at + name.length);
    if ([...range.getClientRects()].every(within)) seen += 1;
  }
  return seen;
}"""


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_reader_s_number_is_whole_behind_the_shortest_text(
    enter: Enter, ministry: Stage, tmp_path: Path, size: ViewportSize
) -> None:
    text = tmp_path / "texte.txt"
    text.write_text("Oui, mardi.", "utf-8")
    number = chiffre(
        "fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX", "--level",
        "NON-PROTEGE", "--precedence", "ROUTINE", "--subject", "Bref", str(text),
    )["id"]  # fmt: skip
    tab = enter("MINISTER")
    tab.page.set_viewport_size(size)
    tab.goto(f"/depeches/{number}")
    opened(tab)
    assert tab.page.evaluate(_NAMED, sample(ministry, "MINISTER")) >= 1
