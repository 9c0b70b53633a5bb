"""An officer's own key in the books: two security keys, two signatures, one key in service."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.identity import own_keys, passkey_book
from cipher_service.identity.own_keys import OwnKeyDesk
from cipher_service.storage.tables.identity import approval
from cipher_service.storage.unit_of_work import unit_of_work
from keys import canonical
from keys.acts import Act
from keys.age.bech32 import encode_recipient
from keys.age.hybrid import HybridKey
from tests.support.cipher_office import Office


def offered(connection: Connection, officer: str) -> tuple[Act, bytes]:
    """Offer a new key wrapped for the officer's security keys; give the act to sign."""
    desk, recipient = OwnKeyDesk(), HybridKey.generate().recipient
    sizes = {"salt": 32, "nonce": 12, "box": 93}
    made = {name: canonical.text_from_bytes(bytes(size)) for name, size in sizes.items()}
    wrapped = [
        {"credential": canonical.text_from_bytes(bytes.fromhex(key.credential_id)), **made}
        for key in passkey_book.keys_of(connection, officer)
    ]
    payload = {
        "ticket": desk.begin(connection, officer, None),
        "recipient": encode_recipient(recipient),
        "wrapped": canonical.encode(wrapped).decode(),
    }
    desk.offer(connection, payload)
    rows = connection.scalars(select(approval.c.body).where(approval.c.officer == officer))
    *_, body = [bytes(row) for row in rows]
    return Act.parse(body), recipient


def test_a_second_signature_puts_it_in_service_and_the_next_one_replaces_it(
    engine: Engine, tmp_path: Path
) -> None:
    office = Office(engine, tmp_path)
    minister = office.of["MINISTER"].number
    for _ in range(2):
        with unit_of_work(engine) as connection:
            act, recipient = offered(connection, minister)
            assert own_keys.recipient_of(connection, minister) != recipient
        assert (act.proposer, act.parameters["recipient"]) == (
            minister, own_keys.key_id_of(encode_recipient(recipient)),
        )  # fmt: skip
        with unit_of_work(engine) as connection:
            own_keys.executor().perform(connection, act, "OFF-1", clock.now())
            assert own_keys.state_of(connection, minister) == "accepted"
            assert own_keys.recipient_of(connection, minister) == recipient
            assert len(own_keys.key_of(connection, minister)["wrapped"]) == 2


def test_a_lost_security_key_opens_no_copy_and_one_alone_makes_none(
    engine: Engine, tmp_path: Path
) -> None:
    office = Office(engine, tmp_path)
    minister = office.of["MINISTER"].number
    with unit_of_work(engine) as connection:
        assert own_keys.key_of(connection, minister) == {"recipient": "", "wrapped": []}
        act, _recipient = offered(connection, minister)
        own_keys.executor().perform(connection, act, "OFF-1", clock.now())
        first, second = passkey_book.keys_of(connection, minister)
        passkey_book.revoke_key(connection, minister, first.credential_id, clock.now())
        [left] = own_keys.key_of(connection, minister)["wrapped"]
        assert canonical.bytes_from_text(left["credential"]).hex() == second.credential_id
        with pytest.raises(ServiceError, match="OWN_KEY_ALONE"):
            OwnKeyDesk().begin(connection, minister, None)
        passkey_book.revoke_key(connection, minister, second.credential_id, clock.now())
        assert own_keys.key_of(connection, minister)["wrapped"] == []
