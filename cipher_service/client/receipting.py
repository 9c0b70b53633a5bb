"""A post's receipts: signed here, kept in the outbox until the ministry has them.

What came by pouch, or was fetched before and is opened by hand, is receipted like what came over
the wire: the receipt waits for the next command that has a line. A post that is enrolled nowhere
has nobody to tell.
"""

from hashlib import file_digest
from pathlib import Path

from cipher_service import clock
from cipher_service.client.log_book import LogBook
from cipher_service.client.outbox import FOLDER, Outbox
from cipher_service.client.outbox_entries import Note
from keys.identity import Identity
from keys.manifest import Manifest
from keys.post_receipts import DECIPHERED, DELIVERED, PostReceipt, make_post_receipt
from keys.signing import RECEIPT


def give_receipt(
    folder: Path,
    identity: Identity,
    outbox: Outbox,
    kind: str,
    *,
    dispatch_id: str,
    envelope_sha256: str,
    manifest_hash: str | None = None,
    reason: str | None = None,
) -> bool:
    """Sign a receipt and let it wait in the outbox; False when one of this kind was made before.

    Args:
        folder: of the identity.
        identity: who signs.
        outbox: of the same folder.
        kind: delivered, deciphered or refused (`keys.post_receipts`).
        dispatch_id: ULID.
        envelope_sha256: of the file that is here, hex.
        manifest_hash: of what was deciphered, hex.
        reason: code of a refusal.
    """
    name = f"receipt/{dispatch_id}/{kind}"
    if outbox.knows_note(name):
        return False
    with LogBook(folder) as book:
        checkpoint = book.carried()
    receipt = PostReceipt(
        kind=kind,
        dispatch_id=dispatch_id,
        post=identity.card.post,
        card=identity.card.fingerprint,
        envelope_sha256=envelope_sha256,
        at=clock.now().replace(microsecond=0),
        manifest_hash=manifest_hash,
        reason=reason,
        checkpoint=checkpoint,
    )
    body = make_post_receipt(receipt, lambda statement: identity.sign(RECEIPT, statement))
    outbox.post(Note(name, "/v1/receipts", body))
    return True


def receipt_file(folder: Path, identity: Identity, source: Path, manifest: Manifest) -> bool:
    """Receipt a dispatch that was opened from a file at hand, for when there is a line.

    Doing it again changes nothing, so a command that dies in between is simply repeated.

    Args:
        folder: of the identity.
        identity: who opened it.
        source: the file.
        manifest: verified.

    Returns:
        Whether a new receipt waits; False when there is one, or when nobody is to be told: the post
        is not enrolled, or it is the sender's own copy.
    """
    if not (folder / FOLDER).is_dir() or manifest.sender.post == identity.card.post:
        return False
    with source.open("rb") as file:
        sha256 = file_digest(file, "sha256").hexdigest()
    with Outbox(folder) as outbox:
        made = [
            give_receipt(
                folder,
                identity,
                outbox,
                kind,
                dispatch_id=manifest.id,
                envelope_sha256=sha256,
                manifest_hash=digest,
            )
            for kind, digest in ((DELIVERED, None), (DECIPHERED, manifest.hash))
        ]
    return any(made)
