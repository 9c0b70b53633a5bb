"""Posts are the ministry's witnesses: a log that tells two stories is found by ordinary mail."""

import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from cipher_service import clock
from cipher_service.administration.installation import custodian_of
from cipher_service.audit.ledger import latest_note, size_and_origin
from cipher_service.client.log_book import LogBook
from cipher_service.settings import Settings
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.endorsement import read_root_file
from keys.identity import load_identity
from keys.log.checkpoints import Checkpoint, read_cosignature
from keys.log.notes import Note
from keys.log.witnesses import witness_signer
from pouch.pack import make_pack, read_pack
from tests.support.ports import free_port
from tests.surfaces.client.online.conftest import Pair
from tests.surfaces.client.online.live import LiveMinistry, Post, Run
from tests.surfaces.client.online.relay import Exchange, Relay


class Twin(LiveMinistry):
    """Another service on a copy of a ministry's whole folder, keys and all."""

    def __init__(self, original: LiveMinistry, data: Path) -> None:
        _copied(original, data)
        self.settings: Settings = replace(
            original.settings,
            data=data,
            port=free_port(),
            custodian=f"worker:{data}/run/custodian.sock",
        )
        self.settings.write()
        self.founding = original.founding
        self.engine = open_engine(self.settings.database)
        self.service = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveMinistry, Twin, Pair]]:
    """A ministry and two posts that have synchronised; then its twin, for half of them."""
    folder = tmp_path_factory.mktemp("split")
    ministry = LiveMinistry(folder / "data")
    twin = None
    try:
        ministry.start()
        pair = Pair(
            ministry.enrolled("PARIS", folder / "PARIS"), ministry.enrolled("LOME", folder / "LOME")
        )
        pair.paris.confirm(pair.lome)
        pair.lome.confirm(pair.paris)
        settled(ministry)
        assert [post.online("sync").status for post in (pair.paris, pair.lome)] == [0, 0]
        ministry.stop()
        twin = Twin(ministry, folder / "twin")
        for each in (ministry, twin):
            each.start()
        move(pair.lome, twin.address)
        yield ministry, twin, pair
    finally:
        ministry.close()
        if twin is not None:
            twin.close()


def _copied(ministry: LiveMinistry, folder: Path) -> None:
    """Copy the folder of a stopped ministry.

    No connection of this process may be open: reading the file ends its locks (POSIX), the service
    then removes the journal under it, and it goes on seeing the state of that moment.
    """
    ministry.engine.dispose()
    shutil.copytree(ministry.settings.data, folder, ignore=shutil.ignore_patterns("*.sock"))


def move(post: Post, server: str) -> None:
    pin = post.folder / "ministry.json"
    pin.write_text(json.dumps({**json.loads(pin.read_text()), "server": server}))


