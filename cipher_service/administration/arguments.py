"""What can be typed after `cipher-service`, in the user's language."""

import argparse
import os
from functools import partial
from importlib.metadata import version

from cipher_service.administration.words import phrase
from cipher_service.client.arguments import Parser, add_sending_options
from cipher_service.client.arguments import Say as SayPhrase
from cipher_service.client.command_line import translate_argparse
from cipher_service.client.messages import Language
from cipher_service.client.messages import phrase as client_phrase
from cipher_service.settings import VARIABLE

_HERE = "cipher_service.administration"
DEFAULT_DATA = "ministry"


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
    _add_bureau(commands, say, partial(client_phrase, language=language))
    return parser


Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives this type no public name


def _command(commands: "Commands[Parser]", say: SayPhrase, name: str, handler: str) -> Parser:
    text = say(f"help_{name.replace('-', '_')}")
    parser = commands.add_parser(
        name.rpartition(".")[2], help=text, description=text, allow_abbrev=False
    )
    if handler:
        parser.set_defaults(handler=f"{_HERE}.{handler}")
    return parser


def _add_installation(commands: "Commands[Parser]", say: SayPhrase) -> None:
    init = _command(commands, say, "init", "founding:init")
    init.add_argument("--issuer", metavar="URL", help=say("help_issuer"))
    init.add_argument("--host", default="127.0.0.1", help=say("help_host"))
    init.add_argument("--port", type=int, default=8470, help=say("help_port"))
    init.add_argument("--workers", type=int, default=2, help=say("help_workers"))
    init.add_argument("--database", metavar="URL", default="", help=say("help_database"))
    _command(commands, say, "serve", "running:serve")
    _command(commands, say, "migrate", "running:migrate")
    check = _command(commands, say, "check", "checking:check")
    check.add_argument("--json", action="store_true", help=say("help_json"))


def _add_demo(commands: "Commands[Parser]", say: SayPhrase) -> None:
    demo = _command(commands, say, "demo", "demo:demo")
    demo.add_argument("--corpus", metavar=say("a_folder"), help=say("help_corpus"))
    demo.add_argument("--keep", metavar=say("a_folder"), help=say("help_keep"))


def _add_posts(commands: "Commands[Parser]", say: SayPhrase) -> None:
    group = _command(commands, say, "post", "").add_subparsers(
        metavar=say("a_command"), required=True, dest="post_command"
    )
    listing = _command(group, say, "post.list", "posts:list_posts")
    listing.add_argument("--json", action="store_true", help=say("help_json"))
    code = _command(group, say, "post.code", "posts:issue_code")
    activate = _command(group, say, "post.activate", "posts:activate")
    suspend = _command(group, say, "post.suspend", "posts:suspend")
    for parser in (code, activate, suspend):
        parser.add_argument("post", metavar="CODE", help=say("help_post_code"))
    activate.add_argument("--fingerprint", required=True, help=say("help_fingerprint"))


def _add_bureau(commands: "Commands[Parser]", say: SayPhrase, client: SayPhrase) -> None:
    group = _command(commands, say, "bureau", "").add_subparsers(
        metavar=say("a_command"), required=True, dest="bureau_command"
    )
    send = _command(group, say, "bureau.send", "bureau:send")
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
    send.add_argument("file", metavar=say("a_file"), help=say("help_text"))
    inbox = _command(group, say, "bureau.inbox", "bureau:list_inbox")
    inbox.add_argument("--json", action="store_true", help=say("help_json"))
    opening = _command(group, say, "bureau.open", "bureau:open_dispatch")
    opening.add_argument("dispatch", metavar="ID", help=say("help_dispatch"))
    opening.add_argument("-o", "--output", required=True, metavar=say("a_folder"))
    missing = _command(group, say, "bureau.missing", "bureau:missing")
    missing.add_argument("--json", action="store_true", help=say("help_json"))
