"""Cedar's typed tree as formulas, for one action at a time.

Within one action the thing's type and the action's groups are known, so that scopes fold away and
what is left speaks of attributes only. Texts are integers, of which only equality is ever asked;
the literals of all expressions get numbers of their own. Sets are arrays from those to truth. No
form is approximated: one that is not modelled raises, so a proof is a proof and a case is a case.

Every attribute is required by the schema and arithmetic is not modelled, so that no evaluation can
fail (strict validation, Cedar's theorem of soundness).
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import z3
from cedarpy import policies_to_pst, pst

from cipher_service.access.shapes import CONTEXTS, Shapes, shapes

YES = z3.BoolVal(True)  # noqa: FBT003 - z3 names its constants so
_NO = z3.BoolVal(False)  # noqa: FBT003 - z3 names its constants so
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "and": z3.And,
    "or": z3.Or,
    "contains": lambda left, right: z3.IsMember(right, left),
    "contains_all": lambda left, right: z3.IsSubset(right, left),
    "contains_any": lambda left, right: z3.SetIntersect(left, right) != z3.EmptySet(z3.IntSort()),
    "eq": operator.eq,
    "not_eq": operator.ne,
    "less": operator.lt,
    "less_eq": operator.le,
    "greater": operator.gt,
    "greater_eq": operator.ge,
}


class Unprovable(ValueError):
    """A policy uses a form that is not modelled here (the text names it), or the solver gave up."""


class Literals:
    """The numbers of the texts that expressions name; the empty text is 0."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {"": 0}

    def number(self, text: str) -> int:
        """Return the number of a text."""
        return self.numbers.setdefault(text, len(self.numbers))


class Environment:
    """One action: its variables, and expressions as formulas over them.

    Args:
        action: a name of the schema.
        literals: shared by all that is compared.
        table: the schema, as shipped unless given.
    """

    def __init__(self, action: str, literals: Literals, table: Shapes | None = None) -> None:
        known = table or shapes()
        self.action = action
        self.principal = known.principals[action]
        self.resource = known.actions[action]
        self.groups = known.groups[action] | {action}
        self.literals = literals
        self.records: Mapping[str, Mapping[str, str]] = {
            "principal": known.records[self.principal],
            "resource": known.records[self.resource],
            "context": known.records[CONTEXTS[self.principal]],
        }
        self.variables: dict[tuple[str, str], Any] = {
            (base, name): _variable(f"{base}.{name}", kind)
            for base, record in self.records.items()
            for name, kind in record.items()
        }

    def allowed(self, tree: Mapping[str, pst.Template]) -> z3.BoolRef:
        """Return when a set of policies allows this action: some permit holds, and no forbid."""
        return z3.And(self.some(tree, "permit"), z3.Not(self.some(tree, "forbid")))

    def some(self, tree: Mapping[str, pst.Template], effect: pst.Effect) -> z3.BoolRef:
        """Return when some policy of that effect applies."""
        return z3.Or([_NO, *(self.holds(one) for one in tree.values() if one.effect == effect)])

    def holds(self, policy: pst.Template) -> z3.BoolRef:
        """Return when a policy applies."""
        parts = [
            self._scope(policy.principal, self.principal),
            self._scope(policy.resource, self.resource),
        ]
        parts.append(self._action(policy.action))
        if all(parts):
            conditions = [
                self.formula(clause.expr)
                if isinstance(clause, pst.When)
                else z3.Not(self.formula(clause.expr))
                for clause in policy.clauses
            ]
            return z3.And([YES, *conditions])
        return _NO

    def expression(self, text: str) -> z3.BoolRef:
        """Return a Cedar expression as a formula."""
        return self.formula(_parsed(text))

    def formula(self, node: pst.Expr) -> Any:  # noqa: C901, PLR0911 - one arm a form of Cedar
        """Return a node as a formula, number or set. Raises Unprovable."""
        match node:
            case pst.BoolLit(value):
                return z3.BoolVal(value)
            case pst.LongLit(value):
                return z3.IntVal(value)
            case pst.StringLit(value):
                return z3.IntVal(self.literals.number(value))
            case pst.GetAttr(pst.Var(base), name) if (base, name) in self.variables:
                return self.variables[base, name]
            case pst.UnaryOp("not", argument):
                return z3.Not(self.formula(argument))
            case pst.UnaryOp("is_empty", argument):
                return self.formula(argument) == z3.EmptySet(z3.IntSort())
            case pst.IfThenElse(condition, then, other):
                return z3.If(self.formula(condition), self.formula(then), self.formula(other))
            case pst.Set(elements):
                return self._set(elements)
            case pst.Is(pst.Var("resource"), kind, None):
                return z3.BoolVal(str(kind) == self.resource)
            case pst.BinaryOp("in", pst.Var("action"), group):
                return z3.BoolVal(bool(self.groups & _actions(group)))
            case pst.BinaryOp("contains_any", left, pst.Set(elements)):
                base = self.formula(left)
                return z3.Or([z3.IsMember(self.formula(one), base) for one in elements])
            case pst.BinaryOp(name, left, right) if name in _OPERATORS:
                return _OPERATORS[name](self.formula(left), self.formula(right))
        raise Unprovable(f"{self.action}: {node}")

    def _set(self, elements: Sequence[pst.Expr]) -> Any:
        built = z3.EmptySet(z3.IntSort())
        for element in elements:
            built = z3.SetAdd(built, self.formula(element))
        return built

    def _scope(self, scope: pst.PrincipalOrResourceConstraint, kind: str) -> bool:
        match scope:
            case pst.ScopeAny():
                return True
            case pst.ScopeIs(wanted):
                return str(wanted) == kind
        raise Unprovable(f"{self.action}: {scope}")

    def _action(self, scope: pst.ActionConstraint) -> bool:
        match scope:
            case pst.ScopeAny():
                return True
            case pst.ActionEq(one):
                return one.id == self.action
            case pst.ActionIn(several):
                return bool(self.groups & {one.id for one in several})
        raise Unprovable(f"{self.action}: {scope}")


def _actions(node: pst.Expr) -> set[str]:
    match node:
        case pst.EntityLit(one):
            return {one.id}
        case pst.Set(elements):
            return {name for element in elements for name in _actions(element)}
    raise Unprovable(f"an action in {node}")


def _variable(name: str, kind: str) -> Any:
    if kind == "Bool":
        return z3.Bool(name)
    if kind == "Set<String>":
        return z3.Const(name, z3.SetSort(z3.IntSort()))
    return z3.Int(name)


@cache
def _parsed(text: str) -> pst.Expr:
    tree = policies_to_pst(f"permit (principal, action, resource) when {{ {text} }};")
    (policy,) = tree.static_policies.values()
    return policy.clauses[0].expr
