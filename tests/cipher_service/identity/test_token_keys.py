"""The token key of the day: certified, replaced daily, and trusted by its certificate alone."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from cipher_service import clock
from cipher_service.client.transport_tokens import proof
from cipher_service.errors import ServiceError
from cipher_service.identity.client_certificates import ClientCertificates
from cipher_service.identity.gatekeeper import Gatekeeper
from cipher_service.identity.token_keys import USE, TokenKeys, trusted
from cipher_service.identity.tokens import PublicKey, key_id, read_access_token
from keys.custody.core import Custody
from keys.errors import Refusal
from keys.jws import ApiKey

ISSUER = "https://chiffre.example"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
YEAR = timedelta(days=365)


@pytest.fixture(scope="module")
def custody() -> Custody:
    return Custody.generate("MINREX", valid_from=NOON - YEAR, valid_until=NOON + YEAR)


def issued(token_keys: TokenKeys, now: datetime, jkt: str = "J" * 43) -> str:
    return token_keys.issue(post="PARIS", client="C" * 43, confirmation={"jkt": jkt}, now=now)


def test_the_key_changes_each_day_and_the_last_token_of_the_old_one_lives_its_life(
    custody: Custody,
) -> None:
    token_keys = TokenKeys(ISSUER, custody)
    last = NOON + USE - timedelta(seconds=1)
    first_key, late = key_id(issued(token_keys, NOON), "at+jwt"), issued(token_keys, last)
    assert key_id(late, "at+jwt") == first_key
    after = last + timedelta(seconds=200)
    assert key_id(issued(token_keys, after), "at+jwt") != first_key
    certificates = token_keys.certificates(after)
    assert len(certificates) == 2
    allowed = trusted(certificates, custody.certifying_key(), issuer=ISSUER, now=after)
    assert read_access_token(late, allowed, issuer=ISSUER, now=after).post == "PARIS"
    later = after + timedelta(seconds=600)
    assert first_key not in trusted(
        token_keys.certificates(later), custody.certifying_key(), issuer=ISSUER, now=later
    )


def test_a_certificate_by_another_key_issuer_or_day_is_refused(custody: Custody) -> None:
    certificates = TokenKeys(ISSUER, custody).certificates(NOON)
    other = Custody.generate("MINREX", valid_from=NOON - YEAR, valid_until=NOON + YEAR)
    for key, issuer, now in (
        (other.certifying_key(), ISSUER, NOON),
        (custody.certifying_key(), "https://other.example", NOON),
        (custody.certifying_key(), ISSUER, NOON + timedelta(days=2)),
        (custody.service_key(), ISSUER, NOON),  # the receipts' key certifies nothing
    ):
        with pytest.raises(Refusal):
            trusted(certificates, key, issuer=issuer, now=now)


def test_an_unknown_key_is_asked_for_once_by_all_who_wait_and_then_not_for_a_second(
    custody: Custody,
) -> None:
    now = clock.now()
    token_keys = TokenKeys(ISSUER, custody)
    asked = 0

    async def ask() -> dict[str, PublicKey]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return trusted(
            token_keys.certificates(now), custody.certifying_key(), issuer=ISSUER, now=now
        )

    run_key = ApiKey.generate()
    token = issued(token_keys, now, run_key.thumbprint())
    stranger = issued(TokenKeys(ISSUER, custody), now)

    async def ask_nobody() -> bytes:
        raise AssertionError("no certificate was shown")

    async def scenario() -> None:
        gatekeeper = Gatekeeper(ISSUER, ask, ClientCertificates(ask_nobody))

        async def enter(written: str) -> str:
            shown = proof(
                run_key, method="GET", url=f"{ISSUER}/v1/dispatches", at=now, token=written
            )
            caller = await gatekeeper.recognise(
                f"DPoP {written}", shown, method="GET", path="/v1/dispatches"
            )
            return caller.post

        assert await asyncio.gather(*(enter(token) for _ in range(20))) == ["PARIS"] * 20
        assert asked == 1
        for _ in range(20):
            with pytest.raises(ServiceError, match="TOKEN_REFUSED"):
                await enter(stranger)
        assert asked == 1

    asyncio.run(scenario())
