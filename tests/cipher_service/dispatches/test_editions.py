"""What somebody refused is kept for them alone, enciphered, until the dispatch leaves."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from cipher_service.console.dispatches.changes import LINES_MOST, changed
from cipher_service.storage.tables.compositions import refused_edition
from cipher_service.storage.unit_of_work import reading
from keys.custody.intents import request_digest
from tests.cipher_service.dispatches.test_office import refused, submitted
from tests.support.cipher_office import Office

BEFORE, AFTER = "Le premier point.\nLe second point.", "Le premier point.\nUn autre point."


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def kept(office: Office) -> list[bytes]:
    with reading(office.engine) as connection:
        return [bytes(body) for body in connection.scalars(select(refused_edition.c.body))]


def refuse(office: Office, who: str, number: str) -> None:
    reason = office.showing.sealed_text("Revoyez le second point.")
    office.act(who, "dispatch_refuse", dispatch_id=number, reason=reason)


def again(office: Office, number: str, edition: int, **content: Any) -> None:
    """Save another edition and bring it to the head again."""
    office.act(
        "DRAFTER", "dispatch_save", dispatch_id=number, edition=edition,
        content=office.content(**content),
    )  # fmt: skip
    clerk = office.of["CLERK"].number
    office.act("DRAFTER", "dispatch_submit", dispatch_id=number, edition=edition + 1, to=clerk)
    assert seen(office, "CLERK", number) is None
    office.read("CLERK", number)
    office.propose(number)


def seen(office: Office, who: str, number: str) -> Any:
    return office.act(who, "dispatch_review.intend", dispatch_id=number)["earlier"]


def to_the_head(office: Office, **content: Any) -> str:
    number = office.draft(**content)
    submitted(office, number)
    office.read("CLERK", number)
    office.propose(number)
    office.read("CHIEF", number)
    return number


def test_who_refused_sees_what_they_refused_and_nobody_else_does(office: Office) -> None:
    number = to_the_head(office, text=BEFORE)
    assert seen(office, "CHIEF", number) is None
    refuse(office, "CHIEF", number)
    assert seen(office, "DRAFTER", number) is None
    (body,) = kept(office)
    assert body.startswith(b"age-encryption.org/v1\n")
    assert b"point" not in body
    again(office, number, 1, text=AFTER)
    earlier = seen(office, "CHIEF", number)
    assert office.showing.unsealed(earlier["body"]) == ("Objet", BEFORE)
    same = (earlier["edition"], earlier["same_addressees"], earlier["same_attachments"])
    assert same == (1, True, True)
    # The custodian is asked for it under the officer's own grant, and for nothing else.
    asked = {"composition": number, "request": request_digest("open_sealed", earlier["body"])}
    assert office.act("CHIEF", "open_sealed.intend", **asked)["decision"]
    refused(office, "NOT_FOUND", "CLERK", "open_sealed.intend", **asked)
    refuse(office, "CHIEF", number)
    again(office, number, 2, text=AFTER, routing=[["PARIS", "action", "pouch"]])
    earlier = seen(office, "CHIEF", number)
    assert (earlier["edition"], earlier["same_addressees"]) == (2, False)
    assert len(kept(office)) == 1


def test_it_is_not_shown_below_its_marking(office: Office) -> None:
    number = to_the_head(office, text=BEFORE)
    refuse(office, "CHIEF", number)
    again(office, number, 1, text=AFTER, caveats=[])
    assert seen(office, "CHIEF", number) is None


def test_it_is_erased_when_the_dispatch_is_dropped_or_leaves(office: Office) -> None:
    dropped = to_the_head(office)
    refuse(office, "CHIEF", dropped)
    leaving = to_the_head(office)
    refuse(office, "CHIEF", leaving)
    assert len(kept(office)) == 2
    office.act("DRAFTER", "dispatch_discard", dispatch_id=dropped)
    assert len(kept(office)) == 1
    again(office, leaving, 1, text=AFTER)
    office.read("CHIEF", leaving)
    asked = office.act("CHIEF", "dispatch_prepare", dispatch_id=leaving)
    signed = office.signature("CHIEF", asked)
    office.act("CHIEF", "dispatch_release", dispatch_id=leaving, **signed)
    assert [left.refused for left in office.departing.round()] == [None]
    assert kept(office) == []


def test_lines_are_told_with_two_around_them_and_in_time() -> None:
    text = "\n".join(f"Ligne {number}" for number in range(20))
    told = changed(text, text.replace("Ligne 9", "Neuvième ligne"))
    assert told == [
        *(("…", ""), (" ", "Ligne 7"), (" ", "Ligne 8"), ("-", "Ligne 9"), ("+", "Neuvième ligne")),
        *((" ", "Ligne 10"), (" ", "Ligne 11")),
    ]
    assert changed(text, text) == []
    assert changed("", "a") == [("+", "a")]
    assert changed("\n" * (LINES_MOST + 1), "a") is None
