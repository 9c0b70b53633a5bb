"""`chiffre sync`: this post as a witness of the ministry's log (keys/LOG.md §9).

The order, and what each step finds:

1. Who signs the log: the keys believed here, or, the first time, those that the ministry names.
2. The log's last head, signed by both keys.
3. It continues the head known here, by the ministry's own tiles.    another history, a roll-back
4. The heads that other posts' mail carried are in that history.     a log split between posts
5. It is cosigned, and the ministry gets the cosignature.            not while 3 or 4 contradict
"""

from argparse import Namespace
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cipher_service import clock
from cipher_service.client.durable import write_durably
from cipher_service.client.log_book import FORK_BELIEVED, Heard, LogBook, LogPin
from cipher_service.client.messages import phrase
from cipher_service.client.online_confirmation import require_confirmed
from cipher_service.client.online_delivery import resume
from cipher_service.client.online_log_keys import follow, offered
from cipher_service.client.online_refusals import Distrusted, MinistryRefused, Unreachable
from cipher_service.client.online_session import Session, open_session
from cipher_service.client.terminal import Terminal
from cipher_service.wire.audit import CosignatureRequest
from keys import canonical
from keys.cards import grouped
from keys.errors import Refusal
from keys.log.checkpoints import Checkpoint, cosign, require_continuation
from keys.log.errors import LogDamaged, LogForked, LogOfAnother, LogRolledBack, NoteNotSigned
from keys.log.notes import Note
from keys.log.tiles import Tile, TileTree
from keys.log.witnesses import Witness, make_witness, witness_signer
from keys.merkle import consistency_path_of

EVIDENCE: Final = "log-evidence"
_OPTION: Final = "--log-fingerprint"
_SOUND: Final = "ok"


@dataclass(frozen=True, slots=True)
class Watched:
    """What a synchronisation found: the head known now, and how many others' heads were judged."""

    pin: LogPin
    size: int
    judged: int
    cosigned: bool


