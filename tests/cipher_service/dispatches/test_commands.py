"""The registrar's commands, as API processes send them, in a process that may be killed."""

import asyncio
import contextlib
import hashlib
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cipher_service import clock
from cipher_service.access.machines import Post, Viewer
from cipher_service.access.policies import default_policies, read_policies
from cipher_service.directory import enrolment
from cipher_service.directory.register import DirectoryReader
from cipher_service.dispatches.commands import Desk
from cipher_service.dispatches.integrity import check
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.dispatches.shown import upload_of
from cipher_service.dispatches.uploads import (
    LIFE,
    UNFINISHED_BYTES,
    UNFINISHED_MOST,
    end_upload,
    find_upload,
)
from cipher_service.errors import ServiceError
from cipher_service.references import parse_register_number
from cipher_service.storage.batch import Batches
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.engine import open_engine
from cipher_service.storage.replay import claim_of
from cipher_service.storage.tables.dispatches import dispatch
from cipher_service.storage.unit_of_work import reading, unit_of_work
from cipher_service.storage.writer_client import RegistrarClient
from keys.receipts import read_submitted_receipt
from tests.support.ministry import HEADQUARTERS, Ministry, custody, post_keys
from tests.support.registrar import RegistrarProcess

NOTHING_FROM_PARIS = """@id("paris-is-mute")
forbid (principal, action == Action::"post-submit", resource is Envelope)
when { resource.origin == "PARIS" };"""
BODY = b"age-encryption.org/v1\n" + b"0123456789abcdef" * 256


def batches_on(url: str, folder: Path) -> Batches:
    sealer = ReceiptSealer(custody(), HEADQUARTERS)
    desk = Desk(DirectoryReader(), Blobs(folder), sealer.service)
    return Batches(open_engine(url), desk.handlers(), sealer.before_commit)


def test_killed_under_load_no_acknowledged_dispatch_is_lost_and_no_number_skipped(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    """SIGKILL in the middle of real submissions (P7, P9); then `check` finds nothing."""
    ministry, path = Ministry(engine, tmp_path), tmp_path / "r.sock"
    payloads = [
        ministry.judged(ministry.slip("PARIS", [("MINREX", n + 1)], BODY)).to_payload(BODY)
        for n in range(240)
    ]
    acknowledged: dict[str, bytes] = {}

    async def load(process: RegistrarProcess, enough: int) -> None:
        client, reached = RegistrarClient(path), asyncio.Event()
        todo = [payload for payload in payloads if payload["dispatch_id"] not in acknowledged]

        async def post() -> None:
            with contextlib.suppress(ServiceError):
                while todo:
                    payload = todo.pop(0)
                    answer = await client.call("submit", payload)
                    acknowledged[payload["dispatch_id"]] = answer["receipt"]
                    if len(acknowledged) >= enough:
                        reached.set()

        posts = [asyncio.create_task(post()) for _ in range(16)]
        await asyncio.wait_for(reached.wait(), 60)
        process.kill()
        await asyncio.gather(*posts)
        client.close()

    for enough in (60, 120, 180, 240):
        with RegistrarProcess(path, lambda: batches_on(database_url, tmp_path)) as process:
            asyncio.run(load(process, enough))
    with reading(engine) as connection:
        rows = connection.execute(select(dispatch.c.dispatch_id, dispatch.c.register_number))
        recorded = {row.dispatch_id: row.register_number for row in rows}
    assert set(acknowledged) <= set(recorded)
    assert sorted(recorded.values()) == list(range(1, len(recorded) + 1))
    for dispatch_id, receipt in acknowledged.items():
        statement = read_submitted_receipt(receipt, custody().service_key())
        assert parse_register_number(statement.register)[1] == recorded[dispatch_id]
    assert list(check(engine, ministry.blobs, custody().service_key())) == []


def test_whoever_lost_the_answer_asks_again_and_gets_it(
    database_url: str, engine: Engine, tmp_path: Path
) -> None:
    ministry, path = Ministry(engine, tmp_path), tmp_path / "r.sock"
    payload = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY)).to_payload(BODY)

    async def call() -> tuple[Any, Any]:
        client = RegistrarClient(path)
        first = await client.call("submit", payload)
        second = await client.call("submit", payload)
        client.close()
        return first, second

    with RegistrarProcess(path, lambda: batches_on(database_url, tmp_path)):
        first, second = asyncio.run(call())
    assert first["receipt"] == second["receipt"]
    assert (first["created"], second["created"]) == (True, False)


