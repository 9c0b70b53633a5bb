"""Everything that can be typed after `chiffre`, in the user's language."""

import argparse
import sys
from functools import partial
from typing import Any

from cipher_service.client.arguments import (
    Commands,
    Parser,
    Say,
    add_command,
    add_identity_option,
    add_json,
    add_passphrase_file,
    add_sending_options,
)
from cipher_service.client.messages import Language, argparse_words, phrase
from cipher_service.client.online_arguments import add_online_commands

_ENCIPHERING = "cipher_service.client.enciphering:encipher"
_DECIPHERING = "cipher_service.client.deciphering:decipher"
_INSPECTION = "cipher_service.client.inspection:inspect"
_IDENTITY_NEW = "cipher_service.client.identities:new"
_IDENTITY_RESTORED = "cipher_service.client.restoring:restored"
_IDENTITY_EXPORT = "cipher_service.client.identities:export_age"
_IDENTITY_COMPLEMENT = "cipher_service.client.complements:write"
_CARD_SHOW = "cipher_service.client.identities:show_card"
_REROUTE = "cipher_service.client.rerouting:run"
_SERIES = "cipher_service.client.series:series"


class Version(argparse.Action):
    """Show the version; the module that knows it costs more than the rest of the start."""

    def __call__(self, parser: argparse.ArgumentParser, *_arguments: Any) -> None:
        """Show it and end."""
        from importlib.metadata import version  # noqa: PLC0415 - it is slow to load

        sys.stdout.write(f"{parser.prog} {version('cipher-service')}\n")
        parser.exit()


def build_parser(language: Language) -> Parser:
    """Return the parser of all commands.

    Args:
        language: of its help and of its complaints. argparse takes its own words from gettext,
            through a name of its module; the French ones are put there for the whole process.
    """
    translate_argparse(language)
    say = partial(phrase, language=language)
    parser = Parser(
        prog="chiffre", description=say("help_chiffre"), epilog=say("help_exit"), allow_abbrev=False
    )
    parser.add_argument("--version", action=Version, nargs=0, help=say("help_version"))
    parser.add_argument("--lang", choices=("fr", "en"), help=say("help_lang"))
    commands = parser.add_subparsers(
        metavar=say("help_command"), required=True, dest="command", title=say("help_commands")
    )
    _add_identity(commands, say)
    _add_card(commands, say)
    _add_encipher(commands, say)
    _add_decipher(commands, say)
    _add_reroute(commands, say)
    _add_inspect(commands, say)
    _add_series(commands, say)
    add_online_commands(commands, language)
    return parser


def _add_identity(commands: "Commands[Parser]", say: Say) -> None:
    group = add_command(commands, say, "identity", None).add_subparsers(
        metavar=say("help_command"), required=True, dest="act", title=say("help_commands")
    )
    new = add_command(group, say, "identity_new", _IDENTITY_NEW)
    new.add_argument("--post", metavar="CODE", required=True, help=say("help_post"))
    new.add_argument("--out", metavar=say("a_folder"), required=True, help=say("help_out_identity"))
    new.add_argument("--no-passphrase", action="store_true", help=say("help_no_passphrase"))
    new.add_argument("--previous", metavar=say("a_card"), help=say("help_previous"))
    new.add_argument("--days", metavar="N", type=int, default=366, help=say("help_days"))
    add_passphrase_file(new, say)
    add_json(new, say)
    restored = add_command(group, say, "identity_restored", _IDENTITY_RESTORED)
    restored.add_argument(
        "--identity", metavar=say("a_folder"), required=True, help=say("help_identity_option")
    )
    restored.add_argument("--after", metavar="E", type=int, help=say("help_after_epoch"))
    add_json(restored, say)
    export = add_command(group, say, "identity_export-age", _IDENTITY_EXPORT)
    add_identity_option(export, say)
    export.add_argument("--yes", action="store_true", help=say("help_yes"))
    add_json(export, say)
    complement = add_command(group, say, "identity_complement", _IDENTITY_COMPLEMENT)
    add_identity_option(complement, say)
    complement.add_argument(
        "-o", "--out", metavar=say("an_output"), required=True, help=say("help_complement_out")
    )
    add_json(complement, say)


