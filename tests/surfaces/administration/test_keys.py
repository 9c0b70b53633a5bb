"""`cipher-service keys`: states and their ends, and what a compromised key could read."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cipher_service import clock
from cipher_service.administration import running
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.stage import Stage, chiffre, stage
from cipher_service.client.online_refusals import Unreachable
from cipher_service.pouches import devices
from cipher_service.storage.engine import open_engine
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.canonical import bytes_from_text
from keys.certificates import authorities_of
from keys.custody.lasting import LASTING
from keys.endorsement import root_file
from keys.signing import SigningKey, VerifyingKey
from tests.support.ending_keys import ending_tomorrow
from tests.surfaces.administration.running import done, given, refused, run
from tests.surfaces.administration.test_audit import verify


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """PARIS wrote to LOME and to headquarters, LOME to PARIS; its keys change in this module."""
    folder = tmp_path_factory.mktemp("keys")
    text = folder / "texte.txt"
    text.write_text("Objet : clé.\n", "utf-8")
    with stage(folder / "data", "en", 1) as on:
        on.introduce({post: on.enrol(post) for post in ("PARIS", "LOME")})
        for by, *to in (("PARIS", "LOME", "MINREX"), ("LOME", "PARIS"), ("LOME", "MINREX")):
            words = [word for post in to for word in ("--to", post)]
            chiffre(
                "en",
                *("send", "--identity", on.identity(by), *words, "--level", "SECRET", str(text)),
            )
        yield on


def test_the_report_names_every_dispatch_that_the_key_could_read(ministry: Stage) -> None:
    before = given(ministry, "post", "list")
    found = given(ministry, "keys", "exposure", "post/PARIS")

    assert [(each["origin"], each["role"]) for each in found["readable"]] == [
        ("PARIS", "copy"),
        ("LOME", "action"),
    ]
    first, second = found["readable"]
    assert sorted(first["others"]) == ["LOME", "MINREX"]
    assert second["others"] == ["LOME"]
    assert found["signed"] == [first["dispatch_id"]]
    assert (found["rekey"], found["confirm"]) == (["PARIS"], ["LOME", "MINREX"])
    assert not found["compromised"]
    assert given(ministry, "post", "list") == before
    said = done(ministry, "keys", "exposure", "post/PARIS")
    assert "tenez-les pour lues" in said
    assert first["register"] in said


def test_one_person_suspends_the_bureau_s_key_and_the_terminal_resumes_it(
    ministry: Stage, tmp_path: Path
) -> None:
    listed = [(each["key"], each["number"]) for each in given(ministry, "keys", "list")]
    assert sorted(listed) == sorted((f"{kind}/MINREX", 1) for kind in ("bureau", *LASTING))
    given(ministry, "keys", "suspend", "bureau/MINREX", "--reason", "doute")
    (waiting, *_) = given(ministry, "bureau", "inbox")
    opening = ("bureau", "open", waiting["dispatch_id"], "-o", str(tmp_path / "recu"))
    refused(ministry, "KEY_NOT_USABLE", *opening)  # the receipt that comes first is not signed
    assert "suspendue" in done(ministry, "keys", "list")
    resumed = given(ministry, "keys", "resume", "bureau/MINREX", "--reason", "doute levé")
    assert resumed["history"][-1]["to"] == "active"
    done(ministry, *opening)


def test_a_compromised_post_is_out_of_the_directory_at_once(ministry: Stage) -> None:
    found = given(ministry, "keys", "compromise", "post/LOME", "--reason", "poste envahi")
    assert found["compromised"]
    assert len(found["readable"]) == 3
    states = {each["post"]: each["state"] for each in given(ministry, "post", "list")}
    assert states["LOME"] != "active"


def test_a_rotation_puts_the_next_card_into_the_directory(ministry: Stage, tmp_path: Path) -> None:
    refused(ministry, "DAYS_INVALID", "keys", "rotate", "--days", "0", status=2)
    card = given(ministry, "keys", "rotate")
    assert card["edition"] == 2
    shown = {each["post"]: each["fingerprint"] for each in given(ministry, "post", "list")}
    assert shown["MINREX"] == card["fingerprint"]
    (waiting, *_) = given(ministry, "bureau", "inbox")
    opening = ("bureau", "open", waiting["dispatch_id"], "-o", str(tmp_path / "recu"))
    refused(ministry, "UNKNOWN_SENDER", *opening)  # the key opens; LOME's card was withdrawn


def test_a_key_that_comes_to_its_end_is_told_by_the_check_and_at_the_start(
    ministry: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "run", lambda _settings, announce: announce("READY here"))
    data = str(ministry.settings.data)
    with ending_tomorrow(ministry.settings) as version:
        told = f"Version {version.number} of bureau/MINREX comes to its end"
        for typed in (("check",), ("check", "--json"), ("serve",)):
            ended = run("--data", data, *typed, language="en")
            assert (ended.returncode, told in ended.stderr) == (0, True), ended.stderr
            assert told not in ended.stdout
    for typed in (("check",), ("serve",)):
        assert "its end" not in run("--data", data, *typed, language="en").stderr


def test_the_certifying_key_is_exchanged_and_posts_take_new_tokens(ministry: Stage) -> None:
    asking = ("prekeys", "status", "--identity", ministry.identity("PARIS"))
    chiffre("en", *asking)
    refused(ministry, "KEY_ROTATES_NOT", "keys", "rotate", "root/MINREX")
    refused(ministry, "KEY_NAME_UNKNOWN", "keys", "rotate", "certifying/PARIS", status=2)
    refused(ministry, "KEY_NAME_UNKNOWN", "keys", "rotate", "post/PARIS", status=2)
    fallen = given(
        ministry, "keys", "compromise", "certifying/MINREX", "--reason", "vol du magasin"
    )
    assert (fallen["number"], fallen["readable"], fallen["compromised"]) == (1, [], True)
    assert "n'ouvre rien" in done(ministry, "keys", "exposure", "certifying/MINREX")
    made = given(ministry, "keys", "rotate", "certifying/MINREX")
    assert (made["number"], made["history"][-1]["to"]) == (2, "active")
    states = {
        each["number"]: each["history"][-1]["to"]
        for each in given(ministry, "keys", "list")
        if each["key"] == "certifying/MINREX"
    }
    assert states == {1: "destroyed", 2: "active"}
    chiffre("en", *asking)
    life = given(ministry, "audit", "ask", "life", "certifying/MINREX")
    assert {(line["action"], line["card"]) for line in life if "card" in line} == {
        ("key_compromise", fallen["fingerprint"]),
        ("key_rotate", made["fingerprint"]),
    }


def test_the_bureau_s_compromised_key_is_reported_and_rescues_only(ministry: Stage) -> None:
    marking = ("keys", "compromise", "bureau/MINREX", "--number", "1", "--reason", "vol")
    found = given(ministry, *marking)
    assert (found["key"], found["number"], found["compromised"]) == ("bureau/MINREX", 1, True)
    assert sorted(each["origin"] for each in found["readable"]) == ["LOME", "PARIS"]
    assert found["rekey"] == ["MINREX"]
    assert "tenez-les pour lues" in done(ministry, "keys", "exposure", "bureau/MINREX")

    listed = given(ministry, "keys", "list")
    first, second = (each for each in listed if each["key"] == "bureau/MINREX")
    assert [each["history"][-1]["to"] for each in (first, second)] == ["compromised", "active"]
    resuming = ("keys", "resume", "bureau/MINREX", "--number", "1", "--reason", "non")
    refused(ministry, "KEY_TRANSITION_ILLEGAL", *resuming)
    life = given(ministry, "audit", "ask", "life", "bureau/MINREX")
    told = [(line["action"], line["card"]) for line in life if "card" in line]
    assert sorted(told) == [
        ("key_compromise", first["fingerprint"]),
        ("key_rotate", second["fingerprint"]),
    ]


def test_a_key_that_is_not_there_is_named_with_those_that_are(ministry: Stage) -> None:
    said = refused(
        ministry,
        "KEY_NAME_UNKNOWN",
        *("keys", "suspend", "bureau/PARIS", "--reason", "x"),
        status=2,
    )
    assert "bureau/MINREX" in said
    refused(ministry, "KEY_NAME_UNKNOWN", *("keys", "exposure", "clé/PARIS"), status=2)
    refused(
        ministry,
        "KEY_VERSION_UNKNOWN",
        *("keys", "suspend", "bureau/MINREX", "--number", "9", "--reason", "x"),
    )


def test_another_key_of_receipts_is_followed_by_posts_that_nobody_called(ministry: Stage) -> None:
    paris, data = ministry.identity("PARIS"), ministry.settings.data
    text, pin = data / "suite.txt", Path(paris) / "ministry.json"
    text.write_text("Objet : suite.\n", "utf-8")
    card = next(each for each in given(ministry, "post", "list") if each["post"] == "MINREX")
    confirming = ("cards", "--identity", paris, "--fingerprint", card["fingerprint"], "MINREX")
    chiffre("en", *confirming)
    send = ("send", "--identity", paris, "--to", "MINREX", "--level", "SECRET", str(text))
    before, known = chiffre("en", *send)["id"], json.loads(pin.read_text())

    made = given(ministry, "keys", "rotate", "receipts/MINREX")
    assert (made["number"], made["history"][-1]["to"]) == (2, "active")
    after = chiffre("en", *send)["id"]
    follows = json.loads(pin.read_text())
    assert follows["service_key"]["fingerprint"] == made["fingerprint"]
    assert len(follows["successions"]) == 1
    assert follows["root"] == known["root"]
    for each in (before, after):
        proved = chiffre("en", "receipt", "--identity", paris, each)
        assert proved["receipts"][0]["verified"], proved
        done(ministry, "bureau", "receipts", each)
    assert {before, after} <= {each["id"] for each in chiffre("en", "outbox", "--identity", paris)}
    assert given(ministry, "check") == []


def test_other_keys_of_the_log_are_followed_by_posts_and_auditors(
    ministry: Stage, tmp_path: Path
) -> None:
    paris, before, after = ministry.identity("PARIS"), tmp_path / "before", tmp_path / "after"
    known = chiffre("en", "sync", "--identity", paris)
    given(ministry, "audit", "export", "--out", str(before))
    key = (before / "vkey").read_text("ascii").strip()
    made = given(ministry, "keys", "rotate", "log/MINREX")
    assert (made["number"], made["history"][-1]["to"]) == (2, "active")
    _export_by_another(ministry, after, key)

    followed = chiffre("en", "sync", "--identity", paris)
    assert followed["fingerprint"] != known["fingerprint"]
    pin = json.loads((Path(paris) / "ministry.json").read_text())["root"]
    root = VerifyingKey(*(bytes_from_text(pin[half]) for half in ("ed25519", "mldsa65")))
    (tmp_path / "ministry.root").write_bytes(root_file(root))
    led = ("--key", key, "--root", str(tmp_path / "ministry.root"))
    since = ("--since", str(before / "checkpoint"))
    assert verify("log", str(after)).returncode == 0
    assert "NOTE_NOT_SIGNED" in verify("log", str(after), "--key", key).stderr
    ended = verify("log", str(after), *led, *since)
    assert (ended.returncode, " continues" in ended.stdout) == (0, True), ended.stderr
    (tmp_path / "ministry.root").write_bytes(root_file(SigningKey.generate().verifying_key))
    assert "SUCCESSION_OF_ANOTHER" in verify("log", str(after), *led).stderr
    assert given(ministry, "check") == []


def _export_by_another(ministry: Stage, out: Path, key: str) -> None:
    """Export once another key signed a head; the running service has one signed each second."""
    until = time.monotonic() + 90
    while time.monotonic() < until:
        given(ministry, "audit", "export", "--out", str(out))
        if (out / "vkey").read_text("ascii").strip() != key:
            return
    raise AssertionError("no head")


def test_other_keys_at_the_desks_end_the_old_ones_in_the_same_act(ministry: Stage) -> None:
    """A desk whose keys are called compromised is a stranger at once, too."""
    engine = open_engine(ministry.settings.database)

    def sits() -> list[str]:
        """The desks as they are now, taken into service as their first event does it."""
        with custodian_of(ministry.settings) as custodian, unit_of_work(engine) as connection:
            keys = custodian.desk_keys()
            pair = keys[:32], keys[32:]
            return [devices.enrol(connection, "MINREX", key, clock.now())[0] for key in pair]

    def states(pair: list[str]) -> set[str]:
        with reading(engine) as connection:
            known = devices.of_post(connection, "MINREX")
            return {
                "active" if each.revoked is None else "revoked" for each in known if each.id in pair
            }

    first = sits()
    assert given(ministry, "keys", "rotate", "desks/MINREX")["number"] == 2
    second = sits()
    assert (states(first), states(second)) == ({"revoked"}, {"active"})
    given(ministry, "keys", "compromise", "desks/MINREX", "--reason", "vol du magasin")
    assert states(second) == {"revoked"}
    assert given(ministry, "keys", "rotate", "desks/MINREX")["number"] == 3
    assert states(sits()) == {"active"}
    assert given(ministry, "check") == []
    engine.dispose()


def test_the_proxy_learns_another_authority_without_another_secret(
    ministry: Stage, tmp_path: Path
) -> None:
    done(ministry, "post", "proxy", "--out", str(tmp_path))
    secret = (tmp_path / "proxy-secret.conf").read_bytes()
    (old,) = authorities_of((tmp_path / "posts.pem").read_bytes())
    assert given(ministry, "keys", "rotate", "authority/MINREX")["number"] == 2
    done(ministry, "post", "proxy", "--out", str(tmp_path), "--authorities")
    new, before = authorities_of((tmp_path / "posts.pem").read_bytes())
    assert (before, new != old) == (old, True)
    assert (tmp_path / "proxy-secret.conf").read_bytes() == secret


def test_a_post_that_waits_to_be_activated_catches_up_two_keys_later(
    ministry: Stage, tmp_path: Path
) -> None:
    """Nobody confirms another fingerprint: the root leads from the key that was confirmed."""
    folder, pin = str(tmp_path / "LIBREVILLE"), tmp_path / "LIBREVILLE/ministry.json"
    chiffre("en", "identity", "new", "--post", "LIBREVILLE", "--out", folder, "--no-passphrase")
    code = done(ministry, "post", "code", "LIBREVILLE").strip()
    enrol = ("enrol", "--identity", folder, "--server", ministry.settings.issuer, "--code", code)
    shown = {each["post"]: each["fingerprint"] for each in given(ministry, "post", "list")}
    known = next(
        each["fingerprint"]
        for each in reversed(given(ministry, "keys", "list"))
        if each["key"] == "receipts/MINREX"
    )
    confirming = ("--service-fingerprint", known, "--headquarters-fingerprint", shown["MINREX"])
    chiffre("en", *enrol, *confirming)
    for _ in range(2):
        made = given(ministry, "keys", "rotate", "receipts/MINREX")
    chiffre("en", *enrol)
    follows = json.loads(pin.read_text())
    assert follows["service_key"]["fingerprint"] == made["fingerprint"] != known
    assert len(follows["successions"]) == 2


def test_a_key_of_receipts_that_fell_stops_the_mail_until_another_is_in_force(
    ministry: Stage,
) -> None:
    paris = ministry.identity("PARIS")
    text = ministry.settings.data / "attente.txt"
    text.write_text("Objet : attente.\n", "utf-8")
    given(ministry, "keys", "compromise", "receipts/MINREX", "--reason", "vol du magasin")
    send = ("send", "--identity", paris, "--to", "MINREX", "--level", "SECRET", str(text))
    with pytest.raises(Unreachable):
        chiffre("en", *send)

    given(ministry, "keys", "suspend", "root/MINREX", "--reason", "doute")
    refused(ministry, "KEY_NOT_USABLE", "keys", "rotate", "receipts/MINREX")
    given(ministry, "keys", "resume", "root/MINREX", "--reason", "doute levé")
    given(ministry, "keys", "rotate", "receipts/MINREX")
    (sent,) = chiffre("en", "send", "--identity", paris, "--pending")
    assert sent["status"] == "acknowledged"
