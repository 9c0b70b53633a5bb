"""Makes the envelope's test vectors: `make vectors`.

Keys, ids, texts and salts are fixed; HPKE and ML-DSA draw randomness that cannot be given, so a
file made again differs while its verdict does not. The committed files are the truth: this adds
those that are missing, writes the index, and never an expectation over one that stands.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import tarfile
from pathlib import Path
from typing import Any

from tests.vectors import envelope_cases, package_cases, rerouting_cases, s2_cases
from tests.vectors.envelope_cases import OPENED, Case
from tests.vectors.forge import identity, unseal

FOLDER = Path(__file__).parent / "depeche"
POSTS = ("MINREX", "PARIS", "LOME", "ROGUE")
TRUSTED = ("MINREX",)


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for post in POSTS:
        path = FOLDER / f"{post}.card"
        if not path.exists():
            path.write_bytes(identity(post).card.to_bytes() + b"\n")
    complement = FOLDER / "MINREX.complement"
    if not complement.exists():
        complement.write_bytes(identity("MINREX").complement().to_bytes() + b"\n")
    index = {
        "about": "Dispatches with one defect each, and good ones; see make_vectors.py.",
        "identities": {post: identity(post).age_identity for post in POSTS},
        "trusted": TRUSTED,
        "complements": TRUSTED,
        "vectors": [
            _write(case)
            for case in itertools.chain(
                envelope_cases.cases(),
                package_cases.cases(),
                rerouting_cases.cases(),
                s2_cases.cases(),
            )
        ],
    }
    text = json.dumps(index, ensure_ascii=False, indent=1) + "\n"
    (FOLDER / "index.json").write_text(text, encoding="utf-8")
    print(f"{len(index['vectors'])} vectors in {FOLDER}")


def _write(case: Case) -> dict[str, Any]:
    path = FOLDER / f"{case.name}.age"
    if not path.exists():
        path.write_bytes(case.make())
    entry: dict[str, Any] = {
        "file": f"{case.name}.age",
        "about": case.about,
        "opener": case.opener,
        "expect": case.expect,
    }
    if case.trusted != TRUSTED:
        entry["trusted"] = list(case.trusted)
    if case.complements != TRUSTED:
        entry["complements"] = list(case.complements)
    if case.expect == OPENED:
        entry |= _contents(path.read_bytes(), case.opener)
    return entry


def _contents(envelope: bytes, opener: str) -> dict[str, Any]:
    """What is inside, read with Python's own tarfile."""
    _, _, archive = unseal(envelope, identity(opener))
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        members = [(entry.name, tar.extractfile(entry)) for entry in tar]
        files = {name: body.read() for name, body in members if body}
    manifest = files.pop("manifest.json")
    for name in ("ed25519", "mldsa65", "mldsa87"):
        files.pop(f"manifest.json.{name}", None)
    del files["SHA256SUMS"]
    return {
        "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
        "parts": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
    }


if __name__ == "__main__":
    main()
