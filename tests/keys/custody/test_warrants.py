"""What stands behind an act, part by part: the grant in memory, and the intent in the log."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keys import canonical
from keys.custody import Custodian
from keys.custody.core import Custody
from keys.custody.errors import (
    GrantMalformed,
    GrantMissing,
    GrantTooLow,
    IntentMissing,
    IntentOutdated,
    TooMuchWaiting,
    WarrantMalformed,
)
from keys.custody.grants import (
    ENDORSE,
    SIGN,
    Grant,
    Grants,
    Wanted,
    grant_challenge,
    require_covers,
)
from keys.custody.intents import Expected, Warrant, request_digest, require_intent
from keys.log.errors import NoteNotSigned
from keys.log.leaves import commit
from keys.log.notes import Note
from keys.log.proofs import LogProof
from keys.log.succession import LogLine
from keys.merkle import leaf_hash
from tests.support.intents import ORIGIN, IntentLog, grant_of, granted
from tests.support.officers import CLERK, Hours, Ministry, whole_now

ACT, REQUEST = "open_sealed", (b"sealed",)
EXPECTED = Expected(ACT, request_digest(ACT, *REQUEST), None, CLERK)


@pytest.fixture(scope="module")
def custody() -> Custody:
    now = whole_now()
    return Custody.generate("MINREX", valid_from=now, valid_until=now + timedelta(days=1))


def _judge(custody: Custody, warrant: bytes, now: datetime | None = None) -> None:
    line = LogLine(custody.log_keys())
    require_intent(Warrant.parse(warrant), EXPECTED, line, ORIGIN, now or whole_now())


def _logged(record: bytes) -> bytes:
    """The warrant of a log that an honest custodian signed, whatever the entry says."""
    now = whole_now()
    custody = Custody.generate("MINREX", valid_from=now, valid_until=now + timedelta(days=1))
    log = IntentLog(custody)
    log.leaves.append(leaf_hash(commit(record, bytes(32))))
    log.sign()
    _judge(custody, Warrant(b"", record, bytes(32), log.proof(0)).encode())
    return record


def _record(**said: Any) -> bytes:
    at = int(whole_now().timestamp()) * 1_000_000
    return canonical.encode(
        {
            "type": "depeche/v1 audit",
            "outcome": "intended",
            "action": ACT,
            "request": EXPECTED.request,
            "resource": None,
            "actor": CLERK,
            "time_us": at,
            **said,
        }
    )


@pytest.mark.parametrize(
    ("record", "refusal"),
    [
        (b"\xff", WarrantMalformed),
        (b"[]", WarrantMalformed),
        (b"", WarrantMalformed),
        (_record(time_us="now"), IntentOutdated),
        (_record(time_us=None), IntentOutdated),
        (_record(time_us=2**53 - 1), IntentOutdated),
        (_record(time_us=-(2**53) + 1), IntentOutdated),
    ],
)
def test_an_entry_that_is_no_intent_of_now_carries_nothing(
    record: bytes, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        _logged(record)
    _logged(_record())


def test_an_intent_counts_for_five_minutes_on_either_side_and_no_longer() -> None:
    now = whole_now()
    own = Custody.generate("MINREX", valid_from=now, valid_until=now + timedelta(days=1))
    log, record = IntentLog(own), _record()
    log.leaves.append(leaf_hash(commit(record, bytes(32))))
    log.sign()
    warrant = Warrant(b"", record, bytes(32), log.proof(0)).encode()
    logged = datetime.fromtimestamp(canonical.decode(record)["time_us"] // 1_000_000, UTC)
    microsecond = timedelta(microseconds=1)
    for last, beyond in (
        (timedelta(seconds=300), microsecond),
        (timedelta(seconds=-300), -microsecond),
    ):
        _judge(own, warrant, logged + last)
        with pytest.raises(IntentOutdated):
            _judge(own, warrant, logged + last + beyond)


def test_a_warrant_is_closed_and_has_at_most_128_kib() -> None:
    at_most, beside = 128 * 1024, len(Warrant().encode())
    record = bytes((at_most - beside) // 4 * 3)
    whole = Warrant(record=record).encode()
    assert at_most - 4 < len(whole) <= at_most
    assert Warrant.parse(whole).record == record
    with pytest.raises(WarrantMalformed, match="at most 131072 bytes"):
        Warrant.parse(Warrant(record=record + bytes(3)).encode())
    with pytest.raises(WarrantMalformed, match=r"^(?!a warrant has)"):  # not by its length
        Warrant.parse(b"x" * at_most)
    more = {**canonical.decode(Warrant().encode()), "third": ""}
    with pytest.raises(WarrantMalformed):
        Warrant.parse(canonical.encode(more))


def test_a_warrant_s_parts_have_their_sizes_and_the_head_both_signatures(custody: Custody) -> None:
    log = IntentLog(custody)
    record, salt, place = log.intend(ACT, REQUEST, None, CLERK)
    log.sign()
    whole = Warrant(bytes(32), record, salt, log.proof(place))
    _judge(custody, whole.encode())
    with pytest.raises(IntentMissing):
        _judge(custody, b"")
    for wrong in (replace(whole, salt=salt[1:]), replace(whole, grant=bytes(31))):
        with pytest.raises(WarrantMalformed):
            _judge(custody, wrong.encode())
    proof = LogProof.parse(whole.proof)
    alone = Note(proof.note.text, proof.note.signatures[:1])
    with pytest.raises(NoteNotSigned):
        _judge(custody, replace(whole, proof=replace(proof, note=alone).encode()).encode())


def test_a_grant_of_too_many_uses_is_not_signed_and_a_nonce_has_its_length() -> None:
    assert Grant.parse(grant_of(CLERK, uses=500).encoded).uses == 500
    with pytest.raises(GrantMalformed):
        _ = grant_of(CLERK, uses=501).encoded
    with pytest.raises(ValueError, match="32 bytes"):
        grant_challenge(bytes(31), grant_of(CLERK).digest)


def test_a_grant_that_says_more_than_its_form_is_none() -> None:
    value = canonical.decode(grant_of(CLERK).encoded)
    with pytest.raises(GrantMalformed, match="more"):
        Grant.parse(canonical.encode({**value, "more": 1}))


def test_a_session_lasts_twelve_hours_at_most_and_what_names_something_five_minutes(
    custodian: Custodian, ministry: Ministry, hours: Hours
) -> None:
    """And no second longer: `test_demands` asks for one."""
    session = grant_of(CLERK, expires=hours.now + timedelta(hours=12))
    single = grant_of(CLERK, request="cd" * 32, expires=hours.now + timedelta(seconds=300))
    for each in (session, single):
        assert len(granted(ministry, custodian, each)) == 32


@pytest.mark.parametrize("purpose", [SIGN, ENDORSE])
def test_what_has_no_level_is_signed_only_by_a_grant_that_names_it(purpose: str) -> None:
    wanted = Wanted(purpose, None, None, EXPECTED.request)
    with pytest.raises(GrantTooLow):
        require_covers(grant_of(CLERK, purpose), wanted, 4)
    require_covers(grant_of(CLERK, purpose, request=EXPECTED.request), wanted, 4)


def test_a_flood_of_grants_is_bounded_and_time_makes_room(hours: Hours) -> None:
    grants = Grants(hours)
    grant = grant_of(CLERK)
    for _ in range(1024):
        grants.keep(grant)
    with pytest.raises(TooMuchWaiting):
        grants.keep(grant)
    hours.now = grant.expires
    token = grants.keep(replace(grant, expires=hours.now + timedelta(seconds=1)))
    assert grants.find(token).expires > hours.now
    grants.close_all()
    with pytest.raises(GrantMissing):
        grants.find(token)


def test_a_use_is_held_against_the_grant_once_more_where_it_is_counted(hours: Hours) -> None:
    """Between the judgement and the count the roll may have changed."""
    grants = Grants(hours)
    token = grants.keep(grant_of(CLERK, uses=1))
    wanted = Wanted("open", 4, None, EXPECTED.request)
    with pytest.raises(GrantTooLow):
        grants.use(token, wanted, 2)
    within = replace(wanted, rank=2)
    for _ in range(2):  # the same request is the same act
        grants.use(token, within, 2)
    with pytest.raises(GrantMissing):
        grants.use(token, replace(within, request="cd" * 32), 2)
