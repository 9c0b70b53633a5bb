"""Whom a command names signs it: typed names suffice only until the officers have keys."""

import os
import pwd
from argparse import Namespace
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from cipher_service import clock
from cipher_service.administration import presence
from cipher_service.administration.founding import found_installation
from cipher_service.administration.installation import Installation, installation_at
from cipher_service.administration.stage import chiffre
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import officers
from cipher_service.directory.register import read_directory
from cipher_service.errors import ServiceError
from cipher_service.identity import passkey_book, sessions
from cipher_service.settings import Settings, own_custodian
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.tables.compositions import declassification
from cipher_service.storage.tables.dispatches import dispatch
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.passkeys import PasskeyInvalid
from keys.software_key import SoftwareKey, SoftwareMaker
from tests.cipher_service.access.ministry import person
from tests.support.command_keys import accept, enrol
from tests.surfaces.administration.running import Ended, run

FOUNDERS = ("SECURITY-OFFICER", "CHIEF-CNTC", "SECRETARY-GENERAL")
ID = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"


@dataclass(frozen=True)
class House:
    """A ministry whose officers get keys in software, in files."""

    settings: Settings
    of: dict[str, str]
    maker: SoftwareMaker
    keys: dict[str, Path]

    def type(self, *typed: str) -> Ended:
        return run("--data", str(self.settings.data), *typed, language="en")

    def refused(self, code: str, *typed: str) -> None:
        ended = self.type(*typed)
        assert ended.returncode == 1, ended.stdout + ended.stderr
        assert f"({code})" in ended.stderr

    def key(self, role: str) -> tuple[str, str]:
        return "--software-key", str(self.keys[role])

    def state(self, officer: str) -> str:
        with installation_at(self.settings) as on, reading(on.engine) as connection:
            return officers.read(connection, officer).state

    def enrol(self, role: str) -> None:
        """Give the holder of a function two keys by a link, as the console does."""
        enrol(self.settings, self.of[role], self.maker, self.keys[role])


@pytest.fixture
def house(tmp_path: Path) -> House:
    data = tmp_path / "data"
    settings = Settings(
        data=data,
        headquarters="MINREX",
        database_url="",
        host="127.0.0.1",
        port=8471,
        workers=1,
        issuer="http://127.0.0.1:8471",
        custodian=own_custodian(data),
        console_port=8472,
        console_origin="http://localhost:8472",
        approval_port=8473,
        approval_origin="http://localhost:8473",
    )
    found_installation(settings)
    maker = SoftwareMaker()
    accept(settings, maker)
    with installation_at(settings) as on, unit_of_work(on.engine) as connection:
        of = {role: person(connection, role) for role in (*FOUNDERS, "DRAFTER")}
    return House(settings, of, maker, {role: tmp_path / f"{role}.key" for role in FOUNDERS})


@pytest.fixture
def founded(house: House) -> House:
    for role in FOUNDERS:
        house.enrol(role)
    return house


def test_names_are_believed_until_the_founders_have_keys(house: House) -> None:
    drafter, security = house.of["DRAFTER"], ("--by", house.of["SECURITY-OFFICER"])
    chief = ("--by", house.of["CHIEF-CNTC"])
    assert house.type("officers", "suspend", drafter, *security).returncode == 0
    house.enrol("SECURITY-OFFICER")
    house.refused("SECURITY_KEY_ABSENT", "officers", "withdraw", drafter, *security)
    assert house.type("officers", "withdraw", drafter, *chief).returncode == 0
    house.enrol("SECRETARY-GENERAL")
    house.enrol("CHIEF-CNTC")
    unassign = ("officers", "unassign", drafter, "DRAFTER")
    house.refused("SIGNATURE_NEEDED", *unassign, "--by", drafter)
    house.refused("SECURITY_KEY_ABSENT", *unassign, *chief)
    house.refused("SECURITY_KEY_ABSENT", *unassign, *chief, *house.key("SECURITY-OFFICER"))
    held = house.keys["CHIEF-CNTC"].read_text("utf-8")
    forged = held[:32] + SoftwareKey.generate().seed.hex()  # the name of the key, not the key
    house.keys["CHIEF-CNTC"].write_text(forged, "utf-8")
    house.refused("PASSKEY_INVALID", *unassign, *chief, *house.key("CHIEF-CNTC"))
    house.keys["CHIEF-CNTC"].write_text(held, "utf-8")
    assert house.type(*unassign, *chief, *house.key("CHIEF-CNTC")).returncode == 0


