"""`chiffre empties`: the notice of the empty bags that this post sends home, signed by its card.

Headquarters then expects them and tells what is late or missing. Repeating the command with the
same number and bags changes nothing, so it is simply typed again after a broken line.
"""

from argparse import Namespace
from collections.abc import Iterable
from datetime import timedelta

from cipher_service import clock
from cipher_service.client.failures import Misused
from cipher_service.client.lines import date_text
from cipher_service.client.messages import phrase
from cipher_service.client.online_session import open_session
from cipher_service.client.terminal import Terminal
from pouch.empties_notice import ROAD_MOST, EmptiesMalformed, EmptiesNotice, make_notice
from pouch.errors import LocatorWrong
from pouch.locator import read_locator


def empties(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre empties`.

    Raises:
        Misused: EMPTIES_LOCATOR, EMPTIES_UNFIT; nothing was sent.
    """
    bags = _bags(arguments.locators)
    if not 1 <= arguments.days <= ROAD_MOST.days:
        raise Misused("EMPTIES_UNFIT")
    with open_session(arguments, terminal) as session:
        sent = clock.now().replace(microsecond=0)
        notice = EmptiesNotice(
            number=arguments.number,
            post=session.post,
            card=session.identity.card.fingerprint,
            to=session.pin.headquarters,
            sent=sent,
            due=sent + timedelta(days=arguments.days),
            bags=bags,
        )
        try:
            data = make_notice(notice, sign=session.identity.sign)
        except EmptiesMalformed as error:
            raise Misused("EMPTIES_UNFIT") from error
        answer = session.ministry.announce_empties(data)
    if terminal.as_json:
        told = {"number": notice.number, "bags": list(bags), "new": answer.new}
        terminal.show_json({**told, "due": clock.text(notice.due)})
        return
    said = "empties_announced" if answer.new else "empties_announced_before"
    due = date_text(notice.due, terminal.language)
    terminal.show(phrase(said, terminal.language, number=notice.number, bags=len(bags), due=due))


def _bags(locators: Iterable[str]) -> tuple[str, ...]:
    found = set()
    for typed in locators:
        try:
            found.add(read_locator(typed))
        except LocatorWrong as error:
            raise Misused("EMPTIES_LOCATOR", given=typed[:80]) from error
    return tuple(sorted(found))
