"""The auditor's questions by name (article 12), as a page and as data; each is in the log first."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from starlette.responses import Response

from cipher_service.access.looks import AUDIT_READ
from cipher_service.audit import asking
from cipher_service.audit.asking import Line, Question
from cipher_service.console.days import begin_of
from cipher_service.console.flow import Flow, Page, Place
from cipher_service.console.journal import AUDITOR, OUTCOMES, action_name
from cipher_service.console.language import mark, moment
from cipher_service.console.refusals import mendable, reason_told, status_of, words_of
from cipher_service.console.rights import KINDS
from cipher_service.console.visit import Visit
from cipher_service.errors import ServiceError

_OF_A_DAY: Final = "droits"
QUESTIONS: Final = {
    "lecteurs": mark("Qui a lu cette dépêche ?"),
    "lectures": mark("Qu’a lu cette personne ?"),
    "lectures-hautes": mark("Quelles lectures au-dessus de ce niveau ?"),
    "mandat": mark("Quels actes sous ce mandat ?"),
    "vie": mark("Que s’est-il passé au sujet de ceci ?"),
    "actes": mark("Qu’a fait cette personne, ce poste ou ce compte ?"),
    "refus": mark("Qu’est-ce qui a été refusé (à qui) ?"),
    "contradictions": mark("Quels courriers ont contredit le journal ?"),
    "interrompus": mark("Quels actes ont été interrompus ?"),
    "urgences": mark("Quelles urgences, et comment revues ?"),
    "signatures": mark("Par quelles signatures cet acte ?"),
    _OF_A_DAY: mark("Qui détenait quel droit ce jour-là ?"),
    "apres-depart": mark("Qui a agi après son départ ?"),
    "trous": mark("Le journal a-t-il des trous, ou une horloge reculée ?"),
}
_SPELT: Final = dict(zip(QUESTIONS, asking.ANSWERS, strict=True))
"""How an address spells a question."""
MEMBERS: Final = {
    "seq": mark("N°"),
    "time_us": mark("Quand"),
    "actor": mark("Qui"),
    "action": mark("Acte"),
    "outcome": mark("Issue"),
    "resource": mark("Sur quoi"),
    "reason": mark("Motif"),
    "mandate": mark("Mandat"),
    "officer": mark("Officier"),
    "kind": mark("Sorte"),
    "right": mark("Droit"),
    "from": mark("Depuis"),
    "until": mark("Fin"),
    "step": mark("Étape"),
    "act": mark("Acte"),
    "at": mark("Quand"),
    "object": mark("Sur quoi"),
    "declared_at": mark("Déclarée le"),
    "ends": mark("Fin"),
    "review_by": mark("À revoir avant"),
    "reviewer": mark("Revue par"),
    "reviewed_at": mark("Revue le"),
    "finding": mark("Conclusion"),
    "left": mark("Parti le"),
    "defect": mark("Défaut"),
    "entry": mark("Inscription"),
    "entries": mark("Inscriptions"),
    "expected": mark("Attendues"),
}
"""What the members of an answer are called; others of an entry are on its own page."""
_CODED: Final = frozenset({"kind", "outcome", "step", "finding", "defect"})
CODES: Final = {
    **KINDS,
    **OUTCOMES,
    "proposed": mark("proposé"),
    "signed": mark("signé"),
    "justified": mark("justifiée"),
    "unjustified": mark("injustifiée"),
    "unreviewed": mark("non revue à temps"),
    "numbering": mark("numérotation"),
    "clock": mark("horloge"),
}
"""What the codes in an answer mean."""


async def ask(visit: Visit) -> Response:
    """The form, and the answer once something is asked."""
    lines, refusal = None, None
    try:
        question = _question(visit)
        lines = None if question is None else await _answered(visit, question)
    except ServiceError as refused:
        refusal = mendable(refused, "UNKNOWN_LEVEL")  # typed here, chosen from a list elsewhere
    columns = [name for name in MEMBERS if any(name in line for line in lines or ())]
    query = visit.request.query_params
    asked = {name: query.get(name, "") for name in ("question", "sur", "du", "au")}
    return visit.page(
        "journal/questions.html",
        200 if refusal is None else status_of(refusal),
        refusal=None if refusal is None else words_of(refusal, visit.language),
        questions=QUESTIONS,
        members=MEMBERS,
        asked=asked,
        lines=lines,
        columns=columns,
        most=asking.MOST,
        shown=lambda line, name: _shown(visit, line, name),
        as_data=f"/journal/questions.json?{urlencode(asked)}",
    )


async def ask_as_data(visit: Visit) -> Response:
    """The same answer for a program: `{"question", "about", "lines": [record, ...]}`."""
    question = _question(visit)
    if question is None:
        raise ServiceError("ASK_INCOMPLETE", question="-")
    lines = await _answered(visit, question)
    return visit.data({"question": question.name, "about": question.about, "lines": lines})


def _shown(visit: Visit, line: Line, name: str) -> str:
    """Return a member of an answer in words."""
    value = line.get(name)
    if value is None:
        return ""
    if name == "time_us":
        return moment(datetime.fromtimestamp(value / 1_000_000, UTC), visit.language)
    if name == "action" and "seq" in line:
        return action_name(str(value), visit.language)
    if name == "reason":
        return reason_told(str(value), visit.language)
    if name in _CODED and value in CODES:
        return visit.say(CODES[value])
    return str(value)


async def _answered(visit: Visit, question: Question) -> list[Line]:
    """Have the asking decided and recorded, then answer."""
    route = f"journal/questions/{asking.told_as(question)}"
    await visit.act(AUDIT_READ, {"route": route[:200]})
    return await visit.read(lambda connection, _gate: asking.answer(connection, question))


def _question(visit: Visit) -> Question | None:
    query = visit.request.query_params
    if not query.get("question"):
        return None
    bounds: dict[str, Any] = {}
    for name, bound in (("du", "since"), ("au", "until")):
        if query.get(name):
            bounds[bound] = begin_of(query[name].strip())
    spelt, about = query["question"][:20], query.get("sur", "").strip()[:100]
    if spelt == _OF_A_DAY and about:
        about = begin_of(about).date().isoformat()
    return Question(
        _SPELT.get(spelt, spelt),
        about,
        outside_hours=query.get("hors") == "oui",
        **bounds,
    )


FLOW: Final = Flow(
    "questions",
    (Page("/journal/questions", ask), Page("/journal/questions.json", ask_as_data)),
    (Place(mark("Questions au journal"), "/journal/questions", AUDITOR),),
)
