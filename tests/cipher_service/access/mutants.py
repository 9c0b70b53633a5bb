"""Sets of policies with one mistake each, all of which allow more or less than the shipped set.

Widened: a policy's condition, or any part of it, replaced by the truth that lets more through (by
polarity: a `permit` made true, a `forbid` made false, turned round by `!` and `unless`); a bound
moved by one; a set of functions grown or shrunk; an action taken out of a `forbid` or put into a
`permit`. Dropped: a whole policy.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import cedarpy
from cedarpy import pst

from cipher_service.access.policies import Policies
from cipher_service.access.shapes import shapes

_WIDER = {"less": "less_eq", "greater": "greater_eq", "eq": "not_eq"}
_NARROWER = {"less_eq": "less", "greater_eq": "greater"}
_TRUTHS = {"and", "or", "eq", "not_eq", "less", "less_eq", "greater", "greater_eq"}
_SETS = {"contains", "contains_all", "contains_any"}

Rebuild = Callable[[pst.Expr], pst.Expr]


@dataclass(frozen=True)
class Mutant:
    """What was done, the set, and the actions that it can matter for."""

    name: str
    policies: Policies
    actions: tuple[str, ...]


def mutants(policies: Policies) -> Iterator[Mutant]:
    """Make every mutant."""
    for name, policy in policies.tree.items():
        rest = {key: value for key, value in policies.tree.items() if key != name}
        touched = _touched(policy)
        yield Mutant(f"{name}: dropped", _set(policies, rest), touched)
        for what, changed in _changed(policy):
            actions = tuple(dict.fromkeys((*touched, *_touched(changed))))
            changed_set = _set(policies, {**policies.tree, name: changed})
            yield Mutant(f"{name}: {what}", changed_set, actions)


def _touched(policy: pst.Template) -> tuple[str, ...]:
    """Return the actions that a policy speaks of."""
    scope = policy.action
    known = shapes()
    if isinstance(scope, pst.ScopeAny):
        return tuple(known.actions)
    named = {
        one.id for one in (scope.entities if isinstance(scope, pst.ActionIn) else [scope.entity])
    }
    return tuple(name for name in known.actions if named & (known.groups[name] | {name}))


def _set(policies: Policies, tree: dict[str, pst.Template]) -> Policies:
    static = {key: replace(policy, id=key) for key, policy in tree.items()}
    handle = cedarpy.PolicySet.from_pst(pst.PolicySet(pst.FrozenMap(), pst.FrozenMap(static), ()))
    return replace(policies, tree=tree, handle=handle, names={key: key for key in static})


def _changed(policy: pst.Template) -> Iterator[tuple[str, pst.Template]]:
    for place, clause in enumerate(policy.clauses):
        more = (policy.effect == "permit") == isinstance(clause, pst.When)

        def put(expr: pst.Expr, place: int = place, clause: pst.Clause = clause) -> pst.Template:
            new = replace(clause, expr=expr)
            clauses = (*policy.clauses[:place], new, *policy.clauses[place + 1 :])
            return replace(policy, clauses=clauses)

        for what, expr in _expressions(clause.expr, more, lambda e: e):
            yield what, put(expr)
    if isinstance(policy.action, pst.ActionIn | pst.ActionEq):
        yield from _actions(policy)


def _actions(policy: pst.Template) -> Iterator[tuple[str, pst.Template]]:
    scope: Any = policy.action
    named = scope.entities if isinstance(scope, pst.ActionIn) else (scope.entity,)
    if policy.effect == "forbid":
        if len(named) > 1:
            for one in named:
                left = tuple(other for other in named if other != one)
                yield f"no longer for {one.id}", replace(policy, action=pst.ActionIn(left))
        return
    resource: Any = policy.resource
    for action, kind in shapes().actions.items():
        uid = replace(named[0], id=action)
        if shapes().principals[action] != shapes().principals[named[0].id]:
            continue
        if kind == str(resource.entity_type) and uid not in named:
            yield f"also for {action}", replace(policy, action=pst.ActionIn((*named, uid)))


def _expressions(node: pst.Expr, more: bool, rebuild: Rebuild) -> Iterator[tuple[str, pst.Expr]]:
    """Change a truth or any part of it; `more` says which way lets more through."""
    if not (isinstance(node, pst.BinaryOp) and node.op == "in"):
        yield f"{'true' if more else 'false'} for {_short(node)}", rebuild(pst.BoolLit(more))
    match node:
        case pst.UnaryOp("not", argument):
            yield from _expressions(argument, not more, lambda e: rebuild(pst.UnaryOp("not", e)))
        case pst.BinaryOp("and" | "or", left, right):
            yield from _expressions(left, more, lambda e: rebuild(replace(node, left=e)))
            yield from _expressions(right, more, lambda e: rebuild(replace(node, right=e)))
        case pst.BinaryOp(name, left, right):
            moved = (_WIDER if more else _NARROWER).get(name)
            if moved is not None:
                yield f"{moved} for {_short(node)}", rebuild(replace(node, op=moved))  # type: ignore[arg-type] # a name from the table
            if name == "contains_any" and isinstance(right, pst.Set):
                for changed in _members(right, more):
                    yield (
                        f"{_short(changed)} for {_short(right)}",
                        rebuild(replace(node, right=changed)),
                    )
        case _:
            pass


def _members(node: pst.Set, more: bool) -> Iterator[pst.Set]:
    if not more:
        for element in node.elements:
            yield pst.Set(tuple(other for other in node.elements if other != element))
        return
    for role in ("AUDITOR", "REMINDER-OFFICER", "ADMINISTRATOR", "COURIER"):
        if pst.StringLit(role) not in node.elements:
            yield pst.Set((*node.elements, pst.StringLit(role)))


def _short(node: object) -> str:
    text = str(node)
    for noise in ("pst.", "Expr", "BinaryOp", "GetAttr", "StringLit", "Var"):
        text = text.replace(noise, "")
    return text[:90]
