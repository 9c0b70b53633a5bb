"""The root is known also to a service that starts while the bureau's keys are sealed."""

from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Engine

from cipher_service.directory.register import DirectoryReader
from cipher_service.identity.commands import Admissions
from cipher_service.storage.unit_of_work import unit_of_work
from keys.custody.compartment import NoLock, SecretCompartment
from keys.custody.core import Custody
from keys.custody.log_keys import HeadInMemory
from keys.endorsement import read_introduction, root_fingerprint

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _custodian() -> Custody:
    return Custody.generate("MINREX", valid_from=NOON, valid_until=NOON.replace(year=2028))


def _started(custodian: Custody) -> Admissions:
    return Admissions(DirectoryReader(), custodian, "https://api")


def _told(engine: Engine, custodian: Custody, admissions: Admissions | None = None) -> bytes:
    """What a registrar says of the root; without one, one that was just started."""
    admissions = admissions or _started(custodian)
    with unit_of_work(engine) as connection:
        root: bytes = admissions.seals(connection, {})["root"]
    return root


def test_what_was_introduced_once_outlives_the_process(engine: Engine) -> None:
    custodian = _custodian()
    introduced = _told(engine, custodian)
    assert introduced
    custodian.seal()
    assert _told(engine, custodian) == introduced
    root = read_introduction(introduced, custodian.card())
    assert root != custodian.card().verifying_key


def test_keys_that_never_were_open_introduce_nothing(engine: Engine) -> None:
    other, custodian = _custodian(), _custodian()
    assert _told(engine, other)
    custodian.seal()
    assert _told(engine, custodian) == b"", "another card's word is not this one's"


def test_a_root_called_compromised_is_introduced_to_nobody_from_then_on(engine: Engine) -> None:
    custodian = _custodian()
    admissions = _started(custodian)
    assert _told(engine, custodian, admissions)
    custodian.compromise_key(b"root/MINREX", b"1", b"vol")
    assert _told(engine, custodian, admissions) == b"", "the registrar that runs has forgotten it"
    assert _told(engine, custodian) == b"", "what is kept of it is not told"


def test_a_card_that_is_suspended_introduces_nothing_and_unsays_nothing(engine: Engine) -> None:
    before, custodian = _custodian(), _custodian()
    introduced = _told(engine, before)
    for each in (before, custodian):
        each.suspend_key(b"bureau/MINREX", b"1", b"doute")
    assert _told(engine, before) == introduced
    assert _told(engine, custodian) == b""


def test_another_root_under_the_same_card_takes_the_place_of_the_one_that_is_kept(
    engine: Engine,
) -> None:
    first, other = _custodian(), _custodian()
    _told(engine, first)
    bureau = replace(first.bureau, root=other.bureau.root)
    second = Custody(first.service, SecretCompartment(bureau, NoLock(bureau.card)), HeadInMemory())
    assert second.card() == first.card()
    told = read_introduction(_told(engine, second), first.card())
    assert root_fingerprint(told) == root_fingerprint(other.bureau.root.verifying_key)
