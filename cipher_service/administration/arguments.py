"""What can be typed after `cipher-service`, in the user's language."""

import os
from functools import partial
from importlib.metadata import version

from cipher_service.administration.access_arguments import add_access
from cipher_service.administration.bureau_arguments import add_bureau, add_officer
from cipher_service.administration.custody_arguments import add_approve, add_backups, add_custody
from cipher_service.administration.items_arguments import add_items
from cipher_service.administration.keys_arguments import add_keys
from cipher_service.administration.parsing import (
    Commands,
    add_command,
    add_group,
    add_json,
    add_software_key,
)
from cipher_service.administration.pouch_arguments import add_pouch
from cipher_service.administration.words import phrase
from cipher_service.client.arguments import Parser, Say
from cipher_service.client.command_line import translate_argparse
from cipher_service.client.messages import Language
from cipher_service.client.messages import phrase as client_phrase
from cipher_service.settings import VARIABLE

DEFAULT_DATA = "ministry"
QUESTIONS = (
    *("readers", "reads", "reads-above", "mandate", "life", "acts", "refusals", "approvals"),
    *("emergencies", "grants", "after-leaving", "contradictions", "interrupted", "holes"),
)
"""What `audit ask` answers; `inquiring` says how, and is imported only when it runs."""


def build_parser(language: Language) -> Parser:
    """Return the parser of all commands, its help in `language`."""
    translate_argparse(language)
    say = partial(phrase, language=language)
    parser = Parser(prog="cipher-service", description=say("help"), allow_abbrev=False)
    parser.add_argument(
        "--version", action="version", version=f"cipher-service {version('cipher-service')}"
    )
    parser.add_argument("--lang", choices=("fr", "en"), help=say("help_lang"))
    parser.add_argument(
        "--data",
        metavar=say("a_folder"),
        default=os.environ.get(VARIABLE) or DEFAULT_DATA,
        help=say("help_data", variable=VARIABLE),
    )
    commands = parser.add_subparsers(metavar=say("a_command"), required=True, dest="command")
    _add_installation(commands, say)
    _add_demo(commands, say)
    _add_posts(commands, say)
    client = partial(client_phrase, language=language)
    add_access(commands, say)
    add_bureau(commands, say, client)
    add_custody(commands, say, client)
    add_backups(commands, say, client)
    add_approve(commands, say)
    add_pouch(commands, say, client)
    add_keys(commands, say, client)
    add_items(commands, say, client)
    _add_audit(commands, say)
    return parser


def _add_installation(commands: "Commands[Parser]", say: Say) -> None:
    init = add_command(commands, say, "init", "founding:init")
    init.add_argument("--issuer", metavar="URL", help=say("help_issuer"))
    init.add_argument("--host", default="127.0.0.1", help=say("help_host"))
    init.add_argument("--port", type=int, help=say("help_port"))
    init.add_argument("--workers", type=int, default=2, help=say("help_workers"))
    init.add_argument("--console-port", type=int, default=0, help=say("help_console_port"))
    console = add_group(commands, say, "console")
    add = add_command(console, say, "console.add", "adding_console:add")
    add.add_argument("--console-port", type=int, required=True, help=say("help_console_port"))
    for parser in (init, add):
        parser.add_argument("--console-origin", metavar="URL", help=say("help_console_origin"))
        parser.add_argument("--approval-port", type=int, help=say("help_approval_port"))
        parser.add_argument("--approval-origin", metavar="URL", help=say("help_approval_origin"))
    init.add_argument("--database", metavar="URL", default="", help=say("help_database"))
    init.add_argument("--custodian", metavar="URI", help=say("help_init_custodian"))
    init.add_argument("--production", action="store_true", help=say("help_production"))
    init.add_argument("--officer", metavar="NAME", help=say("help_first_officer"))
    for name in ("grade", "grade-since", "service-since"):
        init.add_argument(f"--{name}", help=say(f"help_{name.replace('-', '_')}"))
    add_command(commands, say, "serve", "running:serve")
    migrate = add_command(commands, say, "migrate", "running:migrate")
    migrate.add_argument("--database", metavar="URL", default="", help=say("help_owner_database"))
    check = add_command(commands, say, "check", "checking:check")
    check.add_argument("--sweep", action="store_true", help=say("help_sweep"))
    add_json(check, say)
    components = add_command(commands, say, "components", "components:components")
    components.add_argument(
        "--advisories",
        metavar=say("a_file"),
        action="append",
        required=True,
        help=say("help_advisories"),
    )
    components.add_argument("--decisions", metavar=say("a_file"), help=say("help_decisions"))
    add_json(components, say)