def settled(ministry: LiveMinistry) -> int:
    """Wait until the log's head has caught up with what was done; give its size."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with reading(ministry.engine) as connection:
            signed, _ = latest_note(connection)
            size, _ = size_and_origin(connection)
        if signed == size > 0:
            return size
        time.sleep(0.1)
    raise AssertionError("no head")


def sync(post: Post, *words: str) -> Run:
    return post.online("sync", "--json", *words)


def test_a_log_split_between_two_posts_is_found_by_their_mail(
    split: tuple[LiveMinistry, Twin, Pair], tmp_path: Path
) -> None:
    ministry, twin, pair = split
    # Both halves go on, each with a sound history of its own.
    assert pair.paris.online("directory").status == 0
    for _ in range(4):
        assert pair.lome.online("directory").status == 0
    settled(ministry), settled(twin)
    assert [sync(post).status for post in (pair.paris, pair.lome)] == [0, 0]

    sent = pair.paris.send("LOME", "Par le courrier ordinaire.", "--json").json["id"]
    bag = tmp_path / "bag.age"
    assert pair.paris.online("bag", "-o", str(bag), sent).status == 0
    opened = pair.lome.chiffre(
        *("decipher", "--identity", str(pair.lome.folder)),
        *("--from", str(pair.paris.card_file), "-o", str(tmp_path / "out"), str(bag)),
    )
    assert opened.status == 0, opened.err  # the dispatch is authentic, whatever the log says
    assert (tmp_path / "out" / "message.txt").read_text() == "Par le courrier ordinaire."

    found = sync(pair.lome)
    assert found.status == 1
    assert found.json["error"]["code"] == "LOG_CONTRADICTED"
    assert "PARIS (LOG_FORKED)" in found.err
    kept = sorted(path.name for path in (pair.lome.folder / "log-evidence").iterdir())
    assert [name.split("-")[0] for name in kept] == ["LOME", "PARIS"]
    heads = [
        Checkpoint.parse(Note.parse(path.read_bytes()).text)
        for path in (pair.lome.folder / "log-evidence").iterdir()
    ]
    assert len({head.origin for head in heads}) == 1
    # It is said again until a person has decided, and nothing is cosigned meanwhile.
    assert sync(pair.lome).json["error"]["code"] == "LOG_CONTRADICTED"


def test_a_log_split_is_found_by_the_ministry_s_own_receipt(
    split: tuple[LiveMinistry, Twin, Pair],
) -> None:
    _, twin, pair = split
    known = sync(pair.paris)
    assert known.status == 0, known.err
    here = json.loads((pair.paris.folder / "ministry.json").read_text())["server"]
    move(pair.paris, twin.address)
    sent = pair.paris.send("LOME", "Remise à l’autre moitié.", "--json").json["id"]
    move(pair.paris, here)

    found = sync(pair.paris)

    assert found.json["error"]["code"] == "LOG_CONTRADICTED"
    with LogBook(pair.paris.folder) as book:
        by_receipt = [each for each in book.contradictions() if each.about == sent]
    [shown] = by_receipt
    # Which of the two depends on whose log is the longer at that moment.
    assert (shown.post, shown.verdict) in {("MINREX", "LOG_FORKED"), ("MINREX", "LOG_ROLLED_BACK")}
    explained = sync(pair.paris, "--log-fingerprint", known.json["fingerprint"])
    assert explained.status == 0, explained.err


def test_a_pack_that_tells_of_another_log_is_named_and_kept(
    split: tuple[LiveMinistry, Twin, Pair],
) -> None:
    """The root may sign what it likes: the post follows the log by itself."""
    ministry, twin, pair = split
    assert [post.online("directory").status for post in (pair.paris, pair.lome)] == [0, 0]
    settled(ministry), settled(twin)
    known = sync(pair.paris)
    assert (known.status, pair.paris.online("pack").status) == (0, 0), known.err
    folder = pair.paris.folder
    root = read_root_file((folder / "ministry.root").read_bytes())
    before = read_pack((folder / "sync.pack").read_bytes(), root, least_version=0, at=clock.now())

    def laid(note: bytes, root_of: int, version: int) -> None:
        """Lay a pack with that head into the ministry's books, signed by its own root."""
        head = Checkpoint.parse(Note.parse(note).text)
        roots = {head.size: head.root[:31] + bytes([head.root[31] ^ root_of])}
        told = replace(before, version=before.version + version, checkpoint=note, roots=roots)
        with custodian_of(ministry.settings) as custodian:
            body = make_pack(told, sign=lambda _context, said: custodian.sign_pack(said))
        with unit_of_work(ministry.engine) as connection:
            connection.execute(
                update(tables.pack)
                .where(tables.pack.c.post == "PARIS")
                .values(version=told.version, body=body)
            )

    with reading(ministry.engine) as connection:
        own = latest_note(connection)[1]
    with reading(twin.engine) as connection:
        others = latest_note(connection)[1]
    laid(own, 0, 1)
    agreed = pair.paris.online("pack", "--json")
    assert (agreed.status, agreed.json["version"]) == (0, before.version + 1), agreed.err
    laid(own, 1, 2)
    assert pair.paris.online("pack", "--json").json["error"]["code"] == "PACK_MALFORMED"
    laid(others, 0, 3)

    found = pair.paris.online("pack")

    assert found.status == 1, found.out
    assert "(LOG_CONTRADICTED)" in found.err
    assert "MINREX (LOG_" in found.err
    assert list((folder / "log-evidence").glob("MINREX-*.checkpoint"))
    kept = read_pack((folder / "sync.pack").read_bytes(), root, least_version=0, at=clock.now())
    assert kept.version == before.version + 3, "its revocations count"
    assert sync(pair.paris).json["error"]["code"] == "LOG_CONTRADICTED"
    explained = sync(pair.paris, "--log-fingerprint", known.json["fingerprint"])
    assert explained.status == 0, explained.err


