"""The bureau's drafts: kept sealed to its key, shown to their drafter by the custodian.

A draft is its subject, a line end, its text. All of it is sealed, so that a list can name a draft
only by its id, its edition and its date.
"""

from argparse import Namespace
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from cipher_service import clock
from cipher_service.administration.bureau import bureau_of, hire_of, read_draft
from cipher_service.administration.entitled import Judge, sworn
from cipher_service.administration.installation import Installation, opened
from cipher_service.administration.words import Speaker
from cipher_service.client.drafting import require_subject
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.lines import date_text
from cipher_service.client.messages import printable
from cipher_service.client.terminal import Terminal
from cipher_service.directory.register import read_directory
from cipher_service.dispatches import drafts
from cipher_service.dispatches.sealed import TEXT_MAX, seal_text
from cipher_service.references import new_id
from cipher_service.storage.unit_of_work import reading


def save(arguments: Namespace, terminal: Terminal) -> None:
    """Keep a new draft, or a new edition of one."""
    if (arguments.draft is None) != (arguments.edition is None):
        raise Misused("DRAFT_WITHOUT_EDITION")
    plain = f"{require_subject(arguments.subject)}\n{_text(Path(arguments.file))}"
    if len(plain.encode("utf-8")) > TEXT_MAX:
        raise Refused("DRAFT_TOO_LONG", most=TEXT_MAX // 1024)
    with opened(arguments) as installation:
        digest = sha256(plain.encode("utf-8")).hexdigest()
        judge = _sworn(arguments, terminal, installation, "draft_save", {"digest": digest})
        with judge.journal.act("draft_save", arguments.draft) as connection:
            draft_id, edition = _keep(arguments, installation, connection, plain)
    if terminal.as_json:
        terminal.show_json({"id": draft_id, "edition": edition})
    else:
        Speaker(terminal).show("draft_saved", id=draft_id, edition=edition)


def list_drafts(arguments: Namespace, terminal: Terminal) -> None:
    """List a drafter's drafts, the last saved first; what they say stays sealed."""
    with opened(arguments) as installation:
        _sworn(arguments, terminal, installation, "draft_list")
        with reading(installation.engine) as connection:
            kept = drafts.drafts_of(connection, arguments.drafter)
    if terminal.as_json:
        terminal.show_json([_members(draft) for draft in kept])
        return
    speaker = Speaker(terminal)
    if not kept:
        speaker.show("draft_none", drafter=arguments.drafter)
    for draft in kept:
        speaker.show(
            "draft_line",
            id=draft.draft_id,
            edition=draft.edition,
            drafter=draft.drafter,
            date=date_text(clock.parse(draft.saved_at), terminal.language),
        )


def show(arguments: Namespace, terminal: Terminal) -> None:
    """Open a draft for its drafter."""
    hire = hire_of(arguments, terminal)
    with opened(arguments) as installation:
        judge = _sworn(arguments, terminal, installation, "bureau_unseal")
        with bureau_of(installation, hire, judge.journal) as bureau:
            draft = read_draft(installation, bureau, arguments.draft, arguments.drafter)
    if terminal.as_json:
        members = {"subject": draft.subject, "text": draft.text}
        terminal.show_json({**_members(draft.kept), **members})
        return
    # Shown so that no sign in it steers the terminal; --json gives it exactly.
    for line in (draft.subject, "", *draft.text.splitlines()):
        terminal.show(printable(line.expandtabs()))


def discard(arguments: Namespace, terminal: Terminal) -> None:
    """Destroy a draft."""
    with opened(arguments) as installation:
        judge = _sworn(arguments, terminal, installation, "draft_discard")
        with judge.journal.act("draft_discard", arguments.draft) as connection:
            drafts.discard(connection, arguments.draft, arguments.drafter)
    Speaker(terminal).show("draft_discarded", id=arguments.draft)


def _sworn(
    arguments: Namespace,
    terminal: Terminal,
    installation: Installation,
    name: str,
    also: Mapping[str, str] | None = None,
) -> Judge:
    """Have the drafter sign, whose own draft it is, and ask whether they may draft."""
    drafter = arguments.drafter
    judge = sworn(arguments, terminal, installation, drafter, also)
    judge(name, "draft", judge.draft(getattr(arguments, "draft", None), drafter), own=True)
    return judge


def _keep(
    arguments: Namespace, installation: Installation, connection: Connection, plain: str
) -> tuple[str, int]:
    directory = read_directory(connection)
    body = seal_text(plain, directory.card_in_force(installation.settings.headquarters).card)
    now = clock.now()
    if arguments.draft is None:
        draft_id = new_id(now)
        return draft_id, drafts.begin(connection, draft_id, arguments.drafter, body, now)
    edition = drafts.save(
        connection, arguments.draft, arguments.drafter, body, edition=arguments.edition, now=now
    )
    return arguments.draft, edition


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused("DRAFT_NOT_TEXT", path=str(path)) from error


def _members(draft: drafts.Draft) -> dict[str, Any]:
    return {
        "id": draft.draft_id,
        "drafter": draft.drafter,
        "edition": draft.edition,
        "saved_at": draft.saved_at,
    }