def _add_audit(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "audit")
    export = add_command(group, say, "audit.export", "auditing:export_log")
    export.add_argument("--out", metavar=say("a_folder"), required=True, help=say("help_audit_out"))
    what = export.add_mutually_exclusive_group()
    what.add_argument("--records", metavar=say("a_file"), help=say("help_audit_records"))
    what.add_argument("--month", metavar=say("a_month"), help=say("help_audit_month"))
    add_json(export, say)
    state = add_command(group, say, "audit.state", "inquiring:state")
    ask = add_command(group, say, "audit.ask", "inquiring:ask")
    ask.add_argument("question", choices=QUESTIONS, help=say("help_ask_question"))
    ask.add_argument("about", nargs="?", help=say("help_ask_about"))
    ask.add_argument("--since", metavar=say("a_day"), help=say("help_ask_since"))
    ask.add_argument("--until", metavar=say("a_day"), help=say("help_ask_until"))
    ask.add_argument("--outside-hours", action="store_true", help=say("help_ask_outside"))
    for parser in (state, ask):
        parser.add_argument("--limit", type=int, default=1000, help=say("help_ask_limit"))
        add_json(parser, say)


def _add_demo(commands: "Commands[Parser]", say: Say) -> None:
    demo = add_command(commands, say, "demo", "demo:demo")
    demo.add_argument("--corpus", metavar=say("a_folder"), help=say("help_corpus"))
    demo.add_argument("--keep", metavar=say("a_folder"), help=say("help_keep"))
    demo.add_argument("--console", action="store_true", help=say("help_demo_console"))
    demo.add_argument("--info", metavar=say("a_file"), help=say("help_demo_info"))


def _add_posts(commands: "Commands[Parser]", say: Say) -> None:
    group = add_group(commands, say, "post")
    add_json(add_command(group, say, "post.list", "posts:list_posts"), say)
    code = add_command(group, say, "post.code", "posts:issue_code")
    activate = add_command(group, say, "post.activate", "posts:activate")
    endorse = add_command(group, say, "post.endorse", "posts:endorse")
    suspend = add_command(group, say, "post.suspend", "posts:suspend")
    resume = add_command(group, say, "post.resume", "posts:resume")
    withdraw = add_command(group, say, "post.withdraw", "posts:withdraw")
    proxy = add_command(group, say, "post.proxy", "proxying:proxy")
    proxy.add_argument("--out", metavar=say("a_folder"), required=True, help=say("help_proxy_out"))
    proxy.add_argument("--authorities", action="store_true", help=say("help_proxy_authorities"))
    for parser in (code, activate, endorse, suspend, resume, withdraw):
        parser.add_argument("post", metavar="CODE", help=say("help_post_code"))
    for parser in (activate, endorse):
        add_officer(parser, say)
        parser.add_argument("--with", dest="approver", metavar="OFF-...", help=say("help_with"))
        add_software_key(parser, say, "with-software-key")
    fingerprint = "--fingerprint"
    code.add_argument("--item", metavar="N", type=int, help=say("help_code_item"))
    activate.add_argument(fingerprint, required=True, help=say("help_fingerprint"))
    withdraw.add_argument(fingerprint, help=say("help_withdrawn_fingerprint"))