class TestUploads:
    def test_a_large_envelope_in_pieces(self, ministry: Ministry) -> None:
        body = secrets.token_bytes(200_000)
        judged = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], body))
        first, again = ministry.run(
            ("open_upload", judged.to_payload(None)), ("open_upload", judged.to_payload(None))
        )
        name = str(first.result)
        assert again.result == name  # a client that lost the answer goes on where it was
        with reading(ministry.engine) as connection:
            upload = find_upload(connection, name)
            assert (upload.size, upload.sha256) == (len(body), hashlib.sha256(body).hexdigest())
            narrower = f"{default_policies().text}\n{NOTHING_FROM_PARIS}"
            assert upload_of(connection, Viewer(default_policies(), Post("PARIS")), name) == upload
            for viewer in (
                Viewer(default_policies(), Post("LOME")),
                Viewer(default_policies(), Post("PARIS", active=False)),
                Viewer(read_policies(narrower), Post("PARIS")),
            ):
                with pytest.raises(ServiceError, match="NOT_FOUND"):
                    upload_of(connection, viewer, name)
        for start in range(0, len(body), 60_000):
            with ministry.blobs.append(name, start) as piece:
                piece.write(body[start : start + 60_000])
        assert ministry.blobs.complete(name).sha256 == upload.sha256
        done = ministry.run(("submit_upload", judged.to_payload(None)))[0]
        assert ministry.answer(done)["created"]
        with (
            reading(ministry.engine) as connection,
            pytest.raises(ServiceError, match="NOT_FOUND"),
        ):
            find_upload(connection, name)

    def test_another_slip_under_the_same_id(self, ministry: Ministry) -> None:
        slip = ministry.slip("PARIS", [("MINREX", 1)], BODY)
        other = ministry.slip("PARIS", [("MINREX", 2)], BODY, dispatch_id=slip.dispatch_id)
        outcomes = ministry.run(
            ("open_upload", ministry.judged(slip).to_payload(None)),
            ("open_upload", ministry.judged(other).to_payload(None)),
        )
        assert outcomes[1].refusal is not None
        assert outcomes[1].refusal.code == "DUPLICATE_ID"
        ministry.submit(slip, BODY)
        outcome = ministry.run(("open_upload", ministry.judged(other).to_payload(None)))[0]
        assert outcome.refusal is not None
        assert outcome.refusal.code == "DUPLICATE_ID"

    def test_a_forgotten_upload_is_dropped(self, ministry: Ministry) -> None:
        judged = ministry.judged(ministry.slip("PARIS", [("MINREX", 1)], BODY))
        name = ministry.run(("open_upload", judged.to_payload(None)))[0].result
        assert ministry.run(("housekeep", None))[0].result == []
        ministry.now += LIFE * 2
        assert ministry.run(("housekeep", None))[0].result == [name]

    def test_a_post_s_unfinished_uploads_are_bounded_and_an_end_makes_room(
        self, ministry: Ministry
    ) -> None:
        slips = [ministry.slip("PARIS", [("MINREX", 1)], BODY) for _ in range(UNFINISHED_MOST + 1)]
        opening = [("open_upload", ministry.judged(slip).to_payload(None)) for slip in slips]
        assert [outcome.refusal for outcome in ministry.run(*opening[:-1])] == [
            None for _ in opening[:-1]
        ]
        (refused,) = ministry.run(opening[-1])
        assert refused.refusal is not None
        assert refused.refusal.code == "UPLOADS_MANY"
        assert ministry.run(opening[0])[0].refusal is None, "what was begun is found again"
        other = ministry.slip("MINREX", [("PARIS", 1)], BODY)
        ours = ("open_upload", ministry.judged(other).to_payload(None))
        assert ministry.run(ours)[0].refusal is None, "another post has its own"
        ministry.submit(slips[0], BODY)
        with unit_of_work(ministry.engine) as connection:
            end_upload(connection, slips[0].dispatch_id, "PARIS")
        assert ministry.run(opening[-1])[0].refusal is None

    def test_what_they_announce_together_is_bounded_too(self, ministry: Ministry) -> None:
        size = UNFINISHED_BYTES // 4
        codes = []
        for _ in range(5):
            slip = replace(ministry.slip("PARIS", [("MINREX", 1)], BODY), envelope_size=size)
            opening = ("open_upload", ministry.judged(slip).to_payload(None))
            refusal = ministry.run(opening)[0].refusal
            codes.append(None if refusal is None else refusal.code)
        assert codes == [None, None, None, None, "UPLOADS_MANY"]


class TestOtherCommands:
    def test_a_post_enrols_through_the_registrar(self, ministry: Ministry) -> None:
        berlin = post_keys("BERLIN")
        with unit_of_work(ministry.engine) as connection:
            code = enrolment.issue_code(connection, "BERLIN", clock.now())
        ministry.now = clock.now()
        payload = {
            "code": code,
            "card": berlin.card.to_bytes(),
            "thumbprint": berlin.api_key.thumbprint,
            "jwk": berlin.api_key.jwk,
        }
        outcome = ministry.run(("enrol", payload))[0]
        assert outcome.result == {
            "post": "BERLIN",
            "state": "pending",
            "fingerprint": berlin.card.fingerprint,
        }

    def test_tokens_are_claimed_in_batches(self, ministry: Ministry) -> None:
        claims = [[claim_of("i", jti), 2_000_000_000] for jti in ("1", "2", "1")]
        outcome = ministry.run(("claim", {"claims": claims}))[0]
        assert outcome.result == [True, True, False]
