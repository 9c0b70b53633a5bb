"""What a bag of keys carries is unusable until two have discharged it, and burnt by a breach."""

from itertools import product

import pytest

from pouch.cargo import COMPROMISED, IN_TRANSIT, USABLE, activation, standing


def test_keys_are_usable_only_after_two_discharged_intact_seals_without_a_breach() -> None:
    for discharged, intact, breached in product((False, True), repeat=3):
        found = standing(discharged_by_two=discharged, seals_as_sealed=intact, breached=breached)
        if breached:
            assert found == COMPROMISED
        else:
            assert (found == USABLE) == (discharged and intact)


@pytest.mark.parametrize(
    ("standings", "threshold", "found"),
    [
        ((USABLE, USABLE, IN_TRANSIT), 2, USABLE),
        ((USABLE, IN_TRANSIT, IN_TRANSIT), 2, IN_TRANSIT),
        ((USABLE, USABLE, COMPROMISED), 2, USABLE),
        ((USABLE, COMPROMISED, COMPROMISED), 2, COMPROMISED),
        ((USABLE, USABLE, COMPROMISED, COMPROMISED), 2, COMPROMISED),
        ((USABLE, COMPROMISED, IN_TRANSIT), 3, IN_TRANSIT),
    ],
)
def test_a_secret_split_over_bags_needs_its_threshold(
    standings: tuple[str, ...], threshold: int, found: str
) -> None:
    assert activation(standings, threshold) == found


@pytest.mark.parametrize(("shares", "threshold"), [(3, 1), (2, 3), (0, 2)])
def test_one_share_is_never_enough(shares: int, threshold: int) -> None:
    with pytest.raises(ValueError, match="two shares"):
        activation([USABLE] * shares, threshold)
