"""To write a dispatch, check it and hand it to another (flow 2). Drafts are kept sealed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access import registers
from cipher_service.access.acts import Gate
from cipher_service.access.principals import rank
from cipher_service.access.subjects import Dispatch
from cipher_service.console.dispatches.desk import number_of, officer_in, showing_of
from cipher_service.console.dispatches.granting import showing_for
from cipher_service.console.language import mark
from cipher_service.console.visit import Visit
from cipher_service.directory.officers import names
from cipher_service.directory.register import Directory, read_directory
from cipher_service.dispatches.office import compositions, trays
from cipher_service.dispatches.office.attaching import EACH_MOST, MOST, Attached, opened_list
from cipher_service.dispatches.office.compositions import Composition, Content
from cipher_service.dispatches.office.parties import Party, takers
from cipher_service.dispatches.office.showing import Showing
from cipher_service.errors import ServiceError
from keys.manifest import ACTION, CIPHER, INFO, POUCH
from keys.records import ULID

Opened = TypeVar("Opened")

WAYS: Final = (
    ("", mark("—")),
    ("action", mark("Pour action")),
    ("info", mark("Pour information")),
    ("action-v", mark("Pour action, par valise")),
    ("info-v", mark("Pour information, par valise")),
)
_ROUTES: Final = {
    "action": (ACTION, CIPHER),
    "info": (INFO, CIPHER),
    "action-v": (ACTION, POUCH),
    "info-v": (INFO, POUCH),
}
_FIELDS: Final = ("number", "edition", "source", "relation", "level", "caveats", "precedence")
_TEXTS: Final = ("file", "subject", "text", "next")
DONE: Final = {
    "kept": mark("Le brouillon est enregistré, chiffré à la clé du Bureau."),
    "back": mark("La dépêche est redevenue un brouillon."),
    "gone": mark("Le brouillon est effacé."),
    "submitted": mark(
        "La dépêche est soumise. Elle part quand une autre personne l’a lue et visée."
    ),
}


@dataclass(frozen=True, slots=True)
class PostChoice:
    """A post to choose: `key` is valid, soon or none; `days` are left of its card."""

    code: str
    key: str
    days: int
    way: str


@dataclass(frozen=True, slots=True)
class _Written:
    """An author's own: its subject, its text, why it came back, what it encloses."""

    known: Composition
    subject: str
    text: str
    refusal: str
    attached: tuple[Attached, ...]


async def mine(visit: Visit) -> Response:
    """What I write: drafts, what waits for another, what left."""

    def read(connection: Connection, _gate: Gate) -> dict[str, Any]:
        lines = trays.authored(
            connection, visit.person.number, compositions.DRAFT, compositions.SUBMITTED,
            compositions.PROPOSED, compositions.RELEASED, compositions.LEFT,
        )[::-1]  # fmt: skip
        return {"lines": lines, "names": names(connection, (line.assigned for line in lines))}

    told = DONE.get(visit.request.query_params.get("fait", ""))
    return visit.page("dispatches/mine.html", done=told, **await visit.read(read))


async def new(visit: Visit) -> Response:
    """An empty draft, or one that answers or forwards a dispatch and is as high as it."""
    source = visit.request.query_params.get("source", "")
    relation = visit.request.query_params.get("relation", "") if source else ""
    if source and (ULID.fullmatch(source) is None or relation not in compositions.RELATIONS):
        raise ServiceError("NOT_FOUND")

    def read(connection: Connection, gate: Gate) -> dict[str, Any]:
        own = Dispatch("", 0, origin=visit.office.headquarters, author=visit.person.number)
        visit.demand(gate, "draft", own)
        filled: dict[str, Any] = {"level": "", "caveats": "", "routes": {}}
        if source:
            registers.find(connection, gate.policies, visit.person.principal, source, visit.now)
            thing = compositions.source_of(connection, gate, source)
            level = next(each.code for each in gate.scheme.levels if each.rank == thing.level)
            to = thing.origin if relation == "reply" else ""
            filled = {
                "level": level,
                "caveats": ", ".join(sorted(thing.caveats)),
                "routes": {to: "action"} if to and to != visit.office.headquarters else {},
            }
        return {**_choices(connection, gate, visit, filled["routes"]), "filled": filled}

    given = await visit.read(read)
    form = {
        **dict.fromkeys((*_FIELDS, *_TEXTS), ""),
        "source": source, "relation": relation, "edition": "0", "precedence": "ROUTINE",
        "level": given["filled"]["level"], "caveats": given["filled"]["caveats"],
    }  # fmt: skip
    return visit.page(
        "dispatches/compose.html", form=form, refusal="", done=None, attached=(), **given
    )


