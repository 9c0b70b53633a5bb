"""What another set of policies breaks, opens and closes, told in words; proved once a proposal.

    compared = compare(deployed(connection).text, text)      # takes seconds
    keep(connection, act, compared)                          # in the transaction that proposes it
    kept(connection, act)                                    # for whoever is asked to sign after

What is kept is there to be read before a signature. Nobody who puts a set in force believes it: the
process that does proves the set again itself (`proven`).
"""

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Final

from sqlalchemy import Connection, select

from cipher_service.access.deployed import deployed
from cipher_service.access.policies import Policies, PoliciesInvalid, read_policies
from cipher_service.access.proving import PROBLEM_MOST, Told, prove, told
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.access import policy_comparison
from keys.acts import Act


@dataclass(frozen=True, slots=True)
class Compared:
    """Another set beside the one in force: what it breaks, what it opens, what it closes."""

    policies: Policies
    broken: tuple[Told, ...]
    opened: tuple[Told, ...]
    closed: tuple[Told, ...]


@lru_cache(maxsize=4)
def compare(now: str, other: str) -> Compared:
    """Prove another text and hold it against the one in force; it takes seconds, once.

    Raises:
        ServiceError: POLICIES_UNPARSABLE: it cannot be read, or not proved.
    """
    read(now)
    return Compared(read(other), **prove(other, beside=now))


def read(text: str) -> Policies:
    """Return a set of policies. Raises ServiceError POLICIES_UNPARSABLE."""
    try:
        return read_policies(text)
    except PoliciesInvalid as error:
        problem = error.problems[0][:PROBLEM_MOST]
        raise ServiceError("POLICIES_UNPARSABLE", problem=problem) from error


def keep(connection: Connection, act: Act, compared: Compared) -> None:
    """Write down beside a proposal what it would change."""
    found = {name: [asdict(one) for one in getattr(compared, name)] for name in _PARTS}
    connection.execute(
        policy_comparison.insert().values(
            act=act.id,
            digest=compared.policies.digest,
            replaces=act.parameters["replaces"],
            found=json.dumps(found, ensure_ascii=False),
        )
    )


def kept(connection: Connection, act: Act) -> Compared | None:
    """Return what stands beside a proposal; None if nothing does, or another set is in force."""
    book = policy_comparison
    row = connection.execute(select(book).where(book.c.act == act.id)).one_or_none()
    policies = read(act.parameters["policies"])
    mine = (policies.digest, deployed(connection).digest)
    if row is None or (row.digest, row.replaces) != mine:
        return None
    found = json.loads(row.found)
    return Compared(policies, *(told(found[name]) for name in _PARTS))


_PARTS: Final = ("broken", "opened", "closed")
