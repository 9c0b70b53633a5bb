"""`chiffre differences`, `photograph`, `bag-events`: what was seen of a bag, told over the line."""

import io
import json
import secrets
import shutil
from argparse import Namespace
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from PIL import Image
from sqlalchemy import func, select

from cipher_service import clock
from cipher_service.client.online_session import open_session
from cipher_service.client.terminal import Terminal
from cipher_service.directory import enrolment
from cipher_service.directory.enrolment import ApiKey
from cipher_service.pouches import cases, empties_book, makeup, repository
from cipher_service.storage.tables.pouches import photograph
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.cards import read_card
from keys.identity import load_identity
from pouch.events import Event
from pouch.facts import Seen
from pouch.locator import grouped_locator
from tests.support.bags import Device, enrolment_of
from tests.surfaces.api.bags import PostBook
from tests.surfaces.client.online.conftest import Pair
from tests.surfaces.client.online.live import LiveMinistry, Post


class Bag:
    """A bag that Paris made up and closed, told of with the words of its API."""

    def __init__(self, ministry: LiveMinistry, paris: Post, lent: ExitStack) -> None:
        self.ministry = ministry
        service = SimpleNamespace(
            settings=ministry.settings,
            lent=lent,
            administration=partial(unit_of_work, ministry.engine),
        )
        card = read_card(paris.card_file.read_bytes())
        post = SimpleNamespace(own=SimpleNamespace(card=card))
        self.book = PostBook(cast("Any", service), cast("Any", post))
        told(paris, "/v1/pouches", self.book.begin())
        told(paris, f"/v1/pouches/{self.book.seal}/lines", self.book.line())
        told(paris, "/v1/pouches/sealings", self.book.sealing())

    @property
    def seal(self) -> str:
        return self.book.seal

    def happened(self, post: Post, event: Event) -> None:
        document = json.loads(self.book.pouches.signed(event))
        told(post, "/v1/pouches/events", {"clock": None, "events": [document]})


def told(post: Post, path: str, body: dict[str, Any]) -> None:
    named = Namespace(identity=str(post.folder), passphrase_file=None)
    with open_session(named, Terminal("en", as_json=False)) as session:
        session.ministry.post(path, json.dumps(body).encode())


@pytest.fixture(scope="module")
def bag(ministry: LiveMinistry, enrolled: Pair) -> Iterator[Bag]:
    with ExitStack() as lent:
        yield Bag(ministry, enrolled.paris, lent)


@pytest.fixture(scope="module")
def counter(
    ministry: LiveMinistry, enrolled: Pair, tmp_path_factory: pytest.TempPathFactory
) -> Post:
    """The machine of the ministry's own counter, with an identity folder like a post's."""
    made = Post("MINREX", tmp_path_factory.mktemp("counter") / "MINREX", ministry)
    made.new_identity()
    shutil.copyfile(enrolled.paris.folder / "ministry.json", made.folder / "ministry.json")
    key = load_identity(made.folder, lambda: b"").api_key
    with unit_of_work(ministry.engine) as connection:
        enrolment.connect(
            connection, "MINREX", ApiKey(key.thumbprint(), json.dumps(key.public_jwk()))
        )
    return made


def test_differences_are_told_by_line_and_open_each_one_case(
    bag: Bag, counter: Post, enrolled: Pair
) -> None:
    words = ("--by", "PAUL", "--found", "1=0", "--misdirected", "1", "--unlisted", "1", bag.seal)
    early = counter.online("differences", *words)
    assert (early.status, "(RECEIPT_MISSING)" in early.err) == (1, True), early.err
    bag.happened(counter, bag.book.arrival())
    bag.happened(counter, bag.book.opening())

    first = counter.online("differences", "--json", *words)
    again = counter.online("differences", *words)

    assert first.status == 0, first.err
    kinds = {(each["kind"], each["what"]) for each in first.json["differences"]}
    assert kinds == {("missing", "1"), ("wrong-addressee", "1"), ("unlisted", "1")}
    assert first.json["new"] == 3
    assert "line 1: missing" in again.out
    assert "cases opened: 0" in again.err
    with reading(bag.ministry.engine) as connection:
        known = {(row.kind, row.what) for row in cases.cases_of(connection, bag.seal)}
    assert kinds <= known
    other = enrolled.lome.online("differences", *words)
    assert (other.status, "(NOT_FOUND)" in other.err) == (1, True), other.err


