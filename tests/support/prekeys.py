"""A bureau's one-time prekeys in tests: made, written under, read at a desk that keeps headers."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from keys import canonical
from keys.age.header import Header
from keys.custody import Bureau, Custodian
from keys.dispatch import Destination, decipher, encipher
from keys.manifest import Heading, Label, Series
from keys.prekeys import Prekey, read_bundle, read_offer
from tests.support.officers import whole_now

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ID = "01KAMV6R8P3ZDFWQ5XJ9T2C4EN"


@dataclass
class PrekeyDesk:
    """What a service keeps beside envelopes; shows a custodian each header with what was kept."""

    custodian: Custodian
    kept: dict[str, bytes]

    @property
    def fingerprints(self) -> frozenset[str]:
        return Bureau(self.custodian).fingerprints

    def open_file_key(self, header: Header, peek: Callable[[int], bytes]) -> bytes:
        behind = self.kept.get(header.stanzas[0].args[0], b"")
        return self.custodian.open_file_key(header.encode() + behind, peek(400_000))

    def keep(self) -> list[tuple[bytes, bytes]]:
        told = canonical.decode(self.custodian.kept_headers())
        pairs = []
        for each in told:
            made = canonical.bytes_from_text(each["header"])
            self.kept[Header.parse(io.BytesIO(made)).stanzas[0].args[0]] = made
            pairs.append((each["prekey"].encode(), made))
        return pairs

    def spend(self) -> int:
        pairs = self.keep()
        for pair in pairs:
            self.custodian.spend_prekey(*pair)
        return len(pairs)


def made_prekeys(custodian: Custodian, count: int = 1) -> list[Prekey]:
    data = custodian.make_prekeys(str(count).encode())
    bundle = read_bundle(data, custodian.card(), whole_now())
    return [read_offer(each, custodian.card(), whole_now()) for each in bundle.offers()]


def written_under(sender: Custodian, to: Custodian, prekey: Prekey, dispatch: str = ID) -> bytes:
    heading = Heading(dispatch, "telegram", Label("CMR", "SECRET"), NOON, NOON, subject="Visite")
    destination = Destination(to.card(), "FLASH", Series(202600, 1), prekey=prekey)
    sink = io.BytesIO()
    encipher(heading, [destination], b"Bonjour.\n", signer=Bureau(sender), sink=sink)
    return sink.getvalue()


def read_at(data: bytes, desk: PrekeyDesk, sender: Custodian, folder: Path) -> bytes:
    find = {sender.card().fingerprint: sender.card()}.get
    with decipher(io.BytesIO(data), opener=desk, find_sender=find, workspace=folder) as opened:
        return (opened.folder / "message.txt").read_bytes()


def header_of(data: bytes) -> Header:
    return Header.parse(io.BytesIO(data))


def arguments_of(data: bytes) -> tuple[bytes, bytes]:
    header = header_of(data).encode()
    return header, data[len(header) :]
