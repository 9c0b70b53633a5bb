"""The demonstration's stage: a real service in its own processes, and posts that enrol with it.

Posts are played by the commands of `chiffre` themselves, called in this process so that hundreds of
them take seconds; each reads its identity folder and speaks HTTP as it would anywhere.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from cipher_service import clock
from cipher_service.administration import arguments
from cipher_service.administration.founding import Console, found_installation, planned
from cipher_service.client.command_line import build_parser
from cipher_service.client.failures import Unavailable
from cipher_service.client.messages import Language
from cipher_service.client.terminal import Terminal
from cipher_service.directory import enrolment
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody import Founding
from keys.statements import key_fingerprint

PAST = timedelta(days=7)
"""Before now, of a demonstration with officers' pages: what they find there has happened in it."""

_PREKEYS = 20
_PATIENCE = 120.0  # a machine that does much else needs most of a minute


class Listening(Terminal):
    """A terminal that keeps the JSON a command gives and says nothing itself."""

    def __init__(self, language: Language) -> None:
        super().__init__(language, as_json=True)
        self.results: list[Any] = []
        self.told: list[str] = []

    def show_json(self, result: Any) -> None:
        """Keep a result."""
        self.results.append(result)

    def show(self, text: str) -> None:
        """Keep what is no JSON."""
        self.told.append(text)

    def tell(self, text: str) -> None:
        """Keep what would be on standard error."""
        self.told.append(text)


def chiffre(language: Language, *typed: str) -> Any:
    """Run one command of `chiffre` here and return the JSON that it gives, if any.

    Raises what the command raises.
    """
    return _given(_chiffre(language).parse_args([*typed, "--json"]), language)


def ministry(settings: Settings, *typed: str) -> Any:
    """Do the same with one command of `cipher-service`."""
    return _given(typed_to(settings, "fr", *typed), "fr")


def typed_to(settings: Settings, language: Language, *typed: str) -> Namespace:
    """Return what `cipher-service` understands of words that are typed."""
    return _cipher_service(language).parse_args(["--data", str(settings.data), *typed])


# Made once: a parser takes longer to make than most commands to run.
_chiffre = cache(build_parser)
_cipher_service = cache(arguments.build_parser)


def _given(parsed: Namespace, language: Language) -> Any:
    module, _, function = parsed.handler.partition(":")
    terminal = Listening(language)
    getattr(import_module(module), function)(parsed, terminal)
    return terminal.results[-1] if terminal.results else None


@dataclass(frozen=True, slots=True)
class Stage:
    """A running ministry.

    Attributes:
        settings: of its installation.
        founding: the public keys that posts compare.
        language: of the commands.
    """

    settings: Settings
    founding: Founding
    language: Language

    def identity(self, post: str) -> str:
        """Return a post's identity folder."""
        return str(self.settings.data / "posts" / post)

    def enrol(self, post: str, vouching: tuple[str, str] | None = None) -> str:
        """Let a post make its keys, enrol, and be activated; return its fingerprint.

        The two comparisons that people make by telephone are made here by the demonstration.

        Args:
            post: code.
            vouching: numbers of the two officers on whose keys the root vouches for its card; None
                before the custodian has any.
        """
        folder = self.identity(post)
        speak = self.language
        chiffre(speak, "identity", "new", "--post", post, "--out", folder, "--no-passphrase")
        engine = open_existing(self.settings.database)
        try:
            with unit_of_work(engine) as connection:
                code = enrolment.issue_code(connection, post, clock.now())
            chiffre(
                speak,
                *("enrol", "--identity", folder, "--server", self.settings.issuer, "--code", code),
                *("--service-fingerprint", key_fingerprint(self.founding.service_key)),
                *("--headquarters-fingerprint", self.founding.card.fingerprint),
            )
            with reading(engine) as connection:
                fingerprint = enrolment.enrolment(connection, post).fingerprint
            if vouching is None:
                with unit_of_work(engine) as connection:
                    enrolment.activate(connection, post, fingerprint, clock.now())
        finally:
            engine.dispose()
        if vouching is not None:
            first, second = vouching
            told = ("--fingerprint", fingerprint, "--officer", first, "--with", second)
            ministry(self.settings, "post", "activate", post, *told)
        return fingerprint

    def introduce(self, fingerprints: dict[str, str]) -> None:
        """Let each post confirm the cards of the others, as their officers would by telephone."""
        for post in fingerprints:
            for other, fingerprint in fingerprints.items():
                if other != post:
                    chiffre(
                        self.language,
                        *("cards", "--identity", self.identity(post)),
                        *("--fingerprint", fingerprint, other),
                    )

    def provision(self, posts: Sequence[str]) -> None:
        """Let posts hand in one-time prekeys, of which each dispatch to them takes one."""
        for post in posts:
            identity = ("--identity", self.identity(post))
            chiffre(self.language, "prekeys", "new", *identity, "--count", str(_PREKEYS))


@contextmanager
def stage(
    data: Path, language: Language, workers: int, *, console: bool = False
) -> Iterator[Stage]:
    """Found a ministry in `data`, run it, and stop every process of it at the end.

    Args:
        data: absent or empty.
        language: of the commands.
        workers: API processes.
        console: whether it is a demonstration with officers' pages.

    Raises:
        Unavailable: SERVICE_DID_NOT_START.
        OSError: the disk or a port.
    """
    port, *places = _free_ports(3 if console else 1)
    settings = planned(
        data,
        host="127.0.0.1",
        port=port,
        workers=workers,
        issuer=f"http://127.0.0.1:{port}",
        console=_console(*places) if console else None,
    )
    founding = found_installation(settings, PAST if console else timedelta())
    (data / "posts").mkdir(mode=0o700)
    log = data / "service.log"
    with log.open("wb") as sink:
        service = subprocess.Popen(
            [sys.executable, "-m", "cipher_service", "--data", str(data), "serve"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=sink,
        )
    try:
        _await_ready(service, log)
        yield Stage(settings, founding, language)
    finally:
        service.send_signal(signal.SIGTERM)
        service.wait(_PATIENCE)
        if service.stdout is not None:
            service.stdout.close()


def words(options: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Spell repeated options: `[("--to", ["A", "B"])]` becomes `--to A --to B`."""
    return [word for option, values in options for value in values for word in (option, value)]


def _await_ready(service: "subprocess.Popen[bytes]", log: Path) -> None:
    if service.stdout is None:
        raise RuntimeError("the service was started without its output")
    descriptor = service.stdout.fileno()
    said = b""
    until = time.monotonic() + _PATIENCE
    while b"READY" not in said and time.monotonic() < until:
        ready, _, _ = select.select([descriptor], [], [], 0.5)
        if ready:
            piece = os.read(descriptor, 4096)
            if not piece:
                break
            said += piece
    if b"READY" not in said:
        raise Unavailable("SERVICE_DID_NOT_START", log=str(log))


def _console(port: int, approval: int) -> Console:
    return Console(
        port, f"http://localhost:{port}", approval, f"http://localhost:{approval}", demo=True
    )


def _free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on, all different."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]
