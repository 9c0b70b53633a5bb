"""What a post may read is what is its own, in the right order, whatever the depth."""

import gc
import itertools
import secrets

import pytest

from cipher_service.dispatches import rules
from cipher_service.dispatches.acknowledgements import judge as judge_receipt
from cipher_service.dispatches.lists import (
    InboxLine,
    arrivals,
    dispatch_of,
    inbox,
    latest_arrival,
    receipts_of,
    service_messages,
)
from cipher_service.dispatches.signals import judge as judge_message
from cipher_service.errors import ServiceError
from cipher_service.references import new_id
from cipher_service.storage.unit_of_work import reading
from keys.post_receipts import DECIPHERED, DELIVERED, REFUSED, PostReceipt, make_post_receipt
from keys.service_messages import (
    CANCELLED,
    MISSING_NUMBER,
    SeriesReference,
    ServiceMessage,
    make_service_message,
)
from keys.signing import RECEIPT, SERVICE_MESSAGE
from keys.slips import Slip
from tests.support.ministry import EPOCH, Ministry, post_keys

BODY = b"age-encryption.org/v1\n0123456789"
NUMBERS = itertools.count(1)


def send(ministry: Ministry, precedence: str = "ROUTINE", delivery: str = "cipher") -> Slip:
    slip = ministry.slip(
        "PARIS",
        [("LOME", next(NUMBERS))],
        BODY,
        precedence=precedence,
        delivery=delivery,
        copy=True,
    )
    ministry.submit(slip, BODY)
    return slip


def pages(ministry: Ministry, limit: int, states: tuple[str, ...]) -> list[InboxLine]:
    seen: list[InboxLine] = []
    after = 0
    with reading(ministry.engine) as connection:
        while page := inbox(connection, "LOME", states, after=after, limit=limit):
            seen += page
            after = page[-1].place
    return seen


def receipt(slip: Slip, kind: str, post: str = "LOME", sha256: str | None = None) -> bytes:
    keys_of = post_keys(post)
    statement = PostReceipt(
        kind=kind,
        dispatch_id=slip.dispatch_id,
        post=post,
        card=keys_of.card.fingerprint,
        envelope_sha256=sha256 or slip.envelope_sha256,
        at=slip.dtg,
        manifest_hash="a" * 64 if kind == DECIPHERED else None,
        reason="NOT_ADDRESSED" if kind == REFUSED else None,
    )
    return make_post_receipt(statement, lambda data: keys_of.signing.sign(RECEIPT, data))


def acknowledge(ministry: Ministry, slip: Slip, kind: str) -> bool:
    judged = judge_receipt(receipt(slip, kind), ministry.directory, caller="LOME")
    outcome = ministry.run(("record_receipt", judged.to_payload()))[0]
    if outcome.refusal is not None:
        raise outcome.refusal
    return bool(outcome.result)


