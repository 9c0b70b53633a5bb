"""The receiver of a bag is told by an enciphered dispatch, once, in the name of who sealed it."""

from datetime import timedelta
from pathlib import Path

import pytest

from cipher_service.audit.journal import Journal
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.dispatches.lists import dispatch_of
from cipher_service.pouches import signing
from cipher_service.pouches.announcing import PATIENCE, Announcing
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.unit_of_work import reading
from keys.dispatch import decipher
from keys.identity import Identity
from pouch.sealed import read_sealed
from tests.support.ministry import custody, post_keys
from tests.support.office import PouchBureau


@pytest.fixture
def announcing(bureau: PouchBureau, tmp_path: Path) -> Announcing:
    journal = Journal(bureau.engine, "log.example/office", "account/tests")
    cipher = HeadquartersBureau(bureau.engine, Blobs(tmp_path), custody(), "MINREX", journal)
    return Announcing(bureau.office, cipher)


def test_a_sealed_bag_is_announced_once_to_its_receiver_alone(
    bureau: PouchBureau, announcing: Announcing, tmp_path: Path
) -> None:
    kept = bureau.closed()
    assert announcing.round() == [], "who sealed may still do so"
    bureau.now += PATIENCE

    (told,) = announcing.round()

    assert announcing.round() == []
    with reading(bureau.engine) as connection:
        record = dispatch_of(connection, "PARIS", told.dispatch_id)
        assert signing.unannounced(connection) == []
    card = custody().card()
    paris = post_keys("PARIS")
    with (
        Blobs(tmp_path).path(record.sha256).open("rb") as envelope,
        decipher(
            envelope,
            opener=Identity(paris.card, paris.signing, paris.hybrid, paris.api),
            find_sender={card.fingerprint: card}.get,
            workspace=tmp_path,
        ) as opened,
    ):
        names = {path.name: path for path in opened.folder.rglob("*") if path.is_file()}
        sealed = read_sealed(names["001-manifest.json"].read_bytes())
        assert b"MX-" not in names["message.txt"].read_bytes(), "the seals are read blindly"
    assert sealed.to_bytes() == kept.sealed.to_bytes()


def test_what_cannot_be_announced_waits_and_the_bag_stays_sealed(
    bureau: PouchBureau, announcing: Announcing
) -> None:
    bureau.closed()
    bureau.now += timedelta(days=400)  # nobody holds a function any more

    assert announcing.round() == []
    with reading(bureau.engine) as connection:
        assert len(signing.unannounced(connection)) == 1
