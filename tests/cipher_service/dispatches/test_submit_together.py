"""Submissions that share a batch share their steps, and come to what each would alone."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from cipher_service.directory import enrolment
from cipher_service.references import new_id
from cipher_service.storage import batch
from cipher_service.storage.batch import Batches, Outcome, Request
from cipher_service.storage.blobs import SMALL
from cipher_service.storage.statements import driver_cursor
from cipher_service.storage.tables.dispatches import (
    addressee,
    dispatch,
    envelope,
    receipt,
    receipt_seal,
)
from cipher_service.storage.tables.registers import replay
from cipher_service.storage.unit_of_work import reading, unit_of_work
from tests.support.ministry import Ministry, post_keys

BODY = b"age-encryption.org/v1\n" + bytes(range(256)) * 40
EXPIRES = 2_000_000_000


def payload(ministry: Ministry, number: int, **more: Any) -> dict[str, Any]:
    slip = ministry.slip("PARIS", [("MINREX", number), ("LOME", number)], BODY, **more)
    return ministry.judged(slip).to_payload(BODY)


def request(payload: dict[str, Any], token: int) -> Request:
    return Request("submit", payload, [(token.to_bytes(32, "big"), EXPIRES)])


def told(outcomes: Sequence[Outcome]) -> list[str]:
    return [
        outcome.refusal.code if outcome.refusal is not None else outcome.result["register"]
        for outcome in outcomes
    ]


def counts(ministry: Ministry) -> list[int]:
    with reading(ministry.engine) as connection:
        return [
            int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in (dispatch, envelope, addressee, receipt, receipt_seal, replay)
        ]


def one_by_one(ministry: Ministry) -> Batches:
    """Batches that no commands share their steps in."""
    return Batches(ministry.engine, ministry.desk.handlers(), ministry.sealer.before_commit)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What was done alone although it came in a batch."""
    seen: list[Request] = []
    real = Batches._one

    def _one(batches: Batches, connection: Any, request: Request) -> Outcome:
        seen.append(request)
        return real(batches, connection, request)

    monkeypatch.setattr(Batches, "_one", _one)
    return seen


def test_new_ones_share_every_step_and_one_seal(ministry: Ministry, alone: list[Request]) -> None:
    payloads = [payload(ministry, number) for number in (1, 2, 3, 4)]
    outcomes = ministry.batches.run([request(each, at) for at, each in enumerate(payloads)])
    assert alone == []
    assert told(outcomes) == [f"2026/00000{number}" for number in (1, 2, 3, 4)]
    assert counts(ministry) == [4, 4, 8, 4, 1, 4]
    for each, outcome in zip(payloads, outcomes, strict=True):
        statement = ministry.receipt(outcome.result)
        assert statement.dispatch_id == each["dispatch_id"]
        assert statement.register == outcome.result["register"]


def test_what_is_kept_is_what_each_would_have_left_alone(ministry: Ministry) -> None:
    """Row by row, but for the order of arrival and the numbers, which go on."""
    together = [payload(ministry, number) for number in (1, 2)]
    ministry.batches.run([request(each, at) for at, each in enumerate(together)])
    single = [payload(ministry, number) for number in (3, 4)]
    one_by_one(ministry).run([request(each, at) for at, each in enumerate(single, start=2)])
    with reading(ministry.engine) as connection:
        kept = connection.execute(
            select(dispatch, envelope.c.slip, envelope.c.signature, envelope.c.body)
            .join(envelope, envelope.c.dispatch == dispatch.c.seq)
            .order_by(dispatch.c.seq)
        ).all()
        lines = connection.execute(
            select(addressee).order_by(addressee.c.dispatch, addressee.c.position)
        ).all()
    assert [row.register_number for row in kept] == [1, 2, 3, 4]
    for row, each in zip(kept, together + single, strict=True):
        for name in ("dispatch_id", "origin", "origin_card", "kind", "level", "caveats", "dtg"):
            assert getattr(row, name) == each[name], name
        assert (bytes(row.slip), bytes(row.body)) == (each["slip"], each["body"])
        assert row.sha256 == hashlib.sha256(BODY).hexdigest()
    shapes = [
        (row.post, row.position, row.number, row.place - row.dispatch, row.state) for row in lines
    ]
    assert [(post, at, place, state) for post, at, _, place, state in shapes[:4]] == [
        (post, at, place, state) for post, at, _, place, state in shapes[4:]
    ]
    assert [number for _, _, number, _, _ in shapes] == [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda each: {**each, "lines": _number(each, 1)}, "DUPLICATE_NUMBER"),
        (lambda each: {**each, "size": each["size"] + 1}, "ENVELOPE_MISMATCH"),
        (lambda each: {**each, "origin_card": _of_another()}, "CARD_NOT_CURRENT"),
        (lambda each: {**each, "lines": _post(each, "NULLEPART")}, "UNKNOWN_POST"),
    ],
)
def test_one_refused_is_refused_alone_and_takes_no_number(
    ministry: Ministry, alone: list[Request], spoil: Any, code: str
) -> None:
    good = [payload(ministry, number) for number in (1, 2, 3)]
    bad = spoil(payload(ministry, 4))
    outcomes = ministry.batches.run(
        [request(each, at) for at, each in enumerate([good[0], good[1], bad, good[2]])]
    )
    assert told(outcomes) == ["2026/000001", "2026/000002", code, "2026/000003"]
    assert len(alone) == 4
    # The refused one's proof is used up all the same.
    assert counts(ministry) == [3, 3, 6, 3, 1, 4]


