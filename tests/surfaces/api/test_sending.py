"""A dispatch is handed in: once, by its origin, with a receipt that proves itself."""

import hashlib
import io
from dataclasses import replace

import pytest

from cipher_service import clock
from cipher_service.references import new_id
from keys.age.header import Header, Stanza
from keys.receipts import read_submitted_receipt
from keys.slips import SignedSlip, sign_slip
from tests.surfaces.api.live import Post, Sent, Service, problem, rss_bytes
from tests.surfaces.api.test_uploads import opened


def resigned(post: Post, sent: Sent, body: bytes) -> Sent:
    """The same slip for another envelope."""
    slip = replace(
        sent.slip,
        dispatch_id=sent.id,
        envelope_sha256=hashlib.sha256(body).hexdigest(),
        envelope_size=len(body),
    )
    return Sent(sign_slip(slip, post.own.sign_slip), body)


def handed_in(post: Post, sent: Sent) -> Sent:
    sent.answer = post.submit(sent.signed.head, sent.body)
    return sent


def refused(post: Post, sent: Sent, status: int, code: str) -> None:
    problem = handed_in(post, sent).problem()
    assert (problem["status"], problem["code"]) == (status, code), problem
    assert sent.status == status


def test_a_dispatch_is_received_with_a_receipt_that_proves_itself(
    service: Service, paris: Post, lome: Post
) -> None:
    sent = paris.send([lome])
    assert sent.answer is not None
    assert sent.status == 201, sent.answer.text
    read_submitted_receipt(sent.answer.content, service.service_key()).require_for(sent.slip)


def test_the_same_dispatch_again_gives_the_same_receipt(paris: Post, lome: Post) -> None:
    sent = paris.send([lome])
    assert sent.answer is not None
    again = paris.submit(sent.signed.head, sent.body)
    assert again.status_code == 200
    assert again.content == sent.answer.content


def test_another_content_under_the_same_id_is_refused_by_name(paris: Post, lome: Post) -> None:
    sent = paris.send([lome])
    refused(paris, paris.make([lome], dispatch_id=sent.id), 409, "DUPLICATE_ID")


def test_an_id_of_another_post_s_tells_no_more_than_that_it_is_taken(
    paris: Post, lome: Post, washington: Post
) -> None:
    """Alike for who sent it, for its addressee and for a stranger, whole or in pieces."""
    sent = paris.send([lome])
    told = []
    for post, to in ((paris, lome), (lome, paris), (washington, paris)):
        twin = post.make([to], dispatch_id=sent.id)
        told += [handed_in(post, twin).problem(), problem(opened(post, twin))]
    for each in told:
        del each["reference"]  # of this very answer
        assert each == told[0]
    assert (told[0]["code"], told[0]["facts"]) == ("DUPLICATE_ID", {"dispatch_id": sent.id})
    assert not {"PARIS", "LOME"} & set(str(told[0]).replace("'", " ").split())


def test_a_number_used_before_is_refused_by_name(paris: Post, lome: Post) -> None:
    sent = paris.send([lome])
    number = sent.slip.addressees[0].series
    assert number is not None
    twin = paris.make([lome], numbers={"LOME": number.number})
    refused(paris, twin, 409, "DUPLICATE_NUMBER")
    assert twin.problem()["facts"]["dispatch_id"] == sent.id


def test_an_envelope_that_is_not_the_slips_is_refused(paris: Post, lome: Post) -> None:
    sent = paris.make([lome])
    for body in (
        sent.body[:-1],
        sent.body + b"x",
        b"",
        sent.body[:-1] + bytes([sent.body[-1] ^ 1]),
    ):
        refused(paris, Sent(sent.signed, body), 422, "ENVELOPE_MISMATCH")
    assert handed_in(paris, sent).status == 201  # none of them used the id or the number up


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda body: b"not " + body, "NOT_AGE"),
        (lambda body: body.replace(b"--- ", b"-+- ", 1), "HEADER_MALFORMED"),
        (lambda body: body.replace(b"-> mlkem768x25519", b"-> mlkem768", 1), "MIXED_RECIPIENTS"),
        (lambda body: body.replace(b"-> depeche.v1/label", b"-> grease", 1), "MIXED_RECIPIENTS"),
    ],
)
def test_an_envelope_with_a_wrong_header_is_refused(
    paris: Post, lome: Post, damage: object, code: str
) -> None:
    assert callable(damage)
    sent = paris.make([lome])
    refused(paris, resigned(paris, sent, damage(sent.body)), 422, code)


