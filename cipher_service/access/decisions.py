"""One decision: may this person, or this post, do this to that, now?

    decide(default_policies(), principal, "release", dispatch, Circumstances(now, opened=True))

The engine is Cedar (proved: a forbid beats every permit, what nobody permits is refused). It gets
two entities and the record of circumstances, checked against the schema. A person with mandates is
asked first in their own name, then under each mandate that covers the action; a mandate replaces
the functions and never the habilitation.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cedarpy

from cipher_service.access.policies import Policies, schema
from cipher_service.access.subjects import Entity, Mandate, Principal, Setting


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided and why.

    Attributes:
        allowed: yes or no.
        policies: the `@id` of each policy that determined it, sorted; empty for a no when no
            policy permits.
        digest: of the set of policies.
        mandate: the mandate under which it is allowed; empty in the person's own name.
    """

    allowed: bool
    policies: tuple[str, ...]
    digest: str
    mandate: str = ""

    def ruling(self) -> dict[str, Any]:
        """Return what the log keeps of it: `policies`, `digest`, `mandate`."""
        return {
            "policies": list(self.policies),
            "digest": self.digest,
            "mandate": self.mandate,
        }


def decide(
    policies: Policies,
    principal: Entity,
    action: str,
    resource: Entity,
    context: Setting,
) -> Decision:
    """Decide one act.

    Args:
        policies: the set in force.
        principal: who asks.
        action: an action of the schema.
        resource: on what; of a type to which the action applies.
        context: in which circumstances; `Circumstances` for a person, `Exchange` for a post.

    Raises:
        ValueError: the action is unknown or does not apply to that asker and type: a defect
            of the caller.
    """
    return decide_many(policies, principal, action, [resource], context)[0]


def decide_many(
    policies: Policies,
    principal: Entity,
    action: str,
    resources: Sequence[Entity],
    context: Setting,
) -> list[Decision]:
    """Decide one action on several things at once; the answers are in their order."""
    answers = _ask(policies, principal, action, resources, context, None)
    if not isinstance(principal, Principal):
        return answers
    for mandate in principal.mandates:
        open_ones = [place for place, answer in enumerate(answers) if not answer.allowed]
        if not open_ones or (mandate.actions and action not in mandate.actions):
            continue
        rest = [resources[place] for place in open_ones]
        under = _ask(policies, principal.under(mandate), action, rest, context, mandate)
        for place, answer in zip(open_ones, under, strict=True):
            if answer.allowed:
                answers[place] = answer
    return answers


def request(
    principal: Entity, action: str, context: Setting, mandate: Mandate | None
) -> dict[str, Any]:
    """Return the request without its resource, for the engine."""
    return {
        "principal": {"type": principal.TYPE, "id": principal.identifier},
        "action": {"type": "Action", "id": action},
        "context": json.dumps(context.attributes(mandate)),
    }


def entity(kind: str, identifier: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Return one entity in Cedar's JSON."""
    return {"uid": {"type": kind, "id": identifier}, "attrs": attributes, "parents": []}


def _ask(
    policies: Policies,
    principal: Entity,
    action: str,
    resources: Sequence[Entity],
    context: Setting,
    mandate: Mandate | None,
) -> list[Decision]:
    if not resources:
        return []
    asked = request(principal, action, context, mandate)
    slices = [entity(principal.TYPE, principal.identifier, principal.attributes())]
    known: dict[str, dict[str, Any]] = {}
    for resource in resources:
        described = entity(resource.TYPE, resource.identifier, resource.attributes())
        if known.setdefault(resource.identifier, described) != described:
            raise ValueError(f"two different things are called {resource.identifier}")
    results = cedarpy.is_authorized_batch(
        [
            {**asked, "resource": {"type": resource.TYPE, "id": resource.identifier}}
            for resource in resources
        ],
        policies.handle,
        json.dumps([*slices, *known.values()]),
        schema(),
    )
    return [_decision(policies, result, mandate) for result in results]


def _decision(policies: Policies, result: cedarpy.AuthzResult, mandate: Mandate | None) -> Decision:
    if result.diagnostics.errors:
        raise ValueError("; ".join(result.diagnostics.errors))
    return Decision(
        allowed=result.allowed,
        policies=tuple(sorted(policies.names[found] for found in result.diagnostics.reasons)),
        digest=policies.digest,
        mandate="" if mandate is None else mandate.mandate_id,
    )
