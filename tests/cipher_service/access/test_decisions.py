"""The engine and a second evaluator say the same of every request; the proofs model the engine."""

import itertools
import os
from dataclasses import replace

import pytest
import z3

from cipher_service.access.decisions import decide, decide_many
from cipher_service.access.policies import default_policies
from cipher_service.access.proof.encoding import Environment, Literals
from cipher_service.access.shapes import shapes
from cipher_service.access.subjects import (
    Book,
    Circumstances,
    Dispatch,
    Key,
    Mandate,
    Person,
    Principal,
)
from tests.cipher_service.access import reference
from tests.cipher_service.access.populations import NOW, ROLES, Chance

POLICIES = default_policies()
FULL = os.environ.get("GATES") == "full"
STAMP = int(NOW.timestamp())
MINISTER = Principal(
    "OFF-1",
    active=True,
    functions=frozenset({"MINISTER"}),
    post="MINREX",
    clearance=4,
    habilitated_from=STAMP,
    habilitated_until=STAMP + 9,
    trained_until=STAMP + 9,
)


@pytest.mark.slow
def test_a_second_evaluator_agrees_on_every_pair() -> None:
    """Short form 6,000 pairs, long form (`make gates`) 200,000."""
    chance = Chance(11)
    actions = tuple(shapes().actions)
    yes = asked = 0
    for number in range(200_000 if FULL else 6_000):
        action = actions[number % len(actions)]
        person, context = chance.asks(action)
        thing = chance.resource(shapes().actions[action])
        answer = decide(POLICIES, person, action, thing, context)
        assert answer.allowed == reference.allowed(person, action, thing, context), (
            person,
            action,
            thing,
            context,
            answer,
        )
        yes += answer.allowed
        asked += 1
    print(f"{asked} pairs, {yes} allowed, 0 disagreements")
    assert yes > asked / 60


@pytest.mark.slow
def test_every_combination_of_a_small_world() -> None:
    """Exhaustive: functions x clearance x caveats x level x actions on a dispatch."""
    context = Circumstances(NOW, opened=True, new_level=4, new_caveats=frozenset({"NODIS"}))
    actions = [action for action, kind in shapes().actions.items() if kind == "Dispatch"]
    dispatches = [
        Dispatch(
            f"D{level}{nodis}",
            level,
            frozenset({"NODIS"} if nodis else ()),
            origin="MINREX",
            assigned="OFF-1",
        )
        for level, nodis in itertools.product(range(5), (False, True))
    ]
    steps = range(-1, 5) if FULL else (1,)
    for role, clearance, held, action in itertools.product(ROLES, steps, (False, True), actions):
        person = replace(
            MINISTER,
            functions=frozenset({role}),
            clearance=clearance,
            caveats=frozenset({"NODIS"} if held else ()),
        )
        answers = decide_many(POLICIES, person, action, dispatches, context)
        for dispatch, answer in zip(dispatches, answers, strict=True):
            assert answer.allowed == reference.allowed(person, action, dispatch, context)
            if answer.allowed:
                assert dispatch.level <= clearance
                assert held or not dispatch.caveats


def test_the_proofs_model_what_the_engine_does() -> None:
    """The formula of each action, given concrete values, has the engine's answer."""
    chance = Chance(5)
    literals = Literals()
    for action, kind in shapes().actions.items():
        environment = Environment(action, literals)
        formula = environment.allowed(POLICIES.tree)
        for _ in range(60 if FULL else 6):
            person, context = chance.asks(action)
            if isinstance(person, Principal):
                person = replace(person, mandates=())
            thing = chance.resource(kind)
            values = {
                "principal": person.attributes(),
                "resource": thing.attributes(),
                "context": context.attributes(None),
            }
            pairs = [
                (variable, _constant(values[base][name], literals))
                for (base, name), variable in environment.variables.items()
            ]
            solver = z3.Solver()
            solver.add(z3.substitute(formula, *pairs))
            modelled = solver.check() == z3.sat
            assert modelled == decide(POLICIES, person, action, thing, context).allowed


def _constant(value: object, literals: Literals) -> object:
    if isinstance(value, bool):
        return z3.BoolVal(value)
    if isinstance(value, list):
        built = z3.EmptySet(z3.IntSort())
        for one in value:
            built = z3.SetAdd(built, literals.number(one))
        return built
    return z3.IntVal(literals.number(value) if isinstance(value, str) else value)


def test_a_decision_names_what_determined_it() -> None:
    secret = Dispatch("D1", 3, frozenset({"NODIS"}))
    yes = decide(
        POLICIES,
        replace(MINISTER, caveats=frozenset({"NODIS"})),
        "read",
        secret,
        Circumstances(NOW),
    )
    assert (yes.allowed, yes.policies, yes.digest) == (True, ("minister-reads",), POLICIES.digest)
    no = decide(POLICIES, replace(MINISTER, clearance=2), "read", secret, Circumstances(NOW))
    assert (no.allowed, no.policies) == (False, ("lattice-caveats", "lattice-level"))
    nobody = decide(POLICIES, MINISTER, "audit-read", Book("log"), Circumstances(NOW))
    assert (nobody.allowed, nobody.policies) == (False, ())


def test_a_mandate_gives_a_function_and_no_habilitation() -> None:
    person = Person("OFF-9", "MINREX", 2)
    mandate = Mandate("M-1", "MINISTER", frozenset({"read", "revoke"}), 2)
    interim = replace(MINISTER, functions=frozenset({"DIRECTOR"}), clearance=3, mandates=(mandate,))
    context = Circumstances(NOW)
    done = decide(POLICIES, interim, "revoke", person, context)
    assert (done.allowed, done.mandate) == (True, "M-1")
    for level, allowed in ((2, True), (3, False)):
        assert decide(POLICIES, interim, "read", Dispatch("D1", level), context).allowed == allowed
    uncleared = replace(interim, clearance=1)
    refused = decide(POLICIES, uncleared, "read", Dispatch("D1", 2), context)
    assert not refused.allowed
    assert not decide(POLICIES, interim, "visa", Dispatch("D1", 0), context).allowed  # not covered
    signs = replace(interim, mandates=(replace(mandate, actions=frozenset()),))
    assert not decide(POLICIES, signs, "mandate-sign", person, context).allowed  # not handed on


def test_a_defect_of_the_caller_is_not_a_refusal() -> None:
    with pytest.raises(ValueError, match="fly"):
        decide(POLICIES, MINISTER, "fly", Dispatch("D1", 0), Circumstances(NOW))
    with pytest.raises(ValueError, match=r'"read"'):
        decide(POLICIES, MINISTER, "read", Key("K"), Circumstances(NOW))
    with pytest.raises(ValueError, match="D1"):
        decide_many(
            POLICIES, MINISTER, "read", [Dispatch("D1", 0), Dispatch("D1", 4)], Circumstances(NOW)
        )
    assert decide_many(POLICIES, MINISTER, "read", [], Circumstances(NOW)) == []
