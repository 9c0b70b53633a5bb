"""What ended is not only not believed: it is not held either."""

import gc
import weakref

import pytest

from cipher_service.identity import remembered
from cipher_service.identity.remembered import Remembered


class Read:
    """What was read of a text."""


def test_what_was_read_is_found_until_it_ends() -> None:
    book: Remembered[Read] = Remembered()
    read = Read()
    book.keep("a token", read, 60, 0)
    assert book.get("a token", 59.9) is read
    assert book.get("a token", 60) is None
    assert book.get("another", 0) is None


def test_what_ended_leaves_when_something_new_comes() -> None:
    book: Remembered[Read] = Remembered()
    first, second = Read(), Read()
    gone, stays = weakref.ref(first), weakref.ref(second)
    book.keep("first", first, 60, 0)
    book.keep("second", second, 90, 30)
    del first, second
    book.keep("third", Read(), 120, 60)
    gc.collect()
    assert gone() is None
    assert stays() is not None
    assert book.get("second", 60) is stays()


def test_a_flood_of_texts_lets_the_oldest_go_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_MOST", 3)
    book: Remembered[str] = Remembered()
    for name in ("one", "two", "three", "two", "four"):
        book.keep(name, f"what {name} says", 60, 0)
    known = {name for name in ("one", "two", "three", "four") if book.get(name, 0)}
    assert known == {"two", "three", "four"}
    book.keep("five", "what five says", 60, 0)
    assert book.get("three", 0) is None
    assert book.get("two", 0) == "what two says"