async def edit(visit: Visit) -> Response:
    """A draft restored: its text is unsealed for its author alone."""
    number = number_of(visit)
    written = await _unsealed(visit, number)
    known, refusal = written.known, written.refusal
    content = known.content

    def read(connection: Connection, gate: Gate) -> dict[str, Any]:
        routes = {post: _way(role, way) for post, role, way in content.routing}
        return _choices(connection, gate, visit, routes)

    if known.state != compositions.DRAFT:
        return visit.go(f"/depeches/visa/{number}")
    form = {
        "number": number, "edition": str(known.edition), "source": content.source,
        "relation": content.relation, "level": content.level,
        "caveats": ", ".join(content.caveats), "precedence": content.precedence,
        "file": content.file, "subject": written.subject, "text": written.text, "next": "",
    }  # fmt: skip
    told = DONE.get(visit.request.query_params.get("fait", ""))
    given = await visit.read(read)
    return visit.page(
        "dispatches/compose.html", form=form, refusal=refusal, done=told,
        attached=written.attached, **given,
    )  # fmt: skip


async def save(visit: Visit) -> Response:
    """Keep a draft: by the page's clock (JSON answer), or by its buttons."""
    fields = dict(await visit.fields())
    posts = {name.partition(".")[2]: way for name, way in fields.items() if "." in name}
    if {name for name in fields if "." not in name} - {*_FIELDS, *_TEXTS}:
        raise ServiceError("FORM_REFUSED")
    form = {name: fields.get(name, "") for name in (*_FIELDS, *_TEXTS)}
    if not form["edition"].isdecimal():
        raise ServiceError("FORM_REFUSED")
    content = await _content(visit, form, posts)
    kept = await visit.act(
        "dispatch_save",
        {
            "dispatch_id": form["number"] or None,
            "edition": int(form["edition"]),
            "content": content.to_payload(),
        },
    )
    number = kept["dispatch_id"]
    if "application/json" in visit.request.headers.get("accept", ""):
        return visit.data({"number": number, "edition": kept["edition"]})
    if form["next"] == "check":
        return visit.go(f"/depeches/brouillon/{number}/verifier")
    return visit.go(f"/depeches/brouillon/{number}?fait=kept")


async def check(visit: Visit) -> Response:
    """Who can read it, how high, how urgent, how long; then to whom it goes."""
    number = number_of(visit)
    written = await _unsealed(visit, number)
    known = written.known
    if known.state != compositions.DRAFT:
        return visit.go(f"/depeches/visa/{number}")

    def read(connection: Connection, gate: Gate) -> tuple[list[Party], list[PostChoice]]:
        routes = {post: _way(role, way) for post, role, way in known.content.routing}
        directory = read_directory(connection)
        posts = [_post(directory, code, way, visit.now) for code, way in routes.items()]
        return takers(connection, gate, known, visit.now), posts

    parties, posts = await visit.read(read)
    return visit.page(
        "dispatches/check.html", known=known, subject=written.subject,
        size=len(written.text.encode()), attached=written.attached,
        parties=parties, posts=posts, ways=dict(WAYS),
    )  # fmt: skip


