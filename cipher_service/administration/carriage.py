"""`cipher-service pouch`: headquarters carries, receives and accounts for bags; their cases."""

import json
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from cipher_service.administration.pouches import at_desk, tell
from cipher_service.administration.words import Speaker
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.terminal import Terminal
from cipher_service.pouches import cargo, carriage, mishaps, returns, roads, views
from cipher_service.pouches.carriage import Counted
from cipher_service.pouches.views import BagLine
from keys import canonical
from pouch.locator import grouped_locator


def list_keys(arguments: Namespace, terminal: Terminal) -> None:
    """List the pieces that carry keys, and whether what they carry may be used."""
    with at_desk(arguments, terminal) as (_, office):
        found = cargo.keys_under_way(office, by=arguments.by)
    if terminal.as_json:
        terminal.show_json([asdict(each) for each in found])
        return
    for each in found:
        terminal.show(f"{each.number}  {each.destination:<12} {each.standing}  {each.seal or '-'}")
    if not found:
        Speaker(terminal).show("pouch_no_keys")


def show_shares(arguments: Namespace, terminal: Terminal) -> None:
    """Tell how a secret stands whose shares travel in several bags."""
    with at_desk(arguments, terminal) as (_, office):
        found = cargo.shares(office, arguments.number, arguments.threshold, by=arguments.by)
    tell(terminal, f"pouch_shares_{found.replace('-', '_')}", {"standing": found})


def hand_over(arguments: Namespace, terminal: Terminal) -> None:
    """Pass a bag to another person."""
    with at_desk(arguments, terminal) as (_, office):
        ordinal = carriage.hand_over(
            office,
            arguments.bag,
            by=arguments.by,
            to=arguments.to,
            condition=arguments.condition,
        )
    tell(terminal, "pouch_handed_over", {"ordinal": ordinal}, to=arguments.to, ordinal=ordinal)


def count(arguments: Namespace, terminal: Terminal) -> None:
    """Count the bags of a departure before the airport is left; status 1 when it must wait.

    Raises:
        Refused: COUNT_WRONG.
    """
    with at_desk(arguments, terminal) as (_, office):
        counted = carriage.count(
            office, arguments.departure, arguments.locator, by=arguments.by, place=arguments.place
        )
    missing, over = counted.count.missing, (*counted.count.over, *counted.strangers)
    if not counted.complete:
        raise Refused("COUNT_WRONG", missing=", ".join(missing) or "-", over=", ".join(over) or "-")
    tell(terminal, "pouch_counted", {"complete": True}, departure=arguments.departure)


def receive(arguments: Namespace, terminal: Terminal) -> None:
    """Receive a bag: the numbers read from its seals are recorded, then the sealed ones shown."""
    with at_desk(arguments, terminal) as (_, office):
        answer = carriage.receive(
            office,
            arguments.bag,
            by=arguments.by,
            seals=arguments.seal_number,
            condition=arguments.condition,
            weight_g=arguments.weight,
        )
    _show_answer(terminal, answer, "pouch_received")


def open_bag(arguments: Namespace, terminal: Terminal) -> None:
    """Remove the seals before a witness."""
    with at_desk(arguments, terminal) as (_, office):
        carriage.open_bag(office, arguments.bag, by=arguments.by, second=arguments.approver)
    tell(terminal, "pouch_opened", {"opened": True})


def account(arguments: Namespace, terminal: Terminal) -> None:
    """Check what lay in an opened bag and sign the discharge."""
    counted = Counted(
        found=dict(_line_count(typed) for typed in arguments.found),
        damaged=frozenset(arguments.damaged),
        misdirected=frozenset(arguments.misdirected),
        unlisted=arguments.unlisted,
    )
    with at_desk(arguments, terminal) as (_, office):
        answer = carriage.account(
            office,
            arguments.bag,
            counted,
            nonce=arguments.nonce,
            by=arguments.by,
            second=arguments.approver,
        )
    _show_answer(terminal, answer, "pouch_accounted")


def destroy(arguments: Namespace, terminal: Terminal) -> None:
    """Record that two persons destroyed items of an opened bag."""
    with at_desk(arguments, terminal) as (_, office):
        carriage.destroy(
            office,
            arguments.bag,
            arguments.line,
            ordered_by=arguments.ordered_by,
            method=arguments.method,
            by=arguments.by,
            second=arguments.approver,
        )
    tell(terminal, "pouch_destroyed", {"lines": arguments.line}, count=len(set(arguments.line)))


