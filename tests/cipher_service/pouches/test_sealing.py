"""What waits to be sealed under two grants: one number, this pair, these books, or nothing."""

from dataclasses import replace
from typing import Any

import pytest

from cipher_service.errors import ServiceError
from cipher_service.pouches import (
    closing,
    handing_in,
    packing,
    planning,
    rectifying,
    repository,
    signing,
)
from cipher_service.pouches.makeup import NewLine
from cipher_service.pouches.preparing import find
from cipher_service.pouches.rectifying import Correction
from cipher_service.pouches.sealing import SealingDesk
from cipher_service.storage.unit_of_work import reading
from keys.custody.grants import OPEN, SEAL, Grant
from keys.custody.intents import request_digest
from keys.errors import Refusal
from pouch.bordereau import commit
from pouch.findings import Name
from pouch.verdict import Trust, judge
from tests.support.ministry import custody
from tests.support.office import ABSENT, PIECE, PouchBureau
from tests.support.registrar_acts import RegistrarActs


class Bag(RegistrarActs):
    """A packed bag, and what its officers do to seal it."""

    def __init__(self, bureau: PouchBureau, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(bureau, monkeypatch)
        self.seal = bureau.packed()
        self.acts = SealingDesk(self.seated, now=lambda: bureau.now).acts()
        self.told: dict[str, Any] = {}

    def prepare(self, *seals: str) -> bytes:
        """Draw up by the chief; give the claims."""
        bureau, closure = self.bureau, self.bureau.closure(*seals)
        number = self.act("bag_number", bureau.chief, seal=self.seal, certifier=bureau.chief)
        with bureau.office.look() as sitting:
            outline = closing.outline_of(sitting, self.seal, closure, by=bureau.chief, second=None)
        drawn = closing.draw_up(outline, closure, custody())
        assert number == {"number": drawn.manifest.number}
        self.told = {
            "number": drawn.manifest.number,
            "claims": signing.claims(drawn.manifest),
            "head": commit(drawn.manifest)[0],
            "nonce_sha256": drawn.manifest.nonce_sha256,
            "certifier": bureau.chief,
            "absent": sorted(ABSENT),
            "body": signing.enclose(drawn.manifest, drawn.nonce, custody().card()),
        }
        self.act("bag_prepare", bureau.chief, seal=self.seal, **self.told)
        return bytes(self.told["claims"])

    def grant(self, officer: str, claims: bytes, purpose: str = SEAL) -> None:
        """Let an officer's security key have answered for some claims."""
        said = Grant(
            officer, purpose, 0, None, request_digest("sign_seal", claims), 1, self.bureau.now
        )
        self.answers[officer] = said.encoded
        self.act("bag_grant_take", officer, seal=self.seal, ticket="ticket")

    def intend(self, officer: str, other: str, claims: bytes) -> None:
        request = request_digest("sign_seal", claims)
        self.act("sign_seal.intend", officer, bag=self.seal, other=other, request=request)

    def record(self, officer: str, other: str, claims: bytes) -> Any:
        """Have the custodian sign, and bring what it signed."""
        made = custody().sign_seal(claims)
        signatures = {"ed25519": made.full.ed25519, "mldsa65": made.full.mldsa65}
        named = {"seal": self.seal, "other": other, "cose": made.cose}
        return self.act("bag_seal", officer, **named, **signatures)

    def waits(self) -> bool:
        with reading(self.bureau.engine) as connection:
            return find(connection, self.seal) is not None


@pytest.fixture
def bag(bureau: PouchBureau, monkeypatch: pytest.MonkeyPatch) -> Bag:
    return Bag(bureau, monkeypatch)


def test_what_is_cut_short_anywhere_is_taken_up_again_under_one_number(bag: Bag) -> None:
    bureau = bag.bureau
    claims = bag.prepare()
    number = bag.told["number"]
    assert bag.prepare(*bureau.seals[2:4]) != claims
    claims = bag.prepare()
    assert bag.told["number"] == number
    bag.grant(bureau.chief, claims)
    bag.grant(bureau.second, claims)
    bag.intend(bureau.second, bureau.chief, claims)
    # Killed here, before or after the custodian signed: nothing is on record, and all of it waits.
    with reading(bureau.engine) as connection:
        assert signing.row_of(connection, bag.seal) is None
    bag.intend(bureau.chief, bureau.second, claims)
    assert bag.record(bureau.chief, bureau.second, claims) == {"number": number}
    assert not bag.waits()
    with pytest.raises(ServiceError, match="PREPARATION_OUTDATED"):
        bag.record(bureau.chief, bureau.second, claims)
    kept = closing.papers_of(bureau.office, bag.seal, by=bureau.chief)
    trusted = Trust([custody().card()])
    found = judge(kept.sealed.seal.text, trust=trusted, at=bureau.now, sealed=kept.sealed)
    assert found.name is Name.SEAL_GENUINE_MANIFEST_MATCHES
    with reading(bureau.engine) as connection:
        last = repository.events_of(connection, bag.seal)[-1]
    assert (last.officer, last.witness and last.witness.officer) == (bureau.chief, bureau.second)


def test_a_number_that_waits_is_no_other_bags(bureau: PouchBureau, bag: Bag) -> None:
    bureau.entrust(2)
    bag.prepare()
    other = planning.add_bag(bureau.office, by=bureau.chief)
    manifest = bureau.closed(2, other, *bureau.seals[2:4]).sealed.manifest
    assert (manifest.number != bag.told["number"], manifest.ordinal) == (True, 2)
    # By command the same bag takes its own number, and what waited is done with.
    kept = closing.close(
        bureau.office, bag.seal, bureau.closure(), by=bureau.chief, second=bureau.second
    )
    assert kept.sealed.manifest.number == bag.told["number"]
    assert not bag.waits()


def test_what_was_drawn_up_is_void_once_the_books_say_otherwise(bag: Bag) -> None:
    bureau = bag.bureau
    claims = bag.prepare()
    bag.grant(bureau.chief, claims)
    taken = packing.take_out(bureau.office, bag.seal, by=bureau.agent)
    assert not bag.waits()
    with pytest.raises(ServiceError, match="PREPARATION_OUTDATED"):
        bag.grant(bureau.second, claims)
    number = bag.told["number"]
    bag.prepare()
    assert bag.told["number"] == number
    packing.scan(bureau.office, bag.seal, str(taken), by=bureau.agent)
    assert not bag.waits()
    claims = bag.prepare()
    bureau.entrust(2)  # another letter: how many bags there are
    with pytest.raises(ServiceError, match="PREPARATION_OUTDATED"):
        bag.grant(bureau.chief, claims)


def test_a_robbed_console_has_nothing_signed_but_what_two_officers_granted(bag: Bag) -> None:
    bureau = bag.bureau
    chief, second, agent = bureau.chief, bureau.second, bureau.agent
    claims = bag.prepare()
    with pytest.raises(ServiceError, match="FORM_REFUSED"):
        bag.grant(chief, b"other claims")
    with pytest.raises(ServiceError, match="FORM_REFUSED"):
        bag.grant(chief, claims, purpose=OPEN)
    bag.grant(chief, claims)
    for other in (chief, second):  # alone, and with one whose key never answered
        with pytest.raises(ServiceError, match="FORM_REFUSED"):
            bag.intend(chief, other, claims)
    bag.grant(agent, claims)
    with pytest.raises(ServiceError, match="NOT_ALLOWED"):
        bag.intend(chief, agent, claims)  # who packed it
    bag.grant(second, claims)
    with pytest.raises(ServiceError, match="FORM_REFUSED"):
        bag.intend(second, agent, claims)  # without who closes it
    with pytest.raises(ServiceError, match="FORM_REFUSED"):
        bag.intend(chief, second, b"other claims")
    made = custody().sign_seal(claims)
    true = {"cose": made.cose, "ed25519": made.full.ed25519, "mldsa65": made.full.mldsa65}
    for name, size in (("cose", 64), ("mldsa65", 3309)):
        with pytest.raises(ServiceError, match="SEAL_NOT_OF_CARD"):
            bag.act("bag_seal", chief, seal=bag.seal, other=second, **{**true, name: bytes(size)})
    told = {**bag.told, "head": bytes(32)}
    with pytest.raises(ServiceError, match="PREPARATION_OUTDATED"):
        bag.act("bag_prepare", chief, seal=bag.seal, **told)
    bag.intend(chief, second, claims)


def test_what_the_books_would_refuse_is_refused_before_the_custodian_signs(bag: Bag) -> None:
    bureau = bag.bureau
    claims = bag.prepare("MX-000999")
    bag.grant(bureau.chief, claims)
    bag.grant(bureau.second, claims)
    with pytest.raises(Refusal, match="MX-000999"):
        bag.intend(bureau.chief, bureau.second, claims)
    told = {**bag.told, "absent": []}
    with pytest.raises(Refusal, match="not checked"):
        bag.act("bag_prepare", bureau.chief, seal=bag.seal, **told)


def test_who_closes_no_bag_prepares_none_either(bag: Bag) -> None:
    """Neither a number nor a preparation is taken that no pair could end."""
    bureau = bag.bureau
    bag.prepare()
    for agent in (bureau.agent, bureau.second):
        with pytest.raises(ServiceError, match="NOT_ALLOWED"):
            bag.act("bag_number", agent, seal=bag.seal, certifier=bureau.chief)
        with pytest.raises(ServiceError, match="NOT_ALLOWED"):
            bag.act("bag_prepare", agent, seal=bag.seal, **bag.told)


def test_an_officer_has_opened_what_put_a_bordereau_right_and_none_of_another_bag(
    bag: Bag,
) -> None:
    bureau = bag.bureau
    bureau.entrust(2)
    other = planning.add_bag(bureau.office, by=bureau.chief)
    away = bureau.closed(2, other, *bureau.seals[2:4]).sealed.manifest.seal
    closing.close(bureau.office, bag.seal, bureau.closure(), by=bureau.chief, second=bureau.second)
    right, pair = Correction(("weight=7500",), "Erreur"), (bureau.chief, bureau.second)
    for seal in (bag.seal, away):
        rectifying.rectify(bureau.office, seal, right, by=pair[0], second=pair[1])
    with reading(bureau.engine) as connection:
        own, others = (rectifying.rows_of(connection, seal)[0] for seal in (bag.seal, away))

    def opens(body: bytes) -> None:
        request = request_digest("open_bag_text", bytes(body))
        bag.act("open_bag_text.intend", bureau.chief, bag=bag.seal, request=request)

    opens(own.body)
    with pytest.raises(ServiceError, match="FORM_REFUSED"):
        opens(others.body)


def test_an_officer_has_opened_what_lies_in_the_bag_or_may_be_laid_in(bag: Bag) -> None:
    bureau = bag.bureau
    secret = packing.hand_in(bureau.office, PIECE, by=bureau.agent)
    elsewhere = replace(PIECE, destination="LOME")
    away = packing.hand_in(bureau.office, elsewhere, by=bureau.agent)
    with reading(bureau.engine) as connection:
        rows = {each: handing_in.piece_of(connection, each).body for each in (secret, away)}
        line = repository.lines_of(connection, bag.seal)[0].body

    def opens(body: bytes, officer: str = bureau.chief) -> None:
        request = request_digest("open_bag_text", bytes(body))
        bag.act("open_bag_text.intend", officer, bag=bag.seal, request=request)

    opens(line)
    opens(rows[secret])
    with pytest.raises(ServiceError, match="FORM_REFUSED"):
        opens(rows[away])
    with pytest.raises(ServiceError, match="NOT_ALLOWED"):
        opens(line, bureau.courier)
    piece = handing_in.open_piece(rows[secret], custody())
    made = packing.line_of(piece, 3, custody().card())
    line_map = {name: getattr(made, name) for name in NewLine.__slots__}
    lighter = {**line_map, "weight_g": 1}
    with pytest.raises(ServiceError, match="LINE_OF_ANOTHER"):
        bag.act("bag_lay", bureau.chief, seal=bag.seal, number=secret, line=lighter)
    laid = {"seal": bag.seal, "number": secret, "line": line_map}
    assert bag.act("bag_lay", bureau.chief, **laid) == {"new": True}
    assert bag.act("bag_lay", bureau.chief, **laid) == {"new": False}
