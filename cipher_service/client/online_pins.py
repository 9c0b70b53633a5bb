"""What a post decided to believe: its ministry's service key, and the cards of its correspondents.

A pin is a human decision, made by comparing fingerprints over the telephone, and it lies in the
identity folder: `ministry.json` and `cards/`. Nothing here ever changes by itself but the service
key, where the ministry's root says which one follows (`online_service_keys`): any other one, or
another card for a known post, is refused by name until a person confirms it too. Cards that were
confirmed before stay, to read what was sealed under them.
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from cipher_service import clock
from cipher_service.client.durable import write_durably
from cipher_service.client.online_refusals import Distrusted, Unready
from keys import canonical
from keys.cards import Card, grouped, read_card
from keys.endorsement import read_introduction
from keys.errors import CardInvalid, Refusal
from keys.records import FINGERPRINT, POST, Record
from keys.signing import ED25519_PUBLIC_BYTES, MLDSA65_PUBLIC_BYTES, VerifyingKey
from keys.statements import key_fingerprint
from keys.succession import KeyLine

_MINISTRY: Final = "ministry.json"
_CARDS: Final = "cards"
_TYPE: Final = "chiffre ministry"
_EDITION: Final = 3
_SUCCESSIONS_MOST: Final = 64
_LINE: Final = re.compile(r"[^\x00-\x1f\x7f]{1,400}")
_PEM: Final = re.compile(r"[\x20-\x7e\r\n]{1,65536}")


@dataclass(frozen=True, slots=True)
class MinistryPin:
    """The ministry that this post answers to.

    Attributes:
        server: address of its API.
        issuer: the name under which it issues tokens.
        headquarters: post code of its own bureau.
        service_key: signs its receipts now.
        authority: its certificate authority, PEM; None for the system's.
        root: vouches for cards; None while it was never introduced by a card confirmed here.
        successions: how the service key followed the one that a person confirmed, each verified
            when it came; the oldest first.
    """

    server: str
    issuer: str
    headquarters: str
    service_key: VerifyingKey
    authority: str | None
    root: VerifyingKey | None = None
    successions: tuple[bytes, ...] = ()

    @property
    def receipt_keys(self) -> KeyLine:
        """Every key that its receipts may be signed by, with its end."""
        return KeyLine.told(self.service_key, self.successions)

    @property
    def fingerprint(self) -> str:
        """Fingerprint of the service key, hex."""
        return key_fingerprint(self.service_key)


class Pins:
    """The pins of one identity folder."""

    def __init__(self, identity: Path) -> None:
        self._identity = identity
        self._cards = identity / _CARDS

    @property
    def folder(self) -> Path:
        """The identity folder."""
        return self._identity

    # -- the ministry --------------------------------------------------------------------------

    def ministry(self) -> MinistryPin:
        """Return the pinned ministry.

        Raises:
            Unready: the post is not enrolled.
            Distrusted: the file was altered or is damaged.
        """
        pin = self.find_ministry()
        if pin is None:
            raise Unready("NOT_ENROLLED", folder=str(self._identity))
        return pin

    def find_ministry(self) -> MinistryPin | None:
        """Return the pinned ministry, None before enrolment. Raises Distrusted as `ministry`."""
        path = self._identity / _MINISTRY
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        try:
            return _read_ministry(data)
        except ValueError as error:
            raise Distrusted("PIN_DAMAGED", path=str(path)) from error

    def pin_ministry(self, pin: MinistryPin) -> None:
        """Believe this ministry from now on; the caller has a person's confirmation."""
        record = {
            "v": 3,
            "type": _TYPE,
            "server": pin.server,
            "issuer": pin.issuer,
            "headquarters": pin.headquarters,
            "service_key": {
                "ed25519": canonical.text_from_bytes(pin.service_key.ed25519),
                "mldsa65": canonical.text_from_bytes(pin.service_key.mldsa65),
                "fingerprint": pin.fingerprint,
            },
            "authority": pin.authority,
            "root": None
            if pin.root is None
            else {
                "ed25519": canonical.text_from_bytes(pin.root.ed25519),
                "mldsa65": canonical.text_from_bytes(pin.root.mldsa65),
            },
            "successions": [canonical.decode(each) for each in pin.successions],
            "pinned_at": clock.text(clock.now()),
        }
        text = json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
        write_durably(self._identity / _MINISTRY, text.encode())

    # -- cards ---------------------------------------------------------------------------------

    def cards(self, post: str) -> list[Card]:
        """Return every card ever confirmed for a post, the one in use first.

        Raises:
            Distrusted: a file there is not a card of that post any more.
        """
        return [self._read(path, post) for path in self.card_files(post)]

    def current(self, post: str) -> Card | None:
        """Return the card in use for a post, None when none was confirmed."""
        found = self.cards(post)
        return found[0] if found else None

    def card_files(self, post: str) -> list[Path]:
        """Return the files of a post's confirmed cards, the one in use first."""
        current = self._cards / f"{post}.card"
        if not current.exists():
            return []
        return [current, *sorted(self._cards.glob(f"{post}.superseded.*.card"))]

    def posts(self) -> list[str]:
        """Return the posts with a confirmed card, in alphabetical order."""
        return sorted(path.stem for path in self._cards.glob("*.card") if POST.fullmatch(path.stem))

    def find(self, fingerprint: str) -> Card | None:
        """Return the confirmed card of that fingerprint, whichever post's."""
        every = (card for post in self.posts() for card in self.cards(post))
        return next((card for card in every if card.fingerprint == fingerprint), None)

    def require_unchanged(self, card: Card) -> bool:
        """Tell whether a card that was offered is the one in use; False for an unknown post.

        Raises:
            Distrusted: the post is known by another card.
        """
        known = self.current(card.post)
        if known is None:
            return False
        if known.fingerprint != card.fingerprint:
            raise Distrusted(
                "CARD_CHANGED",
                post=card.post,
                known=grouped(known.fingerprint),
                offered=grouped(card.fingerprint),
            )
        return True

    def pin_card(self, card: Card) -> None:
        """Use this card for its post from now on; the caller has a person's confirmation."""
        self._cards.mkdir(mode=0o700, exist_ok=True)
        known = self.current(card.post)
        if known is not None and known.fingerprint != card.fingerprint:
            kept = self._cards / f"{card.post}.superseded.{known.fingerprint[:16]}.card"
            write_durably(kept, known.to_bytes())
        write_durably(self._cards / f"{card.post}.card", card.to_bytes())

    @staticmethod
    def _read(path: Path, post: str) -> Card:
        try:
            card = read_card(path.read_bytes())
        except CardInvalid as error:
            raise Distrusted("PIN_DAMAGED", path=str(path)) from error
        if card.post != post:
            raise Distrusted("PIN_DAMAGED", path=str(path))
        return card


