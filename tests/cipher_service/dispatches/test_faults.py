"""Every database call of every command fails once: all or nothing, and a repetition succeeds."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from cipher_service import clock
from cipher_service.dispatches.acknowledgements import judge as judge_receipt
from cipher_service.dispatches.integrity import check
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables import metadata
from cipher_service.storage.unit_of_work import reading
from keys.post_receipts import DELIVERED, PostReceipt, make_post_receipt
from keys.signing import RECEIPT
from tests.support.faults import Faults
from tests.support.ministry import Ministry, post_keys

BODY = b"age-encryption.org/v1\n0123456789"


@pytest.fixture
def faulty(tmp_path: Path, sqlite_template: Path) -> Iterator[tuple[Ministry, Faults]]:
    path = tmp_path / "ministry.db"
    path.write_bytes(sqlite_template.read_bytes())
    engine = open_engine(f"sqlite:///{path}")
    faults = Faults(engine)
    yield Ministry(engine, tmp_path), faults
    engine.dispose()


def state(ministry: Ministry) -> dict[str, int]:
    with reading(ministry.engine) as connection:
        return {
            table.name: int(connection.scalar(select(func.count()).select_from(table)) or 0)
            for table in metadata.sorted_tables
        }


class Numbers:
    """A fresh command each time: a new dispatch under the next number."""

    def __init__(self, ministry: Ministry) -> None:
        self.ministry = ministry
        self.last = 0

    def submit(self) -> tuple[str, Any]:
        self.last += 1
        slip = self.ministry.slip("PARIS", [("MINREX", self.last), ("LOME", self.last)], BODY)
        return "submit", self.ministry.judged(slip).to_payload(BODY)

    def open_upload(self) -> tuple[str, Any]:
        _, payload = self.submit()
        return "open_upload", {**payload, "body": None}

    def record_receipt(self) -> tuple[str, Any]:
        self.last += 1
        slip = self.ministry.slip("PARIS", [("LOME", self.last)], BODY)
        self.ministry.submit(slip, BODY)
        lome = post_keys("LOME")
        statement = PostReceipt(
            kind=DELIVERED,
            dispatch_id=slip.dispatch_id,
            post="LOME",
            card=lome.card.fingerprint,
            envelope_sha256=slip.envelope_sha256,
            at=clock.now().replace(microsecond=0),
        )
        data = make_post_receipt(statement, lambda text: lome.signing.sign(RECEIPT, text))
        judged = judge_receipt(data, self.ministry.directory, caller="LOME")
        return "record_receipt", judged.to_payload()


@pytest.mark.parametrize("command", [Numbers.submit, Numbers.open_upload, Numbers.record_receipt])
def test_whatever_call_fails_it_is_all_or_nothing(
    faulty: tuple[Ministry, Faults], command: Callable[[Numbers], tuple[str, Any]]
) -> None:
    ministry, faults = faulty
    numbers = Numbers(ministry)
    ministry.run(command(numbers))  # everything compiled and cached
    request = command(numbers)
    faults.arm(0)
    assert ministry.run(request)[0].refusal is None
    total = faults.calls
    assert total > 4
    for point in range(1, total + 1):
        request = command(numbers)
        before = state(ministry)
        faults.arm(point)
        outcome = ministry.run(request)[0]
        faults.arm(0)
        assert outcome.refusal is not None, f"call {point} of {total} failed and nobody was told"
        assert state(ministry) == before, f"call {point} of {total} left something"
        again = ministry.run(request)[0]
        assert again.refusal is None
    assert list(check(ministry.engine, ministry.blobs, ministry.custodian.service_key())) == []


def test_a_fault_in_one_command_of_a_batch_spares_the_others(
    faulty: tuple[Ministry, Faults],
) -> None:
    """The victim is told no; the others are told yes and are there, or no and are not."""
    ministry, faults = faulty
    numbers = Numbers(ministry)
    requests = [numbers.submit() for _ in range(3)]
    faults.arm(0)
    ministry.run(*requests)
    total = faults.calls
    for point in range(1, total + 1):
        requests = [numbers.submit() for _ in range(3)]
        before = state(ministry)["dispatch"]
        faults.arm(point)
        outcomes = ministry.run(*requests)
        faults.arm(0)
        accepted = sum(outcome.refusal is None for outcome in outcomes)
        assert state(ministry)["dispatch"] == before + accepted
        assert state(ministry)["receipt"] == state(ministry)["dispatch"]
        for request in requests:
            assert ministry.run(request)[0].refusal is None
    assert list(check(ministry.engine, ministry.blobs, ministry.custodian.service_key())) == []
