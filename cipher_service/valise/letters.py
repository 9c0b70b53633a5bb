"""`valise letter`: the letter under which sealed bags travel, and the form for counting them.

A letter names only bags whose seals hold, and all bags of its waybill or none: at a border the
number of packages is what counts (Vienna Convention, art. 27 paragraph 5). What a rectification
put right stands in it as it is right.
"""

from argparse import Namespace
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from cipher_service import clock
from cipher_service.client.deciphering import require_empty
from cipher_service.client.drafting import read_card_file
from cipher_service.client.durable import write_durably
from cipher_service.client.failures import Misused, Refused
from cipher_service.client.lines import date_text, show_lines
from cipher_service.client.terminal import Terminal
from cipher_service.valise.reading import read_bounded
from cipher_service.valise.rectifications import load
from pouch.errors import RectificationNotOfBag
from pouch.manifest import Manifest, Mode
from pouch.papers.letters import Issue, Package, captain_letter, count_check, courier_letter
from pouch.rectification import SignedRectification, rectified
from pouch.sealed import SEALED_BYTES_MAX, SealedManifest, read_sealed
from pouch.verdict import Trust, judge

LETTER = "letter.pdf"
COUNT = "count.pdf"


def letter(arguments: Namespace, terminal: Terminal) -> None:
    """Run `valise letter`."""
    out = Path(arguments.out)
    require_empty(out)
    trust = Trust([read_card_file(name) for name in arguments.trust])
    bags = [_genuine(name, trust) for name in arguments.manifests]
    manifests = sorted(
        _right(bags, load(arguments.rectification), trust), key=lambda each: each.ordinal
    )
    _require_all(manifests)
    waybill = manifests[0].waybill
    files = {LETTER: _letter(manifests, arguments), COUNT: count_check(waybill)}
    out.mkdir(mode=0o700, exist_ok=True)
    for name, content in files.items():
        write_durably(out / name, content)
    if terminal.as_json:
        terminal.show_json(
            {"folder": str(out), "files": sorted(files), "packages": waybill.packages}
        )
        return
    show_lines(
        terminal,
        [
            ("line_route", f"{waybill.origin} > {waybill.destination}"),
            ("line_packages", str(waybill.packages)),
            ("line_expires", date_text(_until(manifests), terminal.language)),
            ("line_folder", str(out)),
            ("line_files", ", ".join(sorted(files))),
        ],
    )


def _genuine(name: str, trust: Trust) -> SealedManifest:
    sealed = read_sealed(read_bounded(name, SEALED_BYTES_MAX))
    verdict = judge(sealed.seal.text, trust=trust, at=clock.now(), sealed=sealed)
    if not verdict.genuine:
        raise Refused("LETTER_SEAL_REFUSED", path=name, verdict=verdict.name)
    return sealed


def _right(
    bags: Sequence[SealedManifest], told: Sequence[SignedRectification], trust: Trust
) -> list[Manifest]:
    """Return the manifests as they were put right; a rectification of none of them is refused."""
    for statement in (each.statement for each in told):
        if statement.seal not in {bag.manifest.seal for bag in bags}:
            raise RectificationNotOfBag(f"{statement.number} is of none of these bags")
    return [
        rectified(
            bag, [each for each in told if each.statement.seal == bag.manifest.seal], trust=trust
        )
        for bag in bags
    ]


def _require_all(manifests: Sequence[Manifest]) -> None:
    waybill = manifests[0].waybill
    wanted = list(range(1, waybill.packages + 1))
    whole = [manifest.ordinal for manifest in manifests] == wanted
    if not whole or any(manifest.waybill != waybill for manifest in manifests):
        raise Refused("LETTER_BAGS_INCOMPLETE", number=waybill.number, packages=waybill.packages)


def _letter(manifests: Sequence[Manifest], arguments: Namespace) -> bytes:
    waybill = manifests[0].waybill
    packages = tuple(Package(each.ordinal, each.seals, each.weight_g) for each in manifests)
    issue = Issue(
        ministry_fr=arguments.ministry_fr,
        ministry_en=arguments.ministry_en,
        place=arguments.place,
        issued=clock.now().replace(microsecond=0),
        until=_until(manifests),
        name=arguments.signed_by,
        function=arguments.function,
    )
    if waybill.mode is Mode.CAPTAIN:
        if arguments.taken_by is None:
            raise Misused("TAKEN_BY_MISSING")
        return captain_letter(waybill, packages, issue, taken_by=arguments.taken_by)
    if waybill.mode not in {Mode.COURIER, Mode.AD_HOC} or waybill.carrier.passport is None:
        raise Refused("LETTER_WITHOUT_COURIER", mode=waybill.mode)
    return courier_letter(waybill, packages, issue, purpose=arguments.purpose)


def _until(manifests: Sequence[Manifest]) -> datetime:
    """Return when the letter ends: with the first of its seals."""
    return min(manifest.expires for manifest in manifests)
