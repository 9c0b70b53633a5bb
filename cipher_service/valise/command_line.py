"""Everything that can be typed after `valise`, in the user's language."""

from functools import partial

from cipher_service.client.arguments import (
    Commands,
    Parser,
    Say,
    add_command,
    add_identity_option,
    add_json,
)
from cipher_service.client.command_line import Version, translate_argparse
from cipher_service.client.messages import Language, phrase

_EXAMPLE = "cipher_service.valise.drafts:example"
_SEAL = "cipher_service.valise.sealing:seal"
_VERIFY = "cipher_service.valise.verifying:verify"
_RECTIFY = "cipher_service.valise.rectifying:rectify"
_LETTER = "cipher_service.valise.letters:letter"
_PACK = "cipher_service.valise.packs:pack"
_PROVE = "cipher_service.valise.lines:prove"
_LINE = "cipher_service.valise.lines:line"
_DRILL_NEW = "cipher_service.valise.drills:new"
_DRILL_MARK = "cipher_service.valise.drills:mark_answers"


def build_parser(language: Language) -> Parser:
    """Return the parser of all commands, in the language of its help and complaints."""
    translate_argparse(language)
    say = partial(phrase, language=language)
    parser = Parser(
        prog="valise",
        description=say("help_valise"),
        epilog=say("help_valise_exit"),
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=Version, nargs=0, help=say("help_version"))
    parser.add_argument("--lang", choices=("fr", "en"), help=say("help_lang"))
    commands = parser.add_subparsers(
        metavar=say("help_command"), required=True, dest="command", title=say("help_commands")
    )
    add_json(add_command(commands, say, "valise_example", _EXAMPLE), say)
    _add_seal(commands, say)
    _add_verify(commands, say)
    _add_rectify(commands, say)
    _add_letter(commands, say)
    _add_pack(commands, say)
    _add_lines(commands, say)
    _add_drill(commands, say)
    return parser


def _add_seal(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "valise_seal", _SEAL)
    add_identity_option(parser, say)
    add = parser.add_argument
    _add_witness(parser, say)
    add("--manifest", metavar=f"{say('a_file')}|-", required=True, help=say("help_draft"))
    add("-o", "--out", metavar=say("a_folder"), required=True, help=say("help_out_sealed"))
    add_json(parser, say)


def _add_verify(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "valise_verify", _VERIFY)
    add = parser.add_argument
    add("--trust", metavar=say("a_card"), action="append", default=[], help=say("help_trust"))
    add("--manifest", metavar=say("a_file"), help=say("help_sealed"))
    _add_rectifications(parser, say)
    add("--pack", metavar=say("a_file"), help=say("help_pack"))
    _add_root(parser, say, required=False)
    add("--seal-number", metavar="N", action="append", help=say("help_seal_number"))
    add("--bordereau", metavar=say("an_image"), help=say("help_bordereau"))
    add("--bags", metavar="N", type=int, help=say("help_bags"))
    add("--weight", metavar="G", type=int, help=say("help_weight"))
    add("image", metavar=f"{say('an_image')}|{say('a_text_file')}|-", help=say("help_scanned"))
    add_json(parser, say)


def _add_rectify(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "valise_rectify", _RECTIFY)
    add_identity_option(parser, say)
    _add_witness(parser, say)
    add = parser.add_argument
    add("--trust", metavar=say("a_card"), action="append", default=[], help=say("help_trust"))
    add("--manifest", metavar=say("a_file"), required=True, help=say("help_sealed"))
    _add_rectifications(parser, say)
    add("--number", metavar="N", required=True, help=say("help_rectify_number"))
    add("--reason", metavar="R", required=True, help=say("help_rectify_reason"))
    add("--signed-by", metavar="N", required=True, help=say("help_rectify_by"))
    add("--function", metavar="F", required=True, help=say("help_function"))
    add(
        "--set",
        metavar=say("a_setting"),
        action="append",
        required=True,
        help=say("help_rectify_set"),
    )
    add("-o", "--out", metavar=say("a_folder"), required=True, help=say("help_out_rectified"))
    add_json(parser, say)


