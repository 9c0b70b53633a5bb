"""What the console's answers let a browser do, and what no text that somebody wrote becomes."""

import re
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import html5lib
import pytest
from playwright.sync_api import Browser
from sqlalchemy import select

from cipher_service.administration.stage import Stage
from cipher_service.console.flows import FLOWS
from cipher_service.console.scan import reading_files
from cipher_service.console.static import Assets
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables import audit
from cipher_service.storage.unit_of_work import reading
from tests.console.conftest import Enter
from tests.console.support import VIOLATIONS, Tab
from tests.console.test_door import ask
from tests.console.test_every_page import PATHS, WHO
from tests.console.test_signing import sample

ROOT = Path(__file__).resolve().parents[2] / "cipher_service" / "console"
EVIL = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
# Each opens something in one place where a text may stand: an element, an attribute, a script.
HOSTILE = (
    "<script>zzq()</script>",
    '"><img src=x onerror=zzq()>',
    "'><svg onload=zzq()>",
    '" autofocus onfocus=zzq() x="',
    "javascript:zzq()",
    "</title><script>zzq()</script>",
    "</textarea><script>zzq()</script>",
    "--><script>zzq()</script><!--",
    "{{ zzq }}{% zzq %}",
    "\u2028</script><script>zzq()//",
    "%3Cscript%3Ezzq()%3C/script%3E",
    "\r\nX-Zzq: 1\r\n\r\n<script>zzq()</script>",
)
_NAMES = re.compile(r'(?:query_params|query)(?:\.get\(|\[)"(\w+)"')
QUERIES = sorted(
    {name for path in ROOT.rglob("*.py") for name in _NAMES.findall(path.read_text("utf-8"))}
)


def cookies(tab: Tab) -> dict[str, str]:
    """Return the header by which a tab's officer is known."""
    held = tab.page.context.cookies()
    return {"Cookie": "; ".join(f"{one['name']}={one['value']}" for one in held)}


def plain(path: str) -> str:
    """Return an address with something in the place of each of its parts."""
    return re.sub(r"\{[^}]+\}", "x", path)


@pytest.fixture
def chief(enter: Enter) -> dict[str, str]:
    return cookies(enter("CHIEF-CIPHER-POUCH"))


def test_no_answer_is_for_another_origin_or_tells_what_runs_here(
    ministry: Stage, chief: dict[str, str]
) -> None:
    for path in (*PATHS, "/static/", "/connexion", "/nowhere"):
        status, headers, text = ask(ministry, "GET", path, {**chief, **EVIL})
        where = f"{path}: {status}"
        assert not [name for name in headers if name.startswith("access-control-")], where
        assert not {"server", "x-powered-by", "via"} & set(headers), where
        assert headers["cross-origin-resource-policy"] == "same-origin", where
        assert headers["cross-origin-opener-policy"] == "same-origin", where
        if text:
            kind = headers["content-type"]
            assert kind.startswith("application/json") or "charset=utf-8" in kind, where
        if "location" in headers:
            assert re.match(r"/(?!/)", headers["location"]), where
        assert not re.search(r"uvicorn|starlette|Traceback|sqlalchemy", text), where


def test_what_changes_something_has_no_safe_method(ministry: Stage, chief: dict[str, str]) -> None:
    shown = {page.path for flow in FLOWS for page in flow.pages if page.method == "GET"}
    changing = {page.path for flow in FLOWS for page in flow.pages if page.method == "POST"}
    assert len(changing) > 30
    for path in sorted(changing - shown):
        status, _, _ = ask(ministry, "GET", plain(path), chief)
        # Such an address may be one of a page with a part in it, which is refused or not there.
        assert status in (403, 404, 405), path


def test_scripts_are_the_same_for_everybody_and_only_what_was_built_is_served(
    ministry: Stage, chief: dict[str, str]
) -> None:
    served = sorted(Assets()._served)
    assert len(served) > 10
    for name in served:
        _, headers, as_nobody = ask(ministry, "GET", f"/static/{name}")
        status, _, as_officer = ask(ministry, "GET", f"/static/{name}", chief)
        assert (status, as_officer) == (200, as_nobody), name
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        _, _, wrapped = ask(ministry, "GET", f"/static/{name}?callback=zzq", chief)
        assert wrapped == as_nobody
    for path in ("", "manifest.json", "..%2fguard.py", "../guard.py", "%2e%2e/guard.py", ".env"):
        assert ask(ministry, "GET", f"/static/{path}", chief)[0] == 404, path
    for path in ("/guard.py", "/.git/config", "/templates/base.html", "/static"):
        assert ask(ministry, "GET", path, chief)[0] == 404, path


@pytest.mark.parametrize(
    ("taken", "packed"),
    [
        ("gzip, deflate, br, zstd", True),
        ("br;q=1.0, gzip;q=0.8", True),
        ("deflate, gzip;q=0", False),
        ("gzip; q=0.0, br", False),
        ("identity", False),
        ("", False),
    ],
)
def test_a_built_file_travels_compressed_and_a_page_never_does(
    ministry: Stage, chief: dict[str, str], taken: str, packed: bool
) -> None:
    style = Assets().named("console.css")
    assert style
    scanning = reading_files()
    for path in (style.url, *scanning):
        status, headers, _ = ask(ministry, "GET", path, {"Accept-Encoding": taken})
        assert status == 200
        assert headers["vary"] == "accept-encoding"
        assert headers.get("content-encoding") == ("gzip" if packed else None), path
    # What is secret in a page would show in its length beside what a stranger put there.
    for path in ("/", "/depeches/", "/scan/"):
        _, headers, text = ask(ministry, "GET", path, {**chief, "Accept-Encoding": taken})
        assert "content-encoding" not in headers
        assert text.startswith("<!DOCTYPE html>")


