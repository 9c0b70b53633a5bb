"""What can be typed after `cipher-service policy`, `access` and `officers`."""

from cipher_service.administration.parsing import Commands, add_command, add_group, add_json
from cipher_service.client.arguments import Parser, Say


def add_access(commands: "Commands[Parser]", say: Say) -> None:
    """Add the groups."""
    _add_policy(commands, say)


def _add_policy(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "policy")
    add_json(add_command(group, say, "policy.show", "policies:show"), say)
    add_json(add_command(group, say, "policy.matrix", "policies:matrix"), say)
    check = add_command(group, say, "policy.check", "policies:check")
    diff = add_command(group, say, "policy.diff", "policies:diff")
    check.add_argument("--policies", metavar=say("a_file"), help=say("help_policies"))
    diff.add_argument("--policies", metavar=say("a_file"), required=True, help=say("help_policies"))
    for parser in (check, diff):
        add_json(parser, say)
