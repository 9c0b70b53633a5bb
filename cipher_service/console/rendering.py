"""Pages from templates: one environment a language, our own base, GOV.UK's macros as components.

A template sees `_`, `ngettext`, the filters `moment`, `day`, `group`, `number`, `octets`, `span`,
and: `visit`, `person` (or None), `nonce`, `language`, `places` (the navigation), `asset(name)`,
`level(code)` and `precedence(code)` of the scheme, `ceiling`, `helped` (the help of the page),
`colon` (as the language sets it).
"""

from typing import Any, Final

from jinja2 import (
    ChoiceLoader,
    Environment,
    PackageLoader,
    PrefixLoader,
    Undefined,
    select_autoescape,
)
from jinja2.utils import missing
from starlette.responses import HTMLResponse, Response

from cipher_service import clock
from cipher_service.console import language as languages
from cipher_service.console.flow import Flow, Place
from cipher_service.console.helping import help_of
from cipher_service.console.language import LANGUAGES, Language, translations
from cipher_service.console.static import Assets
from cipher_service.console.visit import Person, Visit
from cipher_service.directory.roles import default_roles
from cipher_service.labels.scheme import default_scheme
from cipher_service.typography import NO_BREAK, held_in

_OF_JINJA: Final = frozenset({"caller", "undefined"})


class StrictName(Undefined):
    """A name that nobody gave is a mistake; a member that is absent is just empty.

    The components' macros ask for members that may be absent, so that all of strictness would
    refuse them.
    """

    __slots__ = ()

    def _refuse(self) -> None:
        if self._undefined_obj is missing and self._undefined_name not in _OF_JINJA:
            self._fail_with_undefined_error()

    def __str__(self) -> str:
        self._refuse()
        return ""

    def __bool__(self) -> bool:
        self._refuse()
        return False

    def __iter__(self) -> Any:
        self._refuse()
        return iter(())

    def __len__(self) -> int:
        self._refuse()
        return 0


class Renderer:
    """Renders pages.

    Args:
        flows: every flow, for the navigation.
        assets: what was built for browsers.
    """

    def __init__(self, flows: tuple[Flow, ...], assets: Assets) -> None:
        self.flows = flows
        self._places = tuple(place for flow in flows for place in flow.places)
        self._keys = tuple(key for flow in flows for key in flow.keys)
        self._environments = {language: _environment(language, assets) for language in LANGUAGES}

    def page(self, visit: Visit, template: str, status: int, values: dict[str, Any]) -> Response:
        """Render a template as an answer."""
        person = visit.known
        text = (
            self._environments[visit.language]
            .get_template(template)
            .render(
                visit=visit,
                person=person,
                nonce=visit.nonce,
                language=visit.language,
                path=visit.request.scope["path"],
                places=self.places(person),
                keys=self._keys,
                helped=help_of(template, visit.language),
                demonstration=visit.office.settings.demo,
                sealed=visit.office.sealed,
                **values,
            )
        )
        return HTMLResponse(text, status)

    def places(self, person: Person | None) -> list[Place]:
        """Return the lines of the navigation that are of use to a person."""
        if person is None:
            return []
        held = person.principal.functions | {
            mandate.function for mandate in person.principal.mandates
        }
        return [place for place in self._places if not place.functions or place.functions & held]


def _name(entry: Any, language: Language) -> str:
    return held_in(language, str(entry.fr if language == "fr" else entry.en))


def _unparted(instant: str) -> str:
    """Let a line end between a day and its hour, and nowhere within them."""
    return instant.replace(" ", NO_BREAK).replace(f",{NO_BREAK}", ", ")


def _function(code: str, language: Language) -> str:
    role = default_roles().roles.get(code)
    return code if role is None else _name(role, language)


def _environment(language: Language, assets: Assets) -> Environment:
    environment = Environment(
        loader=ChoiceLoader(
            [
                PackageLoader("cipher_service.console"),
                PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")}),
            ]
        ),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictName,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    words = translations(language)
    environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]  # jinja2.ext.i18n adds it
    scheme = default_scheme()
    environment.filters.update(
        moment=lambda instant: _unparted(languages.moment(instant, language)),
        day=lambda instant: _unparted(languages.day(instant, language)),
        group=languages.group,
        number=lambda value: languages.number(value, language),
        octets=lambda size: languages.octets(size, language),
        iso=clock.text,
        hour=lambda instant: _unparted(languages.hour(instant, language)),
        span=lambda seconds: languages.span(seconds, words),
    )
    environment.globals.update(
        asset=assets.named,
        level=scheme.level,
        precedence=scheme.precedence,
        levels=scheme.levels,
        ceiling=scheme.levels[-1],
        name_of=lambda entry: _name(entry, language),
        function_name=lambda code: _function(code, language),
        colon=held_in(language, " :" if language == "fr" else ":"),
    )
    return environment
