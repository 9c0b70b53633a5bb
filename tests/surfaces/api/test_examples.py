"""The examples of the OpenAPI document are what the live service takes and gives.

Each address is really called; request and answer must have the documented shape. After a change,
`python -m tests.surfaces.api.test_examples` writes the examples anew from a live service.
"""

import io
import json
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
from PIL import Image

from cipher_service import clock
from cipher_service.references import new_id
from cipher_service.wire.dispatches import CHUNK_MEDIA_TYPE, SUBMISSION_MEDIA_TYPE
from keys import canonical
from tests.support.ministry import PostKeys
from tests.surfaces.api.bags import (
    PostBook,
    agent,
    empties_notice,
    empty_bag,
    fresh,
    machine,
    piece,
)
from tests.surfaces.api.doors import auditor, door, grant, officer
from tests.surfaces.api.live import Post, Service, running
from tests.surfaces.api.test_log import cosignature, head, sent
from tests.surfaces.api.test_prekeys import bundle_of, handed_in
from tests.surfaces.api.test_receiving import filed, receipt_of, tracer

FILE = "examples.json"
LONGEST = 64

Example = dict[str, Any]


def example(answer: httpx.Response, request: Any = None) -> Example:
    """Keep what was sent and given, long texts cut."""
    kept: Example = {"status": answer.status_code}
    if request is not None:
        kept["request"] = _cut(request)
    if answer.headers.get("content-type", "").endswith("json"):
        kept["answer"] = _cut(answer.json())
    return kept


def played(service: Service, paris: Post, lome: Post) -> dict[str, Example]:
    """Call every address once, as posts do, and return the examples by operation."""
    http, made = service.http, {}
    head(paris)  # receipts carry the log's last head, once there is one
    made["GET /v1/health"] = example(http.get("/v1/health"))
    made["GET /v1/service-card"] = example(http.get("/v1/service-card"))
    newcomer = Post(service, PostKeys("MARSEILLE"))
    enrolment = newcomer.enrolment_body(service.issue_code("MARSEILLE"))
    made["POST /v1/enrolments"] = example(
        http.post("/v1/enrolments", json=enrolment), request=enrolment
    )
    made["GET /v1/enrolments/{post}"] = example(http.get("/v1/enrolments/PARIS"))
    made["POST /v1/token"] = example(paris.ask_token())
    made["POST /v1/certificates"] = example(paris.call("POST", "/v1/certificates"))
    made["GET /v1/directory"] = example(paris.get("/v1/directory"))
    made["GET /v1/directory/posts/{code}"] = example(paris.get("/v1/directory/posts/PARIS"))
    made["GET /v1/cards/{code}"] = example(paris.get("/v1/cards/LOME"))
    made.update(_sending(paris, lome))
    made.update(_receiving(paris, lome))
    made.update(_pouches(service, paris))
    made.update(_prekeys(paris, lome))
    made.update(_log(paris))
    made.update(_continuity(paris, lome))
    made.update(_doors(service))
    return made


def _sending(paris: Post, lome: Post) -> dict[str, Example]:
    sent = paris.send([lome])
    assert sent.answer is not None
    large = paris.make([lome], size=100_000)
    headers = {"Content-Type": SUBMISSION_MEDIA_TYPE}
    opened = paris.call("POST", "/v1/uploads", headers=headers, content=large.signed.head)
    address = opened.headers["location"]
    chunk = {"Content-Type": CHUNK_MEDIA_TYPE, "Upload-Offset": "0"}
    return {
        "POST /v1/dispatches": example(sent.answer),
        "POST /v1/uploads": example(opened),
        "HEAD /v1/uploads/{upload}": example(paris.call("HEAD", address)),
        "PATCH /v1/uploads/{upload}": example(
            paris.call("PATCH", address, headers=chunk, content=large.body)
        ),
    }


