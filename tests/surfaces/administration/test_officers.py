"""`cipher-service officers`, `access`, `mandate`, `emergency`, `review` and `site`, as typed."""

import json
from pathlib import Path

import pytest

from cipher_service.administration.stage import Stage
from keys.jws import ApiKey
from tests.surfaces.administration.running import done, given, refused, run

DAYS = ("--grade-since", "2015-01-01", "--service-since", "2001-09-01")
FOUNDERS = (
    "MINISTER",
    "DIRECTOR",
    "DEPUTY-DIRECTOR",
    "CIPHER-CLERK",
    "CHIEF-CNTC",
    "SECURITY-OFFICER",
    "SECRETARY-GENERAL",
)
ACT = ("--act", "DEC-1", "--until", "2036-01-01")


@pytest.fixture(scope="module")
def stage(ministry: Stage) -> Stage:
    return ministry


@pytest.fixture(scope="module")
def staff(stage: Stage) -> dict[str, str]:
    """The founding: those without whom no act is possible, and a director and a clerk."""
    of: dict[str, str] = {}
    for role in FOUNDERS:
        of[role] = done(stage, "officers", "add", "--name", role, "--grade", "MP", *DAYS).strip()
        cleared = ("TRES-SECRET", "--trained-until", "2036-01-01", *ACT)
        done(stage, "officers", "habilitate", of[role], *cleared)
        done(stage, "officers", "assign", of[role], role, *ACT)
    return of


def test_after_the_founding_an_act_has_its_authors(stage: Stage, staff: dict[str, str]) -> None:
    clerk, by = staff["CIPHER-CLERK"], staff["SECURITY-OFFICER"]
    refused(stage, "FOUNDING_OVER", "officers", "suspend", clerk)
    refused(stage, "NOT_ALLOWED", "officers", "suspend", clerk, "--by", staff["DIRECTOR"])
    new = done(stage, "officers", "add", "--name", "N", "--grade", "SA", *DAYS, "--by", by).strip()
    role = ("officers", "assign", new, "POUCH-AGENT", *ACT, "--by", by)
    refused(stage, "NOT_ALLOWED", *role)
    done(stage, *role, "--with", staff["SECRETARY-GENERAL"])
    soon = (*role, "--with", staff["SECRETARY-GENERAL"], "--until", "soon")
    refused(stage, "DAY_MALFORMED", *soon, status=2)
    grant = (
        "officers", "habilitate", new, "SECRET", "--trained-until", "2036-01-01", *ACT,
        "--by", staff["SECRETARY-GENERAL"], "--with", by, "--proposer",
    )  # fmt: skip
    refused(stage, "NOT_ALLOWED", *grant, staff["CIPHER-CLERK"])
    done(stage, *grant, staff["DEPUTY-DIRECTOR"])
    shown = given(stage, "officers", "show", new)
    assert (shown["functions"], shown["habilitation"]) == (["POUCH-AGENT"], "SECRET")
    told = given(stage, "audit", "ask", "life", new)
    ruled = {each["action"]: each.get("policies") for each in told if each["outcome"] == "done"}
    assert ruled["officers_add"] == ["persons-propose"]
    assert ruled["officers_assign"] == ["role-assign"]
    assert ruled["officers_habilitate"] == ["habilitation-grant"]
    assert ["duties-approver"] in [
        each.get("policies") for each in told if each["outcome"] != "done"
    ]
    known = ("officers", "need", new, "post", "PARIS", "--reason", "desk")
    done(stage, *known, "--by", staff["MINISTER"])
    assert given(stage, "officers", "show", new)["needs"] == ["post:PARIS"]
    done(stage, "officers", "suspend", new, "--by", by)
    done(stage, "officers", "resume", new, "--by", by, "--with", staff["SECRETARY-GENERAL"])
    done(stage, "officers", "withdraw", new, "--by", by)
    done(stage, "officers", "unassign", new, "POUCH-AGENT", "--by", by)
    done(stage, "officers", "transfer", new, "--post", "PARIS", "--by", by)
    assert "Inventaire" in done(stage, "officers", "leave", new, "--by", by)
    assert given(stage, "officers", "show", new)["state"] == "left"
    assert len(given(stage, "officers", "habilitations")) == 8
    assert new in done(stage, "officers", "list")
    assert "CIPHER-CLERK" in done(stage, "officers", "roles")