def test_a_telephone_s_queue_is_handed_in_once_by_any_post(
    bag: Bag, enrolled: Pair, tmp_path: Path
) -> None:
    pouches, seal = bag.book.pouches, secrets.token_hex(16)
    # More than one request takes.
    seen = [
        pouches.paris.tell(Seen(seals=()), officer="PAUL", place="PARIS", minutes=each, seal=seal)
        for each in range(119)
    ]
    readings = [pouches.signed(event) for event in (*seen, pouches.arrival(seal=seal))]
    stranger = Device(secrets.token_hex(4))
    setattr(pouches, f"device_{stranger.name}", stranger)
    strange = pouches.signed(pouches.arrival(stranger, seal=seal))
    file = tmp_path / "lectures.json"
    file.write_bytes(_exported(readings))

    first = enrolled.lome.online("bag-events", str(file))
    again = enrolled.lome.online("bag-events", "--json", str(file))

    assert (first.status, "120, of which new: 120" in first.out) == (0, True), first.err
    assert "unannounced" in first.err
    assert [answer["new"] for answer in again.json["answers"]] == [False] * 120
    with reading(bag.ministry.engine) as connection:
        assert len(repository.events_of(connection, seal)) == 120
    file.write_bytes(_exported([strange, readings[0]]))
    mixed = enrolled.lome.online("bag-events", str(file))
    assert (mixed.status, "DEVICE_UNKNOWN (1)" in mixed.err) == (1, True), mixed.err
    assert "1, of which new: 0" in mixed.out


def test_empty_bags_that_go_home_are_announced_once_and_all_or_none(
    bag: Bag, enrolled: Pair
) -> None:
    named = [f"{secrets.randbelow(10**22):022d}" for _ in range(2)]
    with unit_of_work(bag.ministry.engine) as connection:
        for each in named:
            makeup.add_bag(connection, each, place="PARIS", now=clock.now())
    typed = [grouped_locator(each) for each in named]
    paris = enrolled.paris

    wrong = paris.online("empties", "--number", "SV 1", typed[0], typed[1][:-2])
    assert (wrong.status, "(EMPTIES_LOCATOR)" in wrong.err) == (2, True), wrong.err
    for odd in (("--number", "sv"), ("--number", "SV 1", "--days", "0")):
        unfit = paris.online("empties", *odd, typed[0])
        assert (unfit.status, "(EMPTIES_UNFIT)" in unfit.err) == (2, True), unfit.err
    strange = enrolled.lome.online("empties", "--number", "SV 1", *typed)
    assert (strange.status, "(EMPTY_NOT_THERE)" in strange.err) == (1, True), strange.err

    first = paris.online("empties", "--number", "SV 1", "--days", "20", *typed)
    again = paris.online("empties", "--json", "--number", "SV 1", *typed, typed[0])

    assert (first.status, "2 empty bag(s) announced" in first.out) == (0, True), first.err
    assert (again.json["bags"], again.json["new"]) == (sorted(named), False)
    with reading(bag.ministry.engine) as connection:
        (notice,) = empties_book.outstanding(connection, clock.now())
    assert [each for each, _ in notice.bags] == sorted(named)


