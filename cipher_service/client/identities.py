"""`chiffre identity` and `chiffre card`: a post's keys, and the cards that posts exchange."""

import re
from argparse import Namespace
from datetime import timedelta
from pathlib import Path
from typing import Any

from cipher_service import clock
from cipher_service.client.drafting import read_card_file
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.lines import Line, date_text, show_lines
from cipher_service.client.messages import Language, phrase
from cipher_service.client.passphrases import open_identity, passphrase_to_create
from cipher_service.client.terminal import Terminal
from keys.age.bech32 import encode_recipient
from keys.canonical import text_from_bytes
from keys.cards import Card, grouped
from keys.identity import create_identity
from keys.records import POST

_DAYS_MAX = 3660


def new(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre identity new`."""
    folder, post = Path(arguments.out), arguments.post
    if re.fullmatch(POST, post) is None:
        raise Misused("POST_INVALID", given=post[:80])
    if not 1 <= arguments.days <= _DAYS_MAX:
        raise Misused("DAYS_INVALID")
    previous = _previous(arguments.previous, post)
    if folder.is_dir() and any(folder.iterdir()):
        raise Refused("IDENTITY_EXISTS", path=str(folder))
    passphrase = None
    if not arguments.no_passphrase:
        passphrase = passphrase_to_create(arguments.passphrase_file, terminal)
    valid_from = clock.now().replace(microsecond=0)
    identity = create_identity(
        folder,
        post,
        passphrase=passphrase,
        valid_from=valid_from,
        valid_until=valid_from + timedelta(days=arguments.days),
        edition=previous.edition + 1 if previous else 1,
        previous=previous.fingerprint if previous else None,
    )
    path = folder / f"{post}.card"
    if terminal.as_json:
        terminal.show_json({**_record(identity.card), "card": str(path), "folder": str(folder)})
        return
    secret = "unwrapped" if passphrase is None else "wrapped"
    show_lines(
        terminal,
        [
            *_lines(identity.card, terminal.language),
            ("line_card", str(path)),
            ("line_folder", f"{folder} ({phrase(secret, terminal.language)})"),
        ],
    )
    if passphrase is None:
        terminal.say("without_passphrase")
    terminal.say("compare_fingerprint")


def export_age(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre identity export-age`."""
    if not arguments.yes:
        raise Refused("EXPORT_UNCONFIRMED")
    identity = open_identity(arguments, terminal)
    if terminal.as_json:
        terminal.show_json({"age_identity": identity.age_identity, "post": identity.card.post})
        return
    terminal.show(identity.age_identity)


def show_card(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre card show`."""
    card = read_card_file(arguments.file)
    if terminal.as_json:
        terminal.show_json(_record(card))
        return
    show_lines(terminal, _lines(card, terminal.language))


def _previous(name: str | None, post: str) -> Card | None:
    if name is None:
        return None
    card = read_card_file(name)
    if card.post != post:
        raise Misused("PREVIOUS_OF_ANOTHER", post=card.post)
    return card


def _lines(card: Card, language: Language) -> list[Line]:
    start, end = (date_text(each, language) for each in (card.valid_from, card.valid_until))
    lines = [
        ("line_post", card.post),
        ("line_edition", str(card.edition)),
        ("line_validity", phrase("from_to", language, start=start, end=end)),
        ("line_fingerprint", grouped(card.fingerprint)),
    ]
    if card.previous is not None:
        lines.append(("line_previous", grouped(card.previous)))
    return lines


def _record(card: Card) -> dict[str, Any]:
    return {
        "post": card.post,
        "edition": card.edition,
        "valid_from": clock.text(card.valid_from),
        "valid_until": clock.text(card.valid_until),
        "recipient": encode_recipient(card.recipient),
        "ed25519": text_from_bytes(card.ed25519),
        "mldsa65": text_from_bytes(card.mldsa65),
        "fingerprint": card.fingerprint,
        "grouped": grouped(card.fingerprint),
        "previous": card.previous,
    }
