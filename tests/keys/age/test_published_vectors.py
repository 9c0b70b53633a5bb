"""The 143 vectors of C2SP/CCTV, each failing at its published stage and releasing no more."""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from keys.age import armor
from keys.age.files import open_age
from keys.age.header import Header
from keys.errors import (
    HeaderMalformed,
    HeaderTampered,
    HeaderTooLarge,
    NotAddressed,
    NotAge,
    PayloadDamaged,
    Refusal,
)

if TYPE_CHECKING:
    from tests.keys.age.conftest import Vector

STAGES: dict[type[Refusal], str] = {
    armor.ArmorMalformed: "armor failure",
    NotAge: "header failure",
    HeaderMalformed: "header failure",
    HeaderTooLarge: "header failure",
    NotAddressed: "no match",
    HeaderTampered: "HMAC failure",
    PayloadDamaged: "payload failure",
}
COUNTS = {
    "success": 26,
    "header failure": 62,
    "armor failure": 22,
    "payload failure": 19,
    "no match": 13,
    "HMAC failure": 1,
}


def attempt(vector: Vector) -> tuple[str, bytes]:
    """Reads a vector to its end; gives the stage reached and all that was released."""
    released = bytearray()
    try:
        file = armor.decode(vector.file) if vector.armored else vector.file
        payload = open_age(io.BytesIO(file), vector.identities)
        while chunk := payload.next_chunk():
            released += chunk
    except Refusal as refusal:
        return STAGES[type(refusal)], bytes(released)
    return "success", bytes(released)


def test_the_published_set_is_whole(vectors: list[Vector]) -> None:
    assert Counter(vector.expect for vector in vectors) == COUNTS


@pytest.mark.parametrize("stage", COUNTS)
def test_every_vector_ends_at_its_stage_with_its_payload(vectors: list[Vector], stage: str) -> None:
    differences = []
    for vector in (vector for vector in vectors if vector.expect == stage):
        reached, released = attempt(vector)
        if reached != stage:
            differences.append(f"{vector.name}: {reached}")
        if vector.payload is None:
            if released:
                differences.append(f"{vector.name}: released {len(released)} bytes")
        elif hashlib.sha256(released).hexdigest() != vector.payload:
            differences.append(f"{vector.name}: released another payload")
    assert differences == []


def test_every_header_that_parses_encodes_to_the_same_bytes(vectors: list[Vector]) -> None:
    seen = 0
    for vector in vectors:
        if vector.expect in {"header failure", "armor failure"}:
            continue
        file = armor.decode(vector.file) if vector.armored else vector.file
        source = io.BytesIO(file)
        header = Header.parse(source)
        assert header.encode() == file[: source.tell()], vector.name
        seen += 1
    assert seen == 143 - 62 - 22
