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
    answer = raw(service, request_bytes)

    statuses = re.findall(rb"HTTP/1\.1 ([0-9]{3})", answer)
    assert statuses == [b"400"], answer
