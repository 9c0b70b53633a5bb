"""Exercises: bags that look like bags, some of them wrong, to measure how well a post checks.

A seal is worth what the people do who look at it: protocol and training decide (Johnston). A
drill puts stations before them: a label, the bordereau as it lay in the bag, and a sheet that says
what there is to see. Some stations hold one defect each of those that a verdict or a receipt knows;
the seed draws which. The same seed, numbers and day make the same drill.

A drill's bags are sealed by keys that follow from the seed, for the post EXERCICE, which no
ministry has (`keys.records.is_exercise`): whoever trusts a ministry's cards trusts nothing here.

    drill = make_drill("a long word", bags=10, defects=4, at=day)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from keys.age.hybrid import HybridKey
from keys.cards import Card, issue_card
from keys.records import EXERCISE
from keys.signing import SigningKey
from pouch.bordereau import digest
from pouch.defects import KINDS, Defect
from pouch.drill_bags import Draw, Found, found_at, manifest_of
from pouch.errors import DrillImpossible
from pouch.manifest import Manifest
from pouch.pack import Announced, Arrival, Pack, make_pack
from pouch.seal import Seal, claims_of, kid_of, make_seal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keys.signing import VerifyingKey

# Letters, digits and what stands between words: typed again, it is the same.
SEED: Final = re.compile(r"[\w .,'-]{8,64}")
BAGS_MAX: Final = 60
ELSEWHERE: Final = f"{EXERCISE}-AUTRE"
LASTS: Final = timedelta(days=40)
"""How long the stations of a drill can be held: what announces them ends then."""


@dataclass(frozen=True, slots=True)
class Station:
    """One bag of a drill.

    Attributes:
        number: from 1.
        inside: the manifest whose bordereau lies in the bag.
        nonce: the secret on that bordereau; None where it is cut out.
        outside: the manifest as the label shows it.
        text: of the label's symbol.
        found: what there is to see.
        defect: what is wrong; None where nothing is.
    """

    number: int
    inside: Manifest
    nonce: str | None
    outside: Manifest
    text: str
    found: Found
    defect: Defect | None


@dataclass(frozen=True, slots=True)
class Drill:
    """A whole exercise.

    Attributes:
        seed: it follows from this; whoever knows it knows the solution.
        at: its day.
        card: of who sealed, to be trusted for the drill alone.
        root: of the drill's pack.
        pack: what the post knows of its bags.
        stations: in their order.
    """

    seed: str
    at: datetime
    card: Card
    root: VerifyingKey
    pack: bytes
    stations: tuple[Station, ...]


def make_drill(seed: str, *, bags: int, defects: int, at: datetime) -> Drill:
    """Draws a drill.

    Args:
        seed: `SEED`.
        bags: how many stations, 1 to 60.
        defects: how many of them are wrong.
        at: the day, UTC, whole seconds; the stations serve `LASTS` from then on.

    Raises:
        DrillImpossible: a number is out of range.
    """
    if not SEED.fullmatch(seed) or not 1 <= bags <= BAGS_MAX or not 0 <= defects <= bags:
        raise DrillImpossible(f"{defects} of {bags} bags, a seed of {len(seed)} characters")
    draw = Draw(seed)
    keys = {name: _Keys(draw, name, at) for name in ("sealer", "witness", "stranger", "root")}
    wrong = _assign(draw, bags, defects)
    stations = [
        _station(draw, keys, number, wrong.get(number), at) for number in range(1, bags + 1)
    ]
    _swap(stations)
    return Drill(
        seed=seed,
        at=at,
        card=keys["sealer"].card,
        root=keys["root"].signing.verifying_key,
        pack=make_pack(_known(keys, stations, at), sign=keys["root"].signing.sign),
        stations=tuple(stations),
    )


class _Keys:
    """Keys that follow from the seed, and their card."""

    def __init__(self, draw: Draw, name: str, at: datetime) -> None:
        seeds = [draw.octets("key", name, half) for half in ("ed25519", "mldsa65", "age")]
        self.signing = SigningKey(seeds[0], seeds[1])
        self.card = issue_card(
            self.signing,
            HybridKey(seeds[2]).recipient,
            post=EXERCISE,
            edition=1,
            valid_from=at - timedelta(days=90),
            valid_until=at + timedelta(days=90),
        )


def _assign(draw: Draw, bags: int, defects: int) -> dict[int, Defect]:
    """Gives each wrong station its defect: every kind once before any comes twice."""
    places = draw.shuffled(range(1, bags + 1), "places")[:defects]
    kinds: list[Defect] = []
    turn = 0
    while len(kinds) < defects:
        for kind in draw.shuffled(list(KINDS), "kinds", turn):
            # Labels are swapped between two bags, and both are wrong.
            needs = 2 if kind is Defect.SWAPPED else 1
            if len(kinds) + needs <= defects:
                kinds += [kind] * needs
        turn += 1
    return dict(zip(places, kinds, strict=True))


def _station(
    draw: Draw, keys: dict[str, _Keys], number: int, defect: Defect | None, at: datetime
) -> Station:
    closed = at - timedelta(hours=6 + draw.below(30, "closed", number))
    if defect is Defect.EXPIRED:
        closed -= timedelta(days=50)
    nonce = draw.octets("nonce", number, count=16)
    inside = manifest_of(draw, number, closed, sha256(nonce).hexdigest())
    sealer = keys["stranger" if defect is Defect.FOREIGN else "sealer"]
    said = claims_of(inside, kid_of(keys["witness"].card))
    seal = make_seal(said, card=sealer.card, sign=sealer.signing.sign_cose)
    found = found_at(draw, number, inside, defect, at)
    outside = inside
    if defect is Defect.EDITED:
        # Who put other seals on the bag wrote their numbers into the symbol.
        edited = replace(said, seals=found.seals)
        message = replace(seal.message, payload=edited.encode())
        seal = Seal(message, edited, None)
        outside = replace(inside, seals=found.seals)
    secret = None if defect is Defect.CODE_ABSENT else nonce.hex()
    return Station(number, inside, secret, outside, seal.text, found, defect)


def _swap(stations: list[Station]) -> None:
    """Hangs the labels of each two swapped bags on the other one."""
    swapped = [place for place, each in enumerate(stations) if each.defect is Defect.SWAPPED]
    for one, other in zip(swapped[::2], swapped[1::2], strict=True):
        first, second = stations[one], stations[other]
        stations[one] = replace(first, outside=second.outside, text=second.text)
        stations[other] = replace(second, outside=first.outside, text=first.text)


def _known(keys: dict[str, _Keys], stations: Sequence[Station], at: datetime) -> Pack:
    """Gives what the post knows of the bags: announced, revoked, received elsewhere."""

    def seals(defect: Defect) -> list[str]:
        return [each.inside.seal for each in stations if each.defect is defect]

    return Pack(
        version=1,
        issued=at,
        expires=at + LASTS,
        cards=(keys["sealer"].card, keys["witness"].card),
        announced=tuple(
            _announced(each.inside) for each in stations if each.defect is not Defect.UNANNOUNCED
        ),
        arrivals=tuple(
            Arrival(seal, ELSEWHERE, at - timedelta(hours=2)) for seal in seals(Defect.COPIED)
        ),
        revoked_seals=frozenset(seals(Defect.REVOKED)),
        revoked_cards=frozenset(),
        roots={},
    )


def _announced(inside: Manifest) -> Announced:
    return Announced(
        seal=inside.seal,
        bag=inside.bag,
        digest=digest(inside).hex(),
        seals=inside.seals,
        destination=inside.waybill.destination,
        packages=inside.waybill.packages,
        expires=inside.expires,
    )
