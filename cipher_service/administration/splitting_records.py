"""The record of how the unseal key is split: drawn up, confirmed by each holder, shown and printed.

A splitting made at the terminal is in force without a record; killed in between, it can still be
drawn up, for it is begun from what the custodian's store says. Each holder compares the fingerprint
and confirms with the share in hand, on whatever machine: only drawing it up needs the store.
"""

from argparse import Namespace
from pathlib import Path

from cipher_service import clock
from cipher_service.administration.custody import share_for, store_of
from cipher_service.administration.witnessing import require_vacant
from cipher_service.administration.words import Speaker
from cipher_service.client.drafting import read_card_file
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Refused
from cipher_service.client.messages import Language
from cipher_service.client.online_confirmation import same_fingerprint
from cipher_service.client.passphrases import open_identity
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import default_scheme
from keys.cards import grouped
from keys.custody.splitting import in_force
from keys.custody.splitting_record import (
    RECORD_BYTES_MAX,
    SplittingRecord,
    begin_record,
    confirm_record,
    read_splitting_record,
)
from pouch.papers.printing import render


def record(arguments: Namespace, terminal: Terminal) -> None:
    """Draw up the record of the splitting in force, and show what its holders compare.

    Raises:
        Refused: FILE_EXISTS or CUSTODIAN_APART.
        KeysError: as `in_force` and `begin_record`.
    """
    require_vacant(arguments.out)
    post, splitting = in_force(store_of(arguments))
    cards = [read_card_file(path) for path in arguments.holder]
    now = clock.now().replace(microsecond=0)
    data = begin_record(post, splitting, cards, arguments.reason, now)
    write_durably(Path(arguments.out), data)
    _show(read_splitting_record(data), terminal)


def confirm(arguments: Namespace, terminal: Terminal) -> None:
    """Add a holder's confirmation to a record, in its place.

    Raises:
        Refused: FINGERPRINT_OF_RECORD, SHARE_OF_ANOTHER, FILE_EXISTS.
        KeysError: as `confirm_record`.
    """
    require_vacant(arguments.paper)
    path = Path(arguments.record)
    data = _read(path)
    _require_compared(read_splitting_record(data), arguments)
    identity = open_identity(arguments, terminal)
    share = share_for(arguments.share, identity)
    confirmed = confirm_record(data, identity, share, clock.now().replace(microsecond=0))
    if confirmed != data:
        write_durably(path, confirmed)
    _tell(read_splitting_record(confirmed), arguments, terminal)


def recorded(arguments: Namespace, terminal: Terminal) -> None:
    """Verify a record, and show who has confirmed it.

    Raises:
        Refused: FINGERPRINT_OF_RECORD, FILE_EXISTS.
        KeysError: as `read_splitting_record`.
    """
    require_vacant(arguments.paper)
    known = read_splitting_record(_read(Path(arguments.record)))
    if arguments.fingerprint is not None:
        _require_compared(known, arguments)
    _tell(known, arguments, terminal)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(RECORD_BYTES_MAX + 1)


def _require_compared(known: SplittingRecord, arguments: Namespace) -> None:
    if not same_fingerprint(arguments.fingerprint, known.stated.fingerprint):
        raise Refused("FINGERPRINT_OF_RECORD", path=arguments.record)


def _tell(known: SplittingRecord, arguments: Namespace, terminal: Terminal) -> None:
    if arguments.paper is not None:
        write_durably(Path(arguments.paper), _paper(known, terminal.language))
    _show(known, terminal)


def _show(known: SplittingRecord, terminal: Terminal) -> None:
    stated, splitting = known.stated, known.stated.splitting
    if terminal.as_json:
        terminal.show_json(
            {
                "set": splitting.set.hex(),
                "threshold": splitting.threshold,
                "holders": list(splitting.holders),
                "cards": list(stated.cards),
                "reason": stated.reason,
                "at": clock.text(stated.at),
                "fingerprint": stated.fingerprint,
                "confirmed": {name: clock.text(at) for name, at in known.confirmed.items()},
                "missing": list(known.missing),
            }
        )
        return
    speaker = Speaker(terminal)
    names = ", ".join(splitting.holders)
    speaker.show("splitting_set", set=splitting.set.hex(), reason=stated.reason)
    speaker.show(
        "custody_holders", threshold=splitting.threshold, count=len(splitting.holders), names=names
    )
    for name, card in zip(splitting.holders, stated.cards, strict=True):
        speaker.show("splitting_card", holder=name, fingerprint=grouped(card))
    speaker.show("splitting_fingerprint", fingerprint=grouped(stated.fingerprint))
    if known.missing:
        speaker.show("splitting_missing", names=", ".join(known.missing))
    else:
        speaker.show("splitting_confirmed", count=len(splitting.holders))


def _paper(known: SplittingRecord, language: Language) -> bytes:
    stated = known.stated
    holders = zip(stated.splitting.holders, stated.cards, strict=True)
    paper = {
        "number": stated.splitting.set.hex(),
        "issuer": stated.post,
        "made": stated.at,
        "reason": stated.reason,
        "threshold": str(stated.splitting.threshold),
        "fingerprint": stated.fingerprint,
        "holders": tuple(
            {"code": name, "card": card, "at": known.confirmed.get(name)} for name, card in holders
        ),
    }
    level = default_scheme().papers["ceremony"].name(language)
    made = max([stated.at, *known.confirmed.values()])
    return render("splitting", paper, language, made=made, level=level)
