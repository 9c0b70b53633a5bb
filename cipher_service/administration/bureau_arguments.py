"""What can be typed after `cipher-service bureau`."""

from cipher_service.administration.parsing import (
    Commands,
    add_command,
    add_group,
    add_json,
    add_software_key,
)
from cipher_service.client.arguments import Parser, Say, add_sending_options


def add_bureau(commands: "Commands[Parser]", say: Say, client: Say) -> None:
    """Add the group of the ministry's bureau.

    Args:
        commands: of the whole program.
        say: phrases of this program.
        client: phrases of `chiffre`, for the options that both have.
    """
    group = add_group(commands, say, "bureau")
    _add_send(group, say, client)
    _add_reroute(group, say, client)
    _add_drafts(group, say, client)
    add_json(add_command(group, say, "bureau.inbox", "bureau:list_inbox"), say)
    opening = add_command(group, say, "bureau.open", "bureau:open_dispatch")
    opening.add_argument("dispatch", metavar="ID", help=say("help_dispatch"))
    opening.add_argument("-o", "--output", required=True, metavar=say("a_folder"))
    add_officer(opening, say)
    bag = add_command(group, say, "bureau.bag", "bags:bag")
    bag.add_argument("dispatch", metavar="ID", help=say("help_dispatch"))
    bag.add_argument("-o", "--output", required=True, metavar=say("a_file"), help=say("help_bag"))
    add_json(bag, say)
    receiving = add_command(group, say, "bureau.receive", "bags:receive")
    receiving.add_argument("file", metavar=say("a_file"), help=say("help_bagged"))
    receiving.add_argument("-o", "--output", required=True, metavar=say("a_folder"))
    add_officer(receiving, say)
    for name, handler in (("missing", "bureau:missing"), ("chase", "correspondence:chase")):
        alone = add_command(group, say, f"bureau.{name}", handler)
        add_json(alone, say)
    add_json(add_command(group, say, "bureau.messages", "correspondence:messages"), say)
    outgoing = add_command(group, say, "bureau.outgoing", "correspondence:outgoing")
    outgoing.add_argument("post", metavar="CODE", help=say("help_post_code"))
    outgoing.add_argument("--year", metavar=say("a_year"), type=int, help=say("help_year"))
    add_json(outgoing, say)
    receipts = add_command(group, say, "bureau.receipts", "receipts:receipts")
    receipts.add_argument("dispatch", metavar="ID", help=say("help_dispatch"))
    add_json(receipts, say)


def add_officer(parser: Parser, say: Say) -> None:
    """Add `--officer NUMBER`: who grants what the custodian asks an officer for."""
    parser.add_argument("--officer", metavar="OFF-...", help=say("help_officer_key"))
    add_software_key(parser, say)


def _add_pair(parser: Parser, say: Say) -> None:
    """Add who releases, and who approves it from CONFIDENTIEL up."""
    add_officer(parser, say)
    parser.add_argument("--with", dest="approver", metavar="OFF-...", help=say("help_with"))
    add_software_key(parser, say, "with-software-key")


def _add_send(group: "Commands[Parser]", say: Say, client: Say) -> None:
    send = add_command(group, say, "bureau.send", "bureau:send")
    send.add_argument(
        "--to", metavar="CODE", action="append", required=True, help=client("help_to_post")
    )
    send.add_argument(
        "--info", metavar="CODE", action="append", default=[], help=client("help_info_post")
    )
    send.add_argument(
        "--level", metavar=client("a_level"), required=True, help=client("help_level")
    )
    add_sending_options(send, client)
    send.add_argument("--drafter", required=True, help=say("help_drafter"))
    send.add_argument("--authority", required=True, help=say("help_authority"))
    send.add_argument("--draft", metavar="ID", help=say("help_send_draft"))
    _add_pair(send, say)
    send.add_argument("file", metavar=say("a_file"), nargs="?", help=say("help_text"))


def _add_reroute(group: "Commands[Parser]", say: Say, client: Say) -> None:
    parser = add_command(group, say, "bureau.reroute", "bureau:reroute")
    parser.add_argument("dispatch", metavar="ID", help=say("help_dispatch"))
    parser.add_argument(
        "--to", metavar="CODE", action="append", required=True, help=client("help_to_post")
    )
    parser.add_argument(
        "--info", metavar="CODE", action="append", default=[], help=client("help_info_post")
    )
    parser.add_argument(
        "--precedence", metavar="P", default="ROUTINE", help=client("help_precedence")
    )
    parser.add_argument(
        "--reason", metavar=client("a_reason"), required=True, help=client("help_reroute_reason")
    )
    parser.add_argument("--drafter", required=True, help=say("help_drafter"))
    parser.add_argument("--authority", required=True, help=say("help_authority"))
    _add_pair(parser, say)


def _add_drafts(group: "Commands[Parser]", say: Say, client: Say) -> None:
    drafts = add_group(group, say, "bureau.draft")
    save = add_command(drafts, say, "bureau.draft.save", "drafts:save")
    save.add_argument("--draft", metavar="ID", help=say("help_draft_again"))
    save.add_argument("--edition", metavar="N", type=int, help=say("help_edition"))
    save.add_argument("--subject", metavar="S", default="", help=client("help_subject"))
    save.add_argument("file", metavar=say("a_file"), help=say("help_text"))
    listing = add_command(drafts, say, "bureau.draft.list", "drafts:list_drafts")
    show = add_command(drafts, say, "bureau.draft.show", "drafts:show")
    show.add_argument("--officer", metavar="OFF-...", help=say("help_officer_key"))
    discard = add_command(drafts, say, "bureau.draft.discard", "drafts:discard")
    for parser in (show, discard):
        parser.add_argument("draft", metavar="ID", help=say("help_draft"))
    for parser in (save, listing, show, discard):
        parser.add_argument("--drafter", required=True, help=say("help_drafter"))
        add_software_key(parser, say)
    for parser in (save, listing, show):
        add_json(parser, say)
