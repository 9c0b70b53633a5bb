"""A photograph is one of its bag: asked for elsewhere it is as one that is nowhere."""

from collections.abc import Callable

import pytest

from cipher_service.errors import ServiceError
from cipher_service.pouches import photographing, planning
from cipher_service.pouches.office_commands import PouchOfficeDesk
from cipher_service.pouches.sealing import OPEN, SealingDesk
from cipher_service.references import new_id
from cipher_service.storage.unit_of_work import unit_of_work
from keys.custody.intents import request_digest
from tests.support.ministry import HEADQUARTERS, custody
from tests.support.office import PouchBureau

BODY = b"ciphertext"
Ask = Callable[[PouchBureau, str, str], object]


def _body(bureau: PouchBureau, seal: str, photograph: str) -> object:
    return photographing.body_of(bureau.office, seal, photograph, by=bureau.agent)


def _picture(bureau: PouchBureau, seal: str, photograph: str) -> object:
    desk = PouchOfficeDesk(custody(), HEADQUARTERS, now=lambda: bureau.now)
    with unit_of_work(bureau.engine) as connection:
        told = {"seal": seal, "photograph": photograph}
        return desk.picture(connection, bureau.agent, told)


def _opens(bureau: PouchBureau, seal: str, photograph: str) -> None:
    """Before the custodian is asked, with the very request that opens that photograph."""
    office = PouchOfficeDesk(custody(), HEADQUARTERS, now=lambda: bureau.now)
    desk = SealingDesk(office.seated, lambda: bureau.now)
    told = {"bag": seal, "photograph": photograph, "request": request_digest(OPEN, BODY)}
    with unit_of_work(bureau.engine) as connection:
        desk.opens(connection, bureau.agent, told)


@pytest.mark.parametrize("ask", [_body, _picture, _opens], ids=["body", "picture", "opens"])
def test_a_photograph_at_another_bag_is_as_one_that_is_nowhere(
    bureau: PouchBureau, ask: Ask
) -> None:
    theirs = bureau.packed(0)
    other = bureau.packed(0, planning.add_bag(bureau.office, by=bureau.chief))
    kept = photographing.add(bureau.office, theirs, "bag", "0d" * 32, BODY, by=bureau.agent)
    if ask is not _picture:  # no JPEG is in it
        ask(bureau, theirs, kept["photograph"])

    told = []
    for photograph in (kept["photograph"], new_id(bureau.now)):
        with pytest.raises(ServiceError) as refused:
            ask(bureau, other, photograph)
        told.append((refused.value.code, refused.value.facts))

    assert told[0] == told[1]
    assert told[0][0] == "NOT_FOUND"
    album = photographing.album(bureau.office, other, by=bureau.agent)
    assert (album.seal, album.kept) == (other, ())
