"""`cipher-service label`: two persons lower a marking, as they do in the console (article 15)."""

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.administration import presence
from cipher_service.administration.installation import journal_of, opened
from cipher_service.administration.words import Speaker
from cipher_service.audit.journal import Found
from cipher_service.client.terminal import Terminal
from cipher_service.dispatches.office import declassifying
from cipher_service.identity import shared_acts
from cipher_service.identity.site import site_of
from cipher_service.storage.unit_of_work import reading
from keys.acts import Act


def lower(arguments: Namespace, terminal: Terminal) -> None:
    """Lower what may be drawn from a dispatch; both sign the act itself with their keys.

    Raises:
        Refused: as `presence.sign_act`.
        ServiceError: as `declassifying.prepared` and its executor.
        Refusal: ACTS.md §3, or the security key's.
    """
    gate, found = Gate(), Found()
    executor = declassifying.executor(gate)
    with opened(arguments) as installation:
        journal, now = journal_of(installation), clock.now().replace(microsecond=0)
        with journal.told("label_lower", arguments.dispatch):
            with reading(installation.engine) as connection:
                act = declassifying.prepared(
                    connection,
                    gate,
                    arguments.by,
                    arguments.dispatch,
                    arguments.level,
                    arguments.caveat,
                    arguments.reason,
                    now,
                )
            signed = presence.sign_act(arguments, terminal, installation, act)
        with journal.act("label_lower", arguments.dispatch, found) as connection:
            now, site = clock.now(), site_of(installation.settings)
            version = executor.version(connection, act)
            first, second = signed
            shared_acts.propose(connection, act, first, site, now, version=version)
            shared_acts.approve(connection, act.id, second, site, now, version=version)
            found.signers = (first.officer, second.officer)

            def perform(done: Act) -> None:
                ruled: Mapping[str, Any] | None = executor.perform(
                    connection, done, second.officer, now
                )
                found.ruling = ruled or {}

            shared_acts.execute(
                connection, act.id, second.officer, now, version=version, perform=perform
            )
    if terminal.as_json:
        terminal.show_json({"dispatch": arguments.dispatch, "act": act.id, "done": True})
    else:
        Speaker(terminal).show("label_lowered", dispatch=arguments.dispatch)
