"""All that officers ask of access, by name; the registrar joins them with the other desks'."""

from cipher_service.access import campaigns, emergencies, looks
from cipher_service.access.acts import Gate
from cipher_service.access.authorising import Authorising
from cipher_service.access.policy_change import PolicyChange
from cipher_service.access.proven import KIND, Proofs
from cipher_service.identity.approvals import Executor
from cipher_service.identity.officer_commands import OfficerAct


def acts(gate: Gate, proofs: Proofs) -> dict[str, OfficerAct]:
    """Return the commands, to be guarded."""
    rights = {**Authorising(gate).acts(), **PolicyChange(gate, proofs).acts()}
    return {**looks.acts(), **rights, **emergencies.acts(gate), **campaigns.acts(gate)}


def executors(gate: Gate, proofs: Proofs) -> dict[str, Executor]:
    """Return what the last signature has done, by kind of act."""
    return {**Authorising(gate).executors(), KIND: PolicyChange(gate, proofs).executor()}
