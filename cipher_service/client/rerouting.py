"""`chiffre reroute`: gives a dispatch that this post may read to more posts, or to its own new key.

Only the header is made anew: a signed addendum says who added whom and why; payload, label and the
origin's signatures stay the same bytes. The new addressees take numbers of this post's own series.
A kill leaves what a kill of `chiffre encipher` leaves.
"""

import secrets
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cipher_service import clock
from cipher_service.client.drafting import read_card_file
from cipher_service.client.enciphering import numbered, settle
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.lines import precedence_name, series_record, show_lines
from cipher_service.client.messages import phrase
from cipher_service.client.passphrases import open_identity
from cipher_service.client.placing import place, require_free, require_room
from cipher_service.client.state import PostState
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import UnknownLabel, default_scheme
from keys.cards import Card
from keys.dispatch import Destination
from keys.heads import open_head
from keys.identity import Identity
from keys.manifest import COPY, INFO
from keys.rewrapping import Rerouted, reroute, write_rerouted


@dataclass(frozen=True, slots=True)
class _Order:
    """What was asked for.

    Attributes:
        source: the dispatch.
        identity: ours, which the dispatch names.
        trusted: by fingerprint: the origin, who rerouted it before, ourselves.
        destinations: whom to add, without numbers yet.
        reason: one line, read by everybody who reads the dispatch.
    """

    source: Path
    identity: Identity
    trusted: Mapping[str, Card]
    destinations: Sequence[Destination]
    reason: str


def run(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre reroute`."""
    out = Path(arguments.out)
    require_free(out, [arguments.file], force=False)
    require_room(out)
    order = _order(arguments, terminal)
    with (
        PostState(Path(arguments.identity)) as state,
        state.exclusive(lambda: terminal.say("waiting")),
    ):
        for lost in settle(state):
            terminal.say(
                "number_cancelled", post=lost.addressee, number=lost.number, epoch=lost.epoch
            )
        done = _reroute(order, out, state, terminal)
    _tell(done, out, terminal)


def _order(arguments: Namespace, terminal: Terminal) -> _Order:
    identity = open_identity(arguments, terminal)
    known = map(read_card_file, (*arguments.senders, *arguments.rerouters))
    try:
        precedence = default_scheme().precedence(arguments.precedence).code
    except UnknownLabel as error:
        given, known_codes = error.given[:80], ", ".join(error.known)
        raise Misused("UNKNOWN_PRECEDENCE", given=given, known=known_codes) from error
    wanted = [
        *(Destination(read_card_file(name), precedence, None) for name in arguments.to),
        *(Destination(read_card_file(name), precedence, None, INFO) for name in arguments.info),
        *(Destination(read_card_file(name), precedence, None, COPY) for name in arguments.own),
    ]
    if not wanted:
        raise Misused("REROUTING_TO_NOBODY")
    for each in wanted:
        if (each.card.post == identity.card.post) != (each.role == COPY):
            raise Misused("REROUTING_ROLE", post=each.card.post)
    return _Order(
        source=Path(arguments.file),
        identity=identity,
        trusted={card.fingerprint: card for card in (*known, identity.card)},
        destinations=wanted,
        reason=arguments.reason,
    )


def _reroute(order: _Order, out: Path, state: PostState, terminal: Terminal) -> Rerouted:
    created = clock.now().replace(microsecond=0)
    under = _next_act(order)
    partial = out.parent / f".chiffre-{secrets.token_hex(8)}.partial"
    with numbered(
        order.destinations,
        under=under,
        created=created,
        own=order.identity.card,
        numbers=state.numbers,
        partial=partial,
        terminal=terminal,
    ) as destinations:
        with order.source.open("rb") as file:
            done = reroute(
                file,
                destinations,
                opener=order.identity,
                signer=order.identity,
                find_sender=order.trusted.get,
                created=created,
                reason=order.reason,
                # Only cards that the user vouched for are found at all.
                may_reroute=lambda *_: True,
            )
        write_rerouted(done, order.source, partial)
        state.numbers.finish(under, done.manifest.hash)
    place(partial, out, state, numbered=under, manifest_hash=done.manifest.hash)
    return done


def _next_act(order: _Order) -> str:
    """Name the act of rerouting that comes next; what can be refused is refused by this.

    The numbers of an act are settled under this name, apart from those of the dispatch itself.
    """
    with order.source.open("rb") as file:
        head = open_head(
            file,
            opener=order.identity,
            find_sender=order.trusted.get,
            may_reroute=lambda *_: True,
        )
    added = (entry for each in head.reroutings for entry in each.addendum.to)
    named = {entry.fingerprint for entry in (*head.manifest.to, *added)}
    for each in order.destinations:
        if each.card.fingerprint in named:
            raise Refused("REROUTING_NAMED", post=each.card.post)
    return f"{head.manifest.id}/{len(head.reroutings) + 1}"


def _tell(done: Rerouted, out: Path, terminal: Terminal) -> None:
    addendum = done.addendum
    if terminal.as_json:
        terminal.show_json(
            {
                "id": done.manifest.id,
                "manifest_hash": done.manifest.hash,
                "act": addendum.number,
                "at": clock.text(addendum.created),
                "reason": addendum.reason,
                "to": [
                    {
                        "post": entry.post,
                        "fingerprint": entry.fingerprint,
                        "role": entry.role,
                        "series": entry.series and series_record(entry.series),
                    }
                    for entry in addendum.to
                ],
                "file": str(out),
            }
        )
        return
    titles = {INFO: "line_info", COPY: "line_copy"}
    lines = [("line_dispatch", done.manifest.id), ("line_origin", done.manifest.sender.post)]
    for entry in addendum.to:
        number = "" if entry.series is None else f" {entry.series.number} ({entry.series.epoch})"
        urgency = precedence_name(entry.precedence, terminal.language)
        lines.append((titles.get(entry.role, "line_action"), f"{entry.post}{number} {urgency}"))
    size = phrase("bytes", terminal.language, count=out.stat().st_size)
    show_lines(terminal, [*lines, ("line_file", f"{out} ({size})")])
    terminal.say("rerouted_header_only")
