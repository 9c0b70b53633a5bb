"""What goes and comes by diplomatic pouch: envelopes written out for a bag, and taken from one."""

from argparse import Namespace
from pathlib import Path

from cipher_service.administration.bureau import at_work, looked_at
from cipher_service.administration.words import Speaker
from cipher_service.client.copies import copy_exactly
from cipher_service.client.terminal import Terminal
from cipher_service.dispatches.lists import dispatch_of, held_of
from cipher_service.errors import ServiceError
from cipher_service.storage.blobs import Blobs
from cipher_service.storage.held import opened
from cipher_service.storage.unit_of_work import reading
from keys.age.header import Header
from keys.package import label_id


def bag(arguments: Namespace, terminal: Terminal) -> None:
    """Write the envelope of a dispatch out, for the bag or for a repetition by hand.

    Raises:
        ServiceError: NOT_FOUND; ENVELOPE_LOST: what is on disk is not what was recorded.
        OSError: the output cannot be written.
    """
    out = Path(arguments.output)
    with looked_at(arguments, f"bureau bag {arguments.dispatch}"[:80]) as installation:
        with reading(installation.engine) as connection:
            record = dispatch_of(connection, installation.settings.headquarters, arguments.dispatch)
            held = held_of(connection, record)
        try:
            source = opened(Blobs(installation.settings.data), held)
        except FileNotFoundError:
            raise ServiceError("ENVELOPE_LOST") from None
        with source:
            if not copy_exactly(source, record.sha256, out):
                raise ServiceError("ENVELOPE_LOST")
    facts = {"id": record.dispatch_id, "path": str(out), "sha256": record.sha256}
    if terminal.as_json:
        terminal.show_json({**facts, "size": record.size})
        return
    Speaker(terminal).show("bag_written", **facts)


def receive(arguments: Namespace, terminal: Terminal) -> None:
    """Decipher an envelope that came in a bag into a folder."""
    target = Path(arguments.output).absolute()
    file = Path(arguments.file)
    with at_work(arguments, terminal) as (_, bureau, judge):
        judge("bureau_receive", "read", judge.received(_name_of(file)))
        arrival = bureau.receive(file, target)
    speaker = Speaker(terminal)
    speaker.show(
        "bureau_again" if arrival.again else "bureau_opened",
        id=arrival.manifest.id,
        origin=arrival.manifest.sender.post,
        folder=str(target),
        register=arrival.register,
    )
    if not arrival.receipted:
        speaker.say("bag_unregistered", origin=arrival.manifest.sender.post)


def _name_of(file: Path) -> str:
    """Return the dispatch that an envelope says it is. Raises KeysError, OSError."""
    with file.open("rb") as source:
        return label_id(Header.parse(source))