def test_one_recipient_more_than_addressees_is_refused(
    paris: Post, lome: Post, washington: Post
) -> None:
    sent, wider = paris.make([lome]), paris.make([lome, washington])
    refused(paris, resigned(paris, sent, wider.body), 422, "ADDRESSEES_MISMATCH")


def test_the_label_of_another_dispatch_is_refused(paris: Post, lome: Post) -> None:
    sent, other = paris.make([lome]), paris.make([lome])
    refused(paris, resigned(paris, sent, other.body), 422, "LABEL_MISMATCH")


def test_an_elliptic_recipient_among_the_hybrid_ones_is_refused(paris: Post, lome: Post) -> None:
    sent = paris.make([lome])
    source = io.BytesIO(sent.body)
    header = Header.parse(source)
    weak = Stanza("X25519", ("A" * 43,), bytes(32))
    body = Header((*header.stanzas, weak), header.mac).encode() + source.read()
    refused(paris, resigned(paris, sent, body), 422, "MIXED_RECIPIENTS")


def test_a_post_cannot_hand_in_what_another_signed(paris: Post, lome: Post) -> None:
    refused(lome, paris.make([lome]), 403, "ORIGIN_NOT_CALLER")


def test_a_slip_signed_by_another_key_is_refused(paris: Post, lome: Post) -> None:
    sent = paris.make([lome])
    forged = SignedSlip(sent.slip, lome.own.sign_slip(sent.slip.encode()))
    refused(paris, Sent(forged, sent.body), 422, "SIGNATURE_INVALID")


def test_an_addressee_that_nobody_knows_is_refused(paris: Post, lome: Post) -> None:
    sent = paris.make([lome])
    entry = replace(sent.slip.addressees[0], post="NOWHERE")
    slip = replace(sent.slip, addressees=(entry,))
    refused(paris, Sent(sign_slip(slip, paris.own.sign_slip), sent.body), 422, "UNKNOWN_POST")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0",
        b"\0\0\0\0",
        b"\xff\xff\xff\xff",
        b"\0\0\0\x02{}",
        b"\0\0\0\x10{}",
        b'\0\0\0\x13{"a":1,"a":2,"b":3}',
    ],
)
def test_a_malformed_head_is_refused(paris: Post, head: bytes) -> None:
    answer = paris.submit(head, b"")
    assert problem(answer)["code"] in {"SLIP_MALFORMED", "BODY_INCOMPLETE"}


def test_a_large_dispatch_is_streamed_and_given_back(paris: Post, lome: Post) -> None:
    sent = paris.send([lome], size=3_000_000)
    assert sent.status == 201
    given = lome.get(f"/v1/dispatches/{sent.id}/envelope")
    assert given.content == sent.body


def test_a_very_large_dispatch_takes_no_memory(service: Service, paris: Post, lome: Post) -> None:
    """Two buffers and a header's worth, whatever the size: the bound of a 1 GiB attachment."""
    sent = paris.send([lome], size=96 * 1024 * 1024)
    assert sent.status == 201
    given = lome.get(f"/v1/dispatches/{sent.id}/envelope")
    assert hashlib.sha256(given.content).hexdigest() == sent.slip.envelope_sha256
    for pid in service.pids():
        assert rss_bytes(pid) < 150 * 1024 * 1024


def test_a_dispatch_sent_in_chunks_without_a_length_is_taken(paris: Post, lome: Post) -> None:
    for size in (100, 300_000):
        sent = paris.make([lome], size=size)
        whole = sent.signed.head + sent.body
        answer = paris.call(
            "POST",
            "/v1/dispatches",
            headers={"Content-Type": "application/vnd.depeche.submission"},
            content=(whole[start : start + 7000] for start in range(0, len(whole), 7000)),
        )
        assert answer.status_code == 201


def test_a_wrong_content_type_is_refused_before_anything_is_read(paris: Post) -> None:
    answer = paris.call(
        "POST", "/v1/dispatches", headers={"Content-Type": "application/json"}, content=b"{}"
    )
    assert problem(answer)["code"] == "MEDIA_TYPE_REFUSED"


def test_ids_of_the_far_future_are_no_trouble(paris: Post, lome: Post) -> None:
    assert paris.send([lome], dispatch_id="7" + new_id(clock.now())[1:]).status == 201
