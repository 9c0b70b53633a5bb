"""A holder's share of an officer's own key, handed over to that officer's new security key.

It is opened with the holder's identity and enciphered at once to the address that the officer's
page showed; whoever carries it learns nothing. Shares of the custodian's key are not handed over:
they are offered to the custodian (`custody offer`).
"""

from argparse import Namespace
from hashlib import sha256
from pathlib import Path
from typing import Final

from cipher_service.administration.custody import shares_of
from cipher_service.administration.words import Speaker
from cipher_service.client.failures import Refused
from cipher_service.client.online_confirmation import same_fingerprint
from cipher_service.client.terminal import Terminal
from keys.age.bech32 import decode_recipient
from keys.age.files import encrypt
from keys.age.hybrid import parse_recipient
from keys.files import write_new

PURPOSE: Final = "OWN-KEY-"
_MOST: Final = 4096


def hand_over(arguments: Namespace, terminal: Terminal) -> None:
    """Encipher a holder's share to the address of its officer, once its fingerprint is compared.

    Raises:
        Refused: ADDRESS_INVALID, FINGERPRINT_OF_ADDRESS, SHARE_NOT_HANDED_OVER, SHARE_OF_ANOTHER.
        KeysError: the identity or the share does not open.
    """
    recipient = _address(Path(arguments.to), arguments.fingerprint)
    [share] = shares_of([arguments.share], [arguments.identity], arguments, terminal)
    if not share.purpose.startswith(PURPOSE):
        raise Refused("SHARE_NOT_HANDED_OVER", purpose=share.purpose)
    out = Path(arguments.out)
    write_new(out, encrypt(share.to_bytes(), [recipient]))
    officer = share.purpose.removeprefix(PURPOSE)
    if terminal.as_json:
        terminal.show_json({"holder": share.holder, "officer": officer, "out": str(out)})
        return
    Speaker(terminal).show(
        "handed_over",
        holder=share.holder,
        officer=officer,
        threshold=share.threshold,
        path=str(out),
    )


def _address(path: Path, typed: str) -> bytes:
    """Return the recipient that a page saved, if it is the one whose fingerprint was read aloud."""
    with path.open("rb") as file:
        text = file.read(_MOST).decode("ascii", "replace").strip()
    try:
        recipient = decode_recipient(text)
        parse_recipient(recipient)
    except ValueError as error:
        raise Refused("ADDRESS_INVALID", path=str(path)) from error
    if not same_fingerprint(typed, sha256(text.encode()).hexdigest()):
        raise Refused("FINGERPRINT_OF_ADDRESS", path=str(path))
    return recipient
