"""What the policies see of posts' machines: who asks, and for what, of what the line carries.

    decided(policies, Post("PARIS"), "post-fetch", envelope)     # Decision(allowed=...)

A machine has no function, no mandate and no emergency: what it may do turns on its post alone, and
on nothing that changes by itself. So a decision here is a function of what it is about, without the
dispatch's name: it is taken once for all dispatches alike, and remembered.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import Connection

from cipher_service.access.decisions import Decision, decide
from cipher_service.access.deployed import in_force
from cipher_service.access.policies import Policies
from cipher_service.access.subjects import Mandate
from cipher_service.directory.register import Directory
from cipher_service.errors import ServiceError

SUBMIT, LIST, FETCH = "post-submit", "post-list", "post-fetch"
ACKNOWLEDGE, TRACE = "post-acknowledge", "post-trace"
SPEAK, HEAR = "post-speak", "post-hear"
SEE_BAG, MAKE_BAG, REPORT_BAG = "post-bag-see", "post-bag-make", "post-bag-report"
USE, COUNTER = "post-use", "post-counter"

_EMPTY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Post:
    """A post at its machine.

    Attributes:
        identifier: its code.
        active: in service, by the directory of this moment.
        headquarters: it is the ministry's own bureau.
    """

    TYPE: ClassVar[str] = "Post"
    identifier: str
    active: bool = True
    headquarters: bool = False

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {
            "code": self.identifier,
            "active": self.active,
            "headquarters": self.headquarters,
        }


@dataclass(frozen=True, slots=True)
class Envelope:
    """A dispatch as the line carries it.

    Attributes:
        level: its rank.
        caveats: on its label.
        releasable: the posts it may be shown at; empty for all.
        origin: who sent it.
        addressees: to whom, the sender's own copy aside.
        served: those of them to whom it goes over the line and not in a bag.
    """

    TYPE: ClassVar[str] = "Envelope"
    identifier: ClassVar[str] = "envelope"
    level: int
    caveats: frozenset[str] = _EMPTY
    releasable: frozenset[str] = _EMPTY
    origin: str = ""
    addressees: frozenset[str] = _EMPTY
    served: frozenset[str] = _EMPTY

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {
            "level": self.level,
            "caveats": sorted(self.caveats),
            "releasable": sorted(self.releasable),
            "origin": self.origin,
            "addressees": sorted(self.addressees),
            "served": sorted(self.served),
        }


@dataclass(frozen=True, slots=True)
class Message:
    """A service message between two bureaux."""

    TYPE: ClassVar[str] = "Message"
    identifier: ClassVar[str] = "message"
    origin: str
    addressee: str

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {"origin": self.origin, "addressee": self.addressee}


@dataclass(frozen=True, slots=True)
class Bag:
    """A closing of a bag: where it leaves from, and every place on its way."""

    TYPE: ClassVar[str] = "Bag"
    identifier: ClassVar[str] = "bag"
    origin: str
    places: frozenset[str]

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {"origin": self.origin, "places": sorted(self.places)}


@dataclass(frozen=True, slots=True)
class Service:
    """What the service offers to posts: the directory, the log, prekeys, packs, the counter."""

    TYPE: ClassVar[str] = "Service"
    identifier: str

    def attributes(self) -> dict[str, Any]:
        """Return the attributes of the entity."""
        return {"name": self.identifier}


@dataclass(frozen=True, slots=True)
class Exchange:
    """The circumstances of a machine's request: never those of an emergency."""

    def attributes(self, _mandate: Mandate | None) -> dict[str, Any]:
        """Return the record `Exchange`."""
        return {"breakGlass": False}


Thing = Envelope | Message | Bag | Service


def post_of(directory: Directory, code: str) -> Post:
    """Return a post as the policies see it now."""
    known = directory.posts.get(code)
    return Post(code, known is not None and known.state == "active", code == directory.headquarters)


@lru_cache(maxsize=8192)
def decided(policies: Policies, post: Post, action: str, thing: Thing) -> Decision:
    """Decide one request of a post; what was decided of the very same is remembered."""
    return decide(policies, post, action, thing, Exchange())


@dataclass(frozen=True, slots=True)
class Viewer:
    """A post that asks, and the policies in force at that moment."""

    policies: Policies
    post: Post

    def may(self, action: str, thing: Thing) -> bool:
        """Say whether the post may do this to that."""
        return decided(self.policies, self.post, action, thing).allowed

    def require(self, action: str, thing: Thing) -> Decision:
        """Let an act pass. Raises ServiceError NOT_ALLOWED."""
        decision = decided(self.policies, self.post, action, thing)
        if not decision.allowed:
            named = ", ".join(decision.policies) or "-"
            raise ServiceError(
                "NOT_ALLOWED", officer=self.post.identifier, action=action, policies=named
            )
        return decision

    def require_visible(self, action: str, thing: Thing) -> Decision:
        """Let a thing be seen; what may not be does not exist. Raises ServiceError NOT_FOUND."""
        decision = decided(self.policies, self.post, action, thing)
        if not decision.allowed:
            raise ServiceError("NOT_FOUND")
        return decision


def viewer_of(connection: Connection, directory: Directory, code: str) -> Viewer:
    """Return who asks, as this transaction has the directory and the policies."""
    return Viewer(in_force(connection), post_of(directory, code))