class TestInbox:
    def test_flash_is_first_then_order_of_arrival(self, ministry: Ministry) -> None:
        order = ["ROUTINE", "FLASH", "URGENT", "ROUTINE", "IMMEDIAT", "FLASH"]
        slips = [send(ministry, precedence) for precedence in order]
        ids = [line.dispatch_id for line in pages(ministry, 10, rules.OPEN_STATES)]
        assert ids == [slips[at].dispatch_id for at in (1, 5, 4, 2, 0, 3)]

    @pytest.mark.parametrize("limit", [1, 2, 3, 100])
    def test_every_line_is_on_exactly_one_page(self, ministry: Ministry, limit: int) -> None:
        slips = [send(ministry, secrets.choice(["ROUTINE", "FLASH"])) for _ in range(7)]
        for slip, kind in zip(slips, [DELIVERED, REFUSED, DECIPHERED], strict=False):
            acknowledge(ministry, slip, kind)
        seen = pages(ministry, limit, rules.STATES)
        assert sorted(line.dispatch_id for line in seen) == sorted(s.dispatch_id for s in slips)
        assert [line.place for line in seen] == sorted(line.place for line in seen)

    def test_a_list_leaves_no_cycles(self, ministry: Ministry) -> None:
        """They would lie about until a collection, a thousand for each time that a post asks."""
        send(ministry)
        pages(ministry, 9, rules.OPEN_STATES)
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                pages(ministry, 9, rules.OPEN_STATES)
            assert gc.collect() < 1000
        finally:
            gc.enable()

    def test_what_was_opened_leaves_the_open_list(self, ministry: Ministry) -> None:
        first, second = send(ministry), send(ministry)
        acknowledge(ministry, first, DECIPHERED)
        assert [line.dispatch_id for line in pages(ministry, 9, rules.OPEN_STATES)] == [
            second.dispatch_id
        ]
        assert [line.dispatch_id for line in pages(ministry, 9, (rules.DECIPHERED,))] == [
            first.dispatch_id
        ]

    def test_a_line_says_what_the_slip_says(self, ministry: Ministry) -> None:
        slip = send(ministry, "URGENT")
        (line,) = pages(ministry, 9, rules.OPEN_STATES)
        entry = slip.addressees[0]
        assert entry.series is not None
        assert (line.epoch, line.number) == (entry.series.epoch, entry.series.number)
        assert (line.origin, line.level, line.precedence) == ("PARIS", "SECRET", "URGENT")
        assert (line.register, line.caveats) == ("2026/000001", '["NODIS"]')
        assert (line.sha256, line.size) == (slip.envelope_sha256, len(BODY))

    def test_ones_own_copy_is_not_mail(self, ministry: Ministry) -> None:
        send(ministry)
        with reading(ministry.engine) as connection:
            assert inbox(connection, "PARIS", rules.STATES) == []
            assert arrivals(connection, "PARIS", after=0) == []

    def test_what_goes_by_pouch_is_not_given_over_the_wire(self, ministry: Ministry) -> None:
        slip = send(ministry, delivery="pouch")
        assert pages(ministry, 9, rules.STATES) == []
        with reading(ministry.engine) as connection:
            with pytest.raises(ServiceError, match="NOT_FOUND"):
                dispatch_of(connection, "LOME", slip.dispatch_id)
            assert dispatch_of(connection, "PARIS", slip.dispatch_id).slip == slip.encode()
        assert acknowledge(ministry, slip, DECIPHERED)  # weeks later, when the bag has come

    def test_no_states_are_no_lines(self, ministry: Ministry) -> None:
        send(ministry)
        assert pages(ministry, 9, ()) == []


class TestArrivals:
    def test_the_stream_goes_on_where_it_broke(self, ministry: Ministry) -> None:
        send(ministry)
        with reading(ministry.engine) as connection:
            cursor = latest_arrival(connection, "LOME")
        second, third = send(ministry, "FLASH"), send(ministry)
        with reading(ministry.engine) as connection:
            seen = arrivals(connection, "LOME", after=cursor)
            assert [one.dispatch_id for one in seen] == [second.dispatch_id, third.dispatch_id]
            assert seen[0].precedence == "FLASH"
            assert len(arrivals(connection, "LOME", after=0)) == 3
            assert latest_arrival(connection, "BERLIN") == 0


class TestInvisible:
    @pytest.mark.parametrize("caller", ["MINREX", "BERLIN", "NOWHERE"])
    def test_a_strangers_dispatch_does_not_exist(self, ministry: Ministry, caller: str) -> None:
        slip = send(ministry)
        with reading(ministry.engine) as connection:
            for read in (dispatch_of, receipts_of):
                with pytest.raises(ServiceError, match="NOT_FOUND"):
                    read(connection, caller, slip.dispatch_id)
        fetched = ministry.run(("mark_fetched", {"post": caller, "dispatch_id": slip.dispatch_id}))[
            0
        ]
        assert fetched.refusal is not None
        assert fetched.refusal.code == "NOT_FOUND"


