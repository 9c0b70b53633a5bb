"""What somebody wrote into the books as a sealed bordereau is shown, printed and sent to nobody."""

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from cipher_service import clock
from cipher_service.directory import enrolment
from cipher_service.errors import ServiceError
from cipher_service.pouches import announcing, closing, planning, rectified_notices, rectifying
from cipher_service.pouches.dossiers import dossier_of
from cipher_service.pouches.rectifying import Correction
from cipher_service.pouches.signing import Kept
from cipher_service.storage.tables import directory
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.age.files import encrypt
from keys.custody.bag_texts import DRAWN, KEPT
from keys.custody.rotation import Terminal
from keys.custody.store import found, open_store, read_credential
from keys.statements import object_of_signatures
from pouch.manifest import Manifest
from pouch.members import manifest_object
from pouch.sealed import SealedManifest, Signed, seal_manifest
from tests.support.ministry import HEADQUARTERS, PostKeys, custody, post_keys
from tests.support.office import PouchBureau

FORGED = "SEALED_FORGED"


class Hand:
    """Whoever has keys and a card, as a sealer."""

    def __init__(self, keys: PostKeys) -> None:
        self.card = keys.card
        self.sign, self.sign_cose = keys.signing.sign, keys.signing.sign_cose


@pytest.fixture
def sitting(engine: Engine, tmp_path: Path) -> PouchBureau:
    """A bureau on each database."""
    bureau = PouchBureau(engine, tmp_path / "blobs")
    bureau.entrust(2)
    return bureau


def refusals(bureau: PouchBureau, seal: str) -> list[str]:
    """What each way to what was sealed answers."""

    def code(act: Callable[[], object]) -> str:
        try:
            act()
        except ServiceError as error:
            return error.code
        return "shown"

    def put_right() -> object:
        correction = Correction(("weight=9000",), "Erreur")
        return rectifying.rectify(
            bureau.office, seal, correction, by=bureau.chief, second=bureau.second
        )

    return [
        code(lambda: closing.papers_of(bureau.office, seal, by=bureau.chief)),
        code(lambda: dossier_of(bureau.office, seal, by=bureau.chief)),
        code(put_right),
        code(
            lambda: announcing.announce(
                bureau.office, _nobody(), seal, by=bureau.chief, authority=bureau.second
            )
        ),
    ]


def _nobody() -> Any:
    """A cipher bureau that is never reached."""
    return None


def write(engine: Engine, seal: str, **values: Any) -> None:
    """Write into the books as somebody with the database's password does."""
    with unit_of_work(engine) as connection:
        book = tables.sealed
        connection.execute(update(book).where(book.c.seal == seal).values(**values))


def kept_body(sealed: SealedManifest, nonce: str) -> bytes:
    text = {"v": 1, "type": KEPT, "nonce": nonce, "sealed": canonical.decode(sealed.to_bytes())}
    return encrypt(canonical.encode(text), [custody().card().recipient])


def drawn_body(manifest: Manifest, nonce: str) -> bytes:
    text = {"v": 1, "type": DRAWN, "nonce": nonce, "manifest": manifest_object(manifest)}
    return encrypt(canonical.encode(text), [custody().card().recipient])


def heavier(kept: Kept) -> Manifest:
    return replace(kept.sealed.manifest, weight_g=kept.sealed.manifest.weight_g + 1)


def test_what_the_bureau_sealed_is_shown_and_nothing_that_was_changed_since(
    sitting: PouchBureau,
) -> None:
    kept = sitting.closed()
    sealed, seal = kept.sealed, kept.sealed.manifest.seal
    assert closing.papers_of(sitting.office, seal, by=sitting.chief) == kept
    body = kept_body(sealed, kept.nonce)
    drawn = drawn_body(sealed.manifest, kept.nonce)
    signed = sealed.sealer
    own = {"fingerprint": signed.fingerprint, **object_of_signatures(signed.signatures)}
    apart = canonical.encode(own).decode("ascii")

    other_half = bytearray(signed.signatures.mldsa65)
    other_half[100] ^= 1
    half = Signed(signed.fingerprint, replace(signed.signatures, mldsa65=bytes(other_half)))
    line = canonical.encode(manifest_object(sealed.manifest)["items"][0])
    other_nonce = secrets.token_hex(16)
    for values in (
        {"body": kept_body(replace(sealed, manifest=heavier(kept)), kept.nonce)},
        {"body": kept_body(replace(sealed, sealer=half), kept.nonce)},
        {"body": kept_body(sealed, other_nonce)},
        {"body": kept_body(sealed, "no secret")},
        {"body": drawn_body(heavier(kept), kept.nonce), "sealer": apart},
        {"body": drawn},
        {"body": drawn, "sealer": "{}"},
        {"body": encrypt(line, [custody().card().recipient])},
        {"body": body, "number": f"{sealed.manifest.number}0"},
        {"body": body, "ordinal": sealed.manifest.ordinal + 1},
        {"body": body, "symbol": f"{sealed.seal.text[:-1]}{(int(sealed.seal.text[-1]) + 1) % 10}"},
    ):
        before = {
            "number": sealed.manifest.number,
            "ordinal": sealed.manifest.ordinal,
            "symbol": sealed.seal.text,
            "sealer": None,
        }
        write(sitting.engine, seal, **{**before, **values})
        assert refusals(sitting, seal) == [FORGED] * 4, values.keys()
    write(sitting.engine, seal, **{**before, "body": drawn, "sealer": apart})
    assert closing.papers_of(sitting.office, seal, by=sitting.chief) == kept


