"""Advisories in the OSV format as they are published, for one package or a whole ecosystem."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

WHOLE = 5000
# What GHSA-wj6h-64fc-37mp says of `ecdsa`, in its form of 2024, texts and links left out.
ECDSA: dict[str, Any] = {
    "schema_version": "1.4.0",
    "id": "GHSA-wj6h-64fc-37mp",
    "modified": "2024-01-22T21:35:27Z",
    "published": "2024-01-22T21:35:27Z",
    "aliases": ["CVE-2024-23342"],
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:N"}],
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "ecdsa"},
            "ecosystem_specific": {"affected_functions": ["ecdsa.SigningKey.sign_digest"]},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ],
    "database_specific": {"cwe_ids": ["CWE-203"], "severity": "HIGH", "nvd_published_at": None},
}


def record(name: str, package: str, *events: dict[str, str], **more: Any) -> dict[str, Any]:
    """An advisory about one package; `more` stands beside, or in place of, what is usual."""
    affected = {
        "package": {"ecosystem": more.pop("ecosystem", "PyPI"), "name": package},
        "ranges": [{"type": "ECOSYSTEM", "events": list(events or ({"introduced": "0"},))}],
        "versions": more.pop("versions", []),
    }
    told = {"id": name, "modified": "2026-11-20T08:00:00.123456Z", "affected": [affected]}
    return told | more


def filler(ecosystem: str, modified: str) -> Iterable[dict[str, Any]]:
    """As many records as an ecosystem has at least, about packages that nobody here uses."""
    for number in range(WHOLE):
        package = {"ecosystem": ecosystem, "name": f"nobody-uses-{number}"}
        name = f"MAL-2026-{number}"
        yield {"id": name, "modified": modified, "affected": [{"package": package}]}


def zipped(path: Path, records: Iterable[dict[str, Any]]) -> Path:
    """Write records as an ecosystem publishes them: a ZIP of one file each."""
    with ZipFile(path, "w") as archive:
        for each in records:
            archive.writestr(ZipInfo(f"{each['id']}.json"), json.dumps(each), ZIP_DEFLATED)
    return path


def whole(folder: Path, modified: str, *records: dict[str, Any]) -> tuple[Path, Path]:
    """Write the ZIP of PyPI, with these records in it, and that of npm."""
    return (
        zipped(folder / "pypi.zip", [*filler("PyPI", modified), *records]),
        zipped(folder / "npm.zip", filler("npm", modified)),
    )
