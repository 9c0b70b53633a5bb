"""The custodian is killed in every step of a closing: one bag, one seal, and no number lost."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from cipher_service.pouches import closing, planning, seal_store, signing
from cipher_service.pouches.signing import Kept
from cipher_service.storage.unit_of_work import reading
from keys.custody.errors import CustodianUnavailable
from pouch.findings import Name
from pouch.verdict import Trust, judge
from tests.support.dying_custodian import DyingCustodian
from tests.support.ministry import custody
from tests.support.office import PouchBureau
from tests.support.pouch_officers import SigningBureau, officers_of


@pytest.fixture
def dying(tmp_path: Path) -> Iterator[DyingCustodian]:
    with DyingCustodian(tmp_path) as dying:
        yield dying


def test_killed_in_any_step_a_bag_is_sealed_once_under_its_number(
    bureau: PouchBureau, dying: DyingCustodian
) -> None:
    people = officers_of(bureau)
    dying.found(custody(), people.roll)
    signing_bureau = SigningBureau(bureau, people, dying.remote)

    def close(seal: str, *seals: str) -> Kept:
        office = signing_bureau.office(*map(signing_bureau.at_hand, (bureau.chief, bureau.second)))
        return closing.close(
            office, seal, bureau.closure(*seals), by=bureau.chief, second=bureau.second
        )

    bureau.entrust(99)
    trust, numbers, cut = Trust([custody().card()]), [], 0
    for step in count(1):
        bag = planning.add_bag(bureau.office, by=bureau.chief)
        seal, seals = bureau.packed(1, bag), _two_seals(bureau, step)
        dying.start(step)
        try:
            kept = close(seal, *seals)
        except CustodianUnavailable:
            cut += 1
            with reading(bureau.engine) as connection:
                assert signing.row_of(connection, seal) is None
            died = dying.stop()
            assert died
            dying.start()
            kept = close(seal, *seals)
        else:
            died = False
        dying.stop()
        found = judge(kept.sealed.seal.text, trust=trust, at=bureau.now, sealed=kept.sealed)
        assert found.name is Name.SEAL_GENUINE_MANIFEST_MATCHES
        numbers.append(kept.sealed.manifest.number)
        if not died:
            break
        assert step < 200
    assert cut == step - 1 > 5
    assert [int(each[-6:]) for each in numbers] == list(range(1, step + 1))


def _two_seals(bureau: PouchBureau, step: int) -> tuple[str, ...]:
    numbers = [f"MX-{number:06d}" for number in (1000 + 2 * step, 1001 + 2 * step)]
    pair = {"by": bureau.chief, "second": bureau.agent}
    seal_store.take_in(bureau.office, numbers, sort="plastic", strength="S", **pair)
    return seal_store.issue(bureau.office, 2, **pair)