@dataclass(frozen=True, slots=True)
class ServiceOffer:
    """What a server says of itself before anyone believes it: its own key and its bureau's card."""

    issuer: str
    headquarters: str
    card: Card
    service_key: VerifyingKey
    root: VerifyingKey | None

    @classmethod
    def of(
        cls,
        *,
        issuer: str,
        headquarters: str,
        card: bytes,
        key: dict[str, str],
        introduction: bytes | None,
    ) -> Self:
        """Read an offer.

        Raises:
            Distrusted: the parts do not belong together.
        """
        try:
            offered = read_card(card)
            service_key = VerifyingKey(
                canonical.bytes_from_text(key["ed25519"]), canonical.bytes_from_text(key["mldsa65"])
            )
            root = None if introduction is None else read_introduction(introduction, offered)
        except (Refusal, ValueError) as error:
            raise Distrusted("SERVICE_CARD_INVALID") from error
        if offered.post != headquarters or key["fingerprint"] != key_fingerprint(service_key):
            raise Distrusted("SERVICE_CARD_INVALID")
        return cls(issuer, headquarters, offered, service_key, root)


def _read_ministry(data: bytes) -> MinistryPin:
    value: Any = json.loads(data)
    record = Record(value, "ministry")
    # Version 1 knew no root, version 2 no other service key; what they pinned goes on.
    edition = record.integer("v", least=1)
    if edition > _EDITION:
        raise ValueError("the file is of a later edition of this program")
    root = record.optional_record("root") if edition > 1 else None
    successions = record.items("successions", most=_SUCCESSIONS_MOST) if edition == _EDITION else ()
    record.constant("type", _TYPE)
    record.time("pinned_at")
    key = record.record("service_key")
    service_key = VerifyingKey(
        key.octets("ed25519", ED25519_PUBLIC_BYTES), key.octets("mldsa65", MLDSA65_PUBLIC_BYTES)
    )
    if key.text("fingerprint", FINGERPRINT) != key_fingerprint(service_key):
        raise ValueError("the service key is not the one that its fingerprint names")
    key.close()
    pin = MinistryPin(
        server=record.text("server", _LINE),
        issuer=record.text("issuer", _LINE),
        headquarters=record.text("headquarters", POST),
        service_key=service_key,
        authority=record.optional_text("authority", _PEM),
        root=None if root is None else _read_root(root),
        successions=tuple(canonical.encode(each) for each in successions),
    )
    record.close()
    if key_fingerprint(pin.receipt_keys.current) != pin.fingerprint:
        raise ValueError("the successions do not lead to the service key")
    return pin


def _read_root(record: Record) -> VerifyingKey:
    root = VerifyingKey(
        record.octets("ed25519", ED25519_PUBLIC_BYTES),
        record.octets("mldsa65", MLDSA65_PUBLIC_BYTES),
    )
    record.close()
    return root
