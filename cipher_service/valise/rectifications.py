"""Rectifications as `valise` reads them from files and tells them in words."""

from collections.abc import Sequence
from typing import Any

from cipher_service import clock
from cipher_service.client.lines import Line, date_text
from cipher_service.client.messages import Language, phrase
from cipher_service.valise.reading import read_bounded
from keys.statements import STATEMENT_BYTES_MAX
from pouch.places import Change, Value
from pouch.rectification import SignedRectification, read_rectification


def load(names: Sequence[str]) -> list[SignedRectification]:
    """Return rectifications from their files, in their order.

    Raises:
        RectificationMalformed: one is none.
        Refused, OSError: as `read_bounded`.
    """
    files = (read_bounded(name, STATEMENT_BYTES_MAX + 1) for name in names)
    read = [read_rectification(data) for data in files]
    return sorted(read, key=lambda each: each.statement.ordinal)


def rectification_lines(told: Sequence[SignedRectification], language: Language) -> list[Line]:
    """Return what was put right, for a person; each change by itself."""
    lines: list[Line] = []
    for statement in (each.statement for each in told):
        made = date_text(statement.made, language)
        lines.append(("line_rectification", f"{statement.number}, {made}, {statement.reason}"))
        lines += [("line_put_right", change_text(each, language)) for each in statement.changes]
    return lines


def rectification_records(told: Sequence[SignedRectification]) -> list[dict[str, Any]]:
    """Return the same for a script."""
    return [
        {
            "number": each.statement.number,
            "ordinal": each.statement.ordinal,
            "made": clock.text(each.statement.made),
            "by": {"name": each.statement.name, "function": each.statement.function},
            "reason": each.statement.reason,
            "changes": [
                {"line": change.line, "what": change.what, "was": change.was, "now": change.now}
                for change in each.statement.changes
            ],
            "unwitnessed": each.witness is None,
        }
        for each in told
    ]


def change_text(change: Change, language: Language) -> str:
    """Return one change in words: where, what, what stood there and what is right."""
    whole = phrase("put_right_bag", language)
    where = whole if change.line is None else phrase("put_right_line", language, line=change.line)
    what = phrase(f"put_right_{change.what}", language)
    was, now = (_value_text(change.what, value) for value in (change.was, change.now))
    return f"{where}, {what}, {was} → {now}"


def _value_text(what: str, value: Value) -> str:
    if value is None:
        return "-"
    return f"{value} g" if what == "weight" else str(value)
