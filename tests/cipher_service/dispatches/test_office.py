"""A dispatch of headquarters is released by another person who has read it, and leaves once."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.policies import read_policies
from cipher_service.access.residuals import Untranslatable
from cipher_service.directory import authorisations, enrolment
from cipher_service.directory.officers import Window
from cipher_service.dispatches.office import compositions, declassifying, trail, trays
from cipher_service.errors import ServiceError
from cipher_service.storage.tables.access import handling
from cipher_service.storage.tables.compositions import composition, declassification, dispatch_act
from cipher_service.storage.tables.dispatches import addressee, dispatch
from cipher_service.storage.tables.headquarters import intent
from cipher_service.storage.tables.identity import approval
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.acts import Act
from keys.custody.rotation import Terminal
from keys.custody.store import found, open_store, read_credential
from keys.errors import Refusal
from tests.support import ministry
from tests.support.cipher_office import DAY, Office
from tests.support.ministry import HEADQUARTERS

SECRET = "Instructions pour la délimitation maritime."


@pytest.fixture
def office(engine: Engine, tmp_path: Path) -> Office:
    return Office(engine, tmp_path)


def state(office: Office, number: str) -> str:
    with reading(office.engine) as connection:
        found = select(composition.c.state).where(composition.c.composition_id == number)
        return str(connection.scalar(found))


def submitted(office: Office, number: str, to: str = "CLERK") -> None:
    office.act("DRAFTER", "dispatch_submit", dispatch_id=number, edition=1, to=office.of[to].number)


def refused(office: Office, code: str, who: Any, name: str, **payload: Any) -> None:
    with pytest.raises((ServiceError, Refusal)) as told:
        office.act(who, name, **payload)
    assert getattr(told.value, "code", None) == code


def test_from_the_draft_to_the_departure(office: Office) -> None:
    number = office.draft(subject="Délimitation", text=SECRET)
    with reading(office.engine) as connection:
        kept = connection.execute(select(composition)).one()
        assert b"limitation" not in kept.body
    submitted(office, number)
    assert office.read("CLERK", number) == ("Délimitation", SECRET)
    office.propose(number)
    # Nobody but who is awaited, and only after reading.
    refused(office, "NOT_OPENED", "CHIEF", "dispatch_prepare", dispatch_id=number)
    refused(office, "NOT_FOUND", "DEPUTY", "dispatch_prepare", dispatch_id=number)
    assert office.read("CHIEF", number)[1] == SECRET
    office.release(number)
    assert state(office, number) == "released"
    [left] = office.departing.round()
    assert (left.refused, state(office, number)) == (None, "left")
    assert office.departing.round() == []
    with reading(office.engine) as connection:
        sent = connection.execute(select(dispatch)).one()
        known = connection.execute(select(handling)).one()
        posts = list(connection.scalars(select(addressee.c.post).order_by(addressee.c.post)))
        people = connection.execute(select(intent.c.drafter, intent.c.authority)).one()
    assert (sent.level, sent.origin, posts) == ("SECRET", "MINREX", ["MINREX", "PARIS"])
    assert (known.dispatch_id, known.author) == (sent.dispatch_id, office.of["DRAFTER"].number)
    assert tuple(people) == (office.of["DRAFTER"].number, office.of["CHIEF"].number)


def test_nobody_releases_their_own(office: Office) -> None:
    number = office.draft("CHIEF")
    chief = office.of["CHIEF"].number
    refused(
        office, "PARTY_UNKNOWN", "CHIEF", "dispatch_submit", dispatch_id=number, edition=1, to=chief
    )
    low = office.draft("CHIEF", level="NON-PROTEGE", caveats=[])
    refused(
        office, "PARTY_UNKNOWN", "CHIEF", "dispatch_submit", dispatch_id=low, edition=1, to=chief
    )
    office.act(
        "CHIEF", "dispatch_submit", dispatch_id=number, edition=1, to=office.of["CLERK"].number
    )
    office.read("CLERK", number)
    with pytest.raises(ServiceError, match="PARTY_UNKNOWN"):
        office.propose(number, to="CHIEF")
    office.propose(number, to="DEPUTY")
    # An author's own look is no reading; and the act refuses the author also when somebody at the
    # database writes their name as the one awaited, and that they have read it.
    with unit_of_work(office.engine) as connection:
        connection.execute(update(composition).values(assigned=chief))
    office.read("CHIEF", number)
    refused(office, "NOT_OPENED", "CHIEF", "dispatch_prepare", dispatch_id=number)
    with unit_of_work(office.engine) as connection:
        digest = compositions.read(connection, number).digest
        trail.note(connection, number, trail.OPENED, chief, clock.now(), digest=digest)
    with pytest.raises(Refusal) as told:
        office.release(number, "CHIEF")
    assert told.value.code == "APPROVER_CONCERNED"
    assert state(office, number) == "proposed"


def test_below_confidentiel_one_other_person_releases_alone(office: Office) -> None:
    number = office.draft(level="DIFFUSION-RESTREINTE", caveats=[])
    submitted(office, number, "DEPUTY")
    refused(office, "NOT_OPENED", "DEPUTY", "dispatch_prepare", dispatch_id=number)
    office.read("DEPUTY", number)
    asked = office.act("DEPUTY", "dispatch_prepare", dispatch_id=number)
    assert asked["kind"] == "dispatch.release-alone"
    wrong = office.signature("CLERK", asked)
    refused(office, "KEY_UNKNOWN", "DEPUTY", "dispatch_release", dispatch_id=number, **wrong)
    office.release(number, "DEPUTY")
    assert [left.refused for left in office.departing.round()] == [None]
    # From CONFIDENTIEL up the same way is closed.
    two = office.draft(level="CONFIDENTIEL", caveats=[])
    submitted(office, two)
    office.read("CLERK", two)
    asked = office.act("CLERK", "dispatch_prepare", dispatch_id=two)
    alone = replace(Act.parse(asked["act"]), kind="dispatch.release-alone")
    asked |= {"act": alone.encoded, "digest": alone.digest}
    signed = office.signature("CLERK", asked)
    refused(office, "NOT_ALLOWED", "CLERK", "dispatch_release", dispatch_id=two, **signed)


def test_a_text_that_changed_is_read_and_signed_anew(office: Office) -> None:
    number = office.draft()
    submitted(office, number)
    office.read("CLERK", number)
    office.propose(number)
    office.read("CHIEF", number)
    asked = office.act("CHIEF", "dispatch_prepare", dispatch_id=number)
    office.act("DRAFTER", "dispatch_withdraw", dispatch_id=number)
    office.act(
        "DRAFTER", "dispatch_save", dispatch_id=number, edition=1,
        content=office.content(text="Autre chose"),
    )  # fmt: skip
    signed = office.signature("CHIEF", asked)
    refused(office, "NOT_FOUND", "CHIEF", "dispatch_release", dispatch_id=number, **signed)
    office.act(
        "DRAFTER", "dispatch_submit", dispatch_id=number, edition=2, to=office.of["CLERK"].number
    )
    refused(office, "NOT_OPENED", "CLERK", "dispatch_prepare", dispatch_id=number)


def test_a_refusal_goes_to_the_author_sealed_and_ends_the_act(office: Office) -> None:
    number = office.draft()
    submitted(office, number)
    office.read("CLERK", number)
    office.propose(number)
    reason = office.showing.sealed_text("Citez la note du 3 mars.")
    refused(office, "NOT_FOUND", "DEPUTY", "dispatch_refuse", dispatch_id=number, reason=reason)
    office.act("CHIEF", "dispatch_refuse", dispatch_id=number, reason=reason)
    given = office.act("DRAFTER", "dispatch_review.intend", dispatch_id=number)
    assert office.showing.unsealed_text(given["refusal"]) == "Citez la note du 3 mars."
    assert state(office, number) == "draft"
    refused(office, "NOT_FOUND", "CLERK", "dispatch_prepare", dispatch_id=number)


def test_two_windows_on_one_draft_lose_nothing(office: Office) -> None:
    number = office.draft()
    save = {"dispatch_id": number, "content": office.content(text="un")}
    assert office.act("DRAFTER", "dispatch_save", edition=1, **save)["edition"] == 2
    refused(office, "DRAFT_CHANGED", "DRAFTER", "dispatch_save", edition=1, **save)
    refused(office, "NOT_FOUND", "DEPUTY", "dispatch_save", edition=2, **save)
    office.act("DRAFTER", "dispatch_discard", dispatch_id=number)
    refused(office, "NOT_FOUND", "DRAFTER", "dispatch_save", edition=2, **save)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"level": "TRES-SECRET"}, "NOT_ALLOWED"),
        ({"releasable": ["LOME"]}, "NOT_ALLOWED"),  # its author would not see it any more
        ({"level": "ULTRA"}, "UNKNOWN_LEVEL"),
        ({"precedence": "SOON"}, "UNKNOWN_PRECEDENCE"),
        ({"routing": [["PARIS", "action", "cipher"]] * 2}, "ADDRESSEE_TWICE"),
        ({"routing": [["PARIS", "copy", "cipher"]]}, "FORM_REFUSED"),
        ({"relation": "reply"}, "FORM_REFUSED"),
        ({"body": b"x" * 100_000}, "TEXT_TOO_LONG"),
    ],
)
def test_what_cannot_be_a_draft(office: Office, changes: dict[str, Any], code: str) -> None:
    content = office.content(**changes)
    refused(office, code, "DRAFTER", "dispatch_save", dispatch_id=None, content=content)


def test_what_cannot_be_submitted(office: Office) -> None:
    nobody = office.draft(routing=[["PARIS", "info", "cipher"]])
    outside = office.draft(releasable=["LOME", "MINREX"])
    to = office.of["CLERK"].number
    for number, code in ((nobody, "ADDRESSEE_MISSING"), (outside, "ADDRESSEE_NOT_RELEASABLE")):
        refused(office, code, "DRAFTER", "dispatch_submit", dispatch_id=number, edition=1, to=to)
    low = office.hire("CIPHER-CLERK", "CONFIDENTIEL")
    number = office.draft()
    for party in (low.number, office.of["SECURITY"].number, "OFF-999999"):
        refused(
            office, "PARTY_UNKNOWN", "DRAFTER", "dispatch_submit", dispatch_id=number, edition=1,
            to=party,
        )  # fmt: skip


def test_what_answers_a_dispatch_is_never_less_protected(office: Office) -> None:
    source = office.arrive(level="SECRET")
    office.act("CHIEF", "dispatch_assign", dispatch_id=source, to=office.of["DEPUTY"].number)
    reply: dict[str, Any] = {"source": source, "relation": "reply"}
    lower: tuple[dict[str, Any], ...] = ({"level": "CONFIDENTIEL"}, {"caveats": []})
    for changes in lower:
        content = office.content(**reply, **changes)
        refused(
            office, "LABEL_LOWERED", "DEPUTY", "dispatch_save", dispatch_id=None, content=content
        )
    content = office.content(**reply)
    number = office.act("DEPUTY", "dispatch_save", dispatch_id=None, content=content)["dispatch_id"]
    office.act(
        "DEPUTY", "dispatch_submit", dispatch_id=number, edition=1, to=office.of["CLERK"].number
    )
    # Who may not know of the source may not answer it, nor learn that it exists.
    refused(office, "NOT_FOUND", "DRAFTER", "dispatch_save", dispatch_id=None, content=content)


def test_a_process_that_lives_on_signs_and_opens_as_what_is_in_force_now(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The keys are rotated at the custodian's terminal; bureau, reception and rounds go on."""
    now = clock.now().replace(microsecond=0)
    store, credential = tmp_path / "custody", tmp_path / "credential"
    found(store, credential, HEADQUARTERS, now - DAY, now + DAY)
    custodian = open_store(store, read_credential(credential))
    monkeypatch.setattr(ministry, "custody", lambda: custodian)
    office = Office(engine, tmp_path)
    before, gone = office.arrive(1), office.released()
    assert [left.refused for left in office.departing.round()] == [None]

    terminal = Terminal(store, read_credential(credential))
    card = terminal.rotate(now - DAY, now + 2 * DAY, now)
    with unit_of_work(engine) as connection:
        enrolment.install(connection, card, now)
    office.card = card
    after, new = office.arrive(2), office.released()
    assert [left.refused for left in office.departing.round()] == [None]
    for number in (before, after):
        office.reception.open(number, tmp_path / number)
    with reading(engine) as connection:
        left = select(composition.c.composition_id, dispatch.c.origin_card).join(
            dispatch, dispatch.c.dispatch_id == composition.c.dispatch_id
        )
        cards = {row.composition_id: row.origin_card for row in connection.execute(left)}
    assert (cards[gone], cards[new]) == (card.previous, card.fingerprint)