def test_both_whom_a_command_names_sign_it_and_the_log_says_so(founded: House) -> None:
    security, general = founded.of["SECURITY-OFFICER"], founded.of["SECRETARY-GENERAL"]
    drafter = founded.of["DRAFTER"]
    named = ("--by", security, "--with", general)
    first, second = founded.key("SECURITY-OFFICER"), founded.key("SECRETARY-GENERAL")
    assert founded.type("officers", "suspend", drafter, *named[:2], *first).returncode == 0
    resume = ("officers", "resume", drafter, *named)
    founded.refused("SECURITY_KEY_ABSENT", *resume, *first)
    assert founded.state(drafter) == "suspended"
    done = founded.type(*resume, *first, *second)
    assert done.returncode == 0, done.stderr
    assert f'"officer": "{drafter}"' in done.stderr  # read before it is signed
    assert founded.state(drafter) == "active"
    with installation_at(founded.settings) as on, reading(on.engine) as connection:
        bodies = connection.scalars(select(audit_entry.c.record).order_by(audit_entry.c.seq))
        told = [canonical.decode(bytes(body)) for body in bodies]
    last = [(one["actor"], one["action"], one["outcome"]) for one in told[-2:]]
    assert last == [(general, "countersigned", "done"), (security, "officers_resume", "done")]
    assert ("officers_resume", "refused", "SECURITY_KEY_ABSENT") in {
        (one["action"], one["outcome"], one.get("reason")) for one in told
    }


def test_a_set_of_policies_is_adopted_under_both_keys(founded: House, tmp_path: Path) -> None:
    file = tmp_path / "ministry.cedar"
    shown = founded.type("policy", "show").stdout
    file.write_text(shown + "\n// Adopted by DEC-7.\n", "utf-8")
    named = ("--by", founded.of["CHIEF-CNTC"], "--with", founded.of["SECRETARY-GENERAL"])
    adopt = ("policy", "adopt", "--policies", str(file), *named)
    founded.refused("SECURITY_KEY_ABSENT", *adopt, *founded.key("CHIEF-CNTC"))
    keys = (*founded.key("CHIEF-CNTC"), *founded.key("SECRETARY-GENERAL"))
    assert founded.type(*adopt, *keys).returncode == 0


def test_an_answer_serves_one_command_once(founded: House) -> None:
    """Another command, another person's answer, and the same one again: none of them is taken."""
    general, settings = founded.of["SECRETARY-GENERAL"], founded.settings
    typed = Namespace(
        by=general, officer="OFF-000009", software_key=[str(founded.keys["SECRETARY-GENERAL"])]
    )
    with installation_at(settings) as on:
        answers = presence.sign(typed, Terminal("en"), on, {})
        given = answers.given[general]
        for wrong, error in (
            (replace(given, digest=bytes(32)), PasskeyInvalid),
            (replace(given, nonce=bytes(32)), ServiceError),
        ):
            with pytest.raises(error):
                verify(on, replace(answers, given={general: wrong}))
        with pytest.raises(ServiceError):
            verify(on, replace(answers, named=(founded.of["CHIEF-CNTC"],), given={
                founded.of["CHIEF-CNTC"]: given
            }))  # fmt: skip
        with pytest.raises(Refused):
            verify(on, replace(answers, given={}))
        verify(on, answers)
        with pytest.raises(ServiceError, match="CHALLENGE_UNKNOWN"):
            verify(on, answers)


def verify(on: Installation, answers: presence.Answers) -> None:
    with unit_of_work(on.engine) as connection:
        presence.verify(connection, answers, on.settings, clock.now())


