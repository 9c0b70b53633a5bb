import pytest

from cipher_service.labels.scheme import UnknownLabel, default_scheme, read_scheme

SCHEME = """
policy = "X-1"
[papers]
bag = "A"
ceremony = "B"
[[level]]
code = "B"
rank = 2
fr = "b"
en = "b"
colour = "#000000"
[[level]]
code = "A"
rank = {rank}
fr = "a"
en = "a"
colour = "#a1300b"
[[precedence]]
code = "ROUTINE"
rank = 1
prosign = "R"
fr = "r"
en = "r"
colour = "{colour}"
minutes = 5
"""


@pytest.mark.parametrize("typed", ["TRES-SECRET", "tres-secret", "Très secret", " très_secret "])
def test_a_level_is_found_however_the_clerk_types_it(typed: str) -> None:
    assert default_scheme().level(typed).code == "TRES-SECRET"


def test_levels_and_precedences_are_ordered() -> None:
    scheme = default_scheme()
    assert [level.code for level in scheme.levels] == [
        "NON-PROTEGE",
        "DIFFUSION-RESTREINTE",
        "CONFIDENTIEL",
        "SECRET",
        "TRES-SECRET",
    ]
    assert [precedence.prosign for precedence in scheme.precedences] == ["R", "P", "O", "Z"]


def test_a_precedence_answers_to_its_prosign() -> None:
    assert default_scheme().precedence("z") == default_scheme().precedence("Flash")


def test_an_unknown_level_names_the_known_ones() -> None:
    with pytest.raises(UnknownLabel) as refusal:
        default_scheme().level("ULTRA")
    assert refusal.value.kind == "level"
    assert refusal.value.known[0] == "NON-PROTEGE"


def test_a_caveat_is_capitals_without_accents() -> None:
    assert default_scheme().caveat("Diffusion limitée") == "DIFFUSION LIMITEE"


@pytest.mark.parametrize("typed", ["", " ", "A_B", "A\nB", "X" * 41, "-A", "A;B"])
def test_a_strange_caveat_is_refused(typed: str) -> None:
    with pytest.raises(UnknownLabel):
        default_scheme().caveat(typed)


def test_a_ministry_may_bring_its_own_scheme() -> None:
    scheme = read_scheme(SCHEME.format(rank=1, colour="#123abc"))
    assert [level.code for level in scheme.levels] == ["A", "B"]
    assert {paper: level.code for paper, level in scheme.papers.items()} == {
        "bag": "A",
        "ceremony": "B",
    }


def test_white_letters_can_be_read_on_every_colour_of_the_scheme() -> None:
    scheme = default_scheme()
    for colour in [each.colour for group in (scheme.levels, scheme.precedences) for each in group]:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
        )
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        assert 1.05 / (luminance + 0.05) >= 4.5, colour


@pytest.mark.parametrize(
    "text",
    [
        SCHEME.format(rank=2, colour="#123abc"),
        SCHEME.format(rank=1, colour="red}body{"),
        SCHEME.format(rank=1, colour="#123ABC"),
        SCHEME.format(rank=1, colour="#123abc").replace('bag = "A"', 'bag = "C"'),
        "policy = 'X'",
        "level = 3",
        "[[",
        "policy = 1\nlevel = [1]",
    ],
)
def test_a_broken_scheme_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_scheme(text)
