"""Has the custodian sign how far the log has come: only what is durable, never ahead of a commit.

A head that was signed before its commit could be undone with it, and the custodian would then
rightly refuse every other one. So the entries commit first, and their head follows at once.
"""

from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects.postgresql import insert

from cipher_service import clock
from cipher_service.audit.ledger import latest_note, size_and_origin, tree
from cipher_service.storage.tables.audit import audit_checkpoint, audit_log
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody.protocol import Custodian
from keys.errors import KeysError
from keys.log.checkpoints import Checkpoint
from keys.log.errors import LogForked, LogRolledBack
from keys.merkle import consistency_path_of


def keep_signed(engine: Engine, custodian: Custodian) -> None:
    """Sign the present head, and keep in the books why when it cannot be.

    Raises:
        KeysError: see `sign_head`.
    """
    try:
        sign_head(engine, custodian)
    except KeysError as error:
        _note(engine, error.code)
        raise
    _note(engine, None)


def trouble(connection: Connection) -> str | None:
    """Return the name of why the log's head is not signed any more, None while it is."""
    found = connection.scalar(select(audit_log.c.trouble))
    return None if found is None else str(found)


def _note(engine: Engine, code: str | None) -> None:
    with reading(engine) as connection:
        if trouble(connection) == code:
            return
    with unit_of_work(engine) as connection:
        connection.execute(update(audit_log).values(trouble=code))


def sign_head(engine: Engine, custodian: Custodian) -> bool:
    """Sign the present head unless that is done; says whether it was signed now.

    Raises:
        CustodianUnavailable, CustodianFault: nothing was signed; the next call tries again.
        LogForked, LogRolledBack, LogOfAnother, LogHeadLost, LogDamaged: this log, or the
            custodian's memory of it, is not what it was: somebody must look.
    """
    while True:
        kept = custodian.log_head()
        try:
            return _sign(engine, custodian, kept.decode())
        except (LogForked, LogRolledBack):
            # Another process had a later head signed in between: what was proved is of before it.
            if custodian.log_head() == kept:
                raise


def _sign(engine: Engine, custodian: Custodian, kept: str) -> bool:
    with reading(engine) as connection:
        size, origin = size_and_origin(connection)
        signed, note = latest_note(connection)
        if size == signed:
            return False
        before = Checkpoint.parse(kept).size if kept else 0
        grown = tree(connection, size)
        # A custodian that has signed more refuses by name; there is no proof to give it.
        path = consistency_path_of(before, size, grown.range_root) if before <= size else ()
        text = Checkpoint(origin, size, grown.root()).encode()
    note = custodian.sign_checkpoint(text.encode(), b"".join(path), note)
    with unit_of_work(engine) as connection:
        # Whoever signed the same head in between may have kept it.
        connection.execute(
            insert(audit_checkpoint)
            .on_conflict_do_nothing()
            .values(size=size, note=note, signed_at=clock.text(clock.now()))
        )
    return True
