"""The demonstration's console, kept open: sample officers, links, and mail that awaits them."""

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from cipher_service.administration.ceremony import found_officers
from cipher_service.administration.furnishing import furnish_mail
from cipher_service.administration.furnishing_bags import furnish_bags
from cipher_service.administration.play import Play, Sending
from cipher_service.administration.sample import make_officers, parts
from cipher_service.administration.stage import Stage
from cipher_service.administration.words import Speaker
from cipher_service.client.durable import sync_folder
from cipher_service.identity.demonstration import Demonstration

LEFT = 6
"""How many dispatches are left unread, so that the officers find their trays filled."""


def leave_unread(play: Play, sendings: Iterable[Sending], headquarters: str) -> None:
    """Let posts send some of their telegrams to the ministry once more, read by nobody yet."""
    inbound = [sending for sending in sendings if headquarters in sending.casting.addressees]
    for sending in inbound[:LEFT]:
        play.send(sending.telegram)


def gather(on: Stage, posts: tuple[str, ...]) -> tuple[Demonstration, str]:
    """Make the sample's officers, and found the custodian with them.

    Args:
        on: the running ministry; nobody acts in it yet.
        posts: codes of its posts; the first one's officers are in the sample.

    Returns:
        The officers, and the fingerprint of the custodian's roll of them.
    """
    there = make_officers(on.settings, posts)
    people = zip(there.people(), parts(posts), strict=True)
    return there, found_officers(on.settings, list(people))


def enrol(on: Stage, posts: tuple[str, ...], there: Demonstration) -> dict[str, str]:
    """Enrol posts, each vouched for on two officers' keys; return their fingerprints by code."""
    vouching = there.holder("SECURITY-OFFICER"), there.holder("CUSTODIAN-A")
    return {post: on.enrol(post, vouching) for post in posts}


def make_links(on: Stage, posts: tuple[str, ...]) -> dict[str, str]:
    """Put work on the officers' desks, and make for each of them a link that signs in once.

    Returns:
        Addresses by the officer's function; a second holder of one has `-2` after it.
    """
    there = Demonstration.of(on.settings)
    furnish_mail(on, posts, there)
    furnish_bags(on, posts, there)
    links: dict[str, str] = {}
    for person in there.people():
        name = person.role if person.role not in links else f"{person.role}-2"
        links[name] = link_of(there, on, person.officer)
    return links


def link_of(there: Demonstration, on: Stage, officer: str) -> str:
    """Return the address of a new link."""
    return f"{on.settings.console_origin}/demonstration/{there.new_link(officer)}"


def write_info(path: Path, url: str, links: dict[str, str]) -> None:
    """Write `{"url": ..., "links": {...}}`, whole or not at all, for its owner alone."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"url": url, "links": links}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_folder(path.parent)


def keep_open(on: Stage, speaker: Speaker, links: dict[str, str]) -> None:
    """Tell the links, and wait for Ctrl-C."""
    speaker.show("demo_console", url=on.settings.console_origin)
    for name, link in links.items():
        speaker.show("demo_link", role=name, link=link)
    speaker.show("demo_leave")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        speaker.show("demo_left")
