"""`chiffre certificate`: the post shows itself in TLS; its requests carry no proofs any more."""

from argparse import Namespace
from pathlib import Path

from cipher_service import clock
from cipher_service.client.certificates import FILE
from cipher_service.client.online_session import open_session, take_certificate
from cipher_service.client.terminal import Terminal


def certificate(arguments: Namespace, terminal: Terminal) -> None:
    """Run `chiffre certificate`: have one made and tried, or end its use."""
    folder = Path(arguments.identity)
    if arguments.end:
        (folder / FILE).unlink(missing_ok=True)
        if terminal.as_json:
            terminal.show_json({"until": None})
        else:
            terminal.say("certificate_ended")
        return
    with open_session(arguments, terminal) as session:
        made = take_certificate(folder, session.identity, session.pin, session.ministry, terminal)
    until = clock.text(made.says.valid_until)
    if terminal.as_json:
        terminal.show_json({"until": until})
        return
    terminal.say("certificate_held", until=until)
