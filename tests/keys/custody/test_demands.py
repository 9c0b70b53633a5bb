"""A service that was robbed whole, before a custodian with officers: what it asks for and gets not.

Each of its tries is a test of its own. It has everything that the service has: the socket, the log,
the officers' answers as they pass through it, and any token that an officer's session gave.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from keys.acts import ApproverNotCleared, ApproverNotInForce, ApproverWithoutFunction
from keys.age.files import encrypt
from keys.cards import Card
from keys.custody import Custodian
from keys.custody.core import Custody
from keys.custody.errors import (
    ChallengeUnknown,
    CustodySealed,
    GrantMalformed,
    GrantMissing,
    GrantOfAnother,
    GrantTooLow,
    IntentMissing,
    IntentOfAnother,
    IntentOutdated,
    KeyNotAttested,
    KeyUnknown,
    LevelUnknown,
    WarrantMalformed,
)
from keys.custody.grants import grant_challenge
from keys.custody.intents import Warrant, request_digest
from keys.custody.roll_file import RollFile
from keys.custody.store import read_credential
from keys.errors import KeysError
from keys.log.errors import LogForked, LogOfAnother, NoteNotSigned
from keys.merkle import ProofInvalid, leaf_hash
from keys.passkeys import PasskeyInvalid
from keys.service_messages import SeriesReference, ServiceMessage, make_service_message
from keys.signing import Signatures
from tests.support.authenticator import SecurityKey
from tests.support.intents import IntentLog, grant_of, granted
from tests.support.officers import (
    CLERK,
    GENERAL,
    PARTY,
    SECURITY,
    Hours,
    Ministry,
    admission,
    revocation,
    shown,
    whole_now,
)

DISPATCH = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"


@dataclass(frozen=True)
class Hands:
    """A custodian as the service's own code uses it, signing by way of the robber."""

    custodian: Custodian
    sign_manifest: Callable[[bytes], Signatures]

    def card(self) -> Card:
        return self.custodian.card()


class Robber:
    """The whole service in one hand, and one real dispatch of level SECRET to the bureau."""

    def __init__(self, custodian: Custodian, ministry: Ministry, envelope: Any) -> None:
        self.custodian, self.ministry = custodian, ministry
        self.log = IntentLog(custodian)
        self.arguments = (envelope.header.encode(), envelope.prefix)

    def grant(self, officer: str = CLERK, **changes: Any) -> bytes:
        return granted(self.ministry, self.custodian, grant_of(officer, **changes))

    def single(self, officer: str = CLERK, **changes: Any) -> bytes:
        return self.grant(officer, **{"rank": 3, "dispatch": DISPATCH, "uses": 1, **changes})

    def warrant(self, grant: bytes, actor: str = CLERK, **said: Any) -> bytes:
        said = {"resource": DISPATCH, "actor": actor, **said}
        return self.log.warrant("open_file_key", self.arguments, grant=grant, **said)

    def unwrap(self, warrant: bytes) -> bytes:
        return self.custodian.open_file_key(*self.arguments, warrant)


@pytest.fixture
def robber(
    custodian: Custodian, ministry: Ministry, dispatch: Callable[..., Any], paris: Custody
) -> Robber:
    return Robber(custodian, ministry, dispatch(paris, custodian.card()))


def test_what_an_officer_granted_and_the_log_names_is_opened(robber: Robber) -> None:
    warrant = robber.warrant(robber.single())

    assert len(robber.unwrap(warrant)) == 16
    # An answer that got lost on its way is asked for again: the same act, logged already.
    assert robber.unwrap(warrant) == robber.unwrap(warrant)
    assert robber.custodian.state().founded


def test_it_unwraps_without_any_authority(robber: Robber) -> None:
    with pytest.raises(GrantMissing):
        robber.unwrap(b"")
    with pytest.raises(GrantMissing):
        robber.unwrap(robber.warrant(b""))
    with pytest.raises(GrantMissing):
        robber.unwrap(robber.warrant(bytes(32)))


def test_it_unwraps_without_an_entry_in_the_log(robber: Robber) -> None:
    token = robber.single()
    with pytest.raises(IntentMissing):
        robber.unwrap(Warrant(token).encode())

    record, salt, _ = robber.log.intend("open_file_key", robber.arguments, DISPATCH, CLERK)
    place = robber.log.intend("nothing", (), None, CLERK)[2]
    robber.log.sign()
    other = robber.log.proof(place)
    with pytest.raises(ProofInvalid):
        robber.unwrap(Warrant(token, record, salt, other).encode())


