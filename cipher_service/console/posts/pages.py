"""The pages on posts."""

from typing import Any, Final

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.console.language import mark
from cipher_service.console.posts import books, skipped, traffic
from cipher_service.console.posts.gaps import Gaps, gaps
from cipher_service.console.posts.state import PostState, worst_first
from cipher_service.console.visit import Visit
from cipher_service.directory.register import CardRecord
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme

STATES: Final = {
    "absent": mark("jamais inscrit"),
    "pending": mark("empreinte à comparer"),
    "active": mark("en service"),
    "suspended": mark("suspendu"),
}
KINDS: Final = {
    "headquarters": mark("centrale"),
    "embassy": mark("ambassade"),
    "mission": mark("mission permanente"),
    "consulate": mark("consulat"),
}
CARDS: Final = {
    "pending": mark("empreinte à comparer"),
    "active": mark("en vigueur"),
    "superseded": mark("remplacée"),
    "withdrawn": mark("retirée"),
}
MEDIA: Final = {
    "INTERNET": mark("internet"),
    "SATELLITE": mark("satellite"),
    "POUCH": mark("valise"),
}
TROUBLES: Final = {
    "state": mark("poste pas en service"),
    "key": mark("clé à renouveler"),
    "root": mark("sans attestation de la racine"),
    "prekeys": mark("clés à usage unique presque épuisées"),
    "link": mark("sans nouvelles"),
    "missing": mark("numéros manquants"),
    "bags": mark("valise à voir"),
}


WARNINGS: Final = {
    "expiring": mark("La version %(number)d de %(key)s arrive à son terme : préparez la suivante."),
    "expired": mark(
        "La version %(number)d de %(key)s a dépassé son terme : mettez la suivante en vigueur."
    ),
    "expiring_rotates": mark(
        "La version %(number)d de %(key)s arrive à son terme : préparez la suivante."
    ),
    "expired_rotates": mark(
        "La version %(number)d de %(key)s a dépassé son terme : mettez la suivante en vigueur."
    ),
    "expiring_lasting": mark(
        "La version %(number)d de %(key)s arrive à son terme : prévoyez une nouvelle fondation."
    ),
    "expired_lasting": mark(
        "La version %(number)d de %(key)s a dépassé son terme et sert encore : il faut une "
        "nouvelle fondation."
    ),
    "destroy": mark(
        "La version %(number)d de %(key)s est remplacée depuis plus de douze heures : faites-la "
        "détruire."
    ),
}


async def directory(visit: Visit) -> Response:
    """Every post with its channels and its key edition, and what the custodian's keys ask for."""
    posts = await _states(visit)
    asking = await visit.office.ask("key_warnings", {})
    return _page(visit, "directory", posts=posts, asking=asking, warnings=WARNINGS)


async def glance(visit: Visit) -> Response:
    """One cell per post, the worst first."""
    return _page(visit, "glance", posts=worst_first(await _states(visit), visit.now))


async def post(visit: Visit) -> Response:
    """One post: what is known of it, and every edition of its card."""
    code = str(visit.request.path_params["post"])

    def read(connection: Connection, gate: Gate) -> tuple[PostState, list[CardRecord]]:
        for one in books.states(visit, connection, gate):
            if one.code == code:
                return one, books.editions(connection, code)
        raise ServiceError("NOT_FOUND")

    found, cards = await visit.read(read)
    return _page(visit, "post", post=found, cards=cards)


async def numbers(visit: Visit) -> Response:
    """Numbers in and out per day, one drawing per precedence, all to one scale; what is missing."""

    def read(
        connection: Connection, gate: Gate
    ) -> tuple[traffic.Counts, Gaps, list[skipped.Interval]]:
        posts = books.require_mail(visit, connection, gate)
        counts = traffic.count(
            connection,
            gate.policies,
            visit.person.principal,
            visit.office.headquarters,
            visit.now,
        )
        return counts, gaps(visit, connection, gate, posts), skipped.intervals(connection)

    counts, missing, cancelled = await visit.read(read)
    ordered = sorted(default_scheme().precedences, key=lambda one: -one.rank)
    picture = traffic.draw(counts, [one.code for one in ordered], traffic.days_until(visit.now))
    return visit.page(
        "posts/numbers.html", picture=picture, size=traffic, missing=missing, cancelled=cancelled
    )


async def chase(visit: Visit) -> Response:
    """Have what is missing asked for again."""
    await visit.form()
    await visit.act("numbers_chase")
    return visit.go("/postes/numeros")


async def _states(visit: Visit) -> list[PostState]:
    return await visit.read(lambda connection, gate: books.states(visit, connection, gate))


def _page(visit: Visit, name: str, **values: Any) -> Response:
    return visit.page(
        f"posts/{name}.html",
        states=STATES,
        kinds=KINDS,
        card_states=CARDS,
        troubles=TROUBLES,
        media=MEDIA,
        now=visit.now,
        **values,
    )