class TestReceipts:
    def test_an_envelope_is_fetched_delivered_and_deciphered(self, ministry: Ministry) -> None:
        slip = send(ministry)

        def state() -> str:
            return pages(ministry, 9, rules.STATES)[0].state

        assert state() == "pending"
        ministry.run(("mark_fetched", {"post": "LOME", "dispatch_id": slip.dispatch_id}))
        assert state() == "fetched"
        for kind in (DELIVERED, DECIPHERED):
            assert acknowledge(ministry, slip, kind)
            assert state() == kind

    def test_receipts_in_the_wrong_order_do_not_move_a_line_back(self, ministry: Ministry) -> None:
        slip = send(ministry)
        for kind in (DECIPHERED, DELIVERED, REFUSED):
            assert acknowledge(ministry, slip, kind)
        ministry.run(("mark_fetched", {"post": "LOME", "dispatch_id": slip.dispatch_id}))
        assert pages(ministry, 9, rules.STATES)[0].state == DECIPHERED

    def test_a_refused_envelope_can_be_deciphered_later(self, ministry: Ministry) -> None:
        slip = send(ministry)
        acknowledge(ministry, slip, REFUSED)
        acknowledge(ministry, slip, DECIPHERED)
        assert pages(ministry, 9, rules.STATES)[0].state == DECIPHERED

    def test_the_first_of_a_kind_stays(self, ministry: Ministry) -> None:
        slip = send(ministry)
        assert acknowledge(ministry, slip, DELIVERED)
        assert not acknowledge(ministry, slip, DELIVERED)
        with reading(ministry.engine) as connection:
            kinds = [one.kind for one in receipts_of(connection, "PARIS", slip.dispatch_id)]
        assert kinds == ["submitted", "delivered"]

    def test_an_addressee_sees_its_own_receipts_only(self, ministry: Ministry) -> None:
        slip = send(ministry)
        acknowledge(ministry, slip, DELIVERED)
        with reading(ministry.engine) as connection:
            mine = receipts_of(connection, "LOME", slip.dispatch_id)
            all_of_them = receipts_of(connection, "PARIS", slip.dispatch_id)
        assert [one.post for one in mine] == ["LOME"]
        assert [one.post for one in all_of_them] == [None, "LOME"]

    def test_receipts_that_do_not_hold(self, ministry: Ministry) -> None:
        slip, directory = send(ministry), ministry.directory
        good = receipt(slip, DELIVERED)
        for data, caller, code in (
            (good[:-1], "LOME", "RECEIPT_MALFORMED"),
            (good, "PARIS", "ORIGIN_NOT_CALLER"),
            (good.replace(b'"delivered"', b'"submitted"'), "LOME", "RECEIPT_MALFORMED"),
            (
                good.replace(slip.dispatch_id.encode(), new_id(ministry.now).encode()),
                "LOME",
                "SIGNATURE_INVALID",
            ),
        ):
            with pytest.raises(ServiceError, match=code):
                judge_receipt(data, directory, caller=caller)

    def test_a_receipt_of_another_envelope_is_refused(self, ministry: Ministry) -> None:
        slip = send(ministry)
        judged = judge_receipt(
            receipt(slip, DELIVERED, sha256="0" * 64), ministry.directory, caller="LOME"
        )
        outcome = ministry.run(("record_receipt", judged.to_payload()))[0]
        assert outcome.refusal is not None
        assert outcome.refusal.code == "RECEIPT_OF_ANOTHER"

    def test_the_origin_cannot_receipt_its_own_dispatch(self, ministry: Ministry) -> None:
        slip = send(ministry)
        judged = judge_receipt(
            receipt(slip, DELIVERED, "PARIS"), ministry.directory, caller="PARIS"
        )
        outcome = ministry.run(("record_receipt", judged.to_payload()))[0]
        assert outcome.refusal is not None
        assert outcome.refusal.code == "NOT_FOUND"


