"""The bureau at work before a custodian that has officers: with their keys, and without."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from cipher_service import clock
from cipher_service.administration.officer_keys import KeyInHand, Signer, signer_of
from cipher_service.administration.usb_keys import UsbKeys
from cipher_service.audit.journal import Journal
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.dispatches import departures, speaking
from cipher_service.dispatches.bureau import HeadquartersBureau, People, Sent
from cipher_service.dispatches.sealed import seal_text
from cipher_service.references import new_id, series_epoch
from cipher_service.storage.tables.audit import audit_entry
from cipher_service.storage.unit_of_work import reading
from keys.age.header import Header
from keys.age.hybrid import HybridKey
from keys.canonical import decode
from keys.custody.bureau_opening import PREFIX_BYTES
from keys.custody.clock import system_clock
from keys.custody.core import Custody
from keys.custody.errors import GrantMissing
from keys.custody.log_keys import HeadInMemory
from keys.custody.officers import Officers
from keys.custody.roll_file import RollFile
from keys.dispatch import Destination, encipher
from keys.errors import Refusal
from keys.manifest import COPY, POUCH, Heading, Label, Manifest, Series
from keys.service_messages import CANCELLED
from keys.signing import MANIFEST, Signatures
from tests.support import officers
from tests.support.ministry import EPOCH, HEADQUARTERS, Ministry, PostKeys, post_keys
from tests.support.officers import CLERK, SECURITY, found_ministry, whole_now

ORIGIN = "ministry.example/audit"
At = Callable[..., HeadquartersBureau]
Asked = Callable[[str | None], WarrantedCustodian]


class Hand:
    """A post that signs."""

    def __init__(self, keys: PostKeys) -> None:
        self.card = keys.card
        self._signing = keys.signing

    def sign_manifest(self, manifest: Manifest) -> Signatures:
        return self._signing.sign(MANIFEST, manifest.encode())


@pytest.fixture(scope="module")
def people() -> officers.Ministry:
    return found_ministry(whole_now())


@pytest.fixture
def custodian(ministry: Ministry, people: officers.Ministry, tmp_path: Path) -> Custody:
    """The ministry's own keys, with a roll beside them."""
    store = tmp_path / "roll"
    store.mkdir(mode=0o700)
    file = RollFile(store, b"0" * 64)
    file.write(people.roll)
    keys = ministry.custodian
    return Custody(keys.service, keys.secret, HeadInMemory(), Officers(file, system_clock))


@pytest.fixture
def asked(ministry: Ministry, custodian: Custody, people: officers.Ministry) -> Asked:
    """The custodian as it is asked with an officer's key on the table, or with none."""

    def answer(signer: Signer, challenge: bytes) -> bytes:
        return people.keys[signer.number][0].get(challenge, officers.PARTY)

    def warranted(number: str | None) -> WarrantedCustodian:
        officer = None
        if number is not None:
            officer = KeyInHand(custodian, signer_of(custodian, number), answer)
        return WarrantedCustodian(custodian, ministry.engine, ORIGIN, "account/test", officer)

    return warranted


@pytest.fixture
def at(ministry: Ministry, asked: Asked) -> At:
    """The bureau with an officer's key on the table, or with none."""

    def bureau(number: str | None = CLERK) -> HeadquartersBureau:
        journal = Journal(ministry.engine, ORIGIN, "account/test")
        parts = (ministry.engine, ministry.blobs, asked(number), HEADQUARTERS, journal)
        return HeadquartersBureau(*parts)

    return bureau


def send(ministry: Ministry, bureau: HeadquartersBureau, level: str = "SECRET") -> Sent:
    now = clock.now().replace(microsecond=0)
    heading = Heading(
        id=new_id(now),
        kind="telegram",
        label=Label(ministry.scheme.policy, level, (), (), None),
        dtg=now,
        created=now,
        subject="Objet",
    )
    to = [
        Destination(post_keys("PARIS").card, "ROUTINE", None),
        Destination(bureau.card, "ROUTINE", None, COPY),
    ]
    return bureau.send(heading, to, b"Texte", [], People("A. Ndongo", "SG"))


def told(ministry: Ministry) -> list[tuple[str, str, str]]:
    columns = (audit_entry.c.actor, audit_entry.c.action, audit_entry.c.outcome)
    with reading(ministry.engine) as connection:
        rows = connection.execute(select(*columns).order_by(audit_entry.c.seq)).all()
    return [(row[0], row[1], row[2]) for row in rows]