def _add_card(commands: "Commands[Parser]", say: Say) -> None:
    group = add_command(commands, say, "card", None).add_subparsers(
        metavar=say("help_command"), required=True, dest="act", title=say("help_commands")
    )
    show = add_command(group, say, "card_show", _CARD_SHOW)
    show.add_argument("file", metavar=say("a_file"), help=say("help_card_file"))
    add_json(show, say)


def _add_encipher(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "encipher", _ENCIPHERING)
    add_identity_option(parser, say)
    add, card = parser.add_argument, say("a_card")
    add("--to", metavar=card, action="append", required=True, help=say("help_to"))
    add("--info", metavar=card, action="append", default=[], help=say("help_info"))
    add("--level", metavar=say("a_level"), required=True, help=say("help_level"))
    add_sending_options(parser, say)
    _add_complements(parser, say)
    parser.add_argument(
        "-o", "--out", metavar=say("an_output"), required=True, help=say("help_out")
    )
    parser.add_argument("--force", action="store_true", help=say("help_force"))
    parser.add_argument("file", metavar=f"{say('a_file')}|-", help=say("help_text_file"))
    add_json(parser, say)


def _add_decipher(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "decipher", _DECIPHERING)
    add_identity_option(parser, say)
    _add_trusted(parser, say)
    _add_complements(parser, say)
    parser.add_argument(
        "-o", "--out", metavar=say("an_output_folder"), required=True, help=say("help_out_folder")
    )
    parser.add_argument("file", metavar=say("a_file"), help=say("help_dispatch_file"))
    add_json(parser, say)


def _add_reroute(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "reroute", _REROUTE)
    add_identity_option(parser, say)
    _add_trusted(parser, say)
    several = partial(parser.add_argument, action="append", default=[], metavar=say("a_card"))
    several("--to", help=say("help_reroute_to"))
    several("--info", help=say("help_reroute_info"))
    several("--own-card", dest="own", help=say("help_reroute_own"))
    add = parser.add_argument
    add("--precedence", metavar="P", default="ROUTINE", help=say("help_precedence"))
    add("--reason", metavar=say("a_reason"), required=True, help=say("help_reroute_reason"))
    add("-o", "--out", metavar=say("an_output"), required=True, help=say("help_out"))
    add("file", metavar=say("a_file"), help=say("help_dispatch_file"))
    add_json(parser, say)


def _add_complements(parser: Parser, say: Say) -> None:
    parser.add_argument(
        "--complement",
        metavar=say("a_file"),
        action="append",
        default=[],
        help=say("help_complement"),
    )


def _add_trusted(parser: Parser, say: Say) -> None:
    several = partial(parser.add_argument, action="append", metavar=say("a_card"))
    several("--from", required=True, dest="senders", help=say("help_from"))
    several("--rerouted-by", default=[], dest="rerouters", help=say("help_rerouted_by"))


def _add_inspect(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "inspect", _INSPECTION)
    parser.add_argument("file", metavar=say("a_file"), help=say("help_dispatch_file"))
    add_json(parser, say)


def _add_series(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "series", _SERIES)
    parser.add_argument(
        "--identity", metavar=say("a_folder"), required=True, help=say("help_identity_option")
    )
    add_json(parser, say)


def translate_argparse(language: Language) -> None:
    """Give argparse the words of a language, for the whole process."""
    words = argparse_words(language)

    def one(text: str) -> str:
        return words.get(text, text)

    def counted(singular: str, plural: str, number: int) -> str:
        return one(singular if number == 1 else plural)

    setattr(argparse, "_", one)  # noqa: B010 - a private name that mypy does not know
    setattr(argparse, "ngettext", counted)  # noqa: B010 - another private name
