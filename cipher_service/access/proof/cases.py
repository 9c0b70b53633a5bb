"""A case out of a model: what z3 found, as values and in words."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import z3

from cipher_service.access.policies import data_text
from cipher_service.access.proof.encoding import Environment

_BASES = {
    "principal": ("la personne", "the person"),
    "resource": ("la chose", "the thing"),
    "context": ("les circonstances", "the circumstances"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One request: its action, the types of asker and thing, every attribute of three records."""

    action: str
    principal: str
    resource: str
    values: Mapping[str, Mapping[str, Any]]

    def tell(self, language: str, named: Iterable[str]) -> list[str]:
        """Say the case in lines, one a record; only the attributes that matter.

        Args:
            language: `fr` or `en`.
            named: the attributes that matter, as `principal.level`.
        """
        wanted = set(named)
        lines = []
        for base, words in _BASES.items():
            told = [
                f"{_words()[base][name][language]} : {_shown(value, language)}"
                for name, value in self.values[base].items()
                if f"{base}.{name}" in wanted
            ]
            if told:
                lines.append(f"{words[language == 'en']} ({', '.join(told)})")
        return lines


def case_of(environment: Environment, model: z3.ModelRef) -> Case:
    """Read a model: texts get back their words, or one of their own where any will do."""
    texts = {number: text for text, number in environment.literals.numbers.items()}
    values = {
        place: model.eval(v, model_completion=True) for place, v in environment.variables.items()
    }
    numbers = set(texts)
    for (base, name), value in values.items():
        kind = environment.records[base][name]
        if kind == "String":
            numbers.add(value.as_long())
        elif kind == "Set<String>":
            numbers |= set(_numbers(value))
    read: dict[str, dict[str, Any]] = {base: {} for base in environment.records}
    for (base, name), value in values.items():
        kind = environment.records[base][name]
        if kind == "Bool":
            read[base][name] = z3.is_true(value)
        elif kind == "Long":
            read[base][name] = value.as_long()
        elif kind == "String":
            read[base][name] = _text(texts, value.as_long())
        else:
            members = [n for n in sorted(numbers) if z3.is_true(model.eval(z3.IsMember(n, value)))]
            read[base][name] = [_text(texts, number) for number in members]
    return Case(environment.action, environment.principal, environment.resource, read)


def _text(texts: Mapping[int, str], number: int) -> str:
    return texts.get(number, f"X{number}")


def _numbers(value: Any) -> Iterable[int]:
    if z3.is_int_value(value):
        yield value.as_long()
    for child in value.children():
        yield from _numbers(child)


def _shown(value: Any, language: str) -> str:
    nothing, yes, no = ("aucun", "oui", "non") if language == "fr" else ("none", "yes", "no")
    if isinstance(value, list):
        return " + ".join(one for one in value if one) or nothing
    if isinstance(value, bool):
        return yes if value else no
    return str(value) or nothing


@cache
def _words() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(data_text("words.toml"))
