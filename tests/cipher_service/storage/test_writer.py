"""The registrar: one batch, one commit; who is poisoned fails alone; who was told is safe."""

import asyncio
import contextlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert

from cipher_service.errors import ServiceError
from cipher_service.storage import counters
from cipher_service.storage.batch import Batches, Outcome, Request
from cipher_service.storage.engine import open_engine
from cipher_service.storage.frames import MAX_FRAME
from cipher_service.storage.replay import claim_of
from cipher_service.storage.tables.registers import counter
from cipher_service.storage.unit_of_work import reading
from cipher_service.storage.writer import Registrar
from cipher_service.storage.writer_client import RegistrarClient
from tests.support.registrar import RegistrarProcess

EXPIRES = 2_000_000_000


def take(connection: Connection, payload: dict[str, Any]) -> int:
    return counters.advance(connection, payload["name"])


def take_and_refuse(connection: Connection, payload: dict[str, Any]) -> None:
    counters.advance(connection, payload["name"])
    raise ServiceError("REFUSED_HERE", post="PARIS", number=7)


def take_and_break(connection: Connection, payload: dict[str, Any]) -> None:
    counters.advance(connection, payload["name"])
    connection.execute(insert(counter).values(name=payload["name"], value=1))  # exists: breaks


def echo(_connection: Connection, payload: Any) -> Any:
    return payload


HANDLERS = {"take": take, "refuse": take_and_refuse, "break": take_and_break, "echo": echo}


def nothing_before_commit(_connection: Connection, _outcomes: Sequence[Outcome]) -> None:
    """Nothing to seal."""


def requests(*commands: str) -> list[Request]:
    return [Request(command, {"name": "a"}) for command in commands]


def codes(outcomes: Sequence[Outcome]) -> list[object]:
    return [outcome.refusal.code if outcome.refusal else outcome.result for outcome in outcomes]


def count(engine: Engine, name: str = "a") -> int:
    with reading(engine) as connection:
        return counters.read(connection, name)


