"""The certificate of the day's token key."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keys import canonical
from keys.custody.core import Custody
from keys.errors import SignatureInvalid
from keys.jws import ApiKey
from keys.token_keys import (
    TokenKey,
    TokenKeyMalformed,
    TokenKeyNotInForce,
    certify_token_key,
    read_token_key,
)

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ISSUER = "https://chiffre.minrex.example"
MINISTRY = Custody.generate(
    "MINREX",
    valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    valid_until=datetime(2028, 1, 1, tzinfo=UTC),
)
DAY_KEY = ApiKey.generate()


def _token_key() -> TokenKey:
    jwk = DAY_KEY.public_jwk()
    return TokenKey(
        issuer=ISSUER,
        x=jwk["x"],
        y=jwk["y"],
        valid_from=NOON,
        valid_until=NOON + timedelta(hours=30),
    )


def test_a_certified_key_is_the_one_that_signs_tokens() -> None:
    data = certify_token_key(_token_key(), MINISTRY.certify_token_key)

    read = read_token_key(data, MINISTRY.certifying_key())
    read.require_in_force(ISSUER, NOON)

    assert read.jwk == DAY_KEY.public_jwk()
    assert read.kid == DAY_KEY.thumbprint()


def test_the_receipt_key_certifies_nothing() -> None:
    data = certify_token_key(_token_key(), MINISTRY.certify_token_key)

    with pytest.raises(SignatureInvalid):
        read_token_key(data, MINISTRY.service_key())


@pytest.mark.parametrize(
    ("issuer", "time"),
    [
        ("https://other.example", NOON),
        (ISSUER, NOON - timedelta(seconds=1)),
        (ISSUER, NOON + timedelta(hours=30)),
    ],
    ids=["other-issuer", "before", "after"],
)
def test_a_certificate_has_its_issuer_and_its_day(issuer: str, time: datetime) -> None:
    with pytest.raises(TokenKeyNotInForce):
        _token_key().require_in_force(issuer, time)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(_token_key(), valid_until=NOON + timedelta(hours=49)),
        replace(_token_key(), valid_until=NOON),
        replace(_token_key(), issuer="javascript:x"),
        replace(_token_key(), issuer="https://a b"),
        replace(_token_key(), x="short"),
    ],
    ids=["two-days-long", "no-time", "no-url", "space", "half-a-key"],
)
def test_what_is_no_day_key_is_not_certified(wrong: TokenKey) -> None:
    with pytest.raises(TokenKeyMalformed):
        certify_token_key(wrong, MINISTRY.certify_token_key)


SPOILT: dict[str, Callable[[Any], object]] = {
    "private-half": lambda value: value["statement"]["jwk"].update(d="AAAA"),
    "another-curve": lambda value: value["statement"]["jwk"].update(crv="P-384"),
    "unknown-member": lambda value: value["statement"].update(scope="all"),
    "unsigned": lambda value: value.pop("signatures"),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT.keys())
def test_a_certificate_of_another_shape_is_refused(spoil: Callable[[Any], object]) -> None:
    value = copy.deepcopy(json.loads(certify_token_key(_token_key(), MINISTRY.certify_token_key)))
    spoil(value)

    with pytest.raises(TokenKeyMalformed):
        read_token_key(canonical.encode(value), MINISTRY.certifying_key())


def test_a_longer_day_is_not_signed_for() -> None:
    value = json.loads(certify_token_key(_token_key(), MINISTRY.certify_token_key))
    value["statement"]["valid_until"] = "2026-11-24T11:00:00Z"

    with pytest.raises(SignatureInvalid):
        read_token_key(canonical.encode(value), MINISTRY.certifying_key())
