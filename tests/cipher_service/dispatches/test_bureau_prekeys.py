"""The bureau's prekeys kept by the service: made when few are free, kept before they go, asked."""

import io
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, update

from cipher_service import clock
from cipher_service.audit.journal import Journal
from cipher_service.directory import prekeys
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import kept, speaking
from cipher_service.dispatches.office.showing import Showing
from cipher_service.dispatches.prekeys import AGAIN, LOW, BureauPrekeys
from cipher_service.dispatches.reception import Reception
from cipher_service.references import new_id
from cipher_service.storage.tables.headquarters import kept_header
from cipher_service.storage.tables.prekeys import prekey
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.age.files import open_file_key
from keys.age.header import Header, Stanza, seal_header
from keys.age.hybrid import HybridKey
from keys.canonical import encode, text_from_bytes
from keys.custody.core import Custody
from keys.package import LABEL_TYPE
from keys.prekeys import Prekey, PrekeyUsed, read_bundle
from keys.service_messages import REPEAT_REQUEST
from tests.support.cipher_office import Office
from tests.support.ministry import HEADQUARTERS, Ministry, apart

ORIGIN = "ministry.example/audit"


@pytest.fixture
def custodian() -> Custody:
    return apart()


@pytest.fixture
def keeper(engine: Engine, tmp_path: Path, custodian: Custody) -> BureauPrekeys:
    Ministry(engine, tmp_path)
    return BureauPrekeys(engine, custodian, HEADQUARTERS, Journal(engine, ORIGIN, "service"))


def _free(engine: Engine, custodian: Custody) -> int:
    with reading(engine) as connection:
        return prekeys.free(connection, custodian.card().fingerprint, clock.now())


def _header(label: str, body: bytes = b"") -> bytes:
    return seal_header([Stanza(LABEL_TYPE, (label,), body)], bytes(16))


def test_prekeys_are_made_when_few_are_free_and_not_before(
    engine: Engine, keeper: BureauPrekeys, custodian: Custody
) -> None:
    assert keeper.top_up()
    assert _free(engine, custodian) == LOW
    assert not keeper.top_up()
    with unit_of_work(engine) as connection:
        first = prekeys.give(
            connection, "PARIS", "01KAMV6R8P3ZDFWQ5XJ9T2C4EN",
            [custodian.card().fingerprint], clock.now(),
        )  # fmt: skip
    assert len(first) == 1
    keeper.round()
    assert _free(engine, custodian) == 2 * LOW - 1


def test_none_are_made_for_a_card_that_the_directory_does_not_have(
    engine: Engine, tmp_path: Path
) -> None:
    Ministry(engine, tmp_path)
    now = clock.now().replace(microsecond=0)
    custodian = Custody.generate(
        HEADQUARTERS, valid_from=now - timedelta(days=1), valid_until=now + timedelta(days=300)
    )
    keeper = BureauPrekeys(engine, custodian, HEADQUARTERS, Journal(engine, ORIGIN, "service"))
    assert not keeper.top_up()
    assert _free(engine, custodian) == 0


