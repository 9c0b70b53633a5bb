"""`valise rectify`: from what is right to a signed file and its paper, in a new folder, or nothing.

Whoever closed a bag puts words and weights of its bordereau right after it left: by a signed file
that says what stood there and what is right, and by its paper. What was sealed is not touched.
"""

import secrets
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from cipher_service import clock
from cipher_service.client.deciphering import require_empty
from cipher_service.client.drafting import read_card_file
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.lines import show_lines
from cipher_service.client.passphrases import open_identity
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches.members import member_told, wrong_member
from cipher_service.valise.reading import read_bounded
from cipher_service.valise.rectifications import change_text, load
from cipher_service.valise.sealing import open_witness, publish
from pouch.bordereau import digest
from pouch.changes import change_of
from pouch.errors import OriginNotYours, RectificationMalformed
from pouch.findings import Name
from pouch.manifest import SALT_BYTES, Manifest
from pouch.papers.correction import rectification_paper
from pouch.papers.folder import RECTIFICATION, RECTIFICATION_PAPER
from pouch.places import Change
from pouch.rectification import (
    Rectification,
    SignedRectification,
    make_rectification,
    read_rectification,
    rectified,
)
from pouch.sealed import SEALED_BYTES_MAX, SealedManifest, read_sealed
from pouch.verdict import Trust, judge


def rectify(arguments: Namespace, terminal: Terminal) -> None:
    """Run `valise rectify`."""
    out = Path(arguments.out)
    require_empty(out)
    sealed = read_sealed(read_bounded(arguments.manifest, SEALED_BYTES_MAX))
    earlier = load(arguments.rectification)
    sealer = open_identity(arguments, terminal)
    witness = open_witness(arguments, terminal)
    if sealer.card.post != sealed.manifest.waybill.origin:
        raise OriginNotYours(f"the bag is {sealed.manifest.waybill.origin}'s")
    own = [each.card for each in (sealer, witness) if each is not None]
    trust = Trust([*own, *map(read_card_file, arguments.trust)])
    _require_genuine(sealed, trust, arguments.manifest)
    right = rectified(sealed, earlier, trust=trust)
    statement = _statement(arguments, sealed, earlier, right)
    try:
        data = make_rectification(statement, sealer=sealer, witness=witness)
    except RectificationMalformed as error:
        member = member_told(wrong_member(error), terminal.language)
        raise Misused("RECTIFY_NOT_SO", member=member) from error
    # What a receiver would refuse is refused here.
    rectified(sealed, [*earlier, read_rectification(data)], trust=trust)
    levels = default_scheme().level_names(terminal.language)
    paper = rectification_paper(
        statement,
        sealed.manifest,
        terminal.language,
        levels=levels,
        witnessed=witness is not None,
    )
    publish(
        {RECTIFICATION: data + b"\n", RECTIFICATION_PAPER: paper},
        out.resolve(),
        Path(arguments.identity),
    )
    _tell(statement, out, terminal)


def _require_genuine(sealed: SealedManifest, trust: Trust, path: str) -> None:
    """Demand that the bag's own seal holds; one past its end may still be put right."""
    verdict = judge(sealed.seal.text, trust=trust, at=clock.now(), sealed=sealed)
    if not verdict.genuine and verdict.name is not Name.SEAL_EXPIRED:
        raise Refused("RECTIFY_SEAL_REFUSED", path=path, verdict=verdict.name)


def _statement(
    arguments: Namespace,
    sealed: SealedManifest,
    earlier: Sequence[SignedRectification],
    right: Manifest,
) -> Rectification:
    return Rectification(
        number=arguments.number,
        bag=right.bag,
        seal=right.seal,
        digest=digest(sealed.manifest).hex(),
        ordinal=len(earlier) + 1,
        previous=earlier[-1].statement.hash if earlier else None,
        made=clock.now().replace(microsecond=0),
        name=arguments.signed_by,
        function=arguments.function,
        reason=arguments.reason,
        changes=tuple(_change(typed, right) for typed in arguments.set),
        salt=secrets.token_bytes(SALT_BYTES),
    )


def _change(typed: str, right: Manifest) -> Change:
    """Return the change that was typed as `consignee=Le consul` or `3.weight=250`."""
    try:
        return change_of(typed, right)
    except ValueError as error:
        raise Misused("RECTIFY_SET_WRONG", typed=typed) from error


def _tell(statement: Rectification, out: Path, terminal: Terminal) -> None:
    names = sorted(path.name for path in out.iterdir())
    if terminal.as_json:
        terminal.show_json(
            {
                "folder": str(out),
                "files": names,
                "ordinal": statement.ordinal,
                "hash": statement.hash,
            }
        )
        return
    changes = [
        ("line_put_right", change_text(each, terminal.language)) for each in statement.changes
    ]
    show_lines(terminal, [*changes, ("line_folder", str(out)), ("line_files", ", ".join(names))])
