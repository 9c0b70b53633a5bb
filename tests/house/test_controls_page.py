"""deploy/CONTROLS.md says what is so: every table is read against the code."""

import ast
import re
import tomllib
from datetime import timedelta
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from cipher_service.administration.time_frames import frames
from cipher_service.storage.tables import metadata
from keys.age.scrypt import DEFAULT_LOG_N
from tests.house.test_asvs import _collected

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "deploy" / "CONTROLS.md").read_text("utf-8")
NGINX = (ROOT / "deploy" / "nginx" / "cipher-service.conf").read_text("utf-8")
# What of the libraries is a format, a name or an error, and protects nothing by itself.
PLAIN = {
    *("exceptions", "hashes", "serialization", "x509", "oid", "utils", "bindings", "types"),
    *("secrets", "constants", "share", "mechanisms"),
}


@cache
def rows(section: int) -> list[tuple[str, ...]]:
    """Return the cells of every table row of a section, headings left out."""
    part = re.split(r"^## \d+\. ", PAGE, flags=re.MULTILINE)[section]
    lines = [line for line in part.splitlines() if line.startswith("|")]
    found = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    return [cells for cells in found if not set(cells[0]) <= set("-|")][1:]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


@pytest.mark.parametrize("row", rows(2), ids=lambda row: str(row[0]))
def test_a_limit_is_the_one_in_the_code(row: tuple[str, ...]) -> None:
    [place] = quoted(row[2])
    module, _, name = place.partition(":")
    value = getattr(import_module(module), name)
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    assert int(row[1]) == seconds


def test_the_proxys_limits_are_those_of_its_configuration() -> None:
    told = re.search(r"The proxy adds[^.]*\.", PAGE)
    assert told is not None
    connections, rate, waiting, header, body, silence = re.findall(r"\d+", told[0])
    for line in (
        f"limit_conn cipher_connections {connections};",
        f"rate={rate}r/s;",
        f"burst={waiting};",
        f"client_header_timeout {header}s;",
        f"client_body_timeout   {body}s;",
        f"keepalive_timeout     {silence}s;",
    ):
        assert line in NGINX, line


@pytest.mark.parametrize("row", rows(4), ids=lambda row: str(row[0]))
def test_what_must_agree_is_held_by_a_test_and_refused_by_a_name(row: tuple[str, ...]) -> None:
    file, _, name = quoted(row[2])[0].partition("::")
    assert name in _collected(file)
    texts = list((ROOT / "cipher_service").rglob("*.toml"))
    for code in quoted(row[1]):
        assert any(re.search(rf"^\[(\w+\.)?{code}\]$", path.read_text("utf-8"), re.MULTILINE)
                   for path in texts), code  # fmt: skip


def test_every_circumstance_of_the_policies_is_told() -> None:
    schema = (ROOT / "cipher_service/access/data/schema.cedarschema").read_text("utf-8")
    inner = re.search(r"type Circumstances = \{(.*?)\};", schema, re.DOTALL)
    assert inner is not None
    asked = set(re.findall(r"(\w+):", inner[1]))
    assert asked == {name for row in rows(5) for name in quoted(row[0])}


def test_the_ports_are_those_that_the_unit_may_bind_and_the_proxy_reaches() -> None:
    ports = {int(port) for row in rows(6) for port in re.findall(r"\b8\d{3}\b", row[1])}
    unit = (ROOT / "deploy/systemd/cipher-service.service").read_text("utf-8")
    assert f"SocketBindAllow=tcp:{min(ports)}-{max(ports)}\n" in unit
    assert "IPAddressDeny=any\nIPAddressAllow=localhost\n" in unit
    console = (ROOT / "deploy/nginx/cipher-console.conf").read_text("utf-8")
    reached = {int(port) for port in re.findall(r"127\.0\.0\.1:(\d+)", NGINX + console)}
    assert reached - {8470, 8471, 8472} == set()
    assert reached == ports


