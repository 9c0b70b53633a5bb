"""What was built for browsers: files named by their hash, each with its integrity.

`static/manifest.json` is written by the build: `{"console.css": {"file": "console-ab12.css",
"integrity": "sha384-..."}}`. Only what it names is served, and `markings.css`, which is made here
from the scheme of markings.
"""

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256, sha384
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from cipher_service.console.markings import stylesheet
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme

_KINDS: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "woff2": "font/woff2",
    "wasm": "application/wasm",
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
    "webmanifest": "application/manifest+json",
}
_MARK: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7"'
    ' fill="#16202a"/><circle cx="8" cy="8" r="4" fill="none" stroke="#fff"/></svg>'
)
_GZIP: Final = re.compile(r"\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))")
_FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A built file: its address and the hash that a browser demands of it."""

    url: str
    integrity: str


class Assets:
    """The built files of this installation."""

    def __init__(self, folder: Traversable | None = None) -> None:
        self._folder = folder or files("cipher_service.console").joinpath("static")
        manifest = self._folder.joinpath("manifest.json")
        named = json.loads(manifest.read_text("utf-8")) if manifest.is_file() else {}
        self._named = {
            name: Asset(f"/static/{entry['file']}", entry["integrity"])
            for name, entry in named.items()
        }
        self._served = frozenset(entry["file"] for entry in named.values())
        colours = stylesheet(default_scheme())
        file = f"markings.{sha256(colours).hexdigest()[:16]}.css"
        self._made = {file: colours}
        integrity = f"sha384-{b64encode(sha384(colours).digest()).decode('ascii')}"
        self._named["markings.css"] = Asset(f"/static/{file}", integrity)

    def named(self, name: str) -> Asset | None:
        """Return a built file by its name in the source; None when nothing of it was built."""
        return self._named.get(name)

    async def serve(self, request: Request) -> Response:
        """Answer `/static/{file}`. Raises ServiceError NOT_FOUND."""
        name = str(request.path_params["file"])
        body = self._made.get(name)
        if body is None:
            if name not in self._served:
                raise ServiceError("NOT_FOUND")
            body, travels = built(self._folder, name, request)
        else:
            travels = {}
        kind = _KINDS.get(name.rpartition(".")[2], "application/octet-stream")
        return Response(body, headers={"content-type": kind, "cache-control": _FOR_EVER, **travels})


def built(folder: Traversable, file: str, request: Request) -> tuple[bytes, dict[str, str]]:
    """Return a built file as it travels to this browser, and the headers that say so.

    Compressed where the build made it smaller and the browser takes that. Pages never are: what is
    secret in them would show in their length beside what a stranger had put there.
    """
    packed = folder.joinpath(f"{file}.gz")
    if not packed.is_file():
        return folder.joinpath(file).read_bytes(), {}
    varies = {"vary": "accept-encoding"}
    if _GZIP.search(",".join(request.headers.getlist("accept-encoding"))) is None:
        return folder.joinpath(file).read_bytes(), varies
    return packed.read_bytes(), {**varies, "content-encoding": "gzip"}


async def mark(_request: Request) -> Response:
    """Answer `/marque.svg`: the tab's mark, a seal."""
    return Response(_MARK, headers={"content-type": _KINDS["svg"], "cache-control": _FOR_EVER})
