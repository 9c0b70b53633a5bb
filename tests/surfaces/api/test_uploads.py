"""A large envelope in pieces: what arrived stays, whatever breaks."""

import socket
import threading
import time
from typing import Any

import httpx
import pytest

from cipher_service.wire.dispatches import CHUNK_MEDIA_TYPE, SUBMISSION_MEDIA_TYPE
from keys.receipts import read_submitted_receipt
from tests.surfaces.api.live import Post, Sent, Service, problem

SIZE = 3_000_000


def opened(post: Post, sent: Sent) -> httpx.Response:
    headers = {"Content-Type": SUBMISSION_MEDIA_TYPE}
    return post.call("POST", "/v1/uploads", headers=headers, content=sent.signed.head)


def address_of(post: Post, sent: Sent) -> str:
    answer = opened(post, sent)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def piece(post: Post, address: str, sent: Sent, start: int, stop: int | None) -> httpx.Response:
    headers = {"Content-Type": CHUNK_MEDIA_TYPE, "Upload-Offset": str(start)}
    return post.call("PATCH", address, headers=headers, content=sent.body[start:stop])


def offset(post: Post, address: str) -> int:
    answer = post.call("HEAD", address)
    assert answer.status_code == 200
    return int(answer.headers["upload-offset"])


def test_an_upload_in_pieces_ends_with_the_receipt(
    service: Service, paris: Post, lome: Post
) -> None:
    sent = paris.make([lome], size=SIZE)
    answer = opened(paris, sent)
    state: dict[str, Any] = answer.json()
    assert (state["offset"], state["size"]) == (0, len(sent.body))
    address = answer.headers["location"]
    middle = piece(paris, address, sent, 0, 1_000_000)
    assert (middle.status_code, middle.json()["offset"]) == (200, 1_000_000)
    assert offset(paris, address) == 1_000_000
    last = piece(paris, address, sent, 1_000_000, None)
    assert last.status_code == 201
    read_submitted_receipt(last.content, service.service_key()).require_for(sent.slip)
    assert lome.get(f"/v1/dispatches/{sent.id}/envelope").content == sent.body
    assert paris.call("HEAD", address).status_code == 404  # it is a dispatch now


def test_opening_again_gives_the_same_address_and_after_the_end_the_receipt(
    paris: Post, lome: Post
) -> None:
    sent = paris.make([lome], size=SIZE)
    address = address_of(paris, sent)
    piece(paris, address, sent, 0, 500_000)
    again = opened(paris, sent)
    assert (again.headers["location"], again.json()["offset"]) == (address, 500_000)
    receipt = piece(paris, address, sent, 500_000, None)
    after = opened(paris, sent)
    assert (after.status_code, after.content) == (200, receipt.content)
    assert paris.submit(sent.signed.head, sent.body).content == receipt.content


def test_a_piece_at_the_wrong_place_is_refused_with_the_right_one(paris: Post, lome: Post) -> None:
    sent = paris.make([lome], size=SIZE)
    address = address_of(paris, sent)
    piece(paris, address, sent, 0, 1000)
    for wrong in (0, 999, 1001):
        answer = piece(paris, address, sent, wrong, wrong + 10)
        assert problem(answer)["code"] == "UPLOAD_OFFSET"
        assert answer.headers["upload-offset"] == "1000"
        assert answer.json()["facts"] == {"offset": 1000}


def test_what_arrived_before_the_line_broke_is_kept(
    service: Service, paris: Post, lome: Post
) -> None:
    sent = paris.make([lome], size=SIZE)
    address = address_of(paris, sent)
    headers = {
        **paris.authorised("PATCH", address),
        "Content-Type": CHUNK_MEDIA_TYPE,
        "Upload-Offset": "0",
        "Content-Length": str(len(sent.body)),
    }
    lines = [f"PATCH {address} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in headers.items())]
    with socket.create_connection(("127.0.0.1", service.settings.port)) as line:
        line.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + sent.body[:1_200_000])
        line.settimeout(0.5)
        with pytest.raises(TimeoutError):
            line.recv(1)
    held, until = 0, time.monotonic() + 60
    while not held and time.monotonic() < until:
        time.sleep(0.05)  # the server notices the broken line in its own time
        held = offset(paris, address)
    assert 0 < held <= 1_200_000
    answer = piece(paris, address, sent, held, None)
    assert answer.status_code == 201, answer.text
    assert lome.get(f"/v1/dispatches/{sent.id}/envelope").content == sent.body


