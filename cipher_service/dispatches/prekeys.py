"""The bureau's own one-time prekeys, by itself: made in time, gone after their opening.

    prekeys = BureauPrekeys(engine, custodian, "MINREX", journal)
    prekeys.round()         # each second

Whoever asks for them exposes nothing, so no officer does: below `LOW` free ones the custodian makes
a hundred, which the directory gives out like any post's. What officers opened under one is kept
(`kept`) before the custodian destroys it. Who wrote under one that opens nothing is asked to send
again, which their client does under the edition key.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, Engine, select

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.directory import prekeys
from cipher_service.directory.register import DirectoryReader, read_directory
from cipher_service.dispatches import kept, speaking
from cipher_service.dispatches.speaking import Voice
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.dispatches import addressee, dispatch, receipt
from cipher_service.storage.unit_of_work import reading
from keys.canonical import bytes_from_text, decode
from keys.custody import Custodian
from keys.errors import KeysError
from keys.post_receipts import REFUSED, parse_post_receipt
from keys.prekeys import PrekeyUsed

LOW: Final = 100
AT_ONCE: Final = b"100"
AGAIN: Final = timedelta(minutes=5)
"""How long nothing is asked after the custodian refused."""
_ASKED_MOST: Final = 20

_LOG = logging.getLogger(__name__)


class BureauPrekeys:
    """Keeps the bureau's prekeys.

    Args:
        engine: the books.
        custodian: makes them; asked with the intents that it demands.
        headquarters: the bureau's post code.
        journal: records what is done.
    """

    def __init__(
        self, engine: Engine, custodian: Custodian, headquarters: str, journal: Journal
    ) -> None:
        self._engine = engine
        self._custodian = custodian
        self._post = headquarters
        self._journal = journal
        self._directory = DirectoryReader()
        self._later: datetime | None = None
        self._asked: set[str] = set()

    def round(self) -> None:
        """Do what waits. A custodian that is sealed or refuses is asked again minutes later."""
        if self._later is not None and clock.now() < self._later:
            return
        self._later = None
        try:
            if not self._custodian.state().sealed:
                self.keep()
                self.top_up()
                self.ask_again()
        except (KeysError, ServiceError) as error:
            _LOG.warning("the bureau's prekeys wait: %s", error.code)
            self._later = clock.now() + AGAIN

    def keep(self) -> int:
        """Keep what was opened under prekeys, then have those destroyed; return how many.

        Killed in between, it is told of again at the next opening.

        Raises:
            KeysError: the custodian refuses; what is kept stays.
        """
        told = decode(self._custodian.kept_headers())
        pairs = [(each["prekey"].encode(), bytes_from_text(each["header"])) for each in told]
        if pairs:
            with self._journal.act("bureau_keep_headers") as connection:
                kept.keep(connection, [header for _, header in pairs], clock.now())
        for prekey, header in pairs:
            self._custodian.spend_prekey(prekey, header)
        return len(pairs)

    def top_up(self) -> bool:
        """Have prekeys made when few are free; tell whether any were.

        Raises:
            KeysError: the custodian refuses, PREKEYS_FULL among others.
            ServiceError: as `directory.prekeys.take_in`.
        """
        own = self._custodian.card().fingerprint
        with reading(self._engine) as connection:
            post = self._directory.current(connection).posts[self._post]
            low = prekeys.free(connection, own, clock.now()) < LOW
        # Between a rotation and the directory's next card nobody could take them.
        if not low or post.state != "active" or post.fingerprint != own:
            return False
        bundle = self._custodian.make_prekeys(AT_ONCE)
        with self._journal.act("bureau_prekeys") as connection:
            prekeys.take_in(connection, self._post, bundle, self._directory, clock.now())
        return True

    def ask_again(self) -> int:
        """Ask for what was refused since its prekey is gone; return how many were asked for.

        Raises:
            KeysError: the custodian refuses; nothing was asked.
        """
        with reading(self._engine) as connection:
            refused = dict(self._refused(connection))
            if refused:
                self._asked |= speaking.repetitions_asked(connection, self._post)
        due = [each for each in refused if each not in self._asked][:_ASKED_MOST]
        if due:
            voice = Voice(self._custodian.card(), self._custodian.sign_service_message)
            letters = [voice.repeat(each, refused[each]) for each in due]
            with self._journal.act("bureau_ask_again") as connection:
                directory = read_directory(connection)
                for letter in letters:
                    speaking.file(connection, directory, self._post, letter)
        return len(due)

    def _refused(self, connection: Connection) -> Iterator[tuple[str, str]]:
        """Give the dispatches, with their origins, that stand refused for want of their prekey."""
        rows = connection.execute(
            select(dispatch.c.dispatch_id, dispatch.c.origin, receipt.c.body)
            .join(addressee, addressee.c.dispatch == dispatch.c.seq)
            .join(receipt, receipt.c.dispatch == dispatch.c.seq)
            .where(
                addressee.c.post == self._post,
                addressee.c.state == "refused",
                receipt.c.post == self._post,
                receipt.c.kind == REFUSED,
            )
        )
        for row in rows:
            if row.dispatch_id in self._asked:
                continue
            if parse_post_receipt(bytes(row.body))[0].reason == PrekeyUsed.code:
                yield row.dispatch_id, row.origin
