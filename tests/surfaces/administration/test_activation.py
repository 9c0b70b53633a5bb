"""Two officers who compared its fingerprint put a post in service, once there are officers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cipher_service.administration.stage import Stage, chiffre, stage
from keys.statements import key_fingerprint
from tests.support.officers_on_file import found_officers
from tests.surfaces.administration.running import done, given, refused

SECURITY, HOLDER, CLERK = "OFF-000001", "OFF-000002", "OFF-000003"


@pytest.fixture(scope="module")
def keys(ministry: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    functions = {SECURITY: "SECURITY-OFFICER", HOLDER: "CUSTODIAN-A", CLERK: "CIPHER-CLERK"}
    return found_officers(ministry.settings, functions, tmp_path_factory.mktemp("officers"))


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("activation") / "data", "en", 1) as on:
        yield on


def _state(on: Stage) -> str:
    states: dict[str, str] = {each["post"]: each["state"] for each in given(on, "post", "list")}
    return states["PARIS"]


def test_one_officer_or_a_typed_name_puts_no_post_in_service(
    ministry: Stage, keys: dict[str, Path]
) -> None:
    folder = ministry.identity("PARIS")
    chiffre("en", "identity", "new", "--post", "PARIS", "--out", folder, "--no-passphrase")
    code = done(ministry, "post", "code", "PARIS").strip()
    chiffre(
        "en",
        *("enrol", "--identity", folder, "--server", ministry.settings.issuer, "--code", code),
        *("--service-fingerprint", key_fingerprint(ministry.founding.service_key)),
        *("--headquarters-fingerprint", ministry.founding.card.fingerprint),
    )
    read = chiffre("en", "card", "show", f"{folder}/PARIS.card")["fingerprint"]
    activating = ("post", "activate", "PARIS", "--fingerprint", read)
    first = ("--officer", SECURITY, "--software-key", str(keys[SECURITY]))

    def second(number: str) -> tuple[str, ...]:
        return ("--with", number, "--with-software-key", str(keys[number]))

    refused(ministry, "GRANT_MISSING", *activating)
    refused(ministry, "GRANT_MISSING", *activating, *first)
    refused(ministry, "GRANT_OF_ANOTHER", *activating, *first, *second(SECURITY))
    refused(ministry, "APPROVER_WITHOUT_FUNCTION", *activating, *first, *second(CLERK))
    other = ("post", "activate", "PARIS", "--fingerprint", "0" * 64)
    refused(ministry, "FINGERPRINT_DIFFERS", *other, *first, *second(HOLDER))
    assert _state(ministry) == "pending"

    done(ministry, *activating, *first, *second(HOLDER))
    assert _state(ministry) == "active"
    told = chiffre("en", "cards", "--identity", folder, "MINREX")
    assert told[0]["fingerprint"] == ministry.founding.card.fingerprint
