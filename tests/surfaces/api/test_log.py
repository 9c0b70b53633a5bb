"""The log as posts read it and witness it: C2SP paths, never a record, cosignatures that hold."""

import asyncio
import json
import time
from collections.abc import Iterator, MutableMapping
from dataclasses import replace
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from cipher_service import clock
from cipher_service.api.application import create_application
from keys.custody.log_keys import HeadInMemory, LogKeys
from keys.log.checkpoints import Checkpoint, cosign, read_cosignature, read_head
from keys.log.notes import Ed25519Signer, Note, VerifierKey
from keys.log.succession import LogLine
from keys.log.tiles import Tile, TileTree, read_bundle
from keys.log.witnesses import Witness, make_witness, witness_signer
from keys.merkle import leaf_hash
from keys.post_receipts import DELIVERED, PostReceipt, make_post_receipt
from keys.signing import RECEIPT
from tests.surfaces.api.live import Post, Service, problem

SEED = b"w" * 32


def head(post: Post) -> Note:
    """The log's head, once there is one."""
    for _ in range(400):
        answer = post.get("/v1/audit/checkpoint")
        if answer.status_code == 200:
            return Note.parse(answer.content)
        assert problem(answer)["code"] == "LOG_EMPTY"
        time.sleep(0.2)
    raise AssertionError("no head")


def cosignature(post: Post, note: Note, signer: Ed25519Signer | None = None) -> dict[str, Any]:
    """What a post sends to witness a head."""
    checkpoint = Checkpoint.parse(note.text)
    signer = signer or witness_signer(SEED, checkpoint.origin, post.code)
    vouched = Witness(post.code, post.own.card.fingerprint, signer.verifier)
    line = cosign(checkpoint, signer, int(clock.now().timestamp()))
    return {
        "witness": json.loads(make_witness(vouched, post.own.signing.sign)),
        "size": checkpoint.size,
        "cosignature": line.encode(),
    }


def sent(post: Post, body: dict[str, Any]) -> httpx.Response:
    return post.call("POST", "/v1/audit/cosignatures", json=body)


def tile_of(post: Post, tile: Tile) -> bytes:
    answer = post.get(f"/v1/audit/{tile.path}")
    assert answer.status_code == 200, answer.text
    return answer.content


def test_the_log_is_read_by_its_tiles_and_holds(service: Service, paris: Post) -> None:
    keys = service.card()["log"]
    note = head(paris)
    key, cosigner = VerifierKey.parse(keys["vkey"]), VerifierKey.parse(keys["cosigner"])
    checkpoint = read_head(note, key, cosigner)
    assert checkpoint.origin == keys["origin"] == service.settings.log_origin
    tree = TileTree(checkpoint.size, lambda tile: tile_of(paris, tile))
    assert tree.root() == checkpoint.root
    first = Tile(0, 0, min(checkpoint.size, 256))
    bundle = paris.get(f"/v1/audit/{first.entries_path}")
    entries = read_bundle(bundle.content, first.width)
    assert {len(entry) for entry in entries} == {32}  # commitments: no record leaves this way
    assert [leaf_hash(entry) for entry in entries] == tree.hashes(0, 0)[: first.width]


def test_without_a_token_nothing_is_told(service: Service) -> None:
    for path in ("/v1/audit/checkpoint", "/v1/audit/tile/0/000.p/1"):
        assert problem(service.http.get(path))["code"] == "TOKEN_MISSING"


@pytest.mark.parametrize(
    "name",
    [
        *("0/000.p/0", "0/000.p/256", "0/0", "0/x000/000.p/1", "00/000.p/1", "0/000.p/01"),
        *("entries/999", "0/x999/x999/999", "64/000", "8/000.p/1", "records/000.p/1", "0"),
    ],
)
def test_a_tile_that_is_not_signed_or_not_spelled_so_is_not_there(paris: Post, name: str) -> None:
    assert problem(paris.get(f"/v1/audit/tile/{name}"))["code"] == "NOT_FOUND"


def test_a_post_cosigns_and_the_head_bears_it(service: Service) -> None:
    post = service.enrolled("PEKIN")  # no other file of these tests enrols it
    note = head(post)
    body = cosignature(post, note)
    first, again = sent(post, body), sent(post, body)
    assert (first.status_code, first.json()) == (201, {"created": True}), first.text
    assert again.json() == {"created": False}
    key = witness_signer(SEED, service.settings.log_origin, post.code).verifier
    with service.administration() as connection:
        line = connection.scalar(
            text("SELECT line FROM audit_cosignature WHERE size = :size AND post = :post"),
            {"size": body["size"], "post": post.code},
        )
    assert read_cosignature(Note.parse(f"{note.text}\n{line}".encode()), key) is not None


