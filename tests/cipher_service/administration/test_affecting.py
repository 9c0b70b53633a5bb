"""Which versions an advisory is about: the evaluation of the OSV schema, on both orders."""

import pytest

from cipher_service.administration.advisories import Affected, Component, Range
from cipher_service.administration.affecting import Verdict, judge, later


def _verdict(version: str, *lines: Range, ecosystem: str = "PyPI", versions: str = "") -> Verdict:
    about = Affected(ecosystem, "part", tuple(versions.split()), lines)
    return judge(Component(ecosystem, "part", version), about)


def _line(*events: str, kind: str = "ECOSYSTEM") -> Range:
    """A range written as `introduced=0 fixed=2.0`."""
    return Range(kind, tuple((name, told) for name, _, told in (e.partition("=") for e in events)))


FIXED = _line("introduced=0", "fixed=2.0")
TWICE = _line("introduced=3.0.0", "fixed=3.2.5", "introduced=1.0.0", "fixed=1.0.2")
LAST = _line("introduced=1.0", "last_affected=2.1.214")
ONE = _line("introduced=1.5", "last_affected=1.5")
LIMITED = _line("introduced=1.0", "limit=2.0", "limit=1.5")


@pytest.mark.parametrize(
    ("version", "line", "fixed"),
    [
        ("1.9.99", FIXED, "2.0"),
        ("2.0rc1", FIXED, "2.0"),
        ("1!1.0", _line("introduced=0", "fixed=1!2.0"), "1!2.0"),
        ("0.0.dev1", FIXED, "2.0"),
        ("1.0.1", TWICE, "1.0.2"),
        ("3.2.4.post1", TWICE, "3.2.5"),
        ("2.1.214", LAST, ""),
        ("1.5", ONE, ""),
        ("1.9", LIMITED, ""),
        ("9", _line("introduced=0", "limit=*"), ""),
        ("10.0", _line("introduced=9.1"), ""),
    ],
)
def test_a_version_within_is_concerned(version: str, line: Range, fixed: str) -> None:
    assert _verdict(version, line) == Verdict(concerned=True, certain=True, fixed=fixed)


@pytest.mark.parametrize(
    ("version", "line"),
    [
        ("2.0", FIXED),
        ("2.0.post1", FIXED),
        ("2", FIXED),
        ("1!0.1", FIXED),
        ("0.9", TWICE),
        ("1.0.2", TWICE),
        ("2.9", TWICE),
        ("10.0", TWICE),
        ("2.1.215", LAST),
        ("1.6", ONE),
        ("1.4", ONE),
        ("2.0", LIMITED),
        ("9.0", _line("introduced=9.1")),
    ],
)
def test_a_version_outside_is_not(version: str, line: Range) -> None:
    assert _verdict(version, line) == Verdict(concerned=False)


def test_a_version_that_is_listed_is_concerned_however_it_is_written() -> None:
    assert _verdict("1.0", versions="0.9 1.0.0").concerned
    assert _verdict("1.0", FIXED, versions="1.0") == Verdict(concerned=True, fixed="2.0")
    assert not _verdict("1.0.1", versions="0.9 1.0.0").concerned
    assert _verdict("of-our-own", versions="of-our-own").certain


SEMANTIC = (
    *("1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2"),
    *("1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0"),
)
"""Section 11 of Semantic Versioning 2.0, in its own order, and numbers that are no texts."""


def test_versions_of_npm_are_ordered_semantically() -> None:
    for place, version in enumerate(SEMANTIC):
        for other, fixed in enumerate(SEMANTIC):
            line = _line("introduced=0", f"fixed={fixed}", kind="SEMVER")
            assert _verdict(version, line, ecosystem="npm").concerned is (place < other)
    build = _line("introduced=0", "fixed=1.0.0+20260101", kind="SEMVER")
    assert not _verdict("1.0.0", build, ecosystem="npm").concerned


@pytest.mark.parametrize(
    ("version", "about"),
    [
        ("of-our-own", [FIXED]),
        ("1.0", [_line("introduced=0", "fixed=next-tuesday")]),
        ("1.0", [_line("introduced=0", "limit=next-tuesday")]),
        ("1.0", [_line("introduced=e63b18a4", "fixed=02cbfa77", kind="GIT")]),
        ("1.0", []),
    ],
)
def test_what_cannot_be_told_is_held_to_concern_us(version: str, about: list[Range]) -> None:
    assert _verdict(version, *about) == Verdict(concerned=True, certain=False)
    assert _verdict("1.0", FIXED, ecosystem="npm") == Verdict(concerned=True, certain=False)


def test_commits_beside_versions_change_nothing() -> None:
    commits = _line("introduced=e63b18a4", kind="GIT")
    assert not _verdict("2.0", commits, FIXED).concerned
    assert not _verdict("2.0", commits, versions="1.0").concerned


def test_of_two_versions_that_repair_the_later_one_repairs_both() -> None:
    assert later("PyPI", "9.0", "10.0") == "10.0"
    assert later("npm", "1.0.0-beta.11", "1.0.0-beta.2") == "1.0.0-beta.11"
    assert later("PyPI", "9.0", "") == ""
