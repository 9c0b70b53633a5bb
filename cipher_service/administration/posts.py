"""Posts: who they are, a code to enrol with, activation after a telephone call, suspension."""

from argparse import Namespace

from cipher_service import clock
from cipher_service.administration.installation import opened
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Refused
from cipher_service.client.terminal import Terminal
from cipher_service.directory import enrolment
from cipher_service.directory.register import read_directory
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.cards import grouped

_HOUR = 3600


def list_posts(arguments: Namespace, terminal: Terminal) -> None:
    """List the posts with their state and the fingerprint of their card in force."""
    with opened(arguments) as installation, reading(installation.engine) as connection:
        directory = read_directory(connection)
    if terminal.as_json:
        terminal.show_json(
            [
                {"post": post.code, "state": post.state, "fingerprint": post.fingerprint}
                for post in directory.posts.values()
            ]
        )
        return
    for post in directory.posts.values():
        name = post.name_fr if terminal.language == "fr" else post.name_en
        fingerprint = grouped(post.fingerprint) if post.fingerprint else ""
        terminal.show(f"{post.code:<16} {post.state:<10} {name}  {fingerprint}".rstrip())


def issue_code(arguments: Namespace, terminal: Terminal) -> None:
    """Print a one-time enrolment code; the code alone is on standard output."""
    speaker = Speaker(terminal)
    with opened(arguments) as installation, unit_of_work(installation.engine) as connection:
        code = enrolment.issue_code(connection, arguments.post.upper(), clock.now())
    hours = int(enrolment.CODE_LIFE.total_seconds()) // _HOUR
    speaker.say("code_issued", post=arguments.post.upper(), hours=hours)
    terminal.show(code)


def activate(arguments: Namespace, terminal: Terminal) -> None:
    """Put the pending card of a post in force if the fingerprint read aloud is its own."""
    post = arguments.post.upper()
    read_aloud = "".join(arguments.fingerprint.split()).lower()
    with opened(arguments) as installation, unit_of_work(installation.engine) as connection:
        received = enrolment.enrolment(connection, post).fingerprint
        if read_aloud != received:
            raise Refused("FINGERPRINT_DIFFERS", post=post)
        enrolment.activate(connection, post, received, clock.now())
    Speaker(terminal).show("post_activated", post=post, fingerprint=grouped(received))


def suspend(arguments: Namespace, terminal: Terminal) -> None:
    """Stop a post at once; one person suffices for what makes things safer."""
    post = arguments.post.upper()
    with opened(arguments) as installation, unit_of_work(installation.engine) as connection:
        enrolment.suspend(connection, post, clock.now())
    Speaker(terminal).show("post_suspended", post=post)
