"""What the schema says, as a table: attributes with their types, actions with their groups.

The engine reads the schema for itself; proofs need it as data. Only the forms that our schema uses
are read, and anything else is refused rather than passed over.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from cipher_service.access.policies import data_text

TYPES = ("Bool", "Long", "String", "Set<String>")
OFFICER, POST = "Officer", "Post"
CONTEXTS = {OFFICER: "Circumstances", POST: "Exchange"}

_COMMENT = re.compile(r"//[^\n]*")
_RECORD = re.compile(r"(entity|type)\s+(\w+)\s*=\s*\{([^}]*)\}\s*;")
_ATTRIBUTE = re.compile(r"\s*(\w+)\s*:\s*([\w<>]+)\s*")
_NAMES = r'"[a-z-]+"(?:\s*,\s*"[a-z-]+")*'
_ACTION = re.compile(
    rf"action\s+({_NAMES})(?:\s+in\s+\[({_NAMES})\])?"
    r"(?:\s+appliesTo\s*\{\s*principal:\s*\[(\w+)\],\s*resource:\s*\[(\w+)\],"
    r"\s*context:\s*(\w+)\s*\})?\s*;"
)


@dataclass(frozen=True, slots=True)
class Shapes:
    """The schema.

    Attributes:
        records: of each entity and of `Circumstances`, each attribute's type, one of `TYPES`.
        actions: of each action, the type of thing that it applies to.
        principals: of each action, the type of who does it; `CONTEXTS` has its circumstances.
        groups: of each action, every group that it is in, however far.
    """

    records: Mapping[str, Mapping[str, str]]
    actions: Mapping[str, str]
    principals: Mapping[str, str]
    groups: Mapping[str, frozenset[str]]


@cache
def shapes() -> Shapes:
    """Return the schema shipped with the product, as a table."""
    return read_shapes(data_text("schema.cedarschema"))


def read_shapes(text: str) -> Shapes:
    """Read a schema. Raises ValueError for a form that is not read here."""
    rest = _COMMENT.sub("", text)
    records = {name: _attributes(body) for _, name, body in _RECORD.findall(rest)}
    rest = _RECORD.sub("", rest)
    parents: dict[str, tuple[str, ...]] = {}
    actions: dict[str, str] = {}
    principals: dict[str, str] = {}
    for names, inside, principal, resource, context in _ACTION.findall(rest):
        for name in _split(names):
            parents[name] = _split(inside)
            if resource:
                actions[name], principals[name] = resource, principal
                if CONTEXTS.get(principal) != context:
                    raise ValueError(f"{name}: who acts, and in which circumstances: {CONTEXTS}")
    rest = _ACTION.sub("", rest)
    if rest.strip():
        raise ValueError(f"not read: {rest.strip()[:80]}")
    return Shapes(records, actions, principals, {name: _above(name, parents) for name in actions})


def _attributes(body: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(str.strip, body.split(",")):
        match = _ATTRIBUTE.fullmatch(part)
        if match is None or match[2] not in TYPES:
            raise ValueError(f"attribute not read: {part.strip()}")
        found[match[1]] = match[2]
    return found


def _split(names: str) -> tuple[str, ...]:
    return tuple(name.strip().strip('"') for name in names.split(",") if name.strip())


def _above(name: str, parents: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    found: set[str] = set()
    waiting = list(parents[name])
    while waiting:
        group = waiting.pop()
        if group not in found:
            found.add(group)
            waiting += parents[group]
    return frozenset(found)
