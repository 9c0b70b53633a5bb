"""One request of a browser: who asks, in which language, and how it is answered.

async def inbox(visit: Visit) -> Response:
lines = await visit.read(lambda connection, gate: tray(connection, gate, visit.person))
return visit.page("depeches/inbox.html", lines=lines)

async def acknowledge(visit: Visit) -> Response:
form = await visit.form("dispatch_id")
await visit.act("dispatch_acknowledge", {"dispatch_id": form["dispatch_id"]})
return visit.go("/depeches/")
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from gettext import NullTranslations
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from cipher_service.access.acts import Gate
from cipher_service.access.decisions import Decision, decide
from cipher_service.access.subjects import Circumstances, Principal, Resource
from cipher_service.console.language import Language, translations
from cipher_service.console.office import Office
from cipher_service.directory.officers import Officer
from cipher_service.errors import ServiceError

if TYPE_CHECKING:
    from cipher_service.console.flow import Flow
    from cipher_service.console.rendering import Renderer

SESSION: Final = "__Host-session"
LANGUAGE: Final = "__Host-langue"
_FIELDS_MOST: Final = 400
_SEE_OTHER: Final = 303

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Person:
    """The signed-in officer.

    Attributes:
        token: the cookie's value; goes to the registrar with each act and nowhere else.
        credential_id: the security key that opened the session, lower-case hex.
        officer: as recorded.
        principal: as decisions see them at this moment.
        opened: when the session was opened.
        ends: when it ends without another request.
        language: in which the officer is spoken to; None until it is chosen.
        last: when it ends whatever happens.
    """

    token: str
    credential_id: str
    officer: Officer
    principal: Principal
    opened: datetime
    ends: datetime
    language: str | None
    last: datetime

    @property
    def number(self) -> str:
        """The officer's number."""
        return self.officer.officer_id

    @property
    def post(self) -> str:
        """The post where the officer serves."""
        return self.officer.identity.post


def require_chosen(form: Mapping[str, str], *names: str) -> None:
    """Demand that somebody chose in lists where nothing is chosen beforehand.

    Where a wrong click gives rights, nobody is led to the first of a list.

    Raises:
        ServiceError: CHOICE_MISSING.
    """
    if not all(form[name] for name in names):
        raise ServiceError("CHOICE_MISSING")


class Visit:
    """A request and what its answer needs.

    Attributes:
        office: this process's ways to the ministry.
        request: as it came.
        language: of the answer.
        now: the present, one for the whole request.
        nonce: of the answer's policy.
    """

    def __init__(
        self,
        office: Office,
        renderer: "Renderer",
        request: Request,
        language: Language,
        now: datetime,
        person: Person | None,
    ) -> None:
        self.office = office
        self.request = request
        self.language = language
        self.now = now
        self.nonce: str = request.scope["nonce"]
        self._renderer = renderer
        self._person = person

    @property
    def signed_in(self) -> bool:
        """Whether an officer is signed in."""
        return self._person is not None

    @property
    def person(self) -> Person:
        """The signed-in officer. Raises ServiceError SESSION_ENDED."""
        if self._person is None:
            raise ServiceError("SESSION_ENDED")
        return self._person

    @property
    def translations(self) -> NullTranslations:
        """What translates into the visit's language."""
        return translations(self.language)

    def say(self, msgid: str, **facts: object) -> str:
        """Return a sentence in the visit's language, `%(fact)s` filled in."""
        said = self.translations.gettext(msgid)
        return said % facts if facts else said

    @property
    def flows(self) -> "tuple[Flow, ...]":
        """Every flow of the console."""
        return self._renderer.flows

    # -- reading and deciding ------------------------------------------------------------------

    async def read(self, question: Callable[[Connection, Gate], Result]) -> Result:
        """Ask the books something at one moment, in a thread."""
        return await self.office.read(question)

    def decides(self, gate: Gate, action: str, resource: Resource, **facts: Any) -> Decision:
        """Decide, inside a `read`, whether the officer may do this to that now.

        Args:
            gate: what decides, as `read` gives it.
            action: of the matrix.
            resource: on what.
            facts: more members of `Circumstances`.
        """
        context = Circumstances(self.now, **facts)
        return decide(gate.policies, self.person.principal, action, resource, context)

    def demand(self, gate: Gate, action: str, resource: Resource, **facts: Any) -> Decision:
        """Decide, and refuse. Raises ServiceError NOT_ALLOWED with the policies that say no."""
        decision = self.decides(gate, action, resource, **facts)
        if not decision.allowed:
            reasons = ", ".join(decision.policies) or "-"
            raise ServiceError(
                "NOT_ALLOWED", officer=self.person.number, action=action, policies=reasons
            )
        return decision

    # -- acting --------------------------------------------------------------------------------

    async def act(self, command: str, payload: Any = None) -> Any:
        """Have the registrar do something for the signed-in officer.

        Raises:
            ServiceError: SESSION_ENDED, the act's refusal, BUSY, UNAVAILABLE.
        """
        person = self.person
        message = {"officer": person.number, "session": person.token, "act": payload}
        return await self.office.ask(command, message)

    async def form(self, *names: str, optional: tuple[str, ...] = ()) -> dict[str, str]:
        """Return the fields of a form, each at most once.

        Raises:
            ServiceError: FORM_REFUSED: another field, one twice, one missing, or no form.
        """
        fields = await self.fields()
        form = dict(fields)
        if len(form) != len(fields) or not set(form) <= {*names, *optional}:
            raise ServiceError("FORM_REFUSED")
        if not set(names) <= set(form):
            raise ServiceError("FORM_REFUSED")
        return form

    async def fields(self) -> list[tuple[str, str]]:
        """Return the fields of a form in their order, repeated ones too. Raises FORM_REFUSED."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            raise ServiceError("FORM_REFUSED")
        body = await self.request.body()
        try:
            return parse_qsl(
                body.decode("ascii"),
                keep_blank_values=True,
                errors="strict",
                max_num_fields=_FIELDS_MOST,
            )
        except ValueError as error:
            raise ServiceError("FORM_REFUSED") from error

    async def json(self) -> dict[str, Any]:
        """Return the object that a script of ours posted. Raises ServiceError FORM_REFUSED."""
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ServiceError("FORM_REFUSED")
        try:
            value = json.loads((await self.request.body()).decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise ServiceError("FORM_REFUSED") from error
        if not isinstance(value, dict):
            raise ServiceError("FORM_REFUSED")
        return value

    def with_language(self, language: Language) -> str:
        """Return the address of this page in a language."""
        kept = [
            (name, value) for name, value in self.request.query_params.items() if name != "lang"
        ]
        return f"{self.request.scope['path']}?{urlencode([*kept, ('lang', language)])}"

    # -- answering -----------------------------------------------------------------------------

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """Answer with a page of `templates/`."""
        return self._renderer.page(self, template, status, values)

    def sign(self, ticket: str, page: str = "") -> Response:
        """Send the browser to a page of the other origin; the one for signing if none is named."""
        origin = self.office.settings.approval_origin
        # After the #, a ticket reaches no server, no log and no other site.
        return RedirectResponse(f"{origin}/{self.language}{page}#{ticket}", _SEE_OTHER)

    def go(self, path: str) -> Response:
        """Send the browser to a page of ours after an act."""
        return RedirectResponse(path, _SEE_OTHER)

    def data(self, value: Any, status: int = 200) -> Response:
        """Answer a script of ours."""
        return JSONResponse(value, status)

    @property
    def known(self) -> Person | None:
        """The signed-in officer, or None."""
        return self._person
