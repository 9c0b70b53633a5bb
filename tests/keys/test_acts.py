"""Acts of several persons: each kind of act, tried with each attack that judging can refuse.

What needs a memory (replay, races, a second execution) is tried where acts are executed.
"""

import json
import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from keys import acts
from keys.act_rules import ANYONE, RULES
from keys.acts import (
    Act,
    ActMalformed,
    ActNotApproved,
    ActNotInForce,
    ActOutdated,
    Approval,
    ApprovalOfAnother,
    ApproverConcerned,
    ApproverNotCleared,
    ApproverNotInForce,
    ApproversNotDistinct,
    ApproverWithoutFunction,
    Person,
    approval_challenge,
    require_approved,
    require_may_sign,
)
from keys.errors import Refusal
from tests.support.acts import NOON, ULIDS, act, approvals, crew, person

PAGE = (Path(acts.__file__).parent / "ACTS.md").read_text("utf-8")
KINDS = [(kind, least) for kind, rule in RULES.items() for least, _ in rule.seats]
SHARED = [(kind, rank) for kind, rank in KINDS if len(RULES[kind].seats_at(rank)) > 1]
every_act = pytest.mark.parametrize(("kind", "rank"), KINDS)
every_shared_act = pytest.mark.parametrize(("kind", "rank"), SHARED)


def _judge(of: Act, signed: list[Approval], persons: list[Person], **changes: Any) -> None:
    values = {"now": NOON, "version": of.version, **changes}
    require_approved(of, signed, {each.id: each for each in persons}, **values)


@every_act
def test_an_act_that_everybody_signed_is_approved(kind: str, rank: int) -> None:
    persons = crew(kind, rank)
    of = act(kind, persons[0].id, rank=rank)

    for each in persons:
        known = {one.id: one for one in persons}
        require_may_sign(of, each.id, known, now=NOON, version=of.version)
    _judge(of, approvals(of, persons), persons)
    _judge(of, approvals(of, persons[::-1]), persons)
    assert Act.parse(of.encoded) == of


@every_shared_act
def test_one_person_alone_approves_nothing(kind: str, rank: int) -> None:
    """Attack 1: the proposer approves, whatever functions they hold."""
    everything = {each for seat in RULES[kind].seats_at(rank) for each in seat}
    alone = person(1, *everything)
    of = act(kind, alone.id, rank=rank)

    with pytest.raises(ActNotApproved):
        _judge(of, approvals(of, [alone]), [alone])
    with pytest.raises(ApproversNotDistinct):
        _judge(of, approvals(of, [alone, alone]), [alone])


@every_shared_act
def test_an_approver_does_not_count_twice(kind: str, rank: int) -> None:
    """Attack 2: one person with two accounts is one person."""
    persons = crew(kind, rank)
    of = act(kind, persons[0].id, rank=rank)

    with pytest.raises(ApproversNotDistinct):
        _judge(of, approvals(of, [*persons, persons[-1]]), persons)


@every_shared_act
def test_a_delegate_of_the_proposer_is_the_proposer(kind: str, rank: int) -> None:
    """Attack 3, in each direction of a mandate and for two mandates of one person."""
    persons = crew(kind, rank)
    of = act(kind, persons[0].id, rank=rank)
    chain = frozenset({"OFF-000099"})
    for first, last in (
        (frozenset(), frozenset({persons[0].id})),
        (frozenset({persons[-1].id}), frozenset()),
        (chain, chain),
    ):
        bound = [
            replace(persons[0], stands_for=first),
            *persons[1:-1],
            replace(persons[-1], stands_for=last),
        ]
        with pytest.raises(ApproversNotDistinct):
            _judge(of, approvals(of, bound), bound)


@every_act
def test_an_act_before_or_after_its_time_is_not_done(kind: str, rank: int) -> None:
    """Attack 4: expired (and not yet in force)."""
    persons = crew(kind, rank)
    of = act(kind, persons[0].id, rank=rank)

    for now in (of.expires, NOON - timedelta(seconds=1)):
        with pytest.raises(ActNotInForce):
            _judge(of, approvals(of, persons), persons, now=now)
    _judge(of, approvals(of, persons), persons, now=of.expires - timedelta(seconds=1))


CHANGES: list[dict[str, Any]] = [
    {"parameters": {"what": "something else"}},
    {"id": ULIDS[1]},
    {"resource": "thing/T-2"},
    {"version": 4},
    {"subjects": ("OFF-000077",)},
    {"authors": ("OFF-000077",)},
    {"reason": "Autre motif"},
    {"not_before": NOON - timedelta(seconds=1), "expires": NOON + timedelta(seconds=60)},
    {"expires": NOON + timedelta(seconds=60)},
]


@every_act
@pytest.mark.parametrize("change", CHANGES, ids=min)
def test_approvals_are_of_exactly_this_act(kind: str, rank: int, change: dict[str, Any]) -> None:
    """Attacks 5, 6 and 11: an approval is moved to other parameters, or to another act."""
    persons = crew(kind, rank)
    of = act(kind, persons[0].id, rank=rank)
    other = replace(of, **change)

    with pytest.raises(ApprovalOfAnother):
        _judge(other, approvals(of, persons), persons)