def test_a_repetition_and_another_content_in_one_batch(ministry: Ministry) -> None:
    first = payload(ministry, 1)
    other = payload(ministry, 2, dispatch_id=first["dispatch_id"])
    outcomes = ministry.batches.run(
        [request(each, at) for at, each in enumerate([first, first, other])]
    )
    assert told(outcomes) == ["2026/000001", "2026/000001", "DUPLICATE_ID"]
    assert outcomes[0].result["receipt"] == outcomes[1].result["receipt"]
    assert counts(ministry) == [1, 1, 2, 1, 1, 3]


def test_a_proof_used_twice_in_one_batch_has_one_winner(ministry: Ministry) -> None:
    requests = [request(payload(ministry, number), 7) for number in (1, 2)]
    assert told(ministry.batches.run(requests)) == ["2026/000001", "PROOF_REPLAYED"]
    again = [request(payload(ministry, 3), 7), request(payload(ministry, 4), 8)]
    assert told(ministry.batches.run(again)) == ["PROOF_REPLAYED", "2026/000002"]


def test_a_post_suspended_a_moment_ago_is_refused_among_others(ministry: Ministry) -> None:
    ours = payload(ministry, 1)
    slips = [ministry.slip("LOME", [("MINREX", n)], BODY) for n in (1, 2)]
    theirs = [ministry.judged(slip).to_payload(BODY) for slip in slips]
    with unit_of_work(ministry.engine) as connection:
        enrolment.suspend(connection, "PARIS", ministry.now)
    outcomes = ministry.batches.run([request(each, at) for at, each in enumerate([ours, *theirs])])
    assert told(outcomes) == ["POST_NOT_ACTIVE", "2026/000001", "2026/000002"]


def test_other_commands_of_the_batch_go_on_in_their_places(ministry: Ministry) -> None:
    large = b"x" * (SMALL + 1)
    with ministry.blobs.spool() as spool:
        spool.write(large)
        spool.keep()
    slip = ministry.slip("PARIS", [("MINREX", 1)], large)
    stored = ministry.judged(replace(slip, dispatch_id=new_id(ministry.now))).to_payload(None)
    claims = {"claims": [[b"c" * 32, EXPIRES]]}
    outcomes = ministry.batches.run(
        [
            request(stored, 1),
            Request("claim", claims),
            request(payload(ministry, 2), 2),
            Request("claim", claims),
        ]
    )
    assert [outcome.refusal for outcome in outcomes] == [None] * 4
    assert outcomes[1].result == [True]
    assert outcomes[3].result == [False]
    assert told([outcomes[0], outcomes[2]]) == ["2026/000001", "2026/000002"]


def test_only_behind_others_is_a_savepoint_set(
    ministry: Ministry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first ones of a transaction are undone with it; those behind others alone."""
    said: list[str] = []

    class Telling:
        def __init__(self, connection: Connection) -> None:
            self._cursor = driver_cursor(connection)

        def execute(self, statement: str) -> None:
            said.append(statement)
            self._cursor.execute(statement)

    monkeypatch.setattr(batch, "driver_cursor", Telling)
    first = [request(payload(ministry, number), number) for number in (1, 2)]
    assert told(ministry.batches.run(first)) == ["2026/000001", "2026/000002"]
    assert said == []
    behind = [request(payload(ministry, number), number) for number in (3, 4)]
    claims = Request("claim", {"claims": [(b"c" * 32, EXPIRES)]})
    outcomes = ministry.batches.run([claims, *behind])
    assert told(outcomes[1:]) == ["2026/000003", "2026/000004"]
    assert said[-2:] == ["SAVEPOINT alike", "RELEASE SAVEPOINT alike"]


def test_one_refused_behind_others_undoes_none_of_them(ministry: Ministry) -> None:
    claims = Request("claim", {"claims": [(b"c" * 32, EXPIRES)]})
    taken = request(payload(ministry, 1), 1)
    behind = [request(payload(ministry, 1), 2), request(payload(ministry, 2), 3)]
    outcomes = ministry.batches.run([taken, claims, *behind])
    assert told([outcomes[0], *outcomes[2:]]) == [
        "2026/000001",
        "DUPLICATE_NUMBER",
        "2026/000002",
    ]
    assert outcomes[1].result == [True]


def test_what_stands_between_them_takes_effect_in_its_place(ministry: Ministry) -> None:
    """The log tells the batch in this order, so it must have happened in this order."""

    def suspend(connection: Any, post: str) -> None:
        enrolment.suspend(connection, post, ministry.now)

    batches = Batches(
        ministry.engine,
        {**ministry.desk.handlers(), "suspend": suspend},
        ministry.sealer.before_commit,
        {"submit": ministry.desk.submit_together},
    )
    asked = [request(payload(ministry, number), number) for number in (1, 2, 3, 4)]
    outcomes = batches.run([*asked[:2], Request("suspend", "PARIS"), *asked[2:]])
    assert told([*outcomes[:2], *outcomes[3:]]) == [
        "2026/000001",
        "2026/000002",
        "POST_NOT_ACTIVE",
        "POST_NOT_ACTIVE",
    ]
    assert outcomes[2].refusal is None


def _of_another() -> str:
    return post_keys("LOME").card.fingerprint


def _number(each: dict[str, Any], number: int) -> list[list[Any]]:
    return [[*line[:-1], number] for line in each["lines"]]


def _post(each: dict[str, Any], post: str) -> list[list[Any]]:
    return [[post, *line[1:]] for line in each["lines"]]
