"""Rerouting and rewrapping: the header alone changes, and whoever was named still reads."""

import errno
import io
import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from keys.age.header import Header
from keys.custody.bureau import Bureau
from keys.custody.core import Custody
from keys.custody.errors import ManifestNotOfCard
from keys.dispatch import Destination, decipher, encipher
from keys.errors import (
    CardNotInForce,
    NotAddressed,
    NotIntended,
    Refusal,
    ReroutingInvalid,
    ReroutingNotEntitled,
)
from keys.identity import Identity
from keys.manifest import COPY, Series
from keys.rerouting import Addendum, check_addressees, last_act, verify_rerouting
from keys.rewrapping import Rerouted, reroute, write_rerouted
from tests.vectors.forge import NOW, YEAR, Forgery, heading, identity, open_with, split

MINREX, PARIS, LOME, ROGUE = map(identity, ("MINREX", "PARIS", "LOME", "ROGUE"))
CARDS = {each.card.fingerprint: each.card for each in (MINREX, PARIS, LOME)}
LATER = NOW + timedelta(days=3)
TEXT = b"Objet : visa.\n" * 20_000


def _dispatch() -> bytes:
    sink = io.BytesIO()
    to = [
        Destination(PARIS.card, "ROUTINE", Series(202600, 1)),
        Destination(MINREX.card, "ROUTINE", None, COPY),
    ]
    encipher(heading(), to, TEXT, signer=MINREX, sink=sink)
    return sink.getvalue()


ENVELOPE = _dispatch()


def _rerouted(envelope: bytes = ENVELOPE, *to: Destination, by: Identity = MINREX) -> bytes:
    done = reroute(
        io.BytesIO(envelope),
        to or [Destination(LOME.card, "FLASH", Series(202600, 4))],
        opener=by,
        signer=by,
        find_sender=CARDS.get,
        created=LATER,
        reason="Pour attribution.",
        may_reroute=lambda card, _: card.post in {"MINREX", "PARIS"},
    )
    return done.header + envelope[done.payload_at :]


def test_the_new_addressee_and_the_old_ones_read_the_same_dispatch(tmp_path: Path) -> None:
    """Label, payload and the sender's signatures are the same bytes."""
    after = _rerouted()
    (header, payload), (before, same) = split(after), split(ENVELOPE)

    assert payload == same
    assert header.stanzas[: len(before.stanzas)] == before.stanzas
    for reader in (PARIS, MINREX, LOME):
        with open_with(after, reader, tmp_path) as opened:
            assert (opened.folder / "message.txt").read_bytes() == TEXT
            (rerouting,) = opened.reroutings
    assert [entry.post for entry in rerouting.addendum.to] == ["LOME"]
    assert rerouting.addendum.reason == "Pour attribution."


def test_a_bureau_rewraps_its_archive_for_its_next_key(tmp_path: Path) -> None:
    """The old key may be destroyed then; the new one opens by the addendum."""
    with pytest.raises(ReroutingInvalid):  # somebody else's key is nobody's copy
        _rerouted(ENVELOPE, Destination(ROGUE.card, "ROUTINE", None, COPY))
    custody = Custody.generate("MINREX", valid_from=YEAR[0], valid_until=YEAR[1])
    after = _rerouted(ENVELOPE, Destination(custody.card(), "ROUTINE", None, COPY))
    with decipher(
        io.BytesIO(after), opener=Bureau(custody), find_sender=CARDS.get, workspace=tmp_path
    ) as opened:
        assert (opened.folder / "message.txt").read_bytes() == TEXT


def test_a_bureau_reroutes_what_is_addressed_to_it_by_its_custodian() -> None:
    bureau = Bureau(Custody.generate("MINREX", valid_from=YEAR[0], valid_until=YEAR[1]))
    sink = io.BytesIO()
    to = [Destination(bureau.card, "ROUTINE", Series(202600, 1))]
    encipher(heading(), to, TEXT, signer=PARIS, sink=sink)
    done = reroute(
        io.BytesIO(sink.getvalue()),
        [Destination(LOME.card, "ROUTINE", Series(202600, 1))],
        opener=bureau,
        signer=bureau,
        find_sender=CARDS.get,
        created=LATER,
        reason="Pour attribution.",
    )
    (rerouting,) = check_addressees(Header.parse(io.BytesIO(done.header)), done.manifest)
    assert rerouting.addendum == done.addendum
    for torn in (replace(done.addendum, number=2), replace(done.addendum, previous="0" * 64)):
        with pytest.raises(ReroutingInvalid, match="previous"):
            torn.encode()
    assert (
        verify_rerouting(
            rerouting, done.manifest, {bureau.card.fingerprint: bureau.card}.get, lambda *_: True
        )
        == bureau.card
    )


