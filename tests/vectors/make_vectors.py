"""Makes the envelope's test vectors anew: `make vectors`.

Keys, ids, texts and salts are fixed; HPKE and ML-DSA draw randomness that cannot be given, so the
files differ each time while their verdicts do not. The committed files are the truth: change them
only when the format grows, and never an expectation that stands.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

from tests.vectors import envelope_cases, package_cases
from tests.vectors.envelope_cases import OPENED, Case
from tests.vectors.forge import identity, unseal

FOLDER = Path(__file__).parent / "depeche"
POSTS = ("MINREX", "PARIS", "LOME", "ROGUE")
TRUSTED = ("MINREX",)


def main() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir()
    for post in POSTS:
        (FOLDER / f"{post}.card").write_bytes(identity(post).card.to_bytes() + b"\n")
    index = {
        "about": "Dispatches with one defect each, and good ones; see make_vectors.py.",
        "identities": {post: identity(post).age_identity for post in POSTS},
        "trusted": TRUSTED,
        "vectors": [
            _write(case) for case in itertools.chain(envelope_cases.cases(), package_cases.cases())
        ],
    }
    text = json.dumps(index, ensure_ascii=False, indent=1) + "\n"
    (FOLDER / "index.json").write_text(text, encoding="utf-8")
    print(f"{len(index['vectors'])} vectors in {FOLDER}")


def _write(case: Case) -> dict[str, Any]:
    envelope = case.make()
    (FOLDER / f"{case.name}.age").write_bytes(envelope)
    entry: dict[str, Any] = {
        "file": f"{case.name}.age",
        "about": case.about,
        "opener": case.opener,
        "expect": case.expect,
    }
    if case.expect == OPENED:
        entry |= _contents(envelope, case.opener)
    return entry


def _contents(envelope: bytes, opener: str) -> dict[str, Any]:
    """What is inside, read with Python's own tarfile."""
    _, _, archive = unseal(envelope, identity(opener))
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [(entry.name, tar.extractfile(entry)) for entry in tar]
        files = {name: body.read() for name, body in members if body}
    manifest = files.pop("manifest.json")
    for name in ("manifest.json.ed25519", "manifest.json.mldsa65", "SHA256SUMS"):
        del files[name]
    return {
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "parts": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }


if __name__ == "__main__":
    main()