def test_a_log_that_was_taken_back_is_named_and_a_person_decides(
    split: tuple[LiveMinistry, Twin, Pair], tmp_path: Path
) -> None:
    ministry, _, pair = split
    older = tmp_path / "older"
    ministry.stop()
    _copied(ministry, older)
    ministry.start()
    for _ in range(12):  # more than the log grows again, from its start to the last look
        assert pair.paris.online("directory").status == 0
    settled(ministry)
    known = sync(pair.paris)
    assert known.status == 0, known.err
    ministry.stop()
    ministry.engine.dispose()
    for name in ("ministry.db", "ministry.db-wal", "ministry.db-shm", "custodian/log.head"):
        (ministry.settings.data / name).unlink(missing_ok=True)
        if (older / name).exists():
            shutil.copyfile(older / name, ministry.settings.data / name)
    ministry.start()

    found = sync(pair.paris)
    assert found.status == 1, found.out
    assert "MINREX (LOG_ROLLED_BACK)" in found.err
    explained = sync(pair.paris, "--log-fingerprint", known.json["fingerprint"])
    # The same log still counts fewer entries than were seen; a head that was signed since is news.
    assert (explained.status, "(LOG_ROLLED_BACK)" in explained.err) == (1, True), explained.err


def test_a_ministry_that_lies_about_its_log_is_not_cosigned(
    ministry: LiveMinistry, relayed: Post, relay: Relay
) -> None:
    settled(ministry)
    first = sync(relayed)
    assert first.status == 0, first.err

    def other_root(exchange: Exchange) -> None:
        origin, size, root, *rest = exchange.answer.decode().split("\n")
        exchange.answer = "\n".join(
            (origin, size, root[4:40] + root[:4] + root[40:], *rest)
        ).encode()

    def nothing(exchange: Exchange) -> None:
        exchange.answer = b""

    before = len(relay.asked("POST", "/v1/audit/cosignatures"))
    for trick, code in ((other_root, "NOTE_NOT_SIGNED"), (nothing, "NOTE_MALFORMED")):
        relay.alter("GET", "/v1/audit/checkpoint", trick, times=1)
        refused = sync(relayed)
        assert refused.status == 1
        assert refused.json["error"]["code"] == code
    assert len(relay.asked("POST", "/v1/audit/cosignatures")) == before
    assert sync(relayed).status == 0


def test_a_post_cosigns_what_it_has_seen_and_the_cosignature_holds(
    ministry: LiveMinistry, enrolled: Pair
) -> None:
    settled(ministry)
    post = enrolled.paris
    told = sync(post)
    assert told.status == 0, told.err
    assert (told.json["cosigned"], told.json["health"]) == (True, "ok")
    with LogBook(post.folder) as book:
        head = book.head()
    assert head is not None
    with ministry.engine.connect() as connection:
        rows = connection.exec_driver_sql(
            "SELECT line FROM audit_cosignature WHERE post = 'PARIS' ORDER BY size DESC"
        ).all()
    identity = load_identity(post.folder, lambda: b"")
    key = witness_signer(identity.witness_seed(), ministry.settings.log_origin, "PARIS").verifier
    note = Note.parse(f"{head.text}\n{rows[0][0]}".encode())
    stamped = read_cosignature(note, key)
    assert stamped is not None
    assert abs(stamped - clock.now().timestamp()) < 120
