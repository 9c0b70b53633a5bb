"""`cipher-service pouch paper`: the papers of a bag's arrival and end, as PDF."""

from argparse import Namespace
from pathlib import Path

from cipher_service.administration.pouches import at_desk, tell
from cipher_service.client.durable import write_durably
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import forms
from pouch.papers import forms as printed


def receipt(arguments: Namespace, terminal: Terminal) -> None:
    """Print the décharge of a bag that was received."""
    with at_desk(arguments, terminal) as (_, office):
        value = forms.receipt(
            office,
            arguments.bag,
            by=arguments.by,
            number=arguments.number,
            ordinal=arguments.ordinal,
            language=terminal.language,
        )
    _write(arguments, terminal, printed.receipt(value, terminal.language, _level(terminal)))


def discrepancy(arguments: Namespace, terminal: Terminal) -> None:
    """Print the report of a discrepancy."""
    with at_desk(arguments, terminal) as (_, office):
        value = forms.discrepancy(
            office,
            arguments.case,
            by=arguments.by,
            number=arguments.number,
            ordinal=arguments.ordinal,
            language=terminal.language,
            circumstances=arguments.circumstances,
            effect=arguments.effect,
            measures=arguments.measures,
        )
    body = printed.discrepancy_report(value, terminal.language, _level(terminal))
    _write(arguments, terminal, body)


def empties(arguments: Namespace, terminal: Terminal) -> None:
    """Print the bordereau of the empty bags that go to a post."""
    with at_desk(arguments, terminal) as (_, office):
        value = forms.empty_bags(
            office,
            arguments.to.upper(),
            by=arguments.by,
            number=arguments.number,
            language=terminal.language,
        )
    _write(arguments, terminal, printed.empties(value, terminal.language, _level(terminal)))


def destruction(arguments: Namespace, terminal: Terminal) -> None:
    """Print the record of the last destruction of items of a bag."""
    with at_desk(arguments, terminal) as (_, office):
        value = forms.destruction(
            office,
            arguments.bag,
            by=arguments.by,
            number=arguments.number,
            reason=arguments.reason,
            language=terminal.language,
        )
    body = printed.destruction_record(value, terminal.language, _level(terminal))
    _write(arguments, terminal, body)


def _write(arguments: Namespace, terminal: Terminal, body: bytes) -> None:
    path = Path(arguments.output)
    write_durably(path, body)
    tell(terminal, "pouch_paper", {"path": str(path)}, path=str(path))


def _level(terminal: Terminal) -> str:
    """Return the word at the top and bottom: these papers name no content."""
    level = default_scheme().levels[1]
    return level.en if terminal.language == "en" else level.fr
