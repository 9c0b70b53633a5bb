"""`cipher-service`: reads the command, runs the one module that does it, tells how it ended.

The same conventions as `chiffre`: a handler takes the parsed arguments and a `Terminal`; exit
status 0 done, 1 refused, 2 wrong usage, 3 disk, permission, network or database.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module

from sqlalchemy.exc import SQLAlchemyError

from cipher_service.administration.arguments import build_parser
from cipher_service.administration.words import explain, has_words
from cipher_service.client.endings import Ending, conclude
from cipher_service.client.failures import Failure, Refused, Unavailable
from cipher_service.client.interruptions import unwind_when_asked
from cipher_service.client.messages import Language, asked_language, choose_language
from cipher_service.client.terminal import Terminal, prepare_streams
from cipher_service.errors import ServiceError
from cipher_service.settings import SettingsInvalid
from keys.custody.errors import CustodianFault, CustodianUnavailable, CustodySealed
from keys.errors import KeysError

Handler = Callable[[Namespace, Terminal], None]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    typed = list(sys.argv[1:] if arguments is None else arguments)
    prepare_streams()
    language = choose_language(asked_language(typed), os.environ)
    terminal = Terminal(language, as_json="--json" in typed)
    unwind_when_asked()
    try:
        parsed = build_parser(language).parse_args(typed)
        module, _, function = parsed.handler.partition(":")
        handler: Handler = getattr(import_module(module), function)
        handler(parsed, terminal)
    except SystemExit as asked:  # --help and --version have shown what was wanted
        return asked.code if isinstance(asked.code, int) else 0
    except BaseException as error:  # noqa: BLE001 - the process boundary: no end is a traceback
        ending = _own(conclude(_named(error, language), language))
        if not ending.silent:
            terminal.tell(ending.text("cipher-service"))
            if terminal.as_json:
                terminal.show_json({"error": ending.facts()})
        return ending.status
    return 0


def _own(ending: Ending) -> Ending:
    """Tell a defect as one of this program, not as one of `chiffre`."""
    told = explain(ending.code, {}, ending.language) if ending.code == "DEFECT" else None
    return ending if told is None else replace(ending, explanation=told)


def _named(error: BaseException, language: Language) -> BaseException:
    """Give what the service refuses its words; leave the rest to `conclude`."""
    failure: Failure
    if isinstance(error, ServiceError):
        failure = Refused(error.code, **error.facts)
    elif isinstance(error, SettingsInvalid):
        failure = Refused("SETTINGS_INVALID", problem=str(error))
    elif isinstance(error, SQLAlchemyError):
        # The first line only: what follows may quote the values of a statement.
        failure = Unavailable("DATABASE_UNAVAILABLE", problem=type(error).__name__)
    elif isinstance(error, CustodianUnavailable | CustodianFault | CustodySealed):
        failure = Unavailable(error.code)
    elif isinstance(error, KeysError) and has_words(error.code):
        failure = Refused(error.code)
    elif isinstance(error, Failure):
        failure = error
    else:
        return error
    if failure.words is None:
        failure.words = explain(failure.code, failure.facts, language)
    return failure
