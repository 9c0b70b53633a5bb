"""What can be typed after `cipher-service items`."""

from cipher_service.administration.parsing import (
    Commands,
    add_command,
    add_group,
    add_json,
    add_software_key,
)
from cipher_service.client.arguments import Parser, Say, add_passphrase_file


def add_items(commands: "Commands[Parser]", say: Say, client: Say) -> None:
    """Add the commands of the register of controlled items.

    Args:
        commands: of the whole program.
        say: phrases of this program.
        client: phrases of `chiffre`, for the options that both have.
    """
    group = add_group(commands, say, "items")
    _add_looks(group, say)
    _add_entry(group, say)
    _add_movements(group, say)
    _add_inventory(group, say)
    _add_destruction(group, say, client)


def _add_looks(group: "Commands[Parser]", say: Say) -> None:
    listing = add_command(group, say, "items.list", "items:list_items")
    listing.add_argument("--holder", metavar=say("a_person"), help=say("help_item_whose"))
    _add_officer(listing, say)
    add_json(listing, say)
    for name in ("show", "exposed"):
        look = add_command(group, say, f"items.{name}", f"items:{name}")
        _add_item(look, say)
        _add_officer(look, say)
        add_json(look, say)


def _add_entry(group: "Commands[Parser]", say: Say) -> None:
    enter = add_command(group, say, "items.enter", "items:enter")
    enter.add_argument(
        "--kind", metavar=say("a_item_kind"), required=True, help=say("help_item_kind")
    )
    enter.add_argument(
        "--holder", metavar=say("a_person"), required=True, help=say("help_item_holder")
    )
    enter.add_argument("--prekeys", metavar=say("a_file"), help=say("help_item_prekeys"))
    enter.add_argument("--card", metavar=say("a_file"), help=say("help_item_card"))
    enter.add_argument("--post", metavar="CODE", help=say("help_item_post"))
    enter.add_argument("designation", metavar=say("a_text"), help=say("help_item_designation"))
    _add_keeper(enter, say)
    _add_reference(enter, say)
    add_json(enter, say)


def _add_movements(group: "Commands[Parser]", say: Say) -> None:
    send = add_command(group, say, "items.send", "items:send")
    receive = add_command(group, say, "items.receive", "items:receive")
    for parser in (send, receive):
        _add_item(parser, say)
        _add_by(parser, say)
        _add_keeper(parser, say)
        _add_reference(parser, say)
    send.add_argument("--to", metavar=say("a_person"), required=True, help=say("help_item_to"))
    send.add_argument("--piece", metavar="N", help=say("help_item_piece"))


def _add_inventory(group: "Commands[Parser]", say: Say) -> None:
    count = add_command(group, say, "items.inventory", "items:inventory")
    count.add_argument("--holder", metavar=say("a_person"), help=say("help_item_whose"))
    _add_by(count, say)
    _add_keeper(count, say)
    count.add_argument("--occasion", metavar="O", default="annual", help=say("help_item_occasion"))
    count.add_argument("shown", metavar="N", type=int, nargs="*", help=say("help_item_shown"))
    add_json(count, say)


def _add_destruction(group: "Commands[Parser]", say: Say, client: Say) -> None:
    destroy = add_command(group, say, "items.destroy", "items:destroy")
    _add_item(destroy, say)
    _add_officer(destroy, say)
    _add_reference(destroy, say)
    destroy.add_argument(
        "--identity",
        metavar=say("a_folder"),
        action="append",
        default=[],
        help=say("help_item_witness"),
    )
    add_record(destroy, say)
    add_passphrase_file(destroy, client)


def _add_item(parser: Parser, say: Say) -> None:
    parser.add_argument("item", metavar="N", type=int, help=say("help_item"))


def _add_by(parser: Parser, say: Say) -> None:
    parser.add_argument("--by", metavar=say("a_person"), required=True, help=say("help_item_by"))


def _add_officer(parser: Parser, say: Say) -> None:
    parser.add_argument("--by", metavar="OFF-N", help=say("help_by"))
    add_software_key(parser, say)


def _add_keeper(parser: Parser, say: Say) -> None:
    parser.add_argument("--keeper", metavar="OFF-N", help=say("help_item_keeper"))
    add_software_key(parser, say)


def _add_reference(parser: Parser, say: Say) -> None:
    parser.add_argument(
        "--reference", metavar="REF", required=True, help=say("help_item_reference")
    )


def add_record(parser: Parser, say: Say) -> None:
    """Add where the record of a destruction is written."""
    parser.add_argument(
        "-o", "--out", metavar=say("a_file"), required=True, help=say("help_item_out")
    )
    parser.add_argument("--paper", metavar=say("a_file"), help=say("help_item_paper"))
