"""The record of a rotation says what the log says of it, or is refused."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keys import canonical
from keys.lifecycle import (
    ACTIVE,
    COMPROMISED,
    DEACTIVATED,
    DESTROYED,
    IN_FORCE,
    NOT_KEPT,
    SUCCEEDED,
    SUSPENDED,
    TRAFFIC,
    KeyVersion,
)
from keys.log.checkpoints import Checkpoint
from keys.log.errors import NoteNotSigned
from keys.log.leaves import commit
from keys.log.notes import Ed25519Signer, Note
from keys.log.proofs import LogProof
from keys.merkle import ProofInvalid, inclusion_path, leaf_hash, root
from keys.rotation_record import (
    CONFIRMED_NAMED,
    CONFIRMED_SIGNED,
    ORDERED_NAMED,
    ORDERED_SIGNED,
    Entry,
    KeyNotRotated,
    Ordered,
    Rotation,
    RotationRecordMalformed,
    RotationRecordUntrue,
    draw_record,
    read_rotation_record,
)
from keys.verifier.__main__ import main
from tests.vectors.forge import NOW

LOG = Ed25519Signer("log.example/audit", b"\1" * 32)
OLD, NEW = "aa" * 32, "bb" * 32
DAY = timedelta(days=1)


def version(number: int, fingerprint: str) -> KeyVersion:
    return KeyVersion("desks/MINREX", number, fingerprint, TRAFFIC, NOW, NOW + 1096 * DAY)


FIRST = version(1, OLD).moved(ACTIVE, at=NOW, reason=IN_FORCE)
SECOND = version(2, NEW).moved(ACTIVE, at=NOW + DAY, reason=IN_FORCE)
ENDED = FIRST.moved(DEACTIVATED, at=NOW + DAY, reason=SUCCEEDED)
GONE = ENDED.moved(DESTROYED, at=NOW + DAY, reason=NOT_KEPT)
ROTATION = Rotation.of((GONE, SECOND), 2)


@dataclass
class Books:
    """A log of a few entries, some of which tell of the rotation."""

    told: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, action: str, actor: str, **more: Any) -> None:
        """Append an entry."""
        said = {
            "v": 1,
            "type": "depeche/v1 audit",
            "seq": len(self.told),
            "outcome": "done",
            "time_us": 1_795_000_000_000_000,
            "actor": actor,
            "action": action,
            "resource": ROTATION.key,
            "statement": ROTATION.digest,
            **more,
        }
        self.told.append(said)

    def draw(self, *places: int) -> bytes:
        """Draw the record from the entries at these places."""
        records = [canonical.encode(each) for each in self.told]
        leaves = [leaf_hash(commit(each, bytes(32))) for each in records]
        text = Checkpoint(LOG.verifier.name, len(leaves), root(leaves)).encode()
        note = Note(text, (LOG.sign(text),))
        return draw_record(
            ROTATION,
            [
                Entry(records[at], bytes(32), LogProof(at, inclusion_path(at, leaves), note))
                for at in places
            ],
        )


@pytest.fixture
def books() -> Books:
    made = Books()
    made.tell("submit", "PARIS")
    made.tell("key_rotate", "account/root", card=NEW)
    made.tell(CONFIRMED_SIGNED, "OFF-000005")
    made.tell(CONFIRMED_NAMED, "GARDE-A")
    return made


def test_a_record_tells_what_happened_who_had_it_done_and_who_was_there(books: Books) -> None:
    known = read_rotation_record(books.draw(1, 2, 3), LOG.verifier)
    assert known.rotation == ROTATION
    assert (ROTATION.previous, ROTATION.before, ROTATION.after) == (OLD, ACTIVE, DESTROYED)
    assert ROTATION.gone
    assert (known.entered.actor, known.entered.place, known.head.size) == ("account/root", 1, 4)
    assert known.ordered is None
    assert [(each.actor, each.signed) for each in known.confirmed] == [
        ("OFF-000005", True),
        ("GARDE-A", False),
    ]
    assert known.entered.at == datetime(2026, 11, 18, 11, 6, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("member", "by", "signed"), [(ORDERED_SIGNED, "OFF-000005", True), (ORDERED_NAMED, "A", False)]
)
def test_a_record_tells_who_ordered_it_as_the_rotation_s_own_entry_does(
    member: str, by: str, signed: bool
) -> None:
    books = Books()
    books.tell("key_rotate", "account/root", card=NEW, **{member: by})
    assert read_rotation_record(books.draw(0), LOG.verifier).ordered == Ordered(by, signed)
    forged = canonical.decode(books.draw(0))
    forged["entries"][0]["record"][member] = "OFF-000009"
    with pytest.raises(ProofInvalid):
        read_rotation_record(canonical.encode(forged), LOG.verifier)


def test_an_entry_that_tells_of_two_who_ordered_is_no_record() -> None:
    books = Books()
    both = {ORDERED_SIGNED: "OFF-000005", ORDERED_NAMED: "OFF-000005"}
    books.tell("key_rotate", "account/root", card=NEW, **both)
    with pytest.raises(RotationRecordUntrue, match="two who ordered"):
        read_rotation_record(books.draw(0), LOG.verifier)


@pytest.mark.parametrize(
    ("previous", "before", "after"),
    [
        (ENDED, ACTIVE, DEACTIVATED),
        (ENDED.moved(COMPROMISED, at=NOW + 2 * DAY, reason="vol"), ACTIVE, DEACTIVATED),
        (ENDED.moved(DESTROYED, at=NOW + 9 * DAY, reason=NOT_KEPT), ACTIVE, DEACTIVATED),
        (GONE, ACTIVE, DESTROYED),
        (FIRST.moved(SUSPENDED, at=NOW + DAY / 2, reason="doute"), SUSPENDED, SUSPENDED),
        (FIRST.moved(SUSPENDED, at=NOW + DAY, reason="doute"), SUSPENDED, SUSPENDED),
        (FIRST.moved(SUSPENDED, at=NOW + 2 * DAY, reason="doute"), ACTIVE, ACTIVE),
        (
            version(1, OLD)
            .moved(ACTIVE, at=NOW + 2 * DAY, reason=IN_FORCE)
            .moved(SUSPENDED, at=NOW + 3 * DAY, reason="horloge reculée"),
            ACTIVE,
            ACTIVE,
        ),
        (
            FIRST.moved(COMPROMISED, at=NOW + DAY / 2, reason="vol").moved(
                DESTROYED, at=NOW + DAY, reason=NOT_KEPT
            ),
            COMPROMISED,
            DESTROYED,
        ),
    ],
)
def test_the_states_before_and_after_are_those_of_the_exchange(
    previous: KeyVersion, before: str, after: str
) -> None:
    found = Rotation.of((previous, SECOND), 2)
    assert (found.before, found.after, found.at) == (before, after, NOW + DAY)


@pytest.mark.parametrize(
    ("versions", "number"),
    [
        ((FIRST,), 1),
        ((FIRST,), 2),
        ((SECOND,), 2),
        ((FIRST, version(2, NEW)), 2),
        ((version(1, OLD), SECOND), 2),
    ],
)
def test_what_no_rotation_put_in_force_has_no_record(
    versions: Sequence[KeyVersion], number: int
) -> None:
    with pytest.raises(KeyNotRotated):
        Rotation.of(versions, number)


@pytest.mark.parametrize("member", ["fingerprint", "ends", "at", "key"])
def test_an_altered_statement_is_not_what_the_log_tells(books: Books, member: str) -> None:
    value = canonical.decode(books.draw(1, 2))
    other = {"fingerprint": "cc" * 32, "key": "log/MINREX"}.get(member, "2026-01-01T00:00:00Z")
    value["statement"][member] = other
    with pytest.raises(RotationRecordUntrue):
        read_rotation_record(canonical.encode(value), LOG.verifier)


@pytest.mark.parametrize("member", ["before", "after", "fingerprint"])
def test_nor_is_an_altered_word_on_the_version_before(books: Books, member: str) -> None:
    value = canonical.decode(books.draw(1))
    value["statement"]["previous"][member] = "cc" * 32 if member == "fingerprint" else SUSPENDED
    with pytest.raises(RotationRecordUntrue):
        read_rotation_record(canonical.encode(value), LOG.verifier)


def test_an_altered_or_foreign_entry_is_not_in_the_log(books: Books) -> None:
    value = canonical.decode(books.draw(1, 2))
    for at, actor in ((0, "account/thief"), (1, "OFF-000009")):
        changed = canonical.decode(books.draw(1, 2))
        changed["entries"][at]["record"]["actor"] = actor
        with pytest.raises(ProofInvalid):
            read_rotation_record(canonical.encode(changed), LOG.verifier)
    other = Ed25519Signer(LOG.verifier.name, b"\2" * 32)
    with pytest.raises(NoteNotSigned):
        read_rotation_record(canonical.encode(value), other.verifier)


@pytest.mark.parametrize("places", [(2, 3), (1, 0), (1, 3, 2), (1, 1), (1, 2, 2), (1, 2, 4)])
def test_entries_of_something_else_out_of_turn_or_twice_are_no_record(
    books: Books, places: tuple[int, ...]
) -> None:
    books.tell(CONFIRMED_SIGNED, "OFF-000005")
    with pytest.raises(RotationRecordUntrue):
        read_rotation_record(books.draw(*places), LOG.verifier)


@pytest.mark.parametrize(
    "more",
    [{"outcome": "refused"}, {"card": OLD}, {"seq": 7}, {"statement": OLD}, {"resource": "log/X"}],
)
def test_an_entry_of_another_end_tells_of_no_rotation(more: dict[str, Any]) -> None:
    books = Books()
    books.tell("key_rotate", "account/root", **{"card": NEW, **more})
    with pytest.raises(RotationRecordUntrue):
        read_rotation_record(books.draw(0), LOG.verifier)


def test_an_act_of_the_log_that_confirms_nothing_counts_for_nobody(books: Books) -> None:
    books.tell("key_suspend", "OFF-000007")
    with pytest.raises(RotationRecordUntrue, match="confirms nothing"):
        read_rotation_record(books.draw(1, 4), LOG.verifier)


@pytest.mark.parametrize(
    "more", [{"time_us": "hier"}, {"actor": "deux\nlignes"}, {ORDERED_NAMED: ""}]
)
def test_an_entry_whose_actor_time_or_orderer_is_none_is_malformed(more: dict[str, Any]) -> None:
    books = Books()
    books.tell("key_rotate", **{"actor": "account/root", "card": NEW, **more})
    with pytest.raises(RotationRecordMalformed):
        read_rotation_record(books.draw(0), LOG.verifier)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.update(more=1),
        lambda v: v["entries"].clear(),
        lambda v: v["entries"][0].update(more=1),
        lambda v: v["entries"][0].update(proof="c2sp.org/tlog-proof@v2"),
        lambda v: v["entries"][0].update(salt="AAAA"),
        lambda v: v["entries"][0].update(record=[]),
        lambda v: v["statement"].update(number=1),
        lambda v: v["statement"].update(number=3),
        lambda v: v["statement"]["previous"].update(more=1),
        lambda v: v["statement"].update(type="depeche/v1 rotations"),
    ],
)
def test_what_is_of_another_form_is_refused(
    books: Books, change: Callable[[dict[str, Any]], object]
) -> None:
    value = canonical.decode(books.draw(1))
    change(value)
    with pytest.raises(RotationRecordMalformed):
        read_rotation_record(canonical.encode(value), LOG.verifier)


def test_a_record_is_bounded_and_states_only_what_it_could_read() -> None:
    with pytest.raises(RotationRecordMalformed, match="at most 262144 bytes"):
        read_rotation_record(b"[" * (256 * 1024 + 1), LOG.verifier)
    with pytest.raises(RotationRecordMalformed) as refused:
        read_rotation_record(b"[" * 256 * 1024, LOG.verifier)
    assert "at most" not in str(refused.value)
    with pytest.raises(RotationRecordMalformed):
        replace(ROTATION, number=1).encode()


def test_sixteen_persons_confirm_it_at_most() -> None:
    books = Books()
    books.tell("key_rotate", "account/root", card=NEW)
    for number in range(17):
        books.tell(CONFIRMED_NAMED, f"GARDE-{number}")
    assert len(read_rotation_record(books.draw(*range(17)), LOG.verifier).confirmed) == 16
    with pytest.raises(RotationRecordMalformed):
        read_rotation_record(books.draw(*range(18)), LOG.verifier)


def test_an_outsider_checks_it_without_the_service(
    books: Books, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "record.json"
    file.write_bytes(books.draw(1, 2))
    typed = ("rotation", str(file), "--key", LOG.verifier.encode())
    assert main(typed) == 0
    told = "key=desks/MINREX version=2 entry=1 of=4 ordered= confirmed=OFF-000005"
    assert told in capsys.readouterr().out
    file.write_bytes(file.read_bytes().replace(b"account/root", b"account/rood"))
    assert main(typed) == 1
    assert "PROOF_INVALID" in capsys.readouterr().err
