"""What pages load: built from pinned packages, small, named by its hash, and in every wheel."""

import base64
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

METADATA = "cipher_service-0.1.0.dist-info"
ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "cipher_service/console/assets"
STATIC = ROOT / "cipher_service/console/static"
MANIFEST: dict[str, Any] = json.loads((STATIC / "manifest.json").read_text("utf-8"))

LETTERS = ("plex-sans-400.woff2", "plex-sans-600.woff2", "plex-mono-400.woff2")
FIRST_LOAD = ("console.css", "core.js", "session.js", "alerts.js", *LETTERS)
PAGE = 5_000
"""Bytes of a page itself, compressed: the inbox with fifteen lines has fewer."""
KILOBYTE = 1000


def _gzip(*names: str) -> int:
    return sum(MANIFEST[name]["gzip"] for name in names)


def test_what_every_page_loads_fits_a_satellite_line() -> None:
    assert _gzip("core.js") <= 15 * KILOBYTE
    assert _gzip(*FIRST_LOAD) + PAGE <= 60 * KILOBYTE


def test_what_a_page_adds_fits_it_too() -> None:
    assert _gzip("decipher.js") <= 60 * KILOBYTE
    islands = [name for name in MANIFEST if name.endswith(".js")]
    assert max(map(_gzip, islands)) <= 60 * KILOBYTE


def test_the_page_that_a_telephone_makes_bags_up_with_fits_it_whole() -> None:
    """What reads a label's symbol is loaded once the camera is switched on."""
    assert _gzip(*FIRST_LOAD, "making.js") + PAGE <= 60 * KILOBYTE


def test_no_script_names_a_place_that_it_could_fetch_from() -> None:
    """A decoder's built-in address of somebody's server is cut out when it is built."""
    for name, entry in MANIFEST.items():
        if name.startswith("scan") and name.endswith(".js"):
            assert not re.search(rb"https?://", (STATIC / entry["file"]).read_bytes()), name


def test_letters_are_three_files_that_are_fetched_once() -> None:
    assert sorted(LETTERS) == [name for name in MANIFEST if name.endswith(".woff2")]


@pytest.mark.parametrize("name", sorted(MANIFEST))
def test_each_file_is_what_the_manifest_says(name: str) -> None:
    entry = MANIFEST[name]
    content = (STATIC / entry["file"]).read_bytes()
    assert len(content) == entry["bytes"]
    assert entry["file"].split(".")[-2] == hashlib.sha256(content).hexdigest()[:16]
    packed = STATIC / f"{entry['file']}.gz"
    assert packed.exists() is (entry["gzip"] < entry["bytes"]), "what compresses lies there so"
    if packed.exists():
        assert gzip.decompress(packed.read_bytes()) == content
        assert packed.stat().st_size == entry["gzip"]
    digest = base64.b64encode(hashlib.sha384(content).digest()).decode()
    assert entry["integrity"] == f"sha384-{digest}"


def test_nothing_stands_in_the_folder_that_the_manifest_does_not_name() -> None:
    named = {entry["file"] for entry in MANIFEST.values()} | {"manifest.json", "components.json"}
    assert {path.name.removesuffix(".gz") for path in STATIC.iterdir()} == named


def test_styles_name_no_other_place() -> None:
    for name, entry in MANIFEST.items():
        if name.endswith(".css"):
            text = (STATIC / entry["file"]).read_text("utf-8")
            assert not re.search(r"url\(['\"]?(?!data:image/svg|[a-z0-9.-]+\.woff2)", text), name
            assert "GDS Transport" not in text


def test_the_licence_of_each_package_goes_with_it() -> None:
    text = (STATIC / MANIFEST["licences.txt"]["file"]).read_text("utf-8")
    for name in ("govuk-frontend", "zxing-wasm", "@fontsource/ibm-plex-sans"):
        assert re.search(rf"^{re.escape(name)} \d", text, re.MULTILINE), name
    assert "Permission is hereby granted" in text
    assert "SIL OPEN FONT LICENSE" in text


def test_the_build_writes_down_which_packages_are_in_it() -> None:
    """`cipher-service components` judges these; what only builds is not among them."""
    told = json.loads((STATIC / "components.json").read_text("utf-8"))
    locked = json.loads((ASSETS / "package-lock.json").read_text("utf-8"))["packages"]
    assert told == {name: locked[f"node_modules/{name}"]["version"] for name in told}
    assert set(json.loads((ASSETS / "package.json").read_text("utf-8"))["dependencies"]) <= set(
        told
    )
    assert not [name for name in told if locked[f"node_modules/{name}"].get("dev")]
    licences = (STATIC / MANIFEST["licences.txt"]["file"]).read_text("utf-8")
    assert re.findall(r"^(\S+) (\S+) \(.*\)\n\n", licences, re.MULTILINE) == sorted(told.items())


def test_packages_are_pinned_exactly_and_their_lock_names_no_address() -> None:
    package = json.loads((ASSETS / "package.json").read_text("utf-8"))
    pins = {**package["dependencies"], **package["devDependencies"]}
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in pins.values())
    lock = (ASSETS / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in lock
    entries = json.loads(lock)["packages"]
    assert all("integrity" in entry for path, entry in entries.items() if path)


def test_a_wheel_built_from_the_sources_alone_holds_the_assets(tmp_path: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True)
    for name in listed.stdout.decode().splitlines():
        if not name.startswith("tests/") and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        inside = archive.read("cipher_service/console/static/manifest.json")
    assert json.loads(inside) == MANIFEST, "the same sources build the same files"
    for entry in MANIFEST.values():
        assert f"cipher_service/console/static/{entry['file']}" in names
        packed = f"cipher_service/console/static/{entry['file']}.gz"
        assert (packed in names) is (entry["gzip"] < entry["bytes"])
    assert not [name for name in names if "console/assets" in name or "node_modules" in name]
    # Nothing of how it is made: no tests, no history, no lists of the workshop.
    assert {name.split("/")[0] for name in names} <= {"cipher_service", "keys", "pouch", METADATA}
    assert not [
        name for name in names if re.search(r"(^|/)(tests?|\.[a-z]+|conftest\.py)(/|$)", name)
    ]


def test_pictures_are_written_in_letters_that_are_served() -> None:
    styles = (STATIC / MANIFEST["console.css"]["file"]).read_text("utf-8")
    served = set(re.findall(r'@font-face\{font-family:"?([^";}]+)', styles))
    templates = ROOT / "cipher_service/console/templates"
    named = {
        found[1]
        for file in templates.rglob("*.html")
        for found in re.finditer(r'font-family="([^",]+)', file.read_text("utf-8"))
    }
    assert named
    assert named <= served
