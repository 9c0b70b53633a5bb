"""The log's keys are exchanged: posts follow the root's word, and no fork by stolen former keys."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from cipher_service import clock
from cipher_service.audit.ledger import size_and_origin
from cipher_service.client.log_book import DATABASE, LogBook
from cipher_service.storage.unit_of_work import reading
from keys.custody import read_credential
from keys.custody.log_keys import HeadInMemory, LogKeys
from keys.custody.rotation import Terminal
from keys.custody.store import open_store
from keys.endorsement import root_fingerprint
from keys.log.checkpoints import Checkpoint
from keys.log.notes import Note
from keys.log.succession import LogLine, LogSuccession, make_log_succession
from keys.log.tiles import tiles_of
from keys.merkle import leaf_hash, root
from keys.signing import LOG_SUCCESSION, SigningKey
from tests.support.trees import tiles_in_memory
from tests.surfaces.client.online.conftest import Pair
from tests.surfaces.client.online.live import LiveMinistry, Post
from tests.surfaces.client.online.relay import Exchange, Relay, Trick
from tests.surfaces.client.online.test_log import move, settled, sync


@pytest.fixture(scope="module")
def exchanging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[LiveMinistry, Pair]]:
    """A ministry whose log's keys change in this module, and two posts that follow its log."""
    folder = tmp_path_factory.mktemp("exchanging")
    ministry = LiveMinistry(folder / "data")
    try:
        ministry.start()
        pair = Pair(
            ministry.enrolled("PARIS", folder / "PARIS"), ministry.enrolled("LOME", folder / "LOME")
        )
        pair.paris.confirm(pair.lome)
        pair.lome.confirm(pair.paris)
        yield ministry, pair
    finally:
        ministry.close()


@pytest.fixture
def thief(exchanging: tuple[LiveMinistry, Pair]) -> Iterator[Relay]:
    """LOME's line, in the hands of somebody."""
    ministry, pair = exchanging
    with Relay(ministry.settings.port) as relay:
        move(pair.lome, relay.server)
        yield relay
    move(pair.lome, ministry.server)


def stolen_keys(ministry: LiveMinistry) -> LogKeys:
    settings = ministry.settings
    credential = read_credential(settings.custodian_credential)
    return open_store(settings.custodian_store, credential).service.log


def exchange(ministry: LiveMinistry) -> None:
    """Put other keys in force under the running service, and let the log go on."""
    settings = ministry.settings
    credential = read_credential(settings.custodian_credential)
    now = clock.now().replace(microsecond=0)
    Terminal(settings.custodian_store, credential).rotate_log(now)


def grow(ministry: LiveMinistry, post: Post) -> None:
    """Let acts of a post lengthen the log, and its head follow."""
    assert post.online("directory").status == 0
    settled(ministry)


def fork_of(
    ministry: LiveMinistry, keys: LogKeys, invented: int = 3
) -> tuple[bytes, dict[str, bytes]]:
    """The log as it is, some invented entries longer, signed by keys: its head and its tiles."""
    with reading(ministry.engine) as connection:
        _, origin = size_and_origin(connection)
        rows = connection.execute(text("SELECT entry FROM audit_entry ORDER BY seq")).scalars()
        leaves = [leaf_hash(bytes(entry)) for entry in rows]
    leaves += [leaf_hash(b"invented %d" % number) for number in range(invented)]
    checkpoint = Checkpoint(origin, len(leaves), root(leaves)).encode()
    note = keys.sign(checkpoint, b"", b"", HeadInMemory(), LogLine(keys.verifiers()))
    read = tiles_in_memory(leaves)
    return note, {f"/v1/audit/{each.path}": read(each) for each in tiles_of(len(leaves))}