class TestBatches:
    def test_a_poison_command_fails_alone(self, engine: Engine) -> None:
        batches = Batches(engine, HANDLERS, nothing_before_commit)
        outcomes = batches.run(requests("take", "refuse", "take", "break", "unknown", "take"))
        assert codes(outcomes) == [1, "REFUSED_HERE", 2, "INTERNAL", "INTERNAL", 3]
        assert count(engine) == 3  # and took no number

    def test_a_refusal_keeps_its_facts(self, engine: Engine) -> None:
        outcome = Batches(engine, HANDLERS, nothing_before_commit).run(requests("refuse"))[0]
        assert outcome.refusal is not None
        assert outcome.refusal.facts == {"post": "PARIS", "number": 7}

    def test_the_last_act_sees_what_became_of_each(self, engine: Engine) -> None:
        seen: list[object] = []

        def seal(connection: Connection, outcomes: Sequence[Outcome]) -> None:
            seen.extend(outcome.result for outcome in outcomes)
            counters.advance(connection, "seals")
            for outcome in outcomes:
                outcome.result = f"sealed {outcome.result}"

        outcomes = Batches(engine, HANDLERS, seal).run(requests("take", "refuse", "take"))
        assert seen == [1, None, 2]  # the refused one is seen too: it is recorded
        assert codes(outcomes) == ["sealed 1", "REFUSED_HERE", "sealed 2"]
        assert count(engine, "seals") == 1

    def test_refusals_alone_are_seen_and_their_record_is_kept(self, engine: Engine) -> None:
        def seal(connection: Connection, _outcomes: Sequence[Outcome]) -> None:
            counters.advance(connection, "seals")

        Batches(engine, HANDLERS, seal).run(requests("refuse"))
        assert count(engine, "seals") == 1

    def test_one_that_cannot_be_sealed_harms_no_other(self, engine: Engine) -> None:
        def seal(_connection: Connection, outcomes: Sequence[Outcome]) -> None:
            if any(outcome.request.payload.get("unsealable") for outcome in outcomes):
                raise ValueError("cannot be sealed")

        batch = requests("take", "take", "take")
        batch[1].payload = {"name": "a", "unsealable": True}
        outcomes = Batches(engine, HANDLERS, seal).run(batch)
        assert codes(outcomes) == [1, "INTERNAL", 2]
        assert count(engine) == 2

    def test_without_a_custodian_the_batch_is_refused_at_once(self, engine: Engine) -> None:
        asked: list[int] = []

        def seal(_connection: Connection, outcomes: Sequence[Outcome]) -> None:
            asked.append(len(outcomes))
            raise ServiceError("UNAVAILABLE")

        outcomes = Batches(engine, HANDLERS, seal).run(requests("take", "take"))
        assert codes(outcomes) == ["UNAVAILABLE", "UNAVAILABLE"]
        assert asked == [2]  # not once more for each
        assert count(engine) == 0

    def test_a_claim_is_used_up_once_even_when_its_command_is_refused(self, engine: Engine) -> None:
        batches = Batches(engine, HANDLERS, nothing_before_commit)
        token = (claim_of("issuer", "jti"), EXPIRES)
        first = Request("refuse", {"name": "a"}, [token])
        again = Request("take", {"name": "a"}, [token])
        assert codes(batches.run([first])) == ["REFUSED_HERE"]
        assert codes(batches.run([again])) == ["PROOF_REPLAYED"]
        assert count(engine) == 0

    def test_one_claim_twice_in_a_batch_has_one_winner(self, engine: Engine) -> None:
        batches = Batches(engine, HANDLERS, nothing_before_commit)
        token = (claim_of("issuer", "jti"), EXPIRES)
        batch = [Request("take", {"name": "a"}, [token]) for _ in range(5)]
        assert codes(batches.run(batch)) == [1, *["PROOF_REPLAYED"] * 4]

    def test_a_malformed_claim_fails_alone(self, engine: Engine) -> None:
        batches = Batches(engine, HANDLERS, nothing_before_commit)
        broken = Request("take", {"name": "a"}, [(None, EXPIRES)])  # type: ignore[list-item]  # on purpose
        assert codes(batches.run([broken, *requests("take")])) == ["INTERNAL", 1]

    def test_a_database_that_is_gone_answers_for_all(self, tmp_path: Path) -> None:
        engine = open_engine(f"sqlite:///{tmp_path}/no/such/folder/ministry.db")
        outcomes = Batches(engine, HANDLERS, nothing_before_commit).run(requests("take", "take"))
        assert codes(outcomes) == ["INTERNAL", "INTERNAL"]

    def test_a_full_disk_is_named(self, tmp_path: Path, sqlite_template: Path) -> None:
        path = tmp_path / "ministry.db"
        path.write_bytes(sqlite_template.read_bytes())
        engine = open_engine(f"sqlite:///{path}")
        with engine.connect() as connection:  # the one connection of the pool
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")

        def fill(connection: Connection, _payload: object) -> None:
            for number in range(10_000):
                connection.execute(insert(counter).values(name=f"{number}" * 50, value=1))

        batches = Batches(engine, {**HANDLERS, "fill": fill}, nothing_before_commit)
        outcomes = batches.run(requests("take", "fill"))
        # SQLite gives up the whole transaction; the other command is then run again, alone.
        assert codes(outcomes) == [1, "STORAGE_FULL"]
        assert count(engine) == 1
        engine.dispose()


def batches_on(url: str) -> Batches:
    return Batches(open_engine(url), HANDLERS, nothing_before_commit)


