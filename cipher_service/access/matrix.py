"""The matrix of functions as data (`data/matrix.toml`), and how it is printed for the ministry.

A cell says under which conditions a function may do an action; a condition is a Cedar expression
with words. That the policies permit exactly this is proved in `proof`.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from cipher_service.access.policies import data_text
from cipher_service.access.shapes import POST, shapes
from cipher_service.directory.roles import default_roles

POST_CELL: Final = "POST"
"""Whose cell it is where a machine asks, which holds no function."""

Cell = tuple[tuple[str, ...], ...]
"""Alternatives, each a conjunction of names of conditions."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of the matrix; `persons` is how many people it takes to meet it."""

    name: str
    fr: str
    en: str
    persons: int
    cedar: str | Mapping[str, str]

    def expression(self, resource: str) -> str:
        """Return its Cedar expression for a type of thing. Raises ValueError without one."""
        found = self.cedar if isinstance(self.cedar, str) else self.cedar.get(resource)
        if found is None:
            raise ValueError(f"condition {self.name} says nothing of a {resource}")
        return found


@dataclass(frozen=True, slots=True)
class Row:
    """An action: its words, and the cell of each function that may do it."""

    action: str
    fr: str
    en: str
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Conditions by name, rows by action, both in the file's order."""

    conditions: Mapping[str, Condition]
    rows: Mapping[str, Row]

    def expression(self, action: str, role: str) -> str:
        """Return the condition of a cell as one Cedar expression, `false` for an empty cell."""
        resource = shapes().actions[action]
        ways = [
            "("
            + " && ".join(f"({self.conditions[name].expression(resource)})" for name in way)
            + ")"
            for way in self.rows[action].cells.get(role, ())
        ]
        return " || ".join(ways) or "false"


def read_matrix(text: str) -> Matrix:
    """Read a matrix from TOML.

    Raises:
        ValueError: not TOML, a member is missing, a cell names a condition or a function that does
            not exist, or the actions are not exactly those of the schema.
    """
    try:
        return _matrix(tomllib.loads(text))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"not a matrix: {error}") from error


def _matrix(data: Mapping[str, Any]) -> Matrix:
    conditions = {
        name: Condition(name, entry["fr"], entry["en"], entry.get("persons", 1), entry["cedar"])
        for name, entry in data["condition"].items()
    }
    rows = {name: _row(name, entry) for name, entry in data["action"].items()}
    if set(rows) != set(shapes().actions):
        raise ValueError(f"not both in matrix and schema: {set(rows) ^ set(shapes().actions)}")
    roles = default_roles().roles
    for row in rows.values():
        asks = {POST_CELL} if shapes().principals[row.action] == POST else roles.keys()
        for role, cell in row.cells.items():
            if role not in asks or not cell:
                raise ValueError(f"{row.action}: unknown function or empty cell: {role}")
            for name in (name for way in cell for name in way):
                conditions[name].expression(shapes().actions[row.action])
    return Matrix(conditions, rows)


@cache
def default_matrix() -> Matrix:
    """Return the matrix shipped with the product."""
    return read_matrix(data_text("matrix.toml"))


def as_markdown(matrix: Matrix, language: str) -> str:
    """Print the matrix: one table an action, functions in the decree's order, words in full.

    Args:
        matrix: the matrix.
        language: `fr` or `en`.
    """
    french = language == "fr"
    lines = [
        "# Qui peut faire quoi" if french else "# Who may do what",
        "",
        "Toujours dans les limites du niveau, des mentions, de l'habilitation, de la formation et "
        "de la séparation des fonctions. ② deux personnes, ③ trois."
        if french
        else "Always within level, caveats, habilitation, training and the separation of duties. "
        "② two persons, ③ three.",
    ]
    for row in matrix.rows.values():
        lines += ["", f"## {row.fr if french else row.en} (`{row.action}`)", ""]
        for held, cell in holders(row, language):
            lines.append(f"- {held} : {_words(matrix, cell, language)}")
    return "\n".join(lines) + "\n"


def holders(row: Row, language: str) -> list[tuple[str, Cell]]:
    """Return who has a cell, in words and in the decree's order, with that cell."""
    french = language == "fr"
    machine = "un poste, à sa machine" if french else "a post, at its machine"
    named = {
        **{code: role.fr if french else role.en for code, role in default_roles().roles.items()},
        POST_CELL: machine,
    }
    return [(words, row.cells[code]) for code, words in named.items() if code in row.cells]


def as_table(matrix: Matrix) -> list[dict[str, Any]]:
    """Return the matrix for machines: one entry an action and function."""
    return [
        {
            "action": row.action,
            "function": role,
            "ways": [list(way) for way in cell],
            "persons": max(matrix.conditions[name].persons for way in cell for name in way),
        }
        for row in matrix.rows.values()
        for role, cell in row.cells.items()
    ]


def _words(matrix: Matrix, cell: Cell, language: str) -> str:
    told = []
    for way in cell:
        conditions = [matrix.conditions[name] for name in way]
        sign = {1: "", 2: "② ", 3: "③ "}[max(each.persons for each in conditions)]
        told.append(
            sign + ", ".join(each.fr if language == "fr" else each.en for each in conditions)
        )
    return (" ; ou " if language == "fr" else "; or ").join(told)


def _row(name: str, entry: Mapping[str, Any]) -> Row:
    cells = {
        role: tuple(tuple(part.strip() for part in way.split("&")) for way in written.split("|"))
        for role, written in entry["cells"].items()
    }
    return Row(name, entry["fr"], entry["en"], cells)
