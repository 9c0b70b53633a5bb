"""No request hides another: what could be read in two ways is refused, and the line closed."""

import re

import pytest

from tests.support.smuggling import corpus
from tests.surfaces.api.live import Service
from tests.surfaces.api.test_border import raw

CORPUS = corpus()


def test_the_corpus_is_large() -> None:
    assert len(CORPUS) >= 40


@pytest.mark.parametrize("request_bytes", CORPUS.values(), ids=range(len(CORPUS)))
def test_a_request_that_two_servers_could_read_differently_is_refused(
    service: Service, request_bytes: bytes
) -> None:
    answer = raw(service, request_bytes, ending=False)

    assert refusals(answer) == [b"400"], answer


@pytest.mark.parametrize(
    "version", [b"", b" ", b" HTTP/0.9", b" HTTP/2.0", b" HTTP/3", b" http/1.1"]
)
@pytest.mark.parametrize("line", [b"POST /v1/token", b"GET /v1/health"])
def test_a_request_of_another_version_or_of_none_is_refused(
    service: Service, line: bytes, version: bytes
) -> None:
    hidden = b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = raw(service, line + version + b"\r\nHost: localhost\r\n\r\n" + hidden)
    assert refusals(answer) == [b"400"], answer


def refusals(answer: bytes) -> list[bytes]:
    return re.findall(rb"HTTP/1\.1 ([0-9]{3})", answer)
