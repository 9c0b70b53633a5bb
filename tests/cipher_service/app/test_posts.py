"""Posts' requests go through the one decision: what is in force holds for machines too."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select

from cipher_service import clock
from cipher_service.access.deployed import in_force
from cipher_service.access.machines import Viewer, viewer_of
from cipher_service.access.policies import data_text, default_policies, read_policies
from cipher_service.app.posts import PostDecisions
from cipher_service.audit.recorder import Recorder
from cipher_service.directory.officers import OFFICERS
from cipher_service.directory.register import DirectoryReader, read_directory
from cipher_service.dispatches import lists, rules, shown
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.errors import ServiceError
from cipher_service.identity.commands import Admissions
from cipher_service.storage import counters
from cipher_service.storage.batch import Batches, Handler, Outcome, Request
from cipher_service.storage.tables.access import handling, policy_set
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.slips import Slip
from tests.cipher_service.access.ministry import person
from tests.support.ministry import HEADQUARTERS, Ministry, post_keys

BODY = b"age-encryption.org/v1\n0123456789"
NUMBERS = itertools.count(1)
WITHOUT_POSTS = default_policies().text.replace(data_text("posts.cedar"), "")
CLOSED = """
@id("ministry-closed")
forbid (principal, action in [Action::"post-submit", Action::"post-list", Action::"post-fetch"],
        resource is Envelope)
when { resource.level > 2 };
"""


@pytest.fixture
def ministry(engine: Engine, tmp_path: Path) -> Ministry:
    return Ministry(engine, tmp_path)


def adopt(ministry: Ministry, text: str) -> None:
    with unit_of_work(ministry.engine) as connection:
        adopted(connection, text)


def adopted(connection: Connection, text: str) -> None:
    officer = person(connection, "CHIEF-CNTC")
    connection.execute(
        insert(policy_set).values(
            digest=read_policies(text).digest, body=text, adopted_at=clock.text(clock.now()),
            adopted_by=officer, approver=officer,
        )
    )  # fmt: skip
    counters.advance(connection, OFFICERS)


def ask(ministry: Ministry, post: str, command: str, *acts: dict[str, Any]) -> list[Outcome]:
    """Give a post's commands as the registrar runs them: admitted, decided, done, entered."""
    return batches_of(ministry).run([asked(post, command, act) for act in acts])


def asked(post: str, command: str, act: dict[str, Any]) -> Request:
    client = post_keys(post).api_key.thumbprint
    return Request(command, {"post": post, "client": client, "act": act})


def batches_of(ministry: Ministry, **more: Handler) -> Batches:
    directory = DirectoryReader()
    admissions = Admissions(directory, ministry.custodian, "https://api")
    desk = ministry.desk.handlers()
    of_posts = {name: desk[name] for name in ("submit", "record_receipt", "mark_fetched")}
    may = PostDecisions(directory).covering(of_posts)
    sealer = ReceiptSealer(ministry.custodian, HEADQUARTERS, Recorder("log").before_commit)
    return Batches(
        ministry.engine,
        {**admissions.guarded(of_posts, may), **more},
        sealer.before_commit,
        {"submit": admissions.guarded_together("submit", ministry.desk.submit_together, may)},
    )


def slip_of(ministry: Ministry, level: str, delivery: str = "cipher") -> Slip:
    to = [("LOME", next(NUMBERS))]
    return ministry.slip("PARIS", to, BODY, level=level, delivery=delivery, copy=True)


def sent(ministry: Ministry, level: str = "CONFIDENTIEL", delivery: str = "cipher") -> str:
    slip = slip_of(ministry, level, delivery)
    ministry.submit(slip, BODY)
    return slip.dispatch_id


def seen_by(ministry: Ministry, post: str, *, delivery: str = "cipher") -> set[str]:
    with reading(ministry.engine) as connection:
        viewer = viewer_of(connection, read_directory(connection), post)
        listed = shown.inbox(connection, viewer, rules.STATES, after=0, limit=50, delivery=delivery)
        return {line.dispatch_id for line in listed}


