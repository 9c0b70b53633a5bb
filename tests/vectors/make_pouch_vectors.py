"""Makes the seal's test vectors: `make vectors`.

The committed files are the truth: this adds those that are missing and writes the index. ML-DSA
draws randomness, so a manifest or pack made again differs while its verdict does not.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from keys.canonical import text_from_time
from keys.endorsement import root_file
from tests.vectors.logged_cases import logged_cases
from tests.vectors.pouch_cases import ROOT, SEALER, WITNESS, Case, cases

FOLDER = Path(__file__).parent / "pouch"
TRUSTED = (SEALER, WITNESS)


def main() -> None:
    """Write what is missing."""
    FOLDER.mkdir(exist_ok=True)
    _add(f"{ROOT.card.post}.root", lambda: root_file(ROOT.card.verifying_key) + b"\n")
    for each in TRUSTED:
        _add(f"{each.card.post}.card", lambda card=each.card: card.to_bytes() + b"\n")  # type: ignore[misc]  # bound at once
    index = {
        "about": "Seals with one defect each, and good ones; see make_pouch_vectors.py.",
        "trusted": [each.card.post for each in TRUSTED],
        "root": ROOT.card.post,
        "vectors": [_write(case) for case in (*cases(), *logged_cases())],
    }
    text = json.dumps(index, ensure_ascii=False, indent=1) + "\n"
    (FOLDER / "index.json").write_text(text, encoding="utf-8")
    print(f"{len(index['vectors'])} vectors in {FOLDER}")


def _write(case: Case) -> dict[str, Any]:
    _add(f"{case.name}.txt", case.text.encode)
    entry: dict[str, Any] = {
        "file": f"{case.name}.txt",
        "about": case.about,
        "at": text_from_time(case.at),
        "expect": case.expect,
    }
    for member, make, suffix in (
        ("manifest", case.sealed, "manifest.json"),
        ("pack", case.pack, "pack.json"),
    ):
        if make is not None:
            name = f"{case.name}.{suffix}"
            _add(name, make)
            entry[member] = name
    if case.seals is not None:
        entry["seals"] = case.seals
    if case.weight is not None:
        entry["weight"] = case.weight
    return entry


def _add(name: str, make: Callable[[], bytes]) -> None:
    path = FOLDER / name
    if not path.exists():
        path.write_bytes(make())


if __name__ == "__main__":
    main()
