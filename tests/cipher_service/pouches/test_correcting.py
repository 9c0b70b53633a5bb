"""What waits to be put right under two grants: this pair, these books, these bytes, or nothing."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cipher_service.errors import ServiceError
from cipher_service.identity import approvals
from cipher_service.pouches import closing, correcting, rectifying
from cipher_service.pouches.correcting import CorrectingDesk
from cipher_service.pouches.dossiers import dossier_of
from cipher_service.pouches.rectifying import Correction
from cipher_service.pouches.sealing import SealingDesk
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.age.files import encrypt
from keys.custody.bag_texts import RECTIFYING
from keys.custody.grants import OPEN, SEAL, Grant
from keys.custody.intents import request_digest
from keys.errors import Refusal
from pouch.errors import RectificationMalformed
from pouch.rectification import Rectification, read_rectification
from tests.cipher_service.pouches.test_rectifying import Hand
from tests.support.ministry import custody
from tests.support.office import PouchBureau
from tests.support.registrar_acts import RegistrarActs
from tests.support.signing_in import SITE

OUTDATED = "RECTIFICATION_OUTDATED"


class Bag(RegistrarActs):
    """A sealed bag, and what its officers do to put it right."""

    def __init__(self, bureau: PouchBureau, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(bureau, monkeypatch)
        self.acts = CorrectingDesk(self.seated, now=lambda: bureau.now).acts()
        self.opens = SealingDesk(self.seated, now=lambda: bureau.now).acts()["open_bag_text.intend"]
        self.kept = bureau.closed()
        self.seal = self.kept.sealed.manifest.seal

    def act(self, name: str, officer: str, **payload: Any) -> Any:
        return super().act(name, officer, **{"seal": self.seal, **payload})

    def drawn(self, *typed: str, by: str | None = None) -> Rectification:
        bureau, author = self.bureau, by or self.bureau.chief
        with bureau.office.look() as sitting:
            stand = rectifying.stand_of(sitting, self.seal, author, None)
        found = dossier_of(bureau.office, self.seal, by=bureau.chief)
        correction = Correction(typed or ("2.addressee=Consulat, Marseille",), "Transcription")
        return rectifying.drawn(stand, correction, found.kept.sealed, found.right, bureau.now)

    def prepare(self, statement: Rectification, by: str | None = None) -> None:
        text = rectifying.enclosed(
            RECTIFYING, ["CONFIDENTIEL"], canonical.decode(statement.encode())
        )
        body = encrypt(text, [custody().card().recipient])
        officer = by or self.bureau.chief
        self.act("bag_rectify", officer, statement=statement.encode(), body=body)

    def grant_for(
        self, officer: str, statement: Rectification, purpose: str = SEAL, act: str = ""
    ) -> bytes:
        request = request_digest(act or "sign_rectification", statement.encode())
        return Grant(officer, purpose, 0, None, request, 1, self.bureau.now).encoded

    def grant(self, officer: str, statement: Rectification) -> None:
        """Let an officer's security key have answered for a statement."""
        self.answers[officer] = self.grant_for(officer, statement)
        self.act("bag_rectify_take", officer, statement=statement.encode(), ticket="ticket")

    def intend(self, officer: str, other: str, statement: Rectification) -> None:
        request = correcting.request_of(statement)
        self.act("sign_rectification.intend", officer, bag=self.seal, other=other, request=request)

    def record(self, officer: str, other: str, statement: Rectification, **more: Any) -> Any:
        made = custody().sign_rectification(statement.encode())
        told = {"ed25519": made.ed25519, "mldsa65": made.mldsa65, "levels": ["CONFIDENTIEL"]}
        given = {"other": other, "statement": statement.encode(), **told, **more}
        return self.act("bag_rectified", officer, **given)

    def waits(self) -> bool:
        with reading(self.bureau.engine) as connection:
            return correcting.find(connection, self.seal) is not None

    def waiting(self) -> correcting.Waiting:
        with reading(self.bureau.engine) as connection:
            found = correcting.find(connection, self.seal)
        assert found is not None
        return found


