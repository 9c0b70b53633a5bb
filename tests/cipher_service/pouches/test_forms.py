"""The papers of arrival and end say what the books say."""

import pytest

from cipher_service.errors import ServiceError
from cipher_service.pouches import carriage, forms, mishaps, waybills
from cipher_service.pouches.carriage import Counted
from cipher_service.storage.unit_of_work import unit_of_work
from pouch.facts import INTACT
from pouch.locator import locator
from pouch.papers.forms import DiscrepancyReport, destruction_record, receipt
from tests.support.bags import NONCE
from tests.support.inbound import BAG, SEAL, SEALS, WEIGHT, sent_from_paris
from tests.support.ministry import custody
from tests.support.office import PouchBureau
from tests.support.office import carriage as carriage_of


def test_a_receipt_and_a_destruction_are_drawn_up_from_the_books(bureau: PouchBureau) -> None:
    made = sent_from_paris(bureau)
    made.arrive()
    office, chief = bureau.office, bureau.chief
    carriage.hand_over(office, locator(BAG), by=bureau.courier, to=bureau.agent, condition=INTACT)
    carriage.receive(office, SEAL, by=bureau.agent, seals=SEALS, condition=INTACT, weight_g=WEIGHT)
    carriage.open_bag(office, SEAL, by=chief, second=bureau.second)
    carriage.account(
        office, SEAL, Counted({1: 0}, unlisted=1), nonce=NONCE, by=chief, second=bureau.second
    )

    drawn = forms.receipt(office, SEAL, by=chief, number="R 1", ordinal=None, language="fr")

    assert (drawn.bag.ordinal, drawn.bag.packages) == (1, 1)
    assert drawn.handed_over_by == "Agent COURIER"
    assert (drawn.seals_read, drawn.weight_received_g, drawn.nonce) == (SEALS, WEIGHT, NONCE)
    assert (drawn.lines_announced, drawn.lines_conforming) == (3, 2)
    assert {(each.kind, each.line) for each in drawn.reserves} == {
        ("missing", 1),
        ("unlisted", None),
    }
    assert [each.name for each in drawn.signatories] == ["Agent CHIEF-POUCH", "Agent POUCH-AGENT"]
    assert receipt(drawn, "fr", "DIFFUSION RESTREINTE").startswith(b"%PDF")

    carriage.destroy(
        office, SEAL, [2, 3], ordered_by="Chef de mission", method="incinération", by=chief,
        second=bureau.second,
    )  # fmt: skip
    gone = forms.destruction(office, SEAL, by=chief, number="D 1", reason="périmé", language="en")
    assert [each.number.split(" / ")[1] for each in gone.objects] == ["2", "3"]
    assert destruction_record(gone, "en", "RESTRICTED").startswith(b"%PDF")


def test_a_report_names_its_bag_and_who_must_be_told(bureau: PouchBureau) -> None:
    seal = bureau.closed().sealed.manifest.seal
    (case,) = mishaps.report(bureau.office, seal, "bag-detained", by=bureau.agent)

    def report(bag_case: str, ordinal: int | None = None) -> DiscrepancyReport:
        return forms.discrepancy(
            bureau.office, bag_case, by=bureau.chief, number="I 1", ordinal=ordinal, language="fr",
            circumstances="-", effect="-", measures="-",
        )  # fmt: skip

    before = report(case)
    mishaps.advance(bureau.office, case, "notified", by=bureau.agent)
    after = report(case)

    assert (before.bag.ordinal, before.bag.packages) == (1, 1)
    assert before.noticed_by == "Agent POUCH-AGENT"
    assert {each.recipient for each in before.notices} == {
        "bureau-de-la-valise", "origin", "head-of-post",
    }  # fmt: skip
    assert {each.informed for each in before.notices} == {None}
    assert {each.informed for each in after.notices} == {bureau.now}

    made = sent_from_paris(bureau)
    with unit_of_work(bureau.engine) as connection:
        waybills.entrust(connection, "HOME-1", carriage_of(2, None), custody().card())
    (other,) = mishaps.report(bureau.office, made.manifest.seal, "bag-detained", by=bureau.agent)
    with pytest.raises(ServiceError) as refused:
        report(other)
    assert refused.value.code == "ORDINAL_NEEDED"
    assert report(other, 2).bag.ordinal == 2
