"""One run of `chiffre` or `valise`: reads the command, has it done, turns every end into words.

A command's parser sets `handler`, a lazy name such as `cipher_service.client.deciphering:decipher`;
only that module is then imported. A handler takes the parsed arguments and a `Terminal`, and
returns nothing; it raises `Failure`, a `KeysError` or an `OSError`. Exit statuses: 0 done,
1 refused, 2 wrong usage, 3 disk, permission or network; 130 and 143 when stopped by a signal.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module

from cipher_service.client.arguments import Parser
from cipher_service.client.command_line import build_parser
from cipher_service.client.endings import Ending, conclude
from cipher_service.client.failures import Failure
from cipher_service.client.interruptions import unwind_when_asked
from cipher_service.client.messages import Language, asked_language, choose_language
from cipher_service.client.terminal import Terminal, flush_results, prepare_streams

# A handler whose result is itself a refusal, a verdict for instance, returns the exit status.
Handler = Callable[[Namespace, Terminal], int | None]
Builder = Callable[[Language], Parser]


def run(typed: Sequence[str], *, program: str = "chiffre", build: Builder = build_parser) -> int:
    """Run one command and return its exit status.

    Args:
        typed: the command's words.
        program: name of the program, for what it says when it fails.
        build: gives the parser of its commands in a language.
    """
    prepare_streams()
    language = choose_language(asked_language(typed), os.environ)
    terminal = Terminal(language, as_json="--json" in typed)
    unwind_when_asked()
    try:
        parsed = _parse(typed, build(language))
        if parsed is not None:
            return _resolve(parsed.handler)(parsed, terminal) or 0
    except BaseException as error:  # noqa: BLE001 - the process boundary: no end is a traceback
        ending = conclude(error, language)
        _report(ending, terminal, program)
        return ending.status
    return 0


def _parse(typed: Sequence[str], parser: Parser) -> Namespace | None:
    """Return what was typed, or None when it only asked for help or the version."""
    try:
        return parser.parse_args(typed)
    except SystemExit:
        if sys.stdout is not None:
            flush_results()
        return None


def _resolve(name: str) -> Handler:
    module, _, function = name.partition(":")
    handler: Handler = getattr(import_module(module), function)
    return handler


def _report(ending: Ending, terminal: Terminal, program: str) -> None:
    if not ending.silent:
        terminal.tell(ending.text(program))
        if terminal.as_json:
            with suppress(OSError, Failure):
                terminal.show_json({"error": ending.facts()})
    if sys.stdout is not None:
        try:
            sys.stdout.flush()
        except OSError:
            _abandon_output()


def _abandon_output() -> None:
    """Keep the interpreter from failing at its end on what nobody reads any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
