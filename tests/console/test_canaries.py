"""Gate 17: what is secret goes through every surface, and stands in nothing that is kept.

Searched: every file of the running folder (databases and their logs, blobs, outboxes, exports,
what the processes said), whatever its processes hold open, and the memory of those that never see
a text. What is legible by design, headquarters' own book of drafters, is found by the same search.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, expect

from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.audit.journal import Journal
from cipher_service.client.transport import Transport
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import planning
from cipher_service.pouches.office import Office
from cipher_service.storage.engine import open_existing
from tests.console.conftest import Enter
from tests.console.support import Tab
from tests.support import canaries, memory
from tests.support.office import route
from tests.surfaces.administration.running import done

SECRET = canaries.word()
"""In everything that is secret, beside the name of what it is."""
LEGIBLE = canaries.word()
"""In what headquarters' own books keep legible by design."""


def secret(what: str) -> str:
    return f"{what} {SECRET}"


@pytest.fixture(scope="module")
def tokens() -> dict[str, bytes]:
    """What lets somebody in, by what it is."""
    return {}


@pytest.fixture(scope="module")
def sent(
    ministry: Stage, tokens: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A post's dispatch, headquarters' own, a passphrase, a code: all by command."""
    folder = tmp_path_factory.mktemp("canaries")
    text, enclosed = folder / "texte.txt", folder / f"{secret('annexe')}.txt"
    text.write_text(f"{secret('texte')}\n" * 5, "utf-8")
    enclosed.write_text(secret("contenu"), "utf-8")
    authorise = Transport._authorisation

    def overheard(self: Transport, method: str, path: str) -> dict[str, str]:
        headers = authorise(self, method, path)
        for name, value in headers.items():
            tokens[name] = value.rpartition(" ")[2].encode()
        return headers

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Transport, "_authorisation", overheard)
        what = ("--subject", secret("objet"), "--attach", str(enclosed), str(text))
        chiffre(
            "fr", "send", "--identity", ministry.identity("LOME"), "--to", "MINREX",
            "--level", "SECRET", "--precedence", "ROUTINE", *what,
        )  # fmt: skip
        by = {one.role: one.officer for one in Demonstration.of(ministry.settings).people()}
        done(
            ministry,
            *("bureau", "send", "--to", "LOME", "--level", "SECRET", "--drafter", LEGIBLE),
            *("--authority", "SG", "--officer", by["CIPHER-CLERK"]),
            *("--with", by["CHIEF-CIPHER-POUCH"], *what),
        )
        chiffre(
            "fr", "fetch", "--identity", ministry.identity("LOME"), "--all", "--decipher",
            "-o", str(folder / "read"),
        )  # fmt: skip
    phrase = folder / "passphrase"
    phrase.write_text(secret("phrase"), "utf-8")
    chiffre(
        "fr", "identity", "new", "--post", "ADDIS", "--out", ministry.identity("ADDIS"),
        "--passphrase-file", str(phrase),
    )  # fmt: skip
    tokens["enrolment code"] = done(ministry, "post", "code", "ADDIS").split()[-1].encode()


def _cookies(tab: Tab, tokens: dict[str, bytes]) -> None:
    for cookie in tab.page.context.cookies():
        if cookie["name"].endswith("session"):
            tokens[f"session {len(tokens)}"] = cookie["value"].encode()


def _composed(author: Tab, deputy: str) -> str:
    """Write a draft and submit it; give the address of what awaits its reading."""
    page = author.page
    author.goto("/depeches/nouvelle")
    page.get_by_label("LOME").select_option(label="Pour action")
    page.get_by_label("Niveau").select_option(label="Diffusion restreinte")
    page.get_by_label("Objet").fill(secret("objet"))
    page.get_by_label("Texte de la dépêche").fill(secret("brouillon"))
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Brouillon enregistré, chiffré")).to_be_visible()
    enclosed = FilePayload(
        name=f"{secret('annexe')}.pdf",
        mimeType="application/pdf",
        buffer=b"%PDF-1.7\n" + secret("contenu").encode(),
    )
    page.get_by_label("Joindre un fichier").set_input_files([enclosed])
    expect(page.locator("#joindre li")).to_have_count(1)
    page.get_by_role("button", name="Vérifier").click()
    page.locator("#qui").select_option(deputy)
    page.get_by_role("button", name="Soumettre").click()
    page.get_by_text("attend sa lecture").first.click()
    page.wait_for_url("**/depeches/visa/*")
    return page.url.removeprefix(author.origin)


def _refused(reader: Tab, where: str) -> None:
    """Read a draft and send it back with a remark."""
    reader.goto(where)
    reader.page.locator("#ouvrir").click()
    expect(reader.page.locator(".app-document")).to_contain_text(SECRET)
    reader.goto(f"{where}/refus")
    reader.page.get_by_label("Motif").fill(secret("remarque"))
    reader.page.get_by_role("button", name="Refuser le départ").click()
    expect(reader.page.get_by_text("l’auteur lit votre motif")).to_be_visible()


def _handed_in(agent: Tab) -> None:
    """Hand a piece in for the bag, as a line of its bordereau will say it."""
    agent.goto("/valises/depot")
    page = agent.page
    page.get_by_label("Pour le poste").select_option("LOME")
    page.get_by_label("Niveau").select_option("SECRET")
    page.get_by_label("Numéro au registre de l’expéditeur").fill("2026/000417")
    page.get_by_label("Service expéditeur").fill(secret("service"))
    page.get_by_label("Destinataire").fill(secret("destinataire"))
    page.locator("#weight").fill("240")
    page.get_by_role("button", name="Déposer", exact=True).click()
    expect(page.get_by_role("status").locator(".app-number")).to_be_visible()


def _mistaken(tab: Tab, api: str) -> None:
    """Say secrets where they do not belong: what is refused is not kept either."""
    ask = tab.page.request
    headers = {"Origin": tab.origin}
    said: dict[str, str | float | bool] = {"subject": secret("objet"), "reason": secret("remarque")}
    statuses = [
        ask.post(f"{tab.origin}/depeches/nouvelle", form=said, headers=headers).status,
        ask.post(f"{api}/v1/dispatches", data=said).status,
        ask.post(f"{api}/v1/token", form={"client_assertion": secret("jeton"), **said}).status,
        ask.get(f"{api}/v1/dispatches", params={"after": secret("objet")}).status,
        ask.get(
            f"{api}/v1/inbox", headers={"Authorization": f"DPoP {SECRET.encode().hex()}"}
        ).status,
    ]
    assert all(400 <= status < 500 for status in statuses), statuses


@pytest.fixture(scope="module")
def roads(ministry: Stage) -> Iterator[None]:
    """A route to LOME, so that a bag may go there."""
    engine = open_existing(ministry.settings.database)
    people = Demonstration.of(ministry.settings).people()
    chief = next(one.officer for one in people if one.role == "CHIEF-POUCH")
    with custodian_of(ministry.settings) as custodian:
        journal = Journal(engine, ministry.settings.log_origin, "account/tests")
        office = Office(engine, custodian, ministry.settings.headquarters, journal)
        planning.add_route(office, route("R-CANARY", to="LOME"), by=chief)
    yield
    engine.dispose()


def _outputs(process: int) -> bytes:
    """Give what a process said on pipes that nobody reads; a mark proves that it is heard."""
    said = b""
    for stream in (1, 2):
        path = Path(f"/proc/{process}/fd/{stream}")
        if str(path.readlink()).startswith("pipe:"):
            descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
            mark = f"mark {stream}\n".encode()
            os.write(descriptor, mark)
            heard = os.read(descriptor, 2**20)
            os.close(descriptor)
            assert heard.endswith(mark)
            said += heard
    return said


@pytest.mark.usefixtures("sent", "roads")
def test_no_secret_stands_in_what_the_ministry_keeps(
    enter: Enter, ministry: Stage, tokens: dict[str, bytes], tmp_path: Path
) -> None:
    data = ministry.settings.data
    people = Demonstration.of(ministry.settings).people()
    deputy = next(one.officer for one in people if one.role == "DEPUTY-DIRECTOR")
    author, reader, agent = enter("DRAFTER"), enter("DEPUTY-DIRECTOR"), enter("POUCH-AGENT")
    _refused(reader, _composed(author, deputy))
    _handed_in(agent)
    _mistaken(agent, ministry.settings.issuer)
    for tab in (author, reader, agent):
        _cookies(tab, tokens)
    assert len(tokens) == 6, tokens.keys()
    exported = data / "canary-export"
    done(
        ministry, "audit", "export", "--out", str(exported), "--records", str(exported / "records")
    )

    sought = {**canaries.forms(SECRET), **tokens}
    assert canaries.in_folder(data, sought) == {}
    # The registrar seals a bag's lines itself, and the API heard what was said to it by mistake.
    texts = {one: secret(one).encode() for one in ("texte", "contenu", "brouillon", "phrase")}
    running = dict(memory.processes(data))
    for process, command in running.items():
        assert canaries.holding(_outputs(process), sought) == set(), command
        for name, contents in canaries.open_files(process, beyond=data):
            assert canaries.holding(contents, sought) == set(), f"{command}: {name}"
        title = Path(f"/proc/{process}/comm").read_text("ascii").strip()
        if title == "registrar" or title.startswith("api"):
            assert memory.found(process, texts) == set(), title

    # The same search finds what the books keep legible, and each form wherever it was written.
    legible = canaries.in_folder(data, canaries.forms(LEGIBLE))
    assert any(Path(name).suffix in (".db", ".db-wal", ".sqlite", "") for name in legible), legible
    for name, form in canaries.forms(SECRET).items():
        (tmp_path / "held").write_bytes(b"\0x" + form + b"y\xff")
        assert name in canaries.in_folder(tmp_path, canaries.forms(SECRET))["held"]

    author.goto("/depeches/miennes")
    author.page.get_by_text("brouillon").first.click()
    expect(author.page.get_by_text(secret("remarque"))).to_be_visible()
    author.page.get_by_role("button", name="Effacer ce brouillon").click()
