"""Suite S2 from end to end: written, read, rerouted, held by a custodian, and refused by name."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.age.header import Header, seal_header
from keys.age.hybrid import HybridKey
from keys.age.stream import SealingStream
from keys.custody import Bureau, bureau_opening, bureau_signing
from keys.custody.acts import perform, read_answer
from keys.custody.core import Custody
from keys.dispatch import Destination, decipher, encipher, encipher_reading_once
from keys.errors import (
    ComplementInvalid,
    ManifestMalformed,
    SignatureInvalid,
    SuiteBelowFloor,
    UnknownSender,
)
from keys.hashing import LARGE
from keys.heads import open_head
from keys.identity import Identity
from keys.manifest import ACTION, COPY, Label, Series
from keys.opening import read_again
from keys.package import key_stanzas
from keys.prekeys import Prekey
from keys.rewrapping import reroute, write_rerouted
from keys.s2.complements import COMPLEMENT_BYTES_MAX, Complement, read_complement
from keys.s2.recipients import RECIPIENT_SIZE, S2_TYPE, S2Key, parse_recipient, wrap
from keys.sealing import prepare
from keys.signing import MANIFEST, Signatures
from keys.suites import S2, TABLE, SuiteTable
from tests.vectors.forge import NOW, YEAR, Forgery, heading, identity, open_with, split
from tests.vectors.s2_cases import s2

MINREX, PARIS, LOME = map(identity, ("MINREX", "PARIS", "LOME"))
CARDS = {each.card.fingerprint: each.card for each in (MINREX, PARIS, LOME)}
THIRDS = {each.card.fingerprint: each.complement() for each in (MINREX, PARIS, LOME)}
TEXT = b"Objet : visa.\n" * 20_000


def _to(post: Identity, number: int | None = 1, **changes: Any) -> Destination:
    series = None if number is None else Series(202600, number)
    role = COPY if number is None else ACTION
    made = Destination(post.card, "ROUTINE", series, role, complement=post.complement())
    return replace(made, **changes)


def _sealed(*to: Destination, signer: Any = MINREX, third: Complement | None = None) -> bytes:
    sink = io.BytesIO()
    complement = third or MINREX.complement()
    encipher(
        heading(),
        to or (_to(PARIS), _to(MINREX, None)),
        TEXT,
        signer=signer,
        sink=sink,
        complement=complement,
    )
    return sink.getvalue()


def test_it_is_written_and_read_by_each_addressee(tmp_path: Path) -> None:
    envelope = _sealed()
    header = split(envelope)[0]
    assert [stanza.type for stanza in header.stanzas[1:]] == [S2_TYPE] * 2
    assert key_stanzas(header) == 2
    for post in (PARIS, MINREX):
        with open_with(envelope, post, tmp_path) as opened:
            assert (opened.folder / "message.txt").read_bytes() == TEXT
            assert opened.manifest.suite == S2


def test_a_part_is_read_again_behind_the_third_signature() -> None:
    envelope = s2(contents=[("message.txt", TEXT)]).seal()
    head = open_head(
        io.BytesIO(envelope), opener=PARIS, find_sender=CARDS.get, find_complement=THIRDS.get
    )
    assert b"".join(read_again(head, io.BytesIO(envelope), 0)) == TEXT


@pytest.mark.parametrize(
    ("to", "third"),
    [
        ((_to(PARIS, complement=None),), None),
        ((_to(PARIS, complement=LOME.complement()),), None),
        ((), PARIS.complement()),
    ],
    ids=["missing", "another's", "not the sender's"],
)
def test_nothing_is_written_without_every_card_s_own_complement(
    to: tuple[Destination, ...], third: Complement | None
) -> None:
    with pytest.raises(ComplementInvalid):
        _sealed(*to, third=third)


def test_it_has_no_one_time_keys() -> None:
    with pytest.raises(ManifestMalformed, match="one-time"):
        _sealed(_to(PARIS, prekey=Prekey(f"{1:016d}", LOME.card.recipient)))


def test_a_third_signature_that_does_not_hold_is_not_written() -> None:
    third = MINREX.complement()
    prepared = prepare(heading(), [_to(PARIS)], TEXT, sender=MINREX.card, complement=third)
    two = MINREX.signing_key.sign(MANIFEST, prepared.manifest.encode())
    for signatures in (two, replace(two, mldsa87=bytes(4627))):
        sink = io.BytesIO()
        with pytest.raises(SignatureInvalid):
            prepared.write(signatures, sink)
        assert not sink.getvalue()


def test_a_complement_of_another_card_proves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UnknownSender):
        decipher(
            io.BytesIO(_sealed()),
            opener=PARIS,
            find_sender=CARDS.get,
            workspace=tmp_path,
            find_complement=lambda _: LOME.complement(),
        )


def test_it_is_rerouted_to_who_has_a_complement(tmp_path: Path) -> None:
    envelope = _sealed()
    done: dict[str, Any] = {
        "opener": MINREX,
        "signer": MINREX,
        "find_sender": CARDS.get,
        "created": NOW,
        "reason": "Pour attribution.",
        "find_complement": THIRDS.get,
    }
    added = reroute(io.BytesIO(envelope), [_to(LOME, 4)], **done)
    path, target = tmp_path / "before.age", tmp_path / "after.age"
    path.write_bytes(envelope)
    write_rerouted(added, path, target)
    (tmp_path / "work").mkdir()
    with open_with(target.read_bytes(), LOME, tmp_path / "work", MINREX) as opened:
        assert len(opened.reroutings) == 1
    with pytest.raises(ComplementInvalid):
        reroute(io.BytesIO(envelope), [_to(LOME, 4, complement=None)], **done)


def _changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    value: Any = canonical.decode(MINREX.complement().to_bytes())
    change(value)
    return canonical.encode(value)


def _text(size: int) -> str:
    return canonical.text_from_bytes(bytes(size))


@pytest.mark.parametrize(
    "data",
    [
        b"{}",
        b" " * (COMPLEMENT_BYTES_MAX + 1),
        PARIS.complement().to_bytes(),
        _changed(lambda value: value["statement"].update(recipient=_text(RECIPIENT_SIZE))),
        _changed(lambda value: value["statement"].update(mldsa87=_text(2592))),
        _changed(lambda value: value["signatures"].update(mldsa65=_text(3309))),
        _changed(lambda value: value["signatures"].update(mldsa87=_text(4627))),
        _changed(lambda value: value["statement"].update(extra=1)),
    ],
    ids=["shape", "size", "another's", "point", "key", "mldsa65", "mldsa87", "member"],
)
def test_what_is_not_the_card_s_complement_is_refused(data: bytes) -> None:
    with pytest.raises(ComplementInvalid):
        read_complement(data, MINREX.card)


def test_a_complement_is_the_same_keys_each_time() -> None:
    first, again = MINREX.complement(), read_complement(MINREX.complement().to_bytes(), MINREX.card)
    assert first.fingerprint == again.fingerprint
    assert S2Key(MINREX.hybrid_key).recipient == first.recipient


def test_sizes_are_demanded() -> None:
    recipient = MINREX.complement().recipient
    with pytest.raises(ValueError, match="32 bytes"):
        wrap(bytes(16), recipient)
    with pytest.raises(ValueError, match="1665"):
        parse_recipient(recipient[:-1])
    with pytest.raises(ValueError, match="or 32"):
        seal_header(split(_sealed())[0].stanzas, bytes(24))
    with pytest.raises(ValueError, match="or 32"):
        SealingStream(bytes(24), io.BytesIO())


@pytest.fixture(scope="module")
def custody() -> Custody:
    return Custody.generate("MINREX", valid_from=YEAR[0], valid_until=YEAR[1])


class TestCustodian:
    def test_it_signs_thrice_and_opens(self, custody: Custody, tmp_path: Path) -> None:
        def ask(act: str, **arguments: bytes) -> Any:
            return read_answer(act, perform(custody, {"act": act, "arguments": arguments}))

        third = read_complement(ask("complement"), custody.card())
        prepared = prepare(
            heading(),
            [Destination(custody.card(), "ROUTINE", Series(202600, 1), complement=third)],
            TEXT,
            sender=custody.card(),
            complement=third,
        )
        signatures: Signatures = ask(
            "sign_manifest", manifest=prepared.manifest.encode(), warrant=b""
        )
        sink = io.BytesIO()
        prepared.write(signatures, sink)
        with decipher(
            io.BytesIO(sink.getvalue()),
            opener=Bureau(custody),
            find_sender={custody.card().fingerprint: custody.card()}.get,
            workspace=tmp_path,
            find_complement={custody.card().fingerprint: third}.get,
        ) as opened:
            assert opened.signatures == signatures

    def test_a_level_whose_floor_is_five_takes_s2_alone(
        self, custody: Custody, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        strict = SuiteTable(TABLE.suites, {"TRES-SECRET": 5}, 3)
        for acts in (bureau_opening, bureau_signing):
            monkeypatch.setattr(acts, "TABLE", strict)
        high = Label("MINREX", "TRES-SECRET")
        header, payload = split(Forgery([custody.card()], heading=heading(label=high)).seal())
        with pytest.raises(SuiteBelowFloor):
            custody.open_file_key(header.encode(), payload[:300_000])
        header, payload = self.sealed(custody, label=high)
        assert len(custody.open_file_key(header.encode(), payload[:300_000])) == 32

    def test_it_opens_and_signs_nothing_new_from_its_day_on(
        self, custody: Custody, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        header, payload = self.sealed(custody)
        ended = replace(TABLE.suites[S2], decrypt_only=TABLE.suites[S2].active)
        for acts in (bureau_opening, bureau_signing):
            monkeypatch.setattr(acts, "TABLE", SuiteTable({**TABLE.suites, S2: ended}, {}, 3))
        assert custody.open_file_key(header.encode(), payload[:300_000])
        with pytest.raises(SuiteBelowFloor):
            self.sealed(custody)

    def test_it_makes_no_header_for_an_officer_s_own_key(self, custody: Custody) -> None:
        header, payload = self.sealed(custody)
        own = HybridKey.generate().recipient
        with pytest.raises(SuiteBelowFloor):
            custody.rewrap_header(header.encode(), payload[:300_000], own)

    def sealed(self, custody: Custody, **changes: Any) -> tuple[Header, bytes]:
        """A dispatch of the bureau to itself, signed by the custodian."""
        third = read_complement(custody.complement(), custody.card())
        to = [Destination(custody.card(), "ROUTINE", Series(202600, 1), complement=third)]
        sink, signer = io.BytesIO(), Bureau(custody)
        encipher(heading(**changes), to, TEXT, signer=signer, sink=sink, complement=third)
        return split(sink.getvalue())


def test_what_is_large_is_read_once_and_opens_like_the_rest(tmp_path: Path) -> None:
    text, sink = TEXT * (LARGE // len(TEXT) + 1), io.BytesIO()
    third = MINREX.complement()
    to = [_to(PARIS), _to(MINREX, None)]
    encipher_reading_once(heading(), to, text, signer=MINREX, sink=sink, complement=third)
    for post in (PARIS, MINREX):
        with open_with(sink.getvalue(), post, tmp_path) as opened:
            assert (opened.folder / "message.txt").read_bytes() == text
            assert opened.manifest.suite == S2
