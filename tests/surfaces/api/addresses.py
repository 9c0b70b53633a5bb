"""The addresses of the API: what is asked at each, and whom the policies let in there."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cipher_service import clock
from cipher_service.access import machines
from cipher_service.access.machines import Bag, Envelope, Message, Service, Thing
from cipher_service.access.principals import rank
from cipher_service.labels.scheme import default_scheme
from cipher_service.references import new_id
from cipher_service.wire.dispatches import CHUNK_MEDIA_TYPE, SUBMISSION_MEDIA_TYPE
from keys import canonical
from keys.log.notes import Note
from tests.surfaces.api import live
from tests.surfaces.api.bags import PostBook, agent, empties_notice, empty_bag, fresh, piece
from tests.surfaces.api.callers import Books
from tests.surfaces.api.live import Post, Sent
from tests.surfaces.api.test_log import cosignature, head
from tests.surfaces.api.test_prekeys import bundle_of
from tests.surfaces.api.test_receiving import receipt_of, tracer

JSON: Final = {"Content-Type": "application/json"}
TAKEN: Final = {"Content-Type": SUBMISSION_MEDIA_TYPE}
OPEN: Final = {
    *("GET /v1/health", "GET /v1/service-card", "GET /v1/enrolments/{post}"),
    *("POST /v1/enrolments", "POST /v1/token"),
}
"""Whoever asks: the service itself, and who has no token yet (`test_access`)."""
NOWHERE: Final = {
    "dispatch": "01KAMV6R8P3ZDFWQ5XJ9T2C4EN",
    "upload": "ab" * 16,
    "seal": "ab" * 16,
    "device": "ab" * 32,
    "officer": "OFF-999999",
}
"""Ids of the right form that are nobody's."""


@dataclass(frozen=True)
class Scene:
    """What requests name: all of it PARIS's, a dispatch and a bag on their way to others."""

    service: live.Service
    paris: Post
    lome: Post
    sent: Sent
    coming: Sent
    upload: str
    book: PostBook
    device: str
    officer: str
    receipt: bytes
    note: Note

    @property
    def real(self) -> Mapping[str, str]:
        """The ids of what is there."""
        return {
            "dispatch": self.sent.id,
            "upload": self.upload,
            "seal": self.book.seal,
            "device": self.device,
            "officer": self.officer,
        }


def scene(service: live.Service, paris: Post, lome: Post) -> Scene:
    """Make what requests name."""
    sent, coming = paris.send([lome]), paris.make([lome], size=100_000)
    assert sent.answer is not None
    opened = paris.call("POST", "/v1/uploads", headers=TAKEN, content=coming.signed.head)
    book = PostBook(service, paris)
    book.made_up(paris)
    return Scene(
        service,
        paris,
        lome,
        sent,
        coming,
        opened.json()["upload"],
        book,
        _device(paris),
        agent(service),
        sent.answer.content,
        head(paris),
    )


def _device(post: Post) -> str:
    body = {"ed25519": canonical.text_from_bytes(fresh().public)}
    taken: str = post.call("POST", "/v1/pouches/devices", json=body).json()["device"]
    return taken


# -- whom the policies let in --------------------------------------------------------------------

May = Callable[[Books, Post], bool]


def use(name: str) -> May:
    """What every post in service uses."""
    return lambda books, caller: books.post_may(caller, machines.USE, Service(name))


def may(action: str, thing: Thing) -> May:
    """Whom the policies let do this to that."""
    return lambda books, caller: books.post_may(caller, action, thing)


def _readers(books: Books, caller: Post) -> bool:
    return use("reading")(books, caller) or books.of_auditor(caller)


def _certified(books: Books, caller: Post) -> bool:
    return use("reading")(books, caller) or books.of_auditor(caller) or books.of_door(caller)


def _by_devices(books: Books, caller: Post) -> bool:
    """A post's devices sign; at headquarters officers do, in the console."""
    return use("bags")(books, caller) and not books.of_headquarters(caller)


def _own_device(books: Books, caller: Post) -> bool:
    return caller.code == PARIS and use("bags")(books, caller)


PARIS, LOME = "PARIS", "LOME"
_DISPATCH = Envelope(
    level=rank(default_scheme(), "SECRET"),
    origin=PARIS,
    addressees=frozenset({LOME}),
    served=frozenset({LOME}),
)
_BAG = Bag(PARIS, frozenset({PARIS, "MINREX"}))