@every_act
def test_a_change_of_the_resource_voids_the_approvals(kind: str, rank: int) -> None:
    """Attack 7."""
    persons = crew(kind, rank)
    of = act(kind, persons[0].id, rank=rank)

    with pytest.raises(ActOutdated):
        _judge(of, approvals(of, persons), persons, version=4)


@every_act
@pytest.mark.parametrize(
    "change",
    [
        {"revoked": True},
        {"ends": NOON},
        {"starts": NOON + timedelta(seconds=1)},
    ],
    ids=["revoked", "over", "not yet"],
)
def test_whoever_lost_the_right_since_signing_does_not_count(
    kind: str, rank: int, change: dict[str, Any]
) -> None:
    """Attack 8, for each of the persons."""
    persons = crew(kind, rank)
    of = act(kind, persons[0].id, rank=rank)

    for place, each in enumerate(persons):
        now = [*persons[:place], replace(each, **change), *persons[place + 1 :]]
        with pytest.raises(ApproverNotInForce):
            _judge(of, approvals(of, persons), now)


@every_shared_act
def test_a_person_without_the_function_fills_no_seat(kind: str, rank: int) -> None:
    """Attack 9, for each of the persons; an unknown person is nobody."""
    persons = crew(kind, rank)
    of = act(kind, persons[0].id, rank=rank)

    for place, each in enumerate(persons):
        others = persons[:place] + persons[place + 1 :]
        now = [*others, replace(each, functions=frozenset({"COURIER"}))]
        with pytest.raises(ApproverWithoutFunction):
            _judge(of, approvals(of, persons), now)
        with pytest.raises(ApproverNotInForce):
            _judge(of, approvals(of, persons), others)


@every_act
def test_who_is_not_cleared_does_not_decide(kind: str, rank: int) -> None:
    persons = crew(kind, rank)
    of = act(kind, persons[0].id, rank=max(rank, 1))
    persons = crew(kind, of.rank)
    low = [*persons[:-1], replace(persons[-1], rank=of.rank - 1)]

    with pytest.raises(ApproverNotCleared):
        _judge(of, approvals(of, low), low)


@every_act
def test_nobody_decides_about_what_they_made(kind: str, rank: int) -> None:
    """Nor who stands for the author, nor for whom the author stands."""
    persons = crew(kind, rank)
    last = persons[-1]
    author = person(50, stands_for=frozenset({last.id}))
    for made, bound in (
        ((last.id,), last),
        (("OFF-000099",), replace(last, stands_for=frozenset({"OFF-000099"}))),
        ((author.id,), last),
    ):
        of = act(kind, persons[0].id, rank=rank, authors=made)
        now = [*persons[:-1], bound, author]
        with pytest.raises(ApproverConcerned):
            _judge(of, approvals(of, persons), now)


@every_shared_act
def test_nobody_decides_about_themselves(kind: str, rank: int) -> None:
    persons = crew(kind, rank)
    for each in persons:
        of = act(kind, persons[0].id, rank=rank, subjects=(each.id,))
        with pytest.raises(ApproverConcerned):
            _judge(of, approvals(of, persons), persons)


def test_everybody_may_make_themselves_safer() -> None:
    """P7: one person suffices, also about oneself."""
    alone = person(1, "COURIER")
    of = act("officer.revoke", alone.id, subjects=(alone.id,))
    _judge(of, approvals(of, [alone]), [alone])


@every_shared_act
def test_an_act_without_its_proposer_is_nobody_s(kind: str, rank: int) -> None:
    persons = crew(kind, rank)
    of = act(kind, "OFF-000099", rank=rank)
    with pytest.raises((ActNotApproved, ApproverWithoutFunction)):
        _judge(of, approvals(of, persons), persons)


def test_persons_are_seated_where_their_functions_allow() -> None:
    """Who could take either seat leaves it to who can take one only."""
    keeper = person(1, "CUSTODIAN-A")
    either, other = person(2, "CUSTODIAN-B", "CHIEF-CNTC"), person(3, "CUSTODIAN-B")
    of = act("key.destroy", keeper.id)

    for order in ([keeper, either, other], [keeper, other, either]):
        _judge(of, approvals(of, order), order)
    keepers = [keeper, other, person(4, "CUSTODIAN-B")]
    for too_few in ([keeper, either], keepers):
        with pytest.raises(ActNotApproved):
            _judge(of, approvals(of, too_few), too_few)


