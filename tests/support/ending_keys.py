"""The bureau's key as it will be a day before its end, in a real custodian's book of versions."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from cipher_service import clock
from cipher_service.administration.installation import custodian_of
from cipher_service.settings import Settings
from keys.custody import read_credential
from keys.custody.book import Book, BookFile
from keys.lifecycle import ACTIVE, KeyVersion


@contextmanager
def ending_tomorrow(settings: Settings) -> Iterator[KeyVersion]:
    """Let the active version of the bureau's key end tomorrow, and give it its own end back."""
    file = BookFile(settings.custodian_store, read_credential(settings.custodian_credential))
    with custodian_of(settings) as custodian:
        book = Book.parse(custodian.key_versions())
    key = f"bureau/{settings.headquarters}"
    [now_active] = [each for each in book.of(key) if each.state == ACTIVE]
    tomorrow = clock.now().replace(microsecond=0) + timedelta(days=1)
    with file.held():
        moved = replace(now_active, starts=tomorrow - timedelta(days=366), ends=tomorrow)
        file.write((file.read() or book).with_version(moved))
    try:
        yield moved
    finally:
        with file.held():
            kept = file.read() or book
            counted = kept.find(key, now_active.number)
            back = replace(counted, starts=now_active.starts, ends=now_active.ends)
            file.write(kept.with_version(back))