def test_reroutings_follow_one_another(tmp_path: Path) -> None:
    twice = _rerouted(_rerouted(), Destination(ROGUE.card, "ROUTINE", Series(202600, 1)))
    for reader in (PARIS, LOME, ROGUE):
        with open_with(twice, reader, tmp_path) as opened:
            assert [each.addendum.number for each in opened.reroutings] == [1, 2]
    assert last_act(split(ENVELOPE)[0]) is None
    last = last_act(split(twice)[0])
    assert last is not None
    assert (last[0].number, last[1]) == (2, 1)
    assert not list(tmp_path.iterdir())


def test_nobody_is_added_twice_nor_by_one_who_could_not_read(tmp_path: Path) -> None:
    with pytest.raises(ReroutingInvalid):
        _rerouted(ENVELOPE, Destination(PARIS.card, "ROUTINE", Series(202600, 2)))
    with pytest.raises(ReroutingInvalid):
        _rerouted(_rerouted())
    with pytest.raises(NotAddressed):
        _rerouted(by=LOME)
    with pytest.raises(NotIntended):
        # A file that an addressee sealed on to us behind its sender's back is not rerouted either.
        _rerouted(_forwarded_to(LOME), by=LOME)
    with pytest.raises(CardNotInForce):
        reroute(
            io.BytesIO(ENVELOPE),
            [Destination(LOME.card, "ROUTINE", Series(202600, 1))],
            opener=MINREX,
            signer=MINREX,
            find_sender=CARDS.get,
            created=YEAR[1],
            reason="Trop tard.",
        )
    assert not list(tmp_path.iterdir())


def _forwarded_to(reader: Identity) -> bytes:
    made = Forgery([reader.card])
    made.alter = lambda members: members["to"][0].update(
        post="PARIS", fingerprint=PARIS.card.fingerprint
    )
    return made.seal()


def test_an_addressee_may_reroute_only_where_the_reader_lets_it(tmp_path: Path) -> None:
    after = _rerouted(by=PARIS)
    with pytest.raises(ReroutingNotEntitled):
        open_with(after, LOME, tmp_path, MINREX, PARIS)
    with decipher(
        io.BytesIO(after),
        opener=LOME,
        find_sender=CARDS.get,
        workspace=tmp_path,
        may_reroute=lambda card, _: card.post == "PARIS",
    ) as opened:
        assert opened.sender == MINREX.card
        assert opened.reroutings[0].addendum.sender.post == "PARIS"


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.95])
def test_a_bit_flipped_in_the_new_header_is_refused(place: float, tmp_path: Path) -> None:
    after = bytearray(_rerouted())
    size = len(after) - len(ENVELOPE) + ENVELOPE.index(b"\n---")
    after[int(size * place)] ^= 1
    with pytest.raises(Refusal):
        open_with(bytes(after), LOME, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_custodian_signs_its_own_addenda_only() -> None:
    custody = Custody.generate("MINREX", valid_from=YEAR[0], valid_until=YEAR[1])
    foreign = reroute(
        io.BytesIO(ENVELOPE),
        [Destination(LOME.card, "ROUTINE", Series(202600, 1))],
        opener=MINREX,
        signer=MINREX,
        find_sender=CARDS.get,
        created=LATER,
        reason="Pour attribution.",
    ).addendum
    with pytest.raises(ManifestNotOfCard):
        custody.sign_rerouting(foreign.encode())
    with pytest.raises(ReroutingInvalid):
        custody.sign_rerouting(b"{}")
    assert Addendum.parse(foreign.encode()) == foreign


# Writing


def _rerouting_of(source: Path) -> Rerouted:
    source.write_bytes(ENVELOPE)
    with source.open("rb") as file:
        return reroute(
            file,
            [Destination(LOME.card, "ROUTINE", Series(202600, 1))],
            opener=MINREX,
            signer=MINREX,
            find_sender=CARDS.get,
            created=LATER,
            reason="Pour attribution.",
        )


@pytest.mark.parametrize("kernel", [True, False])
def test_the_payload_is_copied_whole(
    kernel: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kernel:

        def refused(*_: object) -> int:
            raise OSError(errno.EXDEV, "across file systems")

        monkeypatch.setattr(os, "copy_file_range", refused)
    source, target = tmp_path / "in.age", tmp_path / "out.age"
    done = _rerouting_of(source)
    size = write_rerouted(done, source, target)
    assert target.read_bytes() == done.header + ENVELOPE[done.payload_at :]
    assert size == target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_rerouted(done, source, target)


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "in.age", tmp_path / "out.age"

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space")

    done = _rerouting_of(source)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_rerouted(done, source, target)
    assert [each.name for each in tmp_path.iterdir()] == ["in.age"]
