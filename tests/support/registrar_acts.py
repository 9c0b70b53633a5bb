"""A pouch bureau's acts in the registrar, one by one, and the grants that officers give."""

from typing import Any

import pytest
from sqlalchemy import Connection

from cipher_service.identity import approvals
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.pouches.office import Office, seated
from cipher_service.storage.unit_of_work import unit_of_work
from tests.support.ministry import HEADQUARTERS, custody
from tests.support.office import PouchBureau


class RegistrarActs:
    """Does acts of officers as the registrar would.

    Args:
        bureau: whose acts they are.
        monkeypatch: puts what security keys answered in place of a browser's answer.
    """

    acts: dict[str, OfficerAct]

    def __init__(self, bureau: PouchBureau, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bureau = bureau
        self.answers: dict[str, bytes] = {}
        monkeypatch.setattr(approvals, "answered", self._answered)

    def seated(self, connection: Connection) -> Office:
        """The office in a transaction."""
        bureau = self.bureau
        return seated(connection, HEADQUARTERS, bureau.office.gate, lambda: bureau.now, custody())

    def _answered(
        self, _connection: Connection, officer: str, *_rest: object
    ) -> tuple[bytes, bytes]:
        return self.answers[officer], b"answer"

    def act(self, name: str, officer: str, **payload: Any) -> Any:
        """Do one act."""
        with unit_of_work(self.bureau.engine) as connection:
            return self.acts[name](connection, officer, payload)
