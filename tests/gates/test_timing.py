"""Refusals that say the same take the same steps: nothing to be read from how long they took.

Tests never assert on time, so this compares what is done: every function of ours that is entered,
every comparison in constant time and every SQL statement. `python -m tests.gates.timing`, which
`make gates` runs, measures a running service.
"""

import random
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from cipher_service import clock
from cipher_service.access.machines import viewer_of
from cipher_service.api.forwarding import Forwarding
from cipher_service.directory import enrolment
from cipher_service.directory.organisation import default_organisation
from cipher_service.directory.organisation_book import load
from cipher_service.dispatches import shown
from cipher_service.errors import ServiceError
from cipher_service.identity.clients import recognise_client
from cipher_service.references import new_id
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.jws import ApiKey
from tests.gates.timing import p_value
from tests.support.ministry import Ministry, post_keys

ROOT = Path(__file__).resolve().parents[2]
OURS = tuple(f"{ROOT / package}/" for package in ("cipher_service", "keys"))
ISSUER = "https://ministry.example"
BODY = b"age-encryption.org/v1\n0123456789"


@pytest.fixture
def ministry(engine: Engine, tmp_path: Path) -> Ministry:
    return Ministry(engine, tmp_path)


def steps(refused: Callable[[], object], code: str, engine: Engine | None = None) -> list[str]:
    """Return what is done until this is refused, the second time: caches are full by then."""
    with pytest.raises(ServiceError, match=code):
        refused()
    done: list[str] = []

    def entered(frame: FrameType, kind: str, argument: Any) -> None:
        if kind == "call" and frame.f_code.co_filename.startswith(OURS):
            done.append(frame.f_code.co_qualname)
        elif kind == "c_call" and argument.__name__ in ("compare_digest", "verify"):
            done.append(argument.__name__)

    def asked(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        done.append(statement)

    if engine is not None:
        event.listen(engine, "before_cursor_execute", asked)
    sys.setprofile(entered)
    try:
        with pytest.raises(ServiceError, match=code):
            refused()
    finally:
        sys.setprofile(None)
        if engine is not None:
            event.remove(engine, "before_cursor_execute", asked)
    return done


def _assertion(key: ApiKey, kid: str) -> str:
    instant = int(clock.now().timestamp())
    claims = {"iss": "PARIS", "sub": "PARIS", "aud": ISSUER, "jti": "A" * 22}
    return key.sign_compact(
        {"typ": "client-authentication+jwt", "kid": kid},
        {**claims, "iat": instant, "exp": instant + 60},
    )


def test_an_unknown_key_is_refused_as_an_enrolled_one_with_a_wrong_signature(
    ministry: Ministry,
) -> None:
    clients, stranger = ministry.directory.api_keys, ApiKey.generate()

    def signed_as(kid: str) -> list[str]:
        written = _assertion(stranger, kid)
        return steps(
            lambda: recognise_client(written, clients, issuer=ISSUER, now=clock.now()),
            "ASSERTION_REFUSED",
        )

    known = next(kid for kid, client in clients.items() if client.post == "PARIS")
    of_known = signed_as(known)
    assert "verify" in of_known
    assert signed_as(stranger.thumbprint()) == of_known


def test_a_code_that_nobody_gave_is_refused_as_one_that_does_not_serve(engine: Engine) -> None:
    now, keys_of = clock.now(), post_keys("PARIS")
    with unit_of_work(engine) as connection:
        load(connection, default_organisation(), now)
        other = enrolment.issue_code(connection, "LOME", now)
        expired = enrolment.issue_code(connection, "PARIS", now - timedelta(days=30))

    def tried(code: str) -> list[str]:
        def enrol(connection: Connection) -> object:
            return enrolment.enrol(connection, code, keys_of.card, keys_of.api_key, now)

        return steps(lambda: _in_unit(engine, enrol), "ENROLMENT_REFUSED", engine)

    unknown = tried("0000-0000-0000-0000-0000")
    assert sum(step.startswith(("SELECT", "UPDATE")) for step in unknown) >= 2
    assert tried(other) == tried(expired) == unknown


def test_a_dispatch_between_others_is_refused_as_one_that_is_nowhere(ministry: Ministry) -> None:
    slip = ministry.slip("PARIS", [("LOME", 1)], BODY)
    ministry.submit(slip, BODY)
    directory = ministry.directory

    def asked(dispatch_id: str) -> list[str]:
        def find() -> object:
            with reading(ministry.engine) as connection:
                viewer = viewer_of(connection, directory, "WASHINGTON")
                return shown.dispatch_of(connection, viewer, dispatch_id)

        # What reads the one row that there is, or is not, differs by that row.
        done = steps(find, "NOT_FOUND", ministry.engine)
        return [step for step in done if not step.startswith("_envelope")]

    nowhere = asked(new_id(clock.now()))
    assert "Viewer.require_visible" in nowhere
    assert asked(slip.dispatch_id) == nowhere


@pytest.mark.parametrize("wrong", ["-" * 43, "A" * 42 + "-"])
def test_a_wrong_secret_of_the_proxy_is_compared_whole(wrong: str) -> None:
    judge = Forwarding(b"A" * 43)
    scope = {"headers": [(b"cipher-proxy", wrong.encode())]}
    assert "compare_digest" in steps(lambda: judge.take(scope), "PROXY_UNPROVED")


def test_the_measurement_tells_a_small_difference_and_no_difference() -> None:
    source = random.Random("timing")
    first = [source.gauss(1.0, 0.2) for _ in range(2000)]
    second = [source.gauss(1.0, 0.2) for _ in range(2000)]
    assert p_value(first, second) > 0.01
    assert p_value(first, [value + 0.03 for value in second]) < 0.001
    assert p_value([1.0] * 50, [1.0] * 49 + [2.0]) > 0.01


def _in_unit(engine: Engine, act: Callable[[Connection], object]) -> object:
    with unit_of_work(engine) as connection:
        return act(connection)
