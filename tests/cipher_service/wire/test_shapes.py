"""The shapes of the wire: strict, closed, one spelling."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from cipher_service.wire import dispatches, enrolment
from cipher_service.wire.dispatches import DispatchPage, Upload
from cipher_service.wire.enrolment import PublicJwk, enrolment_statement
from cipher_service.wire.problems import Problem
from keys import canonical

ITEM: dict[str, Any] = {
    "cursor": "123",
    "dispatch_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV",
    "register_number": "2026/000123",
    "origin": "PARIS",
    "kind": "telegram",
    "level": "SECRET",
    "caveats": ["NODIS"],
    "dtg": "2026-11-22T10:34:00Z",
    "role": "action",
    "precedence": "FLASH",
    "delivery": "cipher",
    "series": {"epoch": 202600, "number": 7},
    "envelope": {"sha256": "a" * 64, "size": 4096},
    "received_at": "2026-11-22T10:35:00Z",
    "state": "pending",
}


def test_a_page_survives_its_own_writing() -> None:
    page = DispatchPage.model_validate({"items": [ITEM], "next": None})
    assert DispatchPage.model_validate_json(page.model_dump_json()) == page


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("dispatch_id", "01arz3ndektsv4rrffq69g5fav"),
        ("dispatch_id", "81ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ("dispatch_id", "01ARZ3NDEKTSV4RRFFQ69G5FAV\n"),
        ("origin", "paris"),
        ("origin", "P"),
        ("level", ""),
        ("role", "ACTION"),
        ("state", "lost"),
        ("envelope", {"sha256": "A" * 64, "size": 1}),
        ("envelope", {"sha256": "a" * 64, "size": 1.0}),
        ("envelope", {"sha256": "a" * 64, "size": "1"}),
        ("envelope", {"sha256": "a" * 64, "size": True}),
        ("envelope", {"sha256": "a" * 64, "size": -1}),
        ("envelope", {"sha256": "a" * 64, "size": 2**53}),
        ("series", {"epoch": 202600, "number": 0}),
        ("received_at", "2026-11-22T10:35:00+01:00"),
        ("unknown", 1),
    ],
)
def test_another_spelling_or_type_is_refused(member: str, value: object) -> None:
    with pytest.raises(ValidationError):
        DispatchPage.model_validate_json(
            json.dumps({"items": [{**ITEM, member: value}], "next": None})
        )


def test_shapes_cannot_be_changed() -> None:
    upload = Upload(upload="a" * 32, dispatch_id=ITEM["dispatch_id"], offset=0, size=1)
    with pytest.raises(ValidationError):
        upload.offset = 1


def test_a_public_key_with_its_private_half_is_refused() -> None:
    jwk = {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "B" * 43}
    assert PublicJwk.model_validate(jwk).model_dump() == jwk
    with pytest.raises(ValidationError):
        PublicJwk.model_validate({**jwk, "d": "C" * 43})


def test_the_enrolment_statement_binds_everything_and_tells_no_code() -> None:
    members = {
        "post": "PARIS",
        "fingerprint": "a" * 64,
        "jkt": "J" * 43,
        "code": "0000-1111-2222-3333-4444",
        "issuer": "https://chiffre.example",
    }
    statement = enrolment_statement(**members)
    assert canonical.encode(canonical.decode(statement)) == statement
    assert b"0000-1111" not in statement
    for name in members:
        assert enrolment_statement(**{**members, name: "other"}) != statement


def test_every_shape_is_closed_and_strict() -> None:
    for module in (dispatches, enrolment):
        for model in vars(module).values():
            if isinstance(model, type) and hasattr(model, "model_config"):
                assert model.model_config["extra"] == "forbid"
                assert model.model_config["strict"] is True
    assert Problem.model_config["frozen"] is True
