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
    listing = add_command(group, say, "items.list", "items:list_items")
    shown = add_command(group, say, "items.show", "items:show")
    exposed = add_command(group, say, "items.exposed", "items:exposed")
    enter = add_command(group, say, "items.enter", "items:enter")
    send = add_command(group, say, "items.send", "items:send")
    receive = add_command(group, say, "items.receive", "items:receive")
    count = add_command(group, say, "items.inventory", "items:inventory")
    destroy = add_command(group, say, "items.destroy", "items:destroy")
    person = say("a_person")
    for parser in (shown, exposed, send, receive, destroy):
        parser.add_argument("item", metavar="N", type=int, help=say("help_item"))
    for parser in (listing, count):
        parser.add_argument("--holder", metavar=person, help=say("help_item_whose"))
    enter.add_argument(
        "--kind", metavar=say("a_item_kind"), required=True, help=say("help_item_kind")
    )
    enter.add_argument("--holder", metavar=person, required=True, help=say("help_item_holder"))
    enter.add_argument("--prekeys", metavar=say("a_file"), help=say("help_item_prekeys"))
    enter.add_argument("--card", metavar=say("a_file"), help=say("help_item_card"))
    enter.add_argument("--post", metavar="CODE", help=say("help_item_post"))
    enter.add_argument("designation", metavar=say("a_text"), help=say("help_item_designation"))
    for parser in (send, receive, count):
        parser.add_argument("--by", metavar=person, required=True, help=say("help_item_by"))
    for parser in (enter, send, receive, count):
        parser.add_argument("--keeper", metavar="OFF-N", help=say("help_item_keeper"))
        add_software_key(parser, say)
    send.add_argument("--to", metavar=person, required=True, help=say("help_item_to"))
    send.add_argument("--piece", metavar="N", help=say("help_item_piece"))
    for parser in (enter, send, receive, destroy):
        parser.add_argument(
            "--reference", metavar="REF", required=True, help=say("help_item_reference")
        )
    count.add_argument("--occasion", metavar="O", default="annual", help=say("help_item_occasion"))
    count.add_argument("shown", metavar="N", type=int, nargs="*", help=say("help_item_shown"))
    destroy.add_argument(
        "--identity",
        metavar=say("a_folder"),
        action="append",
        default=[],
        help=say("help_item_witness"),
    )
    add_record(destroy, say)
    add_passphrase_file(destroy, client)
    for parser in (listing, shown, exposed, enter, count):
        add_json(parser, say)


def add_record(parser: Parser, say: Say) -> None:
    """Add where the record of a destruction is written."""
    parser.add_argument(
        "-o", "--out", metavar=say("a_file"), required=True, help=say("help_item_out")
    )
    parser.add_argument("--paper", metavar=say("a_file"), help=say("help_item_paper"))
