"""An officer's security key at this terminal: what they grant the custodian, they sign here.

    acting = hand_of(arguments, custodian, terminal, "by", "software_key")

The key answers the custodian's own challenge for the custodian's own RP ID; the service passes the
answer on and is believed in nothing. What an officer opens or signs is granted dispatch by
dispatch; sealed subjects, drafts and bags' texts come under sessions of ten minutes.
"""

import json
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cipher_service import clock
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.identity.demonstration import Demonstration
from cipher_service.settings import Settings
from keys import canonical
from keys.custody.grants import BAG, OPEN, SINGLE_SECONDS, USES_MOST, Grant, grant_challenge
from keys.custody.protocol import Custodian
from keys.passkeys import RelyingParty
from keys.software_key import SoftwareKey

SESSION: Final = timedelta(minutes=10)
"""How long a command may go on under one touch of the key, for what needs no grant of its own."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs with a security key, as the custodian's roll has them.

    Attributes:
        number: of the officer.
        rank: of the highest level for which they are cleared.
        session_rank: of the highest level that a session covers.
        party: the custodian's RP ID.
        origin: the custodian's, that the key is told.
        credentials: names of their security keys' credentials.
    """

    number: str
    rank: int
    session_rank: int
    party: str
    origin: str
    credentials: tuple[bytes, ...]


Answer = Callable[[Signer, bytes], bytes]
"""Has a security key answer a challenge; gives the JSON that a browser would send."""


def signer_of(custodian: Custodian, number: str) -> Signer:
    """Return an officer of the custodian's roll.

    Raises:
        Refused: OFFICER_NOT_ON_ROLL.
        OfficersNotFounded: there is no roll.
    """
    roll: dict[str, Any] = json.loads(custodian.officers())
    for officer in roll["officers"]:
        if officer["id"] == number:
            return Signer(
                number,
                officer["rank"],
                roll["session_rank"],
                roll["party"]["id"],
                roll["party"]["origins"][0],
                tuple(canonical.bytes_from_text(each["id"]) for each in officer["passkeys"]),
            )
    raise Refused("OFFICER_NOT_ON_ROLL", officer=number)


@dataclass(slots=True)
class KeyInHand:
    """An officer at the terminal, who grants what they are asked for with their key.

    Attributes:
        custodian: whom they grant it.
        signer: the officer.
        answer: their security key.
    """

    custodian: Custodian
    signer: Signer
    answer: Answer
    _sessions: dict[str, bytes] = field(default_factory=dict)
    _single: bytes | None = None

    @property
    def officer(self) -> str:
        """Number of the officer."""
        return self.signer.number

    def token(self, purpose: str, request: str, dispatch: str | None) -> bytes:
        """Give the token of a grant; see `Granting`."""
        mine = self.signer
        if purpose not in (OPEN, BAG) or dispatch is not None:
            self._end_single()  # the act that it was for is done, or refused
            self._single = self._grant(purpose, mine.rank, dispatch, request, 1, _single())
            return self._single
        if purpose not in self._sessions:
            rank = mine.rank if purpose == BAG else min(mine.rank, mine.session_rank)
            token = self._grant(purpose, rank, None, None, USES_MOST, SESSION)
            self._sessions[purpose] = token
        return self._sessions[purpose]

    def close(self) -> None:
        """End what was granted."""
        self._end_single()
        for token in self._sessions.values():
            self.custodian.close_grant(token)
        self._sessions.clear()

    def _end_single(self) -> None:
        if self._single is not None:
            self.custodian.close_grant(self._single)
            self._single = None

    def _grant(
        self,
        purpose: str,
        rank: int,
        dispatch: str | None,
        request: str | None,
        uses: int,
        lasts: timedelta,
    ) -> bytes:
        expires = clock.now().replace(microsecond=0) + lasts
        grant = Grant(self.officer, purpose, rank, dispatch, request, uses, expires)
        nonce = self.custodian.officer_challenge()
        answer = self.answer(self.signer, grant_challenge(nonce, grant.digest))
        return self.custodian.open_grant(grant.encoded, nonce, answer)