def test_it_proves_the_entry_under_a_head_that_it_signed_itself(robber: Robber) -> None:
    token = robber.single()
    robber.log.intend("nothing", (), None, CLERK)
    robber.log.sign()
    forger = Custody.generate(
        "MINREX", valid_from=whole_now(), valid_until=whole_now() + timedelta(days=1)
    )
    forged = IntentLog(forger)
    warrant = forged.warrant("open_file_key", robber.arguments, DISPATCH, actor=CLERK, grant=token)

    with pytest.raises(NoteNotSigned):
        robber.unwrap(warrant)


def test_it_has_a_forked_head_signed_that_leaves_the_entry_out(robber: Robber) -> None:
    """The entry is shown to the custodian, and the auditors get a log without it."""
    robber.log.intend("nothing", (), None, CLERK)
    robber.unwrap(robber.warrant(robber.single()))
    robber.log.leaves[-1] = leaf_hash(b"something harmless")
    robber.log.leaves.append(leaf_hash(b"and more"))

    with pytest.raises(LogForked):
        robber.log.sign()


def test_it_logs_the_intent_in_a_log_of_its_own(robber: Robber) -> None:
    robber.log.intend("nothing", (), None, CLERK)
    robber.log.sign()
    other = IntentLog(robber.custodian, "ailleurs.example.cm/audit")
    other.intend("open_file_key", robber.arguments, DISPATCH, CLERK)

    with pytest.raises(LogOfAnother):
        other.sign()


@pytest.mark.parametrize(
    "said",
    [
        {"action": "open_sealed"},
        {"outcome": "done"},
        {"outcome": "refused"},
        {"request": "0" * 64},
        {"resource": "01KAMV6R8P3ZDFWQ5XJ9T2C4EM"},
        {"resource": None},
        {"actor": GENERAL},
        {"type": "depeche/v1 act"},
    ],
)
def test_it_logs_something_else_than_it_asks_for(robber: Robber, said: dict[str, Any]) -> None:
    with pytest.raises(IntentOfAnother):
        robber.unwrap(robber.warrant(robber.single(), **said))


@pytest.mark.parametrize("minutes", [-6, 6, -60 * 24 * 400])
def test_it_shows_an_old_intent_again_or_one_dated_ahead(robber: Robber, minutes: int) -> None:
    at = whole_now() + timedelta(minutes=minutes)
    with pytest.raises(IntentOutdated):
        robber.unwrap(robber.warrant(robber.single(), at=at))


def test_it_uses_the_intent_for_one_dispatch_to_open_another(
    robber: Robber, dispatch: Callable[..., Any], paris: Custody
) -> None:
    warrant = robber.warrant(robber.single())
    robber.unwrap(warrant)
    other = dispatch(paris, robber.custodian.card(), message=b"Une autre.\n")
    robber.arguments = (other.header.encode(), other.prefix)

    with pytest.raises(IntentOfAnother):
        robber.unwrap(warrant)


def test_it_asks_at_a_false_level(robber: Robber) -> None:
    """The level is read in the manifest; a session up to CONFIDENTIEL opens no SECRET."""
    with pytest.raises(GrantTooLow):
        robber.unwrap(robber.warrant(robber.grant(rank=2)))
    # Not even a session that says SECRET of itself: above CONFIDENTIEL each dispatch needs its own.
    with pytest.raises(GrantTooLow):
        robber.unwrap(robber.warrant(robber.grant(rank=4)))
    with pytest.raises(GrantTooLow):
        robber.unwrap(robber.warrant(robber.single(rank=2)))


def test_it_uses_the_grant_for_one_dispatch_to_open_another(robber: Robber) -> None:
    token = robber.single(dispatch="01KAMV6R8P3ZDFWQ5XJ9T2C4EM")
    with pytest.raises(GrantOfAnother):
        robber.unwrap(robber.warrant(token))


def test_it_uses_a_grant_to_open_in_order_to_sign(
    robber: Robber, dispatch: Callable[..., Any]
) -> None:
    token = robber.grant(purpose="open", rank=4)

    def sign(manifest: bytes) -> Signatures:
        warrant = robber.log.warrant(
            "sign_manifest", (manifest,), DISPATCH, actor=CLERK, grant=token
        )
        return robber.custodian.sign_manifest(manifest, warrant)

    with pytest.raises(GrantOfAnother):
        dispatch(Hands(robber.custodian, sign), robber.custodian.card())


