"""An officer's own key in the books: security keys, holders' shares, two signatures, one key."""

import secrets
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, select

from cipher_service import clock
from cipher_service.errors import ServiceError
from cipher_service.identity import own_keys, passkey_book
from cipher_service.identity.own_keys import OwnKeyDesk
from cipher_service.identity.own_recovery import Recovery
from cipher_service.storage.tables.identity import approval, passkey
from cipher_service.storage.unit_of_work import unit_of_work
from keys import canonical
from keys.acts import Act
from keys.age.bech32 import encode_recipient
from keys.age.files import encrypt
from keys.age.hybrid import HybridKey
from tests.support.cipher_office import Office
from tests.support.own_recovery import shares, written

HOLDERS = {name: HybridKey.generate() for name in ("GARDE-A", "GARDE-B", "GARDE-C")}


def offered(connection: Connection, officer: str) -> tuple[Act, bytes]:
    """Offer a new key wrapped for the officer's security keys; give the act to sign."""
    desk, key = OwnKeyDesk(), HybridKey.generate()
    payload = {
        "ticket": desk.begin(connection, officer, None),
        "recipient": encode_recipient(key.recipient),
        "wrapped": copies(
            *(one.credential_id for one in passkey_book.keys_of(connection, officer))
        ),
        "recovery": written(shares(key.seed, officer, HOLDERS)),
    }
    desk.offer(connection, payload)
    rows = connection.scalars(select(approval.c.body).where(approval.c.officer == officer))
    *_, body = [bytes(row) for row in rows]
    return Act.parse(body), key.recipient


def copies(*credentials: str) -> str:
    """Return what the page posts of copies for these security keys."""
    sizes = {"salt": 32, "nonce": 12, "box": 93}
    made = {name: canonical.text_from_bytes(bytes(size)) for name, size in sizes.items()}
    named = (canonical.text_from_bytes(bytes.fromhex(each)) for each in credentials)
    return written([{"credential": each, **made} for each in named])


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
        assert act.parameters["threshold"] == 2
        assert [each.split(" ")[0] for each in act.parameters["holders"]] == list(HOLDERS)
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


def _broken() -> Iterator[object]:
    whole = shares(bytes(32), "OFF-1", HOLDERS)
    first, *rest = whole["shares"]
    yield {"threshold": 2, "shares": whole["shares"][:2]}
    yield {"threshold": 1, "shares": whole["shares"]}
    yield {"threshold": 4, "shares": whole["shares"]}
    yield {"threshold": True, "shares": whole["shares"]}
    yield {**whole, "prf": "c2VjcmV0"}
    yield {"shares": whole["shares"]}
    yield whole["shares"]
    for change in (
        {"holder": rest[0]["holder"]},  # one person is not two
        {"card": rest[0]["card"]},
        {"sealed": rest[0]["sealed"]},
        {"holder": "garde"},
        {"holder": 1},
        {"card": "00"},
        {"sealed": "AAAA"},
        {"sealed": "no base64"},
        {
            "sealed": canonical.text_from_bytes(
                encrypt(b"x", [k.recipient for k in HOLDERS.values()])
            )
        },
        {"sealed": canonical.text_from_bytes(encrypt(bytes(4000), [HOLDERS["GARDE-A"].recipient]))},
        {"more": "x"},
    ):
        yield {"threshold": 2, "shares": [{**first, **change}, *rest]}


@pytest.mark.parametrize("recovery", [*map(written, _broken()), "", "{", "[]", "null"])
def test_no_key_without_a_share_for_each_of_three_holders(recovery: str) -> None:
    with pytest.raises(ServiceError, match="OWN_KEY_UNSHARED"):
        Recovery.parse(recovery)


def test_a_key_without_shares_is_not_offered_and_one_of_before_not_put_in_service(
    engine: Engine, tmp_path: Path
) -> None:
    office = Office(engine, tmp_path)
    minister = office.of["MINISTER"].number
    with unit_of_work(engine) as connection:
        act, recipient = offered(connection, minister)
        payload = {
            "ticket": OwnKeyDesk().begin(connection, minister, None),
            "recipient": encode_recipient(HybridKey.generate().recipient),
            "wrapped": copies(
                *(one.credential_id for one in passkey_book.keys_of(connection, minister))
            ),
            "recovery": "[]",
        }
        with pytest.raises(ServiceError, match="OWN_KEY_UNSHARED"):
            OwnKeyDesk().offer(connection, payload)
        older = replace(act, parameters={"recipient": act.parameters["recipient"]})
        with pytest.raises(ServiceError, match="OWN_KEY_UNSHARED"):
            own_keys.executor().perform(connection, older, "OFF-1", clock.now())
        assert own_keys.recipient_of(connection, minister) != recipient
        # Nor is there anything to recover.
        with pytest.raises(ServiceError, match="OWN_KEY_MISSING"):
            OwnKeyDesk().lose(connection, minister, None)


def test_new_security_keys_get_copies_and_no_copy_is_written_over(
    engine: Engine, tmp_path: Path
) -> None:
    office, desk = Office(engine, tmp_path), OwnKeyDesk()
    minister, clerk = office.of["MINISTER"].number, office.of["CLERK"].number
    with unit_of_work(engine) as connection:
        act, recipient = offered(connection, minister)
        own_keys.executor().perform(connection, act, "OFF-1", clock.now())
        known = [one.credential_id for one in passkey_book.keys_of(connection, minister)]
        strange = passkey_book.keys_of(connection, clerk)[0].credential_id
        new = _added(connection, minister, known[0])
        assert own_keys.uncopied(connection, minister) == [new]

        def recovered(*credentials: str) -> None:
            asked = {"ticket": desk.lose(connection, minister, None)}
            desk.recover(connection, {**asked, "wrapped": copies(*credentials)})

        for wrong in ((known[0],), (strange,), (new, known[0])):
            with pytest.raises(ServiceError, match="FORM_REFUSED"):
                recovered(*wrong)
        before = own_keys.key_of(connection, minister)["wrapped"]
        for lost in known:
            passkey_book.revoke_key(connection, minister, lost, clock.now())
        second = _added(connection, minister, new)
        with pytest.raises(ServiceError, match="OWN_KEY_ALONE"):
            recovered(new)
        recovered(new, second)
        found = own_keys.key_of(connection, minister)
        assert found["recipient"] == encode_recipient(recipient)
        assert len(found["wrapped"]) == len(before) == 2
        assert own_keys.uncopied(connection, minister) == []
        ticket = desk.lose(connection, minister, None)
        with pytest.raises(ServiceError, match="FORM_REFUSED"):
            desk.recover(connection, {"ticket": ticket, "wrapped": copies(new)})
        with pytest.raises(ServiceError, match="TICKET_UNKNOWN"):  # once, whatever came of it
            desk.recover(connection, {"ticket": ticket, "wrapped": copies(new)})


def _added(connection: Connection, officer: str, like: str) -> str:
    """Give an officer one more security key; return its credential."""
    row = connection.execute(select(passkey).where(passkey.c.credential_id == like)).one()
    credential = secrets.token_hex(16)
    connection.execute(
        passkey.insert().values({**row._mapping, "credential_id": credential, "revoked_at": None})
    )
    assert row.officer == officer
    return credential