def test_a_custodian_that_is_sealed_or_refuses_is_left_alone_for_a_while(
    engine: Engine, keeper: BureauPrekeys, custodian: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    custodian.suspend_key(f"bureau/{HEADQUARTERS}".encode(), b"1", b"doubt")
    now = [clock.now()]
    monkeypatch.setattr(clock, "now", lambda: now[0])
    asked: list[bytes] = []
    make = custodian.make_prekeys

    def counted(count: bytes, warrant: bytes = b"") -> bytes:
        asked.append(count)
        return make(count, warrant)

    monkeypatch.setattr(custodian, "make_prekeys", counted)
    for _ in range(3):
        keeper.round()
    assert len(asked) == 1
    now[0] += AGAIN
    keeper.round()
    assert len(asked) == 2
    custodian.seal()
    now[0] += AGAIN
    keeper.round()
    assert len(asked) == 2
    assert _free(engine, custodian) == 0


def test_a_header_is_kept_once_and_found_by_the_label_of_any_envelope_of_it(
    engine: Engine, keeper: BureauPrekeys
) -> None:
    del keeper
    one, other = _header("A" * 43 + "="), _header("B" * 43 + "=")
    with unit_of_work(engine) as connection:
        assert len(kept.keep(connection, [one, other], clock.now())) == 2
        again = _header("A" * 43 + "=", b"told anew")
        assert kept.keep(connection, [again], clock.now()) == []
    assert kept.find(engine, Header.parse(io.BytesIO(one))) == one
    assert kept.find(engine, Header.parse(io.BytesIO(_header("C" * 43 + "=")))) == b""


def test_the_directory_forgets_what_has_ended_and_more_are_made(
    engine: Engine, keeper: BureauPrekeys, custodian: Custody
) -> None:
    keeper.round()
    with unit_of_work(engine) as connection:
        past = clock.text(clock.now() - timedelta(seconds=1))
        connection.execute(update(prekey).values(expires=past))
    assert _free(engine, custodian) == 0
    keeper.round()
    assert _free(engine, custodian) == LOW


def test_a_header_is_kept_before_the_custodian_destroys_its_prekey(
    engine: Engine, keeper: BureauPrekeys, custodian: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between the two, the prekey is there still; the other way round it is lost."""
    header = _header("D" * 43 + "=")
    seen: list[bytes] = []
    told = encode([{"prekey": "a" * 16, "header": text_from_bytes(header)}])

    def spend(_prekey: bytes, _header: bytes) -> None:
        seen.append(kept.find(engine, Header.parse(io.BytesIO(header))))

    monkeypatch.setattr(custodian, "kept_headers", lambda: told)
    monkeypatch.setattr(custodian, "spend_prekey", spend)
    assert keeper.keep() == 1
    assert seen == [header]


def test_the_console_reads_again_what_is_kept_and_has_headers_made_of_it(
    engine: Engine, tmp_path: Path, custodian: Custody
) -> None:
    office, journal = Office(engine, tmp_path), Journal(engine, ORIGIN, "service")
    keeper = BureauPrekeys(engine, custodian, HEADQUARTERS, journal)
    reception = Reception(engine, office.ministry.blobs, custodian, HEADQUARTERS, journal)
    showing = Showing(engine, reception, custodian, HEADQUARTERS)
    bundle = read_bundle(custodian.make_prekeys(b"1"), custodian.card(), clock.now())
    number = office.arrive(prekey=bundle.prekeys[0])

    assert showing.arrival(number).text == "Bonjour"
    assert (keeper.keep(), keeper.keep()) == (1, 0)
    assert showing.arrival(number).text == "Bonjour"
    own = HybridKey.generate()
    told = showing.rewrapped(number, own.recipient)
    assert open_file_key(Header.parse(io.BytesIO(told["header"])), [own])

    with unit_of_work(engine) as connection:
        connection.execute(delete(kept_header))
    with pytest.raises(PrekeyUsed):
        showing.arrival(number)
    with pytest.raises(PrekeyUsed):
        showing.rewrapped(number, own.recipient)


def test_who_wrote_under_a_prekey_that_is_gone_is_asked_once_to_send_again(
    engine: Engine, tmp_path: Path, custodian: Custody
) -> None:
    office, journal = Office(engine, tmp_path), Journal(engine, ORIGIN, "service")
    keeper = BureauPrekeys(engine, custodian, HEADQUARTERS, journal)
    reception = Reception(engine, office.ministry.blobs, custodian, HEADQUARTERS, journal)
    custodian.make_prekeys(b"1")
    gone = Prekey("A" * 16, HybridKey.generate().recipient)
    number, sound = office.arrive(1, prekey=gone), office.arrive(2)
    assert keeper.ask_again() == 0

    with pytest.raises(PrekeyUsed):
        reception.open(number, tmp_path / "refused")
    reception.open(sound, tmp_path / "opened")
    assert (keeper.ask_again(), keeper.ask_again()) == (1, 0)
    started_anew = BureauPrekeys(engine, custodian, HEADQUARTERS, journal)
    assert started_anew.ask_again() == 0
    with reading(engine) as connection:
        (heard,) = speaking.heard(connection, read_directory(connection), "PARIS")
    assert (heard.message.kind, heard.message.dispatch_id) == (REPEAT_REQUEST, number)
    assert heard.verified


def test_no_post_drains_what_others_are_to_use(
    engine: Engine, tmp_path: Path, custodian: Custody, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prekeys, "UNUSED_MOST", 2)
    office, journal = Office(engine, tmp_path), Journal(engine, ORIGIN, "service")
    assert BureauPrekeys(engine, custodian, HEADQUARTERS, journal).top_up()
    card, come = custodian.card().fingerprint, office.arrive()

    def taken(sender: str, dispatch_id: str) -> int:
        with unit_of_work(engine) as connection:
            return len(prekeys.give(connection, sender, dispatch_id, [card], clock.now()))

    ids = [new_id(clock.now()) for _ in range(3)]
    assert [taken("PARIS", each) for each in (come, *ids)] == [1, 1, 1, 0]
    assert taken("PARIS", ids[0]) == taken("LOME", ids[2]) == 1
    with unit_of_work(engine) as connection:  # nobody could have used what has ended
        ended = prekey.update().where(prekey.c.taken_for == ids[1])
        connection.execute(ended.values(expires=clock.text(clock.now())))
    assert taken("PARIS", new_id(clock.now())) == 1
