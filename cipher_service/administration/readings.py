"""`cipher-service pouch readings`: a telephone's exported queue that came here as a file."""

from argparse import Namespace
from collections import Counter
from pathlib import Path

from cipher_service.administration.pouches import at_desk, tell
from cipher_service.client.failures import Refused
from cipher_service.client.online_readings import device_of, queue_of
from cipher_service.client.terminal import Terminal
from cipher_service.client.watching import require_file
from cipher_service.pouches import queues
from keys import canonical


def take_in(arguments: Namespace, terminal: Terminal) -> None:
    """Record the readings of a file; with `--take-in`, its device first.

    Raises:
        Refused: READINGS_MALFORMED, nothing was recorded; READINGS_REFUSED, all others are.
    """
    path = Path(arguments.file)
    require_file(path)
    exported = queue_of(path)
    device = device_of(exported, path) if arguments.take_in else None
    events = [canonical.encode(each) for each in exported["events"]]
    with at_desk(arguments, terminal) as (_, office):
        answers = queues.take_in(office, events, device, by=arguments.by)
    refused = Counter(each["refusal"] for each in answers if each["refusal"] is not None)
    if refused:
        told = ", ".join(f"{code} ({count})" for code, count in sorted(refused.items()))
        raise Refused("READINGS_REFUSED", count=refused.total(), codes=told, path=str(path))
    new = sum(each["new"] for each in answers)
    tell(
        terminal,
        "pouch_readings",
        {"recorded": len(answers), "new": new},
        count=len(answers),
        new=new,
    )