def test_a_session_and_one_key_end_by_a_command_that_another_signed(founded: House) -> None:
    chief = founded.of["CHIEF-CNTC"]
    by = ("--by", founded.of["SECURITY-OFFICER"])
    signed = (*by, *founded.key("SECURITY-OFFICER"))
    with installation_at(founded.settings) as on, unit_of_work(on.engine) as connection:
        first, second = (key.credential_id for key in passkey_book.keys_of(connection, chief))
        token = sessions.open_session(connection, chief, first, clock.now())

    def is_open() -> bool:
        with installation_at(founded.settings) as on, reading(on.engine) as connection:
            try:
                return sessions.find_session(connection, token, clock.now()).officer == chief
            except ServiceError:
                return False

    founded.refused("SECURITY_KEY_ABSENT", "officers", "sign-out", chief, *by)
    assert is_open()
    assert founded.type("officers", "sign-out", chief, *signed).returncode == 0
    assert not is_open()
    take = ("officers", "revoke-key", chief)
    founded.refused("OFFICER_KEY_UNKNOWN", *take, "00", *signed)
    assert founded.type(*take, first, *signed).returncode == 0
    founded.refused("OFFICER_LAST_KEY", *take, second, *signed)
    with installation_at(founded.settings) as on, reading(on.engine) as connection:
        held = passkey_book.keys_of(connection, chief)
    assert [key.credential_id for key in held if key.revoked is None] == [second]


@pytest.fixture
def staffed(house: House, tmp_path: Path) -> House:
    """With a deputy director who has keys, and a dispatch of headquarters."""
    stamp, settings = clock.text(clock.now()), house.settings
    with installation_at(settings) as on, unit_of_work(on.engine) as connection:
        house.of["DEPUTY-DIRECTOR"] = person(connection, "DEPUTY-DIRECTOR")
        card = read_directory(connection).post("MINREX").fingerprint
        connection.execute(
            dispatch.insert().values(
                dispatch_id=ID, origin="MINREX", origin_card=card, kind="telegram", level="SECRET",
                caveats="[]", dtg=stamp, sha256="0", size=1, received_at=stamp,
                register_year=2026, register_number=1,
            )
        )  # fmt: skip
    house.keys["DEPUTY-DIRECTOR"] = tmp_path / "deputy.key"
    for role in ("DEPUTY-DIRECTOR", *FOUNDERS):
        enrol(settings, house.of[role], house.maker, house.keys[role])
    return house


def lowered(house: House) -> list[tuple[str, list[str]]]:
    book = declassification.c
    with installation_at(house.settings) as on, reading(on.engine) as connection:
        rows = connection.execute(select(book.level, book.caveats).order_by(book.act))
        return [(row.level, canonical.decode(row.caveats.encode())) for row in rows]


def test_two_keys_lower_a_marking_and_one_does_not(staffed: House) -> None:
    of = staffed.of
    first, second = staffed.key("DEPUTY-DIRECTOR"), staffed.key("SECRETARY-GENERAL")
    lower = ("label", "lower", ID, "CONFIDENTIEL", "--reason", "publié", "--by")
    by = (*lower, of["DEPUTY-DIRECTOR"], "--with")
    general = (*by, of["SECRETARY-GENERAL"])
    staffed.refused("SECURITY_KEY_ABSENT", *general, *first)
    chief = (*by, of["CHIEF-CNTC"], *first, *staffed.key("CHIEF-CNTC"))
    staffed.refused("APPROVER_WITHOUT_FUNCTION", *chief)
    staffed.refused("APPROVERS_NOT_DISTINCT", *by, of["DEPUTY-DIRECTOR"], *first)
    staffed.refused("NOT_FOUND", *lower, of["CHIEF-CNTC"], "--with", of["SECRETARY-GENERAL"])
    staffed.refused("SIGNATURE_NEEDED", *by, of["DRAFTER"], *first)
    assert lowered(staffed) == []
    done = staffed.type(*general, *first, *second)
    assert done.returncode == 0, done.stderr
    assert '"kind": "label.lower"' in done.stderr  # read before it is signed
    assert lowered(staffed) == [("CONFIDENTIEL", [])]
    with installation_at(staffed.settings) as on, reading(on.engine) as connection:
        assert connection.scalar(select(dispatch.c.level)) == "SECRET"


