"""What the acts on officers do to the roll. Pure: no clock, no disk, no signatures.

    officer.admit   {name, functions, rank, starts, ends, passkeys: two or more}
    officer.rearm   {passkeys: two or more}: new security keys; ends a revocation
    officer.revoke  {passkey: id or null}: one security key, or the person

Each act's resource is `officer/NUMBER` and its only subject is that person. An act's rank is the
rank for which the person is (or will be) cleared, so that nobody admits above themselves; a
revocation's is 0, since one person suffices to make things safer.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from keys import canonical
from keys.acts import ActMalformed, ActOutdated
from keys.custody.errors import ActNotOfCustodian, KeyNotAttested
from keys.custody.roll import (
    FUNCTION,
    KEYS_LEAST,
    KEYS_MOST,
    NAME,
    OFFICERS_MOST,
    Officer,
    Roll,
    object_of_passkey,
)
from keys.records import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from keys.acts import Act
    from keys.passkeys import Passkey

_PREFIX: Final = "officer/"
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{1,1400}={0,2}")


def perform_act(roll: Roll, act: Act) -> Roll:
    """Gives the roll after an act, which must be approved already.

    It is also called before anybody signs, so that nobody signs what cannot be done.

    Raises:
        ActNotOfCustodian: another kind of act.
        ActMalformed: its parameters, resource, subjects or rank are not as its kind demands.
        ActOutdated: the person is not there, or is there already.
        KeyNotAttested: a security key was not registered here, or is somebody's already.
    """
    try:
        performer = _PERFORMERS[act.kind]
    except KeyError:
        raise ActNotOfCustodian(f"the custodian does not do {act.kind}") from None
    number = act.resource.removeprefix(_PREFIX)
    if act.resource != _PREFIX + number or act.subjects != (number,) or act.authors:
        raise ActMalformed("an act on an officer names them as its resource and only subject")
    try:
        return performer(roll, act, number, Record(dict(act.parameters), "parameters"))
    except ValueError as error:
        raise ActMalformed(str(error)) from error


def _admit(roll: Roll, act: Act, number: str, parameters: Record) -> Roll:
    if number in roll.officers or len(roll.officers) >= OFFICERS_MOST:
        raise ActOutdated(f"{number} is admitted already, or there is no room")
    officer = Officer(
        id=number,
        name=parameters.text("name", NAME),
        functions=frozenset(parameters.texts("functions", FUNCTION, most=16)),
        rank=parameters.integer("rank"),
        starts=parameters.time("starts"),
        ends=parameters.time("ends"),
        version=1,
        revoked=False,
        passkeys=_attested(roll, parameters.items("passkeys", least=KEYS_LEAST, most=KEYS_MOST)),
    )
    parameters.close()
    if officer.starts >= officer.ends or not officer.functions:
        raise ValueError("an officer acts for some time, in some function")
    return _with(_without_attested(roll, officer.passkeys), officer, act, officer.rank)


def _rearm(roll: Roll, act: Act, number: str, parameters: Record) -> Roll:
    officer = _known(roll, number)
    passkeys = _attested(roll, parameters.items("passkeys", least=KEYS_LEAST, most=KEYS_MOST))
    parameters.close()
    armed = replace(officer, passkeys=passkeys, revoked=False, version=officer.version + 1)
    return _with(_without_attested(roll, passkeys), armed, act, officer.rank)


def _revoke(roll: Roll, act: Act, number: str, parameters: Record) -> Roll:
    officer = _known(roll, number)
    name = parameters.optional_text("passkey", _BASE64)
    parameters.close()
    left = tuple(
        each
        for each in officer.passkeys
        if name is not None and canonical.text_from_bytes(each.credential_id) != name
    )
    if name is not None and len(left) == len(officer.passkeys):
        raise ActOutdated("the person has no such security key")
    revoked = replace(
        officer,
        passkeys=officer.passkeys if name is None else left,
        revoked=officer.revoked or not left,
        version=officer.version + 1,
    )
    return _with(roll, revoked, act, 0)


_PERFORMERS: Final[dict[str, Callable[[Roll, Act, str, Record], Roll]]] = {
    "officer.admit": _admit,
    "officer.rearm": _rearm,
    "officer.revoke": _revoke,
}

# What the custodian does itself, and nobody else may.
KINDS: Final = frozenset(_PERFORMERS)


def _known(roll: Roll, number: str) -> Officer:
    try:
        return roll.officers[number]
    except KeyError:
        raise ActOutdated(f"{number} is not admitted") from None


def _with(roll: Roll, officer: Officer, act: Act, rank: int) -> Roll:
    if act.rank != rank:
        raise ValueError(f"the act touches rank {rank}, not {act.rank}")
    return replace(roll, officers={**roll.officers, officer.id: officer})


def _attested(roll: Roll, given: tuple[Any, ...]) -> tuple[Passkey, ...]:
    """Gives the passkeys that an act names: all of them registered here and nobody's yet."""
    found = [each.passkey for each in roll.attested if object_of_passkey(each.passkey) in given]
    names = {passkey.credential_id for passkey in found}
    if len(found) != len(given) or len(names) != len(given):
        raise KeyNotAttested("a security key was not registered here, or is named twice")
    return tuple(found)


def _without_attested(roll: Roll, passkeys: tuple[Passkey, ...]) -> Roll:
    return replace(
        roll, attested=tuple(each for each in roll.attested if each.passkey not in passkeys)
    )
