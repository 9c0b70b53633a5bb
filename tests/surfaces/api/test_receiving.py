"""A post lists, fetches, receipts and hears of its mail."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import insert, select

from cipher_service import clock
from cipher_service.references import new_id
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.engine import open_engine
from cipher_service.storage.tables.dispatches import dispatch, rerouted_header
from cipher_service.storage.unit_of_work import unit_of_work
from keys.post_receipts import DECIPHERED, DELIVERED, PostReceipt, make_post_receipt
from keys.service_messages import TRACER, ServiceMessage, make_service_message
from keys.signing import RECEIPT, SERVICE_MESSAGE
from tests.surfaces.api.live import Post, Sent, Service, problem


def everything(post: Post, query: str = "limit=200") -> list[dict[str, object]]:
    items: list[dict[str, object]] = []
    after = ""
    while True:
        page = post.get(f"/v1/dispatches?{query}{after}").json()
        items += page["items"]
        if page["next"] is None:
            return items
        after = f"&after={page['next']}"


def receipt_of(post: Post, sent: Sent, kind: str = DELIVERED) -> bytes:
    statement = PostReceipt(
        kind=kind,
        dispatch_id=sent.id,
        post=post.code,
        card=post.own.card.fingerprint,
        envelope_sha256=sent.slip.envelope_sha256,
        at=clock.now().replace(microsecond=0),
        manifest_hash="a" * 64 if kind == DECIPHERED else None,
    )
    return make_post_receipt(statement, lambda data: post.own.signing.sign(RECEIPT, data))


def filed(post: Post, path: str, document: bytes) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return post.call("POST", path, headers=headers, content=document)


# -- lists ---------------------------------------------------------------------------------------


def test_the_list_is_by_precedence_then_arrival_and_pages_join(paris: Post, lome: Post) -> None:
    wanted = ["ROUTINE", "FLASH", "URGENT", "FLASH", "IMMEDIAT"]
    mine = [lome.send([paris], precedence=precedence).id for precedence in wanted]
    whole = everything(paris)
    ids = [str(item["dispatch_id"]) for item in whole if item["dispatch_id"] in mine]
    assert ids == [mine[1], mine[3], mine[4], mine[2], mine[0]]
    assert everything(paris, "limit=2") == whole


def test_a_line_says_what_the_slip_says_and_nothing_of_the_content(paris: Post, lome: Post) -> None:
    sent = lome.send([paris])
    (line,) = [item for item in everything(paris) if item["dispatch_id"] == sent.id]
    entry = sent.slip.addressees[0]
    assert entry.series is not None
    assert line["origin"] == "LOME"
    assert line["level"] == "SECRET"
    assert line["series"] == {"epoch": entry.series.epoch, "number": entry.series.number}
    assert line["envelope"] == {
        "sha256": sent.slip.envelope_sha256,
        "size": sent.slip.envelope_size,
    }
    assert line["state"] == "pending"


@pytest.mark.parametrize(
    "query",
    ["after=0", "after=-1", "after=1.0", "after=1_0", "after=%31", "limit=0", "limit=x", "limit=",
     "state=", "state=lost", "delivery=", "delivery=pigeon",
     "limit=1&limit=2", "unknown=1", "after=" + "9" * 19, "&", "limit"],
)  # fmt: skip
def test_a_query_in_another_spelling_is_refused(paris: Post, query: str) -> None:
    assert problem(paris.get(f"/v1/dispatches?{query}"))["code"] == "QUERY_INVALID"


def test_a_record_is_the_slip_as_it_was_signed(paris: Post, lome: Post) -> None:
    sent = paris.send([lome])
    record = lome.get(f"/v1/dispatches/{sent.id}").json()
    assert record["slip"] == json.loads(sent.slip.encode())
    assert record["dispatch_id"] == sent.id


# -- envelopes -----------------------------------------------------------------------------------


def put_apart(service: Service, sent: Sent) -> None:
    """Let an envelope's first bytes be a row, and the rest lie in the file of another one."""
    [whole] = service.settings.data.rglob(sent.slip.envelope_sha256)
    whole.unlink()
    with Blobs(service.settings.data).spool() as spool:
        spool.write(b"the header of before" + sent.body[90:])
        file = spool.keep().sha256
    engine = open_engine(service.settings.database)
    with unit_of_work(engine) as connection:
        seq = connection.scalar(select(dispatch.c.seq).where(dispatch.c.dispatch_id == sent.id))
        values = {"dispatch": seq, "header": sent.body[:90], "payload": file, "starts": 20}
        connection.execute(insert(rerouted_header).values(values))
    engine.dispose()


