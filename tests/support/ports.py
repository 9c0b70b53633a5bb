"""Ports for servers of the tests."""

import secrets
import socket
from contextlib import suppress

_FIRST, _COUNT = 20_000, 12_000
"""Below what outgoing connections are given: none takes one before the server listens on it."""


def free_port() -> int:
    """Return a port that nobody listens on."""
    while True:
        port = _FIRST + secrets.randbelow(_COUNT)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
