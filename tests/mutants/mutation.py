"""Small changes of a module's source, each of which some test ought to notice.

A comparison turned round, `and` for `or`, a `not` dropped, a number one higher, a flag flipped, a
sum turned into a difference, a call or a `raise` left out, a guard never taken. Texts, annotations,
decorators and what only type checkers read stay: changing those changes nothing.
"""

import ast
from dataclasses import dataclass

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE,
    ast.GtE: ast.Gt, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
CALCULATED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        place: of the node in `ast.walk`'s order.
        line: in the source.
        told: what is changed, for people.
    """

    place: int
    line: int
    told: str


def mutants(source: str) -> list[Mutant]:
    """Every change of a module, in the order of its lines."""
    tree = ast.parse(source)
    left_alone = _left_alone(tree)
    found = []
    for place, node in enumerate(ast.walk(tree)):
        if id(node) in left_alone:
            continue
        changed = _changed(node)
        if changed is not None:
            line: int = node.lineno  # type: ignore[attr-defined]  # all that can change has a line
            before = ast.unparse(node).splitlines()[0][:60]
            after = ast.unparse(changed).splitlines()[0][:60]
            found.append(Mutant(place, line, f"{before}  ->  {after}"))
    return sorted(found, key=lambda mutant: mutant.line)


def apply(source: str, mutant: Mutant) -> ast.Module:
    """The module's tree with the one change."""
    tree = ast.parse(source)
    node = list(ast.walk(tree))[mutant.place]
    changed = _changed(node)
    if changed is None:
        raise ValueError(f"nothing changes at {mutant}")
    _Exchange(node, changed).visit(tree)
    return ast.fix_missing_locations(tree)


def _changed(node: ast.AST) -> ast.AST | None:
    """The same node changed, None where nothing of it is."""
    changed: ast.AST | None = None
    match node:
        case ast.Compare(left=left, ops=[one], comparators=others):
            changed = ast.Compare(left, [COMPARED[type(one)]()], others)
        case ast.BoolOp(op=ast.And(), values=values):
            changed = ast.BoolOp(ast.Or(), values)
        case ast.BoolOp(values=values):
            changed = ast.BoolOp(ast.And(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            changed = operand
        case ast.BinOp(left=left, op=one, right=right) if type(one) in CALCULATED:
            changed = ast.BinOp(left, CALCULATED[type(one)](), right)
        case ast.Constant(value=bool() as flag):
            changed = ast.Constant(not flag)
        case ast.Constant(value=int() as number):
            changed = ast.Constant(number + 1)
        case ast.Raise() | ast.Expr(value=ast.Call()):
            changed = ast.Pass()
        case ast.If(test=ast.Call() | ast.Name() | ast.Attribute(), body=body, orelse=otherwise):
            changed = ast.If(ast.Constant(value=False), body, otherwise)
    return changed


def _left_alone(tree: ast.Module) -> set[int]:
    """What is for readers and type checkers."""
    alone: set[int] = set()

    def all_of(*nodes: ast.AST | None) -> None:
        alone.update(id(each) for node in nodes if node for each in ast.walk(node))

    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            all_of(*node.decorator_list)
        if isinstance(node, ast.FunctionDef):
            every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
            all_of(node.returns, *(each.annotation for each in every))
            if node.name in {"__repr__", "__str__"}:
                all_of(node)
        if isinstance(node, ast.AnnAssign):
            all_of(node.annotation)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            all_of(node)
        if isinstance(node, ast.JoinedStr):
            all_of(node)
        if isinstance(node, ast.Raise):
            # The words of a refusal are a text; that it is raised is not.
            all_of(*ast.iter_child_nodes(node))
    return alone


class _Exchange(ast.NodeTransformer):
    def __init__(self, before: ast.AST, after: ast.AST) -> None:
        self._before = before
        self._after = after

    def visit(self, node: ast.AST) -> ast.AST:
        """Put the change in its place."""
        if node is self._before:
            return ast.copy_location(self._after, node)
        return self.generic_visit(node)
