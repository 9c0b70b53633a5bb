"""What can be typed after `cipher-service custody`."""

from functools import partial

from cipher_service.administration.parsing import Commands, add_command, add_group, add_json
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
    for parser in (split, resplit):
        parser.add_argument(
            "--threshold", metavar="M", type=int, required=True, help=say("help_threshold")
        )
        several = partial(parser.add_argument, action="append", required=True)
        several("--holder", metavar=client("a_card"), help=say("help_holder"))
    for parser in (resplit, drill):
        several = partial(parser.add_argument, action="append", required=True)
        several("--share", metavar=say("a_file"), help=say("help_share_file"))
        several("--identity", metavar=say("a_folder"), help=say("help_share_identity"))
        add_passphrase_file(parser, client)
    for parser in (state, seal, offer, split, resplit, drill):
        add_json(parser, say)
