"""What every answer of the API is like, and what none of them does."""

import json
import re
import socket
from typing import Any

import pytest

from tests.surfaces.api.live import Post, Service

EVIL = {"Origin": "https://evil.example"}
PLACES = {"post": "PARIS", "dispatch": "01ARZ3NDEKTSV4RRFFQ69G5FAV"}


def _document(service: Service) -> dict[str, Any]:
    document: dict[str, Any] = service.http.get("/v1/openapi.json").json()
    return document


def _paths(service: Service) -> list[tuple[str, set[str]]]:
    return [
        (re.sub(r"\{(\w+)\}", lambda found: PLACES.get(found[1], "x"), path), set(operations))
        for path, operations in _document(service)["paths"].items()
    ]


def whole(service: Service, request: str) -> bytes:
    """Return every byte of an answer after which the line is closed."""
    with socket.create_connection(("127.0.0.1", service.settings.port), timeout=60) as line:
        line.sendall(request.encode())
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    return answer


def test_no_answer_is_for_another_origin_or_tells_what_runs_here(
    service: Service, paris: Post
) -> None:
    answers = [service.http.get(path, headers=EVIL) for path, _ in _paths(service)]
    answers += [service.http.options(path, headers=EVIL) for path, _ in _paths(service)]
    answers += [paris.get("/v1/dispatches", **EVIL), paris.get("/v1/directory", **EVIL)]
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")]
        assert not {"server", "x-powered-by", "via"} & set(answer.headers)
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert not re.search(
            r"uvicorn|fastapi|starlette|python|sqlalchemy", answer.text, re.IGNORECASE
        )
    assert {answer.status_code for answer in answers} >= {200, 401, 405}


def test_a_body_says_what_it_is_and_how_long(service: Service, paris: Post) -> None:
    """A text is JSON, which is UTF-8; its length is that of its bytes, or it comes in pieces."""
    for path, _ in _paths(service):
        answer = whole(service, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        head, _, body = answer.partition(b"\r\n\r\n")
        names = [line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]]
        assert names.count(b"content-length") + names.count(b"transfer-encoding") == 1, path
        if b"content-length" in names:
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            assert length is not None
            assert int(length[1]) == len(body), path
        kind = re.search(rb"content-type: ([^\r]+)", head, re.IGNORECASE)
        assert kind is not None, path
        assert kind[1] in (b"application/json", b"application/problem+json"), path
        json.loads(body)
    stream = paris.get("/v1/dispatches")
    assert stream.headers["content-type"] == "application/json"


def test_what_changes_something_has_no_safe_method(service: Service) -> None:
    changing = [
        (path, methods) for path, methods in _paths(service) if methods & {"post", "put", "patch"}
    ]
    assert len(changing) > 10
    for path, methods in changing:
        for method in {"get", "head", "options"} - methods:
            answer = service.http.request(method.upper(), path)
            assert answer.status_code in {404, 405}, f"{method} {path}"


def test_no_address_answers_to_a_method_that_it_does_not_offer(service: Service) -> None:
    every = {"get", "post", "put", "patch", "delete", "trace", "propfind", "link", "brew"}
    for path, methods in _paths(service):
        for method in sorted(every - methods):
            answer = service.http.request(method.upper(), path)
            assert answer.status_code in {400, 404, 405}, f"{method} {path}"


def test_every_text_that_comes_in_has_its_pattern_or_its_length(service: Service) -> None:
    document = _document(service)
    schemas = document["components"]["schemas"]
    loose = [
        f"{path}: {where}"
        for path, operations in document["paths"].items()
        for operation in operations.values()
        for content in operation.get("requestBody", {}).get("content", {}).values()
        for where in _loose(content.get("schema", {}), schemas, frozenset())
    ]
    assert loose == []


def _loose(schema: dict[str, Any], known: dict[str, Any], seen: frozenset[str]) -> list[str]:
    """Name the texts of a schema that may be anything, of any length."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return [] if name in seen else _loose(known[name], known, seen | {name})
    bounded = {"pattern", "maxLength", "enum", "const", "format"}
    if schema.get("type") == "string":
        return [] if bounded & set(schema) else [schema.get("title", "?")]
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    inner += [schema["items"]] if isinstance(schema.get("items"), dict) else []
    return [found for one in inner for found in _loose(one, known, seen)]


@pytest.mark.parametrize(
    "grant", ["password", "implicit", "token", "refresh_token", "authorization_code"]
)
def test_no_grant_is_given_but_to_a_posts_own_assertion(
    service: Service, paris: Post, grant: str
) -> None:
    form = {
        "grant_type": grant,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": paris.assertion(),
        "username": "x",
        "password": "x",
    }
    answer = service.http.post("/v1/token", data=form)
    assert answer.status_code == 400
    assert "access_token" not in answer.text