def told(house: House, action: str) -> tuple[str, str]:
    """The actor and the outcome of the last entry of an act."""
    with installation_at(house.settings) as on, reading(on.engine) as connection:
        bodies = connection.scalars(select(audit_entry.c.record).order_by(audit_entry.c.seq))
        found = [canonical.decode(bytes(body)) for body in bodies]
    last = [one for one in found if one["action"] == action][-1]
    return last["actor"], last["outcome"]


def test_who_takes_and_gives_a_controlled_item_signs_for_it(founded: House) -> None:
    security, chief = founded.of["SECURITY-OFFICER"], founded.of["CHIEF-CNTC"]
    signs, other = founded.key("SECURITY-OFFICER"), founded.key("CHIEF-CNTC")
    reference = ("--reference", "PV 7")
    enter = ("items", "enter", "--kind", "share", *reference, "Part 1", "--holder")
    founded.refused("SECURITY_KEY_ABSENT", *enter, security)
    founded.refused("SECURITY_KEY_ABSENT", *enter, security, *other)
    founded.refused("SIGNATURE_NEEDED", *enter, founded.of["DRAFTER"], *other)
    founded.refused("NOT_ALLOWED", *enter, security, *signs)  # holds it, and keeps no register
    done = founded.type(*enter, security, *signs, "--keeper", chief, *other)
    assert done.returncode == 0, done.stderr
    assert told(founded, "item_enter") == (security, "done")
    assert told(founded, "countersigned") == (chief, "done")
    item = done.stdout.strip()

    send = ("items", "send", item, *reference, "--to", chief, "--by")
    founded.refused("SECURITY_KEY_ABSENT", *send, security, *other)
    founded.refused("SECURITY_KEY_ABSENT", *send, security, "--keeper", chief, *other)
    founded.refused("ITEM_OF_ANOTHER", *send, chief, *other)
    assert founded.type(*send, security, *signs).returncode == 0
    receive = ("items", "receive", item, *reference, "--by", chief)
    founded.refused("SECURITY_KEY_ABSENT", *receive, *signs)
    assert founded.type(*receive, *other).returncode == 0
    assert told(founded, "item_receive") == (chief, "done")
    count = ("items", "inventory", item, "--by")
    founded.refused("SECURITY_KEY_ABSENT", *count, chief)
    founded.refused("NOT_ALLOWED", *count, security, *signs)  # guards no keys, and keeps none
    assert founded.type(*count, chief, *other).returncode == 0
    assert told(founded, "item_inventory") == (chief, "done")


def test_the_register_of_items_is_read_by_its_keepers_and_the_auditor(founded: House) -> None:
    """Decided, signed, and in the log before a line is shown."""
    chief, other = founded.of["CHIEF-CNTC"], founded.key("CHIEF-CNTC")
    enter = ("items", "enter", "--kind", "share", "--reference", "PV", "Part 1", "--holder", chief)
    item = founded.type(*enter, *other).stdout.strip()
    founded.keys["AUDITOR"] = founded.keys["CHIEF-CNTC"].with_name("auditor.key")
    with installation_at(founded.settings) as on, unit_of_work(on.engine) as connection:
        founded.of["AUDITOR"] = person(connection, "AUDITOR")
    founded.enrol("AUDITOR")
    for typed in (("items", "list"), ("items", "show", item), ("items", "exposed", item)):
        founded.refused("FOUNDING_OVER", *typed)
        founded.refused("SECURITY_KEY_ABSENT", *typed, "--by", chief)
        assert told(founded, "items_read") == (account(), "refused")  # a name alone is nobody
        security = ("--by", founded.of["SECURITY-OFFICER"], *founded.key("SECURITY-OFFICER"))
        founded.refused("NOT_ALLOWED", *typed, *security)
        assert told(founded, "items_read") == (founded.of["SECURITY-OFFICER"], "refused")
        for role in ("CHIEF-CNTC", "AUDITOR"):
            shown = founded.type(*typed, "--by", founded.of[role], *founded.key(role))
            assert (shown.returncode, item in shown.stdout or chief in shown.stdout) == (0, True)
            assert told(founded, "items_read") == (founded.of[role], "done")


