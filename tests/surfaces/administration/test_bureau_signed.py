"""Whom a command of the bureau or of the pouch names signs it, and may do it by the policies."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cipher_service.access.registers import subject
from cipher_service.administration.arguments import build_parser
from cipher_service.administration.bureau import bureau_of, hand_in, waiting
from cipher_service.administration.installation import installation_at
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.dispatches.office.departing import SYSTEM
from cipher_service.dispatches.office.routing import Handling, keep_handling
from cipher_service.errors import ServiceError
from cipher_service.settings import Settings
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys import canonical
from keys.software_key import SoftwareKey, SoftwareMaker
from tests.cipher_service.access.ministry import person
from tests.support.command_keys import accept, enrol
from tests.support.ports import free_port
from tests.surfaces.administration.running import given, refused, run

ROLES = (
    *("SECURITY-OFFICER", "CHIEF-CNTC", "SECRETARY-GENERAL", "DEPUTY-DIRECTOR", "DRAFTER"),
    *("CIPHER-CLERK", "CHIEF-CIPHER-POUCH", "CHIEF-POUCH", "POUCH-AGENT"),
)
PEOPLE = ("--drafter", "Direction d'Afrique", "--authority", "SG")
OF_ITSELF = {SYSTEM, "service"}  # the actors of a running service, which has rounds of its own


@dataclass(frozen=True)
class House:
    """A ministry that runs, each of whose officers has a key in a file."""

    on: Stage
    of: dict[str, str]
    keys: dict[str, Path]

    def by(self, role: str, option: str = "--by") -> tuple[str, ...]:
        return (option, self.of[role], "--software-key", str(self.keys[role]))

    def beside(self, role: str) -> tuple[str, ...]:
        return ("--with", self.of[role], "--with-software-key", str(self.keys[role]))

    def told(self) -> list[tuple[str, str, str, str | None]]:
        """Actor, action, outcome and resource of each entry of the log that somebody made."""
        with installation_at(self.on.settings) as there, reading(there.engine) as connection:
            bodies = connection.scalars(select(audit_entry.c.record).order_by(audit_entry.c.seq))
            records: list[dict[str, Any]] = [canonical.decode(bytes(body)) for body in bodies]
        return [
            (one["actor"], one["action"], one["outcome"], one.get("resource"))
            for one in records
            if one["actor"] not in OF_ITSELF
        ]

    def done(self, *typed: str) -> str:
        ended = run("--data", str(self.on.settings.data), *typed, language="en")
        assert ended.returncode == 0, ended.stderr
        return ended.stderr


@pytest.fixture(scope="module")
def house(ministry: Stage, tmp_path_factory: pytest.TempPathFactory) -> House:
    data, folder = ministry.settings.data, tmp_path_factory.mktemp("keys")
    assert (
        run("--data", str(data), "console", "add", "--console-port", str(free_port())).returncode
        == 0
    )
    settings, maker = Settings.load(data), SoftwareMaker()
    accept(settings, maker)
    with installation_at(settings) as there, unit_of_work(there.engine) as connection:
        of = {role: person(connection, role) for role in ROLES}
    keys = {role: folder / role for role in ROLES}
    for role in ROLES:
        enrol(settings, of[role], maker, keys[role])
    return House(ministry, of, keys)


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "texte.txt"
    path.write_text("Réponse.\n", "utf-8")
    return str(path)


def test_the_pouch_bureau_believes_no_typed_name(house: House, tmp_path: Path) -> None:
    chief, agent = house.of["CHIEF-POUCH"], house.of["POUCH-AGENT"]
    for typed in (("bag",), ("overview",), ("departures",)):
        refused(house.on, "SECURITY_KEY_ABSENT", "pouch", *typed, "--by", chief)
    others = ("--software-key", str(house.keys["POUCH-AGENT"]))
    refused(house.on, "SECURITY_KEY_ABSENT", "pouch", "bag", "--by", chief, *others)
    forged = tmp_path / "forged"  # the name of the key, not the key
    held = house.keys["CHIEF-POUCH"].read_text("utf-8")
    forged.write_text(held[:32] + SoftwareKey.generate().seed.hex(), "utf-8")
    key = ("--software-key", str(forged))
    refused(house.on, "PASSKEY_INVALID", "pouch", "bag", "--by", chief, *key)
    before = len(house.told())
    said = house.done("pouch", "bag", *house.by("CHIEF-POUCH"))
    assert f'"by": "{chief}"' in said  # read before it is signed
    house.done("pouch", "overview", *house.by("CHIEF-POUCH"))
    entries = house.told()[before:]
    assert [entry[:3] for entry in entries] == [
        (chief, "command_signed", "done"),
        (chief, "pouch_bag", "done"),
        (chief, "command_signed", "done"),
    ]
    assert [entry[3] for entry in entries[::2]] == ["pouch bag", "pouch overview"]

    stock = ("pouch", "seals", "take-in", "--type", "plastic", "--strength", "S", "CM-77001")
    alone = (*house.by("CHIEF-POUCH"), "--with", agent)
    refused(house.on, "SECURITY_KEY_ABSENT", *stock, *alone)
    before = len(house.told())
    house.done(*stock, *house.by("CHIEF-POUCH"), *house.beside("POUCH-AGENT"))
    assert [entry[:3] for entry in house.told()[before:]] == [
        (agent, "countersigned", "done"),
        (chief, "command_signed", "done"),
        (agent, "countersigned", "done"),
        (chief, "pouch_seals_in", "done"),
    ]
    refused(house.on, "NOT_ALLOWED", "pouch", "bag", *house.by("DRAFTER"))


def test_what_leaves_is_released_by_two_who_sign_its_bytes(house: House, text: str) -> None:
    sending = ("bureau", "send", "--to", "PARIS", *PEOPLE)
    secret, low = ("--level", "SECRET"), ("--level", "DIFFUSION-RESTREINTE")
    clerk = house.by("CIPHER-CLERK", "--officer")
    refused(house.on, "OFFICER_UNNAMED", *sending, *secret, text)
    absent = ("--officer", house.of["CIPHER-CLERK"])
    refused(house.on, "SECURITY_KEY_ABSENT", *sending, *secret, *absent, text)
    refused(house.on, "NOT_ALLOWED", *sending, *secret, *clerk, text)
    refused(house.on, "NOT_ALLOWED", *sending, *low, *house.by("DRAFTER", "--officer"), text)
    own = ("bureau", "send", "--to", "PARIS", "--drafter", house.of["CIPHER-CLERK"])
    refused(house.on, "NOT_ALLOWED", *own, "--authority", "SG", *low, *clerk, text)
    before = len(house.told())
    house.done(*sending, *secret, *clerk, *house.beside("CHIEF-CIPHER-POUCH"), text)
    number, second = house.of["CIPHER-CLERK"], house.of["CHIEF-CIPHER-POUCH"]
    entries = [entry[:3] for entry in house.told()[before:]]
    for said in ((number, "command_signed", "done"), (number, "bureau_send", "done")):
        assert said in entries
    assert (second, "countersigned", "done") in entries
    house.done(*sending, *low, *clerk, text)


def test_other_bytes_than_were_signed_do_not_leave(house: House, text: str) -> None:
    parsed = build_parser("en").parse_args(
        ["bureau", "send", "--to", "PARIS", *PEOPLE, "--level", "SECRET", text]
    )
    with (
        installation_at(house.on.settings) as there,
        bureau_of(there) as bureau,
        pytest.raises(ServiceError, match="TEXT_CHANGED"),
    ):
        hand_in(parsed, there, bureau, None, ["0" * 64])
    last = given(house.on, "bureau", "outgoing", "PARIS")[-1]
    assert last["state"] == "cancelled"


def test_an_arrival_is_opened_by_whom_it_is_assigned_to(
    house: House, text: str, tmp_path: Path
) -> None:
    paris = house.on.identity("PARIS")
    chiffre("en", "send", "--identity", paris, "--to", "MINREX", "--level", "SECRET", text)
    with installation_at(house.on.settings) as there:
        arrived = waiting(there)[-1].dispatch_id
    opening = ("bureau", "open", arrived, "-o", str(tmp_path / "lu"))
    clerk = house.by("CIPHER-CLERK", "--officer")
    refused(house.on, "OFFICER_UNNAMED", *opening)
    refused(house.on, "NOT_FOUND", *opening, *clerk)
    refused(house.on, "NOT_ALLOWED", *opening, *house.by("CHIEF-CIPHER-POUCH", "--officer"))
    with installation_at(house.on.settings) as there, unit_of_work(there.engine) as connection:
        keep_handling(connection, arrived, Handling(assigned=house.of["CIPHER-CLERK"]))
        assert subject(connection, arrived).assigned == house.of["CIPHER-CLERK"]
    house.done(*opening, *clerk)
    assert (tmp_path / "lu" / "message.txt").read_text("utf-8") == "Réponse.\n"
    assert (house.of["CIPHER-CLERK"], "bureau_open", "done", arrived) in house.told()


def test_a_draft_is_its_drafters_who_signs(house: House, text: str) -> None:
    drafter = house.of["DRAFTER"]
    key = ("--software-key", str(house.keys["DRAFTER"]))
    save = ("bureau", "draft", "save", "--subject", "Projet", text, "--drafter")
    refused(house.on, "SIGNATURE_NEEDED", *save, "A. Ndongo")
    refused(house.on, "SECURITY_KEY_ABSENT", *save, drafter)
    clerk = ("--software-key", str(house.keys["CIPHER-CLERK"]))
    refused(house.on, "NOT_ALLOWED", *save, house.of["CIPHER-CLERK"], *clerk)
    kept = given(house.on, *save, drafter, *key)["id"]
    named = ("bureau", "draft", "show", kept, "--drafter", drafter)
    refused(house.on, "SECURITY_KEY_ABSENT", *named, *clerk)
    assert given(house.on, *named, *key)["text"] == "Réponse.\n"
    send = ("bureau", "send", "--to", "PARIS", "--level", "SECRET", "--draft", kept)
    people = ("--drafter", drafter, "--authority", "SG")
    pair = (*house.by("CIPHER-CLERK", "--officer"), *house.beside("CHIEF-CIPHER-POUCH"))
    refused(house.on, "SECURITY_KEY_ABSENT", *send, *people, *pair)
    house.done(*send, *people, *pair, *key)
    assert given(house.on, "bureau", "draft", "list", "--drafter", drafter, *key) == []


def test_what_the_administrator_reads_stands_in_the_log(house: House) -> None:
    before = len(house.told())
    for look in (("inbox",), ("missing",), ("messages",), ("outgoing", "PARIS")):
        given(house.on, "bureau", *look)
    given(house.on, "pouch", "waiting")
    entries = house.told()[before:]
    assert {entry[1:3] for entry in entries} == {("administrator_look", "done")}
    assert all(entry[0].startswith("account/") for entry in entries)
    assert [entry[3] for entry in entries] == [
        *("bureau inbox", "bureau missing", "bureau messages", "bureau outgoing PARIS"),
        "pouch waiting",
    ]
