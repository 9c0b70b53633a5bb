"""A set of policies: Cedar text, strictly valid against the schema, parsed once.

The set is known by its digest, SHA-256 over its text, which every decision carries.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import cedarpy
from cedarpy import pst

POSTS = "posts"
_PARTS = ("lattice", "duties", "functions", POSTS)
_TEXT_MOST = 1_000_000


class PoliciesInvalid(ValueError):
    """The text is not a set of policies for this schema; `problems` says why, one line each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, eq=False)
class Policies:
    """A valid set of policies; one reading of a text is itself and no other.

    Attributes:
        text: as it was given, comments and all.
        digest: SHA-256 of the text, hex.
        handle: the parsed set, for the engine.
        tree: the same as typed nodes by `@id`, for proofs.
        names: the `@id` of each of the engine's positional ids.
    """

    text: str
    digest: str
    handle: cedarpy.PolicySet
    tree: Mapping[str, pst.Template]
    names: Mapping[str, str]


def read_policies(text: str) -> Policies:
    """Parse and strictly validate a set of policies.

    Raises:
        PoliciesInvalid: it does not parse, does not fit the schema, is empty or too long, holds a
            template, or a policy has no `@id` of its own.
    """
    if len(text) > _TEXT_MOST:
        raise PoliciesInvalid([f"longer than {_TEXT_MOST} characters"])
    try:
        handle = cedarpy.PolicySet.from_str(text)
        tree = handle.to_pst()
    except ValueError as error:
        raise PoliciesInvalid([str(error)]) from error
    problems = _names_wrong(tree)
    if not problems:
        problems = [
            f"{tree.static_policies[found.policy_id].annotations['id']}: {found.error}"
            if found.policy_id in tree.static_policies
            else found.error
            for found in cedarpy.validate_policies(text, schema()).errors
        ]
    if problems:
        raise PoliciesInvalid(problems)
    names = {key: policy.annotations["id"] for key, policy in tree.static_policies.items()}
    return Policies(
        text=text,
        digest=hashlib.sha256(text.encode("utf-8")).hexdigest(),
        handle=handle,
        tree={policy.annotations["id"]: policy for policy in tree.static_policies.values()},
        names=names,
    )


@cache
def default_policies() -> Policies:
    """Return the set shipped with the product."""
    return read_policies("\n".join(data_text(f"{part}.cedar") for part in _PARTS))


@cache
def schema() -> cedarpy.Schema:
    """Return the schema, parsed once."""
    return cedarpy.Schema.from_str(data_text("schema.cedarschema"))


def data_text(name: str) -> str:
    """Return a data file of this package."""
    return files("cipher_service.access").joinpath(f"data/{name}").read_text("utf-8")


def _names_wrong(tree: pst.PolicySet) -> list[str]:
    if tree.templates:
        return ["templates are not used here: write the policy out"]
    if not tree.static_policies:
        return ["no policy: nobody could do anything"]
    problems, seen = [], set()
    for key, policy in tree.static_policies.items():
        name = policy.annotations.get("id", "")
        if not name:
            problems.append(f"{key}: the policy has no @id")
        elif name in seen:
            problems.append(f"{name}: two policies have this @id")
        seen.add(name)
    return problems
