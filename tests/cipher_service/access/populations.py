"""People, things and circumstances by chance, close enough to the rules that both answers occur."""

import random
from datetime import UTC, datetime

from cipher_service.access.machines import Bag, Envelope, Exchange, Message, Post, Service
from cipher_service.access.shapes import shapes
from cipher_service.access.subjects import (
    Book,
    Circumstances,
    Dispatch,
    Entity,
    Key,
    Mandate,
    Person,
    Pouch,
    Principal,
    Setting,
)
from cipher_service.directory.roles import default_roles

ROLES = tuple(default_roles().roles)
POSTS = ("MINREX", "PARIS", "LOME")
PEOPLE = ("OFF-000001", "OFF-000002", "OFF-000003")
CAVEATS = ("NODIS", "EXDIS")
FILES = ("F1", "F2")
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_STAMP = int(NOW.timestamp())


class Chance:
    """Draws with one seed."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)

    def some(self, choices: tuple[str, ...], likely: float = 0.3) -> frozenset[str]:
        return frozenset(one for one in choices if self.draw.random() < likely)

    def often(self, likely: float) -> bool:
        return self.draw.random() < likely

    def functions(self) -> frozenset[str]:
        return frozenset(self.draw.sample(ROLES, self.draw.choice((1, 1, 1, 2, 3))))

    def mandate(self, number: int) -> Mandate:
        actions = frozenset(self.draw.sample(tuple(shapes().actions), 8))
        covered = actions if self.often(0.5) else frozenset()
        return Mandate(f"M-{number}", self.draw.choice(ROLES), covered, self.draw.randint(-1, 4))

    def principal(self) -> Principal:
        draw = self.draw
        return Principal(
            officer_id=draw.choice(PEOPLE),
            active=self.often(0.95),
            functions=self.functions(),
            post=draw.choice(POSTS),
            clearance=draw.choice((-1, 0, 1, 2, 3, 4, 4, 4)),
            caveats=self.some(CAVEATS, 0.7),
            habilitated_from=_STAMP + draw.choice((-10, -1, 0, -100, -100, 1)),
            habilitated_until=_STAMP + draw.choice((0, 1, 10, 100, 100, 100)),
            trained_until=_STAMP + draw.choice((0, 1, 10, 100, 100, 100)),
            need_dispatches=self.some(("D1", "D2"), 0.2),
            need_posts=self.some(POSTS, 0.2),
            need_files=self.some(FILES, 0.2),
            mandates=tuple(self.mandate(n) for n in range(draw.choice((0, 0, 0, 1, 2)))),
        )

    def dispatch(self, identifier: str) -> Dispatch:
        draw = self.draw
        return Dispatch(
            identifier=identifier,
            level=draw.randint(0, 4),
            caveats=self.some(CAVEATS, 0.2),
            releasable=self.some(POSTS, 0.5) if self.often(0.2) else frozenset(),
            origin=draw.choice(POSTS),
            addressees=self.some(POSTS, 0.4),
            author=draw.choice(("", *PEOPLE)),
            assigned=draw.choice(("", *PEOPLE)),
            file=draw.choice(("", *FILES)),
        )

    def resource(self, kind: str) -> Entity:
        draw = self.draw
        if kind == "Dispatch":
            return self.dispatch(draw.choice(("D1", "D2", "D3")))
        if kind == "Pouch":
            return Pouch(
                "P1",
                draw.randint(0, 4),
                self.some(CAVEATS, 0.2),
                draw.choice(POSTS),
                draw.choice(POSTS),
                draw.choice(PEOPLE),
                draw.choice(PEOPLE),
            )
        if kind == "Key":
            return Key("K1")
        if kind == "Person":
            return Person(draw.choice(PEOPLE), draw.choice(POSTS), draw.randint(-1, 4))
        return Book("B1") if kind == "Book" else self.carried(kind)

    def carried(self, kind: str) -> Entity:
        draw = self.draw
        if kind == "Envelope":
            return Envelope(
                draw.randint(0, 4),
                self.some(CAVEATS, 0.2),
                self.some(POSTS, 0.5) if self.often(0.2) else frozenset(),
                draw.choice(POSTS),
                self.some(POSTS, 0.4),
                self.some(POSTS, 0.4),
            )
        if kind == "Message":
            return Message(draw.choice(POSTS), draw.choice(POSTS))
        return Bag(draw.choice(POSTS), self.some(POSTS, 0.4)) if kind == "Bag" else Service("S1")

    def post(self) -> Post:
        code = self.draw.choice(POSTS)
        return Post(code, self.often(0.95), code == "MINREX")

    def asks(self, action: str) -> tuple[Entity, Setting]:
        """Give who may ask this at all, and the circumstances."""
        if shapes().principals[action] == "Post":
            return self.post(), Exchange()
        return self.principal(), self.circumstances()

    def circumstances(self) -> Circumstances:
        draw = self.draw
        return Circumstances(
            now=NOW,
            approver=draw.choice(("", *PEOPLE)),
            approver_functions=self.functions(),
            third=draw.choice(("", *PEOPLE)),
            third_functions=self.functions(),
            proposer=draw.choice(("", *PEOPLE)),
            new_level=draw.randint(0, 4),
            new_caveats=self.some(CAVEATS, 0.5),
            opened=self.often(0.8),
            break_glass=self.often(0.1),
        )