def account() -> str:
    return f"account/{pwd.getpwuid(os.geteuid()).pw_name}"


def test_a_destruction_of_an_item_is_entered_by_a_keeper(founded: House, tmp_path: Path) -> None:
    chief, other = founded.of["CHIEF-CNTC"], founded.key("CHIEF-CNTC")
    enter = ("items", "enter", "--kind", "share", "--reference", "PV", "Part 1", "--holder", chief)
    item = founded.type(*enter, *other).stdout.strip()
    for name in ("GARDE-A", "GARDE-B"):
        new = ("identity", "new", "--post", name, "--out", str(tmp_path / name))
        chiffre("en", *new, "--no-passphrase")
    seen = [word for name in ("A", "B") for word in ("--identity", str(tmp_path / f"GARDE-{name}"))]
    record = tmp_path / "pv.json"
    destroy = ("items", "destroy", item, *seen, "-o", str(record), "--reference", "PV 9")
    founded.refused("FOUNDING_OVER", *destroy)
    founded.refused("SECURITY_KEY_ABSENT", *destroy, "--by", chief)
    security = ("--by", founded.of["SECURITY-OFFICER"], *founded.key("SECURITY-OFFICER"))
    founded.refused("NOT_ALLOWED", *destroy, *security)
    assert not record.exists()
    ended = founded.type(*destroy, "--by", chief, *other)
    assert ended.returncode == 0, ended.stderr
    assert told(founded, "item_destroy") == (chief, "done")
    assert record.exists()


def test_a_keeper_signs_for_a_holder_who_has_no_key(founded: House) -> None:
    security, keeper = founded.of["SECURITY-OFFICER"], founded.of["CHIEF-CNTC"]
    reference = ("--reference", "PV 8")
    enter = ("items", "enter", "--kind", "token", *reference, "Jeton", "--holder", "PARIS")
    founded.refused("KEEPER_NEEDED", *enter)
    founded.refused("SECURITY_KEY_ABSENT", *enter, "--keeper", keeper)
    founded.refused("SIGNATURE_NEEDED", *enter, "--keeper", "PARIS")
    signs = ("--keeper", keeper, *founded.key("CHIEF-CNTC"))
    founded.refused("NOT_ALLOWED", *enter, "--keeper", security, *founded.key("SECURITY-OFFICER"))
    item = founded.type(*enter, *signs).stdout.strip()
    assert told(founded, "item_enter") == (keeper, "done")
    send = ("items", "send", item, *reference, "--to", "LOME", "--by", "PARIS")
    founded.refused("KEEPER_NEEDED", *send)

    # Who is suspended signs nothing; what they held goes on by a keeper, who takes nothing else.
    mine = (security, *founded.key("SECURITY-OFFICER"))
    held = founded.type(*enter[:-1], *mine, *signs).stdout.strip()
    give = ("items", "send", held, *reference, "--to", "LOME", "--by")
    founded.refused("SECURITY_KEY_ABSENT", *give, security, *signs)
    with installation_at(founded.settings) as on, unit_of_work(on.engine) as connection:
        officers.set_state(connection, security, "suspended", clock.now())
    founded.refused("KEY_UNKNOWN", *give, *mine)
    founded.refused("KEY_UNKNOWN", *send, "--keeper", *mine)
    take = ("items", "enter", "--kind", "token", *reference, "Jeton", "--holder", security)
    founded.refused("SECURITY_KEY_ABSENT", *take, *signs)
    assert founded.type(*give, security, *signs).returncode == 0
    assert told(founded, "item_send") == (keeper, "done")
