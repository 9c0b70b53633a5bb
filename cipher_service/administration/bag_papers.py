"""`cipher-service pouch paper`: a bag's papers of arrival and end, and rectifications, as PDF."""

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, TypeVar

from cipher_service.administration.pouches import at_desk, tell
from cipher_service.client.durable import write_durably
from cipher_service.client.messages import Language
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import dossiers, forms
from pouch.papers import forms as printed

Paper = TypeVar("Paper")


class _Heading(TypedDict):
    """What every paper bears: whose act it is, its number, its language."""

    by: str
    number: str
    language: Language


def receipt(arguments: Namespace, terminal: Terminal) -> None:
    """Print the décharge of a bag that was received."""
    heading = _heading(arguments, terminal)
    with at_desk(arguments, terminal) as (_, office):
        value = forms.receipt(office, arguments.bag, ordinal=arguments.ordinal, **heading)
    _print(arguments, terminal, printed.receipt, value)


def discrepancy(arguments: Namespace, terminal: Terminal) -> None:
    """Print the report of a discrepancy."""
    heading = _heading(arguments, terminal)
    with at_desk(arguments, terminal) as (_, office):
        value = forms.discrepancy(
            office,
            arguments.case,
            ordinal=arguments.ordinal,
            circumstances=arguments.circumstances,
            effect=arguments.effect,
            measures=arguments.measures,
            **heading,
        )
    _print(arguments, terminal, printed.discrepancy_report, value)


def empties(arguments: Namespace, terminal: Terminal) -> None:
    """Print the bordereau of the empty bags that go to a post."""
    heading = _heading(arguments, terminal)
    with at_desk(arguments, terminal) as (_, office):
        value = forms.empty_bags(office, arguments.to.upper(), **heading)
    _print(arguments, terminal, printed.empties, value)


def destruction(arguments: Namespace, terminal: Terminal) -> None:
    """Print the record of the last destruction of items of a bag."""
    heading = _heading(arguments, terminal)
    with at_desk(arguments, terminal) as (_, office):
        value = forms.destruction(office, arguments.bag, reason=arguments.reason, **heading)
    _print(arguments, terminal, printed.destruction_record, value)


def rectification(arguments: Namespace, terminal: Terminal) -> None:
    """Print a rectification of a bordereau again, by default the last; it bears its own number."""
    with at_desk(arguments, terminal) as (_, office):
        found = dossiers.dossier_of(office, arguments.bag, by=arguments.by)
    last = max(1, len(found.filed))
    nth = last if arguments.nth is None else arguments.nth
    _write(arguments, terminal, found.paper(nth, terminal.language))


def _heading(arguments: Namespace, terminal: Terminal) -> _Heading:
    return {"by": arguments.by, "number": arguments.number, "language": terminal.language}


def _print(
    arguments: Namespace,
    terminal: Terminal,
    draw: Callable[[Paper, Language, str], bytes],
    paper: Paper,
) -> None:
    level = default_scheme().papers["bag"].name(terminal.language)
    _write(arguments, terminal, draw(paper, terminal.language, level))


def _write(arguments: Namespace, terminal: Terminal, paper: bytes) -> None:
    path = Path(arguments.output)
    write_durably(path, paper)
    tell(terminal, "pouch_paper", {"path": str(path)}, path=str(path))
