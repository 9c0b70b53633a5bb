"""What is left of the policies once the asker is known, as a condition in SQL.

The engine evaluates everything that does not depend on the thing asked for; the residue speaks of
the thing's attributes only. Each form has one translation. A form without one raises: a list is
refused rather than widened.
"""

from collections.abc import Callable, Mapping
from typing import Any

import cedarpy
from sqlalchemy import ColumnElement, and_, false, not_, or_, true
from sqlalchemy.sql.elements import False_

from cipher_service.access.decisions import entity
from cipher_service.access.policies import Policies, schema
from cipher_service.access.subjects import Entity, Mandate, Principal, Setting

Condition = ColumnElement[bool]
Node = Mapping[str, Any]


class Untranslatable(ValueError):
    """A policy leaves a form that has no translation into SQL; the text names it."""


class Columns:
    """How the attributes of one type of thing are asked for in SQL. Subclasses say how.

    Each method gets an attribute's name and plain values, and raises Untranslatable for an
    attribute that it does not know.
    """

    kind = ""

    def equals(self, attribute: str, value: str | int) -> Condition:
        """The attribute is this value."""
        raise Untranslatable(f"{attribute} == {value!r}")

    def one_of(self, attribute: str, values: list[str]) -> Condition:
        """The attribute is one of these."""
        raise Untranslatable(f"{attribute} in {values}")

    def at_most(self, attribute: str, bound: int) -> Condition:
        """The attribute is at most this number."""
        raise Untranslatable(f"{attribute} <= {bound}")

    def holds(self, attribute: str, value: str) -> Condition:
        """The set has this member."""
        raise Untranslatable(f"{attribute}.contains({value!r})")

    def within(self, attribute: str, values: list[str]) -> Condition:
        """Every member of the set is one of these."""
        raise Untranslatable(f"{attribute} within {values}")


def condition(
    policies: Policies,
    principal: Entity,
    action: str,
    context: Setting,
    columns: Columns,
) -> Condition:
    """Return when this person or post may do this to a row, in the own name or under a mandate.

    Raises:
        Untranslatable: a policy leaves a form that has no translation.
    """
    ways = [_capacity(policies, principal, action, context, columns, None)]
    if not isinstance(principal, Principal):
        return ways[0]
    for mandate in principal.mandates:
        if not mandate.actions or action in mandate.actions:
            under = principal.under(mandate)
            ways.append(_capacity(policies, under, action, context, columns, mandate))
    return or_(*ways)


def _capacity(
    policies: Policies,
    principal: Entity,
    action: str,
    context: Setting,
    columns: Columns,
    mandate: Mandate | None,
) -> Condition:
    result = cedarpy.is_authorized_partial(
        {
            "principal": f'{principal.TYPE}::"{principal.identifier}"',
            "action": f'Action::"{action}"',
            "context": context.attributes(mandate),
        },
        policies.handle,
        [entity(principal.TYPE, principal.identifier, principal.attributes())],
        schema(),
    )
    if result.diagnostics.errors:
        raise Untranslatable("; ".join(result.diagnostics.errors))
    parts: dict[str, list[Condition]] = {"permit": [false()], "forbid": [false()]}
    # The engine gives them in another order each time; SQL of one form is compiled and kept once.
    for _policy, residual in sorted(result.residuals.items()):
        clauses = [_clause(each, columns) for each in residual["conditions"]]
        applies = and_(true(), *clauses)
        if not isinstance(applies, False_):
            parts[residual["effect"]].append(applies)
    return and_(or_(*parts["permit"]), not_(or_(*parts["forbid"])))


def _clause(clause: Node, columns: Columns) -> Condition:
    body = translate(clause["body"], columns)
    return body if clause["kind"] == "when" else not_(body)


