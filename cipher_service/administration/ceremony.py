"""The demonstration's founding ceremony: its custodian's terminal, and the officers who come to it.

Every step is the ceremony's own command (`keys.custody.ceremony`), typed and read here as people
type and read it: each officer's two keys register at it, and another person reads the roll's
fingerprint out. The keys are software, of a maker whose root only this custodian trusts.
"""

import io
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO, cast

from cipher_service import clock
from cipher_service.administration.sample import Part
from cipher_service.identity.compact import decode_segment
from cipher_service.identity.demonstration import SampleOfficer
from cipher_service.labels.scheme import default_scheme
from cipher_service.settings import Settings
from keys import canonical
from keys.custody import ceremony
from keys.custody.roll import KEYS_LEAST
from keys.passkeys import RelyingParty
from keys.software_key import MODEL, SoftwareKey, SoftwareMaker

_YESTERDAY = timedelta(days=1)
_FINGERPRINT = " : "

Heard = Callable[[str], str]
"""What is typed in answer to what the terminal has said so far."""


def found_officers(settings: Settings, people: Sequence[tuple[SampleOfficer, Part]]) -> str:
    """Enter officers on the custodian's roll, and close the ceremony.

    Args:
        settings: of a demonstration whose custodian has no officers yet.
        people: each officer with the part they play: name, function, level, days.

    Returns:
        The roll's fingerprint, in groups as it was read out.

    Raises:
        RuntimeError: a step was refused, which would be a defect.
    """
    maker, party = SoftwareMaker(), RelyingParty(settings.party_id, (settings.approval_origin,))
    terminal = _Terminal(settings)
    with TemporaryDirectory() as folder:
        root = Path(folder, "root.pem")
        root.write_bytes(maker.root)
        levels = [word for level in default_scheme().levels for word in ("--level", level.code)]
        terminal.type(
            *("begin", "--party", party.id, "--origin", party.origins[0]),
            *("--root", str(root), "--model", MODEL, *levels),
        )
    for person, part in people:
        _enter(terminal, person, part)
        own = SoftwareKey.from_bytes(bytes.fromhex(person.key))
        spare = [SoftwareKey.generate() for _ in range(1, KEYS_LEAST)]
        for key in (own, *spare):
            terminal.type("key", person.officer, answer=_registering(key, party, maker))
    return _read(terminal.type("close", answer=_read))


def _enter(terminal: "_Terminal", person: SampleOfficer, part: Part) -> None:
    now = clock.now().replace(microsecond=0)
    terminal.type(
        *("person", person.officer, "--name", person.name, "--function", person.role),
        *("--rank", str(default_scheme().level(part.level).rank)),
        *("--from", canonical.text_from_time(now - _YESTERDAY)),
        *("--until", canonical.text_from_time(now + timedelta(days=part.days))),
    )


def _registering(key: SoftwareKey, party: RelyingParty, maker: SoftwareMaker) -> Heard:
    """Answer the creation options that were printed last, as a browser does with a key."""

    def answer(said: str) -> str:
        options = json.loads(said.splitlines()[-1])
        return key.create(decode_segment(options["challenge"]), party, maker).decode()

    return answer


def _read(said: str) -> str:
    """Read a roll's fingerprint out."""
    line = next(each for each in said.splitlines() if _FINGERPRINT in each)
    return line.partition(_FINGERPRINT)[2]


class _Terminal:
    """A custodian's terminal, at which one command after the other is typed."""

    def __init__(self, settings: Settings) -> None:
        store, credential = settings.custodian_store, settings.custodian_credential
        self._place = ("--store", str(store), "--credential", str(credential), "--lang", "fr")

    def type(self, *words: str, answer: Heard = lambda _said: "") -> str:
        """Type a command, and what it asks for; return what it said."""
        said = io.StringIO()
        with redirect_stdout(said), _typed(lambda: answer(said.getvalue())):
            status = ceremony.step([*self._place, *words])
        if status:
            raise RuntimeError(f"the ceremony refused {words[0]}")
        return said.getvalue()


class _Typing:
    """What is typed, once it is asked for."""

    def __init__(self, answer: Callable[[], str]) -> None:
        self._answer = answer

    def readline(self) -> str:
        """Give the answer as a line."""
        return self._answer() + "\n"


@contextmanager
def _typed(answer: Callable[[], str]) -> Iterator[None]:
    held, sys.stdin = sys.stdin, cast("TextIO", _Typing(answer))
    try:
        yield
    finally:
        sys.stdin = held
