"""Headquarters' counter over the API; what posts found: differences by line, photographs."""

import io
import json
import struct
from typing import Any

import pytest
from PIL import ExifTags, Image, ImageChops, ImageOps, ImageStat

from cipher_service.pouches import cases
from cipher_service.pouches.redrawing import redrawn
from cipher_service.storage.tables.pouches import photograph
from keys.age.header import Header
from tests.surfaces.api.bags import PostBook, agent, filed, machine, piece
from tests.surfaces.api.live import Post, Service, problem


def _refused(answer: Any, status: int, code: str) -> None:
    document = problem(answer)
    assert (document["status"], document["code"]) == (status, code), document


def test_a_machine_takes_pieces_in_and_is_refused_what_binds_the_ministry(
    service: Service, paris: Post
) -> None:
    counter, officer = machine(service), agent(service)

    taken = counter.call("POST", "/v1/pouches/counter/hand-in", json=piece(officer))

    assert taken.status_code == 200, taken.text
    assert len(taken.json()["done"]["number"]) == 10
    for act in ("seal", "open", "discharge", "lose", "seals"):
        answer = counter.call("POST", f"/v1/pouches/counter/{act}", json={})
        _refused(answer, 403, "OFFICER_NEEDED")
    device = {"ed25519": "AAAA" * 10 + "AAA="}
    _refused(counter.call("POST", "/v1/pouches/devices", json=device), 403, "OFFICER_NEEDED")
    above = {**piece(officer), "level": "TRES-SECRET"}
    _refused(counter.call("POST", "/v1/pouches/counter/hand-in", json=above), 403, "NOT_ALLOWED")
    parcel = {**piece(officer), "kind": "elephant"}
    _refused(
        counter.call("POST", "/v1/pouches/counter/hand-in", json=parcel), 422, "INVALID_REQUEST"
    )
    for act in ("hand-in", "seal", "nothing"):
        answer = paris.call("POST", f"/v1/pouches/counter/{act}", json=piece(officer))
        _refused(answer, 404, "NOT_FOUND")


def test_a_receiver_tells_line_by_line_what_was_not_as_announced(
    service: Service, paris: Post, lome: Post
) -> None:
    book, counter = PostBook(service, paris), machine(service)
    book.made_up(paris)
    address = f"/v1/pouches/{book.seal}/differences"
    told = {
        "officer": "PAUL", "found": [{"line": 1, "found": 0}], "damaged": [], "misdirected": [1],
        "unlisted": 2,
    }  # fmt: skip
    _refused(counter.call("POST", address, json=told), 409, "RECEIPT_MISSING")
    sign = book.pouches.signed
    filed(counter, [json.loads(sign(book.arrival()))])
    _refused(counter.call("POST", address, json=told), 409, "BAG_NOT_OPEN")
    filed(counter, [json.loads(sign(book.opening()))])
    unknown = {**told, "found": [{"line": 7, "found": 0}]}
    _refused(counter.call("POST", address, json=unknown), 422, "LINE_UNKNOWN")
    twice = {**told, "found": [{"line": 1, "found": 0}, {"line": 1, "found": 1}]}
    _refused(counter.call("POST", address, json=twice), 422, "INVALID_REQUEST")

    first = counter.call("POST", address, json=told).json()
    again = counter.call("POST", address, json=told).json()

    kinds = {(each["kind"], each["what"]) for each in first["differences"]}
    assert kinds == {
        ("missing", "1"),
        ("wrong-addressee", "1"),
        ("unlisted", "1"),
        ("unlisted", "2"),
    }
    assert (first["new"], again["new"]) == (4, 0)
    _refused(paris.call("POST", address, json=told), 409, "RECEIPT_MISSING")
    _refused(lome.call("POST", address, json=told), 404, "NOT_FOUND")
    with service.administration() as connection:
        known = {(row.kind, row.what) for row in cases.cases_of(connection, book.seal)}
    assert kinds <= known


