"""The two acts of a cipher bureau: `encipher` and `decipher`.

    with open(path, "wb") as sink:
        encipher(heading, [Destination(card, "ROUTINE", Series(202600, 1))], text,
                 signer=identity, sink=sink)

    with open(path, "rb") as source, decipher(source, opener=identity, find_sender=cards.get,
                                              workspace=folder) as opened:
        opened.publish(folder / opened.manifest.id)

Into an ordinary file, `encipher_reading_once` does the same, sooner where contents are large. Who
keeps nothing reads without a quarantine: `open_head`, `read_parts`, `read_again`.
`keys.sealing`, `keys.heads` and `keys.opening` hold what they do and in which order; keys/SPEC.md
gives every byte. What a version 1 writer has ever written, every later reader opens; what a version
1 reader refuses is refused by name.
"""

from keys.heads import FileKeyOpener, Head, examine, open_head
from keys.opening import Opened, decipher, read_again, read_parts
from keys.reading_once import encipher_reading_once
from keys.sealing import (
    Attachment,
    Destination,
    DigestingSink,
    DispatchSigner,
    Enciphered,
    Prepared,
    encipher,
    prepare,
)

__all__ = [
    "Attachment",
    "Destination",
    "DigestingSink",
    "DispatchSigner",
    "Enciphered",
    "FileKeyOpener",
    "Head",
    "Opened",
    "Prepared",
    "decipher",
    "encipher",
    "encipher_reading_once",
    "examine",
    "open_head",
    "prepare",
    "read_again",
    "read_parts",
]
