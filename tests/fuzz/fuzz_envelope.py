"""Mutation fuzz of the envelope's reader: `python tests/fuzz/fuzz_envelope.py [INPUTS] [SEED]`.

Each input is a dispatch damaged at one of four depths: the age file, the archive inside it, the
manifest's bytes, or its stanzas, everything outside made right again by one who holds the file
key and even, half of the time, the sender's keys. Whatever comes, the reader opens it or refuses
it by name, and leaves nothing behind. The same seed gives the same mutations.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from keys.age.header import Stanza
from keys.errors import Refusal
from tests.vectors.forge import FILE_KEY, Forgery, identity, open_with, seal

SNIPPETS = (
    b"\0",
    b"\n",
    b"\r\n",
    b"\xff",
    b"-> ",
    b"--- ",
    b"=",
    b'"',
    b"{",
    b"[" * 40,
    b"../",
    b"null",
    b"1.5",
    b"-1",
    b"9007199254740993",
    b"\\u0000",
    b"\\ud800",
    b"ustar\0",
    bytes(512),
    b"x" * 300,
)
CONTENTS = [("message.txt", b"Objet : visa.\n" * 20), ("attachments/001-note.txt", b"Note\n")]


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One to four changes anywhere: bits, cuts, doubles, insertions."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(changed))
        end = min(len(changed), at + chance.choice((1, 2, 16, 512, 4096)))
        act = chance.randrange(5)
        if act == 0 and at < len(changed):
            changed[at] ^= 1 << chance.randrange(8)
        elif act == 1:
            del changed[at:end]
        elif act == 2:
            changed[at:at] = changed[at:end]
        elif act == 3:
            changed[at:at] = chance.choice(SNIPPETS)
        else:
            snippet = chance.choice(SNIPPETS)
            changed[at : at + len(snippet)] = snippet
    return bytes(changed)


def damaged(chance: random.Random) -> bytes:
    """A dispatch to PARIS, damaged at one depth."""
    signed_for = Forgery([identity("PARIS").card], CONTENTS)
    genuine = identity("MINREX").sign("depeche/v1 manifest", signed_for.manifest())
    known_sender = chance.random() < 0.5
    forgery = Forgery(
        [identity("PARIS").card],
        CONTENTS,
        sign=None if known_sender else lambda _: genuine,
    )

    def on(data: bytes) -> bytes:
        return mutate(data, chance)

    def on_stanza(stanzas: list[Stanza]) -> None:
        at = chance.randrange(len(stanzas))
        stanza = stanzas[at]
        stanzas[at] = Stanza(stanza.type, stanza.args, on(stanza.body))
        chance.shuffle(stanzas)

    depths: tuple[Callable[[], bytes], ...] = (
        lambda: on(forgery.seal()),
        lambda: seal(on(forgery.archive()), forgery.stanzas(), FILE_KEY),
        lambda: _frozen(forgery, alter=on),
        lambda: _stanzas(forgery, alter=on_stanza),
    )
    return chance.choice(depths)()


def _frozen(forgery: Forgery, alter: Callable[[bytes], bytes]) -> bytes:
    """The same altered manifest wherever it is asked for."""
    once = alter(forgery.manifest())
    forgery.alter_bytes = lambda _: once
    return forgery.seal()


def _stanzas(forgery: Forgery, alter: Callable[[list[Stanza]], None]) -> bytes:
    forgery.alter_stanzas = alter
    return forgery.seal()


def run(inputs: int, seed: int, folder: Path) -> Counter[str]:
    """Opens `inputs` damaged dispatches and counts the verdicts.

    Raises:
        AssertionError: something was left in `folder`; any other exception is a finding as well.
    """
    verdicts: Counter[str] = Counter()
    for number in range(inputs):
        envelope = damaged(random.Random(f"{seed}/{number}"))
        try:
            with open_with(envelope, identity("PARIS"), folder):
                verdicts["OPENED"] += 1
        except Refusal as refusal:
            verdicts[refusal.code] += 1
        if list(folder.iterdir()):
            raise AssertionError(f"seed {seed}, input {number}: something was left behind")
    return verdicts


def main() -> None:
    parser = argparse.ArgumentParser(description="Mutation fuzz of the envelope's reader.")
    parser.add_argument("inputs", type=int, nargs="?", default=10_000)
    parser.add_argument("seed", type=int, nargs="?", default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        verdicts = run(arguments.inputs, arguments.seed, Path(folder))
    for code, count in verdicts.most_common():
        print(f"{count:8} {code}")


if __name__ == "__main__":
    main()
