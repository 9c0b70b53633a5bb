"""What every online command starts from: an identity, its pinned ministry, its state and outbox."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from cipher_service import clock
from cipher_service.client.certificates import (
    Held,
    held_certificate,
    judged_certificate,
    keep_certificate,
)
from cipher_service.client.online_pins import MinistryPin, Pins
from cipher_service.client.online_refusals import (
    Distrusted,
    MinistryRefused,
    Unreachable,
    Unready,
)
from cipher_service.client.outbox import Outbox
from cipher_service.client.passphrases import passphrase_to_open
from cipher_service.client.sdk import Ministry
from cipher_service.client.state import PostState
from cipher_service.client.terminal import Terminal
from cipher_service.client.transport import Credentials, Transport
from keys.identity import Identity, load_identity
from keys.jws import ApiKey


@dataclass(slots=True)
class Session:
    """A post at work with its ministry.

    Attributes:
        identity: the post's keys and card.
        pins: whom it believes.
        pin: its ministry; another one once it learnt its root, or followed its service key.
        ministry: the acts, authenticated as this post.
        outbox: what waits to be sent.
        state: numbers and opened dispatches.
        terminal: where the command speaks.
    """

    identity: Identity
    pins: Pins
    pin: MinistryPin
    ministry: Ministry
    outbox: Outbox
    state: PostState
    terminal: Terminal

    @property
    def post(self) -> str:
        """The post's own code."""
        return self.identity.card.post


@contextmanager
def open_session(arguments: Namespace, terminal: Terminal) -> Iterator[Session]:
    """Open an identity folder for an online command.

    Nothing is sent yet: the first request is the first act. A post that has a certificate shows it;
    one that wears out is renewed after the last act.

    Raises:
        Unready: the post is not enrolled.
        Distrusted: its pins or its certificate were altered.
        KeysError, OSError, sqlite3.Error: the identity, the state or the outbox.
    """
    folder = Path(arguments.identity)
    identity = load_identity(folder, passphrase_to_open(arguments.passphrase_file, terminal))
    pins = Pins(folder)
    pin = pins.ministry()
    held = held_certificate(folder, identity)
    shown = None
    if held is not None and held.serves(clock.now()):
        shown = (identity.api_key, held.der)
    with (
        connect(pin.server, pin.authority, terminal, certificate=shown) as transport,
        PostState(folder) as state,
        Outbox(folder) as outbox,
    ):
        transport.authenticate(Credentials(identity.card.post, pin.issuer, identity.api_key))
        ministry = Ministry(transport)
        yield Session(identity, pins, pin, ministry, outbox, state, terminal)
        if held is not None and held.wears_out(clock.now()):
            # What was asked for is done; the next command tries again.
            with suppress(Unreachable, MinistryRefused, Distrusted, Unready):
                take_certificate(folder, identity, pin, ministry, terminal)


def take_certificate(
    folder: Path, identity: Identity, pin: MinistryPin, ministry: Ministry, terminal: Terminal
) -> Held:
    """Have a certificate made, try it, and keep it only if it serves.

    The way may lead past every proxy that knows of certificates, or by one that was not told yet of
    the authority in force.

    Raises:
        Unready: it does not serve; what was kept before stays.
        Distrusted: the ministry's answer is not one.
    """
    answer = ministry.certify()
    made = judged_certificate(identity, answer)
    shown = (identity.api_key, made.der)
    with connect(pin.server, pin.authority, terminal, certificate=shown) as transport:
        transport.authenticate(Credentials(identity.card.post, pin.issuer, identity.api_key))
        try:
            Ministry(transport).prekeys()
        except MinistryRefused as refused:
            raise Unready("CERTIFICATE_NOT_TAKEN", refusal=refused.code) from refused
    return keep_certificate(folder, identity, answer)


@contextmanager
def connect(
    server: str,
    authority: str | None,
    terminal: Terminal,
    certificate: tuple[ApiKey, bytes] | None = None,
) -> Iterator[Transport]:
    """Connect to a server, and tell the user at the end when the post's clock is off."""
    with Transport(
        server, language=terminal.language, authority=authority, certificate=certificate
    ) as transport:
        try:
            yield transport
        finally:
            # The skew is what the post must add to its own time: negative when it is ahead.
            seconds = round(transport.skew.total_seconds())
            if seconds:
                terminal.say("clock_ahead" if seconds < 0 else "clock_behind", seconds=abs(seconds))
