"""The proof of a set: every invariant holds, and the matrix is permitted exactly.

For each invariant and action, z3 looks for an allowed request that breaks it; for each action, for
one that no cell of the matrix covers; and for each cell, for one that it promises. What it finds is
tried on the engine before it is told.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import z3

from cipher_service.access.matrix import Matrix, default_matrix
from cipher_service.access.policies import Policies, data_text
from cipher_service.access.proof.cases import Case, case_of
from cipher_service.access.proof.encoding import YES, Environment, Literals, Unprovable
from cipher_service.access.shapes import OFFICER, POST, shapes

_NAMED = re.compile(r"\b(?:principal|resource|context)\.\w+")


@dataclass(frozen=True, slots=True)
class Invariant:
    """What whoever is allowed one of `actions` must meet; words in both languages."""

    name: str
    actions: tuple[str, ...]
    holds: str
    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not as it must be.

    Attributes:
        kind: `broken` (an invariant), `excess` (beyond the matrix), `missing` (promised by the
            matrix, but not permitted) or `new` (allowed by a later set only).
        name: the invariant, or the function of the cell; empty for an excess.
        action: for which action.
        fr: what should hold, in French.
        en: in English.
        case: a request that shows it, allowed unless `missing`; None where no request could.
        named: the attributes that matter in the case.
    """

    kind: str
    name: str
    action: str
    fr: str
    en: str
    case: Case | None = None
    named: tuple[str, ...] = ()

    def tell(self, language: str) -> list[str]:
        """Say it in lines: what should hold, then the case."""
        head = f"{self.action}: {self.fr if language == 'fr' else self.en}"
        return [head, *(self.case.tell(language, self.named) if self.case else ())]


def read_invariants(text: str) -> tuple[Invariant, ...]:
    """Read invariants from TOML; actions may be groups or `*`.

    Raises:
        ValueError: not TOML, a member is missing, or an action does not exist.
    """
    return tuple(
        Invariant(name, tuple(_actions(name, entry)), entry["holds"], entry["fr"], entry["en"])
        for name, entry in tomllib.loads(text).items()
    )


@cache
def default_invariants() -> tuple[Invariant, ...]:
    """Return the invariants shipped with the product."""
    return read_invariants(data_text("invariants.toml"))


def check(policies: Policies) -> list[Finding]:
    """Prove a set of policies; returns what is wrong, nothing when all is proved.

    Raises:
        Unprovable: a policy uses a form that proofs do not model.
    """
    return list(findings(policies, shapes().actions))


def findings(policies: Policies, actions: Iterable[str]) -> Iterator[Finding]:
    """Find what is wrong, for some actions, one at a time. Raises Unprovable."""
    for action in actions:
        yield from _check_action(policies, action, default_invariants(), default_matrix())


def new_access(old: Policies, new: Policies, actions: Iterable[str] | None = None) -> list[Finding]:
    """Return, for each action, a request that the new set allows and the old one refuses.

    Raises:
        Unprovable: as `check`.
    """
    found = []
    rows = default_matrix().rows
    for action in rows if actions is None else actions:
        row = rows[action]
        environment = Environment(action, Literals())
        more = z3.And(environment.allowed(new.tree), z3.Not(environment.allowed(old.tree)))
        case = _find(environment, more)
        if case is not None:
            named = _attributes(case)
            found.append(Finding("new", "", action, row.fr, row.en, case, named))
    return found


