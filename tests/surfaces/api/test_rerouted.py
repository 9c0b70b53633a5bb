"""What the carrier demands of a rerouted envelope, which it cannot open."""

import io
from dataclasses import replace

import pytest

from cipher_service.api.envelopes import check_header
from keys.age.header import Stanza
from keys.dispatch import Destination, encipher
from keys.errors import AddresseesMismatch, LabelMismatch, Refusal, ReroutingInvalid
from keys.manifest import COPY, Series
from keys.package import REROUTING_TYPE
from keys.rewrapping import Rerouted, reroute
from keys.slip_agreement import SlipMismatch, slip_for, slip_for_rerouting
from keys.slips import Slip
from tests.vectors.forge import NOW, heading, identity, split

PARIS, MINREX, LOME = map(identity, ("PARIS", "MINREX", "LOME"))
CARRIED = "01KAMV6R8P3ZDFWQ5XJ9T2C4EZ"


def _made() -> Rerouted:
    sink = io.BytesIO()
    to = [
        Destination(MINREX.card, "ROUTINE", Series(202600, 1)),
        Destination(PARIS.card, "ROUTINE", None, COPY),
    ]
    encipher(heading(), to, b"Bonjour.\n", signer=PARIS, sink=sink)
    return reroute(
        io.BytesIO(sink.getvalue()),
        [Destination(LOME.card, "FLASH", Series(202600, 7))],
        opener=MINREX,
        signer=MINREX,
        find_sender={PARIS.card.fingerprint: PARIS.card}.get,
        created=NOW,
        reason="Pour suite.",
    )


MADE = _made()
SLIP = slip_for_rerouting(
    MADE.manifest, MADE.addendum, dispatch_id=CARRIED, envelope_sha256="ab" * 32, envelope_size=9
)


def test_an_envelope_travels_with_the_slip_of_its_last_addendum() -> None:
    check_header(SLIP, MADE.header)


@pytest.mark.parametrize(
    ("slip", "refusal"),
    [
        (
            replace(SLIP, addressees=(replace(SLIP.addressees[0], post="ADDIS"),)),
            AddresseesMismatch,
        ),
        (replace(SLIP, addressees=SLIP.addressees * 2), AddresseesMismatch),
        (replace(SLIP, origin="PARIS"), SlipMismatch),
        (replace(SLIP, origin_card=PARIS.card.fingerprint), SlipMismatch),
        (replace(SLIP, references=()), LabelMismatch),
        (replace(SLIP, references=(CARRIED,)), LabelMismatch),
        # Under the id of the dispatch inside it would take that dispatch's place.
        (replace(SLIP, dispatch_id=MADE.manifest.id), LabelMismatch),
        (slip_for(MADE.manifest, envelope_sha256="ab" * 32, envelope_size=9), AddresseesMismatch),
    ],
)
def test_a_slip_that_shows_something_else_is_refused(slip: Slip, refusal: type[Refusal]) -> None:
    with pytest.raises(refusal):
        check_header(slip, MADE.header)


def test_a_recipient_too_many_and_an_unreadable_act_are_refused() -> None:
    header, _ = split(MADE.header + bytes(64))
    one_more = replace(header, stanzas=(*header.stanzas, header.stanzas[-1]))
    with pytest.raises(AddresseesMismatch):
        check_header(SLIP, one_more.encode())
    spoilt = tuple(
        Stanza(REROUTING_TYPE, (), b"{}") if each.type == REROUTING_TYPE else each
        for each in header.stanzas
    )
    with pytest.raises(ReroutingInvalid):
        check_header(SLIP, replace(header, stanzas=spoilt).encode())
