"""Headquarters puts right a bordereau that it sealed: who may, by two, and what follows."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from pypdfium2 import PdfDocument
from sqlalchemy import select, update

from cipher_service.administration.officer_keys import AtHand
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.errors import ServiceError
from cipher_service.pouches import closing, custody, rectifying, repository
from cipher_service.pouches.dossiers import dossier_of
from cipher_service.pouches.office import Office
from cipher_service.pouches.rectifying import Correction, Issued
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.age.files import encrypt
from keys.custody.bag_texts import RECTIFIED
from keys.custody.errors import GrantMissing, GrantOfAnother
from keys.errors import SignatureInvalid
from keys.signing import Signatures
from pouch.errors import RectificationNotTrusted, RectificationUnwitnessed
from pouch.facts import Received
from pouch.rectification import read_rectification, rectified
from pouch.verdict import Trust
from tests.support.bags import Device
from tests.support.ministry import PostKeys
from tests.support.ministry import custody as keys_of_headquarters
from tests.support.office import PouchBureau
from tests.support.pouch_officers import SigningBureau

TYPED = ("2.addressee=Consulat, Marseille", "weight=9400", "vehicle=")
REASON = "Erreur de transcription"


def put_right(
    bureau: PouchBureau,
    seal: str,
    *typed: str,
    office: Office | None = None,
    second: str | None = None,
) -> Issued:
    return rectifying.rectify(
        office or bureau.office,
        seal,
        Correction(typed or TYPED, REASON),
        by=bureau.chief,
        second=second or bureau.second,
    )


def refusal(act: Callable[[], object]) -> str:
    with pytest.raises(ServiceError) as caught:
        act()
    return caught.value.code


def differences(bureau: PouchBureau, seal: str, weight_g: int) -> list[str]:
    with reading(bureau.engine) as connection:
        found = repository.closing_of(connection, seal)
    assert found is not None
    facts = Received(seals=found.seals, condition="intact", weight_g=weight_g)
    event = Device("scales").tell(facts, officer="PAUL", place="PARIS", seal=seal, bag=found.bag)
    return [each.kind for each in custody.differences_of(found, event)]


def test_two_persons_put_words_and_a_weight_right_and_what_was_sealed_stays(
    bureau: PouchBureau,
) -> None:
    kept = bureau.closed()
    seal = kept.sealed.manifest.seal
    assert differences(bureau, seal, 9400) == ["weight-differs"]

    issued = put_right(bureau, seal)

    trust = Trust([keys_of_headquarters().card()])
    right = rectified(kept.sealed, [read_rectification(issued.file)], trust=trust)
    assert right.items[1].addressee == "Consulat, Marseille"
    assert (right.weight_g, right.waybill.carrier.vehicle) == (9400, None)
    statement = issued.statement
    assert statement.number == f"{kept.sealed.manifest.number}/R1"
    assert (statement.name, statement.function) == (
        "Agent CHIEF-POUCH",
        kept.sealed.manifest.certifier.function,
    )
    assert differences(bureau, seal, 9400) == []
    assert differences(bureau, seal, 7400) == ["weight-differs"]
    again = closing.papers_of(bureau.office, seal, by=bureau.chief)
    assert again.sealed.to_bytes() == kept.sealed.to_bytes()


def test_one_follows_the_other_and_nothing_legible_is_in_the_database(bureau: PouchBureau) -> None:
    kept = bureau.closed()
    seal = kept.sealed.manifest.seal
    first = put_right(bureau, seal)
    second = put_right(bureau, seal, "2.addressee=Consulat, Lyon")

    assert (second.statement.ordinal, second.statement.previous) == (2, first.statement.hash)
    files = [read_rectification(each.file) for each in (first, second)]
    trust = Trust([keys_of_headquarters().card()])
    assert rectified(kept.sealed, files, trust=trust).items[1].addressee == "Consulat, Lyon"
    assert differences(bureau, seal, 9400) == [], "what the first put right stays so"
    with reading(bureau.engine) as connection:
        rows = rectifying.rows_of(connection, seal)
        weights = [each.weight_g for each in rectifying.reweighed(connection, seal)]
        told = repr(connection.execute(select(tables.rectification)).all())
    opened = [rectifying.opened(row, keys_of_headquarters()) for row in rows]
    assert opened == files
    assert weights == [9400, 9400]
    assert not any(word in told for word in ("Marseille", "Lyon", "Chancellerie", REASON))


def test_its_papers_are_printed_again_and_a_dossier_knows_what_is_right(
    bureau: PouchBureau,
) -> None:
    kept = bureau.closed()
    seal = kept.sealed.manifest.seal
    unchanged = dossier_of(bureau.office, seal, by=bureau.chief)
    assert (unchanged.right, unchanged.filed) == (kept.sealed.manifest, ())
    issued = [put_right(bureau, seal), put_right(bureau, seal, "weight=9500", "carrier=A. Autre")]

    found = dossier_of(bureau.office, seal, by=bureau.agent)

    assert found.kept == kept
    assert [each.file for each in found.filed] == [each.file for each in issued]
    assert (found.right.weight_g, found.right.waybill.carrier.name) == (9500, "A. Autre")
    for ordinal, words in ((1, ("9,4", "Marseille")), (2, ("9,5", "A. Autre"))):
        printed = PdfDocument(found.paper(ordinal, "fr"))[0].get_textpage().get_text_bounded()
        text = " ".join(printed.split())
        for word in (*words, issued[ordinal - 1].statement.number, "Agent POUCH-AGENT"):
            assert word in text
    for ordinal in (0, 3):
        assert refusal(partial(found.paper, ordinal, "fr")) == "RECTIFICATION_UNKNOWN"
    assert refusal(lambda: dossier_of(bureau.office, seal, by=bureau.courier)) == "NOT_ALLOWED"


def test_what_somebody_wrote_into_the_books_as_a_rectification_prints_nothing(
    bureau: PouchBureau,
) -> None:
    seal = bureau.closed().sealed.manifest.seal
    file = canonical.decode(put_right(bureau, seal).file)
    file["statement"]["changes"][1]["now"] = 9300
    text = {"v": 1, "type": RECTIFIED, "levels": ["CONFIDENTIEL"], "rectification": file}
    body = encrypt(canonical.encode(text), [bureau.office.card.recipient])
    with unit_of_work(bureau.engine) as connection:
        connection.execute(update(tables.rectification).values(body=body))

    def look() -> object:
        return dossier_of(bureau.office, seal, by=bureau.chief)

    assert refusal(look) == "RECTIFICATION_FORGED"


def test_who_may_not_and_what_cannot_be_put_right(bureau: PouchBureau) -> None:
    seal = bureau.packed()
    assert refusal(lambda: put_right(bureau, seal)) == "NOT_SEALED_HERE"
    closing.close(bureau.office, seal, bureau.closure(), by=bureau.chief, second=bureau.second)

    def refused(correction: Correction, second: str = bureau.second) -> str:
        return refusal(
            lambda: rectifying.rectify(
                bureau.office, seal, correction, by=bureau.chief, second=second
            )
        )

    assert refusal(lambda: put_right(bureau, "0" * 32)) == "CLOSING_UNKNOWN"
    for second in (bureau.chief, bureau.agent, bureau.courier):
        assert refused(Correction(TYPED, REASON), second) == "NOT_ALLOWED"
    for typed in (
        *("1.quantity=2", "1.level=SECRET", "class=SECRET", "3.sender=Un service", "sender=A"),
        *("weight=7400", "weight=", "weight=7,4", "weight=0", "1.register=b 2", "1.sender="),
        *("consignee", "x.sender=A", f"consignee={'é' * 121}"),
    ):
        assert refused(Correction((typed,), REASON)) == "RECTIFICATION_IMPOSSIBLE", typed
    twice = Correction(("weight=7500", "weight=7600"), REASON)
    for wrong in (twice, Correction(TYPED, ""), Correction((), REASON)):
        assert refused(wrong) == "RECTIFICATION_IMPOSSIBLE"
    with reading(bureau.engine) as connection:
        assert rectifying.rows_of(connection, seal) == []


def test_of_two_at_once_one_is_on_record(bureau: PouchBureau) -> None:
    seal = bureau.closed().sealed.manifest.seal

    class Slow(WarrantedCustodian):
        """While it signs, others issue theirs."""

        def sign_rectification(self, statement: bytes, warrant: bytes = b"") -> Signatures:
            put_right(bureau, seal, "consignee=Le consul")
            return super().sign_rectification(statement, warrant)

    slow = Slow(keys_of_headquarters(), bureau.engine, "log.example/office", "account/tests")
    office = replace(bureau.office, custodian=slow)
    assert refusal(lambda: put_right(bureau, seal, office=office)) == "BUSY"
    with reading(bureau.engine) as connection:
        assert [row.ordinal for row in rectifying.rows_of(connection, seal)] == [1]


class Hand:
    """A second person whose own card the directory may not know."""

    def __init__(self, code: str) -> None:
        keys = PostKeys(code)
        self.card = keys.card
        self.sign, self.sign_cose = keys.signing.sign, keys.signing.sign_cose


def test_whom_a_second_card_closed_a_second_card_puts_right(bureau: PouchBureau) -> None:
    """Each time another person's: the bureau believes its own books of who signed before."""
    seal = bureau.packed()
    closer, first, second = Hand("TEMOIN-1"), Hand("TEMOIN-2"), Hand("TEMOIN-3")
    kept = closing.close(
        bureau.office, seal, bureau.closure(), by=bureau.chief, second=bureau.second,
        witness=closer,
    )  # fmt: skip
    with pytest.raises(RectificationUnwitnessed):
        put_right(bureau, seal)

    def issue(hand: Hand, *typed: str) -> bytes:
        return rectifying.rectify(
            bureau.office, seal, Correction(typed, REASON), by=bureau.chief, second=bureau.second,
            witness=hand,
        ).file  # fmt: skip

    files = [issue(first, "weight=9400"), issue(second, "weight=9500")]
    signed = [read_rectification(each) for each in files]
    cards = [keys_of_headquarters().card(), first.card, second.card]
    assert rectified(kept.sealed, signed, trust=Trust(cards)).weight_g == 9500
    with pytest.raises(RectificationNotTrusted):
        rectified(kept.sealed, signed, trust=Trust(cards[:2]))
    found = dossier_of(bureau.office, seal, by=bureau.chief)
    assert ([each.file for each in found.filed], found.right.weight_g) == (files, 9500)
    forger = Hand("TEMOIN-4")
    forger.sign = second.sign
    with pytest.raises(SignatureInvalid):
        issue(forger, "weight=9600")


def test_before_officers_it_is_signed_on_both_keys_and_on_neither_alone(
    bureau: PouchBureau, tmp_path: Path
) -> None:
    seal = bureau.closed().sealed.manifest.seal
    signing_bureau = SigningBureau.founded(bureau, tmp_path)
    at_hand = signing_bureau.at_hand

    def issue(*hands: AtHand, typed: str) -> Issued:
        return put_right(bureau, seal, typed, office=signing_bureau.office(*hands))

    chief = at_hand(bureau.chief)
    for hands in ((), (chief,), (chief, at_hand(bureau.chief))):
        with pytest.raises((GrantMissing, GrantOfAnother)):
            issue(*hands, typed="weight=9400")
    assert issue(chief, at_hand(bureau.second), typed="weight=9400").statement.ordinal == 1
    # What is kept of the first opens under the session of who issues the second.
    assert issue(chief, at_hand(bureau.second), typed="weight=9500").statement.ordinal == 2
    chief.close()