def _add_letter(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "valise_letter", _LETTER)
    add = parser.add_argument
    add("--trust", metavar=say("a_card"), action="append", required=True, help=say("help_trust"))
    add("--ministry-fr", metavar="M", required=True, help=say("help_ministry_fr"))
    add("--ministry-en", metavar="M", required=True, help=say("help_ministry_en"))
    add("--place", metavar="P", required=True, help=say("help_place"))
    add("--signed-by", metavar="N", required=True, help=say("help_signed_by"))
    add("--function", metavar="F", required=True, help=say("help_function"))
    add("--purpose", metavar="P", help=say("help_purpose"))
    add("--taken-by", metavar="N", help=say("help_taken_by"))
    _add_rectifications(parser, say)
    add("-o", "--out", metavar=say("a_folder"), required=True, help=say("help_out_letter"))
    add("manifests", metavar=say("a_file"), nargs="+", help=say("help_sealed_all"))
    add_json(parser, say)


def _add_pack(commands: "Commands[Parser]", say: Say) -> None:
    parser = add_command(commands, say, "valise_pack", _PACK)
    _add_root(parser, say, required=True)
    parser.add_argument("pack", metavar=say("a_file"), help=say("help_pack_file"))
    add_json(parser, say)


def _add_lines(commands: "Commands[Parser]", say: Say) -> None:
    prove = add_command(commands, say, "valise_prove", _PROVE)
    prove.add_argument("--manifest", metavar=say("a_file"), required=True, help=say("help_sealed"))
    prove.add_argument("-o", "--out", metavar=say("a_file"), required=True, help=say("help_proof"))
    prove.add_argument("line", metavar="N", type=int, help=say("help_line_number"))
    line = add_command(commands, say, "valise_line", _LINE)
    line.add_argument(
        "--trust", metavar=say("a_card"), action="append", required=True, help=say("help_trust")
    )
    line.add_argument("--seal", metavar=say("an_image"), required=True, help=say("help_scanned"))
    line.add_argument("proof", metavar=say("a_file"), help=say("help_proof"))
    for parser in (prove, line):
        add_json(parser, say)


def _add_drill(commands: "Commands[Parser]", say: Say) -> None:
    drill = add_command(commands, say, "valise_drill", None)
    kinds = drill.add_subparsers(
        metavar=say("help_command"), required=True, dest="kind", title=say("help_commands")
    )
    new = add_command(kinds, say, "valise_drill_new", _DRILL_NEW)
    new.add_argument("--seed", metavar=say("a_word"), help=say("help_drill_seed"))
    new.add_argument("--bags", metavar="N", type=int, required=True, help=say("help_drill_bags"))
    new.add_argument("--defects", metavar="K", type=int, help=say("help_drill_defects"))
    new.add_argument("--date", metavar=say("a_date"), help=say("help_drill_date"))
    new.add_argument(
        "-o", "--out", metavar=say("a_folder"), required=True, help=say("help_out_drill")
    )
    mark = add_command(kinds, say, "valise_drill_mark", _DRILL_MARK)
    mark.add_argument(
        "--key", metavar=say("a_file"), required=True, help=say("help_drill_solution")
    )
    mark.add_argument("--trainee", metavar="N", help=say("help_drill_trainee"))
    mark.add_argument("-o", "--out", metavar=say("a_file"), help=say("help_out_result"))
    mark.add_argument("answers", metavar=say("a_file"), help=say("help_drill_answers"))
    for parser in (new, mark):
        add_json(parser, say)


def _add_witness(parser: Parser, say: Say) -> None:
    add = parser.add_argument
    add("--witness", metavar=say("a_folder"), help=say("help_witness"))
    add("--witness-passphrase-file", metavar=say("a_file"), help=say("help_witness_passphrase"))


def _add_rectifications(parser: Parser, say: Say) -> None:
    parser.add_argument(
        "--rectification",
        metavar=say("a_file"),
        action="append",
        default=[],
        help=say("help_rectification"),
    )


def _add_root(parser: Parser, say: Say, *, required: bool) -> None:
    parser.add_argument(
        "--root", metavar=say("a_file"), required=required, help=say("help_root_card")
    )
    parser.add_argument("--memory", metavar=say("a_folder"), help=say("help_memory"))
