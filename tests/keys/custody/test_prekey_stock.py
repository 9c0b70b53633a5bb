"""The stock of the bureau's one-time prekeys: its form, and what goes with an edition."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keys import canonical
from keys.age.files import decrypt, encrypt
from keys.age.header import Header, seal_header
from keys.age.hybrid import wrap
from keys.custody.core import Custody
from keys.custody.prekeys import BureauPrekeys, Stock, StockInMemory
from tests.support.officers import whole_now

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_a_stock_that_holds_more_than_its_form_is_not_read(paris: Custody, lome: Custody) -> None:
    stanza = wrap(bytes(16), lome.card().recipient)
    strange = Header.parse(io.BytesIO(seal_header([stanza], bytes(16))))
    keeper = StockInMemory()
    own = BureauPrekeys(keeper, whole_now)
    own.make(paris.bureau, 1)
    stock = keeper.read()
    assert stock is not None
    (lot,) = stock.lots
    for place in ((), ("lots", 0)):
        value = canonical.decode(stock.encode())
        part = value
        for step in place:
            part = part[step]
        part["more"] = 1
        with pytest.raises(ValueError, match="more"):
            Stock.parse(canonical.encode(value))
    (edition,) = paris.bureau.editions
    seeds = canonical.decode(decrypt(lot.sealed, [edition.hybrid]))
    for part in (seeds, seeds["seeds"][0]):
        part["more"] = 1
        sealed = encrypt(canonical.encode(seeds), [edition.card.recipient])
        keeper.write(replace(stock, lots=(replace(lot, sealed=sealed),)))
        with pytest.raises(ValueError, match="more"):
            own.unwrap(strange, None, paris.bureau, frozenset)
        del part["more"]


def test_prekeys_of_an_edition_that_is_gone_go(paris: Custody) -> None:
    stock = StockInMemory()
    own = BureauPrekeys(stock, lambda: NOON)
    own.make(paris.bureau, 1)
    other = Custody.generate("PARIS", valid_from=NOON, valid_until=NOON + timedelta(days=300))
    later, _ = other.bureau.with_next(NOON, NOON + timedelta(days=300))
    own.make(replace(later.without(1), card=later.editions[1].card), 1)
    held = stock.read()
    assert held is not None
    assert [each.edition for each in held.lots] == [2]


def test_so_many_openings_wait_to_be_kept_and_so_many_are_told_of_at_once(paris: Custody) -> None:
    own = BureauPrekeys(StockInMemory(), whole_now)
    file_key = bytes(16)
    stanza = wrap(file_key, paris.card().recipient)
    header = Header.parse(io.BytesIO(seal_header([stanza], file_key)))
    names = [f"{number:016d}" for number in range(1025)]
    for name in names[:33]:
        own.hold(name, header, file_key, paris.bureau)
    assert [each["prekey"] for each in canonical.decode(own.kept())] == names[:32]
    for name in names[33:]:
        own.hold(name, header, file_key, paris.bureau)
    # One more than it holds: the oldest gives way, and is told of once it is opened again.
    assert list(own._held) == names[1:]