def test_why_is_said_in_words(stage: Stage, staff: dict[str, str]) -> None:
    clerk = staff["CIPHER-CLERK"]
    said = done(stage, "access", "explain", clerk, "audit-read", "log", language="en")
    assert said.startswith(f"NO: {clerk} may not read the log")
    assert "Auditor" in said
    said = done(stage, "access", "explain", staff["MINISTER"], "mandate-sign", staff["MINISTER"])
    assert said.startswith("NON")
    assert "personne n'agit ici pour soi-même [duties-own-person]" in said
    told = given(stage, "access", "explain", staff["MINISTER"], "mandate-sign", clerk)
    assert (told["allowed"], told["policies"]) == (True, ["mandate-sign"])
    refused(stage, "UNKNOWN_ACTION", "access", "explain", clerk, "fly", "x", status=2)
    refused(stage, "NOT_IN_THE_BOOKS", "access", "explain", clerk, "pouch-list", "x", status=2)
    refused(stage, "NOT_FOUND", "access", "explain", clerk, "read", "D-NONE")
    refused(stage, "UNKNOWN_OFFICER", "access", "explain", "OFF-999999", "read", "D")


def test_an_interim_is_proposed_signed_and_ended(stage: Stage, staff: dict[str, str]) -> None:
    director, minister = staff["DIRECTOR"], staff["MINISTER"]
    found = given(stage, "mandate", "candidates")
    assert [each["officer"] for each in found] == [director]
    number = done(
        stage, "mandate", "propose", "interim", director, "--delegator", staff["SECRETARY-GENERAL"],
        "--role", "SECRETARY-GENERAL", "--level", "SECRET", *ACT, "--by", staff["CHIEF-CNTC"],
    ).strip()  # fmt: skip
    refused(stage, "NOT_ALLOWED", "mandate", "sign", number, "--by", staff["CHIEF-CNTC"])
    done(stage, "mandate", "sign", number, "--by", minister)
    told = done(stage, "access", "explain", director, "deadlines-view", "book")
    assert number in told
    done(stage, "mandate", "end", number, "--by", minister)
    assert [row["state"] for row in given(stage, "mandate", "list")] == ["ended"]


def test_a_function_taken_away_tells_the_mandates_that_end_with_it(
    stage: Stage, staff: dict[str, str]
) -> None:
    by, two = staff["SECURITY-OFFICER"], ("--with", staff["SECRETARY-GENERAL"])
    new = done(stage, "officers", "add", "--name", "N", "--grade", "SA", *DAYS, "--by", by).strip()
    numbers = []
    for language, said in (
        ("fr", "Le mandat {}, qui prêtait la fonction DRAFTER, a pris fin avec elle."),
        ("en", "Mandate {}, which lent the function DRAFTER, ended with it."),
    ):
        done(stage, "officers", "assign", new, "DRAFTER", *ACT, "--by", by, *two)
        number = done(
            stage, "mandate", "propose", "signature", staff["DIRECTOR"], "--delegator", new,
            "--role", "DRAFTER", "--level", "SECRET", *ACT, "--by", staff["CHIEF-CNTC"],
        ).strip()  # fmt: skip
        done(stage, "mandate", "sign", number, "--by", staff["MINISTER"])
        taken = ("officers", "unassign", new, "DRAFTER", "--by", by)
        assert said.format(number) in done(stage, *taken, language=language)
        numbers.append(number)
    rows = {row["mandate_id"]: row["state"] for row in given(stage, "mandate", "list")}
    assert [rows[number] for number in numbers] == ["ended", "ended"]
    done(stage, "officers", "assign", new, "DRAFTER", *ACT, "--by", by, *two)
    assert given(stage, *taken)["mandates"] == []
    told = given(stage, "audit", "ask", "life", number)
    assert ("mandate_end", by) in [(each["action"], each["actor"]) for each in told]


def test_doors_reviews_and_emergencies(stage: Stage, staff: dict[str, str]) -> None:
    clerk, by, chief = staff["CIPHER-CLERK"], staff["SECURITY-OFFICER"], staff["CHIEF-CNTC"]
    door = (clerk, "room", "CIPHER-ROOM")
    refused(stage, "MAY_NOT_ENTER", "site", "ask", *door)
    asked = ("--level", "CONFIDENTIEL", "--reason", "watch", "--until", "2036-01-01")
    number = done(stage, "site", "request", *door, *asked, "--by", staff["DEPUTY-DIRECTOR"]).strip()
    done(stage, "site", "agree", number, "--by", by)
    done(stage, "site", "grant", number, "--act", "DEC", "--by", chief)
    done(stage, "site", "ask", *door)
    review = done(stage, "review", "open", "--by", by).strip()
    lines = given(stage, "review", "list", review)
    (line,) = [str(row["line"]) for row in lines if row["kind"] == "site"]
    done(stage, "review", "answer", review, line, "removed", "--by", by)
    refused(stage, "MAY_NOT_ENTER", "site", "ask", *door)
    refused(stage, "NOT_FOUND", "site", "refuse", number, "--by", by)
    assert given(stage, "site", "list")[0]["state"] == "revoked"
    emergency = ("emergency", "declare", "read", "D-NONE", "--reason", "x", "--by", by)
    assert "`emergency list`" in refused(stage, "NOT_FOUND", *emergency)
    refused(stage, "NOT_FOUND", "emergency", "review", "1", "justified", "--by", by)
    assert given(stage, "emergency", "list") == []


