"""`cipher-service policy`: the policies shown, proved, compared, adopted and printed as a matrix.

Only an adoption needs a data folder: a set of policies is text, and a proof needs nothing else.
"""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cipher_service.access import adoption
from cipher_service.access.deployed import deployed
from cipher_service.access.matrix import as_markdown, as_table, default_matrix
from cipher_service.access.policies import (
    Policies,
    PoliciesInvalid,
    default_policies,
    read_policies,
)
from cipher_service.access.proof.checking import Finding, default_invariants, new_access
from cipher_service.access.proof.checking import check as prove
from cipher_service.access.proof.encoding import Unprovable
from cipher_service.access.shapes import shapes
from cipher_service.administration.acting import acting
from cipher_service.administration.installation import opened
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal
from cipher_service.settings import FILE
from cipher_service.storage.unit_of_work import reading


def show(arguments: Namespace, terminal: Terminal) -> None:
    """Print the set in force as plain Cedar: of the installation, or as shipped without one."""
    policies = _in_force(arguments)
    if terminal.as_json:
        terminal.show_json({"digest": policies.digest, "policies": list(policies.tree)})
        return
    terminal.show(policies.text.rstrip())


def adopt(arguments: Namespace, terminal: Terminal) -> None:
    """Prove a set, then put it in force by two persons; its digest stands in the log.

    Raises:
        Misused: POLICIES_UNPARSABLE.
        Refused: POLICIES_BROKEN: nothing was adopted.
        ServiceError: NOT_ALLOWED, POLICIES_SAME, UNKNOWN_OFFICER.
    """
    policies = _asked(arguments)
    with _provable():
        found = prove(policies)
    if found:
        _tell(terminal, policies, found)
        raise Refused("POLICIES_BROKEN", count=len(found))
    digest = policies.digest
    with acting(arguments, terminal, digest, name="policy_adopt", also={"digest": digest}) as desk:
        names = (arguments.by, arguments.approver)
        adoption.adopt(desk.connection, desk.gate, policies, *names, desk.now)
    if terminal.as_json:
        terminal.show_json({"digest": policies.digest})
    else:
        Speaker(terminal).show("policies_adopted", digest=policies.digest)


def matrix(_arguments: Namespace, terminal: Terminal) -> None:
    """Print who may do what, in the user's language."""
    if terminal.as_json:
        terminal.show_json(as_table(default_matrix()))
        return
    terminal.show(as_markdown(default_matrix(), terminal.language).rstrip())


def check(arguments: Namespace, terminal: Terminal) -> None:
    """Validate and prove a set; each finding is told with a case.

    Raises:
        Misused: POLICIES_UNPARSABLE: it does not parse, does not fit, or cannot be proved.
        Refused: POLICIES_BROKEN: an invariant or the matrix does not hold.
    """
    policies = _asked(arguments)
    with _provable():
        found = prove(policies)
    _tell(terminal, policies, found)
    if found:
        raise Refused("POLICIES_BROKEN", count=len(found))
    if not terminal.as_json:
        Speaker(terminal).show(
            "policies_proved",
            invariants=len(default_invariants()),
            actions=len(shapes().actions),
            digest=policies.digest,
        )


def diff(arguments: Namespace, terminal: Terminal) -> None:
    """Tell what another set allows that the one in force refuses.

    Raises:
        Misused: POLICIES_UNPARSABLE.
        Refused: POLICIES_WIDER: it gives new access.
    """
    policies = _asked(arguments)
    with _provable():
        found = new_access(_in_force(arguments), policies)
    _tell(terminal, policies, found)
    if found:
        raise Refused("POLICIES_WIDER", count=len(found))
    if not terminal.as_json:
        Speaker(terminal).show("policies_no_wider")


@contextmanager
def _provable() -> Iterator[None]:
    try:
        yield
    except Unprovable as error:
        raise Misused("POLICIES_UNPARSABLE", problem=str(error)) from error


def _in_force(arguments: Namespace) -> Policies:
    if not (Path(arguments.data) / FILE).exists():
        return default_policies()
    with opened(arguments) as installation, reading(installation.engine) as connection:
        return deployed(connection)


def _asked(arguments: Namespace) -> Policies:
    if arguments.policies is None:
        return _in_force(arguments)
    try:
        return read_policies(Path(arguments.policies).read_text("utf-8"))
    except UnicodeDecodeError as error:
        raise Misused("POLICIES_UNPARSABLE", problem="UTF-8") from error
    except PoliciesInvalid as error:
        raise Misused("POLICIES_UNPARSABLE", problem=error.problems[0]) from error


def _tell(terminal: Terminal, policies: Policies, found: list[Finding]) -> None:
    if terminal.as_json:
        told: list[dict[str, Any]] = [
            {
                "kind": finding.kind,
                "name": finding.name,
                "action": finding.action,
                "fr": finding.fr,
                "en": finding.en,
                "case": None if finding.case is None else finding.case.values,
            }
            for finding in found
        ]
        terminal.show_json({"digest": policies.digest, "findings": told})
        return
    for finding in found:
        head, *case = finding.tell(terminal.language)
        name = f" [{finding.name}]" if finding.name else ""
        terminal.show(f"{head}{name}")
        for line in case:
            terminal.show(f"  {line}")