def show(relay: Relay, fork: tuple[bytes, dict[str, bytes]]) -> None:
    """Show a post that fork in the place of the ministry's log, and swallow what it cosigns."""
    note, tiles = fork

    def answered(body: Callable[[Exchange], bytes], status: int = 200) -> Trick:
        def trick(exchange: Exchange) -> None:
            exchange.status, exchange.answer = status, body(exchange)

        return trick

    relay.answer("GET", "/v1/audit/checkpoint", answered(lambda _: note))
    relay.answer("GET", "/v1/audit/tile/.*", answered(lambda asked: tiles[asked.path]))
    recorded = json.dumps({"created": True}).encode()
    relay.answer("POST", "/v1/audit/cosignatures", answered(lambda _: recorded, 201))


def test_posts_follow_by_themselves_and_the_log_goes_on(
    exchanging: tuple[LiveMinistry, Pair], tmp_path: Path
) -> None:
    ministry, pair = exchanging
    settled(ministry)
    before = [sync(post) for post in (pair.paris, pair.lome)]
    assert [each.status for each in before] == [0, 0], before
    sent = pair.lome.send("PARIS", "Vu sous les anciennes clés.", "--json").json["id"]
    exchange(ministry)
    exchange(ministry)
    grow(ministry, pair.paris)
    after = sync(pair.paris)
    assert (after.status, after.json["cosigned"]) == (0, True), after.err
    assert after.json["fingerprint"] != before[0].json["fingerprint"]
    assert after.json["entries"] > before[0].json["entries"]
    with LogBook(pair.paris.folder) as book:
        pin = book.pin()
    assert pin is not None
    assert len(pin.successions) == 2
    # LOME's mail carries a head by the keys of before: it is one of this log's.
    bag = tmp_path / "bag.age"
    assert pair.lome.online("bag", "-o", str(bag), sent).status == 0
    opened = pair.paris.chiffre(
        *("decipher", "--identity", str(pair.paris.folder)),
        *("--from", str(pair.lome.card_file), "-o", str(tmp_path / "out"), str(bag)),
    )
    assert opened.status == 0, opened.err
    judged = sync(pair.paris)
    assert (judged.status, judged.json["heads_judged"]) == (0, 1), judged.err
    assert sync(pair.lome).status == 0


def test_keys_that_another_root_calls_the_next_are_not_followed(
    exchanging: tuple[LiveMinistry, Pair], thief: Relay
) -> None:
    ministry, pair = exchanging
    assert sync(pair.lome).status == 0
    own, by = LogKeys.generate(), SigningKey.generate()
    log = pair.lome.folder / DATABASE
    with LogBook(pair.lome.folder) as book:
        pin = book.pin()
    assert pin is not None
    said = LogSuccession(
        pin.verifiers,
        own.verifiers(),
        None,
        root_fingerprint(by.verifying_key),
        clock.now().replace(microsecond=0),
    )
    word = json.loads(make_log_succession(said, lambda data: by.sign(LOG_SUCCESSION, data)))

    def named(exchange: Exchange) -> None:
        answer, origin = json.loads(exchange.answer), pin.key.name
        keys = own.verifiers()
        answer["log"]["vkey"] = keys.note_key(origin).encode()
        answer["log"]["cosigner"] = keys.cosigner_key(origin).encode()
        answer["log"]["successions"].append(word)
        exchange.answer = json.dumps(answer).encode()

    show(thief, fork_of(ministry, own))
    thief.alter("GET", "/v1/service-card", named)
    before = log.read_bytes()
    refused = sync(pair.lome)
    assert (refused.status, refused.json["error"]["code"]) == (1, "LOG_KEY_CHANGED")
    assert log.read_bytes() == before
    thief.rules.clear()
    assert sync(pair.lome).status == 0