def translate(node: Node, columns: Columns) -> Condition:
    """Return a node of a residue as a condition. Raises Untranslatable."""
    settled = _settled(node, columns)
    if settled is not None:
        return true() if settled else false()
    ((form, inner),) = node.items()
    if form in _JOINED:
        join, ends = _JOINED[form]
        # Cedar stops at the first that settles it, so what stands to the right is not read.
        sides = [inner["left"]]
        if _settled(inner["left"], columns) is not ends:
            sides.append(inner["right"])
        return join(*(translate(side, columns) for side in sides))
    if form == "!":
        return not_(translate(inner["arg"], columns))
    if form == "isEmpty":
        return columns.within(_attribute(inner["arg"]), [])
    if form in _PAIRS:
        return _PAIRS[form](inner["left"], inner["right"], columns)
    raise Untranslatable(str(node)[:200])


_JOINED: Mapping[str, tuple[Callable[..., Condition], bool]] = {
    "&&": (and_, False),
    "||": (or_, True),
}


def _settled(node: Node, columns: Columns) -> bool | None:
    """Return what a node is without looking at the row, None when that must be done."""
    if len(node) != 1:
        raise Untranslatable(str(node)[:200])
    ((form, inner),) = node.items()
    if form == "Value" and isinstance(inner, bool):
        return inner
    if form == "is" and _is_resource(inner["left"]):
        return bool(inner["entity_type"] == columns.kind)
    return None


def _equal(left: Node, right: Node, columns: Columns) -> Condition:
    one, other = (right, left) if "Value" in left else (left, right)
    return columns.equals(_attribute(one), _value(other))


def _at_most(left: Node, right: Node, columns: Columns, slack: int = 0) -> Condition:
    if "Value" in right:
        return columns.at_most(_attribute(left), _number(right) - slack)
    return not_(columns.at_most(_attribute(right), _number(left) - 1 + slack))


def _contains(left: Node, right: Node, columns: Columns) -> Condition:
    if "Set" in left:
        return columns.one_of(_attribute(right), _texts(left))
    return columns.holds(_attribute(left), str(_value(right)))


def _contains_all(left: Node, right: Node, columns: Columns) -> Condition:
    if "Set" in left:
        return columns.within(_attribute(right), _texts(left))
    return and_(true(), *(columns.holds(_attribute(left), text) for text in _texts(right)))


def _contains_any(left: Node, right: Node, columns: Columns) -> Condition:
    named, known = (right, left) if "Set" in left else (left, right)
    return or_(false(), *(columns.holds(_attribute(named), text) for text in _texts(known)))


_PAIRS: Mapping[str, Callable[[Node, Node, Columns], Condition]] = {
    "==": _equal,
    "!=": lambda left, right, columns: not_(_equal(left, right, columns)),
    "<=": _at_most,
    "<": lambda left, right, columns: _at_most(left, right, columns, 1),
    ">": lambda left, right, columns: not_(_at_most(left, right, columns)),
    ">=": lambda left, right, columns: not_(_at_most(left, right, columns, 1)),
    "contains": _contains,
    "containsAll": _contains_all,
    "containsAny": _contains_any,
}


def _attribute(node: Node) -> str:
    inner = node.get(".")
    if inner is None or not _is_resource(inner["left"]):
        raise Untranslatable(f"an attribute of the thing is wanted: {str(node)[:200]}")
    return str(inner["attr"])


def _is_resource(node: Node) -> bool:
    return node == {"unknown": [{"Value": "resource"}]}


def _value(node: Node) -> str | int:
    value = node.get("Value")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Untranslatable(f"a text or a number is wanted: {str(node)[:200]}")
    return value


def _number(node: Node) -> int:
    value = _value(node)
    if not isinstance(value, int):
        raise Untranslatable(f"a number is wanted: {str(node)[:200]}")
    return value


def _texts(node: Node) -> list[str]:
    if "Set" not in node:
        raise Untranslatable(f"a set is wanted: {str(node)[:200]}")
    return [str(_value(element)) for element in node["Set"]]
