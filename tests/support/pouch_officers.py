"""A pouch bureau whose custodian has officers: its chief and its second, their keys at hand."""

from dataclasses import replace
from pathlib import Path

from cipher_service.administration.officer_keys import AtHand, Signer
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.pouches.office import Office
from keys.custody.clock import system_clock
from keys.custody.core import Custody
from keys.custody.log_keys import HeadInMemory
from keys.custody.officers import Officers
from keys.custody.protocol import Custodian
from keys.custody.roll_file import RollFile
from tests.support.ministry import custody
from tests.support.office import PouchBureau
from tests.support.officers import PARTY, Ministry, found_ministry, whole_now


def officers_of(bureau: PouchBureau) -> Ministry:
    """A roll of the bureau's chief and second, with their security keys."""
    return found_ministry(
        whole_now(), {bureau.chief: "CHIEF-CIPHER-POUCH", bureau.second: "POUCH-AGENT"}
    )


class SigningBureau:
    """What the bureau does under grants that its officers give.

    Args:
        bureau: the bureau.
        people: its officers, as the custodian's roll has them.
        custodian: holds the keys of headquarters and that roll.
    """

    def __init__(self, bureau: PouchBureau, people: Ministry, custodian: Custodian) -> None:
        self._bureau = bureau
        self._people = people
        self._custodian = custodian

    @classmethod
    def founded(cls, bureau: PouchBureau, folder: Path) -> "SigningBureau":
        """The same with a custodian in this process, its roll in `folder`."""
        people, keys = officers_of(bureau), custody()
        store = folder / "roll"
        store.mkdir(mode=0o700)
        file = RollFile(store, b"0" * 64)
        file.write(people.roll)
        officers = Officers(file, system_clock)
        return cls(bureau, people, Custody(keys.service, keys.secret, HeadInMemory(), officers))

    def at_hand(self, number: str) -> AtHand:
        """An officer with a security key at hand."""

        def answer(signer: Signer, challenge: bytes) -> bytes:
            return self._people.keys[signer.number][0].get(challenge, PARTY)

        return AtHand(self._custodian, number, answer)

    def office(self, *hands: AtHand) -> Office:
        """The bureau's office while these officers sit at it."""
        asking = WarrantedCustodian(
            self._custodian, self._bureau.engine, "log.example/office", "account/tests", *hands
        )
        return replace(self._bureau.office, custodian=asking)
