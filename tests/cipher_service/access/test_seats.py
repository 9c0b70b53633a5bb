"""Whoever fills the seats of an act (keys/ACTS.md) may do it by the policies: no vain signature."""

from collections.abc import Callable
from itertools import product

import pytest

from cipher_service.access.decisions import decide
from cipher_service.access.policies import default_policies
from cipher_service.access.subjects import (
    Book,
    Circumstances,
    Dispatch,
    Person,
    Principal,
    Resource,
)
from keys.act_rules import RULES
from tests.cipher_service.access.populations import NOW

Asked = tuple[str, bool, Callable[[int], Resource]]
STAMP = int(NOW.timestamp())
# Of each act that is signed from the list of acts: its action, whether the last signer is the
# principal of the decision, and what it is about at a rank.
ACTS: dict[str, Asked] = {
    "habilitation.grant": ("habilitation-grant", True, lambda rank: Person("OFF-9", "P", rank)),
    "function.assign": ("role-assign", False, lambda rank: Person("OFF-9", "P", rank)),
    "officer.resume": ("role-assign", False, lambda rank: Person("OFF-9", "P", rank)),
    "need.grant": ("grant-need", True, lambda rank: Dispatch("D", rank, origin="P")),
    "policy.change": ("policy-change", False, lambda _rank: Book("policies")),
}


def officer(number: str, function: str) -> Principal:
    return Principal(
        number,
        active=True,
        functions=frozenset({function}),
        post="P",
        clearance=4,
        habilitated_from=STAMP - 1,
        habilitated_until=STAMP + 1,
        trained_until=STAMP + 1,
    )


@pytest.mark.parametrize("kind", ACTS)
def test_no_seat_is_wider_than_the_policies(kind: str) -> None:
    action, last_decides, about = ACTS[kind]
    for rank in range(5):
        for functions in product(*map(sorted, RULES[kind].seats_at(rank))):
            signers = [officer(f"OFF-{n}", function) for n, function in enumerate(functions)]
            principal, other = (
                (signers[-1], signers[0]) if last_decides else (signers[0], signers[-1])
            )
            context = Circumstances(
                NOW,
                approver=other.officer_id,
                approver_functions=other.functions,
                proposer=signers[0].officer_id,
            )
            answer = decide(default_policies(), principal, action, about(rank), context)
            assert answer.allowed, (kind, rank, functions, answer.policies)