@pytest.fixture
def bag(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bag:
    """On each database."""
    bureau = PouchBureau(engine, tmp_path / "blobs")
    bureau.entrust()
    return Bag(bureau, monkeypatch)


def test_two_officers_put_a_bordereau_right_and_nothing_legible_waits(bag: Bag) -> None:
    bureau = bag.bureau
    bag.prepare(bag.drawn("weight=9000"))
    statement = bag.drawn("2.addressee=Consulat, Marseille", "weight=9400")
    bag.prepare(statement)  # which takes the place of the one before
    bag.grant(bureau.chief, statement)
    bag.grant(bureau.second, statement)
    with reading(bureau.engine) as connection:
        told = repr(connection.execute(select(tables.rectifying)).all())
    assert not any(word in told for word in ("Marseille", "Chancellerie", "Transcription", "9400"))
    bag.intend(bureau.second, bureau.chief, statement)
    # Killed here, before or after the custodian signed: nothing is on record, and all of it waits.
    assert bag.waits()
    assert bag.record(bureau.chief, bureau.second, statement) == {"number": statement.number}
    assert not bag.waits()
    found = dossier_of(bureau.office, bag.seal, by=bureau.chief)
    assert (found.right.weight_g, found.right.items[1].addressee) == (9400, "Consulat, Marseille")
    assert read_rectification(found.filed[0].file).statement == statement
    with reading(bureau.engine) as connection:
        [row] = rectifying.rows_of(connection, bag.seal)
    assert (row.first, row.second, row.weight_g) == (bureau.chief, bureau.second, 9400)

    head = bureau.person("CHIEF-CIPHER-POUCH")
    words = bag.drawn("2.addressee=Consulat, Lyon", by=head)
    bag.prepare(words, by=head)
    for officer in (head, bureau.chief):
        bag.grant(officer, words)
    bag.record(bureau.chief, head, words)
    found = dossier_of(bureau.office, bag.seal, by=bureau.chief)
    assert (found.right.weight_g, found.right.items[1].addressee) == (9400, "Consulat, Lyon")


def test_what_does_not_follow_from_the_books_waits_nowhere(bag: Bag) -> None:
    bureau, right = bag.bureau, bag.drawn("weight=9400")
    weight = right.changes[0]
    for wrong in (
        replace(right, number=f"{right.number}1"),
        replace(right, ordinal=2, previous="ab" * 32),
        replace(right, seal="ab" * 16),
        replace(right, bag="1" * 22),
        replace(right, digest="ab" * 32),
        replace(right, name="Quelqu'un d'autre"),
        replace(right, function="Ministre"),
        replace(right, changes=(replace(weight, was=7399),)),
        replace(right, made=right.made.replace(year=right.made.year + 1)),
    ):
        with pytest.raises(ServiceError) as caught:
            bag.prepare(wrong)
        assert caught.value.code == OUTDATED
    with pytest.raises(ServiceError) as caught:
        bag.prepare(right, by=bureau.person("CHIEF-CIPHER-POUCH"))
    assert caught.value.code == OUTDATED, "another answers for it"
    # Agents put nothing right, whoever would grant it beside them.
    for nobody in (bureau.courier, bureau.agent, bureau.second):
        with pytest.raises(ServiceError) as caught:
            bag.prepare(right, by=nobody)
        assert caught.value.code == "NOT_ALLOWED"
    assert not bag.waits()
    with pytest.raises(RectificationMalformed):
        bag.act("bag_rectify", bureau.chief, statement=b"{}", body=b"")


def test_a_statement_that_was_replaced_is_granted_and_recorded_no_more(bag: Bag) -> None:
    bureau = bag.bureau
    old, new = bag.drawn("weight=9000"), bag.drawn("weight=9400")
    bag.prepare(old)
    bag.grant(bureau.chief, old)
    bag.prepare(new)
    assert bag.waiting().granted == ()
    for officer in (bureau.chief, bureau.second):
        with pytest.raises(ServiceError, match=OUTDATED):
            bag.grant(officer, old)
        bag.grant(officer, new)
    with pytest.raises(ServiceError, match=OUTDATED):
        bag.record(bureau.chief, bureau.second, old)
    with pytest.raises(ServiceError, match="FORM_REFUSED"):
        bag.intend(bureau.chief, bureau.second, old)
    # By command another one is issued meanwhile: what waited follows from nothing.
    rectifying.rectify(
        bureau.office, bag.seal, Correction(("vehicle=",), "x"), by=bureau.chief,
        second=bureau.second,
    )  # fmt: skip
    assert not bag.waits()
    with pytest.raises(ServiceError, match=OUTDATED):
        bag.record(bureau.chief, bureau.second, new)


def test_the_pair_that_granted_it_records_it_and_nobody_else(bag: Bag) -> None:
    bureau, statement = bag.bureau, bag.drawn("weight=9400")
    bag.prepare(statement)
    chief, second = bureau.chief, bureau.second
    third = bureau.person("POUCH-AGENT")
    bag.grant(chief, statement)
    for pair in ((chief, chief), (chief, second), (second, third)):
        with pytest.raises(ServiceError, match="FORM_REFUSED"):
            bag.intend(*pair, statement)
        with pytest.raises(ServiceError, match="FORM_REFUSED"):
            bag.record(*pair, statement)
    bag.grant(second, statement)
    bag.grant(third, statement)
    with pytest.raises(ServiceError, match="FORM_REFUSED"):
        bag.record(second, third, statement)  # neither answers for it
    other = custody().sign_rectification(bag.drawn("weight=9500").encode())
    with pytest.raises(ServiceError, match="RECTIFICATION_NOT_OF_CARD"):
        bag.record(chief, second, statement, ed25519=other.ed25519)
    with pytest.raises(ServiceError, match="RECTIFICATION_NOT_OF_CARD"):
        bag.record(chief, second, statement, mldsa65=other.mldsa65)
    agent = bureau.agent  # who packed the bag
    bag.grant(agent, statement)
    with pytest.raises(ServiceError, match="NOT_ALLOWED"):
        bag.intend(chief, agent, statement)
    assert bag.waits()


def test_a_grant_is_put_before_an_officer_for_these_bytes_only(bag: Bag) -> None:
    bureau, statement = bag.bureau, bag.drawn("weight=9400")
    bag.prepare(statement)
    asked = {"nonce": b"nonce", "party": "office.example", "credentials": ["ab"], "back": "/x"}
    chief, second = bureau.chief, bureau.second

    def ask(officer: str, grant: bytes, said: Rectification = statement) -> Any:
        told = {"statement": said.encode(), "grant": grant, **asked}
        return bag.act("bag_rectify_ask", officer, **told)

    ticket = ask(second, bag.grant_for(second, statement))
    with unit_of_work(bureau.engine) as connection:
        shown = approvals.Approvals(lambda: SITE, {}, {}, "https://x", "log", lambda: bureau.now)
        seen = shown.show(connection, {"ticket": ticket})
    assert seen["beside"] == statement.encode()
    for wrong in (
        bag.grant_for(chief, statement),
        bag.grant_for(second, statement, purpose=OPEN),
        bag.grant_for(second, statement, act="sign_seal"),
        bag.grant_for(second, bag.drawn("weight=9500")),
    ):
        with pytest.raises(ServiceError, match="FORM_REFUSED"):
            ask(second, wrong)
    other = bag.drawn("weight=9500")
    with pytest.raises(ServiceError, match=OUTDATED):
        ask(second, bag.grant_for(second, other), other)
    with pytest.raises(ServiceError, match="NOT_ALLOWED"):
        ask(bureau.agent, bag.grant_for(bureau.agent, statement))


def test_what_waits_may_be_opened_for_its_bag_alone(bag: Bag) -> None:
    bureau = bag.bureau
    bag.prepare(bag.drawn("weight=9400"))
    body = bag.waiting().body
    request = request_digest("open_bag_text", body)
    with unit_of_work(bureau.engine) as connection:
        bag.opens(connection, bureau.second, {"bag": bag.seal, "request": request})
    other = request_digest("open_bag_text", body + b"x")
    with pytest.raises(ServiceError, match="FORM_REFUSED"), unit_of_work(bureau.engine) as one:
        bag.opens(one, bureau.second, {"bag": bag.seal, "request": other})


def test_whom_a_second_card_closed_no_pair_of_grants_puts_right(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bureau = PouchBureau(engine, tmp_path / "blobs")
    bureau.entrust()
    witness = Hand("TEMOIN-1")
    monkeypatch.setattr(
        bureau, "closed",
        lambda: closing.close(
            bureau.office, bureau.packed(), bureau.closure(), by=bureau.chief,
            second=bureau.second, witness=witness,
        ),
    )  # fmt: skip
    bag = Bag(bureau, monkeypatch)
    with pytest.raises(Refusal) as caught:
        bag.prepare(bag.drawn("weight=9400"))
    assert caught.value.code == "RECTIFICATION_UNWITNESSED"
