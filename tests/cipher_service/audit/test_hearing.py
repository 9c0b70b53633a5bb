"""A head that posts' mail carries is of this log, or it is named why not."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cipher_service.audit.heads import keep_signed, sign_head, trouble
from cipher_service.audit.hearing import CARRIED_MAX, carried, require_ours
from cipher_service.audit.ledger import append, tree
from cipher_service.audit.records import DONE, Event
from cipher_service.audit.signers import log_line
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody import no_secret, open_custodian
from keys.custody.log_keys import HeadInMemory, LogKeys
from keys.errors import Refusal
from keys.log.checkpoints import Checkpoint
from keys.log.succession import LogLine
from tests.support.ministry import Ministry

ORIGIN = "minrex.example/audit"
KEYS = LogKeys(b"\1" * 32, b"\2" * 32)
ENTRIES = 5


@pytest.fixture
def ministry(engine: Engine, tmp_path: Path) -> Ministry:
    ministry = Ministry(engine, tmp_path)
    with unit_of_work(engine) as connection:
        append(connection, ORIGIN, [Event(n, "PARIS", "submit", DONE) for n in range(ENTRIES)])
    return ministry


def head(size: int, root: bytes, keys: LogKeys = KEYS, origin: str = ORIGIN) -> str:
    """A head signed by a log's keys, whatever it says."""
    text = Checkpoint(origin, size, root).encode()
    line = LogLine(keys.verifiers())
    return keys.sign(text, b"", b"", HeadInMemory(), line).decode()


def root_of(ministry: Ministry, size: int) -> bytes:
    with reading(ministry.engine) as connection:
        return tree(connection, size).root()


def hear(ministry: Ministry, note: str) -> None:
    with reading(ministry.engine) as connection:
        require_ours(connection, note, LogLine(KEYS.verifiers()))


def test_every_head_of_this_log_is_known_again(ministry: Ministry) -> None:
    for size in range(1, ENTRIES + 1):
        hear(ministry, head(size, root_of(ministry, size)))


Lie = Callable[[Ministry], str]


@pytest.mark.parametrize(
    ("lie", "code"),
    [
        (lambda m: head(3, root_of(m, 2)), "LOG_FORKED"),
        (lambda m: head(ENTRIES + 1, root_of(m, 3)), "LOG_ROLLED_BACK"),
        (lambda m: head(3, root_of(m, 3), LogKeys.generate()), "NOTE_NOT_SIGNED"),
        (lambda m: head(3, root_of(m, 3), origin="other.example/audit"), "NOTE_NOT_SIGNED"),
        (lambda _: "nonsense", "NOTE_MALFORMED"),
    ],
)
def test_another_history_is_named(ministry: Ministry, lie: Lie, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        hear(ministry, lie(ministry))
    assert refused.value.code == code


def test_what_is_carried_is_the_last_signed_head_and_fits(ministry: Ministry) -> None:
    with reading(ministry.engine) as connection:
        assert carried(connection) is None
    custodian = open_custodian("memory:", no_secret)
    assert sign_head(ministry.engine, custodian)
    with reading(ministry.engine) as connection:
        note = carried(connection)
        assert note is not None
        assert len(note) <= CARRIED_MAX
        require_ours(connection, note, log_line(custodian))


def test_what_is_carried_follows_the_log(ministry: Ministry) -> None:
    custodian = open_custodian("memory:", no_secret)
    sizes = []
    for more in range(2):
        with unit_of_work(ministry.engine) as connection:
            append(connection, ORIGIN, [Event(more, "PARIS", "submit", DONE)])
        assert sign_head(ministry.engine, custodian)
        with reading(ministry.engine) as connection:
            note = carried(connection)
        assert note is not None
        sizes.append(note.split("\n")[1])
    assert sizes == [str(ENTRIES + 1), str(ENTRIES + 2)]


def test_why_a_head_is_not_signed_is_kept_until_it_is(ministry: Ministry) -> None:
    other = open_custodian("memory:", no_secret)
    other.sign_checkpoint(Checkpoint(ORIGIN, 9, b"\0" * 32).encode().encode(), b"", b"")
    with pytest.raises(Refusal):
        keep_signed(ministry.engine, other)
    with reading(ministry.engine) as connection:
        assert trouble(connection) == "LOG_ROLLED_BACK"
    keep_signed(ministry.engine, open_custodian("memory:", no_secret))
    with reading(ministry.engine) as connection:
        assert trouble(connection) is None
