"""The HTTP border: headers on every answer, one spelling, no echo, no 5xx for nonsense."""

import json
import socket

import httpx
import pytest

from cipher_service.api.border import SECURITY_HEADERS
from tests.surfaces.api.live import Post, Service, problem


def raw(service: Service, request: bytes, *, ending: bool = True) -> bytes:
    """Send bytes and return what comes until the server ends the line.

    The client says that it sends no more, unless it is not `ending`: the server then ends it alone.
    """
    with socket.create_connection(("127.0.0.1", service.settings.port), timeout=60) as line:
        line.sendall(request)
        if ending:
            line.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    return answer


def carries_the_headers(answer: httpx.Response) -> None:
    for name, value in SECURITY_HEADERS:
        assert answer.headers.get_list(name.decode()) == [value.decode()], name
    assert "server" not in answer.headers


def test_every_answer_carries_the_security_headers(service: Service, paris: Post) -> None:
    http = service.http
    for answer in (
        http.get("/v1/health"),
        http.get("/v1/openapi.json"),
        http.get("/nowhere"),
        http.get("/v1/dispatches"),
        http.post("/v1/health"),
        http.post("/v1/enrolments", json={}),
        paris.get("/v1/dispatches"),
    ):
        carries_the_headers(answer)


def test_the_documentation_pages_are_off(service: Service) -> None:
    for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect"):
        assert problem(service.http.get(path))["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/health/",
        "/v1//health",
        "//v1/health",
        "/v1/healt%68",
        "/V1/health",
        "/v1/enrolments/paris",
        "/v1/enrolments/PARIS%00",
        "/v1/enrolments/%50ARIS",
        "/v1/enrolments/PARIS%2F",
        "/v1/enrolments/PARI\u0160",
        "/v1/./health",
        "/",
        "/*",
        "/v1/enrolments/" + "A" * 5000,
    ],
)
def test_a_path_in_another_spelling_leads_nowhere(service: Service, path: str) -> None:
    answer = raw(service, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.split(b" ")[1] in {b"404", b"400", b"414"}


def test_a_wrong_method_is_named_with_the_right_ones(service: Service) -> None:
    answer = service.http.delete("/v1/health")
    assert problem(answer)["code"] == "METHOD_NOT_ALLOWED"
    assert answer.headers["allow"] == "GET"


def test_the_texts_follow_the_readers_language(service: Service) -> None:
    french = problem(service.http.get("/v1/dispatches"))
    english = problem(service.http.get("/v1/dispatches", headers={"Accept-Language": "en"}))
    assert french["title"] == "Jeton absent"
    assert english["title"] == "Token missing"
    assert french["code"] == english["code"]


POST = b"POST /v1/enrolments HTTP/1.1\r\nHost: x\r\n"
SECRET = "TOP-SECRET-PLAINTEXT"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "BODY_REFUSED"),
        (b"{", "BODY_REFUSED"),
        (b'{"code": NaN}', "BODY_REFUSED"),
        (b'{"code": 1e999}', "BODY_REFUSED"),
        (b'{"code": "\\ud800"}', "BODY_REFUSED"),
        (b'{"code": "\\u0000"}', "BODY_REFUSED"),
        (b'{"code": "a", "code": "b"}', "BODY_REFUSED"),
        ('{"code": "é"}'.encode("utf-16"), "BODY_REFUSED"),
        (b'\xef\xbb\xbf{"code": "a"}', "BODY_REFUSED"),
        (b"[" * 60_000, "BODY_REFUSED"),
        (b"9" * 60_000, "BODY_REFUSED"),
        (b"[]", "INVALID_REQUEST"),
        (b"{}", "INVALID_REQUEST"),
        (b'{"code": 1, "card": [], "jwk": null, "proof": ""}', "INVALID_REQUEST"),
        (b'{"%b": "%b"}' % (SECRET.encode(), SECRET.encode()), "INVALID_REQUEST"),
        (b'{"code": "%b"}' % SECRET.encode(), "INVALID_REQUEST"),
        (b'{"a": "' + b"x" * 70_000 + b'"}', "BODY_TOO_LARGE"),
    ],
)
def test_a_malformed_body_is_refused_and_never_echoed(
    service: Service, body: bytes, code: str
) -> None:
    headers = {"Content-Type": "application/json"}
    answer = service.http.post("/v1/enrolments", content=body, headers=headers)
    assert problem(answer)["code"] == code
    assert SECRET not in answer.text
    assert SECRET not in (service.settings.data / "service.log").read_text()


def test_a_body_of_another_type_is_refused(service: Service) -> None:
    for kind in ("text/plain", "application/xml", ""):
        answer = service.http.post("/v1/enrolments", content=b"{}", headers={"Content-Type": kind})
        assert problem(answer)["code"] == "MEDIA_TYPE_REFUSED"


@pytest.mark.parametrize(
    "form",
    [
        "",
        "a",
        "a=1",
        "grant_type=client_credentials",
        "grant_type=client_credentials&grant_type=client_credentials",
        "grant_type=password&client_assertion_type=x&client_assertion=y",
        "grant_type=%FF&client_assertion_type=x&client_assertion=y",
        "&" * 2000,
    ],
)
def test_a_malformed_form_is_refused(service: Service, form: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = service.http.post("/v1/token", content=form, headers=headers)
    assert problem(answer)["code"] == "FORM_REFUSED"


@pytest.mark.parametrize(
    "lines",
    [
        "Authorization: DPoP a\r\nAuthorization: DPoP b",
        "DPoP: a\r\nDPoP: b",
        "Host: y",
        "Range: bytes=0-\r\nRange: bytes=1-",
    ],
)
def test_a_header_that_decides_something_occurs_once(service: Service, lines: str) -> None:
    request = f"GET /v1/dispatches HTTP/1.1\r\nHost: x\r\n{lines}\r\nConnection: close\r\n\r\n"
    answer = raw(service, request.encode())
    assert answer.startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: xchunked\r\n\r\n{}",
        POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\nna me: y\r\n\r\n",
        b"GET /v1/health HTTP/1.1\r\nHost: x\r\nname: a\x00b\r\n\r\n",
    ],
)
def test_malformed_http_is_refused_and_the_line_closed(
    service: Service, request_bytes: bytes
) -> None:
    answer = raw(service, request_bytes)
    statuses = {line.split(b" ")[1] for line in answer.split(b"\r\n") if line[:5] == b"HTTP/"}
    assert statuses <= {b"400", b"404", b"415", b"422"}, answer
    assert service.http.get("/v1/health").status_code == 200


def test_a_body_cut_short_is_named(service: Service, paris: Post) -> None:
    headers = paris.authorised("POST", "/v1/receipts")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    request = f"POST /v1/receipts HTTP/1.1\r\nHost: x\r\n{lines}"
    request += "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{}"
    raw(service, request.encode())
    assert service.http.get("/v1/health").status_code == 200


def test_the_api_describes_itself_as_openapi_3_1(service: Service) -> None:
    document = service.http.get("/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    references = set(_references(document))
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references <= known
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"], where
            assert "4XX" in operation["responses"], where
            if path not in OPEN:
                assert operation["security"], where
    # FastAPI's own shape of a rejected body, which would quote it, is nowhere.
    assert "HTTPValidationError" not in json.dumps(document)


OPEN = {
    "/v1/health",
    "/v1/service-card",
    "/v1/enrolments",
    "/v1/enrolments/{post}",
    "/v1/token",
}


def _references(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [name for item in value.values() for name in _references(item)]
    if isinstance(value, list):
        return [name for item in value for name in _references(item)]
    return []
