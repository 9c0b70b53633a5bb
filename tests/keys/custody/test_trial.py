"""A custodian without officers is a trial installation: it says so, and production refuses it."""

from typing import Any

import pytest

from keys.age.files import encrypt
from keys.custody import open_custodian
from keys.custody.errors import OfficersNotFounded
from keys.custody.store import open_store, read_credential


def test_a_trial_says_so_and_production_refuses_it(founded: Any) -> None:
    credential = read_credential(founded.credential)
    sealed = encrypt(b"Brouillon", [founded.founding.card.recipient])

    trial = open_store(founded.store, credential)
    assert not trial.state().founded
    assert trial.open_sealed(sealed) == b"Brouillon"
    with pytest.raises(OfficersNotFounded):
        open_store(founded.store, credential, production=True).open_sealed(sealed)
    for uri in ("memory:", f"file:{founded.store}"):
        with pytest.raises(ValueError, match="production"):
            open_custodian(uri, lambda _: credential, production=True)
