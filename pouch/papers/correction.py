"""The paper of a rectification: what stood in a sealed bordereau, and what is right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pouch.locator import grouped_locator
from pouch.papers.bag import level_of
from pouch.papers.printing import Language, render

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pouch.manifest import Manifest
    from pouch.rectification import Rectification


def rectification_paper(
    statement: Rectification,
    manifest: Manifest,
    language: Language,
    *,
    levels: Mapping[str, str],
    witnessed: bool,
    second: str | None = None,
) -> bytes:
    """Prints a rectification, at the level of its bag: it is filed with the bordereau.

    Args:
        statement: what is put right.
        manifest: as it was sealed.
        language: of the paper.
        levels: the level words of the scheme of markings in this language, by code.
        witnessed: whether a second person's card signed it.
        second: name of the second person, where they granted the bureau's own signature.
    """
    paper = {
        "number": statement.number,
        "issuer": manifest.waybill.origin,
        "bordereau": manifest.number,
        "ordinal": manifest.ordinal,
        "waybill": manifest.waybill,
        "locator": grouped_locator(manifest.bag),
        "closed": manifest.closed,
        "made": statement.made,
        "nth": statement.ordinal,
        "reason": statement.reason,
        "changes": statement.changes,
        "digest": statement.digest,
        "hash": statement.hash,
        "name": statement.name,
        "function": statement.function,
        "witnessed": witnessed,
        "second": second,
    }
    return render(
        "rectification",
        paper,
        language,
        made=statement.made,
        level=level_of(manifest.bag_class, language, levels),
    )