def test_an_interrupted_departure_leaves_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = office.released()

    class Killed(BaseException):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    # Between the numbers and the signature, with nobody left to cancel them.
    with monkeypatch.context() as patch:
        patch.setattr(office.bureau, "_issue", killed)
        patch.setattr(office.bureau, "_cancel", lambda _id: None)
        with pytest.raises(Killed):
            office.departing.round()
    # After it has left, before that was written down.
    with monkeypatch.context() as patch:
        patch.setattr(office.departing, "_settle", killed)
        with pytest.raises(Killed):
            office.departing.round()
    assert state(office, number) == "released"
    [left] = office.departing.round()
    assert (left.refused, state(office, number)) == (None, "left")
    with reading(office.engine) as connection:
        assert len(list(connection.execute(select(dispatch)))) == 1
        states = list(connection.scalars(select(intent.c.state).order_by(intent.c.register_number)))
    assert states == ["cancelled", "issued"]


def test_what_cannot_leave_goes_back_with_its_reason(office: Office) -> None:
    unknown = office.draft(routing=[["BONN", "action", "cipher"]])
    refused(
        office, "UNKNOWN_POST", "DRAFTER", "dispatch_submit", dispatch_id=unknown, edition=1,
        to=office.of["CLERK"].number,
    )  # fmt: skip
    number = office.released()
    with unit_of_work(office.engine) as connection:
        enrolment.suspend(connection, "PARIS", clock.now())
    [left] = office.departing.round()
    assert (left.refused, state(office, number)) == ("POST_NOT_ACTIVE", "draft")
    given = office.act("DRAFTER", "dispatch_review.intend", dispatch_id=number)
    assert office.showing.unsealed_text(given["refusal"]) == "POST_NOT_ACTIVE"


