"""Things with an id that await somebody: acts, reviews, mandates, ceremonies, cases, emergencies.

Each is made for one test and undone after it, so that it keeps nobody waiting.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete

from cipher_service import clock
from cipher_service.access import campaigns, ceremonies, emergencies, mandates
from cipher_service.access.acts import Gate
from cipher_service.access.mandates import Draft
from cipher_service.access.policies import default_policies
from cipher_service.access.subjects import Book, Person
from cipher_service.directory import officers
from cipher_service.directory.officers import Window
from cipher_service.pouches import cases, repository
from cipher_service.references import new_id
from cipher_service.storage.engine import open_existing
from cipher_service.storage.tables import acts as act_tables
from cipher_service.storage.tables import pouches as pouch_tables
from cipher_service.storage.tables.access import campaign, campaign_line, emergency
from cipher_service.storage.tables.officers import mandate
from cipher_service.storage.unit_of_work import unit_of_work
from keys.act_rules import RULES
from keys.acts import Act
from pouch.discrepancies import Difference
from tests.console.functions import Officers, Policies, Question
from tests.console.named_things import ID, NOWHERE, Thing, any_of_bag, gets, posts
from tests.console.sealed_bags import number_of, sealed_bag

_RELINK, _CHANGE = "officer.relink", "policy.change"


@contextmanager
def changing(to: Officers) -> Iterator[Connection]:
    """Write into the ministry's books, beside its registrar."""
    engine = open_existing(to.on.settings.database)
    try:
        with unit_of_work(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _proposed(to: Officers, kind: str, by: str, **more: object) -> str:
    """An act of several persons as its proposer's signature leaves it."""
    now = clock.now().replace(microsecond=0)
    values: dict[str, Any] = {
        "id": new_id(now),
        "kind": kind,
        "version": 0,
        "rank": 0,
        "parameters": {},
        "proposer": number_of(to.on, by),
        "subjects": (),
        "authors": (),
        "reason": "Essai",
        "not_before": now,
        "expires": now + timedelta(seconds=RULES[kind].seconds),
        **more,
    }
    act = Act(**values)
    with changing(to) as connection:
        connection.execute(
            act_tables.shared_act.insert().values(
                act_id=act.id,
                kind=kind,
                resource=act.resource,
                body=act.encoded,
                state="open",
                proposed_at=clock.text(now),
                expires_at=clock.text(act.expires),
            )
        )
    return act.id


def _act_gone(to: Officers, id_: str) -> None:
    book = act_tables.shared_act
    with changing(to) as connection:
        connection.execute(delete(book).where(book.c.act_id == id_))


def _relinking(to: Officers, _folder: Path) -> str:
    courier = number_of(to.on, "COURIER")
    by = "SECURITY-OFFICER"
    return _proposed(to, _RELINK, by, resource=f"officer/{courier}", subjects=(courier,))


def _in_relinking(policies: Policies, _books: Connection, _id: str, role: str) -> bool:
    """Its proposer, and whoever could sign after by the act's own rule."""
    _first, second = RULES[_RELINK].seats_at(0)
    held = policies.principals[role].functions
    return role == "SECURITY-OFFICER" or (role != "COURIER" and bool(held & second))


def _changing_policies(to: Officers, _folder: Path) -> str:
    text = default_policies().text
    by = "CHIEF-CNTC"
    return _proposed(to, _CHANGE, by, resource="policy/access", parameters={"policies": text})


def _reads_policies(policies: Policies, _books: Connection, _id: str, role: str) -> bool:
    ways = (("policy-read", Book("policies")), ("recertify", Person("", "")))
    return any(policies.allow(role, *way) for way in ways)


def _ceremony(to: Officers, _folder: Path) -> str:
    held = ("COURIER", "CIPHER-CLERK", "POUCH-AGENT")
    form = {
        "threshold": "2",
        "second": number_of(to.on, "CUSTODIAN-B"),
        "third": number_of(to.on, "CHIEF-CNTC"),
        "reason": "Un porteur est parti",
        **{f"{name}-{row}": "" for name in ("code", "officer", "card") for row in range(5)},
    }
    for row, role in enumerate(held):
        form[f"code-{row}"] = f"GARDE-{row}"
        form[f"officer-{row}"] = number_of(to.on, role)
        form[f"card-{row}"] = f"{row}b" * 32
    (told,) = to.ask([("CUSTODIAN-A", Question("/ceremonies/nouvelle", form))])
    assert told.where.startswith("/ceremonies/"), told
    return told.where.rpartition("/")[2]


def _abandoned(to: Officers, id_: str) -> None:
    (told,) = to.ask(
        [("CUSTODIAN-A", Question(f"/ceremonies/{id_}/abandonner", {"reason": "Essai"}))]
    )
    assert told.where == f"/ceremonies/{id_}", told


def _of_ceremony(policies: Policies, books: Connection, id_: str, role: str) -> bool:
    """Who takes part, and the functions that watch over all."""
    taking_part = ceremonies.read(books, id_).participants
    number = policies.officers.numbers[role]
    return number in taking_part or role in ceremonies.WATCHERS


def _case(to: Officers, _folder: Path) -> str:
    seal = sealed_bag(to.on).seal
    with changing(to) as connection:
        closing = repository.closing_of(connection, seal)
        assert closing is not None
        (made,) = cases.open_cases(
            connection,
            seal,
            closing.bag_class,
            [Difference("bag-detained", "")],
            reporter=number_of(to.on, "COURIER"),
            now=clock.now().replace(microsecond=0),
        )
    return made


def _case_gone(to: Officers, id_: str) -> None:
    case, step = pouch_tables.discrepancy, pouch_tables.discrepancy_step
    with changing(to) as connection:
        connection.execute(delete(step).where(step.c.discrepancy == id_))
        connection.execute(delete(case).where(case.c.discrepancy_id == id_))


def _of_case(policies: Policies, books: Connection, id_: str, role: str) -> bool:
    return any_of_bag(policies, books, cases.seal_of(books, id_), role)


def _emergency(to: Officers, _folder: Path) -> str:
    now = clock.now()
    values = {
        "officer": number_of(to.on, "DEPUTY-DIRECTOR"),
        "action": "read",
        "object": NOWHERE,
        "reason": "Essai",
        "declared_at": clock.text(now),
        "ends": clock.text(now + emergencies.LASTS),
        "review_by": clock.text(now + emergencies.REVIEW),
    }
    with changing(to) as connection:
        made = connection.scalar(emergency.insert().values(**values).returning(emergency.c.seq))
    return str(made)


def _emergency_gone(to: Officers, id_: str) -> None:
    with changing(to) as connection:
        connection.execute(delete(emergency).where(emergency.c.seq == int(id_)))


def _reviews(policies: Policies, books: Connection, _id: str, role: str) -> bool:
    deputy = number_of(policies.officers.on, "DEPUTY-DIRECTOR")
    about = Person(deputy, officers.read(books, deputy).identity.post)
    # Whoever declared it knows of it, and is told that nobody reviews their own.
    return role == "DEPUTY-DIRECTOR" or policies.allow(role, "break-glass-review", about)


def open_review(to: Officers) -> str:
    """Open a review of every right, as the security officer does."""
    by = number_of(to.on, "SECURITY-OFFICER")
    with changing(to) as connection:
        return campaigns.open_campaign(connection, Gate(), by, clock.now())


def review_gone(to: Officers, id_: str) -> None:
    """Take a review out of the books again."""
    with changing(to) as connection:
        connection.execute(delete(campaign_line).where(campaign_line.c.campaign == id_))
        connection.execute(delete(campaign).where(campaign.c.campaign_id == id_))


def draft_mandate(to: Officers) -> str:
    """Write the draft of a delegation, as the Head of the Cell does."""
    now = clock.now().replace(microsecond=0)
    general, director, chief = (
        number_of(to.on, role) for role in ("SECRETARY-GENERAL", "DEPUTY-DIRECTOR", "CHIEF-CNTC")
    )
    window = Window(now, now + timedelta(days=3))
    draft = Draft(
        "signature", director, general, "SECRETARY-GENERAL", (), "CONFIDENTIEL", window, "ARR-1"
    )
    with changing(to) as connection:
        return mandates.propose(connection, Gate(), draft, chief, now)


def _of_mandate(policies: Policies, books: Connection, id_: str, role: str) -> bool:
    """Who reads the policies, and both parties, who may end it and learn why they do not sign."""
    known = mandates.find(books, id_)
    party = policies.officers.numbers[role] in (known.holder, known.delegator)
    return party or _reads_policies(policies, books, id_, role)


def mandate_gone(to: Officers, id_: str) -> None:
    """Take a draft out of the books again."""
    with changing(to) as connection:
        connection.execute(delete(mandate).where(mandate.c.mandate_id == id_))


def mandates_gone(to: Officers, act: str) -> None:
    """Take the mandates that one act gave out of the books again."""
    with changing(to) as connection:
        connection.execute(delete(mandate).where(mandate.c.act == act))


_ACT = "/actes/{act_id}"
_CEREMONY = "/ceremonies/{ceremony}"

PASSING = (
    Thing(
        "act_id",
        NOWHERE,
        _relinking,
        _in_relinking,
        {
            **gets(_ACT),
            **posts({"act": ID}, "/actes/signer"),
            **posts({"act": ID, "reason": "x"}, "/actes/refuser"),
        },
        _act_gone,
    ),
    Thing(
        "act_id", NOWHERE, _changing_policies, _reads_policies, gets("/politiques/{act_id}"),
        _act_gone,
    ),
    Thing(
        "review",
        "R-999999",
        lambda to, _folder: open_review(to),
        _reads_policies,
        {
            **gets("/revues/{review}"),
            **posts({"line": "1", "verdict": "confirmer"}, "/revues/{review}/repondre"),
        },
        review_gone,
    ),
    Thing(
        "mandate",
        "M-999999",
        lambda to, _folder: draft_mandate(to),
        _of_mandate,
        {
            **gets("/mandats/{mandate}"),
            **posts({}, "/mandats/{mandate}/signer", "/mandats/{mandate}/terminer"),
        },
        mandate_gone,
    ),
    Thing(
        "ceremony",
        NOWHERE,
        _ceremony,
        _of_ceremony,
        {
            **gets(_CEREMONY, f"{_CEREMONY}/proces-verbal.json", f"{_CEREMONY}/proces-verbal.pdf"),
            **posts({}, f"{_CEREMONY}/confirmer", f"{_CEREMONY}/clore"),
            **posts({"reason": "x"}, f"{_CEREMONY}/abandonner"),
        },
        _abandoned,
    ),
    Thing(
        "case",
        NOWHERE,
        _case,
        _of_case,
        posts({"case": ID, "state": "notified"}, "/valises/irregularites"),
        _case_gone,
    ),
    Thing(
        "number",
        "99999",
        _emergency,
        _reviews,
        posts({"number": ID, "finding": "justifiee"}, "/urgences/revoir"),
        _emergency_gone,
    ),
)  # fmt: skip
