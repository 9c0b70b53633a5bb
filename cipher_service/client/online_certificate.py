"""`chiffre certificate`: the post shows itself in TLS; its requests carry no proofs any more."""

from argparse import Namespace
from pathlib import Path

from cipher_service import clock
from cipher_service.client.certificates import FILE, judged_certificate, keep_certificate
from cipher_service.client.online_refusals import MinistryRefused, Unready
from cipher_service.client.online_session import connect, open_session
from cipher_service.client.sdk import Ministry
from cipher_service.client.terminal import Terminal
from cipher_service.client.transport import Credentials


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
        answer = session.ministry.certify()
        identity, pin = session.identity, session.pin
        made = judged_certificate(identity, answer)
        shown = (identity.api_key, made.der)
        with connect(pin.server, pin.authority, terminal, certificate=shown) as transport:
            transport.authenticate(Credentials(session.post, pin.issuer, identity.api_key))
            try:
                # Kept only if it serves: the way may lead past every proxy that knows of it.
                Ministry(transport).prekeys()
            except MinistryRefused as refused:
                raise Unready("CERTIFICATE_NOT_TAKEN", refusal=refused.code) from refused
        keep_certificate(folder, identity, answer)
    until = clock.text(made.says.valid_until)
    if terminal.as_json:
        terminal.show_json({"until": until})
        return
    terminal.say("certificate_held", until=until)
