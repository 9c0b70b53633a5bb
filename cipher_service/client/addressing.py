"""Each addressee its own precedence and its own delivery, cipher channel or pouch.

A real heading says `AMEMBASSY LOME PRIORITY ... USINT ISABEL POUCH`: one dispatch, several
urgencies and two ways. Nobody who is only informed is hurried more than those who must act (ACP 127
paragraph 152, dual precedence).
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from cipher_service.client.failures import Misused
from cipher_service.labels.scheme import Scheme, UnknownLabel
from keys.dispatch import Destination
from keys.manifest import ACTION, INFO, POUCH

_PAIR = re.compile(r"([A-Za-z0-9-]+)=(.+)")


def each_its_own(
    destinations: Sequence[Destination],
    precedence_for: Sequence[str],
    pouch: Sequence[str],
    scheme: Scheme,
) -> list[Destination]:
    """Return the addressees with the precedence and the delivery typed for each.

    Args:
        destinations: the addressees, without the sender's own copy.
        precedence_for: as typed, `CODE=PRECEDENCE` each.
        pouch: as typed, the codes of those served by pouch.
        scheme: of precedences.

    Raises:
        Misused: HEADING_INVALID, UNKNOWN_PRECEDENCE, NOT_AN_ADDRESSEE, ADDRESSEE_REPEATED,
            INFO_ABOVE_ACTION.
    """
    named = {each.card.post for each in destinations}
    option = "--precedence-for"
    pairs = [_pair(option, typed) for typed in precedence_for]
    _check_codes(option, [post for post, _ in pairs], named)
    bags = [post.upper() for post in pouch]
    _check_codes("--pouch", bags, named)
    own = {post: _precedence(scheme, typed) for post, typed in pairs}
    addressed = [
        replace(
            each,
            precedence=own.get(each.card.post, each.precedence),
            delivery=POUCH if each.card.post in bags else each.delivery,
        )
        for each in destinations
    ]
    _check_dual_precedence(addressed, scheme)
    return addressed


def most_urgent(destinations: Sequence[Destination], scheme: Scheme) -> str:
    """Return the highest precedence among the action addressees, of whom there is one at least."""
    codes = [each.precedence for each in destinations if each.role == ACTION]
    return max(codes, key=lambda code: scheme.precedence(code).rank)


def _pair(option: str, typed: str) -> tuple[str, str]:
    match = _PAIR.fullmatch(typed)
    if match is None:
        raise Misused("HEADING_INVALID", option=option, given=typed[:80], expected="LOME=FLASH")
    return match[1].upper(), match[2]


def _check_codes(option: str, posts: Sequence[str], named: set[str]) -> None:
    for place, post in enumerate(posts):
        if post not in named:
            known = ", ".join(sorted(named))
            raise Misused("NOT_AN_ADDRESSEE", option=option, post=post[:80], known=known)
        if post in posts[:place]:
            raise Misused("ADDRESSEE_REPEATED", option=option, post=post)


def _precedence(scheme: Scheme, typed: str) -> str:
    try:
        return scheme.precedence(typed).code
    except UnknownLabel as error:
        known = ", ".join(error.known)
        raise Misused("UNKNOWN_PRECEDENCE", given=error.given[:80], known=known) from error


def _check_dual_precedence(destinations: Sequence[Destination], scheme: Scheme) -> None:
    action = most_urgent(destinations, scheme)
    for each in destinations:
        above = scheme.precedence(each.precedence).rank > scheme.precedence(action).rank
        if each.role == INFO and above:
            raise Misused(
                "INFO_ABOVE_ACTION", post=each.card.post, info=each.precedence, action=action
            )
