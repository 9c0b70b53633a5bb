"""Empty bags (sacs vides): where each lies, for how long, how often it travelled, may it travel.

A bag lives through many closings. Emptied, it waits at a post until it goes back on a bordereau of
its own (14 FAH-4 H-216, `empties_notice`); no manifest lists it. One that waits too long is asked
for (R11). A bag whose contents are disputed is neither stored away nor used again (H-250).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from keys.errors import Refusal

AGES: Final = (timedelta(days=30), timedelta(days=60), timedelta(days=90))


class BagNotReusable(Refusal):
    """The bag may not be used again now: disputed, worn out, or not empty."""

    code: ClassVar[str] = "BAG_NOT_REUSABLE"


@dataclass(frozen=True, slots=True)
class EmptyBag:
    """A bag without contents.

    Attributes:
        bag: 22 digits.
        place: code of the post where it lies.
        since: since when, aware, UTC.
        cycles: how often it was sealed.
        cycles_most: how often it may be; None for a bag without such a limit.
        disputed: whether a discrepancy about it is open.
        announced: its post gave notice that it is on its way home, and it is in time.
    """

    bag: str
    place: str
    since: datetime
    cycles: int
    cycles_most: int | None
    disputed: bool
    announced: bool = False


@dataclass(frozen=True, slots=True)
class Ageing:
    """The empty bags of one post by how long they have lain there.

    Attributes:
        place: code of the post.
        counts: how many lie up to 30, 60, 90 days, and longer; those on their way are no part.
        oldest: the bag that was emptied first; of several the lowest number.
        announced: how many are on their way home by the post's notice, and in time.
    """

    place: str
    counts: tuple[int, int, int, int]
    oldest: str
    announced: int = 0


def ageing(bags: Iterable[EmptyBag], now: datetime) -> tuple[Ageing, ...]:
    """Reports the empty bags of each post, sorted by post."""
    posts: dict[str, list[EmptyBag]] = {}
    for bag in bags:
        posts.setdefault(bag.place, []).append(bag)
    return tuple(_of_post(place, lying, now) for place, lying in sorted(posts.items()))


def require_reusable(bag: EmptyBag) -> None:
    """Demands that a bag may be made up again.

    Raises:
        BagNotReusable: a discrepancy about it is open, or it has travelled as often as it may.
    """
    if bag.disputed:
        raise BagNotReusable(f"a discrepancy about the bag {bag.bag} is open")
    if bag.cycles_most is not None and bag.cycles >= bag.cycles_most:
        raise BagNotReusable(f"the bag {bag.bag} has travelled {bag.cycles} times, as it may")


def _of_post(place: str, lying: Sequence[EmptyBag], now: datetime) -> Ageing:
    counts = [0] * (len(AGES) + 1)
    for bag in lying:
        if bag.announced:
            continue
        counts[sum(now - bag.since > age for age in AGES)] += 1
    announced = sum(bag.announced for bag in lying)
    oldest = min(lying, key=lambda bag: (bag.since, bag.bag))
    return Ageing(place, (counts[0], counts[1], counts[2], counts[3]), oldest.bag, announced)
