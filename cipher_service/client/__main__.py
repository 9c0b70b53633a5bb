"""`chiffre`: reads the command, runs the one module that does it, and turns every end into words.

A command's parser sets `handler`, a lazy name such as `cipher_service.client.deciphering:decipher`;
only that module is then imported. A handler takes the parsed arguments and a `Terminal`, and
returns nothing; it raises `Failure`, a `KeysError` or an `OSError`. Exit statuses: 0 done,
1 refused, 2 wrong usage, 3 disk, permission or network; 130 and 143 when stopped by a signal.
"""

import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from importlib import import_module
from types import FrameType
from typing import NoReturn

from cipher_service.client.arguments import build_parser
from cipher_service.client.endings import Ending, Stopped, conclude
from cipher_service.client.messages import choose_language
from cipher_service.client.terminal import Terminal, prepare_streams

Handler = Callable[[Namespace, Terminal], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    prepare_streams()
    language = choose_language(_asked_language(typed), os.environ)
    terminal = Terminal(language, as_json="--json" in typed)
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, _stop)
    try:
        parsed = build_parser(language).parse_args(typed)
        _resolve(parsed.handler)(parsed, terminal)
    except SystemExit as asked:  # --help and --version have shown what was wanted
        return asked.code if isinstance(asked.code, int) else 0
    except BaseException as error:  # noqa: BLE001 - the process boundary: no end is a traceback
        ending = conclude(error, language)
        _report(ending, terminal)
        return ending.status
    return 0


def _resolve(name: str) -> Handler:
    module, _, function = name.partition(":")
    handler: Handler = getattr(import_module(module), function)
    return handler


def _asked_language(typed: Sequence[str]) -> str | None:
    """Find --lang before parsing: wrong usage too is told in the language asked for."""
    for position, word in enumerate(typed):
        if word.startswith("--lang="):
            return word.removeprefix("--lang=")
        if word == "--lang":
            return typed[position + 1] if position + 1 < len(typed) else None
    return None


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


def _report(ending: Ending, terminal: Terminal) -> None:
    if ending.silent:
        _abandon_output()
        return
    terminal.tell(ending.text())
    if terminal.as_json:
        try:
            terminal.show_json({"error": ending.facts()})
        except OSError:
            _abandon_output()


def _abandon_output() -> None:
    """Keep the interpreter from failing on what nobody reads any more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main())
