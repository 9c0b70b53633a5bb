"""The roll of officers on the disk: `officers.age`, sealed by the credential.

Who can write the file can put an older one back: the fingerprint of the roll, compared by telephone
after each act, shows that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from keys.custody.roll import Roll
from keys.custody.sealed_file import LOG_N, SealedFile

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LOG_N", "ROLL_FILE", "RollFile"]

ROLL_FILE: Final = "officers.age"


class RollFile(SealedFile[Roll]):
    """The one file of a store's roll.

    Args:
        store: the custodian's folder, private to this user.
        credential: what seals it.
    """

    def __init__(self, store: Path, credential: bytes) -> None:
        super().__init__(store, ROLL_FILE, credential, Roll.encode, Roll.parse)
