"""Every officer of the sample as a plain client of the console, and what the policies say of each.

No browser: what a page shows is tried elsewhere; here only who is let in, and how who is not is
told so.
"""

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.decisions import decide
from cipher_service.access.shapes import shapes
from cipher_service.access.subjects import Circumstances, Principal, Resource
from cipher_service.administration.stage import Stage
from cipher_service.console.visit import SESSION
from cipher_service.identity.demonstration import Demonstration
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading

EACH_TIME = re.compile(
    r'nonce="[^"]*"|nonce-[\w-]+|data-session-[a-z]+="[^"]*"|\d{4}-\d\d-\d\dT[\d:.]+Z'
    r'|· [0-9a-f]{8}\b|"reference": ?"[0-9a-f]{8}"'
)
"""What differs from answer to answer, whatever it is about."""
_CODE = re.compile(r"\b([A-Z]+(?:_[A-Z]+)+)\b")
_MAY_NOT = {"NOT_ALLOWED", "NOT_FOUND"}
_AT_ONCE, _NO_SESSION = 6, 401
Form = Mapping[str, str] | Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Question:
    """One request: `form` is None for GET; `json` for what scripts post."""

    path: str
    form: Form | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """An answer: its status, the code of its refusal, and its words without what is each time."""

    status: int
    code: str
    where: str
    words: str

    @property
    def refused(self) -> bool:
        """Whether the officer was told that they may not, or that nothing is there."""
        return self.status == _NO_SESSION or self.code in _MAY_NOT

    def without(self, *named: str) -> "Told":
        """The same without what was asked for."""
        words, where = self.words, self.where
        for name in sorted(named, key=len, reverse=True):
            words, where = words.replace(name, "…"), where.replace(name, "…")
        return Told(self.status, self.code, where, words)


@dataclass
class Officers:
    """The sample's officers by function, each with an open session."""

    on: Stage
    cookies: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        there = Demonstration.of(self.on.settings)
        with httpx.Client(base_url=self.on.settings.console_origin, trust_env=False) as http:
            for one in there.people():
                if one.role not in self.numbers:
                    answer = http.get(f"/demonstration/{there.new_link(one.officer)}")
                    session = answer.cookies.get(SESSION)
                    http.cookies.clear()
                    if session is not None:
                        self.numbers[one.role] = one.officer
                        self.cookies[one.role] = session
        assert {one.role for one in there.people()} == self.numbers.keys()

    @property
    def roles(self) -> list[str]:
        return sorted(self.numbers)

    def ask(self, asked: Iterable[tuple[str | None, Question]]) -> list[Told]:
        """Ask as these functions (None: as nobody), several at one time; answers in that order.

        In a thread of its own: where a browser is driven, this one's event loop counts as running.
        """
        with ThreadPoolExecutor(1) as apart:
            return apart.submit(asyncio.run, self._ask(list(asked))).result()

    async def _ask(self, asked: list[tuple[str | None, Question]]) -> list[Told]:
        origin = self.on.settings.console_origin
        gate = asyncio.Semaphore(_AT_ONCE)
        async with httpx.AsyncClient(base_url=origin, timeout=120, trust_env=False) as http:

            async def one(role: str | None, question: Question) -> Told:
                headers = {"Accept": "text/html", "Accept-Language": "fr", "Origin": origin}
                if role is not None:
                    headers["Cookie"] = f"{SESSION}={self.cookies[role]}"
                method, body = "GET", None
                if question.form is not None:
                    method, body = "POST", urlencode(question.form)
                    headers["Content-Type"] = "application/x-www-form-urlencoded"
                async with gate:
                    answer = await http.request(
                        method, question.path, headers=headers, content=body
                    )
                return _read(answer)

            return await asyncio.gather(*(one(role, question) for role, question in asked))


def _read(answer: httpx.Response) -> Told:
    kind = answer.headers.get("content-type", "")
    words = EACH_TIME.sub("", answer.text) if "text" in kind or "json" in kind else ""
    found = _CODE.search(words) if answer.status_code >= 400 else None
    where = answer.headers.get("location", "")
    return Told(answer.status_code, found[1] if found else "", where, words)


@dataclass
class Policies:
    """What the policies in force say of the sample's officers at this moment."""

    officers: Officers
    gate: Gate = field(default_factory=Gate)
    principals: dict[str, Principal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        engine = open_existing(self.officers.on.settings.database)
        with reading(engine) as connection:
            self.gate.principals.look(connection)
            for role, number in self.officers.numbers.items():
                self.principals[role] = self.gate.principals.of(connection, number, clock.now())
        engine.dispose()

    def allow(self, role: str, action: str, thing: Resource, **facts: Any) -> bool:
        """Whether the officer of a function may do this to that now."""
        now = Circumstances(clock.now(), **facts)
        return decide(self.gate.policies, self.principals[role], action, thing, now).allowed

    def any(self, role: str, thing: Resource) -> bool:
        """Whether there is anything of the matrix that the officer may do to it."""
        actions = [name for name, kind in shapes().actions.items() if kind == thing.TYPE]
        return any(self.allow(role, action, thing) for action in actions)