def lose(arguments: Namespace, terminal: Terminal) -> None:
    """Report a bag lost."""
    with at_desk(arguments, terminal) as (_, office):
        mishaps.lose(office, arguments.bag, by=arguments.by)
    tell(terminal, "pouch_lost", {"lost": True})


def recover(arguments: Namespace, terminal: Terminal) -> None:
    """State by two persons that a lost bag is back."""
    with at_desk(arguments, terminal) as (_, office):
        mishaps.recover(office, arguments.bag, by=arguments.by, second=arguments.approver)
    tell(terminal, "pouch_recovered", {"lost": False})


def recall(arguments: Namespace, terminal: Terminal) -> None:
    """Call a bag back, unopened."""
    with at_desk(arguments, terminal) as (_, office):
        mishaps.recall(office, arguments.bag, by=arguments.by)
    tell(terminal, "pouch_recalled", {"recalled": True})


def report(arguments: Namespace, terminal: Terminal) -> None:
    """Report what was seen of a bag."""
    with at_desk(arguments, terminal) as (_, office):
        opened = mishaps.report(office, arguments.bag, arguments.kind, by=arguments.by)
    tell(terminal, "pouch_reported", {"cases": opened}, cases=", ".join(opened) or "-")


def advance(arguments: Namespace, terminal: Terminal) -> None:
    """Take a case to its next state."""
    with at_desk(arguments, terminal) as (_, office):
        mishaps.advance(office, arguments.case, arguments.state, by=arguments.by)
    tell(terminal, "pouch_case_now", {"state": arguments.state}, state=arguments.state)


def raise_case(arguments: Namespace, terminal: Terminal) -> None:
    """Make an incident a breach."""
    with at_desk(arguments, terminal) as (_, office):
        mishaps.raise_case(office, arguments.case, by=arguments.by)
    tell(terminal, "pouch_case_now", {"severity": "breach"}, state="breach")


def overview(arguments: Namespace, terminal: Terminal) -> None:
    """List the bags from make-up to discharge, the first due first; late ones say so."""
    with at_desk(arguments, terminal) as (_, office):
        lines = views.under_way(office, by=arguments.by)
    if terminal.as_json:
        terminal.show_json([_plain(asdict(line)) for line in lines])
        return
    speaker = Speaker(terminal)
    for line in lines:
        marks = [name for name in ("late", "silent", "lost", "recalled") if getattr(line, name)]
        terminal.show(
            f"{line.locator}  {line.origin} > {line.destination}  {line.stage:<11} "
            f"{line.due:%Y-%m-%d %H:%M}  {' '.join([*marks, *line.alarms])}".rstrip()
        )
        _say_untold(speaker, line)
    if not lines:
        speaker.show("pouch_none_under_way")


def show(arguments: Namespace, terminal: Terminal) -> None:
    """Show a bag's journey: every event with who, where and when."""
    with at_desk(arguments, terminal) as (_, office):
        found = views.journey(office, arguments.bag, by=arguments.by)
    events = [
        {
            "kind": event.kind,
            "at": canonical.text_from_time(event.at),
            "place": event.place,
            "officer": event.officer,
            "witness": event.witness.officer if event.witness else None,
            "id": event.id,
        }
        for event in found.events
    ]
    if terminal.as_json:
        terminal.show_json(
            {
                **_plain(asdict(found.line)),
                "holder": found.custody.holder,
                "bordereau": found.bordereau,
                "announced": found.announced,
                "rectified": list(found.rectified),
                "events": events,
                "cases": [asdict(case) for case in found.cases],
                "compromised": [item for item, _ in found.burnt],
            }
        )
        return
    line = found.line
    terminal.show(f"{line.locator}  {line.origin} > {line.destination}  {line.stage}")
    for event in events:
        persons = " + ".join(filter(None, (event["officer"], event["witness"])))
        terminal.show(f"{event['at']}  {event['place']:<12} {event['kind']:<12} {persons}")
    if found.rectified:
        Speaker(terminal).show("pouch_rectified_by", numbers=", ".join(found.rectified))
    _say_untold(Speaker(terminal), line)
    for case in found.cases:
        terminal.show(f"{case.case}  {case.severity} {case.kind} {case.what} {case.state}")
    for item, designation in found.burnt:
        Speaker(terminal).show("pouch_burnt", item=item, designation=designation)


def _say_untold(speaker: Speaker, line: BagLine) -> None:
    if line.untold:
        speaker.show("pouch_untold", numbers=", ".join(line.untold))


