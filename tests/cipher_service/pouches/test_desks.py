"""Headquarters' desks when the custodian's terminal puts other keys there, as acts go on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select

from cipher_service.errors import ServiceError
from cipher_service.pouches import custody, devices, packing, repository
from cipher_service.pouches.desk import are_retired, retire_desks
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.custody import found
from keys.custody.book import VERSIONS_FILE
from keys.custody.core import Custody
from keys.custody.rotation import Terminal
from keys.custody.store import SERVICE_FILE, open_store, read_credential
from keys.devices import device_id
from keys.files import exchange
from keys.lifecycle import KeyNotUsable
from pouch.events import Event, sign_event
from pouch.facts import Seen
from pouch.manifest import BagClass
from tests.support.ministry import HEADQUARTERS
from tests.support.ministry import custody as ministry_s
from tests.support.office import PouchBureau


@pytest.fixture
def terminal(bureau: PouchBureau, tmp_path: Path) -> Terminal:
    """The terminal of a store whose custodian this bureau has."""
    store, credential = tmp_path / "custody", tmp_path / "credentials" / "wrapping"
    card = ministry_s().card()
    found(store, credential, HEADQUARTERS, card.valid_from, card.valid_until)
    read = read_credential(credential)
    bureau.office = replace(bureau.office, custodian=open_store(store, read))
    return Terminal(store, read)


def _begin(bureau: PouchBureau) -> str:
    return packing.begin(
        bureau.office, bureau.departure, bureau.bag, BagClass.SECRET, by=bureau.agent
    )


def _seen(bureau: PouchBureau, seal: str) -> Event:
    """The bureau's desk tells that it saw the bag."""
    with bureau.office.act("pouch_seen", seal) as sitting:
        return bureau.office.desks.tell(
            sitting.connection,
            Seen(()),
            bag=bureau.bag,
            seal=seal,
            officer=bureau.agent,
            now=sitting.now,
        )


def _states(connection: Connection) -> dict[str, str]:
    found = connection.execute(select(tables.device.c.device_id, tables.device.c.state))
    return {each.device_id: each.state for each in found}


def _pair(custodian: Any) -> list[str]:
    keys = custodian.desk_keys()
    return [device_id(keys[:32]), device_id(keys[32:])]


def test_other_keys_at_the_desks_tell_on_and_the_old_ones_are_strangers(
    bureau: PouchBureau, terminal: Terminal
) -> None:
    custodian = bureau.office.custodian
    assert isinstance(custodian, Custody)
    stolen, old = custodian.service.at_desks, _pair(custodian)
    with unit_of_work(bureau.engine) as connection:
        phone, _ = devices.enrol(connection, HEADQUARTERS, b"\x01" * 32, bureau.now)
    seal = _begin(bureau)
    with reading(bureau.engine) as connection:
        before = custody.keys_in_force(connection)
    terminal.rotate_desks(bureau.now)
    new = _pair(custodian)
    # Told before the new ones told anything: killed here, the command had ended nobody yet.
    event = _seen(bureau, seal)
    assert (event.device, event.counter, event.previous) == (new[0], 1, None)
    forged = Event(
        device=old[0],
        counter=1,
        previous=None,
        bag=bureau.bag,
        seal=seal,
        at=bureau.now,
        place=HEADQUARTERS,
        officer=bureau.agent,
        witness=None,
        facts=Seen(()),
    )
    signed = sign_event(forged, lambda said: stolen.sign(old[0].encode(), said))
    with reading(bureau.engine) as connection:
        ended = dict.fromkeys(old, "revoked") | dict.fromkeys(new, "active")
        assert {each: _states(connection)[each] for each in ended} == ended
        assert _states(connection)[phone] == "active", "a telephone of headquarters stays"
        judged = custody.judge(signed, custody.keys_in_force(connection))
        assert [each.device for each in repository.events_of(connection, seal)] == [old[0], new[0]]
    assert custody.judge(signed, before).refusal is None
    assert judged.refusal == "DEVICE_UNKNOWN"


def test_desks_that_the_books_ended_tell_nothing_when_their_store_is_put_back(
    bureau: PouchBureau, terminal: Terminal
) -> None:
    custodian: Any = bureau.office.custodian
    seal, old = _begin(bureau), _pair(custodian)
    copies = {each: (terminal.store / each).read_bytes() for each in (SERVICE_FILE, VERSIONS_FILE)}
    terminal.rotate_desks(bureau.now)
    _seen(bureau, seal)
    with reading(bureau.engine) as connection:
        assert not are_retired(connection, custodian)
    for name, data in copies.items():
        exchange(terminal.store / name, data)
    assert _pair(custodian) == old
    with pytest.raises(ServiceError) as refusal:
        _seen(bureau, seal)
    said = (refusal.value.code, refusal.value.facts)
    assert said == ("DESKS_RETIRED", {"key": f"desks/{HEADQUARTERS}"})
    with reading(bureau.engine) as connection:
        assert are_retired(connection, custodian)
        assert {_states(connection)[each] for each in old} == {"revoked"}
    # The repair that it names.
    terminal.rotate_desks(bureau.now)
    assert _seen(bureau, seal).device == _pair(custodian)[0]
    with reading(bureau.engine) as connection:
        assert not are_retired(connection, custodian)


def test_keys_that_are_exchanged_between_the_two_questions_are_asked_for_again(
    bureau: PouchBureau, terminal: Terminal
) -> None:
    seal = _begin(bureau)
    asked: list[int] = []

    class Meanwhile:
        """The terminal exchanges the keys right after they were told."""

        def __getattr__(self, name: str) -> Any:
            return getattr(custodian, name)

        def desk_keys(self) -> bytes:
            told: bytes = custodian.desk_keys()
            asked.append(1)
            if len(asked) == 1:
                terminal.rotate_desks(bureau.now)
            return told

    custodian: Any = bureau.office.custodian
    bureau.office = replace(bureau.office, custodian=Meanwhile())
    event = _seen(bureau, seal)
    assert (event.device, len(asked)) == (_pair(custodian)[0], 2)


def test_desks_that_are_called_compromised_are_strangers_before_others_sit_there(
    bureau: PouchBureau, terminal: Terminal
) -> None:
    custodian: Any = bureau.office.custodian
    seal, old = _begin(bureau), _pair(custodian)
    custodian.compromise_key(f"desks/{HEADQUARTERS}".encode(), b"1", b"vol")
    for _ in range(2):
        with unit_of_work(bureau.engine) as connection:
            retire_desks(connection, custodian, bureau.now)
    with reading(bureau.engine) as connection:
        assert {_states(connection)[each] for each in old} == {"revoked"}
    with pytest.raises(KeyNotUsable):
        _seen(bureau, seal)
    terminal.rotate_desks(bureau.now)
    _seen(bureau, seal)
    with reading(bureau.engine) as connection:
        assert {_states(connection)[each] for each in _pair(custodian)} == {"active"}
