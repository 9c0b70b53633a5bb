"""A real ministry in processes of its own, and posts that run the real `chiffre` against it."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text

from cipher_service import clock
from cipher_service.client.__main__ import main
from cipher_service.directory import enrolment, organisation_book
from cipher_service.directory.organisation import default_organisation
from cipher_service.settings import Settings
from cipher_service.storage import migrations
from cipher_service.storage.engine import open_engine
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.cards import read_card
from keys.custody import found
from keys.statements import key_fingerprint
from tests.support.commands import run_here
from tests.support.ending import end_all
from tests.support.ports import free_port

ROOT = Path(__file__).parents[4]
SERVE = (
    "import sys; from pathlib import Path; from cipher_service.app.processes import run;"
    " from cipher_service.settings import Settings; run(Settings.load(Path(sys.argv[1])),"
    " lambda line: print(line, flush=True))"
)
PATIENCE = 120.0


@dataclass(frozen=True)
class Run:
    """What one command of `chiffre` did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class LiveMinistry:
    """An installation, founded once; its service can be started, stopped and killed.

    `issuer` is the address that its posts use when something stands between.
    """

    def __init__(self, data: Path, issuer: str | None = None) -> None:
        port = free_port()
        self.settings = Settings(
            data=data,
            headquarters="MINREX",
            database_url="",
            host="127.0.0.1",
            port=port,
            workers=1,
            issuer=issuer or f"http://127.0.0.1:{port}",
            custodian=f"worker:{data}/run/custodian.sock",
        )
        data.mkdir(mode=0o700)
        (data / "run").mkdir(mode=0o700)
        now = clock.now().replace(microsecond=0)
        self.founding = found(
            self.settings.custodian_store,
            self.settings.custodian_credential,
            "MINREX",
            now,
            now + timedelta(days=366),
        )
        self.engine = open_engine(self.settings.database)
        migrations.upgrade(self.engine)
        with unit_of_work(self.engine) as connection:
            organisation_book.load(connection, default_organisation(), now)
            enrolment.install(connection, self.founding.card, now)
        self.settings.write()
        self.service: subprocess.Popen[bytes] | None = None

    @property
    def server(self) -> str:
        return self.settings.issuer

    @property
    def service_fingerprint(self) -> str:
        return key_fingerprint(self.founding.service_key)

    def start(self) -> None:
        with (self.settings.data / "service.log").open("ab") as log:
            self.service = subprocess.Popen(
                [sys.executable, "-c", SERVE, str(self.settings.data)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        assert self.service.stdout is not None
        said = b""
        while b"READY" not in said:
            # However long a busy machine takes: one that ends, or is refused, closes its output.
            piece = os.read(self.service.stdout.fileno(), 4096)
            assert piece, (self.settings.data / "service.log").read_text()
            said += piece

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Stop the service; with SIGKILL its supervisor dies first and the rest follows."""
        if self.service is None:
            return
        end_all(self.service, number, PATIENCE)
        assert self.service.stdout is not None
        self.service.stdout.close()
        self.service = None

    def close(self) -> None:
        self.stop()
        self.engine.dispose()

    def code_for(self, post: str) -> str:
        with unit_of_work(self.engine) as connection:
            return enrolment.issue_code(connection, post, clock.now())

    def activate(self, post: str) -> None:
        with reading(self.engine) as connection:
            fingerprint = enrolment.enrolment(connection, post).fingerprint
        with unit_of_work(self.engine) as connection:
            enrolment.activate(connection, post, fingerprint, clock.now())

    def suspend(self, post: str) -> None:
        with unit_of_work(self.engine) as connection:
            enrolment.suspend(connection, post, clock.now())

    def dispatches(self) -> list[str]:
        """The ids in the ministry's register, in order."""
        with self.engine.connect() as connection:
            rows = connection.execute(text("SELECT dispatch_id FROM dispatch ORDER BY 1"))
            return [row[0] for row in rows]

    def enrolled(self, code: str, folder: Path) -> "Post":
        """A post that is enrolled, active, and believes the ministry and its bureau's card."""
        post = Post(code, folder, self)
        post.new_identity()
        answer = post.enrol(self.code_for(code))
        assert answer.status == 0, answer.err
        self.activate(code)
        return post


class Post:
    """A post at its keyboard."""

    def __init__(self, code: str, folder: Path, ministry: LiveMinistry) -> None:
        self.code = code
        self.folder = folder
        self.ministry = ministry
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}

    @property
    def card_file(self) -> Path:
        return self.folder / f"{self.code}.card"

    @property
    def fingerprint(self) -> str:
        return read_card(self.card_file.read_bytes()).fingerprint

    def new_identity(self) -> None:
        made = self.chiffre(
            "identity", "new", "--post", self.code, "--out", str(self.folder), "--no-passphrase"
        )
        assert made.status == 0, made.err

    def enrol(self, code: str, *options: str, server: str | None = None) -> Run:
        return self.online(
            "enrol",
            *("--server", server or self.ministry.server),
            *("--code", code),
            *("--service-fingerprint", self.ministry.service_fingerprint),
            *("--headquarters-fingerprint", self.ministry.founding.card.fingerprint),
            *options,
        )

    def online(self, command: str, *words: str, **options: Any) -> Run:
        return self.chiffre(command, "--identity", str(self.folder), *words, **options)

    def chiffre(self, *words: str, text: str = "") -> Run:
        """Run a command in this process: the same code, without a second of imports."""
        typed, parent = ["--lang", "en", *words], self.folder.parent
        done = run_here(main, typed, stdin=text.encode(), cwd=parent)
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    def chiffre_alone(self, *words: str, text: str = "", timeout: float = PATIENCE) -> Run:
        """Run a command as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "cipher_service.client", "--lang", "en", *words],
            cwd=self.folder.parent,
            env=self.environment,
            input=text.encode(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    def begin(self, *words: str) -> "subprocess.Popen[bytes]":
        """Start a command and leave it running."""
        return subprocess.Popen(
            [sys.executable, "-m", "cipher_service.client", "--lang", "en", *words],
            cwd=self.folder.parent,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def confirm(self, other: "Post") -> None:
        told = self.online("cards", "--fingerprint", other.fingerprint, other.code)
        assert told.status == 0, told.err

    def send(self, to: str, message: str, *options: str, level: str = "CONFIDENTIEL") -> Run:
        return self.online("send", "--to", to, "--level", level, *options, "-", text=message)
