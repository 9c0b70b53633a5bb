"""`cipher-service demo`: a ministry and its posts exchange dispatches before your eyes."""

import shutil
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cipher_service.administration.play import Play, Reading, Sending, play_on
from cipher_service.administration.showing import (
    enrol,
    gather,
    keep_open,
    leave_unread,
    make_links,
    write_info,
)
from cipher_service.administration.stage import Stage, stage
from cipher_service.administration.telegrams import (
    Telegram,
    TelegramUnreadable,
    read_folder,
    shipped,
)
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.identity.demonstration import Demonstration
from cipher_service.labels.scheme import default_scheme
from keys.cards import grouped

POSTS = ("ADDIS", "BRUXELLES", "LOME", "NEWYORK-ONU", "PARIS", "WASHINGTON")
WORKERS = 2


def demo(arguments: Namespace, terminal: Terminal) -> None:
    """Play, tell it as it happens, and end with the count of dispatches and differences."""
    telegrams = _telegrams(arguments.corpus)
    speaker = Speaker(terminal)
    with _data(arguments.keep) as data:
        speaker.show("demo_founding", data=str(data))
        with stage(data, terminal.language, WORKERS, console=True) as on:
            there = _gathered(on, speaker)
            with play_on(on, POSTS, there) as play:
                sendings, exchanged = _play(play, telegrams, speaker)
                if arguments.console:
                    leave_unread(play, sendings, on.settings.headquarters)
            if arguments.keep:
                speaker.show("demo_kept", data=str(data))
            speaker.show("demo_next")
            differences = len(telegrams) - exchanged
            terminal.show(
                f"{exchanged}/{len(telegrams)} dispatches exchanged, {differences} differences"
            )
            if differences:
                raise Refused("DEMO_DIFFERS", count=differences)
            if arguments.console:
                _open_console(on, speaker, arguments.info)


def _gathered(on: Stage, speaker: Speaker) -> Demonstration:
    """Bring officers and posts together: a ceremony, two officers' word for each post, prekeys."""
    there, roll = gather(on, POSTS)
    speaker.show("demo_ceremony", count=len(there.people()), fingerprint=roll[:19])
    fingerprints = enrol(on, POSTS, there)
    for post, fingerprint in fingerprints.items():
        speaker.show("demo_enrolled", post=post, fingerprint=grouped(fingerprint)[:19])
    on.introduce(fingerprints)
    on.provision(POSTS)
    speaker.show("demo_introduced", count=len(POSTS))
    return there


def _open_console(on: Stage, speaker: Speaker, info: str | None) -> None:
    links = make_links(on, POSTS)
    if info is not None:
        write_info(Path(info).resolve(), on.settings.console_origin, links)
    keep_open(on, speaker, links)


def _play(play: Play, telegrams: list[Telegram], speaker: Speaker) -> tuple[list[Sending], int]:
    sendings = []
    for number, telegram in enumerate(telegrams, start=1):
        sending = play.send(telegram)
        sendings.append(sending)
        _tell_sending(speaker, sending, number, len(telegrams))

    def tell(post: str, outcome: Reading) -> None:
        speaker.show("demo_read", post=post, count=outcome.dispatches, size=outcome.size)
        for identifier in outcome.differences:
            speaker.show("demo_difference", post=post, telegram=identifier)

    exchanged = play.read(sendings, tell)
    forged = next(sending for sending in sendings if set(sending.casting.addressees) & set(POSTS))
    refusal = play.forge(forged)
    speaker.show("demo_forgery", origin=forged.casting.origin, refusal=refusal)
    return sendings, exchanged


def _tell_sending(speaker: Speaker, sending: Sending, number: int, count: int) -> None:
    telegram, casting = sending.telegram, sending.casting
    precedence = default_scheme().precedence(telegram.precedence)
    speaker.show(
        "demo_sent",
        number=f"{number:{len(str(count))}d}",
        count=count,
        precedence=f"{precedence.prosign} {precedence.code:<8}",
        level=f"{telegram.level:<20}",
        origin=casting.origin,
        addressees=", ".join(casting.addressees),
        text=len(telegram.body),
        size=sending.size,
    )


def _telegrams(corpus: str | None) -> list[Telegram]:
    if corpus is None:
        return shipped()
    try:
        return read_folder(Path(corpus))
    except TelegramUnreadable as error:
        raise Refused("CORPUS_UNREADABLE", problem=str(error)) from error


@contextmanager
def _data(keep: str | None) -> Iterator[Path]:
    if keep is not None:
        yield Path(keep).resolve()
        return
    folder = Path(tempfile.mkdtemp(prefix="cipher-service-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