def test_a_false_cosignature_is_refused_by_name(paris: Post, lome: Post) -> None:
    note = head(paris)
    good = cosignature(paris, note)
    origin = Checkpoint.parse(note.text).origin
    other = cosignature(paris, note, witness_signer(b"x" * 32, origin, "PARIS"))
    rogue = cosignature(paris, note, witness_signer(SEED, "elsewhere.example/audit", "PARIS"))
    flipped = good["cosignature"].replace(" ", " A", 2).replace(" A", " ", 1)
    for body, code in (
        ({**good, "witness": cosignature(lome, note)["witness"]}, "WITNESS_MALFORMED"),
        ({**good, "witness": other["witness"]}, "NOTE_NOT_SIGNED"),
        (rogue, "WITNESS_MALFORMED"),
        ({**good, "size": good["size"] + 10**6}, "NOT_FOUND"),
        ({**good, "cosignature": good["cosignature"] * 2}, "INVALID_REQUEST"),
        ({**good, "cosignature": flipped}, "NOTE_MALFORMED"),
        ({**good, "witness": {}}, "WITNESS_MALFORMED"),
    ):
        assert problem(sent(paris, body))["code"] == code


async def _next(events: Iterator[dict[str, Any]]) -> dict[str, Any]:
    return next(events)


async def _heard(_message: MutableMapping[str, Any]) -> None:
    pass


def test_a_ministry_may_make_its_log_public(service: Service, paris: Post) -> None:
    known = head(paris)
    public = create_application(replace(service.settings, log_public=True))

    async def asked() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=public)
        async with httpx.AsyncClient(transport=transport, base_url="http://public") as client:
            paths = ("checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1")
            answers = [await client.get(f"/v1/audit/{path}") for path in paths]
        events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        await public({"type": "lifespan"}, partial(_next, events), _heard)
        return answers

    note, tile, bundle = asyncio.run(asked())
    assert Checkpoint.parse(Note.parse(note.content).text).origin == (
        Checkpoint.parse(known.text).origin
    )
    assert (len(tile.content), len(bundle.content)) == (32, 34)


def test_health_says_that_heads_are_signed_or_why_not(service: Service) -> None:
    def told() -> str:
        return str(service.http.get("/v1/health").raise_for_status().json()["log"])

    assert told() == "ok"
    with service.administration() as connection:
        connection.execute(text("UPDATE audit_log SET trouble = 'LOG_HEAD_LOST'"))
    named = told()
    # The registrar signs the next head, and says so.
    until = time.monotonic() + 90
    while told() != "ok" and time.monotonic() < until:
        time.sleep(0.2)
    assert (named, told()) in (("LOG_HEAD_LOST", "ok"), ("ok", "ok"))


def test_a_receipt_that_carries_another_history_counts_and_is_recorded(
    service: Service, paris: Post, lome: Post
) -> None:
    sent_to_lome = paris.send([lome])
    rogue = LogKeys.generate()
    text_of_head = Checkpoint(service.settings.log_origin, 3, b"\1" * 32).encode()
    line = LogLine(rogue.verifiers())
    note = rogue.sign(text_of_head, b"", b"", HeadInMemory(), line).decode()
    statement = PostReceipt(
        kind=DELIVERED,
        dispatch_id=sent_to_lome.id,
        post=lome.code,
        card=lome.own.card.fingerprint,
        envelope_sha256=sent_to_lome.slip.envelope_sha256,
        at=clock.now().replace(microsecond=0),
        checkpoint=note,
    )
    body = make_post_receipt(statement, lambda data: lome.own.signing.sign(RECEIPT, data))
    headers = {"Content-Type": "application/json"}
    assert lome.call("POST", "/v1/receipts", headers=headers, content=body).status_code == 201
    with service.administration() as connection:
        found = connection.execute(
            text(
                "SELECT actor, outcome FROM audit_entry"
                " WHERE action = 'log_heard' AND resource = :dispatch"
            ),
            {"dispatch": sent_to_lome.id},
        ).one()
    assert tuple(found) == ("LOME", "refused")