def test_an_arrival_is_assigned_read_receipted_and_handed_over(office: Office) -> None:
    number = office.arrive(precedence="FLASH", text="Coup d'État à minuit.")
    clerk, now = office.of["CLERK"].number, clock.now()

    def tray(who: str, **which: Any) -> list[str]:
        with reading(office.engine) as connection:
            found = trays.arrivals(
                connection, office.gate, office.of[who].number, "MINREX", now, **which
            )
        return [line.dispatch_id for line in found]

    assert (tray("CLERK"), tray("CHIEF"), tray("SECURITY")) == ([], [number], [])
    assert (tray("CHIEF", action="grant-need"), tray("CHIEF", action="read")) == ([number], [])
    for unseen in ("CLERK", "SECURITY"):
        refused(office, "NOT_FOUND", unseen, "dispatch_card", dispatch_id=number)
    ruled = office.act("CHIEF", "dispatch_card", dispatch_id=number)["decision"]
    assert ruled["policies"] == ["registers"]
    refused(office, "NOT_FOUND", "CLERK", "dispatch_open.intend", dispatch_id=number)
    refused(office, "NOT_ALLOWED", "CHIEF", "dispatch_open.intend", dispatch_id=number)
    security = office.of["SECURITY"].number
    refused(
        office, "RECIPIENT_REFUSED", "CHIEF", "dispatch_assign", dispatch_id=number, to=security
    )
    refused(office, "NOT_FOUND", "SECURITY", "dispatch_assign", dispatch_id=number, to=clerk)
    office.act("CHIEF", "dispatch_assign", dispatch_id=number, to=clerk)
    assert tray("CLERK", action="read") == [number]

    with reading(office.engine) as connection:
        heard = trays.alerts(connection, office.gate, clerk, "MINREX", now)
        assert [line.dispatch_id for line in heard] == [number]
    office.act("CLERK", "dispatch_acknowledge", dispatch_id=number)
    office.act("CLERK", "dispatch_acknowledge", dispatch_id=number)
    auditor = office.hire("AUDITOR").number
    with reading(office.engine) as connection:
        assert trays.alerts(connection, office.gate, clerk, "MINREX", now) == []
        chief = trays.alerts(connection, office.gate, office.of["CHIEF"].number, "MINREX", now)
        assert len(chief) == 1
        listed = trays.arrivals(connection, office.gate, auditor, "MINREX", now)
        assert [line.dispatch_id for line in listed] == [number]
        assert trays.alerts(connection, office.gate, auditor, "MINREX", now) == []

    office.act("CLERK", "dispatch_open.intend", dispatch_id=number)
    shown = office.showing.arrival(number)
    assert (shown.text, shown.whole, shown.attachments) == ("Coup d'État à minuit.", True, ())
    told = {
        "dispatch_id": number, "manifest_hash": shown.manifest_hash, "releasable": [],
        "subject": office.showing.sealed_text(shown.manifest.heading.subject),
    }  # fmt: skip
    first = office.act("CLERK", "dispatch_open.end", **told)
    assert (first["again"], office.act("CLERK", "dispatch_open.end", **told)["again"]) == (
        False,
        True,
    )
    with reading(office.engine) as connection:
        [line] = trays.arrivals(
            connection, office.gate, clerk, "MINREX", now, states=("deciphered",)
        )
        assert line.seen_by == ("A. Essomba",)
        acts = list(connection.scalars(select(dispatch_act.c.kind).order_by(dispatch_act.c.seq)))
    assert acts == ["assigned", "acknowledged", "opened", "opened"]

    minister = office.of["MINISTER"].number
    deputy = office.of["DEPUTY"].number
    refused(office, "OWN_ACT", "CLERK", "dispatch_hand_over", dispatch_id=number, to=clerk)
    refused(
        office, "RECIPIENT_REFUSED", "CLERK", "dispatch_hand_over", dispatch_id=number, to=deputy
    )
    office.act("CLERK", "dispatch_hand_over", dispatch_id=number, to=minister)


