"""A demonstration's officers: their security keys in software, and links that sign them in.

    Demonstration.make(folder, people)              # once, at the founding
    there = Demonstration.of(settings)              # NOT_FOUND where this is no demonstration
    officer = there.use_link(secret)                # once
    response = there.sign_in(officer, nonce, party)

An installation is a demonstration by `demo = true` in its settings, which only `localhost` may
have. The keys sign through the very verification that real ones go through; what is missing is a
person who touches one.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from cipher_service.errors import ServiceError
from cipher_service.identity import challenges
from cipher_service.identity.carried import digest_of, new_secret
from cipher_service.settings import Settings
from keys.acts import approval_challenge
from keys.custody.grants import grant_challenge
from keys.passkeys import RelyingParty
from keys.software_key import SoftwareKey

_PEOPLE = "officers.json"
_CARRIED = "carried"


@dataclass(frozen=True, slots=True)
class SampleOfficer:
    """An officer of a demonstration.

    Attributes:
        officer: number.
        name: as the books write it.
        role: the function for which they are in the sample; names their link.
        key: their software key, hexadecimal.
    """

    officer: str
    name: str
    role: str
    key: str


class Demonstration:
    """What a demonstration keeps beside its books.

    Args:
        folder: mode 0700.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return an installation's demonstration. Raises ServiceError NOT_FOUND."""
        if not settings.demo or not (settings.demonstration / _PEOPLE).is_file():
            raise ServiceError("NOT_FOUND")
        return cls(settings.demonstration)

    @classmethod
    def make(cls, folder: Path, people: list[SampleOfficer]) -> Self:
        """Write the officers of a demonstration into a new folder."""
        folder.mkdir(mode=0o700)
        (folder / "links").mkdir(mode=0o700)
        made = cls(folder)
        made._write(_PEOPLE, json.dumps([asdict(person) for person in people], indent=1))
        made._write(_CARRIED, new_secret())
        return made

    def holder(self, role: str) -> str:
        """Return the first officer of a function. Raises ServiceError UNKNOWN_OFFICER."""
        for person in self.people():
            if person.role == role:
                return person.officer
        raise ServiceError("UNKNOWN_OFFICER", officer=role)

    def people(self) -> list[SampleOfficer]:
        """Return the officers, in the order in which they were made."""
        return [SampleOfficer(**entry) for entry in json.loads(self._read(_PEOPLE))]

    def new_link(self, officer: str) -> str:
        """Make a link's secret that signs an officer in once."""
        secret = new_secret()
        self._write(f"links/{digest_of(secret)}", officer)
        return secret

    def use_link(self, secret: str) -> str:
        """Use a link up; return its officer. Raises ServiceError LINK_UNKNOWN."""
        link = self._folder / "links" / digest_of(secret)
        try:
            officer = link.read_text("ascii")
            link.unlink()  # of two at one time, one finds nothing
        except FileNotFoundError as error:
            raise ServiceError("LINK_UNKNOWN") from error
        return officer

    @property
    def carried(self) -> str:
        """What a browser carries that has come by a link: it may change officers."""
        return self._read(_CARRIED)

    def sign_in(self, officer: str, nonce: bytes, party: RelyingParty) -> bytes:
        """Answer a sign-in's nonce with an officer's key. Raises ServiceError KEY_UNKNOWN."""
        return self.key_of(officer).get(challenges.asked("sign-in", nonce), party)

    def approve(
        self, officer: str, nonce: bytes, digest: bytes, party: RelyingParty, origin: str
    ) -> bytes:
        """Sign an act's digest with an officer's key. Raises ServiceError KEY_UNKNOWN."""
        return self.key_of(officer).get(approval_challenge(nonce, digest), party, origin)

    def grant(
        self, officer: str, nonce: bytes, digest: bytes, party: RelyingParty, origin: str
    ) -> bytes:
        """Sign a grant's digest for the custodian. Raises ServiceError KEY_UNKNOWN."""
        return self.key_of(officer).get(grant_challenge(nonce, digest), party, origin)

    def key_of(self, officer: str) -> SoftwareKey:
        """Return an officer's key. Raises ServiceError KEY_UNKNOWN."""
        for person in self.people():
            if person.officer == officer:
                return SoftwareKey.from_bytes(bytes.fromhex(person.key))
        raise ServiceError("KEY_UNKNOWN")

    def _read(self, name: str) -> str:
        return (self._folder / name).read_text("utf-8")

    def _write(self, name: str, text: str) -> None:
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