def fetched(ministry: Ministry, post: str, dispatch_id: str) -> bool:
    with reading(ministry.engine) as connection:
        viewer = viewer_of(connection, read_directory(connection), post)
        try:
            return shown.dispatch_of(connection, viewer, dispatch_id).dispatch_id == dispatch_id
        except ServiceError as refused:
            return refused.code != "NOT_FOUND"


def test_a_post_sees_what_is_its_own_by_the_way_it_comes(ministry: Ministry) -> None:
    by_line, by_bag = sent(ministry), sent(ministry, delivery="pouch")
    assert seen_by(ministry, "LOME") == {by_line}
    assert seen_by(ministry, "LOME", delivery="pouch") == {by_bag}
    assert seen_by(ministry, "PARIS") == set()
    assert [fetched(ministry, "LOME", one) for one in (by_line, by_bag)] == [True, False]
    assert fetched(ministry, "PARIS", by_bag)  # its own
    assert not fetched(ministry, HEADQUARTERS, by_line)
    for post, code in (("PARIS", "NOT_FOUND"), ("LOME", None)):
        act = {"post": post, "dispatch_id": by_line}
        (outcome,) = ask(ministry, post, "mark_fetched", act)
        assert (outcome.refusal and outcome.refusal.code) == code


def test_what_is_for_some_posts_is_given_to_those_and_its_origin(ministry: Ministry) -> None:
    kept, open_one = sent(ministry), sent(ministry)
    with unit_of_work(ministry.engine) as connection:
        connection.execute(
            insert(handling).values(
                dispatch_id=kept, author="", assigned="", file="", releasable='["PARIS"]'
            )
        )
    assert seen_by(ministry, "LOME") == {open_one}
    assert not fetched(ministry, "LOME", kept)
    assert fetched(ministry, "PARIS", kept)


def test_an_adopted_set_holds_for_posts_at_their_next_request(ministry: Ministry) -> None:
    """Listing, fetching and handing in, each on its way: alone and together with others."""
    low, high = sent(ministry), sent(ministry, "SECRET")
    assert seen_by(ministry, "LOME") == {low, high}
    adopt(ministry, default_policies().text + CLOSED)
    assert seen_by(ministry, "LOME") == {low}
    assert fetched(ministry, "LOME", low)
    assert not fetched(ministry, "LOME", high)
    with reading(ministry.engine) as connection:
        viewer = viewer_of(connection, read_directory(connection), "LOME")
        told = {arrival.dispatch_id for arrival in shown.arrivals(connection, viewer, after=0)}
    assert low in told
    assert high not in told
    slips = [slip_of(ministry, level) for level in ("CONFIDENTIEL", "SECRET", "CONFIDENTIEL")]
    acts = [ministry.judged(slip).to_payload(BODY) for slip in slips]
    outcomes = ask(ministry, "PARIS", "submit", *acts)
    assert [outcome.refusal and outcome.refusal.code for outcome in outcomes] == [
        None,
        "NOT_ALLOWED",
        None,
    ]
    refused = outcomes[1].refusal
    assert refused is not None
    assert refused.facts["policies"] == "ministry-closed"


def test_a_set_adopted_within_a_batch_holds_for_what_stands_behind_it(ministry: Ministry) -> None:
    """Those of one kind are decided by one reading of the policies, and by no older one."""
    acts = [ministry.judged(slip_of(ministry, "SECRET")).to_payload(BODY) for _ in range(4)]
    submits = [asked("PARIS", "submit", act) for act in acts]
    outcomes = batches_of(ministry, adopt=adopted).run(
        [*submits[:2], Request("adopt", default_policies().text + CLOSED), *submits[2:]]
    )
    assert [outcome.refusal and outcome.refusal.code for outcome in outcomes] == [
        *(None, None, None),
        *("NOT_ALLOWED", "NOT_ALLOWED"),
    ]