def test_policies_are_asked_about_alerts_only_when_something_urgent_waits(office: Office) -> None:
    when = "resource.caveats == resource.releasable"  # has no translation: whoever asks, hears it
    policies = f'@id("a") permit (principal, action, resource is Dispatch) when {{ {when} }};'
    asked = (Gate(read_policies(policies)), office.of["CLERK"].number, HEADQUARTERS, clock.now())
    office.arrive(precedence="IMMEDIAT")
    with reading(office.engine) as connection:
        assert trays.alerts(connection, *asked) == []
    office.arrive(2, precedence="FLASH")
    with reading(office.engine) as connection, pytest.raises(Untranslatable):
        trays.alerts(connection, *asked)


def test_a_refused_envelope_is_told_to_its_origin_once_and_enters_nothing(office: Office) -> None:
    number = office.arrive()
    office.act("CHIEF", "dispatch_assign", dispatch_id=number, to=office.of["CLERK"].number)
    office.act("CLERK", "dispatch_open.intend", dispatch_id=number)
    office.act(
        "CLERK", "dispatch_open.end", dispatch_id=number, refused="PAYLOAD_DAMAGED", told=True
    )
    with reading(office.engine) as connection:
        assert connection.scalar(select(addressee.c.state)) == "refused"
        assert list(connection.scalars(select(dispatch_act.c.kind))) == ["assigned"]


