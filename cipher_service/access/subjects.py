"""Who asks, for what and in which circumstances, as the policies see them (`schema.cedarschema`).

Each value writes itself as the attributes of one Cedar entity, or of the context. Texts that do not
apply are empty; instants are seconds since 1970.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar, Protocol

NOBODY = -1
"""The level of who has no habilitation: below every label."""

_EMPTY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Mandate:
    """A function exercised in another's name.

    Attributes:
        mandate_id: what the record of an act names.
        function: the only function held while acting under it.
        actions: the actions that it covers; empty for all of the function's.
        level: the highest rank that it covers.
    """

    mandate_id: str
    function: str
    actions: frozenset[str]
    level: int


@dataclass(frozen=True, slots=True)
class Principal:
    """A person as a decision sees them at one moment.

    Attributes:
        officer_id: the person, whatever the function.
        active: neither frozen nor gone.
        functions: codes of the functions held now.
        post: where the person serves.
        clearance: rank of the habilitation in force, `NOBODY` without.
        caveats: of that habilitation.
        habilitated_from: its start.
        habilitated_until: its end.
        trained_until: when the training lapses.
        need_dispatches: ids of dispatches that the person needs to know.
        need_posts: codes of posts whose dispatches the person needs to know.
        need_files: files that the person needs to know.
        mandates: what the person may do in another's name.
    """

    TYPE: ClassVar[str] = "Officer"
    officer_id: str
    active: bool
    functions: frozenset[str]
    post: str
    clearance: int = NOBODY
    caveats: frozenset[str] = _EMPTY
    habilitated_from: int = 0
    habilitated_until: int = 0
    trained_until: int = 0
    need_dispatches: frozenset[str] = _EMPTY
    need_posts: frozenset[str] = _EMPTY
    need_files: frozenset[str] = _EMPTY
    mandates: tuple[Mandate, ...] = ()

    @property
    def identifier(self) -> str:
        """The person's number."""
        return self.officer_id

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity `Officer`."""
        return {
            "id": self.officer_id,
            "active": self.active,
            "functions": sorted(self.functions),
            "post": self.post,
            "clearance": self.clearance,
            "caveats": sorted(self.caveats),
            "habilitatedFrom": self.habilitated_from,
            "habilitatedUntil": self.habilitated_until,
            "trainedUntil": self.trained_until,
            "needDispatches": sorted(self.need_dispatches),
            "needPosts": sorted(self.need_posts),
            "needFiles": sorted(self.need_files),
        }

    def under(self, mandate: Mandate) -> "Principal":
        """Return the same person holding only what a mandate gives."""
        return replace(self, functions=frozenset({mandate.function}), mandates=())


@dataclass(frozen=True, slots=True)
class Dispatch:
    """A dispatch as far as access is concerned; nothing of its contents."""

    TYPE: ClassVar[str] = "Dispatch"
    identifier: str
    level: int
    caveats: frozenset[str] = _EMPTY
    releasable: frozenset[str] = _EMPTY
    origin: str = ""
    addressees: frozenset[str] = _EMPTY
    author: str = ""
    assigned: str = ""
    file: str = ""

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {
            "id": self.identifier,
            "level": self.level,
            "caveats": sorted(self.caveats),
            "releasable": sorted(self.releasable),
            "origin": self.origin,
            "addressees": sorted(self.addressees),
            "author": self.author,
            "assigned": self.assigned,
            "file": self.file,
        }


@dataclass(frozen=True, slots=True)
class Pouch:
    """A bag: its label is the highest of what is in it."""

    TYPE: ClassVar[str] = "Pouch"
    identifier: str
    level: int
    caveats: frozenset[str] = _EMPTY
    origin: str = ""
    destination: str = ""
    courier: str = ""
    packer: str = ""

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {
            "id": self.identifier,
            "level": self.level,
            "caveats": sorted(self.caveats),
            "origin": self.origin,
            "destination": self.destination,
            "courier": self.courier,
            "packer": self.packer,
        }


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the custodian."""

    TYPE: ClassVar[str] = "Key"
    identifier: str

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {"id": self.identifier}


@dataclass(frozen=True, slots=True)
class Person:
    """Whom an act of authorisation is about; `level` is what would be granted."""

    TYPE: ClassVar[str] = "Person"
    identifier: str
    post: str
    level: int = NOBODY

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {"id": self.identifier, "post": self.post, "level": self.level}


@dataclass(frozen=True, slots=True)
class Book:
    """A register, the log, the policies."""

    TYPE: ClassVar[str] = "Book"
    identifier: str

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {"name": self.identifier}


def held_for(principal: Principal, level: int) -> frozenset[str]:
    """Return a person's functions, with those of mandates for every action up to this level."""
    held = {
        each.function for each in principal.mandates if not each.actions and each.level >= level
    }
    return principal.functions | held if principal.active else frozenset()


Resource = Dispatch | Pouch | Key | Person | Book


class Entity(Protocol):
    """Whatever the policies see by its type, its identifier and its attributes."""

    TYPE: ClassVar[str]

    @property
    def identifier(self) -> str:
        """Its name among its kind."""

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""


class Setting(Protocol):
    """In which circumstances."""

    def attributes(self, mandate: Mandate | None, /) -> dict[str, Any]:
        """Return the record of them, in the own name or under a mandate."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else a decision depends on.

    Attributes:
        now: the present.
        approver: the other person of an act of two; empty without.
        approver_functions: what the approver holds now.
        third: the third person of a ceremony.
        third_functions: what that person holds now.
        proposer: who proposed the authorisation that would be granted.
        new_level: rank of what would come out: a reply, a packed item, a lowered label.
        new_caveats: its caveats.
        opened: the person has opened the dispatch that would be released.
        break_glass: an emergency, to be reviewed by another person within 24 hours.
    """

    now: datetime
    approver: str = ""
    approver_functions: frozenset[str] = _EMPTY
    third: str = ""
    third_functions: frozenset[str] = _EMPTY
    proposer: str = ""
    new_level: int = 0
    new_caveats: frozenset[str] = field(default=_EMPTY)
    opened: bool = False
    break_glass: bool = False

    def attributes(self, mandate: Mandate | None) -> dict[str, Any]:
        """Return the record `Circumstances`."""
        return {
            "now": int(self.now.timestamp()),
            "approver": self.approver,
            "approverFunctions": sorted(self.approver_functions),
            "third": self.third,
            "thirdFunctions": sorted(self.third_functions),
            "proposer": self.proposer,
            "newLevel": self.new_level,
            "newCaveats": sorted(self.new_caveats),
            "opened": self.opened,
            "underMandate": mandate is not None,
            "mandateLevel": NOBODY if mandate is None else mandate.level,
            "breakGlass": self.break_glass,
        }