def test_every_runbook_about_a_key_is_there_and_every_secret_has_its_renewal() -> None:
    runbooks = {name for row in rows(7) for name in quoted(row[3]) if name.startswith("deploy/")}
    for name in runbooks:
        assert (ROOT / name).is_file(), name
    assert all(row[2] for row in rows(7))
    about_keys = {path.name for path in (ROOT / "deploy/runbooks").glob("*.md")}
    about_keys -= {"components.md", "restore.md", "service-lost.md"}
    assert about_keys == {Path(name).name for name in runbooks}


def _primitives() -> set[str]:
    """Return what `keys/` imports of libraries of cryptography, by the name that protects."""
    found: set[str] = set()
    for path in (ROOT / "keys").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            if not isinstance(node, ast.ImportFrom) or node.level or node.module is None:
                continue
            top, _, rest = node.module.partition(".")
            if top in ("pkcs11", "shamir_mnemonic"):
                found.add(top)
            elif top == "cryptography":
                found |= {_primitive(rest, alias.name) for alias in node.names}
    kept = found & {"pkcs11", "shamir_mnemonic"}
    return kept | {name for name in found if name.startswith("=")}


def _primitive(module: str, name: str) -> str:
    last = module.rpartition(".")[2]
    if last in PLAIN and not name.isupper() and name not in ("SHA256", "SHA384"):
        return ""
    if name in PLAIN or last in ("exceptions", "serialization", "oid", "utils", "types"):
        return ""
    key = re.sub(r"(Private|Public)Key$", "", name)
    return f"={key}"


def test_every_primitive_is_in_the_inventory_and_none_is_below_128_bits() -> None:
    used = {name.removeprefix("=") for name in _primitives()}
    listed = {quoted(row[0])[0]: int(row[2]) for row in rows(8)}
    assert used == set(listed), used ^ set(listed)
    assert min(listed.values()) >= 128
    [passphrases] = [row for row in rows(8) if row[0] == "`Scrypt`"]
    assert f"2^{DEFAULT_LOG_N}" in passphrases[1]
    assert DEFAULT_LOG_N >= 17
    lasting = [row for row in rows(8) if row[1].startswith(("files", "lasting"))]
    assert any(row[3] == "holds" for row in lasting)


def test_every_table_of_the_database_has_its_class() -> None:
    told = [name for row in rows(9) for name in quoted(row[1])]
    assert len(told) == len(set(told))
    assert set(told) == set(metadata.tables)


def test_the_log_has_words_for_every_act_and_goes_where_the_page_says() -> None:
    words = quoted(rows(10)[0][0])[0]
    assert tomllib.loads((ROOT / words).read_text("utf-8"))
    logs = set(re.findall(r"^\s*access_log (\S+?)/[^/\s]+\.log cipher;", NGINX, re.MULTILINE))
    assert logs == {quoted(rows(10)[2][1])[0]}


def test_risky_parts_are_parts_that_there_are() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = "\n".join([*project["dependencies"], *project["optional-dependencies"]["server"]])
    named = [part for row in rows(11) for part in quoted(row[0]) if part != "Scrypt"]
    assert len(named) >= 10
    for part in named:
        assert re.search(rf"^{re.escape(part)}(\[|>)", declared, re.MULTILINE), part


def test_the_times_for_weaknesses_in_parts_are_those_that_the_command_knows() -> None:
    told = " ".join(PAGE.partition("## 11.")[2].partition("## 12.")[0].split())
    times = frames().days
    for words in (
        f"critical, or of no severity that can be read, within {times['critical']} days;",
        f"high, within {times['high']} days;",
        f"medium or low, within {times['medium']} days;",
        f"known to be used against us, within {times['exploited']} days of that.",
        f"Every part is raised every {times['parts']} days,",
        f"advisories that are at most {times['advisories']} days old",
    ):
        assert words in told, words
    assert times["medium"] == times["low"]
    assert len(times) == 7


def test_there_are_no_ways_in_but_those_of_the_page() -> None:
    """The open addresses of the API, and the console's pages for who is not signed in."""
    from tests.surfaces.api.test_border import OPEN  # noqa: PLC0415 - that module needs a service

    told = PAGE.partition("## 2.")[0]
    assert {"/v1/enrolments", "/v1/token"} <= OPEN
    assert len(rows(1)) == 7
    for way in ("security key", "one-time link", "assertion", "one-time code", "system's account"):
        assert way in told
