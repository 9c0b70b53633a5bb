import pytest

from cipher_service.labels.scheme import UnknownLabel, default_scheme, read_scheme

SCHEME = """
policy = "X-1"
[[level]]
code = "B"
rank = 2
fr = "b"
en = "b"
[[level]]
code = "A"
rank = {rank}
fr = "a"
en = "a"
[[precedence]]
code = "ROUTINE"
rank = 1
prosign = "R"
fr = "r"
en = "r"
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
    scheme = read_scheme(SCHEME.format(rank=1))
    assert [level.code for level in scheme.levels] == ["A", "B"]


@pytest.mark.parametrize(
    "text", [SCHEME.format(rank=2), "policy = 'X'", "level = 3", "[[", "policy = 1\nlevel = [1]"]
)
def test_a_broken_scheme_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read_scheme(text)