# -- what is asked -------------------------------------------------------------------------------

Body = dict[str, Any]
Ids = Mapping[str, str]


@dataclass(frozen=True)
class Row:
    """One address.

    Attributes:
        may: whom the policies let in.
        body: the rest of the request: members of `httpx.Client.request`, for who asks.
        ids: which of the scene's things it names, in its path or in its body.
        query: after the path.
        beyond: by which refusal whoever is let in learns that there is nothing to do any more.
    """

    may: May
    body: Callable[[Scene, Post, Ids], Body] = lambda _scene, _caller, _ids: {}
    ids: tuple[str, ...] = ()
    query: str = ""
    beyond: frozenset[str] = field(default_factory=frozenset)


def _submission(scene: Scene, _caller: Post, _ids: Ids) -> Body:
    made = scene.paris.make([scene.lome])
    return {"headers": TAKEN, "content": made.signed.head + made.body}


def _upload(scene: Scene, _caller: Post, _ids: Ids) -> Body:
    return {"headers": TAKEN, "content": scene.coming.signed.head}


def _piece(scene: Scene, _caller: Post, _ids: Ids) -> Body:
    headers = {"Content-Type": CHUNK_MEDIA_TYPE, "Upload-Offset": "0"}
    return {"headers": headers, "content": scene.coming.body[:1000]}


def _receipt(scene: Scene, caller: Post, ids: Ids) -> Body:
    """Of the caller's own hand, whatever it is about; a machine's key signs none."""
    signer = caller if caller.own.card.post == caller.code else scene.lome
    named = Sent(scene.sent.signed, scene.sent.body)
    if ids["dispatch"] != scene.sent.id:
        named = scene.paris.make([scene.lome], dispatch_id=ids["dispatch"], numbers={LOME: 1})
    return {"headers": JSON, "content": receipt_of(signer, named)}


def _message(scene: Scene, _caller: Post, _ids: Ids) -> Body:
    return {"headers": JSON, "content": tracer(scene.paris, scene.lome)}


def _bundle(_scene: Scene, caller: Post, _ids: Ids) -> Body:
    return {"headers": JSON, "content": bundle_of(caller, 1)}


def _prekey(_scene: Scene, _caller: Post, _ids: Ids) -> Body:
    return {"json": {"dispatch_id": new_id(clock.now()), "posts": [LOME]}}


def _arrival(scene: Scene, _caller: Post, _ids: Ids) -> Body:
    return {"json": {"clock": None, "events": [json.loads(_signed(scene))]}}


def _signed(scene: Scene) -> bytes:
    return scene.book.pouches.signed(scene.book.pouches.arrival(seal="9c" * 16))


def _empties(scene: Scene, caller: Post, _ids: Ids) -> Body:
    """Of the caller's own hand and bag; a machine has neither, and headquarters sends none."""
    with_card = caller.own.card.post == caller.code != scene.service.settings.headquarters
    sender = caller if with_card else scene.paris
    bag = empty_bag(scene.service, sender.code)
    return {"headers": JSON, "content": empties_notice(sender, bag)}


def _found(_scene: Scene, _caller: Post, _ids: Ids) -> Body:
    told = {"officer": "PAUL", "found": [], "damaged": [1], "misdirected": [], "unlisted": 0}
    return {"json": told}


