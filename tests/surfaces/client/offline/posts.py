"""Posts that work with the real program."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cipher_service.client.__main__ import main as client
from tests.support.commands import Main, run_here

ROOT = Path(__file__).resolve().parents[4]
CHIFFRE = (str(Path(sys.executable).with_name("chiffre")),)
MODULE = (sys.executable, "-m", "cipher_service.client")
SIGNALLED = 128


@dataclass(frozen=True)
class Ending:
    """How a command ended."""

    status: int
    out: str
    err: str

    @property
    def record(self) -> Any:
        """What it showed, as JSON."""
        return json.loads(self.out)


def environment(**changes: str | None) -> dict[str, str]:
    """The environment of a post's clerk: French, and nothing of the machine that tests."""
    kept = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "LANG": "fr_FR.UTF-8"}
    given = {name: value for name, value in changes.items() if value is not None}
    return {name: value for name, value in {**kept, **given}.items() if name not in _none(changes)}


def _none(changes: Mapping[str, str | None]) -> set[str]:
    return {name for name, value in changes.items() if value is None}


def chiffre(
    *arguments: object,
    stdin: bytes = b"",
    cwd: Path | None = None,
    program: Sequence[str] = (),
    main: Main = client,
    env: Mapping[str, str] | None = None,
) -> Ending:
    """Run one command to its end; no end of any command is a traceback.

    Args:
        arguments: what is typed.
        stdin: what is piped in.
        cwd: where.
        program: how to start it as a process of its own; else it runs here, many times faster.
        main: which program runs here.
        env: its environment.
    """
    given = dict(env or environment())
    typed = [_argument(each) for each in arguments]
    if program:
        done = subprocess.run(
            [*program, *typed],
            input=stdin,
            cwd=cwd,
            env=given,
            capture_output=True,
            check=False,
            timeout=120,
        )
    else:
        done = run_here(main, [*map(os.fsdecode, typed)], stdin=stdin, cwd=cwd, env=given)
    err = done.stderr.decode(errors="backslashreplace")
    assert "Traceback" not in err, err
    return Ending(done.returncode, done.stdout.decode(errors="backslashreplace"), err)


def _argument(argument: object) -> str | bytes:
    return argument if isinstance(argument, bytes) else str(argument)


@dataclass(frozen=True)
class Post:
    """A post with an identity folder that needs no passphrase."""

    code: str
    identity: Path

    @property
    def card(self) -> Path:
        """Its public card."""
        return self.identity / f"{self.code}.card"

    def encipher(
        self, *addressees: "Post", out: Path, text: str | bytes = "Bonjour.\n", options: object = ()
    ) -> Ending:
        """Encipher a text for others, at level SECRET."""
        to = [word for each in addressees for word in ("--to", each.card)]
        extra = options if isinstance(options, (list, tuple)) else (options,)
        data = text.encode() if isinstance(text, str) else text
        return chiffre(
            "encipher",
            *("--identity", self.identity, *to, "--level", "secret", *extra, "-o", out, "-"),
            stdin=data,
        )

    def decipher(
        self, file: Path, *senders: "Post", out: Path, options: Sequence[object] = ()
    ) -> Ending:
        """Decipher what one of the senders wrote."""
        known = [word for each in senders for word in ("--from", each.card)]
        return chiffre("decipher", "--identity", self.identity, *known, *options, "-o", out, file)

    def series(self) -> Any:
        """Its numbers, as the program tells them."""
        return chiffre("series", "--identity", self.identity, "--json").record

    def tree(self) -> dict[str, bytes]:
        """Every file of its identity folder."""
        return {
            str(path.relative_to(self.identity)): path.read_bytes()
            for path in sorted(self.identity.rglob("*"))
            if path.is_file()
        }


def found(folder: Path, code: str) -> Post:
    """Make a post the way a clerk does."""
    made = chiffre("identity", "new", "--post", code, "--out", folder / code, "--no-passphrase")
    assert made.status == 0, made.err
    return Post(code, folder / code)
