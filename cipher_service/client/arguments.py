"""The parts of a command line that several commands share.

Each command sets `handler`, the lazy name of the function that does it; `command_line` puts all of
them together.
"""

import argparse
from collections.abc import Callable
from functools import partial
from typing import NoReturn

from cipher_service.client.failures import Misused

Say = Callable[[str], str]


class Parser(argparse.ArgumentParser):
    """A parser that raises `Misused` where argparse would end the process."""

    def error(self, message: str) -> NoReturn:
        """Refuse what was typed."""
        raise Misused("USAGE", problem=message, usage=" ".join(self.format_usage().split()))


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives this type no public name


def add_command(commands: "Commands[Parser]", say: Say, name: str, handler: str | None) -> Parser:
    """Add one command with its help, the phrase `help_NAME`; returns its parser."""
    text = say(f"help_{name.replace('-', '_')}")
    parser = commands.add_parser(
        name.rpartition("_")[2], help=text, description=text, allow_abbrev=False
    )
    parser.add_argument("--lang", choices=("fr", "en"), help=argparse.SUPPRESS)
    if handler is not None:
        parser.set_defaults(handler=handler)
    return parser


def add_identity_option(parser: Parser, say: Say) -> None:
    """Add `--identity DIR` and the way to its passphrase without a keyboard."""
    parser.add_argument(
        "--identity", metavar=say("a_folder"), required=True, help=say("help_identity_option")
    )
    add_passphrase_file(parser, say)


def add_sending_options(parser: Parser, say: Say) -> None:
    """Add what the writer of a dispatch decides, apart from its addressees and its level."""
    add = parser.add_argument
    several = partial(add, action="append", default=[])
    several("--caveat", metavar="C", help=say("help_caveat"))
    several("--releasable-to", metavar="CODE", help=say("help_releasable"))
    add("--review", metavar=say("a_date"), help=say("help_review"))
    add("--precedence", metavar="P", default="ROUTINE", help=say("help_precedence"))
    add("--info-precedence", metavar="P", help=say("help_info_precedence"))
    several("--precedence-for", metavar=say("a_precedence_for"), help=say("help_precedence_for"))
    several("--pouch", metavar="CODE", help=say("help_pouch"))
    add("--kind", metavar=say("a_kind"), default="telegram", help=say("help_kind"))
    add("--subject", metavar="S", default="", help=say("help_subject"))
    several("--reference", metavar="REF", help=say("help_reference"))
    add("--in-reply-to", metavar="ID", help=say("help_reply"))
    add("--expires", metavar=say("a_moment"), help=say("help_expires"))
    several("--attach", metavar=say("a_file"), help=say("help_attach"))


def add_passphrase_file(parser: Parser, say: Say) -> None:
    """Add the way to a passphrase without a keyboard."""
    parser.add_argument(
        "--passphrase-file", metavar=say("a_file"), help=say("help_passphrase_file")
    )


def add_json(parser: Parser, say: Say) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help=say("help_json"))
