"""`chiffre series`: which numbers a post gave, cancelled, received and still misses."""

from argparse import Namespace
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from cipher_service.client.lines import runs_text
from cipher_service.client.messages import phrase
from cipher_service.client.numbers import Outgoing, Status
from cipher_service.client.passphrases import require_identity
from cipher_service.client.state import PostState
from cipher_service.client.terminal import Terminal


def series(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre series`."""
    folder = Path(arguments.identity)
    require_identity(folder)
    with PostState(folder) as state:
        sent = [_sent(list(run)) for _, run in groupby(state.numbers.entries(), _series)]
        received = [
            {
                "origin": each.origin,
                "epoch": each.epoch,
                "received": each.received,
                "last": each.highest,
                "missing": [{"first": run.start, "last": run.stop - 1} for run in each.missing],
            }
            for each in state.incoming()
        ]
    if terminal.as_json:
        terminal.show_json({"sent": sent, "received": received})
        return
    _show("series_sent", [_sent_line(each, terminal) for each in sent], terminal)
    _show("series_received", [_received_line(each, terminal) for each in received], terminal)


def _series(number: Outgoing) -> tuple[str, int]:
    return number.addressee, number.epoch


def _sent(numbers: Sequence[Outgoing]) -> dict[str, Any]:
    return {
        "addressee": numbers[0].addressee,
        "epoch": numbers[0].epoch,
        "last": numbers[-1].number,
        "numbers": [
            {
                "number": each.number,
                "status": each.status,
                "dispatch_id": each.dispatch_id,
                "allocated_at": each.allocated_at,
                "settled_at": each.settled_at,
                "reason": each.reason,
            }
            for each in numbers
        ],
    }


def _show(title: str, lines: Sequence[str], terminal: Terminal) -> None:
    language = terminal.language
    told = lines or [phrase("series_none", language)]
    terminal.show("\n  ".join((phrase(title, language), *told)))


def _sent_line(sent: dict[str, Any], terminal: Terminal) -> str:
    by_status = {
        status: [each["number"] for each in sent["numbers"] if each["status"] == status]
        for status in Status
    }
    return phrase(
        "series_sent_line",
        terminal.language,
        post=sent["addressee"],
        epoch=sent["epoch"],
        last=sent["last"],
        cancelled=_listed(by_status[Status.CANCELLED], terminal),
        open=_listed(by_status[Status.ALLOCATED], terminal),
    )


def _received_line(received: dict[str, Any], terminal: Terminal) -> str:
    runs = [range(run["first"], run["last"] + 1) for run in received["missing"]]
    return phrase(
        "series_received_line",
        terminal.language,
        post=received["origin"],
        epoch=received["epoch"],
        received=received["received"],
        last=received["last"],
        missing=runs_text(runs) or phrase("series_none", terminal.language),
    )


def _listed(numbers: Sequence[int], terminal: Terminal) -> str:
    return ", ".join(map(str, numbers)) or phrase("series_none", terminal.language)