def list_cases(arguments: Namespace, terminal: Terminal) -> None:
    """List the discrepancies that are not closed, the soonest due first."""
    with at_desk(arguments, terminal) as (_, office):
        found = views.open_cases(office, by=arguments.by)
    if terminal.as_json:
        terminal.show_json([asdict(case) for case in found])
        return
    for case in found:
        late = " !" if case.overdue else ""
        told = ", ".join(case.recipients)
        terminal.show(
            f"{case.case}  {case.severity:<8} {case.kind} {case.what}  {case.state} "
            f"{case.due}{late}  {told}"
        )
    if not found:
        Speaker(terminal).show("pouch_no_cases")


def list_departures(arguments: Namespace, terminal: Terminal) -> None:
    """List the departures that are not due yet, with cut-offs and bags."""
    with at_desk(arguments, terminal) as (_, office):
        found = roads.departures(office, by=arguments.by).lines
    if terminal.as_json:
        terminal.show_json([asdict(line) for line in found])
        return
    for line in found:
        bags = f"{line.sealed}/{line.packages or '?'}"
        terminal.show(f"{line.departure}  {line.destination}  {line.cut_off}  {bags}")
    if not found:
        Speaker(terminal).show("pouch_no_departures")


def list_empties(arguments: Namespace, terminal: Terminal) -> None:
    """Report the empty bags of each post by age."""
    with at_desk(arguments, terminal) as (_, office):
        found = views.empties(office, by=arguments.by)
        notices = views.announced_empties(office, by=arguments.by)
    if terminal.as_json:
        told = {"posts": [asdict(each) for each in found], "notices": []}
        told["notices"] = [_plain(asdict(each)) for each in notices]
        terminal.show_json(told)
        return
    for each in found:
        terminal.show(f"{each.place:<12} {' '.join(map(str, each.counts))}  +{each.announced}")
    for notice in notices:
        for bag, stands in notice.bags:
            terminal.show(
                f"{notice.post:<12} {notice.number}  {notice.due:%Y-%m-%d}  "
                f"{grouped_locator(bag)}  {stands}"
            )
    if not found:
        Speaker(terminal).show("pouch_no_empties")


def take_back(arguments: Namespace, terminal: Terminal) -> None:
    """Take empty bags back that a post returned on a bordereau of their own."""
    with at_desk(arguments, terminal) as (_, office):
        origin = arguments.origin.upper()
        taken = returns.take_back(
            office,
            arguments.locator,
            origin=origin,
            bordereau=arguments.bordereau,
            by=arguments.by,
        )
    missing = [grouped_locator(bag) for bag in taken.missing]
    told = {"bags": taken.new, "missing": missing}
    tell(terminal, "pouch_taken_back", told, bags=taken.new, post=origin)
    if missing and not terminal.as_json:
        Speaker(terminal).show("pouch_not_come", bags=", ".join(missing))


def epcis(arguments: Namespace, terminal: Terminal) -> None:
    """Export a bag's life as an EPCIS 2.0 document."""
    with at_desk(arguments, terminal) as (_, office):
        document = views.epcis(office, arguments.bag, arguments.authority, by=arguments.by)
    text = json.dumps(document, ensure_ascii=False, indent=1)
    if arguments.output is None:
        terminal.show(text)
        return
    write_durably(Path(arguments.output), text.encode("utf-8") + b"\n")
    tell(terminal, "pouch_exported", {"path": arguments.output}, path=arguments.output)


def _show_answer(terminal: Terminal, answer: dict[str, Any], phrase: str) -> None:
    if terminal.as_json:
        terminal.show_json(answer)
        return
    speaker = Speaker(terminal)
    speaker.show(f"{phrase}_{answer['receipt'].replace('-', '_')}")
    if answer["expected"]:
        speaker.show("pouch_expected", numbers=", ".join(answer["expected"]))
    for kind, what in answer["differences"]:
        speaker.show("pouch_difference", kind=kind, what=what or "-")
    if answer["alarms"]:
        speaker.show("pouch_alarms", kinds=", ".join(answer["alarms"]))


def _line_count(typed: str) -> tuple[int, int]:
    line, _, quantity = typed.partition("=")
    if not (line.isdecimal() and quantity.isdecimal()):
        raise Misused("FOUND_MALFORMED", given=typed)
    return int(line), int(quantity)


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    """Write instants as the texts that JSON has for them."""
    return {
        name: canonical.text_from_time(each) if isinstance(each, datetime) else _listed(each)
        for name, each in value.items()
    }


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value
