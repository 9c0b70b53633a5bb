"""Every command of an officer is decided by a rule that is written down; none starts without."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from cipher_service.access.proven import Proofs
from cipher_service.administration.founding import planned
from cipher_service.app import officers
from cipher_service.app.officers import ROWS, RuledDesk
from cipher_service.app.wiring import INNER_ACTS, OPEN_ACTS, registrar_handlers
from cipher_service.audit.recorder import Recorder
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.identity.site import site_of
from cipher_service.storage.batch import Handler
from tests.support.ministry import HEADQUARTERS, Ministry

# Who comes through these has no session yet, or is known by a ticket, a device or a key.
DOORS = {
    *("issue_token", "certify_client", "token_keys", "seals", "health", "key_warnings", "admit"),
    *("door_ask", "auditor_read"),
    *("officer_ask", "officer_ask_enrolment", "officer_enrol", "officer_sign_in"),
    *("approval_show", "approval_sign", "own_key_offer", "own_key_recover", "own_copy"),
    *("device_events", "device_pack"),
}
# What posts give; `tests/cipher_service/app/test_posts.py` holds that each is decided.
OF_POSTS = {
    *("submit", "submit_upload", "open_upload", "record_receipt", "post_service_message"),
    *("mark_fetched", "prove_number", "take_in_prekeys", "give_prekeys", "cosign"),
}
PREFIXES_OF_POSTS = ("pouch_", "counter_")


@pytest.fixture
def wired(engine: Engine, tmp_path: Path) -> dict[str, Handler]:
    return wire(Ministry(engine, tmp_path), tmp_path)


def wire(ministry: Ministry, folder: Path) -> dict[str, Handler]:
    settings = planned(
        folder / "new", host="127.0.0.1", port=1, workers=1, issuer="http://127.0.0.1:1"
    )
    sealer = ReceiptSealer(ministry.custodian, HEADQUARTERS, Recorder("log").before_commit)
    return registrar_handlers(settings, ministry.custodian, sealer, ministry.engine, Proofs())[0]


def test_every_command_has_its_rule_and_no_rule_is_left_over(wired: dict[str, Handler]) -> None:
    posts = {name for name in wired if name.startswith(PREFIXES_OF_POSTS)} | OF_POSTS
    assert set(wired) == DOORS | OPEN_ACTS | INNER_ACTS | posts | set(ROWS)
    assert not set(ROWS) & (DOORS | OPEN_ACTS | INNER_ACTS | posts)


def test_a_command_that_no_rule_speaks_of_keeps_the_registrar_down(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever desk it comes from: officers' own, own keys, the bureaus."""
    ministry = Ministry(engine, tmp_path)
    for command in ("officer_seen", "own_key_begin", "dispatch_open.intend", "bag_seal"):
        left = {name: rule for name, rule in ROWS.items() if name != command}
        monkeypatch.setattr(officers, "ROWS", left)
        with pytest.raises(ValueError, match=f"no rule speaks of {command}"):
            wire(ministry, tmp_path)


def test_the_desk_takes_no_act_of_an_unknown_name(tmp_path: Path) -> None:
    settings = planned(tmp_path, host="127.0.0.1", port=1, workers=1, issuer="http://127.0.0.1:1")
    with pytest.raises(ValueError, match="no rule speaks of fly"):
        RuledDesk(lambda: site_of(settings)).guarded({"fly": lambda *_: None})