def _altered(**changes: Any) -> bytes:
    value = json.loads(act("officer.admit", "OFF-000001").encoded) | changes
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "data",
    [
        _altered(v=2),
        _altered(type="depeche/v1 card"),
        _altered(id="1"),
        _altered(kind="officer.crown"),
        _altered(kind="x" * 1000),
        _altered(kind=7),
        _altered(resource="thing"),
        _altered(version=-1),
        _altered(rank=-1),
        _altered(parameters=[]),
        _altered(proposer="the minister"),
        _altered(subjects=["OFF-000001", "OFF-000001"]),
        _altered(authors=None),
        _altered(seats=[["COURIER"], ["COURIER"]]),
        _altered(seats=[]),
        _altered(reason=""),
        _altered(reason=" \n "),
        _altered(reason="x" * 501),
        _altered(reason="approve \u202e yfed"),
        _altered(reason="zero\u200bwidth"),
        _altered(reason="bell\a"),
        _altered(expires="2026-11-22T12:00:00Z"),
        _altered(expires="2026-11-23T12:00:01Z"),
        _altered(more=1),
        _altered(parameters={"much": "x" * 65_536}),
        b"{}",
        b"",
    ],
)
def test_what_is_not_an_act_is_refused(data: bytes) -> None:
    with pytest.raises(ActMalformed):
        Act.parse(data)


def test_an_act_has_a_most() -> None:
    with pytest.raises(ActMalformed, match="at most 65536 bytes"):
        Act.parse(b"[" * (64 * 1024 + 1))
    with pytest.raises(ActMalformed) as refused:
        Act.parse(b"[" * 64 * 1024)
    assert "at most" not in str(refused.value)


def test_nobody_signs_what_is_not_in_force_or_of_another_version() -> None:
    persons = crew("officer.admit", 1)
    of, known = act("officer.admit", persons[0].id), {each.id: each for each in persons}
    signing = partial(require_may_sign, of, persons[0].id, known)
    signing(now=NOON, version=of.version)
    with pytest.raises(ActNotInForce):
        signing(now=of.expires, version=of.version)
    with pytest.raises(ActOutdated):
        signing(now=NOON, version=of.version + 1)


def test_an_act_that_its_readers_would_refuse_is_not_written() -> None:
    with pytest.raises(ActMalformed):
        _ = act("officer.admit", "OFF-000001", reason="").digest
    with pytest.raises(ActMalformed):
        _ = replace(act("officer.admit", "OFF-000001"), kind="officer.crown").digest
    with pytest.raises(ActMalformed):
        _ = act("officer.admit", "OFF-000001", rank=-1).digest


def test_the_challenge_is_the_one_of_the_page() -> None:
    of, nonce = act("officer.admit", "OFF-000001"), bytes(range(32))
    digest = sha256(b"depeche/v1 act\0" + of.encoded).digest()

    assert of.digest == digest
    expected = sha256(b"depeche/v1 approval\0" + nonce + digest).digest()
    assert approval_challenge(nonce, digest) == expected
    with pytest.raises(ValueError):
        approval_challenge(b"", digest)


def _row(kind: str, least: int) -> str:
    rule = RULES[kind]
    seats = " + ".join(
        "anyone (`[]`)" if seat == ANYONE else " or ".join(sorted(seat))
        for seat in rule.seats_at(least)
    )
    minutes = rule.seconds // 60
    time = f"{minutes} min" if minutes < 60 else f"{minutes // 60} h"
    return f"| `{kind}` | {least} | {seats} | {time} |"


def test_the_page_holds_the_table_of_acts() -> None:
    page = PAGE[: PAGE.index("## 5.")]
    rows = re.findall(r"^\| `[a-z]+\.[a-z-]+` \|.*$", page, re.MULTILINE)
    assert rows == [_row(kind, least) for kind, least in KINDS]


def test_the_page_names_every_refusal() -> None:
    codes = {
        each.code
        for each in vars(acts).values()
        if isinstance(each, type) and issubclass(each, Refusal) and each is not Refusal
    }
    checks = PAGE[PAGE.index("## 3.") : PAGE.index("## 4.")] + PAGE[: PAGE.index("## 2.")]
    assert codes == set(re.findall(r"`((?:ACT|APPROV)[A-Z_]+)`", checks))


def test_only_acts_that_make_things_safer_are_anyone_s() -> None:
    """P6, P7: every other act has at least two seats, and functions for each.

    Save two, below CONFIDENTIEL: the release by another person than the author, a need to know.
    """
    for kind, rule in RULES.items():
        for least, seats in rule.seats:
            assert rule.seconds <= 72 * 3600
            below = kind == "dispatch.release-alone" or (kind == "need.grant" and least == 0)
            alone = len(seats) == 1 and not below
            assert alone == (ANYONE in seats) == rule.subject_may == (kind == "officer.revoke")


@pytest.mark.parametrize(
    ("proposer", "approver"),
    [
        ("SECRETARY-GENERAL", "SECRETARY-GENERAL"),
        ("SECURITY-OFFICER", "SECURITY-OFFICER"),
        ("SECRETARY-GENERAL", "SECURITY-OFFICER"),
    ],
)
def test_proposing_and_approving_take_each_their_own_function(proposer: str, approver: str) -> None:
    """Two security officers, or two Secretaries-General, admit nobody."""
    persons = [person(1, proposer), person(2, approver)]
    of = act("officer.admit", persons[0].id)

    with pytest.raises(ApproverWithoutFunction):
        _judge(of, approvals(of, persons), persons)
    wrong = persons[0] if proposer == "SECRETARY-GENERAL" else persons[1]
    with pytest.raises(ApproverWithoutFunction):
        require_may_sign(of, wrong.id, {wrong.id: wrong}, now=NOON, version=of.version)