def _check_action(
    policies: Policies, action: str, invariants: tuple[Invariant, ...], matrix: Matrix
) -> Iterator[Finding]:
    environment = Environment(action, Literals())
    allowed = environment.allowed(policies.tree)
    for invariant in invariants:
        if action in invariant.actions:
            wrong = z3.And(allowed, z3.Not(environment.expression(invariant.holds)))
            case = _find(environment, wrong)
            if case is not None:
                named = ("principal.functions", *_NAMED.findall(invariant.holds))
                words = (invariant.fr, invariant.en)
                yield Finding("broken", invariant.name, action, *words, case, named)
    row = matrix.rows[action]
    cells = {role: environment.expression(matrix.expression(action, role)) for role in row.cells}
    covered = [z3.And(_holds(environment, role), cell) for role, cell in cells.items()]
    case = _find(environment, z3.And(allowed, z3.Not(z3.Or(covered))))
    if case is not None:
        yield Finding(
            "excess",
            "",
            action,
            f"permis au-delà de la matrice : {row.fr}",
            f"permitted beyond the matrix: {row.en}",
            case,
            _attributes(case),
        )
    yield from _missing(environment, policies, matrix)


def _missing(environment: Environment, policies: Policies, matrix: Matrix) -> Iterator[Finding]:
    """Whatever a cell promises and nothing forbids must be permitted."""
    row = matrix.rows[environment.action]
    permitted = environment.some(policies.tree, "permit")
    forbidden = environment.some(policies.tree, "forbid")
    for role in row.cells:
        cell = environment.expression(matrix.expression(environment.action, role))
        promised = z3.And(_holds(environment, role), cell)
        case = _find(environment, z3.And(promised, z3.Not(forbidden), z3.Not(permitted)))
        if case is not None:
            yield Finding(
                "missing",
                role,
                environment.action,
                f"la matrice le promet à {role}, aucune politique ne le permet : {row.fr}",
                f"the matrix promises it to {role}, no policy permits it: {row.en}",
                case,
                _attributes(case),
            )
        if not _satisfiable(z3.And(promised, permitted, z3.Not(forbidden))):
            yield Finding(
                "missing",
                role,
                environment.action,
                f"la matrice le promet à {role}, tout l'interdit : {row.fr}",
                f"the matrix promises it to {role}, everything forbids it: {row.en}",
            )


def _holds(environment: Environment, role: str) -> z3.BoolRef:
    if environment.principal == POST:
        return YES
    number = z3.IntVal(environment.literals.number(role))
    return z3.IsMember(number, environment.variables["principal", "functions"])


def _satisfiable(formula: z3.BoolRef) -> bool:
    solver = z3.Solver()
    solver.add(formula)
    return bool(_answer(solver) == z3.sat)


def _find(environment: Environment, formula: z3.BoolRef) -> Case | None:
    """Return a case, with as few functions as will do."""
    solver = z3.Solver()
    solver.add(formula)
    if _answer(solver) != z3.sat:
        return None
    held = [
        _holds(environment, text)
        for text in environment.literals.numbers
        if text and text.isupper()
    ]
    for most in (1, 2) if held and environment.principal == OFFICER else ():
        solver.push()
        solver.add(z3.AtMost(*held, most))
        if _answer(solver) == z3.sat:
            return case_of(environment, solver.model())
        solver.pop()
    _answer(solver)
    return case_of(environment, solver.model())


def _answer(solver: z3.Solver) -> z3.CheckSatResult:
    answer = solver.check()
    if answer == z3.unknown:
        raise Unprovable(f"z3 gave up: {solver.reason_unknown()}")
    return answer


def _attributes(case: Case) -> tuple[str, ...]:
    """Return what is not at rest in a case: neither empty, nor no, nor nothing."""
    return tuple(
        f"{base}.{name}"
        for base, record in case.values.items()
        for name, value in record.items()
        if value
    )


def _actions(name: str, entry: Mapping[str, object]) -> Iterator[str]:
    wanted, left_out = _list(entry["actions"]), _list(entry.get("except", []))
    known = shapes()
    groups = {group for above in known.groups.values() for group in above}
    for one in (*wanted, *left_out):
        if one != "*" and one not in known.actions and one not in groups:
            raise ValueError(f"invariant {name}: unknown action {one}")
    for action in known.actions:
        inside = known.groups[action] | {action, "*"}
        if inside & set(wanted) and action not in left_out:
            yield action


def _list(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else []
