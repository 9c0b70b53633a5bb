"""What can be typed after `cipher-service keys`."""

from functools import partial

from cipher_service.administration.items_arguments import add_record
from cipher_service.administration.parsing import (
    Commands,
    add_command,
    add_credential,
    add_group,
    add_json,
    add_software_key,
    add_store,
)
from cipher_service.client.arguments import Parser, Say, add_passphrase_file


def add_keys(commands: "Commands[Parser]", say: Say, client: Say) -> None:
    """Add the commands about the life of keys.

    Args:
        commands: of the whole program.
        say: phrases of this program.
        client: phrases of `chiffre`, for the options that both have.
    """
    group = add_group(commands, say, "keys")
    listing = add_command(group, say, "keys.list", "versions:list_versions")
    suspend = add_command(group, say, "keys.suspend", "versions:suspend")
    resume = add_command(group, say, "keys.resume", "versions:resume")
    compromise = add_command(group, say, "keys.compromise", "exposing:compromise")
    report = add_command(group, say, "keys.exposure", "exposing:report")
    rotate = add_command(group, say, "keys.rotate", "versions:rotate")
    _add_rotation_records(group, say)
    propose = add_command(group, say, "keys.propose", "destroying:propose")
    destroy = add_command(group, say, "keys.destroy", "destroying:destroy")
    propose.add_argument("what", choices=("destroy", "keep"), help=say("help_key_what"))
    for parser in (suspend, resume, compromise, report, propose, destroy):
        parser.add_argument("key", metavar=say("a_key"), help=say("help_key_name"))
    for parser in (suspend, resume, compromise, report):
        parser.add_argument("--number", metavar="N", type=int, help=say("help_key_number"))
    for parser in (propose, destroy):
        parser.add_argument(
            "--number", metavar="N", type=int, required=True, help=say("help_key_which")
        )
    _add_destruction(propose, destroy, say)
    for parser in (suspend, resume, compromise, propose, destroy):
        parser.add_argument(
            "--reason", metavar=say("a_reason"), required=True, help=say("help_key_reason")
        )
    exchange = add_command(group, say, "keys.exchange", "rotating_apart:exchange")
    take_in = add_command(group, say, "keys.take-in", "rotating_apart:take_in")
    for parser in (rotate, take_in):
        parser.add_argument("--by", metavar="OFF-...", help=say("help_rotation_order"))
        add_software_key(parser, say)
    for parser in (rotate, exchange):
        parser.add_argument("key", metavar=say("a_key"), nargs="?", help=say("help_key_rotated"))
        parser.set_defaults(number=None)
        parser.add_argument("--days", metavar="N", type=int, default=366, help=say("help_key_days"))
    for parser in (resume, destroy):
        parser.add_argument("--at-custodian", action="store_true", help=say("help_at_custodian"))
    for parser in (resume, rotate, exchange, destroy):
        several = partial(parser.add_argument, action="append", default=[])
        several("--share", metavar=say("a_file"), help=say("help_key_share"))
        several("--identity", metavar=say("a_folder"), help=say("help_share_identity"))
        add_passphrase_file(parser, client)
        add_store(parser, say)
        add_credential(parser, say)
    told = (listing, suspend, resume, compromise, report, rotate, exchange, take_in)
    for parser in (*told, propose, destroy):
        add_json(parser, say)


def _add_rotation_records(group: "Commands[Parser]", say: Say) -> None:
    confirm = add_command(group, say, "keys.confirm", "rotation_records:confirm")
    record = add_command(group, say, "keys.record", "rotation_records:record")
    recorded = add_command(group, say, "keys.recorded", "rotation_records:recorded")
    for parser in (confirm, record):
        parser.add_argument("key", metavar=say("a_key"), help=say("help_key_name"))
        parser.add_argument("--number", metavar="N", type=int, help=say("help_key_number"))
    confirm.add_argument(
        "--by", metavar="OFF-...", action="append", required=True, help=say("help_rotation_by")
    )
    add_software_key(confirm, say)
    record.add_argument(
        "-o", "--out", metavar=say("a_file"), required=True, help=say("help_rotation_out")
    )
    recorded.add_argument("record", metavar=say("a_file"), help=say("help_rotation_file"))
    for parser in (record, recorded):
        parser.add_argument("--paper", metavar=say("a_file"), help=say("help_record_paper"))
    for parser in (confirm, record, recorded):
        add_json(parser, say)


def _add_destruction(propose: Parser, destroy: Parser, say: Say) -> None:
    propose.add_argument("--by", metavar="OFFICER", required=True, help=say("help_key_by"))
    propose.add_argument(
        "-o", "--out", metavar=say("a_file"), required=True, help=say("help_key_act")
    )
    destroy.add_argument(
        "--witness",
        metavar=say("a_folder"),
        action="append",
        default=[],
        help=say("help_item_witness"),
    )
    add_record(destroy, say)