def test_each_caller_of_a_batch_is_admitted_by_its_post_and_its_key(ministry: Ministry) -> None:
    own, foreign = (post_keys(post).api_key.thumbprint for post in ("PARIS", "LOME"))
    for clients in ((own, foreign, "unknown"), (foreign, "unknown", own)):
        acts = [ministry.judged(slip_of(ministry, "SECRET")).to_payload(BODY) for _ in clients]
        requests = [
            Request("submit", {"post": "PARIS", "client": client, "act": act})
            for client, act in zip(clients, acts, strict=True)
        ]
        outcomes = batches_of(ministry).run(requests)
        codes = [outcome.refusal and outcome.refusal.code for outcome in outcomes]
        assert codes == [None if client == own else "TOKEN_REFUSED" for client in clients]


def test_what_is_handed_in_is_decided_as_it_stands_on_record(ministry: Ministry) -> None:
    for level, delivery in itertools.product(("CONFIDENTIEL", "SECRET"), ("cipher", "pouch")):
        for slip in (slip_of(ministry, level, delivery) for _ in range(2)):
            judged = shown.handed_in(ministry.judged(slip).to_payload(BODY))
            ministry.submit(slip, BODY)
            with reading(ministry.engine) as connection:
                assert judged == shown.envelope_of(connection, slip.dispatch_id)


def test_the_entry_says_by_which_policies_a_post_acted(ministry: Ministry) -> None:
    act = ministry.judged(slip_of(ministry, "SECRET")).to_payload(BODY)
    with reading(ministry.engine) as connection:
        digest = in_force(connection).digest
    (outcome,) = ask(ministry, "PARIS", "submit", act)
    assert outcome.refusal is None
    ruling = outcome.request.payload["decision"]
    assert ruling == {"policies": ["posts-submit"], "digest": digest, "mandate": ""}


def test_a_set_adopted_before_posts_were_decided_leaves_them_their_rights(
    ministry: Ministry,
) -> None:
    assert "posts-submit" not in read_policies(WITHOUT_POSTS).tree
    dispatch = sent(ministry)
    adopt(ministry, WITHOUT_POSTS)
    assert seen_by(ministry, "LOME") == {dispatch}
    with reading(ministry.engine) as connection:
        assert in_force(connection).digest != default_policies().digest


def test_a_list_that_is_wider_than_the_policies_is_cut_and_told(
    ministry: Ministry, caplog: pytest.LogCaptureFixture
) -> None:
    low, high = sent(ministry), sent(ministry, "SECRET")
    with reading(ministry.engine) as connection:
        viewer = viewer_of(connection, read_directory(connection), "LOME")
        narrow = Viewer(read_policies(default_policies().text + CLOSED), viewer.post)
        everything = lists.inbox(connection, "LOME", rules.STATES)
        assert {line.dispatch_id for line in everything} == {low, high}
        kept = shown._decided_again(connection, narrow, everything)
    assert [line.dispatch_id for line in kept] == [low]
    assert "wider than the policies" in caplog.text


def test_a_suspended_post_is_let_nothing(ministry: Ministry) -> None:
    dispatch = sent(ministry)
    with reading(ministry.engine) as connection:
        viewer = viewer_of(connection, read_directory(connection), "LOME")
        off = replace(viewer, post=replace(viewer.post, active=False))
        with pytest.raises(ServiceError, match="NOT_FOUND"):
            shown.dispatch_of(connection, off, dispatch)
        assert connection.scalar(select(policy_set.c.seq)) is None


def test_a_command_that_no_policy_speaks_of_keeps_the_registrar_down() -> None:
    with pytest.raises(ValueError, match="no policy speaks of fly"):
        PostDecisions(DirectoryReader()).covering(["submit", "fly"])
