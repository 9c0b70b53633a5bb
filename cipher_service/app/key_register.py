"""The ministry's own keys stand in the register of controlled items, whoever made them.

A founding and an exchange enter what they make themselves. What was made at another machine's
terminal, or before the register knew of it, or was sealed then, is entered here, by the minute.
"""

import logging
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.directory.controlled_keys import enter_versions, lacks_versions
from cipher_service.storage.unit_of_work import reading
from keys.custody import Custodian
from keys.custody.book import Book
from keys.errors import KeysError

EACH: Final = timedelta(minutes=1)

_LOG = logging.getLogger(__name__)


class KeyRegister:
    """Enters what the custodian's book has and the register lacks.

    Args:
        engine: the books.
        custodian: says what keys there are.
        journal: records what is entered.
    """

    def __init__(self, engine: Engine, custodian: Custodian, journal: Journal) -> None:
        self._engine = engine
        self._custodian = custodian
        self._journal = journal
        self._next: datetime | None = None

    def round(self) -> None:
        """Look once a minute; nothing is written while nothing changed."""
        now = clock.now()
        if self._next is not None and now < self._next:
            return
        self._next = now + EACH
        try:
            versions = Book.parse(self._custodian.key_versions()).versions
        except KeysError as error:
            _LOG.warning("the register of keys waits: %s", error.code)
            return
        with reading(self._engine) as connection:
            lacks = lacks_versions(connection, versions)
        if lacks:
            with self._journal.act("keys_register") as connection:
                enter_versions(connection, versions, now)