def _receiving(paris: Post, lome: Post) -> dict[str, Example]:
    sent = paris.send([lome])
    delivered, asked = receipt_of(lome, sent), tracer(paris, lome)
    address = f"/v1/dispatches/{sent.id}"
    return {
        "GET /v1/dispatches": example(lome.get("/v1/dispatches?limit=1")),
        "GET /v1/dispatches/{dispatch}": example(lome.get(address)),
        "GET /v1/dispatches/{dispatch}/envelope": example(lome.get(f"{address}/envelope")),
        "POST /v1/receipts": example(filed(lome, "/v1/receipts", delivered), json.loads(delivered)),
        "GET /v1/dispatches/{dispatch}/receipts": example(paris.get(f"{address}/receipts")),
        "POST /v1/service-messages": example(
            filed(paris, "/v1/service-messages", asked), json.loads(asked)
        ),
        "GET /v1/service-messages": example(lome.get("/v1/service-messages?limit=1")),
    }


def _prekeys(paris: Post, lome: Post) -> dict[str, Example]:
    bundle = bundle_of(lome, 2)
    wanted = {"dispatch_id": new_id(clock.now()), "posts": ["LOME"]}
    return {
        "POST /v1/prekeys": example(handed_in(lome, bundle), json.loads(bundle)),
        "GET /v1/prekeys": example(lome.get("/v1/prekeys")),
        "GET /v1/prekeys/burnt": example(lome.get("/v1/prekeys/burnt")),
        "POST /v1/prekeys/taken": example(
            paris.call("POST", "/v1/prekeys/taken", json=wanted), wanted
        ),
    }


def _doors(service: Service) -> dict[str, Example]:
    security = officer(service, "SECURITY-OFFICER")
    grant(service, security, "CIPHER-ROOM", security)
    asked, machine = {"officer": security}, door(service, "CIPHER-ROOM", security)
    asking, person = auditor(service)
    question = f"/v1/audit/questions/acts?about={person}"
    return {
        "POST /v1/entries": example(machine.call("POST", "/v1/entries", json=asked), request=asked),
        "GET /v1/audit/questions/{question}": example(asking.get(question)),
    }


def _log(paris: Post) -> dict[str, Example]:
    note = head(paris)
    body = cosignature(paris, note)
    return {
        "GET /v1/audit/checkpoint": example(paris.get("/v1/audit/checkpoint")),
        "GET /v1/audit/tile/{name}": example(paris.get("/v1/audit/tile/0/000.p/1")),
        "POST /v1/audit/cosignatures": example(sent(paris, body), body),
    }


def _continuity(paris: Post, lome: Post) -> dict[str, Example]:
    receipt = paris.send([lome]).answer
    assert receipt is not None
    return {
        "GET /v1/continuity": example(paris.get("/v1/continuity")),
        "POST /v1/continuity/receipts": example(
            paris.call(
                "POST",
                "/v1/continuity/receipts",
                headers={"Content-Type": "application/json"},
                content=receipt.content,
            ),
            receipt.json(),
        ),
    }


def _pouches(service: Service, paris: Post) -> dict[str, Example]:
    """A bag from Paris to its ministry, made up by Paris, and one that comes to it."""
    book = PostBook(service, paris)
    device = fresh()
    key = {"ed25519": canonical.text_from_bytes(device.public)}
    taken_in = paris.call("POST", "/v1/pouches/devices", json=key)
    begun, line, sealing = book.begin(), book.line(), book.sealing()
    arrival = json.loads(book.pouches.signed(book.arrival()))
    events = {"clock": None, "events": [arrival]}
    scanned = {"text": book.label(paris), "seals": list(book.numbers), "packages": 1}
    counter, letter = machine(service), piece(agent(service))
    missing = {"officer": "PAUL", "found": [{"line": 1, "found": 0}], "damaged": [1],
               "misdirected": [], "unlisted": 0}  # fmt: skip
    seen = io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(seen, "PNG")
    return {
        "POST /v1/pouches/counter/{act}": example(
            counter.call("POST", "/v1/pouches/counter/hand-in", json=letter), letter
        ),
        "POST /v1/pouches/devices": example(taken_in, key),
        "DELETE /v1/pouches/devices/{device}": example(
            paris.call("DELETE", f"/v1/pouches/devices/{device.id}")
        ),
        "POST /v1/pouches": example(paris.call("POST", "/v1/pouches", json=begun), begun),
        "POST /v1/pouches/{seal}/lines": example(
            paris.call("POST", f"/v1/pouches/{book.seal}/lines", json=line), line
        ),
        "POST /v1/pouches/sealings": example(
            paris.call("POST", "/v1/pouches/sealings", json=sealing), sealing
        ),
        "POST /v1/pouches/verdicts": example(
            paris.call("POST", "/v1/pouches/verdicts", json=scanned), scanned
        ),
        "POST /v1/pouches/events": example(
            paris.call("POST", "/v1/pouches/events", json=events), events
        ),
        "POST /v1/pouches/empties": _emptied(service, paris),
        "GET /v1/pouches/pack": example(paris.get("/v1/pouches/pack")),
        "GET /v1/pouches/{seal}": example(paris.get(f"/v1/pouches/{book.seal}")),
        "POST /v1/pouches/{seal}/differences": _differing(book, counter, missing),
        "POST /v1/pouches/{seal}/photographs": example(
            paris.call(
                "POST",
                f"/v1/pouches/{book.seal}/photographs?officer=PAUL&subject=seals",
                content=seen.getvalue(),
            )
        ),
    }


