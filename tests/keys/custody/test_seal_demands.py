"""A bag's seal and a post's card before a custodian with officers: two of them, each for it."""

from collections.abc import Callable
from typing import Any

import pytest

from keys.acts import ApproverWithoutFunction
from keys.custody import Custodian
from keys.custody.core import Custody
from keys.custody.desk import SealSignatures
from keys.custody.errors import GrantMissing, GrantOfAnother, GrantTooLow, IntentOfAnother
from keys.custody.intents import Warrant, request_digest
from keys.devices import RECTIFICATION
from keys.signing import Signatures
from pouch.seal import claims_of
from pouch.sealed import seal_manifest
from tests.support import valise
from tests.support.intents import IntentLog, grant_of, granted
from tests.support.officers import CELL, FUNCTIONS, GENERAL, SECURITY, Ministry
from tests.support.rectifying import rectification
from tests.vectors.forge import identity

Appoint = Callable[[dict[str, dict[str, Any]]], None]


def with_function(functions: dict[str, str]) -> dict[str, dict[str, Any]]:
    """These officers with one function each, everyone else a clerk."""
    return {
        number: {"functions": frozenset({functions.get(number, "CIPHER-CLERK")})}
        for number in FUNCTIONS
    }


SEALERS = with_function({GENERAL: "CHIEF-CIPHER-POUCH", CELL: "POUCH-AGENT"})


def test_a_robbed_service_seals_a_bag_with_one_officer_in_its_hand(
    custodian: Custodian, appoint: Appoint, ministry: Ministry
) -> None:
    """A seal is of two officers, each for this very bag; a session to seal serves for none."""
    appoint(SEALERS)
    log, post = IntentLog(custodian), custodian.card().post
    claims, other = (
        claims_of(valise.manifest(lines, waybill=valise.waybill(origin=post)), None).encode()
        for lines in (2, 3)
    )

    def granted_by(officer: str, **changes: Any) -> bytes:
        request = request_digest("sign_seal", claims)
        named = {"request": request, "uses": 1, **changes}
        return granted(ministry, custodian, grant_of(officer, "seal", **named))

    def seal(said: bytes, first: bytes, second: bytes) -> SealSignatures:
        record, salt, place = log.intend("sign_seal", (said,), None, GENERAL)
        log.sign()
        warrant = Warrant(first, record, salt, log.proof(place), second).encode()
        return custodian.sign_seal(said, warrant)

    chief, agent = granted_by(GENERAL), granted_by(CELL)
    for first, second, refusal in (
        (chief, b"", GrantMissing),
        (b"", agent, GrantMissing),
        (chief, chief, GrantOfAnother),
        (chief, granted_by(GENERAL), GrantOfAnother),
        (chief, granted_by(CELL, request=None), GrantTooLow),
        (granted_by(GENERAL, request=None), agent, GrantTooLow),
        (agent, chief, IntentOfAnother),
    ):
        with pytest.raises(refusal):
            seal(claims, first, second)
    with pytest.raises(GrantOfAnother):
        seal(other, chief, agent)
    assert len(seal(claims, chief, agent).cose) == 64


def test_no_officer_alone_puts_a_bordereau_right(
    custodian: Custodian, appoint: Appoint, ministry: Ministry
) -> None:
    appoint(SEALERS)
    log = IntentLog(custodian)
    sealed = seal_manifest(valise.manifest(), sealer=identity("YAOUNDE"))
    said, other = (rectification(sealed, reason=reason).encode() for reason in ("Un", "Autre"))
    named = {"request": request_digest("sign_rectification", said), "uses": 1}

    def signed(statement: bytes, first: bytes, second: bytes) -> Signatures:
        record, salt, place = log.intend("sign_rectification", (statement,), None, GENERAL)
        log.sign()
        warrant = Warrant(first, record, salt, log.proof(place), second).encode()
        return custodian.sign_rectification(statement, warrant)

    chief, agent = (
        granted(ministry, custodian, grant_of(officer, "seal", **named))
        for officer in (GENERAL, CELL)
    )
    for second, refusal in ((b"", GrantMissing), (chief, GrantOfAnother)):
        with pytest.raises(refusal):
            signed(said, chief, second)
    with pytest.raises(GrantOfAnother):
        signed(other, chief, agent)
    both = signed(said, chief, agent)
    custodian.card().verifying_key.verify(RECTIFICATION, said, both)


def test_no_officer_alone_has_the_root_vouch_for_a_post_s_card(
    custodian: Custodian, appoint: Appoint, ministry: Ministry, lome: Custody
) -> None:
    """Whoever robs the service with one officer in its hand puts no false post into the books."""
    appoint(with_function({SECURITY: "SECURITY-OFFICER", CELL: "CUSTODIAN-A"}))
    log, card = IntentLog(custodian), lome.card().to_bytes()
    named = {"request": request_digest("endorse_card", card), "uses": 1}

    def endorse(first: bytes, second: bytes) -> bytes:
        record, salt, place = log.intend("endorse_card", (card,), None, SECURITY)
        log.sign()
        warrant = Warrant(first, record, salt, log.proof(place), second).encode()
        return custodian.endorse_card(card, warrant)

    one = granted(ministry, custodian, grant_of(SECURITY, "endorse", **named))
    for second, refusal in ((b"", GrantMissing), (one, GrantOfAnother)):
        with pytest.raises(refusal):
            endorse(one, second)
    with pytest.raises(ApproverWithoutFunction):
        granted(ministry, custodian, grant_of(GENERAL, "endorse", **named))
    other = granted(ministry, custodian, grant_of(CELL, "endorse", **named))
    assert lome.card().fingerprint.encode() in endorse(one, other)
