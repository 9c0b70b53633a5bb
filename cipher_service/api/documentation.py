"""How the OpenAPI document describes what FastAPI cannot see: bodies that this API reads itself."""

import json
from importlib.resources import files
from typing import Any

from cipher_service.wire.fields import WireModel
from cipher_service.wire.problems import PROBLEM_MEDIA_TYPE

TOKEN: list[dict[str, list[str]]] = [
    {"token": [], "proof": []},
    {"bound_token": [], "certificate": []},
]
SECURITY_SCHEMES: dict[str, Any] = {
    "token": {
        "type": "http",
        "scheme": "dpop",
        "description": "`Authorization: DPoP <access token>` (RFC 9449), from `/v1/token`.",
    },
    "proof": {
        "type": "apiKey",
        "in": "header",
        "name": "DPoP",
        "description": "A fresh proof of possession for this request, used once.",
    },
    "bound_token": {
        "type": "http",
        "scheme": "bearer",
        "description": "`Authorization: Bearer <access token>` that is bound to a certificate.",
    },
    "certificate": {
        "type": "mutualTLS",
        "description": "The post's certificate (RFC 8705), from `/v1/certificates`.",
    },
}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": description,
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for status, description in (
        ("4XX", "Refused, by name: `code` is stable, the texts follow `Accept-Language`."),
        ("5XX", "Not done, or not known to be done: repeat the identical request."),
    )
}


def json_body(*models: type[WireModel]) -> dict[str, Any]:
    """Describe a JSON body of one of these shapes."""
    shapes = [_reference(model) for model in models]
    schema = shapes[0] if len(shapes) == 1 else {"oneOf": shapes}
    return _body({"application/json": {"schema": schema}})


def form_body(model: type[WireModel]) -> dict[str, Any]:
    """Describe a form."""
    return _body({"application/x-www-form-urlencoded": {"schema": _reference(model)}})


def bytes_body(media_type: str, description: str) -> dict[str, Any]:
    """Describe a body of bytes."""
    schema = {"type": "string", "format": "binary", "description": description}
    return _body({media_type: {"schema": schema}})


def document_body(description: str) -> dict[str, Any]:
    """Describe a body that is a signed document of `keys/`."""
    return _body({"application/json": {"schema": {"type": "object", "description": description}}})


def with_token(*parts: dict[str, Any]) -> dict[str, Any]:
    """Describe a route that needs a token, joined with the other parts of its description."""
    described: dict[str, Any] = {"security": TOKEN}
    for part in parts:
        for name, value in part.items():
            held = described.get(name)
            described[name] = [*held, *value] if isinstance(held, list) else value
    return described


def parameter(
    name: str, place: str, pattern: str, description: str, *, required: bool = False
) -> dict[str, Any]:
    """Describe a header or query parameter; `place` is `header` or `query`."""
    schema = {"type": "string", "pattern": pattern}
    entry = {"name": name, "in": place, "schema": schema, "description": description}
    return {"parameters": [{**entry, "required": required}]}


def bytes_answer(description: str, media_type: str) -> dict[str, Any]:
    """Describe an answer of bytes or of a stream."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"description": description, "content": content}


def document_answer(description: str) -> dict[str, Any]:
    """Describe an answer that is a signed document of `keys/`."""
    content = {"application/json": {"schema": {"type": "object"}}}
    return {"description": description, "content": content}


def model_answer(description: str, model: type[WireModel]) -> dict[str, Any]:
    """Describe an answer that a route writes itself."""
    content = {"application/json": {"schema": _reference(model)}}
    return {"description": description, "content": content}


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def _reference(model: type[WireModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def add_examples(document: dict[str, Any]) -> None:
    """Put `examples.json`, taken from a live service, beside the shapes of requests and answers."""
    text = files("cipher_service.api").joinpath("examples.json").read_text("utf-8")
    for name, example in json.loads(text).items():
        method, path = name.split(" ")
        operation = document["paths"][path][method.lower()]
        if "request" in example:
            content = operation["requestBody"]["content"]
            content["application/json"]["example"] = example["request"]
        if "answer" in example:
            content = operation["responses"][str(example["status"])]["content"]
            content["application/json"]["example"] = example["answer"]
