"""What can be typed after `chiffre` when the ministry is to be reached.

Only words: the modules that do it, with their HTTP, are imported when a command runs.
"""

from functools import partial
from typing import Final

from cipher_service.client.arguments import (
    Commands,
    Parser,
    Say,
    add_command,
    add_identity_option,
    add_json,
    add_sending_options,
)
from cipher_service.client.messages import Language, phrase

_ENROL: Final = "cipher_service.client.online_enrolment:enrol"
_SEND: Final = "cipher_service.client.online_sending:send"
_HAND_IN: Final = "cipher_service.client.online_handing_in:hand_in"
_OUTBOX: Final = "cipher_service.client.online_sending:show_outbox"
_BAG: Final = "cipher_service.client.online_bags:bag"
_READINGS: Final = "cipher_service.client.online_readings:bag_events"
_FINDINGS: Final = "cipher_service.client.online_findings"
_EMPTIES: Final = "cipher_service.client.online_empties:empties"
_PACK: Final = "cipher_service.client.online_packs:pack"
_INBOX: Final = "cipher_service.client.online_inbox:inbox"
_FETCH: Final = "cipher_service.client.online_fetching:fetch"
_RECEIPT: Final = "cipher_service.client.online_receipts:receipt"
_SERVICE_MESSAGE: Final = "cipher_service.client.online_service_messages:service_message"
_DIRECTORY: Final = "cipher_service.client.online_directory:directory"
_SYNC: Final = "cipher_service.client.online_log:sync"
_PREKEYS: Final = "cipher_service.client.online_prekeys"
_CERTIFICATE: Final = "cipher_service.client.online_certificate:certificate"
_CARDS: Final = "cipher_service.client.online_directory:cards"


def add_online_commands(commands: "Commands[Parser]", language: Language) -> None:
    """Add the commands that reach the ministry; each names its handler and imports nothing."""
    say = partial(phrase, language=language)
    _add_enrol(commands, say)
    _add_certificate(commands, say)
    _add_send(commands, say)
    _add_hand_in(commands, say)
    _add_outbox(commands, say)
    _add_bag(commands, say)
    _add_readings(commands, say)
    _add_findings(commands, say)
    _add_empties(commands, say)
    _add_pack(commands, say)
    _add_inbox(commands, say)
    _add_fetch(commands, say)
    _add_receipt(commands, say)
    _add_service_message(commands, say)
    _add_directory(commands, say)
    _add_cards(commands, say)
    _add_sync(commands, say)
    _add_prekeys(commands, say)


def _command(
    commands: "Commands[Parser]",
    say: Say,
    name: str,
    handler: str,
) -> "Parser":
    parser = add_command(commands, say, name, handler)
    add_identity_option(parser, say)
    add_json(parser, say)
    return parser


def _add_enrol(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "enrol", _ENROL)
    fingerprint = say("a_fingerprint")
    parser.add_argument("--server", metavar="URL", required=True, help=say("help_server"))
    parser.add_argument("--code", metavar="CODE", required=True, help=say("help_code"))
    parser.add_argument(
        "--service-fingerprint", metavar=fingerprint, help=say("help_service_fingerprint")
    )
    parser.add_argument(
        "--headquarters-fingerprint", metavar=fingerprint, help=say("help_headquarters_fingerprint")
    )
    parser.add_argument("--authority", metavar=say("a_file"), help=say("help_authority"))


def _add_certificate(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "certificate", _CERTIFICATE)
    parser.add_argument("--end", action="store_true", help=say("help_certificate_end"))


def _add_send(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "send", _SEND)
    add_sending_options(parser, say)
    # Resuming needs neither an addressee nor a level: their absence is judged by the command.
    parser.conflict_handler = "resolve"
    parser.add_argument(
        "--to", metavar=say("a_card_or_post"), action="append", default=[], help=say("help_to_post")
    )
    parser.add_argument(
        "--info",
        metavar=say("a_card_or_post"),
        action="append",
        default=[],
        help=say("help_info_post"),
    )
    parser.add_argument("--level", metavar=say("a_level"), help=say("help_level"))
    parser.add_argument("--pending", action="store_true", help=say("help_pending"))
    parser.add_argument("--again", action="store_true", help=say("help_again"))
    parser.add_argument("file", metavar=f"{say('a_file')}|-", nargs="?", help=say("help_text_file"))


def _add_hand_in(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "hand-in", _HAND_IN)
    parser.add_argument("file", metavar=say("a_file"), help=say("help_hand_in_file"))


def _add_outbox(commands: "Commands[Parser]", say: Say) -> None:
    _command(commands, say, "outbox", _OUTBOX)


def _add_bag(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "bag", _BAG)
    parser.add_argument(
        "-o", "--out", metavar=say("a_file"), required=True, help=say("help_bag_out")
    )
    parser.add_argument("id", metavar="ID", help=say("help_id"))


def _add_readings(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "bag-events", _READINGS)
    parser.add_argument("--take-in", action="store_true", help=say("help_readings_take_in"))
    parser.add_argument("file", metavar=say("a_file"), help=say("help_readings_file"))


