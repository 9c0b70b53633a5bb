"""What posts are told of backups; only a receipt of this ministry proves a number."""

import json

import httpx

from tests.surfaces.api.live import Post, problem

JSON = {"Content-Type": "application/json"}


def _proved(by: Post, content: bytes) -> httpx.Response:
    return by.call("POST", "/v1/continuity/receipts", headers=JSON, content=content)


def test_a_receipt_of_another_hand_raises_no_number(paris: Post, lome: Post) -> None:
    sent = paris.send([lome]).answer
    assert sent is not None
    assert _proved(lome, sent.content).json() == {"raised": False}

    receipt = sent.json()
    higher = json.dumps(
        {**receipt, "statement": {**receipt["statement"], "register": "2099/999999"}}
    ).encode()
    for content in (b"", b"[]", b"{}", sent.content[:-1], higher):
        answer = _proved(paris, content)
        assert 400 <= answer.status_code < 500, answer.text
        assert problem(answer)["code"] != "INTERNAL"
    after = paris.send([lome]).answer
    assert after is not None
    assert after.json()["statement"]["register"] < "2099"


def test_nobody_without_a_token_is_told(paris: Post) -> None:
    assert paris.service.http.get("/v1/continuity").status_code == 401