def test_a_clerk_sends_under_their_own_key(ministry: Ministry, at: At) -> None:
    sent = send(ministry, at(), "TRES-SECRET")

    assert sent.manifest.label.level == "TRES-SECRET"
    entries = told(ministry)
    for action in ("sign_manifest", "sign_slip"):
        assert (CLERK, action, "intended") in entries
        assert entries.index((CLERK, action, "intended")) < entries.index((CLERK, action, "done"))


def test_without_an_officer_nothing_leaves_and_the_number_is_cancelled(
    ministry: Ministry, at: At
) -> None:
    with pytest.raises(GrantMissing):
        send(ministry, at(None))

    epoch = series_epoch(clock.now().year)
    with reading(ministry.engine) as connection:
        [number] = departures.numbers(connection, HEADQUARTERS, "PARIS", epoch)
        heard = list(speaking.heard(connection, ministry.directory, "PARIS"))
    assert number.state == "cancelled"
    # Nobody need be there for the addressee to learn of it: that needs only the log.
    assert [each.message.kind for each in heard] == [CANCELLED]
    assert heard[0].verified


def test_a_clerk_opens_what_came_in_a_bag_and_nobody_else_does(
    ministry: Ministry, custodian: Custody, at: At, asked: Asked, tmp_path: Path
) -> None:
    paris, now = post_keys("PARIS"), clock.now().replace(microsecond=0)
    heading = Heading(
        id=new_id(now),
        kind="telegram",
        label=Label(ministry.scheme.policy, "SECRET", (), (), None),
        dtg=now,
        created=now,
        subject="Objet",
    )
    to = [Destination(at(None).card, "ROUTINE", Series(EPOCH, 1), delivery=POUCH)]
    bag = tmp_path / "bag.age"
    with bag.open("wb") as sink:
        encipher(heading, to, b"Bonjour", signer=Hand(paris), sink=sink)

    for number in (None, SECURITY):
        with pytest.raises(Refusal):
            at(number).receive(bag, tmp_path / "never")
    at().receive(bag, tmp_path / "out")
    assert (tmp_path / "out" / "message.txt").read_bytes() == b"Bonjour"
    assert not (tmp_path / "never").exists()
    assert (CLERK, "open_file_key", "intended") in told(ministry)
    # A header for a reader's own key is had in the same way, and in no other.
    with bag.open("rb") as source:
        given = (Header.parse(source).encode(), source.read(PREFIX_BYTES))
    recipient = HybridKey.generate().recipient
    for number in (None, SECURITY):
        with pytest.raises(Refusal):
            asked(number).rewrap_header(*given, recipient)
    with pytest.raises(GrantMissing):
        custodian.rewrap_header(*given, recipient)
    made = decode(asked(CLERK).rewrap_header(*given, recipient))
    assert len(made["manifest"]) == 64
    assert (CLERK, "rewrap_header", "intended") in told(ministry)


def test_no_key_on_usb_is_said_so() -> None:
    with pytest.raises(Refused, match="SECURITY_KEY_ABSENT"):
        UsbKeys(Terminal("fr"), list)(Signer(CLERK, 4, 2, "x.cm", "https://x.cm", ()), b"")


def test_drafts_open_for_whoever_may_read_and_for_nobody_else(ministry: Ministry, at: At) -> None:
    body = seal_text("Objet\nTexte", ministry.custodian.card())
    clerk = at()

    assert clerk.unseal(body) == "Objet\nTexte"
    assert clerk.unseal(seal_text("Autre", ministry.custodian.card())) == "Autre"
    with pytest.raises(GrantMissing):
        at(None).unseal(body)
    with pytest.raises(Exception, match="may not grant to open"):
        at(SECURITY).unseal(body)


def test_who_is_not_on_the_roll_is_named(custodian: Custody) -> None:
    with pytest.raises(Refused, match="OFFICER_NOT_ON_ROLL"):
        signer_of(custodian, "OFF-999999")


def test_what_speaks_to_keys_on_usb_is_loaded_when_one_is_asked() -> None:
    """A tenth of a second for every command and every start of the service that asks none."""
    looked = "import sys, cipher_service.administration.running; sys.exit('fido2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", looked], check=False).returncode == 0
