"""Officers of an installation's custodian, whose security keys are files, as commands take them."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from cipher_service.settings import Settings
from keys.custody import read_credential
from keys.custody.roll import Officer, Roll
from keys.custody.roll_file import RollFile
from keys.passkeys import verify_registration
from keys.software_key import SoftwareKey, SoftwareMaker
from tests.support.officers import PARTY, whole_now


def found_officers(
    settings: Settings, functions: Mapping[str, str], folder: Path
) -> dict[str, Path]:
    """Found the roll of a custodian's store; return each officer's first key."""
    maker, now, officers, keys = SoftwareMaker(), whole_now(), {}, {}
    for number, function in functions.items():
        pair = (SoftwareKey.generate(), SoftwareKey.generate())
        keys[number] = folder / f"{number}.key"
        keys[number].write_text(pair[0].to_bytes().hex(), "utf-8")
        officers[number] = Officer(
            id=number,
            name=f"Agent {number}",
            functions=frozenset({function}),
            rank=3,
            starts=now - timedelta(days=1),
            ends=now + timedelta(days=9),
            version=1,
            revoked=False,
            passkeys=tuple(
                verify_registration(
                    key.create(bytes(32), PARTY, maker),
                    challenge=bytes(32),
                    party=PARTY,
                    policy=maker.policy,
                )
                for key in pair
            ),
        )
    roll = Roll(PARTY, maker.policy, founded=True, officers=officers)
    RollFile(settings.custodian_store, read_credential(settings.custodian_credential)).write(roll)
    return keys