def test_a_photograph_is_kept_bare_and_enciphered_once(
    service: Service, paris: Post, lome: Post
) -> None:
    book = PostBook(service, paris)
    book.made_up(paris)
    picture, exif = io.BytesIO(), Image.Exif()
    exif[0x010E] = "rue de Longchamp, 48.8656 N"
    Image.effect_noise((3000, 2000), 80).convert("RGB").save(picture, "JPEG", exif=exif)
    data = picture.getvalue()
    assert b"Longchamp" in data
    address = f"/v1/pouches/{book.seal}/photographs?officer=ABENA&subject=seals"

    first = paris.call("POST", address, content=data)
    again = paris.call("POST", address, content=data)

    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json()
    with service.administration() as connection:
        mine = photograph.select().where(photograph.c.seal == book.seal)
        (kept,) = connection.execute(mine).all()
    assert (kept.post, kept.officer, kept.subject) == ("PARIS", "ABENA", "seals")
    assert len(Header.parse(io.BytesIO(kept.body)).stanzas) == 1, "it lies as ciphertext"
    assert len(kept.body) < 400 * 1024
    _refused(lome.call("POST", address, content=data), 404, "NOT_FOUND")


def _width_told_as_text() -> bytes:
    tags = struct.pack("<HHI4s", 0x100, 2, 1, b"6") + struct.pack("<HHII", 0x112, 3, 1, 6)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", 2) + tags + bytes(64)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    "exif",
    [_width_told_as_text(), b"II*\0\xff\xff\xff\xff", b"", bytes(range(256)), b"II*\0\x08\0\0"],
    ids=["width as text", "points past its end", "empty", "no such thing", "cut short"],
)
def test_a_photograph_is_kept_whatever_the_camera_wrote(
    service: Service, paris: Post, exif: bytes
) -> None:
    book = PostBook(service, paris)
    book.made_up(paris)
    picture, segment = io.BytesIO(), b"Exif\0\0" + exif
    Image.effect_noise((80, 60), 80).convert("RGB").save(picture, "JPEG", comment=b"Longchamp")
    plain = picture.getvalue()
    data = plain[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(segment)) + segment + plain[2:]
    address = f"/v1/pouches/{book.seal}/photographs?officer=ABENA&subject=seals"

    answer = paris.call("POST", address, content=data)

    assert answer.status_code == 201, answer.text
    drawn = Image.open(io.BytesIO(redrawn(data)))
    assert set(drawn.size) == {80, 60}
    assert not drawn.getexif()
    assert "comment" not in drawn.info


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_photograph_stands_upright_as_its_camera_says(turn: int) -> None:
    points, exif, picture = Image.effect_noise((64, 40), 80), Image.Exif(), io.BytesIO()
    exif[ExifTags.Base.Orientation] = turn
    points.convert("RGB").save(picture, "PNG", exif=exif)

    drawn = Image.open(io.BytesIO(redrawn(picture.getvalue())))

    with Image.open(picture) as told:
        upright = ImageOps.exif_transpose(told)
    difference = ImageChops.difference(drawn.convert("RGB"), upright.convert("RGB"))
    assert sum(ImageStat.Stat(difference).mean) < 60  # the JPEG's loss; another turn has 200


@pytest.mark.parametrize(
    "data",
    [b"", b"<svg/>", b"GIF89a" + bytes(40), b"%!PS-Adobe", b"\x89PNG\r\n\x1a\n" + bytes(200)],
)
def test_what_is_no_photograph_is_refused(service: Service, paris: Post, data: bytes) -> None:
    book = PostBook(service, paris)
    book.made_up(paris)
    address = f"/v1/pouches/{book.seal}/photographs?officer=ABENA&subject=bag"
    _refused(paris.call("POST", address, content=data), 422, "PHOTOGRAPH_UNREADABLE")


def test_nothing_is_decoded_for_who_may_not_see_the_bag(
    service: Service, paris: Post, lome: Post
) -> None:
    book = PostBook(service, paris)
    book.made_up(paris)
    for seal in (book.seal, "0a" * 16):
        address = f"/v1/pouches/{seal}/photographs?officer=ABENA&subject=bag"
        _refused(lome.call("POST", address, content=b"no photograph"), 404, "NOT_FOUND")
