"""Officers before the custodian: their challenges, their signatures, the acts that they complete.

The service carries bytes to and fro and is believed in nothing. The custodian gives the challenges
itself, verifies each answer with the keys of its own roll for its own RP ID and origins, parses the
act that it will do, and judges the persons itself: whoever robs the service can neither admit an
officer, nor use a signature twice, nor for another act.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from keys import canonical
from keys.act_rules import GRANT_SEATS
from keys.acts import (
    Act,
    ActExecuted,
    ApproverNotCleared,
    ApproverNotInForce,
    ApproverWithoutFunction,
    approval_challenge,
)
from keys.custody.challenges import Challenges, registration_challenge
from keys.custody.errors import (
    GrantMalformed,
    GrantOfAnother,
    KeyUnknown,
    OfficersNotFounded,
    OriginUnsafe,
    TooMuchWaiting,
)
from keys.custody.grants import (
    SESSION_SECONDS,
    SINGLE_SECONDS,
    Grant,
    Grants,
    Wanted,
    grant_challenge,
    require_covers,
)
from keys.custody.roll import (
    WAITING_MOST,
    Attested,
    Officer,
    Roll,
    object_of_officer,
    object_of_passkey,
)
from keys.custody.signatures import closed, sign, version_of
from keys.passkeys import Passkey, credential_id_of, verify_assertion, verify_registration

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from keys.custody.roll_file import RollFile
    from keys.custody.versions import Versions

_ATTESTED_TIME: Final = timedelta(hours=24)


class Officers:
    """The roll of a custodian, and the challenges that it gave; any number of threads may ask.

    Args:
        file: where the roll is kept.
        clock: gives the time, UTC, whole seconds; never earlier than before.
        production: whether a roll is refused whose officers sign at an origin without TLS.
    """

    def __init__(
        self, file: RollFile, clock: Callable[[], datetime], *, production: bool = False
    ) -> None:
        self._file = file
        self._clock = clock
        self._production = production
        self._challenges = Challenges()
        self._grants = Grants(clock)

    def challenge(self) -> bytes:
        """Gives a nonce for one answer within 300 seconds.

        Raises:
            OfficersNotFounded: there is nobody who could answer.
        """
        self._founded(self._clock())
        return self._challenges.give(self._clock())

    def register_key(self, nonce: bytes, response: bytes) -> bytes:
        """Verifies a new security key; it waits for 24 hours for an act that gives it to somebody.

        Args:
            nonce: of `challenge`; the key answered `registration_challenge(nonce)`.
            response: JSON of the browser.

        Returns:
            What an act says of this key: canonical JSON of `id`, `public_key` and `model`.

        Raises:
            OfficersNotFounded, ChallengeUnknown, PasskeyInvalid, PasskeyUnverified,
            PasskeyModelRefused: it is not accepted.
            KeyUnknown: it is an officer's already, or waits already.
            TooMuchWaiting: as it says.
        """
        now = self._clock()
        with self._file.held():
            roll = self._founded(now)
            self._challenges.use(nonce, now)
            passkey = verify_registration(
                response,
                challenge=registration_challenge(nonce),
                party=roll.party,
                policy=roll.policy,
            )
            self._file.write(attest(roll, passkey, now))
        return canonical.encode(object_of_passkey(passkey))

    def approve_act(self, act: bytes, nonce: bytes, response: bytes, versions: Versions) -> bytes:
        """Takes an officer's signature under an act, and does the act once it is approved.

        Args:
            act: its canonical bytes (ACTS.md §1).
            nonce: of `challenge`; the key answered `approval_challenge(nonce, digest)`.
            response: JSON of the browser.
            versions: of the keys, which an act may be about.

        Returns:
            Canonical JSON: `state` (`open` or `executed`), `approved` (numbers of the persons) and
            `version` (of what the act is about).

        Raises:
            ActMalformed, ActExecuted, OfficersNotFounded, ChallengeUnknown, KeyUnknown: refused
                before the signature was looked at.
            PasskeyInvalid, PasskeyUnverified, PasskeyModelRefused, PasskeyCounterBack: no
                signature of this officer under this act.
            ActNotInForce, ActOutdated, ApproverNotInForce, ApproverNotCleared, ApproverConcerned,
            ApproverWithoutFunction, ApproversNotDistinct, ApprovalOfAnother: ACTS.md §3.
            ActNotOfCustodian, KeyNotAttested, KeyVersionUnknown, KeyNotDestroyable,
            TooMuchWaiting: it cannot be done here.
        """
        now = self._clock()
        parsed = Act.parse(act)
        with self._file.held(), versions.exchanging() as exchange:
            roll, book = self._founded(now), versions.book()
            # Looked for first: a caller that missed the answer learns what became of its act.
            if book.knows(parsed.id) and any(each.act.id == parsed.id for each in roll.open):
                # Killed between the two files: what the act orders stands.
                self._file.write(closed(roll, parsed))
            if book.knows(parsed.id) or parsed.id in {number for number, _ in roll.executed}:
                raise ActExecuted("this act was done already")
            self._challenges.use(nonce, now)
            challenge = approval_challenge(nonce, parsed.digest)
            roll, signer = self._verify(roll, challenge, response)
            signed = sign(roll, book, parsed, signer, now)
            if signed.book is not book:
                exchange(signed.book)
            self._file.write(signed.roll)
        return canonical.encode(
            {
                "state": "executed" if signed.done else "open",
                "approved": [approval.person for approval in signed.approved],
                "version": version_of(signed.roll, signed.book, parsed),
            }
        )

    def open_grant(self, grant: bytes, nonce: bytes, response: bytes) -> bytes:
        """Takes an officer's grant (ACTS.md §6).

        Args:
            grant: its canonical bytes.
            nonce: of `challenge`; the key answered `grant_challenge(nonce, digest)`.
            response: JSON of the browser.

        Returns:
            The token, 32 bytes: whoever has it acts under the grant.

        Raises:
            GrantMalformed, OfficersNotFounded, ChallengeUnknown, KeyUnknown, PasskeyInvalid,
            PasskeyUnverified, PasskeyModelRefused, PasskeyCounterBack: no grant of an officer.
            GrantOfAnother: it names another officer than the one whose key signed it.
            ApproverNotInForce, ApproverNotCleared, ApproverWithoutFunction: not theirs to give.
            TooMuchWaiting: too many are open.
        """
        now = self._clock()
        parsed = Grant.parse(grant)
        seconds = SESSION_SECONDS if parsed.is_session else SINGLE_SECONDS
        if not now < parsed.expires <= now + timedelta(seconds=seconds):
            raise GrantMalformed(f"such a grant lasts at most {seconds} seconds")
        with self._file.held():
            roll = self._founded(now)
            self._challenges.use(nonce, now)
            roll, signer = self._verify(roll, grant_challenge(nonce, parsed.digest), response)
        if signer != parsed.officer:
            raise GrantOfAnother(f"{signer} signed what {parsed.officer} would grant")
        _require_may_grant(roll, parsed, now)
        return self._grants.keep(parsed)

    def close_grant(self, token: bytes) -> None:
        """Ends a grant."""
        self._grants.close(token)

    def close_grants(self) -> None:
        """Ends every grant at once."""
        self._grants.close_all()

    def require_grant(self, token: bytes, wanted: Wanted) -> str:
        """Demands a grant that covers an act, and that its officer may give it still.

        Returns:
            The officer's number.

        Raises:
            GrantMissing, GrantOfAnother, GrantTooLow: no grant covers it.
            ApproverNotInForce, ApproverNotCleared, ApproverWithoutFunction: no longer theirs.
        """
        now = self._clock()
        roll = self._founded(now)
        grant = self._grants.find(token)
        require_covers(grant, wanted, roll.session_rank)
        _require_may_grant(roll, grant, now)
        return grant.officer

    def use_grant(self, token: bytes, wanted: Wanted) -> None:
        """Counts one act under a grant; see `Grants.use`."""
        self._grants.use(token, wanted, self._founded(self._clock()).session_rank)

    def founded_roll(self) -> Roll | None:
        """Gives the roll once its founding ceremony was closed.

        Raises:
            OriginUnsafe: production, and its officers sign at an origin without TLS.
        """
        roll = self._file.read()
        if roll is None or not roll.founded:
            return None
        if self._production and any(not each.startswith("https:") for each in roll.party.origins):
            raise OriginUnsafe(f"officers sign at {', '.join(roll.party.origins)}")
        return roll

    def now(self) -> datetime:
        """The custodian's time, UTC, whole seconds."""
        return self._clock()

    def listing(self) -> bytes:
        """Gives what the service may show: canonical JSON, nothing secret in it.

        Raises:
            OfficersNotFounded: there is no roll yet.
        """
        roll = self._founded(self._clock())
        return canonical.encode(
            {
                "party": {"id": roll.party.id, "origins": roll.party.origins},
                "levels": roll.levels,
                "session_rank": roll.session_rank,
                "fingerprint": roll.fingerprint,
                "officers": [
                    object_of_officer(roll.officers[number], object_of_passkey)
                    for number in sorted(roll.officers)
                ],
                "open": [
                    {
                        "act": canonical.text_from_bytes(each.act.encoded),
                        "approved": [approval.person for approval in each.approvals],
                    }
                    for each in roll.open
                ],
            }
        )

    def _founded(self, now: datetime) -> Roll:
        roll = self.founded_roll()
        if roll is None:
            raise OfficersNotFounded("the founding ceremony was not closed")
        return roll.at(now)

    def _verify(self, roll: Roll, challenge: bytes, response: bytes) -> tuple[Roll, str]:
        """Verifies a signature and keeps the key's counter whatever comes of what was signed."""
        owned = roll.owner_of(credential_id_of(response))
        if owned is None:
            raise KeyUnknown("no officer has this security key")
        officer, passkey = owned
        count = verify_assertion(
            response,
            challenge=challenge,
            party=roll.party,
            passkey=passkey,
        )
        roll = _counted(roll, officer, passkey, count)
        self._file.write(roll)
        return roll, officer.id


