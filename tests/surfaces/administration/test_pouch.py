"""The pouch bureau by `cipher-service pouch`: a bag to Paris on a ministry that runs."""

import json
import secrets
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlalchemy import select, update

from cipher_service import clock
from cipher_service.administration import command
from cipher_service.administration.installation import custodian_of, opened
from cipher_service.administration.stage import Stage
from cipher_service.directory.register import read_directory
from cipher_service.dispatches.lists import dispatch_of
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables import pouches as tables
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.endorsement import read_introduction, root_fingerprint
from keys.jws import ApiKey
from pouch.classes import PROHIBITED
from pouch.findings import Name
from pouch.papers.bag import grouped_fingerprint
from pouch.rectification import read_rectification, rectified
from pouch.sealed import read_sealed
from pouch.verdict import Trust, judge
from tests.support.bags import Device, enrolment_of, received, signed
from tests.support.epcis import official

Typed = Callable[..., tuple[int, str, str]]
CHECKED = [part for code in sorted(PROHIBITED) for part in ("--checked", code)]


@pytest.fixture
def typed(
    ministry: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Run a command of this ministry in this process: its status and what it said."""
    monkeypatch.setattr(command, "unwind_when_asked", lambda: None)  # leave pytest its signals

    def run(*words: str) -> tuple[int, str, str]:
        status = command.main(["--lang", "fr", "--data", str(ministry.settings.data), *words])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def done(typed: Typed, *words: str) -> Any:
    status, out, err = typed(*words, "--json")
    assert status == 0, err
    return json.loads(out)


@pytest.fixture(scope="module")
def people() -> dict[str, str]:
    """The officers of the bureau by a short name, once somebody engaged them."""
    return {}


def engage(typed: Typed, people: dict[str, str]) -> None:
    if people:
        return
    for name, role in (
        ("chief", "CHIEF-POUCH"),
        ("agent", "POUCH-AGENT"),
        ("second", "POUCH-AGENT"),
        ("courier", "COURIER"),
        ("drafter", "DRAFTER"),
    ):
        officer = done(
            typed, "officers", "add", "--name", f"Agent {name}", "--grade", "CAE",
            "--grade-since", "2015-01-01", "--service-since", "2005-01-01",
            "--post", "MINREX",
        )["officer"]  # fmt: skip
        window = ("--from", "2026-01-01", "--until", "2030-01-01")
        done(typed, "officers", "assign", officer, role, "--act", "DEC-1", *window)
        done(
            typed, "officers", "habilitate", officer, "SECRET", "--act", "H-1", *window,
            "--trained-until", "2030-01-01",
        )  # fmt: skip
        people[name] = officer


def ready(typed: Typed, people: dict[str, str]) -> dict[str, Any]:
    """Officers, a route with departures, a waybill, a bag and seals."""
    engage(typed, people)
    by = ("--by", people["chief"])
    pair = (*by, "--with", people["agent"])
    status, _, err = typed(
        "pouch", "route", "R-PARIS", "--leg", "MINREX:NSI:40", "--leg", "NSI:PARIS:360", *by
    )
    assert status == 0 or "ROUTE_KNOWN" in err
    departures = done(
        typed, "pouch", "plan", "R-PARIS", "--mode", "courier", "--at", "21:00", "--takes", "9",
        *(part for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
          for part in ("--day", day)), "--weeks", "2", *by,
    ) or [line["departure"] for line in done(typed, "pouch", "departures", *by)]  # fmt: skip
    open_ones = [
        line["departure"]
        for line in done(typed, "pouch", "departures", *by)
        if line["sealed"] == 0 and line["open"]
    ]
    done(
        typed, "pouch", "waybill", open_ones[0], "--number", "LC 2026-0117", "--consignee",
        "Chancellerie", "--carrier", "NDONGO Paul", "--status", "Courrier diplomatique",
        "--passport", "DP 004417", "--packages", "1", "--courier", people["courier"], *by,
    )  # fmt: skip
    assert departures
    bag = done(typed, "pouch", "bag", *by)["locator"]
    numbers = [f"CM-{bag[:4]}{number:03d}" for number in range(2)]
    done(
        typed, "pouch", "seals", "take-in", "--type", "plastic", "--strength", "S", *numbers, *pair
    )
    seals = done(typed, "pouch", "seals", "issue", "2", *pair)
    return {"departure": open_ones[0], "bag": bag, "seals": seals}


def made_up(typed: Typed, people: dict[str, str], what: dict[str, Any]) -> str:
    agent = ("--by", people["agent"])
    seal: str = done(typed, "pouch", "begin", what["departure"], what["bag"], "SECRET", *agent)[
        "seal"
    ]
    number = done(
        typed, "pouch", "hand-in", "--to", "paris", "--register", "2026/000412", "--sender",
        "Direction des Nations unies", "--addressee", "Chancellerie", "--level", "secret",
        "--weight", "240", *agent,
    )["number"]  # fmt: skip
    laid = done(typed, "pouch", "scan", seal, number, number, *agent)
    assert [piece["new"] for piece in laid] == [True, False]
    return seal


def sealing(people: dict[str, str], what: dict[str, Any], seal: str, out: Path) -> list[str]:
    numbers = [part for number in what["seals"] for part in ("--seal-number", number)]
    return [
        "pouch", "seal", seal, *numbers, "--weight", "7400", *CHECKED,
        "--by", people["chief"], "--with", people["second"], "-o", str(out),
    ]  # fmt: skip


def test_a_bag_is_sealed_announced_handed_over_and_exported(
    ministry: Stage, typed: Typed, people: dict[str, str], tmp_path: Path
) -> None:
    what = ready(typed, people)
    seal = made_up(typed, people, what)
    out = tmp_path / "sac"

    made = done(typed, *sealing(people, what, seal, out))

    assert made["files"] == ["bordereau.pdf", "label.pdf", "manifest.json", "seal.png", "seal.txt"]
    for name, pages in (("label.pdf", 2), ("bordereau.pdf", 1)):
        assert len(pypdfium2.PdfDocument(out / name)) == pages
    sealed = read_sealed((out / "manifest.json").read_bytes())
    inside = pypdfium2.PdfDocument(out / "bordereau.pdf")[0].get_textpage().get_text_bounded()
    with opened(Namespace(data=str(ministry.settings.data))) as installation:
        with custodian_of(installation.settings) as custodian:
            trust = Trust([custodian.card()])
            root = read_introduction(custodian.root_introduction(), custodian.card())
        assert grouped_fingerprint(root_fingerprint(root)) in " ".join(inside.split())
        with reading(installation.engine) as connection:
            told = dispatch_of(connection, "PARIS", made["announcement"])
    verdict = judge(sealed.seal.text, trust=trust, at=clock.now(), sealed=sealed)
    assert verdict.name is Name.SEAL_GENUINE_MANIFEST_MATCHES
    assert told.dispatch_id == made["announcement"]
    by = ("--by", people["chief"])
    shown = done(typed, "pouch", "show", what["bag"], *by)
    assert shown["announced"] is True
    assert [event["kind"] for event in shown["events"]] == ["prepared", "sealed"]
    assert done(
        typed, "pouch", "hand-over", what["bag"], "--to", people["courier"], *by
    ) == {"ordinal": 1}  # fmt: skip
    document = done(
        typed, "pouch", "epcis", what["bag"], "--authority", "https://valise.example", *by
    )
    kinds = sorted(each["type"] for each in document["epcisBody"]["eventList"])
    assert kinds == ["AssociationEvent", "ObjectEvent", "ObjectEvent"]
    again = done(typed, "pouch", "papers", seal, "-o", str(tmp_path / "encore"), *by)
    assert again["number"] == made["number"]
    assert (tmp_path / "encore" / "label.pdf").read_bytes() == (out / "label.pdf").read_bytes()
    assert done(typed, "pouch", "announce", "--authority", people["chief"], *by) == []
    line = next(line for line in done(typed, "pouch", "overview", *by) if line["seal"] == seal)
    assert (line["stage"], line["late"], line["lost"]) == ("handed-over", False, False)
    assert official()(document) == []


def test_refusals_say_what_is_wrong_that_nothing_was_lost_and_what_to_do(
    typed: Typed, people: dict[str, str], tmp_path: Path
) -> None:
    what = ready(typed, people)
    seal = made_up(typed, people, what)

    def refused(code: str, *words: str, status: int = 1) -> str:
        ended, out, err = typed(*words)
        assert (ended, f"({code})" in err) == (status, True), (out, err)
        return err

    alone = sealing(people, what, seal, tmp_path / "a")
    alone[alone.index(people["second"])] = people["chief"]
    assert "duties-approver" in refused("NOT_ALLOWED", *alone)
    packer = sealing(people, what, seal, tmp_path / "a")
    packer[packer.index(people["second"])] = people["agent"]
    assert "duties-witness" in refused("NOT_ALLOWED", *packer)
    assert not (tmp_path / "a").exists()
    refused("PIECE_NUMBER_WRONG", "pouch", "scan", seal, "123", "--by", people["agent"])
    refused("NOT_ALLOWED", "pouch", "bag", "--by", people["drafter"])
    refused("CLOSING_UNKNOWN", "pouch", "show", what["bag"], "--by", people["drafter"])
    refused("LEGS_BROKEN", "pouch", "route", "X", "--leg", "A", "--by", people["chief"], status=2)
    text = refused("CLOSING_UNKNOWN", "pouch", "lose", "nothing", "--by", people["chief"])
    assert "Rien" in text
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").touch()
    refused("FOLDER_NOT_EMPTY", *sealing(people, what, seal, tmp_path / "full"), status=2)
    out = done(typed, *sealing(people, what, seal, tmp_path / "b"))
    assert out["seal"] == seal
    refused("BAG_SEALED", *sealing(people, what, seal, tmp_path / "c"))


def test_the_register_of_seals_says_when_it_does_not_add_up(
    typed: Typed, people: dict[str, str]
) -> None:
    what = ready(typed, people)
    by = ("--by", people["chief"])

    status, _, err = typed("pouch", "seals", "balance", *by)
    assert status == 1
    assert all(number in err for number in what["seals"])
    unused = err.split("montrés, ni écartés : ")[1].split(".")[0].split(", ")
    balanced = done(typed, "pouch", "seals", "balance", *unused, *by)
    assert balanced["unexplained"] == []


def test_the_counters_machine_is_connected_replaced_and_ended(
    ministry: Stage, typed: Typed, people: dict[str, str], tmp_path: Path
) -> None:
    engage(typed, people)
    by = ("--by", people["chief"])
    first, second, wrong = (tmp_path / name for name in ("first.jwk", "second.jwk", "wrong.jwk"))
    for file in (first, second):
        file.write_text(json.dumps(ApiKey.generate().public_jwk()))
    wrong.write_text('{"kty": "EC", "crv": "P-256", "d": "private"}')

    def clients() -> set[str]:
        engine = open_existing(ministry.settings.database)
        with reading(engine) as connection:
            keys = read_directory(connection).api_keys
        engine.dispose()
        return {key.thumbprint for key in keys.values() if key.post == "MINREX"}

    one = done(typed, "pouch", "machine", str(first), *by)["client"]
    assert clients() == {one}
    other = done(typed, "pouch", "machine", str(second), *by)["client"]
    assert clients() == {other} != {one}
    status, _, err = typed("pouch", "machine", str(wrong), *by)
    assert (status, "JWK_UNREADABLE" in err) == (2, True)
    status, _, err = typed("pouch", "machine", str(first), "--by", people["courier"])
    assert (status, "NOT_ALLOWED" in err) == (1, True)
    done(typed, "pouch", "machine", *by)
    assert clients() == set()


def test_papers_of_empties_and_discrepancies_are_printed_and_others_refused(
    typed: Typed, people: dict[str, str], tmp_path: Path
) -> None:
    what = ready(typed, people)
    seal = made_up(typed, people, what)
    by = ("--by", people["chief"])
    (case,) = done(typed, "pouch", "report", seal, "bag-detained", *by)["cases"]
    paper = ("--number", "VAL 2026/12", *by, "-o", str(tmp_path / "papier.pdf"))
    report = ("--circumstances", "Retenue à la douane.", "--effect", "Aucun.", "--measures", "-")

    done(typed, "pouch", "paper", "discrepancy", case, *report, *paper)
    (page,) = pypdfium2.PdfDocument(tmp_path / "papier.pdf")
    text = page.get_textpage().get_text_range()
    assert "VAL 2026/12" in text
    assert "Retenue à la douane" in text
    bag = done(typed, "pouch", "bag", *by)["locator"]
    odd = ("--sides", "60", "40", "0")
    status, _, said = typed("pouch", "bag", *odd, *by)
    assert (status, "(BAG_SIDES_ODD)" in said) == (1, True), said
    assert done(typed, "pouch", "bag", "--sides", "60", "40", "40", *by)["bag"]
    back = ("pouch", "take-back", "--from", "paris", "--bordereau", "SV 1", *by)
    assert done(typed, *back, bag) == {"bags": 0, "missing": []}, "it never left"
    status, _, said = typed(*back, bag, "0" * 22 + "98")
    assert (status, "(BAG_UNKNOWN)" in said) == (1, True), said
    done(typed, "pouch", "paper", "empties", "--to", "paris", *paper)
    assert len(pypdfium2.PdfDocument(tmp_path / "papier.pdf")) >= 1
    for code, words in (
        ("RECEIPT_MISSING", ("receipt", seal)),
        ("NOTHING_DESTROYED", ("destruction", seal, "--reason", "périmé")),
        ("CASE_UNKNOWN", ("discrepancy", "nothing", *report)),
        ("UNKNOWN_POST", ("empties", "--to", "NOWHERE")),
    ):
        status, _, err = typed("pouch", "paper", *words, *paper)
        assert (status, f"({code})" in err) == (1, True), err


def test_headquarters_takes_a_queue_in_with_a_device_that_it_forgot(
    typed: Typed, people: dict[str, str], tmp_path: Path
) -> None:
    engage(typed, people)
    device, seal = Device(secrets.token_hex(4)), secrets.token_hex(16)
    told = device.tell(received(), officer="PAUL", place="PARIS", minutes=0, seal=seal)
    file = tmp_path / "lectures.json"
    by = ("--by", people["agent"])

    def written(own: bytes) -> None:
        queue = (own, signed(told, device))
        file.write_bytes(b'{"clock":null,"device":%b,"events":[%b]}' % queue)

    def refused(code: str, *words: str) -> None:
        status, _, said = typed("pouch", "readings", *words, str(file))
        assert (status, f"({code})" in said) == (1, True), said

    written(enrolment_of(device, "LOME").replace(b'"LOME"', b'"PARIS"'))
    refused("READINGS_MALFORMED", "--take-in", *by)
    written(enrolment_of(device, "NOWHERE"))
    refused("UNKNOWN_POST", "--take-in", *by)
    written(enrolment_of(device, "PARIS"))
    refused("READINGS_REFUSED", *by)
    refused("NOT_ALLOWED", "--take-in", "--by", people["drafter"])
    taken = done(typed, "pouch", "readings", "--take-in", *by, str(file))
    assert taken == {"recorded": 1, "new": 1}
    assert done(typed, "pouch", "readings", *by, str(file)) == {"recorded": 1, "new": 0}


def test_a_sealed_bordereau_is_put_right_by_two_and_its_receiver_told(
    ministry: Stage, typed: Typed, people: dict[str, str], tmp_path: Path
) -> None:
    what = ready(typed, people)
    seal = made_up(typed, people, what)
    done(typed, *sealing(people, what, seal, tmp_path / "sac"))
    sealed = read_sealed((tmp_path / "sac" / "manifest.json").read_bytes())
    pair = ("--by", people["chief"], "--with", people["second"])
    words = ("--set", "1.addressee=Consulat, Marseille", "--set", "weight=7500")
    out = tmp_path / "rectificatif"

    made = done(
        typed, "pouch", "rectify", what["bag"], *words, "--reason", "Erreur", *pair, "-o", str(out)
    )  # fmt: skip

    assert made["files"] == ["rectification.json", "rectification.pdf"]
    file = read_rectification((out / "rectification.json").read_bytes())
    with opened(Namespace(data=str(ministry.settings.data))) as installation:
        with custodian_of(installation.settings) as custodian:
            trust = Trust([custodian.card()])
        with reading(installation.engine) as connection:
            told = dispatch_of(connection, "PARIS", made["announcement"])
    assert told.dispatch_id == made["announcement"]
    assert rectified(sealed, [file], trust=trust).weight_g == 7500
    text = pypdfium2.PdfDocument(out / "rectification.pdf")[0].get_textpage().get_text_bounded()
    for word in (made["number"], "Consulat, Marseille", "Agent chief", "Agent second"):
        assert word in " ".join(text.split())
    assert "Une seule personne" not in text
    again = tmp_path / "encore"
    papers = done(typed, "pouch", "papers", seal, "--by", people["chief"], "-o", str(again))
    assert {"bordereau.pdf", "rectification-1.json", "rectification-1.pdf"} <= set(papers["files"])
    assert (again / "rectification-1.json").read_bytes() == (
        out / "rectification.json"
    ).read_bytes()
    once_more = pypdfium2.PdfDocument(again / "rectification-1.pdf")[0].get_textpage()
    assert once_more.get_text_bounded() == text
    alone = ("pouch", "paper", "rectification", what["bag"], "--by", people["chief"])
    for nth in ((), ("--nth", "1")):
        path = tmp_path / f"seul{len(nth)}.pdf"
        assert done(typed, *alone, *nth, "-o", str(path)) == {"path": str(path)}
        assert pypdfium2.PdfDocument(path)[0].get_textpage().get_text_bounded() == text
    for unknown in ("0", "2"):
        status, _, err = typed(*alone, "--nth", unknown, "-o", str(tmp_path / "deux.pdf"))
        assert (status, "(RECTIFICATION_UNKNOWN)" in err) == (1, True), err
    assert not (tmp_path / "deux.pdf").exists()
    shown = done(typed, "pouch", "show", what["bag"], *pair[:2])
    assert shown["rectified"] == [made["number"]]
    status, told_in_words, _ = typed("pouch", "show", what["bag"], *pair[:2])
    assert (status, f"à lire avec : {made['number']}" in told_in_words) == (0, True)
    life = ("pouch", "epcis", what["bag"], "--authority", "https://valise.example", *pair[:2])
    document = done(typed, *life)
    assert official()(document) == []
    assert "errorDeclaration" in document["epcisBody"]["eventList"][-1]
    assert done(typed, "pouch", "announce", "--authority", people["chief"], *pair[:2]) == []
    status, _, err = typed(
        "pouch", "rectify", seal, "--set", "1.quantity=2", "--reason", "Erreur", *pair,
        "-o", str(tmp_path / "autre"),
    )  # fmt: skip
    assert (status, "(RECTIFICATION_IMPOSSIBLE)" in err) == (1, True), err
    assert not (tmp_path / "autre").exists()


def test_a_rectification_waits_for_its_bag_and_leaves_after_it(
    ministry: Stage, typed: Typed, people: dict[str, str], tmp_path: Path
) -> None:
    what = ready(typed, people)
    seal = made_up(typed, people, what)
    done(typed, *sealing(people, what, seal, tmp_path / "sac"))
    with opened(Namespace(data=str(ministry.settings.data))) as installation:
        engine, book = installation.engine, tables.sealed
    with unit_of_work(engine) as connection:
        # As after a send that failed: the bag is sealed, and its receiver not told.
        connection.execute(update(book).where(book.c.seal == seal).values(announcement=None))
    pair = ("--by", people["chief"], "--with", people["second"])
    status, out, err = typed(
        "pouch", "rectify", seal, "--set", "weight=7500", "--reason", "Erreur", *pair,
        "-o", str(tmp_path / "rectificatif"), "--json",
    )  # fmt: skip
    assert (status, json.loads(out)["announcement"]) == (0, None)
    assert "RECTIFICATION_BEFORE_BAG" in err
    assert "pouch announce" in err
    told = done(typed, "pouch", "announce", "--authority", people["chief"], *pair[:2])
    assert [each["seal"] for each in told] == [seal, seal]
    with reading(engine) as connection:
        of_bag = connection.scalar(select(book.c.announcement).where(book.c.seal == seal))
        sent = [dispatch_of(connection, "PARIS", each["dispatch_id"]) for each in told]
    assert [each.dispatch_id for each in sent] == [of_bag, told[1]["dispatch_id"]]
