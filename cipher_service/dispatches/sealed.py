"""Text at rest: age ciphertext to a bureau's card, on both databases.

Anyone who may write can seal; only the bureau's custodian can open (`Custodian.open_sealed`). Each
sealing has its own file key, so equal subjects do not look alike.
"""

from keys.age.files import encrypt
from keys.cards import Card

TEXT_MAX = 64 * 1024


def seal_text(text: str, card: Card) -> bytes:
    """Seal a text to a bureau's card.

    Raises:
        ValueError: over 64 KiB of UTF-8: a draft, not an attachment.
    """
    data = text.encode("utf-8")
    if len(data) > TEXT_MAX:
        raise ValueError(f"a sealed text has at most {TEXT_MAX} bytes")
    return encrypt(data, [card.recipient])
