"""The organisation as a file says it: units of the ministry, their staff, posts and channels.

Pure: reads TOML into values and checks that they hold together.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from keys.records import is_exercise

_POST = re.compile(r"[A-Z0-9][A-Z0-9-]{1,15}")
_UNIT = re.compile(r"[A-Z0-9][A-Z0-9./-]{0,39}")
_MEDIUM = re.compile(r"[A-Z0-9][A-Z0-9 -]{0,39}")
_COUNTRY = re.compile(r"[A-Z]{2}")
KINDS_OF_POST = ("headquarters", "embassy", "mission", "consulate")


class OrganisationInvalid(ValueError):
    """The file is not an organisation; the text says what is wrong."""


@dataclass(frozen=True, slots=True)
class Staff:
    """A function of a unit and how many hold it."""

    function: str
    name_fr: str
    name_en: str
    headcount: int


@dataclass(frozen=True, slots=True)
class Unit:
    """A service or bureau of the ministry, with the article of the decree that makes it."""

    code: str
    parent: str | None
    article: int
    kind: str
    name_fr: str
    name_en: str
    staff: tuple[Staff, ...] = ()


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach a post, and the highest level that it may carry."""

    medium: str
    level: str


@dataclass(frozen=True, slots=True)
class Post:
    """A post as it is declared: who it is, before any card.

    Attributes:
        code: `^[A-Z0-9][A-Z0-9-]{1,15}$`.
        kind: one of `KINDS_OF_POST`.
        name_fr: its name in French.
        name_en: its name in English.
        city: where it is.
        country: ISO 3166-1 alpha-2.
        channels: the first is tried first.

    Raises:
        OrganisationInvalid: a member does not have its form.
    """

    code: str
    kind: str
    name_fr: str
    name_en: str
    city: str
    country: str
    channels: tuple[Channel, ...] = ()

    def __post_init__(self) -> None:
        _demand(_POST.fullmatch(self.code), f"post {self.code!r}: not a post code")
        _demand(not is_exercise(self.code), f"post {self.code}: a code of exercises with bags")
        _demand(self.kind in KINDS_OF_POST, f"post {self.code}: kind {self.kind!r}")
        _demand(_COUNTRY.fullmatch(self.country), f"post {self.code}: country {self.country!r}")
        _demand(self.name_fr and self.name_en and self.city, f"post {self.code}: a name is empty")
        mediums = [channel.medium for channel in self.channels]
        _demand(len(set(mediums)) == len(mediums), f"post {self.code}: a channel twice")
        for medium in mediums:
            _demand(_MEDIUM.fullmatch(medium), f"post {self.code}: channel {medium!r}")


@dataclass(frozen=True, slots=True)
class Organisation:
    """A ministry: its name, the post code of its headquarters, its units in order, its posts."""

    name_fr: str
    name_en: str
    headquarters: str
    units: tuple[Unit, ...]
    posts: tuple[Post, ...]


def read_organisation(text: str) -> Organisation:
    """Read an organisation from TOML.

    Raises:
        OrganisationInvalid: not TOML, a member is missing, unknown or malformed, a code repeats, a
            unit comes before its parent, or the headquarters is not among the posts.
    """
    try:
        data = tomllib.loads(text)
        organisation = Organisation(
            name_fr=_line(data, "name_fr"),
            name_en=_line(data, "name_en"),
            headquarters=_line(data, "headquarters"),
            units=tuple(_unit(entry) for entry in data["unit"]),
            posts=tuple(_post(entry) for entry in data["post"]),
        )
    except (KeyError, TypeError, tomllib.TOMLDecodeError) as error:
        raise OrganisationInvalid(f"not an organisation: {error}") from error
    _check(organisation)
    return organisation


def default_organisation() -> Organisation:
    """Return the ministry of the decree, as shipped."""
    file = files("cipher_service.directory").joinpath("data/minrex.toml")
    return read_organisation(file.read_text("utf-8"))


def _unit(entry: Mapping[str, Any]) -> Unit:
    members = {"parent": None, **entry}
    members["staff"] = tuple(Staff(**staff) for staff in entry.get("staff", ()))
    unit = Unit(**members)
    _demand(_UNIT.fullmatch(unit.code), f"unit {unit.code!r}: not a code")
    _demand(type(unit.article) is int, f"unit {unit.code}: its article is a number")
    for staff in unit.staff:
        _demand(
            type(staff.headcount) is int and staff.headcount >= 1,
            f"unit {unit.code}: headcount of {staff.function}",
        )
    return unit


def _post(entry: Mapping[str, Any]) -> Post:
    channels = tuple(Channel(**channel) for channel in entry.get("channels", ()))
    return Post(**{**entry, "channels": channels})


def _check(organisation: Organisation) -> None:
    known: set[str] = set()
    for unit in organisation.units:
        _demand(unit.code not in known, f"unit {unit.code}: twice")
        _demand(unit.parent is None or unit.parent in known, f"unit {unit.code}: unknown parent")
        known.add(unit.code)
    posts = {post.code: post for post in organisation.posts}
    _demand(len(posts) == len(organisation.posts), "a post is there twice")
    seats = [post.code for post in organisation.posts if post.kind == "headquarters"]
    _demand(seats == [organisation.headquarters], "one post is the headquarters, and named so")


def _line(data: Mapping[str, Any], name: str) -> str:
    value = data[name]
    _demand(isinstance(value, str) and value, f"{name}: a text is wanted")
    return str(value)


def _demand(held: object, otherwise: str) -> None:
    if not held:
        raise OrganisationInvalid(otherwise)
