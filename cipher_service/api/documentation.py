"""How the OpenAPI document describes what FastAPI cannot see: bodies that this API reads itself."""

from typing import Any

from cipher_service.wire.fields import WireModel
from cipher_service.wire.problems import PROBLEM_MEDIA_TYPE

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


def json_body(model: type[WireModel]) -> dict[str, Any]:
    """Describe a JSON body."""
    return _body({"application/json": {"schema": _reference(model)}})


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


def _body(content: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": content}}


def _reference(model: type[WireModel]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}
