"""A rectification of the tests: of the bag in `tests.support.valise`."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from typing import Any

from pouch.bordereau import digest
from pouch.places import Change
from pouch.rectification import Rectification
from pouch.sealed import SealedManifest
from tests.support.valise import CLOSED

CHANGES = (
    Change(3, "addressee", "Chancellerie, Paris", "Consulat, Marseille"),
    Change(None, "weight", 8_450, 9_450),
    Change(None, "vehicle", "SU 271", None),
)


def rectification(sealed: SealedManifest, **changes: Any) -> Rectification:
    manifest = sealed.manifest
    made = Rectification(
        number="RECT 2026-0004",
        bag=manifest.bag,
        seal=manifest.seal,
        digest=digest(manifest).hex(),
        ordinal=1,
        previous=None,
        made=CLOSED + timedelta(hours=9),
        name="MBARGA Jeanne",
        function="Chef du Bureau de la Valise",
        reason="Erreur de transcription",
        changes=CHANGES,
        salt=sha256(b"salt of the rectification").digest(),
    )
    return replace(made, **changes)