async def submit(visit: Visit) -> Response:
    """Hand it to the person chosen."""
    number, form = number_of(visit), await visit.form("to", "edition")
    if not form["edition"].isdecimal():
        raise ServiceError("FORM_REFUSED")
    payload = {"dispatch_id": number, "edition": int(form["edition"]), "to": officer_in(form)}
    await visit.act("dispatch_submit", payload)
    return visit.go("/depeches/miennes?fait=submitted")


async def withdraw(visit: Visit) -> Response:
    """Take a submission back."""
    number = number_of(visit)
    await visit.form()
    await visit.act("dispatch_withdraw", {"dispatch_id": number})
    return visit.go(f"/depeches/brouillon/{number}?fait=back")


async def discard(visit: Visit) -> Response:
    """Destroy a draft."""
    number = number_of(visit)
    await visit.form()
    await visit.act("dispatch_discard", {"dispatch_id": number})
    return visit.go("/depeches/miennes?fait=gone")


async def reviewed(
    visit: Visit, number: str, work: Callable[[Showing, Mapping[str, Any]], Opened]
) -> tuple[Composition, Opened]:
    """Return an author's own and what was opened of it, in a thread, between intent and end."""
    given = await visit.act("dispatch_review.intend", {"dispatch_id": number})
    showing = showing_for(visit, number)
    try:
        opened = await visit.office.in_thread(lambda: work(showing, given))
    finally:
        await visit.act("dispatch_review.end", {"dispatch_id": number, "digest": given["digest"]})
    known = await visit.read(lambda connection, _gate: compositions.read(connection, number))
    if known.author != visit.person.number:
        raise ServiceError("NOT_FOUND")
    return known, opened


async def _unsealed(visit: Visit, number: str) -> _Written:
    def work(showing: Showing, given: Mapping[str, Any]) -> tuple[Any, ...]:
        attached = opened_list(given["attachments"], showing.unsealed_text)
        refusal = given["refusal"]
        why = showing.unsealed_text(refusal) if refusal else ""
        return *showing.unsealed(given["body"]), why, attached

    known, opened = await reviewed(visit, number, work)
    return _Written(known, *opened)


async def _content(visit: Visit, form: Mapping[str, str], posts: Mapping[str, str]) -> Content:
    if not set(posts.values()) <= {way for way, _words in WAYS}:
        raise ServiceError("FORM_REFUSED")
    subject = " ".join(form["subject"].split())
    text = form["text"].replace("\r\n", "\n")
    showing = showing_of(visit.office)
    body = await visit.office.in_thread(lambda: showing.sealed(subject, text))
    caveats = tuple(filter(None, (part.strip() for part in form["caveats"].split(","))))
    return Content(
        kind="telegram",
        level=form["level"],
        caveats=caveats,
        releasable=(),
        file=form["file"].strip()[:80],
        precedence=form["precedence"],
        routing=tuple((post, *_ROUTES[way]) for post, way in posts.items() if way),
        source=form["source"],
        relation=form["relation"],
        body=body,
    )


def _choices(
    connection: Connection, gate: Gate, visit: Visit, routes: Mapping[str, str]
) -> dict[str, Any]:
    directory = read_directory(connection)
    others = sorted(code for code in directory.posts if code != directory.headquarters)
    posts = [_post(directory, code, routes.get(code, ""), visit.now) for code in others]
    clearance = visit.person.principal.clearance
    usable = [each for each in gate.scheme.levels if rank(gate.scheme, each.code) <= clearance]
    return {
        "posts": posts,
        "ways": WAYS,
        "usable": usable,
        "each_most": EACH_MOST,
        "attachments_most": MOST,
        "precedences": gate.scheme.precedences[::-1],
    }


def _post(directory: Directory, code: str, way: str, now: datetime) -> PostChoice:
    soon = 30
    try:
        card = directory.card_in_force(code).card
    except ServiceError:
        return PostChoice(code, "none", 0, way)
    days = (card.valid_until - now).days
    return PostChoice(code, "soon" if days < soon else "valid", max(days, 0), way)


def _way(role: str, delivery: str) -> str:
    return f"{role}-v" if delivery == POUCH else role