def test_a_fork_by_stolen_keys_that_was_believed_is_found_by_mail_under_the_next_ones(
    exchanging: tuple[LiveMinistry, Pair], thief: Relay, tmp_path: Path
) -> None:
    """Nothing reaches LOME but what the thief lets through: its own log, and others' mail."""
    ministry, pair = exchanging
    assert sync(pair.lome).status == 0
    stolen = stolen_keys(ministry)
    exchange(ministry)
    settled(ministry)
    fork = fork_of(ministry, stolen)
    show(thief, fork)
    assert sync(pair.lome).status == 0  # it cannot know yet

    for _ in range(5):
        grow(ministry, pair.paris)
    told = sync(pair.paris)
    assert told.status == 0, told.err
    sent = pair.paris.send("LOME", "Vu sous les clés d'après.", "--json").json["id"]
    bag = tmp_path / "bag.age"
    assert pair.paris.online("bag", "-o", str(bag), sent).status == 0
    opened = pair.lome.chiffre(
        *("decipher", "--identity", str(pair.lome.folder)),
        *("--from", str(pair.paris.card_file), "-o", str(tmp_path / "out"), str(bag)),
    )
    assert opened.status == 0, opened.err

    found = sync(pair.lome)
    assert found.status == 1
    assert found.json["error"]["code"] == "LOG_CONTRADICTED"
    assert "MINREX (LOG_KEY_ENDED)" in found.err
    evidence = {path.read_bytes() for path in (pair.lome.folder / "log-evidence").iterdir()}
    texts = {Note.parse(each).text for each in evidence}
    assert Note.parse(fork[0]).text in texts
    # From now on the stolen keys are refused, and accuse nobody.
    refused = sync(pair.lome)
    assert refused.json["error"]["code"] == "LOG_KEY_ENDED", refused.err

    thief.rules.clear()
    assert sync(pair.lome).json["error"]["code"] == "LOG_CONTRADICTED"
    fingerprint = told.json["fingerprint"]
    explained = sync(pair.lome, "--log-fingerprint", fingerprint)
    assert explained.status == 0, explained.err
    assert (explained.json["cosigned"], explained.json["fingerprint"]) == (True, fingerprint)
    assert sync(pair.lome).status == 0


def test_a_fork_no_longer_than_the_root_s_word_is_named_and_a_person_ends_it(
    exchanging: tuple[LiveMinistry, Pair], thief: Relay
) -> None:
    """The thief shows it while the keys are in force; the log outgrows it before they are not."""
    ministry, pair = exchanging
    settled(ministry)
    assert sync(pair.lome).status == 0
    fork = fork_of(ministry, stolen_keys(ministry), 1)
    show(thief, fork)
    assert sync(pair.lome).status == 0  # it cannot know yet
    for _ in range(5):
        grow(ministry, pair.paris)
    exchange(ministry)
    grow(ministry, pair.paris)
    thief.rules.clear()

    size = Checkpoint.parse(Note.parse(fork[0]).text).size
    for _ in range(2):
        found = sync(pair.lome)
        assert found.status == 1
        assert found.json["error"]["code"] == "LOG_FORK_BELIEVED"
        assert f"{size} " in found.err
        assert "MINREX (LOG_FORK_BELIEVED)" in found.err
    evidence = {path.read_bytes() for path in (pair.lome.folder / "log-evidence").iterdir()}
    assert Note.parse(fork[0]).text in {Note.parse(each).text for each in evidence}

    fingerprint = sync(pair.paris).json["fingerprint"]
    explained = sync(pair.lome, "--log-fingerprint", fingerprint)
    assert (explained.status, explained.json["cosigned"]) == (0, True), explained.err
    assert sync(pair.lome).status == 0
    # The thief's head is no news any more, and no newer one of those keys is believed.
    show(thief, fork)
    again = sync(pair.lome)
    assert (again.status, "LOG_ROLLED_BACK" in again.err) == (1, True), again.err


def test_a_post_that_knew_no_other_keys_goes_on_after_the_program_is_replaced(
    exchanging: tuple[LiveMinistry, Pair],
) -> None:
    _, pair = exchanging
    with LogBook(pair.paris.folder) as book:
        known = book.head()
    connection = sqlite3.connect(pair.paris.folder / DATABASE)
    connection.executescript("DROP TABLE succession; PRAGMA user_version = 1")
    connection.close()
    told = sync(pair.paris)
    assert told.status == 0, told.err
    with LogBook(pair.paris.folder) as book:
        head = book.head()
    assert None not in (known, head)
