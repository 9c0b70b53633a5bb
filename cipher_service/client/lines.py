"""A dispatch in words: the same facts as lines for a person and as a record for a script."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from cipher_service import clock
from cipher_service.client.messages import Language, phrase, printable
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import UnknownLabel, default_scheme
from keys.manifest import ACTION, INFO, Addressee, Manifest, Series
from keys.service_messages import ServiceMessage

Line = tuple[str, str]
# In English whatever the language: a date-time group travels between services.
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")

_MONTH_NAMES: dict[Language, tuple[str, ...]] = {
    "fr": (
        *("janv.", "févr.", "mars", "avr.", "mai", "juin"),
        *("juil.", "août", "sept.", "oct.", "nov.", "déc."),
    ),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}


def show_lines(terminal: Terminal, lines: Sequence[Line]) -> None:
    """Show titled values, aligned; a title is the name of a phrase."""
    titled = [(phrase(name, terminal.language), value) for name, value in lines]
    width = max(len(title) for title, _ in titled)
    terminal.show("\n".join(f"{title:<{width}}  {printable(value)}" for title, value in titled))


def heading_lines(manifest: Manifest, language: Language) -> list[Line]:
    """Return what a dispatch says of itself."""
    heading = manifest.heading
    lines: list[Line] = [
        ("line_dispatch", heading.id),
        ("line_origin", manifest.sender.post),
        *_addressee_lines(manifest.to, language),
        ("line_label", _label_text(manifest, language)),
        ("line_dtg", dtg_text(heading.dtg)),
    ]
    if heading.subject:
        lines.append(("line_subject", heading.subject))
    names = [part.name.partition("/")[2] for part in manifest.parts[1:]]
    if names:
        lines.append(("line_attachments", ", ".join(names)))
    return lines


def heading_record(manifest: Manifest) -> dict[str, Any]:
    """Return the same for a script."""
    heading = manifest.heading
    return {
        "id": heading.id,
        "kind": heading.kind,
        "dtg": clock.text(heading.dtg),
        "created": clock.text(heading.created),
        "expires": heading.expires and clock.text(heading.expires),
        "subject": heading.subject,
        "references": list(heading.references),
        "in_reply_to": heading.in_reply_to,
        "label": {
            "policy": manifest.label.policy,
            "level": manifest.label.level,
            "caveats": list(manifest.label.caveats),
            "releasability": list(manifest.label.releasability),
            "review": manifest.label.review,
        },
        "addressees": [_addressee_record(entry) for entry in manifest.to],
        "parts": [
            {"name": part.name, "size": part.size, "sha256": part.sha256, "type": part.type}
            for part in manifest.parts
        ],
    }


def dtg_text(instant: datetime) -> str:
    """Return a date-time group as it is written: `221034Z NOV 26` (ACP 127 paragraph 113)."""
    return f"{instant:%d%H%M}Z {_MONTHS[instant.month - 1]} {instant:%y}"


def date_text(instant: datetime, language: Language) -> str:
    """Return an instant as people write it: `22 nov. 2026, 10 h 34 UTC`, `22 Nov 2026, 10:34 UTC`.

    Whoever reads it may be in any zone.
    """
    month = _MONTH_NAMES[language][instant.month - 1]
    hour = f"{instant:%H:%M}" if language == "en" else f"{instant.hour} h {instant:%M}"
    return f"{instant.day} {month} {instant.year}, {hour} UTC"


def runs_text(runs: Sequence[range]) -> str:
    """Return runs of numbers as people write them: `3, 7-9`."""
    return ", ".join(
        str(run.start) if len(run) == 1 else f"{run.start}-{run.stop - 1}" for run in runs
    )


def _addressee_lines(entries: Sequence[Addressee], language: Language) -> list[Line]:
    titles = {ACTION: "line_action", INFO: "line_info"}
    return [
        (titles.get(entry.role, "line_copy"), _addressee_text(entry, language)) for entry in entries
    ]


def _addressee_text(entry: Addressee, language: Language) -> str:
    if entry.series is None:
        return entry.post
    urgency = precedence_name(entry.precedence, language)
    return f"{entry.post} {entry.series.number} ({entry.series.epoch}) {urgency}"


def _addressee_record(entry: Addressee) -> dict[str, Any]:
    return {
        "post": entry.post,
        "fingerprint": entry.fingerprint,
        "key": entry.key,
        "role": entry.role,
        "precedence": entry.precedence,
        "delivery": entry.delivery,
        "series": entry.series and series_record(entry.series),
    }


def series_record(series: Series) -> dict[str, int]:
    """Return a place in a series for a script."""
    return {"epoch": series.epoch, "number": series.number}


def _label_text(manifest: Manifest, language: Language) -> str:
    label = manifest.label
    try:
        name = default_scheme().level(label.level).name(language)
    except UnknownLabel:  # another ministry's scheme: its code stands for itself
        name = label.level
    return " / ".join((name.upper(), *label.caveats))


def precedence_name(code: str, language: Language) -> str:
    """Return the name of a precedence; an unknown code stands for itself."""
    try:
        return default_scheme().precedence(code).name(language).upper()
    except UnknownLabel:
        return code


def service_message_record(
    message: ServiceMessage, received_at: str, *, verified: bool
) -> dict[str, Any]:
    """Return a service message that was received, for scripts."""
    return {
        "id": message.id,
        "kind": message.kind,
        "signal": message.signal,
        "from": message.sender,
        "precedence": message.precedence,
        "created": clock.text(message.created),
        "received_at": received_at,
        "series": message.series and asdict(message.series),
        "dispatch_id": message.dispatch_id,
        "verified": verified,
    }
