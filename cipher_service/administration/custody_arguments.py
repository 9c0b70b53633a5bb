"""What can be typed after `cipher-service custody`."""

from functools import partial

from cipher_service.administration.parsing import (
    Commands,
    add_command,
    add_credential,
    add_group,
    add_json,
    add_software_key,
    add_store,
)
from cipher_service.client.arguments import Parser, Say, add_identity_option, add_passphrase_file


def add_custody(commands: "Commands[Parser]", say: Say, client: Say) -> None:
    """Add the commands about the custodian's keys.

    Args:
        commands: of the whole program.
        say: phrases of this program.
        client: phrases of `chiffre`, for the options that both have.
    """
    group = add_group(commands, say, "custody")
    state = add_command(group, say, "custody.state", "custody:state")
    seal = add_command(group, say, "custody.seal", "custody:seal")
    offer = add_command(group, say, "custody.offer", "custody:offer")
    add_identity_option(offer, client)
    offer.add_argument("share", metavar=say("a_file"), help=say("help_share_file"))
    split = add_command(group, say, "custody.split", "custody:split")
    resplit = add_command(group, say, "custody.resplit", "custody:resplit")
    drill = add_command(group, say, "custody.drill", "custody:drill")
    for parser in (split, resplit, drill):
        add_store(parser, say)
    add_credential(split, say)
    for parser in (split, resplit):
        _add_holders(parser, say, client)
    for parser in (resplit, drill):
        _add_shares(parser, say, client)
    hand = add_command(group, say, "custody.hand-over", "handing_over:hand_over")
    add_identity_option(hand, client)
    hand.add_argument("--to", metavar=say("a_file"), required=True, help=say("help_hand_to"))
    hand.add_argument("--fingerprint", required=True, help=say("help_hand_fingerprint"))
    hand.add_argument(
        "-o", "--out", metavar=say("a_file"), required=True, help=say("help_hand_out")
    )
    hand.add_argument("share", metavar=say("a_file"), help=say("help_share_file"))
    for parser in (state, seal, offer, split, resplit, drill, hand):
        add_json(parser, say)
    _add_record(group, say, client)


def _add_record(group: "Commands[Parser]", say: Say, client: Say) -> None:
    record = add_command(group, say, "custody.record", "splitting_records:record")
    needed = partial(record.add_argument, required=True)
    needed("--holder", metavar=client("a_card"), action="append", help=say("help_holder"))
    needed("--reason", metavar=say("a_text"), help=say("help_record_reason"))
    needed("-o", "--out", metavar=say("a_file"), help=say("help_record_out"))
    add_store(record, say)
    confirm = add_command(group, say, "custody.confirm", "splitting_records:confirm")
    confirm.add_argument(
        "--share", metavar=say("a_file"), required=True, help=say("help_share_file")
    )
    add_identity_option(confirm, client)
    recorded = add_command(group, say, "custody.recorded", "splitting_records:recorded")
    for parser in (confirm, recorded):
        parser.add_argument("record", metavar=say("a_file"), help=say("help_record_file"))
        parser.add_argument(
            "--fingerprint", required=parser is confirm, help=say("help_record_fingerprint")
        )
        parser.add_argument("--paper", metavar=say("a_file"), help=say("help_record_paper"))
    for parser in (record, confirm, recorded):
        add_json(parser, say)


def add_approve(commands: "Commands[Parser]", say: Say) -> None:
    """Add the command that signs acts: the custodian's, and those that wait in the service."""
    approve = add_command(commands, say, "approve", "approving:approve")
    approve.add_argument("act", metavar=say("an_act"), nargs="?", help=say("help_act_file"))
    approve.add_argument(
        "--officer", metavar="OFF-...", required=True, help=say("help_officer_key")
    )
    add_software_key(approve, say)
    add_json(approve, say)


def add_backups(commands: "Commands[Parser]", say: Say, client: Say) -> None:
    """Add the commands about backups; arguments as `add_custody`."""
    group = add_group(commands, say, "backup")
    key = add_command(group, say, "backup.key", "backing_up:make_key")
    _add_holders(key, say, client)
    make = add_command(group, say, "backup.make", "backing_up:make")
    make.add_argument("--out", metavar=say("a_folder"), required=True, help=say("help_backup_out"))
    add_json(make, say)
    second = add_command(group, say, "backup.second", "second_store:second")
    what = second.add_mutually_exclusive_group(required=True)
    what.add_argument("--at", metavar=say("a_folder"), help=say("help_second_at"))
    what.add_argument("--end", action="store_true", help=say("help_second_end"))
    second.add_argument("--database", metavar="URL", default="", help=say("help_owner_database"))
    restore = add_command(commands, say, "restore", "restoring:restore")
    restore.add_argument("backup", metavar=say("a_file"), help=say("help_backup_file"))
    _add_shares(restore, say, client)
    restore.add_argument("--checkpoint", metavar=say("a_file"), help=say("help_restore_checkpoint"))
    restore.add_argument("--second", metavar=say("a_folder"), help=say("help_restore_second"))
    custodian = restore.add_mutually_exclusive_group()
    custodian.add_argument("--custodian-lives", action="store_true", help=say("help_restore_lives"))
    custodian.add_argument(
        "--custodian-second", metavar=say("a_folder"), help=say("help_restore_place")
    )
    restore.add_argument("--gap", metavar="N", type=int, help=say("help_restore_gap"))
    restore.add_argument(
        "--receipt",
        metavar=say("a_file"),
        action="append",
        default=[],
        help=say("help_restore_receipt"),
    )
    restore.add_argument("--database", metavar="URL", default="", help=say("help_database"))


def _add_holders(parser: Parser, say: Say, client: Say) -> None:
    parser.add_argument(
        "--threshold", metavar="M", type=int, required=True, help=say("help_threshold")
    )
    several = partial(parser.add_argument, action="append", required=True)
    several("--holder", metavar=client("a_card"), help=say("help_holder"))


def _add_shares(parser: Parser, say: Say, client: Say) -> None:
    several = partial(parser.add_argument, action="append", required=True)
    several("--share", metavar=say("a_file"), help=say("help_share_file"))
    several("--identity", metavar=say("a_folder"), help=say("help_share_identity"))
    add_passphrase_file(parser, client)