def test_a_cookie_is_small_and_a_session_is_given_for_a_click_alone(
    ministry: Stage, enter: Enter
) -> None:
    tab = enter("CHIEF-CIPHER-POUCH")
    for cookie in tab.page.context.cookies():
        assert len(cookie["name"]) + len(cookie["value"]) < 128, cookie["name"]
    for path in ("/", "/connexion", *PATHS[:5]):
        _, headers, _ = ask(ministry, "GET", path)
        assert "__Host-session=" not in headers.get("set-cookie", ""), path


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_what_an_address_says_stays_a_text(
    ministry: Stage, chief: dict[str, str], hostile: str
) -> None:
    """Read as a browser reads it: no element, no attribute, no script of the caller's."""
    assert len(QUERIES) >= 10
    query = urlencode(dict.fromkeys(QUERIES, hostile))
    paths = (f"/{quote(hostile, safe='')}", f"/depeches/{quote(hostile, safe='')}", *PATHS)
    for path in paths:
        _, headers, text = ask(ministry, "GET", f"{path}?{query}", chief)
        assert "x-zzq" not in headers, path
        if not headers.get("content-type", "").startswith("text/html"):
            continue
        for element in html5lib.parse(text, namespaceHTMLElements=False).iter():
            assert not any("zzq" in name or name.startswith("on") for name in element.attrib), path
            addresses = [element.attrib.get(name, "") for name in ("href", "src", "action")]
            assert not any(one.strip().lower().startswith("javascript:") for one in addresses), path
            if str(element.tag) in ("script", "style"):
                assert "zzq" not in "".join(element.itertext()), path


def test_nothing_of_the_work_stays_in_the_browsers_store(enter: Enter) -> None:
    tab = enter("CHIEF-CIPHER-POUCH")
    for path in [path for path in PATHS if WHO.get(path, "CHIEF-CIPHER-POUCH")][:12]:
        tab.expected = (200, 403, 404)
        tab.page.goto(path)
        kept = tab.page.evaluate(
            "async () => [Object.keys(localStorage), sessionStorage.length,"
            " (await indexedDB.databases()).length, (await caches.keys()).length]"
        )
        assert set(kept[0]) <= {"raccourcis", "lang"}, path
        assert kept[1:] == [0, 0, 0], path


def test_a_browser_that_cannot_use_a_key_is_told_so(ministry: Stage, browser: Browser) -> None:
    origin = ministry.settings.console_origin
    keyless = browser.new_context(base_url=origin, locale="fr-FR")
    keyless.add_init_script("delete window.PublicKeyCredential")
    page = keyless.new_page()
    page.goto("/connexion")
    page.get_by_text("KEY_UNABLE").wait_for()
    keyless.close()
    for path in ("/connexion", "/inscription"):
        _, _, text = ask(ministry, "GET", f"{path}?lang=en")
        told = re.search(r"<noscript>(.*?)</noscript>", text, re.DOTALL)
        assert told is not None, path
        assert "This browser cannot use a security key" in told[1], path
    assert VIOLATIONS == []


def test_leaving_clears_what_was_shown(ministry: Stage, enter: Enter) -> None:
    tab = enter("CHIEF-CIPHER-POUCH")
    origin = ministry.settings.console_origin
    place = urlsplit(origin)
    line = HTTPConnection("127.0.0.1", place.port or 0, timeout=60)
    line.request(
        "POST",
        "/deconnexion",
        b"",
        {
            **cookies(tab),
            "Host": place.netloc,
            "Origin": origin,
            "Content-Type": "application/x-www-form-urlencoded",
        },
    )
    answer = line.getresponse()
    answer.read()
    line.close()
    assert answer.status == 303
    assert answer.headers["clear-site-data"] == '"cache"'
    assert "Max-Age=0" in answer.headers["set-cookie"]
    tab.goto("/", status=401)


def test_signing_in_stands_in_the_log_and_so_does_failing_to(ministry: Stage, enter: Enter) -> None:
    """The officer and the key are named; who could not be recognised is counted."""
    first = _entries(ministry)
    tab = enter("CHIEF-CIPHER-POUCH")
    done = [entry for entry in _entries(ministry)[len(first) :] if entry[1] == "officer_sign_in"]
    assert [(entry[0], entry[2]) for entry in done] == [
        (sample(ministry, "CHIEF-CIPHER-POUCH"), "done")
    ]
    headers = {"Origin": tab.origin, "Content-Type": "application/json"}
    false = b'{"nonce": "AAAA", "response": "{}"}'
    status, _, _ = ask(ministry, "POST", "/connexion/cle", headers, false)
    assert 400 <= status < 500
    for _ in range(300):
        refused = [entry for entry in _entries(ministry)[len(first) :] if entry[2] != "done"]
        if refused:
            break
        tab.page.wait_for_timeout(100)
    assert refused


def _entries(ministry: Stage) -> list[tuple[str, str, str]]:
    engine = open_existing(ministry.settings.database)
    with reading(engine) as connection:
        book = audit.audit_entry
        found = connection.execute(
            select(book.c.actor, book.c.action, book.c.outcome).order_by(book.c.seq)
        ).all()
    engine.dispose()
    return [(row.actor, row.action, row.outcome) for row in found]