def _emptied(service: Service, paris: Post) -> Example:
    """Paris announces an empty bag."""
    body = json.loads(empties_notice(paris, empty_bag(service, "PARIS")))
    return example(paris.call("POST", "/v1/pouches/empties", json=body), body)


def _differing(book: PostBook, counter: Post, missing: dict[str, Any]) -> Example:
    opened = json.loads(book.pouches.signed(book.opening()))
    counter.call("POST", "/v1/pouches/events", json={"clock": None, "events": [opened]})
    address = f"/v1/pouches/{book.seal}/differences"
    return example(counter.call("POST", address, json=missing), missing)


def differences(where: str, one: Any, other: Any) -> list[str]:
    """Return where two values differ in form: names and kinds, a list by its first item.

    Null stands for any value that is not there yet, such as the card of an absent post.
    """
    if one is None or other is None:
        return []
    if type(one) is not type(other):
        return [f"{where}: {type(one).__name__} and {type(other).__name__}"]
    if isinstance(one, dict):
        apart = [f"{where}.{name}" for name in sorted(one.keys() ^ other.keys())]
        shared = one.keys() & other.keys()
        return apart + [
            found
            for name in shared
            for found in differences(f"{where}.{name}", one[name], other[name])
        ]
    if isinstance(one, list):
        return differences(f"{where}[0]", one[0], other[0]) if one and other else []
    return []


def documented() -> dict[str, Example]:
    text = files("cipher_service.api").joinpath(FILE).read_text("utf-8")
    examples: dict[str, Example] = json.loads(text)
    return examples


def test_every_example_is_what_the_live_service_takes_and_gives(
    service: Service, paris: Post, lome: Post
) -> None:
    live, shown = played(service, paris, lome), documented()
    assert differences("", live, shown) == []
    assert {name: example["status"] for name, example in live.items()} == {
        name: example["status"] for name, example in shown.items()
    }


def test_every_address_but_the_stream_has_its_example_in_the_document(service: Service) -> None:
    document = service.http.get("/v1/openapi.json").json()
    shown = set()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            known = documented().get(f"{method.upper()} {path}")
            if known is None:
                assert path == "/v1/arrivals"
                continue
            shown.add(f"{method.upper()} {path}")
            given = operation["responses"][str(known["status"])]
            if "answer" in known:
                assert given["content"]["application/json"]["example"] == known["answer"]
            if "request" in known:
                body = operation["requestBody"]["content"]["application/json"]
                assert body["example"] == known["request"]
    assert shown == set(documented())


def _cut(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_cut(item) for item in value[:2]]
    if isinstance(value, str) and len(value) > LONGEST:
        return value[: LONGEST - 1] + "…"
    return value


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "m") as service:
        made = played(service, service.enrolled("PARIS"), service.enrolled("LOME"))
    target = Path("cipher_service/api") / FILE
    target.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