def sync(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre sync`."""
    with open_session(arguments, terminal) as session:
        resume(session)
        with LogBook(session.pins.folder) as book:
            watched = _watch(session, book, _believed(session, book, arguments.log_fingerprint))
        health = session.ministry.health().log
    if health != _SOUND:
        terminal.say("log_stands_still", code=health)
    if terminal.as_json:
        terminal.show_json(
            {
                "log": watched.pin.key.name,
                "fingerprint": watched.pin.fingerprint,
                "entries": watched.size,
                "heads_judged": watched.judged,
                "cosigned": watched.cosigned,
                "health": health,
            }
        )
        return
    terminal.show(
        phrase("log_followed", terminal.language, entries=watched.size, judged=watched.judged)
    )


def watched_aside(session: Session) -> Distrusted | Refusal | None:
    """Follow the log after something else, which it must not disturb.

    Returns:
        What the log contradicts, for the caller to raise once its own end is told. A line that is
        gone is told here, and the log looked at another time.
    """
    try:
        with LogBook(session.pins.folder) as book:
            _watch(session, book, _believed(session, book, None))
    except (Distrusted, Refusal) as contradiction:
        return contradiction
    except (Unreachable, MinistryRefused) as away:
        session.terminal.say("log_unwatched", code=away.code)
    return None


# -- whom ----------------------------------------------------------------------------------------


def _believed(session: Session, book: LogBook, given: str | None) -> LogPin:
    """Return the log that is believed; a person decides about another one."""
    known = book.pin()
    if known is not None and given is None:
        return known
    shown = offered(session)
    if given is not None:
        require_confirmed(
            session.terminal,
            what=phrase("the_log", session.terminal.language),
            fingerprint=shown.fingerprint,
            option=_OPTION,
            given=given,
        )
    book.believe(shown)
    return shown


# -- the head ------------------------------------------------------------------------------------


def _watch(session: Session, book: LogBook, pin: LogPin) -> Watched:
    """Take the steps 2 to 5.

    Raises:
        Distrusted: LOG_CONTRADICTED, LOG_FORK_BELIEVED, LOG_KEY_CHANGED.
        Refusal: the head is not one of this log, or contradicts what a person has acknowledged.
    """
    note = _asked(session)
    if note is None:
        known = book.head()
        if known is not None:
            _contradict(session, book, known, LogRolledBack("the log has no head any more"))
        return Watched(pin, 0, 0, cosigned=False)
    # What is not signed accuses nobody: it is refused, and not kept as a contradiction.
    pin, head = _read(session, book, pin, note)
    try:
        tree = _tree(session, head)
        for seen in _named(pin):
            _require(tree, seen, head)
        _require_own(session, book, pin, head, tree)
    except Refusal as refusal:
        _contradict(session, book, note, refusal)
    else:
        book.keep_head(note)
    pin, judged = _judge(session, book, pin, head, tree)
    _require_agreement(session, book, pin)
    return Watched(pin, head.size, judged, cosigned=_cosign(session, book, head))


def _asked(session: Session) -> Note | None:
    try:
        return Note.parse(session.ministry.log_head())
    except MinistryRefused as refusal:
        if refusal.code != "LOG_EMPTY":
            raise
        return None


def _read(session: Session, book: LogBook, pin: LogPin, note: Note) -> tuple[LogPin, Checkpoint]:
    """Read the ministry's head, by other keys of the log if the root says that they follow."""
    try:
        return pin, pin.read(note)
    except NoteNotSigned:
        followed = follow(session, book, pin)
        if followed == pin:
            raise
        return followed, followed.read(note)


def _named(pin: LogPin) -> list[Checkpoint]:
    """Return the heads that the root named of this log, each of which it must continue."""
    named = [last for _, last in pin.line.ended if last is not None]
    return [last for last in named if last.origin == pin.key.name]


def _require_own(
    session: Session, book: LogBook, pin: LogPin, head: Checkpoint, tree: TileTree
) -> None:
    """Demand that the log continues the head known here, unless the root's word is against that.

    A head no longer than one that the root named, of which it is no part, was shown by whoever has
    former keys: it is kept as a contradiction, and this post begins from the log of the root.
    """
    own = book.head()
    if own is None:
        return
    seen = Checkpoint.parse(own.text)
    try:
        _require(tree, seen, head)
    except Refusal:
        if not _outruled(pin, seen):
            raise
        book.let_go(session.pin.headquarters)


def _outruled(pin: LogPin, seen: Checkpoint) -> bool:
    """Tell whether the root named a head of this log that is as long, where the two contradict."""
    return seen.origin == pin.key.name and any(seen.size <= each.size for each in _named(pin))


def _tree(session: Session, head: Checkpoint) -> TileTree:
    tree = TileTree(head.size, lambda tile: _tile(session, tile))
    if tree.root() != head.root:
        raise LogForked("the log's tiles have another root than its head")
    return tree


def _tile(session: Session, tile: Tile) -> bytes:
    try:
        return session.ministry.log_tile(tile.path)
    except MinistryRefused as refusal:
        if refusal.code != "NOT_FOUND":
            raise
        raise LogDamaged(f"{tile.path} is missing") from refusal


def _require(tree: TileTree, seen: Checkpoint, head: Checkpoint) -> None:
    path: tuple[bytes, ...] = ()
    if seen.size <= head.size:
        path = consistency_path_of(seen.size, head.size, tree.range_root)
    require_continuation(seen, head, path)


def _judge(
    session: Session, book: LogBook, pin: LogPin, head: Checkpoint, tree: TileTree
) -> tuple[LogPin, int]:
    """Judge the heads that others showed; a refused one is no reason to skip the next.

    One by keys that are not known here asks for those first: the ministry may have exchanged them,
    and show here a log that it or a thief goes on signing with those before.
    """
    waiting = book.unjudged()
    if any(_by_strangers(pin, heard.note) for heard in waiting):
        with suppress(Distrusted):
            pin = follow(session, book, pin)
    for heard in waiting:
        refusal: Refusal | None = None
        try:
            note = Note.parse(heard.note.encode())
            if Checkpoint.parse(note.text).origin != pin.key.name:
                raise LogOfAnother("a head of another log")
            _require(tree, pin.read(note), head)
        except Refusal as found:
            refusal = found
        book.judge(heard, refusal)
    return pin, len(waiting)


def _by_strangers(pin: LogPin, text: str) -> bool:
    try:
        note = Note.parse(text.encode())
        same = Checkpoint.parse(note.text).origin == pin.key.name
    except Refusal:
        return False
    return same and all(note.of(key) is None for key in pin.notes.every)


# -- what contradicts ----------------------------------------------------------------------------


def _contradict(session: Session, book: LogBook, note: Note, refusal: Refusal) -> None:
    """Keep what the ministry itself showed, as one more head that contradicts, and refuse it."""
    book.contradicted(session.pin.headquarters, note.encode().decode(), refusal)
    pin = book.pin()
    if pin is not None:
        _require_agreement(session, book, pin)
    raise refusal


def _require_agreement(session: Session, book: LogBook, pin: LogPin) -> None:
    """Refuse while a head that was heard contradicts this post's own; write both down.

    Raises:
        Distrusted: LOG_CONTRADICTED, or LOG_FORK_BELIEVED where one of them was this post's own.
    """
    contradictions = book.contradictions()
    if not contradictions:
        return
    folder = session.pins.folder / EVIDENCE
    folder.mkdir(mode=0o700, exist_ok=True)
    own = book.head()
    if own is not None:
        _keep(folder, session.post, own.encode())
    for heard in contradictions:
        _keep(folder, heard.post, heard.note.encode())
    listed = ", ".join(f"{each.post} ({each.verdict})" for each in contradictions)
    facts = {"folder": str(folder), "fingerprint": grouped(pin.fingerprint)}
    forks = [str(_size(each)) for each in contradictions if each.verdict == FORK_BELIEVED]
    if forks:
        raise Distrusted(FORK_BELIEVED, sizes=", ".join(forks), listed=listed, **facts)
    raise Distrusted("LOG_CONTRADICTED", listed=listed, **facts)


def _size(heard: Heard) -> int:
    return Checkpoint.parse(Note.parse(heard.note.encode()).text).size


def _keep(folder: Path, post: str, note: bytes) -> None:
    size = note.split(b"\n", 2)[1][:20].decode("ascii", "replace")
    write_durably(folder / f"{post}-{size}.checkpoint", note)


# -- the cosignature -----------------------------------------------------------------------------


def _cosign(session: Session, book: LogBook, head: Checkpoint) -> bool:
    """Cosign the head that is kept, unless the ministry has it; says whether it has now."""
    if book.is_cosigned():
        return True
    identity = session.identity
    signer = witness_signer(identity.witness_seed(), head.origin, session.post)
    vouched = Witness(session.post, identity.card.fingerprint, signer.verifier)
    line = cosign(head, signer, int(clock.now().timestamp())).encode()
    session.ministry.cosign(
        CosignatureRequest(
            witness=canonical.decode(make_witness(vouched, identity.sign)),
            size=head.size,
            cosignature=line,
        )
    )
    book.cosigned()
    return True
