"""The shipped policies are proved; every mistake made in them on purpose is found."""

import os
import random
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import cedarpy
import pytest

from cipher_service.access.decisions import entity
from cipher_service.access.matrix import as_markdown, default_matrix, read_matrix
from cipher_service.access.policies import (
    Policies,
    PoliciesInvalid,
    data_text,
    default_policies,
    read_policies,
    schema,
)
from cipher_service.access.proof.cases import Case
from cipher_service.access.proof.checking import (
    check,
    default_invariants,
    findings,
    new_access,
    read_invariants,
)
from cipher_service.access.proof.encoding import Unprovable
from cipher_service.access.reasons import reason, reasons
from cipher_service.access.shapes import read_shapes, shapes
from tests.cipher_service.access.mutants import Mutant, mutants

FULL = os.environ.get("GATES") == "full"
SHIPPED = default_policies()
REPOSITORY = Path(__file__).parents[3]


def test_the_shipped_set_is_proved_over_fifteen_invariants_and_more() -> None:
    """Promise P6."""
    assert len(default_invariants()) >= 15
    assert check(SHIPPED) == []


@pytest.mark.parametrize("paper", ["README.md", "SECURITY.md"])
def test_papers_tell_how_many_invariants_are_proved(paper: str) -> None:
    told = re.findall(r"([0-9]+) invariants", (REPOSITORY / paper).read_text())
    assert told == [str(len(default_invariants()))]


def _survives(mutant: Mutant) -> bool:
    """Nothing was found, though the mutant allows something else than the shipped set."""
    if next(findings(mutant.policies, mutant.actions), None) is not None:
        return False
    return bool(
        new_access(SHIPPED, mutant.policies, mutant.actions)
        or new_access(mutant.policies, SHIPPED, mutant.actions)
    )


def _chosen() -> list[Mutant]:
    """Every dropped policy and, in the short form, a fortieth of the rest."""
    every = list(mutants(SHIPPED))
    if FULL:
        return every
    dropped = [mutant for mutant in every if mutant.name.endswith(": dropped")]
    rest = [mutant for mutant in every if not mutant.name.endswith(": dropped")]
    return dropped + random.Random(4).sample(rest, len(rest) // 40)


@pytest.mark.slow
def test_every_mutant_is_caught() -> None:
    """Policy mutation score 100 %: what is not caught allows the very same requests."""
    chosen = _chosen()
    survivors = [mutant.name for mutant in chosen if _survives(mutant)]
    print(f"{len(chosen)} mutants, {len(survivors)} survive")
    assert survivors == []


def test_every_dropped_forbid_breaks_an_invariant_with_a_case_that_the_engine_allows() -> None:
    for mutant in mutants(SHIPPED):
        name, _, what = mutant.name.partition(": ")
        if what != "dropped" or SHIPPED.tree[name].effect != "forbid":
            continue
        found = next(findings(mutant.policies, mutant.actions), None)
        assert found is not None, mutant.name
        assert found.kind == "broken"
        assert found.case is not None
        assert _allowed(found.case, mutant.policies)
        assert not _allowed(found.case, SHIPPED)
        for language in ("fr", "en"):
            head, *case = found.tell(language)
            assert found.action in head
            assert case


def _allowed(case: Case, policies: Policies) -> bool:
    """Ask the engine itself."""
    person, thing = case.values["principal"], case.values["resource"]
    answer = cedarpy.is_authorized(
        {
            "principal": {"type": case.principal, "id": "case"},
            "action": {"type": "Action", "id": case.action},
            "resource": {"type": case.resource, "id": "case"},
            "context": dict(case.values["context"]),
        },
        policies.handle,
        [
            entity(case.principal, "case", dict(person)),
            entity(case.resource, "case", dict(thing)),
        ],
        schema(),
    )
    return answer.allowed


def test_the_two_custodians_must_be_two_people() -> None:
    """The hole of a first draft: one person in both custodians' functions is one person."""
    text = SHIPPED.text.replace(
        'context.approver == "" || context.approver == principal.id', 'context.approver == ""'
    )
    assert text != SHIPPED.text
    found = {finding.name for finding in findings(read_policies(text), ["key-export"])}
    assert found == {"two-persons", "three-persons"}


def test_new_access_is_named_by_action() -> None:
    extra = 'permit (principal, action == Action::"policy-read", resource)'
    when = 'when { principal.functions.contains("DRAFTER") };'
    more = f'{SHIPPED.text}\n@id("x") {extra} {when}'
    found = new_access(SHIPPED, read_policies(more))
    assert [(finding.kind, finding.action) for finding in found] == [("new", "policy-read")]
    assert found[0].case is not None
    assert found[0].case.values["principal"]["functions"] == ["DRAFTER"]
    assert new_access(read_policies(more), SHIPPED) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("permit", "unexpected"),
        ("", "no policy"),
        ("permit (principal, action, resource);", "no @id"),
        ('@id("a") permit (principal, action, resource is Book);' * 2, "two policies"),
        ('@id("a") permit (principal == ?principal, action, resource);', "template"),
        ('@id("a") forbid (principal, action, resource is Key) when { resource.hue == 1 };', "hue"),
        ('@id("a") forbid (principal, action, resource) when { principal.post == 1 };', "a:"),
        ('@id("a") permit (principal, action == Action::"read", resource is Key);', "a:"),
        ("// " + "x" * 1_000_001, "longer"),
    ],
)  # fmt: skip
def test_what_does_not_parse_or_fit_is_refused_with_its_reason(text: str, said: str) -> None:
    with pytest.raises(PoliciesInvalid, match=said):
        read_policies(text)