def message(kind: str, sender: str, to: str, number: int) -> bytes:
    origin, addressee = (sender, to) if kind == CANCELLED else (to, sender)
    keys_of = post_keys(sender)
    said = ServiceMessage(
        id=new_id(keys_of.card.valid_from),
        kind=kind,
        sender=sender,
        sender_card=keys_of.card.fingerprint,
        to=to,
        precedence="IMMEDIAT",
        created=keys_of.card.valid_from,
        series=SeriesReference(origin, addressee, EPOCH, number),
    )
    return make_service_message(said, lambda data: keys_of.signing.sign(SERVICE_MESSAGE, data))


def post(ministry: Ministry, data: bytes, caller: str) -> bool:
    judged = judge_message(data, ministry.directory, ministry.scheme, caller=caller)
    outcome = ministry.run(("post_service_message", judged.to_payload()))[0]
    if outcome.refusal is not None:
        raise outcome.refusal
    return bool(outcome.result)


class TestServiceMessages:
    def test_a_message_reaches_its_addressee_once(self, ministry: Ministry) -> None:
        data = message(MISSING_NUMBER, "LOME", "PARIS", 5)
        assert post(ministry, data, "LOME")
        assert not post(ministry, data, "LOME")
        with reading(ministry.engine) as connection:
            (only,) = service_messages(connection, "PARIS")
            assert only.body == data
            assert service_messages(connection, "PARIS", after=only.seq) == []
            assert service_messages(connection, "LOME") == []

    def test_a_cancelled_number_never_bears_a_dispatch(self, ministry: Ministry) -> None:
        """ACP 127 paragraph 424b: it counts as used and does not appear again."""
        post(ministry, message(CANCELLED, "PARIS", "LOME", 41), "PARIS")
        slip = ministry.slip("PARIS", [("LOME", 41)], BODY)
        with pytest.raises(ServiceError, match="NUMBER_CANCELLED"):
            ministry.submit(slip, BODY)

    def test_another_message_under_a_known_id_is_refused(self, ministry: Ministry) -> None:
        first = judge_message(
            message(MISSING_NUMBER, "LOME", "PARIS", 5),
            ministry.directory,
            ministry.scheme,
            caller="LOME",
        )
        second = judge_message(
            message(MISSING_NUMBER, "LOME", "PARIS", 6),
            ministry.directory,
            ministry.scheme,
            caller="LOME",
        )
        payload = {**second.to_payload(), "message_id": first.message_id}
        outcomes = ministry.run(
            ("post_service_message", first.to_payload()), ("post_service_message", payload)
        )
        assert outcomes[1].refusal is not None
        assert outcomes[1].refusal.code == "DUPLICATE_ID"

    def test_messages_that_do_not_hold(self, ministry: Ministry) -> None:
        good = message(MISSING_NUMBER, "LOME", "PARIS", 5)
        for data, caller, code in (
            (good[:-1], "LOME", "SERVICE_MESSAGE_MALFORMED"),
            (good, "PARIS", "ORIGIN_NOT_CALLER"),
            (good.replace(b'"number":5', b'"number":6'), "LOME", "SIGNATURE_INVALID"),
            (message(MISSING_NUMBER, "LOME", "PARIS", 2**31), "LOME", "NUMBER_OUT_OF_RANGE"),
        ):
            with pytest.raises(ServiceError, match=code):
                judge_message(data, ministry.directory, ministry.scheme, caller=caller)

    def test_a_message_to_a_post_out_of_service_is_refused(self, ministry: Ministry) -> None:
        with pytest.raises(ServiceError, match="POST_NOT_ACTIVE"):
            post(ministry, message(MISSING_NUMBER, "LOME", "BERLIN", 5), "LOME")