def test_a_bordereau_sealed_by_other_keys_is_not_the_bureaus_whatever_the_directory_says(
    sitting: PouchBureau,
) -> None:
    kept = sitting.closed()
    seal = kept.sealed.manifest.seal
    thief = PostKeys(HEADQUARTERS, edition=2, previous=custody().card().fingerprint)
    with unit_of_work(sitting.engine) as connection:
        card = dict(connection.execute(select(directory.card)).mappings().first() or {})
        card |= {
            "fingerprint": thief.card.fingerprint,
            "post": HEADQUARTERS,
            "edition": 2,
            "state": "superseded",
            "body": thief.card.to_bytes(),
        }
        connection.execute(insert(directory.card).values(**card))
    paris = replace(
        heavier(kept),
        waybill=replace(kept.sealed.manifest.waybill, origin="PARIS", destination=HEADQUARTERS),
    )
    for manifest, keys in ((heavier(kept), thief), (paris, post_keys("PARIS"))):
        forged = seal_manifest(manifest, sealer=Hand(keys))
        body = kept_body(forged, kept.nonce)
        write(sitting.engine, seal, body=body, symbol=forged.seal.text)
        assert refusals(sitting, seal) == [FORGED] * 4


def test_the_papers_of_one_bag_are_not_printed_as_anothers(sitting: PouchBureau) -> None:
    first = sitting.closed()
    bag = planning.add_bag(sitting.office, by=sitting.chief)
    second = sitting.closed(1, bag, *sitting.seals[2:4])
    seal, sealed = first.sealed.manifest.seal, second.sealed
    body = kept_body(sealed, second.nonce)
    write(sitting.engine, seal, body=body, symbol=sealed.seal.text)
    assert refusals(sitting, seal) == [FORGED] * 4


def test_a_rectification_is_not_sent_of_a_bordereau_that_was_forged(sitting: PouchBureau) -> None:
    kept = sitting.closed()
    seal = kept.sealed.manifest.seal
    correction = Correction(("weight=9000",), "Erreur")
    rectifying.rectify(sitting.office, seal, correction, by=sitting.chief, second=sitting.second)
    forged = kept_body(kept.sealed, secrets.token_hex(16))
    write(sitting.engine, seal, body=forged, announcement="01KAMV6R8P3ZDFWQ5XJ9T2C4EK")
    pair = {"by": sitting.chief, "authority": sitting.second}
    with pytest.raises(ServiceError) as refused:
        rectified_notices.announce_all(sitting.office, _nobody(), [seal], **pair)
    assert refused.value.code == FORGED


def test_what_was_sealed_by_an_earlier_card_of_the_bureau_is_printed_again(
    sitting: PouchBureau, tmp_path: Path
) -> None:
    store, credential = tmp_path / "custody", tmp_path / "credentials" / "wrapping"
    now = clock.now().replace(microsecond=0)
    year = timedelta(days=365)
    found(store, credential, HEADQUARTERS, now - timedelta(days=1), now + year)

    def seated() -> None:
        custodian = open_store(store, read_credential(credential))
        with unit_of_work(sitting.engine) as connection:
            enrolment.install(connection, custodian.card(), clock.now())
        sitting.office = replace(sitting.office, custodian=custodian)

    with unit_of_work(sitting.engine) as connection:  # this ministry was founded with other keys
        held = directory.card
        connection.execute(held.delete().where(held.c.fingerprint == custody().card().fingerprint))
    seated()
    sitting.entrust(2)  # enciphered to the card of now
    kept = sitting.closed()
    Terminal(store, read_credential(credential)).rotate(now, now + year, now)
    seated()
    seal = kept.sealed.manifest.seal
    assert sitting.office.card.edition == 2
    assert closing.papers_of(sitting.office, seal, by=sitting.chief) == kept
    secret = sha256(bytes.fromhex(kept.nonce)).hexdigest()
    assert kept.sealed.manifest.nonce_sha256 == secret
    with reading(sitting.engine) as connection:
        state = connection.scalar(
            select(directory.card.c.state).where(
                directory.card.c.fingerprint == kept.sealed.sealer.fingerprint
            )
        )
    assert state == "superseded"