@pytest.mark.parametrize(
    "condition",
    [
        "principal.clearance + 1 > 2",
        'principal.post like "P*"',
        'principal == Officer::"OFF-000001"',
        "{a: principal.clearance}.a == 1",
    ],
)
def test_what_cannot_be_proved_is_refused_and_not_approximated(condition: str) -> None:
    text = f'@id("a") permit (principal, action, resource is Book) when {{ {condition} }};'
    with pytest.raises(Unprovable):
        check(read_policies(text))


def test_the_matrix_and_the_schema_are_read_whole() -> None:
    assert len(shapes().actions) == len(default_matrix().rows)
    for language in ("fr", "en"):
        printed = as_markdown(default_matrix(), language)
        assert all(f"(`{action}`)" in printed for action in shapes().actions)
        assert "②" in printed
        assert "③" in printed
    with pytest.raises(ValueError, match="not both"):
        read_matrix(data_text("matrix.toml").replace("[action.audit-read]", "[action.audit-write]"))
    with pytest.raises(ValueError, match="unknown function"):
        read_matrix(data_text("matrix.toml").replace("{ AUDITOR =", "{ KING ="))
    with pytest.raises(ValueError, match="says nothing of a Book"):
        read_matrix(data_text("matrix.toml").replace('{ AUDITOR = "all" }', '{ AUDITOR = "post" }'))
    with pytest.raises(ValueError, match="unknown action"):
        read_invariants('[x]\nactions=["fly"]\nholds="true"\nfr="a"\nen="a"\n')
    schema = data_text("schema.cedarschema")
    for wrong in ("level: Long" + " = 3", "level: Decimal"):
        with pytest.raises(ValueError, match="not read"):
            read_shapes(schema.replace("level: Long", wrong, 1))
    with pytest.raises(ValueError, match="not read"):
        read_shapes(schema + "namespace A {}")
    with pytest.raises(ValueError, match="who acts"):
        read_shapes(schema.replace("principal: [Officer]", "principal: [Person]", 1))


def test_every_attribute_has_its_words() -> None:
    words = tomllib.loads(data_text("words.toml"))
    records = dict(shapes().records)
    assert set(words["principal"]) == set(records.pop("Officer")) | set(records.pop("Post"))
    assert set(words["context"]) == set(records.pop("Circumstances")) | set(records.pop("Exchange"))
    assert set(words["resource"]) == {name for record in records.values() for name in record}


def test_every_forbid_says_why_in_both_languages() -> None:
    forbids = {name for name, policy in SHIPPED.tree.items() if policy.effect == "forbid"}
    assert set(reasons()) == forbids
    for name in SHIPPED.tree:
        assert reason(name, "fr")
        assert reason(name, "en")


def test_every_policy_says_its_article() -> None:
    for part in ("lattice", "duties", "functions", "posts"):
        lines = data_text(f"{part}.cedar").splitlines()
        bare = [
            line
            for before, line in pairwise(lines)
            if line.startswith("@id(") and not before.startswith(("// Article ", "// Articles "))
        ]
        assert bare == []