def test_it_swaps_the_manifest_under_a_grant_to_sign(
    robber: Robber, dispatch: Callable[..., Any]
) -> None:
    """Above the sessions' level an officer signs for these bytes; others get no signature."""
    seen: list[bytes] = []

    def sign(manifest: bytes) -> Signatures:
        seen.append(manifest)
        token = robber.grant(
            purpose="sign", rank=3, request=request_digest("sign_manifest", seen[0])
        )
        warrant = robber.log.warrant(
            "sign_manifest", (manifest,), DISPATCH, actor=CLERK, grant=token
        )
        return robber.custodian.sign_manifest(manifest, warrant)

    hands = Hands(robber.custodian, sign)
    dispatch(hands, robber.custodian.card())
    with pytest.raises(GrantOfAnother):
        dispatch(hands, robber.custodian.card(), message=b"Payez au porteur.\n")


def test_it_signs_for_a_dispatch_with_only_its_number_granted(
    robber: Robber, dispatch: Callable[..., Any]
) -> None:
    token = robber.grant(purpose="sign", rank=3, dispatch=DISPATCH)

    def sign(manifest: bytes) -> Signatures:
        warrant = robber.log.warrant(
            "sign_manifest", (manifest,), DISPATCH, actor=CLERK, grant=token
        )
        return robber.custodian.sign_manifest(manifest, warrant)

    with pytest.raises(GrantTooLow):
        dispatch(Hands(robber.custodian, sign), robber.custodian.card())


def test_it_enrols_two_false_officers_and_lets_them_grant(robber: Robber) -> None:
    before = set(shown(robber.custodian))
    false = {number: SecurityKey(robber.ministry.maker) for number in ("OFF-666001", "OFF-666002")}
    fake = Ministry(
        robber.ministry.maker,
        robber.ministry.roll,
        {number: (key,) for number, key in false.items()},
    )
    for number in false:
        with pytest.raises((KeyUnknown, KeyNotAttested)):
            fake.signed(robber.custodian, admission([], number, number), number)
        with pytest.raises(KeyUnknown):
            granted(fake, robber.custodian, grant_of(number))
    # Nor does an approval that it kept from an honest admission admit its own.
    act = admission(robber.ministry.new_keys(robber.custodian))
    robber.ministry.signed(robber.custodian, act, SECURITY)
    with pytest.raises(KeysError):
        fake.signed(robber.custodian, act, "OFF-666001")
    assert set(shown(robber.custodian)) == before


def test_it_replays_an_officer_s_answer(robber: Robber) -> None:
    grant = grant_of(CLERK)
    nonce = robber.custodian.officer_challenge()
    response = robber.ministry.keys[CLERK][0].get(grant_challenge(nonce, grant.digest), PARTY)
    robber.custodian.open_grant(grant.encoded, nonce, response)

    with pytest.raises(ChallengeUnknown):
        robber.custodian.open_grant(grant.encoded, nonce, response)
    with pytest.raises(PasskeyInvalid):
        robber.custodian.open_grant(grant.encoded, robber.custodian.officer_challenge(), response)


def test_it_swaps_the_grant_that_an_officer_signs(robber: Robber) -> None:
    honest, wanted = grant_of(CLERK, rank=0, uses=1), grant_of(CLERK, rank=4, uses=500)
    nonce = robber.custodian.officer_challenge()
    response = robber.ministry.keys[CLERK][0].get(grant_challenge(nonce, honest.digest), PARTY)

    with pytest.raises(PasskeyInvalid):
        robber.custodian.open_grant(wanted.encoded, nonce, response)


def test_a_grant_says_whose_it_is(robber: Robber) -> None:
    with pytest.raises(GrantOfAnother):
        granted(robber.ministry, robber.custodian, grant_of(GENERAL), signer=CLERK)


def test_nobody_grants_what_is_not_theirs(robber: Robber) -> None:
    with pytest.raises(ApproverWithoutFunction):
        robber.grant(SECURITY, purpose="open")
    with pytest.raises(ApproverNotCleared):
        robber.grant(rank=5)


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": timedelta(hours=12, seconds=1)},
        {"expires": timedelta(seconds=-1)},
        {"expires": timedelta(seconds=301), "dispatch": DISPATCH},
    ],
)
def test_no_grant_lasts_longer_than_it_may(
    robber: Robber, hours: Hours, changes: dict[str, Any]
) -> None:
    changes = changes | {"expires": hours.now + changes["expires"]}
    with pytest.raises(GrantMalformed):
        robber.grant(**changes)