def test_a_device_that_the_ministry_lost_is_taken_in_again_with_its_queue(
    bag: Bag, enrolled: Pair, tmp_path: Path
) -> None:
    """As after a restoration from a backup of before its enrolment: nobody knows the device."""
    pouches, seal, stranger = bag.book.pouches, secrets.token_hex(16), Device(secrets.token_hex(4))
    setattr(pouches, f"device_{stranger.name}", stranger)
    reading_of = pouches.signed(pouches.arrival(stranger, seal=seal))
    device = enrolment_of(stranger, "PARIS")
    file = tmp_path / "lectures.json"
    file.write_bytes(b'{"clock":null,"device":%b,"events":[%b]}' % (device, reading_of))

    unknown = enrolled.paris.online("bag-events", str(file))
    of_another = enrolled.lome.online("bag-events", "--take-in", str(file))
    taken = enrolled.paris.online("bag-events", "--take-in", str(file))
    again = enrolled.paris.online("bag-events", "--take-in", "--json", str(file))

    assert (unknown.status, "DEVICE_UNKNOWN (1)" in unknown.err) == (1, True), unknown.err
    assert (of_another.status, "(READINGS_OF_ANOTHER)" in of_another.err) == (1, True)
    assert (taken.status, "1, of which new: 1" in taken.out) == (0, True), taken.err
    assert stranger.id in taken.err
    assert [answer["new"] for answer in again.json["answers"]] == [False]
    other = enrolment_of(stranger, "LOME").replace(b'"LOME"', b'"PARIS"')
    file.write_bytes(b'{"clock":null,"device":%b,"events":[%b]}' % (other, reading_of))
    doctored = enrolled.paris.online("bag-events", "--take-in", str(file))
    assert (doctored.status, "(READINGS_MALFORMED)" in doctored.err) == (1, True)
    file.write_bytes(_exported([reading_of]))
    nameless = enrolled.paris.online("bag-events", "--take-in", str(file))
    assert (nameless.status, "(READINGS_MALFORMED)" in nameless.err) == (1, True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"clock":null,"events":[1]}',
        b'{"clock":null,"events":[{"a":1},',
        b'{"clock":null, "events":[]}',
        b'{"clock":null,"events":[{"a":"%s"}]}' % (b"x" * 20_000),
    ],
)
def test_what_is_no_queue_reaches_no_ministry(enrolled: Pair, tmp_path: Path, data: bytes) -> None:
    file = tmp_path / "lectures.json"
    file.write_bytes(data)
    ended = enrolled.lome.online("bag-events", str(file))
    assert (ended.status, "(READINGS_MALFORMED)" in ended.err) == (1, True), ended.err
    gone = enrolled.lome.online("bag-events", str(tmp_path / "gone.json"))
    assert "(FILE_MISSING)" in gone.err


def _exported(files: list[bytes]) -> bytes:
    """As `exchange.ts` writes it."""
    return b'{"clock":null,"events":[%b]}' % b",".join(files)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--found", "3"), "FOUND_MALFORMED"),
        (("--found", "501=1"), "FOUND_BEYOND"),
        (("--unlisted", "-1"), "FOUND_BEYOND"),
    ],
)
def test_what_is_typed_wrong_reaches_no_ministry(
    bag: Bag, enrolled: Pair, words: tuple[str, ...], code: str
) -> None:
    ended = enrolled.paris.online("differences", "--by", "ABENA", *words, bag.seal)
    assert (ended.status, f"({code})" in ended.err) == (2, True), ended.err
    nameless = enrolled.paris.online("differences", "--by", "ABENA", "0x12")
    assert (nameless.status, "(BAG_MALFORMED)" in nameless.err) == (2, True)


def test_a_photograph_is_sent_and_the_same_file_is_the_same_one(
    bag: Bag, enrolled: Pair, tmp_path: Path
) -> None:
    picture = tmp_path / "seals.jpg"
    data = io.BytesIO()
    Image.effect_noise((1200, 900), 80).convert("RGB").save(data, "JPEG")
    picture.write_bytes(data.getvalue())
    words = ("--by", "ABENA", "--of", "seals", bag.seal, str(picture))

    first = enrolled.paris.online("photograph", "--json", *words)
    again = enrolled.paris.online("photograph", "--json", *words)

    assert first.status == 0, first.err
    assert first.json == again.json
    with reading(bag.ministry.engine) as connection:
        mine = select(func.count()).where(photograph.c.photograph_id == first.json["photograph"])
        assert connection.scalar(mine) == 1
    other = enrolled.lome.online("photograph", *words)
    assert (other.status, "(NOT_FOUND)" in other.err) == (1, True), other.err
    picture.write_bytes(b"no picture")
    none = enrolled.paris.online("photograph", *words)
    assert (none.status, "(PHOTOGRAPH_UNREADABLE)" in none.err) == (1, True), none.err
    gone = enrolled.paris.online("photograph", *words[:-1], str(tmp_path / "gone.jpg"))
    assert "(FILE_MISSING)" in gone.err
    of_what = enrolled.paris.online("photograph", "--by", "A", "--of", "sky", *words[-2:])
    assert (of_what.status, "(SUBJECT_UNKNOWN)" in of_what.err) == (2, True)
