"""A page that a browser prints: its marking stands on the paper as on the screen."""

import pypdfium2
import pytest

from tests.console.conftest import Enter

DARK = 80  # of 255: the band's ground, and none of its letters


@pytest.mark.parametrize("path", ["/", "/valises"])
def test_the_marking_of_a_printed_page_stands_on_its_dark_band(path: str, enter: Enter) -> None:
    tab = enter("SECURITY-OFFICER")
    tab.goto(path)
    [first, *_] = pypdfium2.PdfDocument(tab.page.pdf(format="A4"))
    picture = first.render(scale=1).to_pil().convert("L")
    data, width = picture.tobytes(), picture.width
    rows = [data[at : at + width] for at in range(0, len(data), width)]
    darkest = max(sum(value < DARK for value in row) for row in rows)
    assert darkest > width * 0.6
