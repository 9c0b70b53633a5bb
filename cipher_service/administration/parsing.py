"""The parts of the command line of `cipher-service` that several of its groups share."""

import argparse

from cipher_service.client.arguments import Parser, Say

_HERE = "cipher_service.administration"
Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives this type no public name


def add_command(commands: "Commands[Parser]", say: Say, name: str, handler: str) -> Parser:
    """Add one command with its help, the phrase `help_NAME`.

    Args:
        commands: where to.
        say: gives phrases in the user's language.
        name: with the groups that it is in, as in `post.list`.
        handler: `module:function` of this package; empty for a group.
    """
    text = say(f"help_{name.replace('-', '_')}")
    parser = commands.add_parser(
        name.rpartition(".")[2], help=text, description=text, allow_abbrev=False
    )
    if handler:
        parser.set_defaults(handler=f"{_HERE}.{handler}")
    return parser


def add_group(commands: "Commands[Parser]", say: Say, name: str) -> "Commands[Parser]":
    """Add a command that only leads to others, and return where those are added."""
    return add_command(commands, say, name, "").add_subparsers(
        metavar=say("a_command"), required=True, dest=f"{name.replace('.', '_')}_command"
    )


def add_json(parser: Parser, say: Say) -> None:
    """Add `--json`."""
    parser.add_argument("--json", action="store_true", help=say("help_json"))


def add_software_key(parser: Parser, say: Say, whose: str = "software-key") -> None:
    """Add `--software-key`, for demonstrations; once for each key that is asked.

    Args:
        parser: of the command.
        say: phrases of this program.
        whose: `with-software-key` for the second person's.
    """
    told = say(f"help_{whose.replace('-', '_')}")
    parser.add_argument(f"--{whose}", metavar=say("a_file"), action="append", default=[], help=told)


def add_store(parser: Parser, say: Say) -> None:
    """Add the store of a custodian that serves apart: its own user names it."""
    parser.add_argument("--store", metavar=say("a_folder"), help=say("help_custody_store"))


def add_credential(parser: Parser, say: Say) -> None:
    """Add what opens the store that `--store` names."""
    parser.add_argument("--credential", metavar=say("a_file"), help=say("help_custody_credential"))