class TestRegistrar:
    def test_many_callers_share_commits_and_get_their_own_answers(
        self, database_url: str, tmp_path: Path
    ) -> None:
        async def call() -> list[Any]:
            client = RegistrarClient(tmp_path / "r.sock")
            calls = [client.call("echo", {"n": n, "body": b"x" * n * 100}) for n in range(200)]
            answers = await asyncio.gather(*calls)
            client.close()
            return [answer["n"] for answer in answers]

        with RegistrarProcess(tmp_path / "r.sock", lambda: batches_on(database_url)):
            assert asyncio.run(call()) == list(range(200))

    def test_a_refusal_arrives_with_its_name_and_facts(
        self, database_url: str, tmp_path: Path
    ) -> None:
        async def call() -> ServiceError:
            client = RegistrarClient(tmp_path / "r.sock")
            with pytest.raises(ServiceError) as refused:
                await client.call("refuse", {"name": "a"})
            client.close()
            return refused.value

        with RegistrarProcess(tmp_path / "r.sock", lambda: batches_on(database_url)):
            refusal = asyncio.run(call())
        assert (refusal.code, refusal.facts) == ("REFUSED_HERE", {"post": "PARIS", "number": 7})

    def test_a_payload_of_half_a_mebibyte_passes_and_a_larger_one_is_not_sent(
        self, database_url: str, tmp_path: Path
    ) -> None:
        body = b"\x00\xff" * (250 * 1024)

        async def call() -> None:
            client = RegistrarClient(tmp_path / "r.sock")
            assert await client.call("echo", body) == body
            with pytest.raises(ServiceError, match="BODY_TOO_LARGE"):
                await client.call("echo", body * 2)
            assert await client.call("echo", 1) == 1
            client.close()

        with RegistrarProcess(tmp_path / "r.sock", lambda: batches_on(database_url)):
            asyncio.run(call())

    def test_a_full_queue_says_busy_and_loses_nothing(
        self, database_url: str, tmp_path: Path
    ) -> None:
        async def call(process: RegistrarProcess) -> list[object]:
            client = RegistrarClient(tmp_path / "r.sock")
            await client.call("take", {"name": "a"})
            process.freeze()  # commands pile up in its socket, then in its queue
            calls = [asyncio.create_task(client.call("take", {"name": "a"})) for _ in range(200)]
            await asyncio.sleep(0.1)
            process.thaw()
            answers = await asyncio.gather(*calls, return_exceptions=True)
            client.close()
            return [
                answer.code if isinstance(answer, ServiceError) else answer for answer in answers
            ]

        make = lambda: batches_on(database_url)  # noqa: E731 - read once, below
        with RegistrarProcess(tmp_path / "r.sock", make, capacity=8) as process:
            answers = asyncio.run(call(process))
        done = [answer for answer in answers if answer != "BUSY"]
        assert "BUSY" in answers
        assert done == list(range(2, 2 + len(done)))
        engine = open_engine(database_url)
        assert count(engine) == 1 + len(done)
        engine.dispose()

    def test_killed_under_load_it_loses_nothing_that_was_acknowledged(
        self, database_url: str, tmp_path: Path
    ) -> None:
        """SIGKILL in the middle of commits, five times (P7)."""
        path = tmp_path / "r.sock"
        acknowledged: list[int] = []

        async def load(process: RegistrarProcess, enough: int) -> None:
            client = RegistrarClient(path)

            reached = asyncio.Event()

            async def caller() -> None:
                with contextlib.suppress(ServiceError):
                    while True:
                        acknowledged.append(await client.call("take", {"name": "a"}))
                        if len(acknowledged) >= enough:
                            reached.set()

            callers = [asyncio.create_task(caller()) for _ in range(16)]
            await asyncio.wait_for(reached.wait(), 60)
            process.kill()
            await asyncio.gather(*callers)  # each ends with UNAVAILABLE
            client.close()

        engine = open_engine(database_url)
        for cycle in range(1, 6):
            with RegistrarProcess(path, lambda: batches_on(database_url)) as process:
                asyncio.run(load(process, cycle * 150))
            assert count(engine) >= max(acknowledged)
        assert len(set(acknowledged)) == len(acknowledged)  # nobody got another's number
        engine.dispose()

    def test_stopping_it_finishes_what_is_queued(self, database_url: str, tmp_path: Path) -> None:
        path = tmp_path / "r.sock"

        async def call(process: RegistrarProcess) -> list[object]:
            client = RegistrarClient(path)
            await client.call("echo", 0)
            process.freeze()
            calls = [asyncio.create_task(client.call("take", {"name": "a"})) for _ in range(20)]
            await asyncio.sleep(0.05)
            process.thaw()
            answers = await asyncio.gather(*calls)
            assert await asyncio.to_thread(process.stop) == 0
            with pytest.raises(ServiceError, match="UNAVAILABLE"):
                await client.call("take", {"name": "a"})
            return list(answers)

        with RegistrarProcess(path, lambda: batches_on(database_url)) as process:
            assert asyncio.run(call(process)) == list(range(1, 21))
        assert not path.exists()

    def test_the_client_finds_a_registrar_that_was_started_again(
        self, database_url: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "r.sock"

        async def call() -> None:
            client = RegistrarClient(path)
            with pytest.raises(ServiceError, match="UNAVAILABLE"):
                await client.call("echo", 0)
            with RegistrarProcess(path, lambda: batches_on(database_url)) as process:
                assert await client.call("echo", 1) == 1
                process.kill()
            with RegistrarProcess(path, lambda: batches_on(database_url)):
                for _ in range(2):  # the first may still meet the dead line
                    with contextlib.suppress(ServiceError):
                        answer = await client.call("echo", 2)
                assert answer == 2
            client.close()

        asyncio.run(call())

    def test_a_malformed_frame_closes_its_own_connection_only(
        self, database_url: str, tmp_path: Path
    ) -> None:
        path = tmp_path / "r.sock"

        async def call() -> None:
            client = RegistrarClient(path)
            assert await client.call("echo", 1) == 1
            for noise in (b"\xff" * 100, b"\x00\x00\x00\x01\xa0"):
                reader, writer = await asyncio.open_unix_connection(str(path))
                writer.write(noise)
                assert await asyncio.wait_for(reader.read(), 60) == b""
                writer.close()
            assert await client.call("echo", 2) == 2
            client.close()

        with RegistrarProcess(path, lambda: batches_on(database_url)):
            asyncio.run(call())

    def test_an_answer_that_never_comes_is_an_unknown_outcome(
        self, database_url: str, tmp_path: Path
    ) -> None:
        async def call(process: RegistrarProcess) -> None:
            client = RegistrarClient(tmp_path / "r.sock", patience=0.2)
            assert await client.call("echo", 1) == 1
            process.freeze()
            with pytest.raises(ServiceError, match="UNAVAILABLE"):
                await client.call("echo", 2)
            process.thaw()
            assert await client.call("echo", 3) == 3  # the late answer to 2 goes to nobody
            client.close()

        with RegistrarProcess(tmp_path / "r.sock", lambda: batches_on(database_url)) as process:
            asyncio.run(call(process))

    def test_what_a_command_needs_beforehand_keeps_no_other_waiting(
        self, sqlite_template: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "ministry.db"
        path.write_bytes(sqlite_template.read_bytes())
        found: list[str] = []
        ready, go = asyncio.Event(), threading.Event()

        def work_out(payload: str) -> None:
            assert go.wait(60)
            found.append(payload)
            if payload == "b":
                raise ValueError(payload)

        handlers = {
            "slow": lambda _connection, _payload: list(found),
            "quick": lambda _connection, _payload: list(found),
        }

        async def call() -> None:
            engine = open_engine(f"sqlite:///{path}")
            batches = Batches(engine, handlers, nothing_before_commit)
            registrar = Registrar(batches, {"slow": work_out})
            serving = asyncio.create_task(registrar.serve(tmp_path / "r.sock", ready))
            await ready.wait()
            client = RegistrarClient(tmp_path / "r.sock")
            slow = asyncio.create_task(client.call("slow", "a"))
            assert await client.call("quick", None) == []
            failing = asyncio.create_task(client.call("slow", "b"))
            assert await client.call("quick", None) == []
            registrar.stop()  # what was begun is still run and answered
            with pytest.raises(ServiceError, match="BUSY"):
                await client.call("quick", None)
            go.set()
            assert "a" in await slow
            assert "b" in await failing
            await serving
            client.close()
            engine.dispose()

        asyncio.run(call())

    def test_an_answer_too_long_for_a_frame_is_a_failure_not_a_silence(
        self, sqlite_template: Path, tmp_path: Path
    ) -> None:
        path = tmp_path / "ministry.db"
        path.write_bytes(sqlite_template.read_bytes())
        handlers = {"long": lambda _connection, _payload: b"x" * (MAX_FRAME + 1)}

        async def call() -> None:
            engine = open_engine(f"sqlite:///{path}")
            registrar = Registrar(Batches(engine, handlers, nothing_before_commit))
            ready = asyncio.Event()
            serving = asyncio.create_task(registrar.serve(tmp_path / "r.sock", ready))
            await ready.wait()
            client = RegistrarClient(tmp_path / "r.sock")
            with pytest.raises(ServiceError, match="INTERNAL"):
                await client.call("long", None)
            client.close()
            registrar.stop()
            await serving
            engine.dispose()

        asyncio.run(call())