ROWS: Final[Mapping[str, Row]] = {
    "POST /v1/certificates": Row(_certified),
    "GET /v1/directory": Row(use("reading")),
    "GET /v1/directory/posts/{code}": Row(use("reading")),
    "GET /v1/cards/{code}": Row(use("reading")),
    "POST /v1/dispatches": Row(may(machines.SUBMIT, _DISPATCH), _submission),
    "POST /v1/uploads": Row(may(machines.SUBMIT, _DISPATCH), _upload),
    "HEAD /v1/uploads/{upload}": Row(may(machines.SUBMIT, _DISPATCH), ids=("upload",)),
    "PATCH /v1/uploads/{upload}": Row(may(machines.SUBMIT, _DISPATCH), _piece, ("upload",)),
    "GET /v1/dispatches": Row(use("reading")),
    "GET /v1/arrivals": Row(use("reading")),
    **{
        f"GET /v1/dispatches/{{dispatch}}{part}": Row(
            may(machines.FETCH, _DISPATCH), ids=("dispatch",)
        )
        for part in ("", "/envelope", "/receipts")
    },
    "POST /v1/receipts": Row(may(machines.ACKNOWLEDGE, _DISPATCH), _receipt, ("dispatch",)),
    "POST /v1/service-messages": Row(may(machines.SPEAK, Message(PARIS, LOME)), _message),
    "GET /v1/service-messages": Row(use("reading")),
    "POST /v1/prekeys": Row(
        use("prekeys"), _bundle, beyond=frozenset({"PREKEY_NOT_OF_CARD", "PREKEYS_ENOUGH"})
    ),
    "GET /v1/prekeys": Row(use("reading")),
    "GET /v1/prekeys/burnt": Row(use("reading")),
    "POST /v1/prekeys/taken": Row(use("prekeys"), _prekey),
    "POST /v1/pouches": Row(
        may(machines.MAKE_BAG, _BAG),
        lambda scene, _, __: {"json": scene.book.begin()},
        beyond=frozenset({"BAG_NOT_HERE"}),
    ),
    "POST /v1/pouches/{seal}/lines": Row(
        may(machines.MAKE_BAG, _BAG),
        lambda scene, _, __: {"json": scene.book.line()},
        ("seal",),
        beyond=frozenset({"BAG_SEALED"}),
    ),
    "POST /v1/pouches/sealings": Row(
        may(machines.MAKE_BAG, _BAG),
        lambda scene, _, __: {"json": scene.book.sealing()},
        beyond=frozenset({"BAG_SEALED"}),
    ),
    "POST /v1/pouches/devices": Row(
        _by_devices,
        lambda _, __, ___: {"json": {"ed25519": canonical.text_from_bytes(fresh().public)}},
    ),
    "DELETE /v1/pouches/devices/{device}": Row(_own_device, ids=("device",)),
    "POST /v1/pouches/events": Row(use("bags"), _arrival),
    "POST /v1/pouches/empties": Row(
        use("bags"), _empties, beyond=frozenset({"EMPTIES_NOT_OF_CARD"})
    ),
    "GET /v1/pouches/pack": Row(use("bags")),
    "POST /v1/pouches/verdicts": Row(
        use("bags"), lambda scene, _, __: {"json": {"text": scene.book.label(scene.paris)}}
    ),
    "GET /v1/pouches/{seal}": Row(may(machines.SEE_BAG, _BAG), ids=("seal",)),
    "POST /v1/pouches/counter/{act}": Row(
        may(machines.COUNTER, Service("counter")),
        lambda scene, _, __: {"json": piece(scene.officer)},
    ),
    "POST /v1/pouches/{seal}/differences": Row(
        may(machines.REPORT_BAG, _BAG), _found, ("seal",), beyond=frozenset({"RECEIPT_MISSING"})
    ),
    "POST /v1/pouches/{seal}/photographs": Row(
        may(machines.REPORT_BAG, _BAG),
        lambda _, __, ___: {"content": b"no photograph"},
        ("seal",),
        "?officer=ABENA&subject=bag",
        frozenset({"PHOTOGRAPH_UNREADABLE"}),
    ),
    "GET /v1/audit/checkpoint": Row(_readers),
    "GET /v1/audit/tile/{name}": Row(_readers),
    "POST /v1/audit/cosignatures": Row(
        use("log"),
        lambda scene, caller, _: {"json": cosignature(caller, scene.note)},
        # The ministry's own machine has no card that vouches for a witness.
        beyond=frozenset({"WITNESS_MALFORMED"}),
    ),
    "GET /v1/audit/questions/{question}": Row(Books.of_auditor),
    "POST /v1/entries": Row(
        Books.of_door, lambda _, __, ids: {"json": {"officer": ids["officer"]}}, ("officer",)
    ),
    "GET /v1/continuity": Row(use("reading")),
    "POST /v1/continuity/receipts": Row(
        use("numbers"), lambda scene, _, __: {"headers": JSON, "content": scene.receipt}
    ),
}

_NAMED: Final = {
    "code": LOME,
    "name": "0/000.p/1",
    "question": "acts",
    "act": "hand-in",
}


def request_of(scene: Scene, operation: str, caller: Post, ids: Ids) -> tuple[str, str, Body]:
    """Return method, path with its query and the rest of what a caller sends there."""
    row = ROWS[operation]
    method, path = operation.split(" ")
    query = "?about=x" if "{question}" in path else row.query
    for name, id_ in {**_NAMED, **ids}.items():
        path = path.replace(f"{{{name}}}", id_)
    return method, f"{path}{query}", row.body(scene, caller, ids)