def test_a_revoked_officer_s_session_ends_at_once(robber: Robber) -> None:
    token = robber.single()
    robber.ministry.signed(robber.custodian, revocation(CLERK, SECURITY), SECURITY)

    with pytest.raises(ApproverNotInForce):
        robber.unwrap(robber.warrant(token))


def test_a_grant_ends_with_its_time_its_uses_and_the_sealing(robber: Robber, hours: Hours) -> None:
    ends = hours.now + timedelta(seconds=200)
    used, closed, late = (robber.single(expires=ends) for _ in range(3))
    robber.unwrap(robber.warrant(used))
    robber.custodian.close_grant(closed)
    with pytest.raises(GrantMissing):
        robber.unwrap(robber.warrant(closed))
    hours.now = ends
    with pytest.raises(GrantMissing):
        robber.unwrap(robber.warrant(late, at=hours.now))
    sealed = robber.warrant(robber.single(expires=ends + timedelta(seconds=200)), at=ends)
    assert isinstance(robber.custodian, Custody)
    keys = robber.custodian.secret._keys
    robber.custodian.seal()
    with pytest.raises(CustodySealed):
        robber.unwrap(sealed)
    robber.custodian.secret._keys = keys  # as its holders open them again
    with pytest.raises(GrantMissing):
        robber.unwrap(sealed)


def test_a_session_covers_so_many_acts(robber: Robber) -> None:
    token = robber.grant(uses=1)
    recipient = robber.custodian.card().recipient
    first, second = (encrypt(text, [recipient]) for text in (b"un", b"deux"))

    def opened(sealed: bytes) -> bytes:
        warrant = robber.log.warrant("open_sealed", (sealed,), actor=CLERK, grant=token)
        return robber.custodian.open_sealed(sealed, warrant)

    assert opened(first) == b"un"
    with pytest.raises(GrantMissing):
        opened(second)
    assert opened(first) == b"un"


def test_a_level_that_the_roll_does_not_rank_opens_nothing(
    robber: Robber, founded: Any, ministry: Ministry
) -> None:
    token = robber.single()
    file = RollFile(founded.store, read_credential(founded.credential))
    file.write(replace(ministry.roll, levels=("PUBLIC", "INTERNE")))

    with pytest.raises(LevelUnknown):
        robber.unwrap(robber.warrant(token))


def test_it_forges_a_receipt_and_a_service_message_without_a_trace(robber: Robber) -> None:
    """What no officer signs for still stands in the log first."""
    card = robber.custodian.card()
    message = ServiceMessage(
        id="01KAMV6R8P3ZDFWQ5XJ9T2C4EK",
        kind="cancelled",
        sender=card.post,
        sender_card=card.fingerprint,
        to="PARIS",
        precedence="ROUTINE",
        created=whole_now(),
        series=SeriesReference(card.post, "PARIS", 202600, 7),
    )
    with pytest.raises(IntentMissing):
        make_service_message(message, robber.custodian.sign_service_message)

    def logged(statement: bytes) -> Signatures:
        warrant = robber.log.warrant("sign_service_message", (statement,), message.id)
        return robber.custodian.sign_service_message(statement, warrant)

    make_service_message(message, logged)


@pytest.mark.parametrize(
    "data",
    [b"{}", b"[]", b"\0", b"{" * 200_000, b'{"grant":"AA=="}', Warrant(second=b"0").encode()],
)
def test_what_is_no_warrant_is_none(robber: Robber, data: bytes) -> None:
    with pytest.raises(WarrantMalformed):
        robber.unwrap(data)


def test_a_truncated_or_flipped_warrant_opens_nothing(robber: Robber) -> None:
    warrant = robber.warrant(robber.single())
    for at in range(0, len(warrant), 97):
        with pytest.raises(KeysError):
            robber.unwrap(warrant[:at])
        flipped = bytearray(warrant)
        flipped[at] ^= 4
        with pytest.raises(KeysError):
            robber.unwrap(bytes(flipped))


def test_the_worker_demands_the_same_through_its_socket(
    worker_of: Custodian, ministry: Ministry, dispatch: Callable[..., Any], paris: Custody
) -> None:
    robber = Robber(worker_of, ministry, dispatch(paris, worker_of.card()))

    assert worker_of.state().founded
    with pytest.raises(GrantMissing):
        robber.unwrap(b"")
    assert len(robber.unwrap(robber.warrant(robber.single()))) == 16