def test_two_writers_of_one_upload_do_not_mix(service: Service, paris: Post, lome: Post) -> None:
    sent = paris.make([lome], size=SIZE)
    address = address_of(paris, sent)
    begun, slow = threading.Event(), threading.Event()

    def slowly() -> Any:
        yield sent.body[:100_000]
        begun.set()
        slow.wait(60)
        yield sent.body[100_000:]

    headers = {
        **paris.authorised("PATCH", address),
        "Content-Type": CHUNK_MEDIA_TYPE,
        "Upload-Offset": "0",
    }
    answers: list[httpx.Response] = []
    first = threading.Thread(
        target=lambda: answers.append(
            httpx.patch(
                service.settings.issuer + address, headers=headers, content=slowly(), timeout=120
            )
        )
    )
    first.start()
    begun.wait(60)
    places, until = service.settings.data / "run" / "uploads", time.monotonic() + 60
    while not (places.is_dir() and any(places.iterdir())):  # the server has taken its place
        assert time.monotonic() < until
        time.sleep(0.02)
    assert problem(piece(paris, address, sent, 0, 10))["code"] == "UPLOAD_BUSY"
    slow.set()
    first.join(120)
    assert answers[0].status_code == 201
    assert lome.get(f"/v1/dispatches/{sent.id}/envelope").content == sent.body


def test_two_uploads_side_by_side(paris: Post, lome: Post) -> None:
    one, two = (paris.make([lome], size=SIZE) for _ in range(2))
    addresses = [address_of(paris, sent) for sent in (one, two)]
    assert addresses[0] != addresses[1]
    for start in range(0, len(one.body), 1_000_000):
        for sent, address in zip((one, two), addresses, strict=True):
            answer = piece(paris, address, sent, start, start + 1_000_000)
    assert answer.status_code == 201
    for sent in (one, two):
        assert lome.get(f"/v1/dispatches/{sent.id}/envelope").content == sent.body


def test_bytes_that_are_not_the_slips_are_refused_and_can_be_sent_again(
    paris: Post, lome: Post
) -> None:
    sent = paris.make([lome], size=SIZE)
    address = address_of(paris, sent)
    wrong = Sent(sent.signed, bytes(len(sent.body)))
    assert problem(piece(paris, address, wrong, 0, None))["code"] == "ENVELOPE_MISMATCH"
    assert offset(paris, address) == 0
    assert piece(paris, address, sent, 0, None).status_code == 201


def test_more_bytes_than_the_slip_says_are_refused(paris: Post, lome: Post) -> None:
    sent = paris.make([lome], size=SIZE)
    address = address_of(paris, sent)
    longer = Sent(sent.signed, sent.body + b"x")
    assert problem(piece(paris, address, longer, 0, None))["code"] == "BODY_TOO_LARGE"
    assert problem(piece(paris, address, longer, 10**15, None))["code"] == "BODY_TOO_LARGE"


def test_another_posts_upload_does_not_exist(paris: Post, lome: Post) -> None:
    sent = paris.make([lome], size=SIZE)
    address = address_of(paris, sent)
    assert lome.call("HEAD", address).status_code == 404
    assert problem(piece(lome, address, sent, 0, 10))["code"] == "NOT_FOUND"
    assert offset(paris, address) == 0


def test_a_slip_with_an_envelope_behind_it_opens_no_upload(paris: Post, lome: Post) -> None:
    sent = paris.make([lome], size=SIZE)
    headers = {"Content-Type": SUBMISSION_MEDIA_TYPE}
    answer = paris.call("POST", "/v1/uploads", headers=headers, content=sent.signed.head + b"x")
    assert problem(answer)["code"] == "ENVELOPE_MISMATCH"
