"""May who signed a command of the bureau do this to that dispatch? Asked of the policies.

    judge = sworn(arguments, terminal, installation, arguments.officer)
    judge("bureau_open", "read", lambda connection: registers.subject(connection, dispatch_id))

While the ministry is being founded (`presence`) whoever has the data folder is its bureau, and
nothing is asked. Only a refusal is recorded here: what was let through has the act's own entries.
"""

import re
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.access import registers
from cipher_service.access.acts import Gate, circumstances
from cipher_service.access.principals import rank
from cipher_service.access.subjects import Dispatch
from cipher_service.administration import presence
from cipher_service.administration.installation import Installation, journal_of
from cipher_service.audit.journal import Journal
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.dispatches.office.entitlement import demand
from cipher_service.errors import ServiceError
from cipher_service.storage.unit_of_work import reading
from keys.dispatch import Destination
from keys.manifest import COPY, Heading

_OFFICER: Final = re.compile("OFF-[0-9]{6,}")


def sworn(
    arguments: Namespace,
    terminal: Terminal,
    installation: Installation,
    officer: str | None,
    also: Mapping[str, str] | None = None,
) -> "Judge":
    """Have an act of the bureau signed by whom its command names; returns who asks for them.

    Drafter and authority are names of services, as registers have them; one that is an officer's
    number signs too, and so does the drafter of a draft that is opened.

    Args:
        arguments: as typed.
        terminal: where the command is shown as it is signed.
        installation: whose bureau.
        officer: who acts.
        also: what is signed beside what was typed.

    Raises:
        Refused: OFFICER_UNNAMED (nobody is named, and nobody is believed any more), or as
            `presence.attend`.
    """
    founded = presence.founders_sign(installation)
    if founded and officer is None:
        with journal_of(installation).told(presence.SIGNED, presence.typed(arguments)):
            raise Refused("OFFICER_UNNAMED")
    approver: str | None = getattr(arguments, "approver", None)
    others = [getattr(arguments, name, None) or "" for name in ("drafter", "authority")]
    signing = [each for each in others if _OFFICER.fullmatch(each)]
    if getattr(arguments, "draft", None) is not None:  # only its drafter opens a draft
        signing.append(arguments.drafter)
    named = [officer, approver, *signing]
    journal = presence.attend(arguments, terminal, installation, named, also)
    return Judge(installation, journal, officer if founded else None, approver)


@dataclass(frozen=True)
class Judge:
    """Asks for one command.

    Attributes:
        installation: whose books.
        journal: of who signed.
        officer: who acts; None while the ministry is being founded.
        approver: the second person, or None.
        gate: what decides.
    """

    installation: Installation
    journal: Journal
    officer: str | None
    approver: str | None = None
    gate: Gate = field(default_factory=Gate)

    def __call__(
        self, name: str, action: str, thing: Callable[[Connection], Dispatch], *, own: bool = False
    ) -> None:
        """Demand that the officer may.

        Args:
            name: of the act in the log.
            action: of the matrix.
            thing: finds the dispatch in the books.
            own: the officer wrote it.

        Raises:
            ServiceError: NOT_FOUND, NOT_ALLOWED, UNKNOWN_OFFICER.
        """
        if self.officer is None:
            return
        now, engine = clock.now(), self.installation.engine
        with self.journal.told(name), reading(engine) as connection:
            about = thing(connection)
            asked = circumstances(
                connection, self.gate, now, approver=self.approver, level=about.level
            )
            # Whoever signs a departure here signs the digests of its text and attachments.
            facts = {
                "approver": asked.approver,
                "approver_functions": asked.approver_functions,
                "opened": True,
            }
            demand(connection, self.gate, self.officer, action, about, now, facts, own=own)

    def received(self, dispatch_id: str) -> Callable[[Connection], Dispatch]:
        """Find what came in a bag: in the register, or of the highest level while it is not there.

        Whoever takes it out of the bag processes it.
        """

        def find(connection: Connection) -> Dispatch:
            try:
                known = registers.subject(connection, dispatch_id)
            except ServiceError:
                known = Dispatch(dispatch_id, self.gate.scheme.levels[-1].rank)
            return registers.charged(known, self.officer or "")

        return find

    def departing(
        self, heading: Heading, destinations: Sequence[Destination], author: str
    ) -> Dispatch:
        """Return what is about to leave, as decisions see it."""
        label = heading.label
        return Dispatch(
            heading.id,
            rank(self.gate.scheme, label.level),
            caveats=frozenset(label.caveats),
            releasable=frozenset(label.releasability),
            origin=self.installation.settings.headquarters,
            addressees=frozenset(each.card.post for each in destinations if each.role != COPY),
            author=author,
        )

    def rerouted(
        self, dispatch_id: str, destinations: Sequence[Destination]
    ) -> Callable[[Connection], Dispatch]:
        """Find what is to be given to more posts."""
        posts = frozenset(each.card.post for each in destinations)
        return lambda connection: replace(
            registers.subject(connection, dispatch_id), addressees=posts
        )

    def draft(self, draft_id: str | None, drafter: str) -> Callable[[Connection], Dispatch]:
        """Return a draft: its drafter's own, without a level yet."""
        post = self.installation.settings.headquarters
        return lambda _connection: Dispatch(draft_id or "draft", 0, origin=post, author=drafter)