def _add_findings(commands: "Commands[Parser]", say: Say) -> None:
    told = _command(commands, say, "differences", f"{_FINDINGS}:differences")
    sent = _command(commands, say, "photograph", f"{_FINDINGS}:photograph")
    for parser in (told, sent):
        parser.add_argument(
            "--by",
            dest="officer",
            metavar=say("a_person"),
            required=True,
            help=say("help_found_by"),
        )
    told.add_argument(
        "--found", metavar="N=K", action="append", default=[], help=say("help_found_lines")
    )
    for name in ("damaged", "misdirected"):
        told.add_argument(
            f"--{name}",
            metavar="N",
            type=int,
            action="append",
            default=[],
            help=say(f"help_found_{name}"),
        )
    told.add_argument(
        "--unlisted", metavar="K", type=int, default=0, help=say("help_found_unlisted")
    )
    sent.add_argument("--of", metavar="seals|bag|item", default="seals", help=say("help_found_of"))
    for parser in (told, sent):
        parser.add_argument("seal", metavar=say("a_bag"), help=say("help_found_bag"))
    sent.add_argument("file", metavar=say("a_file"), help=say("help_found_file"))


def _add_empties(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "empties", _EMPTIES)
    parser.add_argument(
        "--number", metavar=say("a_number"), required=True, help=say("help_empties_number")
    )
    parser.add_argument("--days", metavar="N", type=int, default=30, help=say("help_empties_days"))
    parser.add_argument(
        "locators", metavar=say("a_locator"), nargs="+", help=say("help_empties_locators")
    )


def _add_pack(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "pack", _PACK)
    parser.add_argument("-o", "--out", metavar=say("a_file"), help=say("help_pack_out"))


def _add_inbox(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "inbox", _INBOX)
    parser.add_argument("--new", action="store_true", help=say("help_new"))
    parser.add_argument("--follow", action="store_true", help=say("help_follow"))


def _add_fetch(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "fetch", _FETCH)
    parser.add_argument("--all", action="store_true", help=say("help_all"))
    parser.add_argument(
        "-o", "--out", metavar=say("a_folder"), required=True, help=say("help_out_fetched")
    )
    parser.add_argument("--decipher", action="store_true", help=say("help_decipher_fetched"))
    parser.add_argument("--chase", action="store_true", help=say("help_chase"))
    parser.add_argument("ids", metavar="ID", nargs="*", help=say("help_ids"))


def _add_receipt(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "receipt", _RECEIPT)
    parser.add_argument("-o", "--out", metavar=say("a_file"), help=say("help_receipt_out"))
    parser.add_argument("id", metavar="ID", help=say("help_id"))


def _add_service_message(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "service-message", _SERVICE_MESSAGE)
    parser.add_argument("--to", metavar="CODE", help=say("help_service_to"))
    parser.add_argument(
        "--kind", metavar=say("a_kind"), default="repeat-request", help=say("help_service_kind")
    )
    parser.add_argument("--number", metavar="N", type=int, help=say("help_service_number"))
    parser.add_argument("--epoch", metavar="E", type=int, help=say("help_service_epoch"))
    parser.add_argument("--dispatch", metavar="ID", help=say("help_service_dispatch"))
    parser.add_argument(
        "--precedence", metavar="P", default="ROUTINE", help=say("help_service_precedence")
    )


def _add_directory(commands: "Commands[Parser]", say: Say) -> None:
    _command(commands, say, "directory", _DIRECTORY)


def _add_cards(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "cards", _CARDS)
    parser.add_argument(
        "--fingerprint",
        metavar=say("a_fingerprint"),
        action="append",
        default=[],
        help=say("help_card_fingerprint"),
    )
    parser.add_argument("posts", metavar="CODE", nargs="+", help=say("help_card_posts"))


def _add_sync(commands: "Commands[Parser]", say: Say) -> None:
    parser = _command(commands, say, "sync", _SYNC)
    parser.add_argument(
        "--log-fingerprint", metavar=say("a_fingerprint"), help=say("help_log_fingerprint")
    )


def _add_prekeys(commands: "Commands[Parser]", say: Say) -> None:
    group = add_command(commands, say, "prekeys", None).add_subparsers(
        metavar=say("help_command"), required=True, dest="act", title=say("help_commands")
    )
    new = _command(group, say, "prekeys_new", f"{_PREKEYS}:new")
    new.add_argument("--count", metavar="N", type=int, default=50, help=say("help_prekeys_count"))
    new.add_argument("--days", metavar="N", type=int, default=45, help=say("help_prekeys_days"))
    new.add_argument("-o", "--out", metavar=say("a_file"), help=say("help_prekeys_out"))
    hand_in = _command(group, say, "prekeys_hand-in", f"{_PREKEYS}:hand_in")
    hand_in.add_argument("file", metavar=say("a_file"), help=say("help_prekeys_file"))
    _command(group, say, "prekeys_status", f"{_PREKEYS}:status")