@dataclass(slots=True)
class AtHand:
    """An officer who was named, and whose key is looked for when the custodian wants it.

    Attributes:
        custodian: whom they grant.
        officer: number of the officer.
        answer: their security key.
    """

    custodian: Custodian
    officer: str
    answer: Answer
    _key: KeyInHand | None = None

    def token(self, purpose: str, request: str, dispatch: str | None) -> bytes:
        """Give the token of a grant; see `Granting`. Raises Refused OFFICER_NOT_ON_ROLL."""
        if self._key is None:
            signer = signer_of(self.custodian, self.officer)
            self._key = KeyInHand(self.custodian, signer, self.answer)
        return self._key.token(purpose, request, dispatch)

    def close(self) -> None:
        """End the sessions that were opened."""
        if self._key is not None:
            self._key.close()


def hand_of(
    arguments: Namespace, custodian: Custodian, terminal: Terminal, who: str, key: str
) -> AtHand | None:
    """Return the officer whom an option names, whose key another option may name; or None.

    Raises:
        Refused: SOFTWARE_KEY_REFUSED.
        OSError: the key's file cannot be read.
    """
    number = getattr(arguments, who, None)
    if number is None:
        return None
    return AtHand(custodian, number, answer_of(arguments, terminal, key))


def answer_of(arguments: Namespace, terminal: Terminal, option: str = "software_key") -> Answer:
    """Return what answers challenges: the keys on USB, or the files that `--software-key` names.

    A key in software protects nothing: the custodian takes it only when its ceremony listed the
    demonstration's model, and an installation for production refuses it here already. Officers of
    a demonstration answer with theirs.

    Raises:
        Refused: SOFTWARE_KEY_REFUSED.
        OSError: the file cannot be read.
    """
    files: list[str] = getattr(arguments, option)
    settings = Settings.load(Path(arguments.data))
    if not files:
        return keys_of(Demonstration.of(settings)) if settings.demo else on_usb(terminal)
    if settings.production:
        raise Refused("SOFTWARE_KEY_REFUSED")
    keys = software_keys(files)

    def answer(signer: Signer, challenge: bytes) -> bytes:
        # One that the custodian does not know is its to refuse.
        known = (key for key in keys if key.credential_id in signer.credentials)
        party = RelyingParty(signer.party, (signer.origin,))
        return next(known, keys[0]).get(challenge, party)

    return answer


def software_keys(files: Sequence[str]) -> list[SoftwareKey]:
    """Read keys in software, in hexadecimal. Raises Refused SOFTWARE_KEY_REFUSED, or OSError."""
    try:
        return [
            SoftwareKey.from_bytes(bytes.fromhex(Path(file).read_text("utf-8"))) for file in files
        ]
    except ValueError:
        raise Refused("SOFTWARE_KEY_REFUSED") from None


def keys_of(there: Demonstration) -> Answer:
    """Return what answers with the keys of a demonstration's officers, each with their own."""

    def answer(signer: Signer, challenge: bytes) -> bytes:
        party = RelyingParty(signer.party, (signer.origin,))
        return there.key_of(signer.number).get(challenge, party)

    return answer


def on_usb(terminal: Terminal) -> Answer:
    """Return what answers with a security key on USB; see `UsbKeys`."""

    def answer(signer: Signer, challenge: bytes) -> bytes:
        from cipher_service.administration.usb_keys import UsbKeys  # noqa: PLC0415 - slow to load

        return UsbKeys(terminal)(signer, challenge)

    return answer


def _single() -> timedelta:
    # A little less than the longest, so that clocks of the two processes may differ by a moment.
    return timedelta(seconds=SINGLE_SECONDS - 30)
