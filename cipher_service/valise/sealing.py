"""`valise seal`: from a draft to everything that a bag needs, in one new folder, or nothing.

The folder is made beside its final place and renamed when it is whole and on disk.
"""

import os
from argparse import Namespace
from pathlib import Path

from cipher_service import clock
from cipher_service.client.deciphering import require_empty
from cipher_service.client.durable import sync_folder
from cipher_service.client.interruptions import undisturbed
from cipher_service.client.kept import ROOT_KEPT
from cipher_service.client.lines import date_text, show_lines
from cipher_service.client.messages import Language
from cipher_service.client.passphrases import open_identity
from cipher_service.client.quarantine import quarantine
from cipher_service.client.terminal import Terminal
from cipher_service.labels.scheme import default_scheme
from cipher_service.valise.drafts import complete
from cipher_service.valise.reading import read_bounded
from cipher_service.valise.verifying import claims_record
from keys.endorsement import read_root_file, root_fingerprint
from keys.errors import Refusal
from keys.identity import Identity
from pouch.bordereau import MANIFEST_BYTES_MAX
from pouch.classes import (
    Limits,
    Measures,
    limits_of,
    require_level,
    require_pair,
    require_within,
)
from pouch.locator import grouped_locator
from pouch.manifest import Manifest
from pouch.papers.folder import bag_folder
from pouch.sealed import SealedManifest, seal_manifest


def seal(arguments: Namespace, terminal: Terminal) -> None:
    """Run `valise seal`."""
    out = Path(arguments.out)
    require_empty(out)
    data = read_bounded(arguments.manifest, MANIFEST_BYTES_MAX)
    sealer = open_identity(arguments, terminal)
    witness = open_witness(arguments, terminal)
    completed = complete(data, origin=sealer.card.post, now=clock.now())
    _require_fitting(completed.manifest)
    sealed = seal_manifest(completed.manifest, sealer=sealer, witness=witness)
    publish(
        _files(sealed, completed.nonce, terminal.language, _root(Path(arguments.identity))),
        out.resolve(),
        Path(arguments.identity),
    )
    _tell(sealed, out, terminal)


def _require_fitting(manifest: Manifest) -> None:
    """Demand that the bag may travel so and hold what it holds."""
    require_pair(manifest.bag_class, manifest.waybill.mode)
    ranks = {level.code: level.rank for level in default_scheme().levels}
    for item in manifest.items:
        require_level(manifest.bag_class, item.level, ranks)
    weights = tuple(item.weight_g for item in manifest.items)
    limits = limits_of(manifest.bag_class, manifest.waybill.mode, Limits())
    require_within(limits, Measures(weights, max(manifest.weight_g, sum(weights))))


def open_witness(arguments: Namespace, terminal: Terminal) -> Identity | None:
    """Open the second person's identity, if `--witness` names one; raises as `open_identity`."""
    if arguments.witness is None:
        return None
    second = Namespace(
        identity=arguments.witness, passphrase_file=arguments.witness_passphrase_file
    )
    return open_identity(second, terminal)


def _root(identity: Path) -> str | None:
    """Return the fingerprint of the root that `chiffre pack` keeps; None before the first pack."""
    try:
        return root_fingerprint(read_root_file(identity.joinpath(ROOT_KEPT).read_bytes()))
    except (FileNotFoundError, Refusal):
        return None


def _files(
    sealed: SealedManifest, nonce: str, language: Language, root: str | None
) -> dict[str, bytes]:
    """Return what is written, by name."""
    levels = default_scheme().level_names(language)
    return bag_folder(sealed, nonce, language, levels, root=root)


def publish(files: dict[str, bytes], out: Path, identity: Path) -> None:
    """Write a new folder whole, or not at all: beside its place, on disk, then renamed."""
    with quarantine(identity, out.parent) as workspace, undisturbed():
        move_in(files, workspace / "sealed", out)


def move_in(files: dict[str, bytes], folder: Path, out: Path) -> None:
    """Write files into a new folder, those of folders in it too, and rename it once it is whole."""
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(content)
            os.fchmod(file.fileno(), 0o600)
            file.flush()
            os.fsync(file.fileno())
    for inner in {(folder / name).parent for name in files}:
        sync_folder(inner)
    sync_folder(folder)
    # An empty folder may be there already; anything else makes this fail.
    folder.rename(out)
    sync_folder(out.parent)


def _tell(sealed: SealedManifest, out: Path, terminal: Terminal) -> None:
    claims, language = sealed.seal.claims, terminal.language
    names = sorted(path.name for path in out.iterdir())
    if terminal.as_json:
        terminal.show_json(
            {
                "folder": str(out),
                "files": names,
                "text": sealed.seal.text,
                "claims": claims_record(claims),
                "unwitnessed": sealed.witness is None,
            }
        )
        return
    show_lines(
        terminal,
        [
            ("line_route", f"{claims.issuer} > {claims.destination}"),
            ("line_locator", grouped_locator(claims.bag)),
            ("line_seal_numbers", ", ".join(claims.seals)),
            ("line_expires", date_text(claims.expires, language)),
            ("line_folder", str(out)),
            ("line_files", ", ".join(names)),
        ],
    )
    if sealed.witness is None:
        terminal.say("sealed_alone")
