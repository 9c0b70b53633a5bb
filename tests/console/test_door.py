"""The door of the console: who is let in, and what every answer carries."""

import http.client
from urllib.parse import urlsplit

import pytest

from cipher_service.administration.stage import Stage
from cipher_service.identity.demonstration import Demonstration
from tests.console.conftest import Enter
from tests.console.support import VIOLATIONS, check_page, reported

Headers = dict[str, str]


def ask(
    ministry: Stage, method: str, path: str, headers: Headers | None = None, body: bytes = b""
) -> tuple[int, dict[str, str], str]:
    """One request without a browser: status, headers by lower-case name, text."""
    place = urlsplit(ministry.settings.console_origin)
    connection = http.client.HTTPConnection("127.0.0.1", place.port or 0, timeout=20)
    connection.putrequest(method, path, skip_host=True)
    for name, value in {"Host": place.netloc, **(headers or {})}.items():
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    told = {name.lower(): value for name, value in answer.getheaders()}
    text = answer.read().decode("utf-8", "replace")
    connection.close()
    return answer.status, told, text


def test_an_officer_comes_by_a_link_once_and_leaves(ministry: Stage, enter: Enter) -> None:
    tab = enter()
    there = Demonstration.of(ministry.settings)
    secret = there.new_link(there.people()[3].officer)
    tab.goto(f"/demonstration/{secret}")
    assert tab.page.get_by_role("heading", level=1).inner_text() == "À faire"
    check_page(tab)
    for cookie in tab.page.context.cookies():
        assert cookie["name"].startswith("__Host-"), cookie
        assert (cookie["secure"], cookie["path"], cookie["sameSite"]) == (True, "/", "Strict")
        # The language alone is for the page's script to read as well.
        assert cookie["httpOnly"] or cookie["name"] == "__Host-langue", cookie
    tab.goto(f"/demonstration/{secret}", status=410)
    tab.goto("/")
    tab.page.get_by_role("button", name="Quitter").click()
    tab.page.wait_for_url("**/connexion")
    tab.goto("/", status=401)
    tab.page.get_by_role("button", name="Auditeur G.").click()
    tab.page.get_by_text("Auditeur (Inspection)").wait_for()


@pytest.mark.parametrize("role", ["CIPHER-CLERK", "AUDITOR", "MINISTER"])
def test_each_function_has_its_home_in_both_languages(enter: Enter, role: str) -> None:
    tab = enter(role)
    for language in ("fr", "en"):
        tab.goto(f"/?lang={language}")
        check_page(tab, foreign=(tab.page.locator(".app-top__who").inner_text().split(" ·")[0],))
    tab.goto("/")
    assert tab.page.locator("html").get_attribute("lang") == "en"


def test_every_answer_carries_the_headers(ministry: Stage) -> None:
    for method, path in (("GET", "/connexion"), ("GET", "/"), ("GET", "/nowhere"), ("POST", "/")):
        _, headers, _ = ask(ministry, method, path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "require-trusted-types-for 'script'" in policy
        assert "unsafe" not in policy
        assert headers["integrity-policy"] == "blocked-destinations=(script)"
        assert headers["cache-control"] == "no-store"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
    first, second = (ask(ministry, "GET", "/connexion")[1]["content-security-policy"] for _ in "ab")
    assert first != second


def test_what_changes_something_comes_from_a_page_of_ours(ministry: Stage) -> None:
    origin = ministry.settings.console_origin
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for headers in (
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ministry.settings.approval_origin},
        {"Origin": origin, "Sec-Fetch-Site": "cross-site"},
        {"Origin": origin, "Sec-Fetch-Site": "same-site"},
    ):
        status, _, text = ask(ministry, "POST", "/demonstration", {**form, **headers}, b"officer=x")
        assert status == 403
        assert "ORIGIN_REFUSED" in text
    status, _, _ = ask(
        ministry, "POST", "/demonstration", {**form, "Origin": origin}, b"officer=OFF-000001"
    )
    assert status == 404, "without the demonstration's pass there is nothing here"


def test_a_foreign_name_that_leads_here_is_refused(ministry: Stage) -> None:
    status, _, text = ask(ministry, "GET", "/connexion", {"Host": "evil.example"})
    assert status == 421
    assert "HOST_UNKNOWN" in text


def test_bodies_are_bounded_and_forms_strict(ministry: Stage) -> None:
    origin = {"Origin": ministry.settings.console_origin}
    form = {**origin, "Content-Type": "application/x-www-form-urlencoded"}
    assert ask(ministry, "POST", "/demonstration", form, b"a=" + b"b" * 70_000)[0] == 413
    assert ask(ministry, "POST", "/demonstration", form, b"x" * 600_000)[0] == 413
    for body in (b"", b"officer=1&officer=2", b"officer=%ff%fe", b"other=1", b"\xff\xfe"):
        assert ask(ministry, "POST", "/demonstration", form, body)[0] == 400
    assert ask(ministry, "POST", "/demonstration", origin, b"{}")[0] == 400


def test_a_stolen_or_invented_cookie_opens_nothing(ministry: Stage) -> None:
    for cookie in ("x", "é", "a" * 4000, ""):
        status, _, _ = ask(ministry, "GET", "/", {"Cookie": f"__Host-session={cookie}"})
        assert status == 401


def test_refusals_are_pages_in_both_languages(ministry: Stage, enter: Enter) -> None:
    tab = enter()
    for language in ("fr", "en"):
        for path, status in (("/nowhere", 404), ("/demonstration/x", 410), ("/", 401)):
            tab.goto(f"{path}?lang={language}", status=status)
            check_page(tab)
    _, _, text = ask(ministry, "GET", "/nowhere", {"Accept": "application/json"})
    assert '"code":"NOT_FOUND"' in text


def test_reports_are_counted_and_bounded(ministry: Stage, reports: list[str]) -> None:
    report = b'{"csp-report":{"effective-directive":"script-src-elem","document-uri":"secret"}}'
    assert ask(ministry, "POST", "/csp", body=report)[0] == 204
    assert ask(ministry, "POST", "/csp", body=b"[" * 1000)[0] == 204
    assert ask(ministry, "POST", "/csp", body=b"x" * 20_000)[0] == 413
    log = (ministry.settings.data / "service.log").read_text()
    assert "script-src-elem" in log
    assert "secret" not in log
    reports.extend(("script-src-elem", "unreadable"))


def test_what_a_page_breaks_of_its_policy_is_told_by_it_and_to_the_service(
    ministry: Stage, enter: Enter, reports: list[str]
) -> None:
    before = len(reported(ministry))
    tab = enter()
    tab.goto("/", status=401)
    tab.page.evaluate("() => document.body.setAttribute('style', 'color: red')")
    for _ in range(300):
        if VIOLATIONS and len(reported(ministry)) > before:
            break
        tab.page.wait_for_timeout(100)
    assert VIOLATIONS == ["style-src-attr inline /"]
    VIOLATIONS.clear()
    reports.append("style-src-attr")
