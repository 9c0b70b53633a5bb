"""Everything that closing a bag gives to print and to keep, as files by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pouch.papers.bag import bordereau, label
from pouch.symbol import png

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pouch.papers.printing import Language
    from pouch.sealed import SealedManifest

MANIFEST: Final = "manifest.json"
SEAL_TEXT: Final = "seal.txt"
SEAL_PICTURE: Final = "seal.png"
LABEL: Final = "label.pdf"
BORDEREAU: Final = "bordereau.pdf"
RECTIFICATION: Final = "rectification.json"
RECTIFICATION_PAPER: Final = "rectification.pdf"


def bag_folder(
    sealed: SealedManifest,
    nonce: str,
    language: Language,
    levels: Mapping[str, str],
    sealers: tuple[str | None, str | None] = (None, None),
    root: str | None = None,
) -> dict[str, bytes]:
    """Gives the files; the secret stands in the bordereau alone, which lies inside the bag.

    Args:
        sealed: what was signed.
        nonce: the secret, 32 hexadecimal digits.
        language: of the bordereau.
        levels: the level words of the scheme of markings in this language, by code.
        sealers: names of the two who closed the bag; None leaves one to the pen.
        root: fingerprint of the ministry's root, where it is at hand.
    """
    text, manifest = sealed.seal.text, sealed.manifest
    return {
        SEAL_TEXT: text.encode("ascii") + b"\n",
        SEAL_PICTURE: png(text),
        MANIFEST: sealed.to_bytes() + b"\n",
        LABEL: label(manifest, text),
        BORDEREAU: bordereau(
            manifest,
            language,
            issuer=manifest.waybill.origin,
            levels=levels,
            nonce=nonce,
            sealers=sealers,
            root=root,
        ),
    }
