"""Backups: enough holders open what the machine that made it cannot, and nobody else can."""

import io
from dataclasses import replace

import pytest

from keys.age.hybrid import HybridKey
from keys.custody.backups import (
    BackupKey,
    MadeBackupKey,
    make_backup_key,
    open_with,
    seal_to,
)
from keys.custody.shares import (
    Holder,
    Share,
    SharesMixed,
    SharesTooFew,
    SharesWrong,
    ShareTwice,
    open_share,
    split,
)
from keys.errors import HeaderTampered, KeysError, NotAddressed, PayloadDamaged

NAMES = ("GARDE-A", "GARDE-B", "GARDE-C")
TEXT = bytes(range(256)) * 1000


@pytest.fixture(scope="module")
def persons() -> dict[str, HybridKey]:
    return {name: HybridKey.generate() for name in NAMES}


@pytest.fixture(scope="module")
def made(persons: dict[str, HybridKey]) -> MadeBackupKey:
    return make_backup_key(2, [Holder(name, key.recipient) for name, key in persons.items()])


@pytest.fixture(scope="module")
def shares(made: MadeBackupKey, persons: dict[str, HybridKey]) -> list[Share]:
    return [
        open_share(sealed, key) for sealed, key in zip(made.sealed, persons.values(), strict=True)
    ]


@pytest.fixture(scope="module")
def backup(made: MadeBackupKey) -> bytes:
    sink = io.BytesIO()
    stream = seal_to(BackupKey.parse(made.key.to_bytes()), sink)
    stream.write(TEXT)
    stream.finish()
    return sink.getvalue()


def opened(backup: bytes, shares: list[Share]) -> bytes:
    stream = open_with(shares, io.BufferedReader(io.BytesIO(backup)))
    pieces = []
    while piece := stream.next_chunk():
        pieces.append(bytes(piece))
    return b"".join(pieces)


@pytest.mark.parametrize("which", [(0, 1), (2, 0), (0, 1, 2)])
def test_enough_holders_open_it(backup: bytes, shares: list[Share], which: tuple[int, ...]) -> None:
    assert opened(backup, [shares[place] for place in which]) == TEXT


def test_one_share_too_few_opens_nothing(backup: bytes, shares: list[Share]) -> None:
    for few in ([], shares[:1]):
        with pytest.raises(SharesTooFew):
            opened(backup, few)
    with pytest.raises(ShareTwice):
        opened(backup, [shares[0], shares[0]])


def test_a_wrong_share_among_right_ones_opens_nothing(
    backup: bytes, shares: list[Share], persons: dict[str, HybridKey]
) -> None:
    holders = [Holder(name, key.recipient) for name, key in persons.items()]
    other = split(bytes(32), "BACKUP", 2, holders)
    foreign = open_share(other.sealed[1], persons["GARDE-B"])

    with pytest.raises(SharesMixed):
        opened(backup, [shares[0], foreign])
    # Its bearer gives the words of another splitting the looks of a share of this one.
    forged = replace(shares[1], words=foreign.words)
    with pytest.raises(SharesWrong):
        opened(backup, [shares[0], forged])
    with pytest.raises(SharesWrong):
        opened(backup, [shares[0], shares[2], forged])
    with pytest.raises(SharesMixed):
        opened(backup, [replace(share, purpose="UNSEAL") for share in shares])


def test_a_stolen_backup_opens_for_no_other_key_and_shows_every_change(
    backup: bytes, shares: list[Share], persons: dict[str, HybridKey]
) -> None:
    holders = [Holder(name, key.recipient) for name, key in persons.items()]
    other = make_backup_key(2, holders)
    foreign = [open_share(other.sealed[0], persons["GARDE-A"]),
               open_share(other.sealed[1], persons["GARDE-B"])]  # fmt: skip
    with pytest.raises(NotAddressed):
        opened(backup, foreign)
    for at in (25, 700, 1800, len(backup) // 2, len(backup) - 1):
        flipped = bytearray(backup)
        flipped[at] ^= 1
        with pytest.raises((KeysError, HeaderTampered)):
            opened(bytes(flipped), shares)
    for size in (10, 1000, len(backup) // 2, len(backup) - 1):
        with pytest.raises(KeysError):
            opened(backup[:size], shares)
    with pytest.raises(PayloadDamaged):
        opened(backup + b"x", shares)