def test_a_doors_machine_is_recorded_signed_for_and_ended(
    stage: Stage, staff: dict[str, str], tmp_path: Path
) -> None:
    by, file = staff["SECURITY-OFFICER"], tmp_path / "door.jwk"
    key = ApiKey.generate()
    file.write_text(json.dumps(key.public_jwk()))
    add = ("door", "add", str(file), "room", "CIPHER-ROOM", "--by")
    refused(stage, "NOT_ALLOWED", *add, staff["MINISTER"])
    told = given(stage, *add, by)
    assert told["client"] == key.thumbprint()
    refused(stage, "KEY_KNOWN", *add, by)
    file.write_text('{"kty": "EC", "crv": "P-256", "d": "private"}')
    refused(stage, "JWK_UNREADABLE", *add, by, status=2)
    (line,) = given(stage, "door", "list")
    assert (line["door"], line["state"], line["place"]) == (told["door"], "active", "CIPHER-ROOM")
    done(stage, "door", "revoke", told["door"], "--by", by)
    refused(stage, "NOT_FOUND", "door", "revoke", told["door"], "--by", by)
    assert told["door"] in done(stage, "door", "list")
    said = given(stage, "audit", "ask", "life", told["door"])
    assert {"doors_add_door", "doors_revoke_door"} <= {each["action"] for each in said}


def test_an_auditors_machine_takes_two_and_is_ended_by_one(
    stage: Stage, staff: dict[str, str], tmp_path: Path
) -> None:
    by, file = staff["SECURITY-OFFICER"], tmp_path / "auditor.jwk"
    key = ApiKey.generate()
    file.write_text(json.dumps(key.public_jwk()))
    two = ("--by", by, "--with", staff["SECRETARY-GENERAL"])
    new = done(stage, "officers", "add", "--name", "A", "--grade", "SA", *DAYS, "--by", by).strip()
    add = ("auditor", "add", str(file), new)
    refused(stage, "NOT_ALLOWED", *add, *two)
    done(stage, "officers", "assign", new, "AUDITOR", *ACT, *two)
    refused(stage, "NOT_ALLOWED", *add, "--by", by, "--with", by)
    told = given(stage, *add, *two)
    assert told["client"] == key.thumbprint()
    refused(stage, "KEY_KNOWN", *add, *two)
    done(stage, "auditor", "revoke", told["machine"], "--by", by)
    refused(stage, "NOT_FOUND", "auditor", "revoke", told["machine"], "--by", by)
    (line,) = given(stage, "auditor", "list")
    assert (line["machine"], line["state"], line["auditor"]) == (told["machine"], "revoked", new)


def test_help_is_there_in_both_languages() -> None:
    for language, word in (("fr", "Personnes"), ("en", "Persons")):
        assert word in run("--help", language=language).stdout
    assert json.loads(run("officers", "roles", "--json").stdout)["grades"]


def test_a_set_of_policies_is_adopted_by_two(
    stage: Stage, staff: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "ministry.cedar"
    file.write_text(done(stage, "policy", "show") + "\n// Adopted by DEC-7.\n", "utf-8")
    adopt = ("policy", "adopt", "--policies", str(file), "--by", staff["CHIEF-CNTC"], "--with")
    refused(stage, "NOT_ALLOWED", *adopt, staff["SECURITY-OFFICER"])
    adopted = given(stage, *adopt, staff["SECRETARY-GENERAL"])["digest"]
    assert given(stage, "policy", "show")["digest"] == adopted
    refused(stage, "POLICIES_SAME", *adopt, staff["SECRETARY-GENERAL"])
    broken = file.read_text("utf-8").replace("resource.level > principal.clearance", "false")
    file.write_text(broken, "utf-8")
    refused(stage, "POLICIES_BROKEN", *adopt, staff["SECRETARY-GENERAL"])


def test_without_a_console_there_is_no_link(ministry: Stage) -> None:
    refused(ministry, "CONSOLE_MISSING", "officers", "link", "OFF-000001")
