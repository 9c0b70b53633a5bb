"""Pages of a register join without a gap or a double, whatever goes away between two of them."""

from dataclasses import dataclass

import pytest

from cipher_service.pouches.shares import PAGE, share


@dataclass(frozen=True)
class Line:
    place: str
    pressing: bool = False


def lines(many: int) -> list[Line]:
    """Out of order, every third one pressing."""
    made = [Line(f"{number:04d}", number % 3 == 0) for number in range(many)]
    return made[::-1]


@pytest.mark.parametrize("many", [0, 1, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 3 * PAGE + 1])
def test_pages_join_and_each_counts_the_whole(many: int) -> None:
    register, met, after = lines(many), list[Line](), ""
    while True:
        page = share(register, after)
        assert len(page.lines) <= PAGE
        assert (page.total, page.pressing) == (many, (many + 2) // 3)
        met += page.lines
        after = page.following
        if not after:
            break
    assert met == register[::-1]


def test_a_page_begins_behind_a_place_whose_line_is_gone() -> None:
    register = lines(PAGE + 5)
    first = share(register)
    left = [line for line in register if line.place != first.following]
    assert share(left, first.following).lines == share(register, first.following).lines
