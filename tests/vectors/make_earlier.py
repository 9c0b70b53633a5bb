"""Fill a ministry and keep it as a fixture: `python -m tests.vectors.make_earlier FILE.tar.xz`.

Run it from the release whose ministry is to be kept; `tests/vectors/earlier` is never made anew, as
no later release writes what an earlier one wrote. The archive holds:

    data/       the ministry's folder, two posts' identities in it, stopped
    holders/    two identities, and the shares of the key of backups beside them
    backups/    one backup, made before the last dispatch

The cards are valid for ten years, as long as they can be.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from datetime import timedelta
from pathlib import Path
from shutil import copy
from typing import Any

from cipher_service import clock
from cipher_service.administration import founding
from cipher_service.administration.stage import Stage, chiffre, stage
from cipher_service.directory import enrolment
from cipher_service.storage.engine import open_existing
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.statements import key_fingerprint
from tests.surfaces.administration.running import done, given
from tests.surfaces.administration.test_pouch import made_up, ready, sealing

POSTS = ("PARIS", "LOME")
HOLDERS = ("GARDE-A", "GARDE-B")
DAYS = 3650
LEFT_OUT = ("run", "service.log", "backup-shares-")
PEOPLE = ("--drafter", "A. Ndongo", "--authority", "SG", "--level", "SECRET")


def fill(on: Stage, folder: Path) -> None:
    """Dispatches read and unread, small and large; a bag on its way; a backup."""
    fingerprints = {post: _enrol(on, post) for post in POSTS}
    on.introduce(fingerprints)
    short, long = folder / "short.txt", folder / "long.bin"
    short.write_text("Le ministre arrive mardi.\n", "utf-8")
    long.write_bytes(os.urandom(100_000))
    send = ("bureau", "send", *PEOPLE)
    for to in POSTS:
        done(on, *send, "--to", to, "--subject", "Visite", str(short))
    done(on, *send, "--to", "PARIS", "--to", "LOME", "--attach", str(long), str(short))
    for post, to in (("PARIS", "LOME"), ("LOME", "PARIS"), ("PARIS", "MINREX")):
        typed = ("--identity", on.identity(post), "--to", to, "--level", "SECRET", str(short))
        sent = chiffre("fr", "send", *typed)
    done(on, "bureau", "open", sent["id"], "-o", str(folder / "opened"))
    lome = ("--identity", on.identity("LOME"))
    chiffre("fr", "fetch", *lome, "--all", "--decipher", "-o", str(folder / "read"))
    chiffre("fr", "sync", *lome)
    _send_a_bag(on, folder)
    _back_up(on, folder)
    done(on, *send, "--to", "LOME", str(short))


def _enrol(on: Stage, post: str) -> str:
    identity = on.identity(post)
    made = ("--post", post, "--out", identity, "--no-passphrase", "--days", str(DAYS))
    chiffre("fr", "identity", "new", *made)
    engine = open_existing(on.settings.database)
    with unit_of_work(engine) as connection:
        code = enrolment.issue_code(connection, post, clock.now())
    chiffre(
        "fr",
        *("enrol", "--identity", identity, "--server", on.settings.issuer, "--code", code),
        *("--service-fingerprint", key_fingerprint(on.founding.service_key)),
        *("--headquarters-fingerprint", on.founding.card.fingerprint),
    )
    with reading(engine) as connection:
        fingerprint = enrolment.enrolment(connection, post).fingerprint
    with unit_of_work(engine) as connection:
        enrolment.activate(connection, post, fingerprint, clock.now())
    engine.dispose()
    return fingerprint


def _send_a_bag(on: Stage, folder: Path) -> None:
    def typed(*words: str) -> tuple[int, str, str]:
        ended = subprocess.run(
            [sys.executable, "-m", "cipher_service", "--data", str(on.settings.data), *words],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return ended.returncode, ended.stdout, ended.stderr

    people: dict[str, str] = {}
    what: dict[str, Any] = ready(typed, people)
    seal = made_up(typed, people, what)
    given(on, *sealing(people, what, seal, folder / "bag"))
    by = ("--by", people["chief"])
    done(on, "pouch", "hand-over", what["bag"], "--to", people["courier"], *by)


def _back_up(on: Stage, folder: Path) -> None:
    cards = []
    for name in HOLDERS:
        out = folder / "holders" / name
        made = ("--post", name, "--out", str(out), "--no-passphrase", "--days", str(DAYS))
        chiffre("fr", "identity", "new", *made)
        cards += ["--holder", str(out / f"{name}.card")]
    done(on, "backup", "key", "--threshold", "2", *cards)
    for share in on.settings.data.glob("backup-shares-*/*.share"):
        copy(share, folder / "holders")
    done(on, "backup", "make", "--out", str(folder / "backups"))


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return (
        None
        if member.name.split("/")[1:2] and member.name.split("/")[1].startswith(LEFT_OUT)
        else member
    )


def main() -> None:
    """Make the archive."""
    founding.CARD_LIFE = timedelta(days=DAYS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with stage(folder / "data", "fr", 1) as on:
            fill(on, folder)
        with tarfile.open(sys.argv[1], "x:xz", preset=9) as archive:
            for each in ("data", "holders", "backups"):
                archive.add(folder / each, each, filter=_kept)


if __name__ == "__main__":
    main()
