"""The root is known also to a service that starts while the bureau's keys are sealed."""

from datetime import UTC, datetime

from sqlalchemy import Engine

from cipher_service.directory.register import DirectoryReader
from cipher_service.identity.commands import Admissions
from cipher_service.storage.unit_of_work import unit_of_work
from keys.custody.core import Custody
from keys.endorsement import read_introduction

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _custodian() -> Custody:
    return Custody.generate("MINREX", valid_from=NOON, valid_until=NOON.replace(year=2028))


def _told(engine: Engine, custodian: Custody) -> bytes:
    """What a registrar that was just started says of the root."""
    admissions = Admissions(DirectoryReader(), custodian, "https://api")
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
