"""Suite S2 at the keyboard: the keys that go with cards, carried as files beside them.

`chiffre identity complement` writes a post's own. Who names complements when enciphering writes
suite S2, and must have one for each card; who deciphers such a dispatch needs its sender's.
"""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from cipher_service.client.drafting import Draft
from cipher_service.client.failures import Refused
from cipher_service.client.lines import show_lines
from cipher_service.client.passphrases import open_identity
from cipher_service.client.terminal import Terminal
from keys.cards import Card, grouped
from keys.errors import ComplementInvalid
from keys.files import write_new
from keys.identity import Identity
from keys.s2.complements import COMPLEMENT_BYTES_MAX, Complement, read_complement


def write(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre identity complement`."""
    out = Path(arguments.out)
    complement = open_identity(arguments, terminal).complement()
    try:
        write_new(out, complement.to_bytes() + b"\n")
    except FileExistsError:
        raise Refused("OUTPUT_EXISTS", path=str(out)) from None
    if terminal.as_json:
        told = {"post": complement.post, "card": complement.card, "complement": str(out)}
        terminal.show_json({**told, "fingerprint": complement.fingerprint})
        return
    show_lines(
        terminal,
        [
            ("line_post", complement.post),
            ("line_card", grouped(complement.card)),
            ("line_fingerprint", grouped(complement.fingerprint)),
            ("line_complement", str(out)),
        ],
    )


def read_files(names: Iterable[str], cards: Sequence[Card]) -> dict[str, Complement]:
    """Read complements of cards that are trusted; by the cards' fingerprints.

    Raises:
        ComplementInvalid: one is that of none of them.
        OSError: it cannot be read.
    """
    found: dict[str, Complement] = {}
    for name in names:
        with Path(name).open("rb") as file:
            data = file.read(COMPLEMENT_BYTES_MAX + 2)
        complement = _of_one(data, cards)
        found[complement.card] = complement
    return found


def with_complements(decided: Draft, names: Sequence[str], identity: Identity) -> Draft:
    """Let a draft be written under suite S2 where complements are named.

    Raises:
        ComplementInvalid: one is missing, or that of no card among the addressees.
        OSError: one cannot be read.
    """
    if not names:
        return decided
    found = read_files(names, [each.card for each in decided.destinations])
    own = identity.complement()
    found[own.card] = own
    complete = [
        replace(each, complement=found.get(each.card.fingerprint)) for each in decided.destinations
    ]
    for each in complete:
        if each.complement is None:
            raise ComplementInvalid(f"the keys of suite S2 of {each.card.post} are not here")
    return replace(decided, destinations=tuple(complete), complement=own)


def _of_one(data: bytes, cards: Sequence[Card]) -> Complement:
    for card in cards:
        try:
            return read_complement(data, card)
        except ComplementInvalid:
            continue
    raise ComplementInvalid("a complement is that of none of the cards named")