@pytest.mark.parametrize(("size", "apart"), [(4096, False), (200_000, False), (2_500_000, True)])
def test_an_envelope_is_given_whole_and_by_ranges(
    paris: Post, lome: Post, service: Service, size: int, apart: bool
) -> None:
    sent = paris.send([lome], size=size)
    if apart:
        put_apart(service, sent)
    address, whole = f"/v1/dispatches/{sent.id}/envelope", sent.body
    answer = lome.get(address)
    etag = answer.headers["etag"]
    assert (answer.status_code, answer.content) == (200, whole)
    assert etag == f'"{sent.slip.envelope_sha256}"'
    for asked, part in (
        ("bytes=100-", whole[100:]),
        ("bytes=0-0", whole[:1]),
        ("bytes=100-199", whole[100:200]),
        ("bytes=-50", whole[-50:]),
        ("bytes=85-94", whole[85:95]),
        ("bytes=90-90", whole[90:91]),
        (f"bytes=10-{len(whole) * 2}", whole[10:]),
    ):
        answer = lome.get(address, Range=asked)
        assert (answer.status_code, answer.content) == (206, part)
        assert answer.headers["content-range"].endswith(f"/{len(whole)}")
        assert int(answer.headers["content-length"]) == len(part)
    for ignored in ("bytes=9-5", "bytes=-", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b"):
        assert lome.get(address, Range=ignored).status_code == 200
    beyond = lome.get(address, Range=f"bytes={len(whole)}-")
    assert problem(beyond)["code"] == "RANGE_NOT_SATISFIABLE"
    assert beyond.headers["content-range"] == f"bytes */{len(whole)}"
    same = lome.get(address, **{"Range": "bytes=5-", "If-Range": etag})
    assert (same.status_code, same.content) == (206, whole[5:])
    other = lome.get(address, **{"Range": "bytes=5-", "If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, whole)


def test_an_envelope_whose_file_is_gone_is_refused_by_name(
    paris: Post, lome: Post, service: Service
) -> None:
    sent = paris.send([lome], size=200_000)
    sha256 = sent.slip.envelope_sha256
    (file,) = service.settings.data.rglob(sha256)
    file.unlink()
    address = f"/v1/dispatches/{sent.id}/envelope"
    for language, remedy in (
        ("fr", "Demandez la répétition à son origine"),
        ("en", "Ask its origin to repeat it"),
    ):
        told = lome.get(address, **{"Accept-Language": language})
        assert told.status_code == 410
        assert problem(told)["code"] == "ENVELOPE_LOST"
        assert remedy in told.json()["remedy"]
    (line,) = [item for item in everything(lome) if item["dispatch_id"] == sent.id]
    assert line["state"] == "pending"


def test_an_addressee_that_took_the_last_byte_has_fetched_it(paris: Post, lome: Post) -> None:
    def state(sent: Sent) -> object:
        (line,) = [item for item in everything(lome) if item["dispatch_id"] == sent.id]
        return line["state"]

    sent = paris.send([lome])
    address = f"/v1/dispatches/{sent.id}/envelope"
    assert paris.get(address).status_code == 200  # its origin looks at it
    assert lome.get(address, Range="bytes=0-99").status_code == 206
    assert state(sent) == "pending"
    assert lome.get(address, Range="bytes=100-").status_code == 206
    for _ in range(50):  # noted after the answer has left
        if state(sent) == "fetched":
            break
    assert state(sent) == "fetched"


# -- receipts and service messages ---------------------------------------------------------------


def test_a_receipt_is_filed_once_and_moves_the_line(paris: Post, lome: Post) -> None:
    sent = paris.send([lome])
    document = receipt_of(lome, sent)
    first, again = (filed(lome, "/v1/receipts", document) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    assert filed(lome, "/v1/receipts", receipt_of(lome, sent, DECIPHERED)).status_code == 201
    (line,) = [item for item in everything(lome) if item["dispatch_id"] == sent.id]
    assert line["state"] == "deciphered"
    receipts = paris.get(f"/v1/dispatches/{sent.id}/receipts").json()["items"]
    assert [item["kind"] for item in receipts] == ["submitted", "delivered", "deciphered"]
    assert receipts[1]["receipt"] == json.loads(document)


def test_a_receipt_by_another_than_the_addressee_is_refused(
    paris: Post, lome: Post, washington: Post
) -> None:
    sent = paris.send([lome])
    theirs = receipt_of(lome, sent)
    assert problem(filed(paris, "/v1/receipts", theirs))["code"] == "ORIGIN_NOT_CALLER"
    stranger = receipt_of(washington, sent)
    assert problem(filed(washington, "/v1/receipts", stranger))["code"] == "NOT_FOUND"
    forged = json.loads(theirs)
    forged["statement"]["kind"] = "deciphered"
    document = json.dumps(forged, separators=(",", ":"), sort_keys=True).encode()
    assert filed(lome, "/v1/receipts", document).status_code == 422


def tracer(post: Post, to: Post) -> bytes:
    message = ServiceMessage(
        id=new_id(clock.now()),
        kind=TRACER,
        sender=post.code,
        sender_card=post.own.card.fingerprint,
        to=to.code,
        precedence="URGENT",
        created=clock.now().replace(microsecond=0),
        dispatch_id=new_id(clock.now()),
    )
    return make_service_message(message, lambda data: post.own.signing.sign(SERVICE_MESSAGE, data))


def test_a_service_message_reaches_its_addressee(paris: Post, lome: Post) -> None:
    document = tracer(paris, lome)
    first, again = (filed(paris, "/v1/service-messages", document) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 200)
    page = lome.get("/v1/service-messages?limit=200").json()
    assert page["items"][-1]["message"] == json.loads(document)
    after = page["items"][-1]["cursor"]
    assert lome.get(f"/v1/service-messages?after={after}").json() == {"items": [], "next": None}
    assert problem(filed(lome, "/v1/service-messages", document))["code"] == "ORIGIN_NOT_CALLER"


# -- arrivals ------------------------------------------------------------------------------------


@contextmanager
def listening(post: Post, last: str | None = None) -> Iterator[Iterator[str]]:
    headers = post.authorised("GET", "/v1/arrivals")
    if last is not None:
        headers["Last-Event-ID"] = last
    with post.service.http.stream("GET", "/v1/arrivals", headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield response.iter_lines()


def next_arrival(lines: Iterator[str]) -> tuple[str, dict[str, object]]:
    last, kind = "", ""
    for line in lines:
        if line.startswith("id: "):
            last = line[4:]
        elif line.startswith("event: "):
            kind = line[7:]
        elif line.startswith("data: "):
            assert kind == "arrival"
            return last, json.loads(line[6:])
    raise AssertionError("the stream ended")


def test_an_arrival_is_told_at_once_and_the_stream_resumes(paris: Post, lome: Post) -> None:
    with listening(lome) as lines:
        assert next(lines).startswith("id: ")
        sent = paris.send([lome])
        last, told = next_arrival(lines)
        assert told["dispatch_id"] == sent.id
        assert told["origin"] == "PARIS"
    missed = [paris.send([lome]).id for _ in range(3)]
    with listening(lome, last) as lines:
        assert [next_arrival(lines)[1]["dispatch_id"] for _ in missed] == missed


def test_two_posts_listen_side_by_side_and_hear_their_own_only(
    paris: Post, lome: Post, washington: Post
) -> None:
    heard: dict[str, object] = {}
    ready = threading.Barrier(3)

    def listen(post: Post) -> None:
        with listening(post) as lines:
            next(lines)
            ready.wait(60)
            heard[post.code] = next_arrival(lines)[1]["dispatch_id"]

    threads = [threading.Thread(target=listen, args=(post,)) for post in (lome, washington)]
    for thread in threads:
        thread.start()
    ready.wait(60)
    expected = {post.code: paris.send([post]).id for post in (washington, lome)}
    for thread in threads:
        thread.join(60)
    assert heard == expected


def test_a_stream_with_a_wrong_id_is_refused(service: Service, paris: Post) -> None:
    for wrong in ("x", "-1", "1.5", ""):
        headers = {**paris.authorised("GET", "/v1/arrivals"), "Last-Event-ID": wrong}
        answer = service.http.get("/v1/arrivals", headers=headers)
        assert problem(answer)["code"] == "HEADER_INVALID"