def attest(roll: Roll, passkey: Passkey, now: datetime) -> Roll:
    """Gives the roll in which a verified new key waits for its act.

    Raises:
        KeyUnknown: it is an officer's already, or waits already.
        TooMuchWaiting: too many wait.
    """
    waiting = {each.passkey.credential_id for each in roll.attested}
    if passkey.credential_id in waiting or roll.owner_of(passkey.credential_id) is not None:
        raise KeyUnknown("the security key is registered already")
    if len(roll.attested) >= WAITING_MOST:
        raise TooMuchWaiting("too many new security keys wait for their act")
    return replace(roll, attested=(*roll.attested, Attested(passkey, now + _ATTESTED_TIME)))


def _require_may_grant(roll: Roll, grant: Grant, now: datetime) -> None:
    person = roll.persons.get(grant.officer)
    if person is None or person.revoked or not person.starts <= now < person.ends:
        raise ApproverNotInForce(f"{grant.officer} may not act now")
    if not person.functions & GRANT_SEATS[grant.purpose]:
        raise ApproverWithoutFunction(f"{grant.officer} may not grant to {grant.purpose}")
    if person.rank < grant.rank:
        raise ApproverNotCleared(f"{grant.officer} is cleared up to rank {person.rank}")


def _counted(roll: Roll, officer: Officer, passkey: Passkey, count: int) -> Roll:
    passkeys = tuple(
        replace(each, sign_count=count) if each is passkey else each for each in officer.passkeys
    )
    return replace(
        roll, officers={**roll.officers, officer.id: replace(officer, passkeys=passkeys)}
    )