def test_two_persons_lower_what_is_drawn_from_a_dispatch_and_it_keeps_its_own(
    office: Office,
) -> None:
    office.released()
    office.departing.round()
    with reading(office.engine) as connection:
        sent = str(connection.scalar(select(dispatch.c.dispatch_id)))
    reply = office.content(source=sent, relation="forward", level="CONFIDENTIEL", caveats=[])
    known = {"dispatch_id": None, "content": reply}
    grant = ("dispatch", sent, Window(clock.now(), None))
    with unit_of_work(office.engine) as connection:
        person = office.of["DEPUTY"].number
        authorisations.grant_need(connection, person, *grant, reason="desk", by=None)
    refused(office, "LABEL_LOWERED", "DEPUTY", "dispatch_save", **known)
    asked = {"dispatch_id": sent, "caveats": [], "back": "/depeches/"}
    propose = declassifying.acts(office.gate)["dispatch_declassify"]

    def lower(who: str, level: str = "CONFIDENTIEL", reason: str = "publié") -> None:
        with unit_of_work(office.engine) as connection:
            number = office.of[who].number
            propose(connection, number, {**asked, "level": level, "reason": reason})

    for who, level, reason, code in (
        ("DRAFTER", "CONFIDENTIEL", "publié", "NOT_ALLOWED"),
        ("DEPUTY", "TRES-SECRET", "publié", "LABEL_RAISED"),
        ("DEPUTY", "CONFIDENTIEL", " ", "REASON_MISSING"),
        ("SECURITY", "CONFIDENTIEL", "publié", "NOT_FOUND"),
    ):
        with pytest.raises(ServiceError, match=code):
            lower(who, level, reason)
    lower("DEPUTY")
    with reading(office.engine) as connection:
        act = Act.parse(bytes(connection.scalars(select(approval.c.body)).one()))
    perform = declassifying.executor(office.gate).perform
    for other, code in (("CHIEF", "NOT_ALLOWED"), ("DEPUTY", "NOT_ALLOWED")):
        with unit_of_work(office.engine) as connection:
            with pytest.raises(ServiceError, match=code):
                perform(connection, act, office.of[other].number, clock.now())
            assert connection.scalar(select(declassification.c.act)) is None
    office.sign_all(act, "DEPUTY", "GENERAL")
    with unit_of_work(office.engine) as connection:
        perform(connection, act, office.of["GENERAL"].number, clock.now())
    assert office.act("DEPUTY", "dispatch_save", **known)["edition"] == 1
    with reading(office.engine) as connection:
        assert connection.scalar(select(dispatch.c.level)) == "SECRET"
