"""Headers kept beside envelopes whose one-time prekey is gone (keys/TRANSPORT.md §8).

An officer opens a dispatch that came to the bureau under a prekey; the custodian tells a header of
it for the bureau's edition key, which is kept here; then the custodian destroys the prekey. The
envelope stays as it came, so that its hash and what was signed for it do.
"""

import io
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects import postgresql

from cipher_service import clock
from cipher_service.storage.statements import inserts
from cipher_service.storage.tables.headquarters import kept_header
from cipher_service.storage.unit_of_work import reading
from keys.age.header import Header


def find(engine: Engine, header: Header) -> bytes:
    """Return what is kept for the dispatch of a header, whoever it was rerouted to since.

    Args:
        engine: the books, read only.
        header: as the envelope begins; nothing of it need have been judged.
    """
    with reading(engine) as connection:
        found = connection.scalar(
            select(kept_header.c.header).where(kept_header.c.label == _label(header))
        )
    return b"" if found is None else bytes(found)


def keep(connection: Connection, headers: Sequence[bytes], now: datetime) -> list[str]:
    """Keep headers that the custodian told of; return the labels of those that are new."""
    new = []
    for header in headers:
        named = _label(Header.parse(io.BytesIO(header)))
        statement = (
            postgresql.insert(kept_header)
            .on_conflict_do_nothing()
            .values(label=named, header=header, recorded_at=clock.text(now))
        )
        if inserts(connection, statement):
            new.append(named)
    return new


def _label(header: Header) -> str:
    """Return what a header's label says, judged or not."""
    return " ".join(header.stanzas[0].args)
