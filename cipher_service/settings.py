"""The settings of one installation: a typed, frozen reading of `service.toml`.

A data folder holds everything that an installation owns: its settings, database, envelopes,
custodian store and sockets. `CIPHER_SERVICE_DATA` names it, or `--data`.
"""

import os
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

VARIABLE = "CIPHER_SERVICE_DATA"
FILE = "service.toml"
PORT_MOST = 65535


class SettingsInvalid(ValueError):
    """The settings cannot be read or break a bound; the text names the member."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one installation is.

    Attributes:
        data: the data folder, absolute.
        headquarters: post code of the ministry's own bureau.
        database_url: SQLAlchemy URL; empty for the embedded database of the data folder.
        host: address to listen on.
        port: TCP port, 1 to 65535.
        workers: number of API processes, 1 to 64.
        issuer: public base address of the API, without a slash at the end; tokens name it.
        custodian: URI of the custodian (`keys.custody.open_custodian`).
        console_port: where officers' pages are served; 0 for no console.
        console_origin: of these pages, as browsers write it.
        approval_port: where acts are signed, in a process of its own; 0 with no console.
        approval_origin: of that page; its host is the console's or one below it, since both ask for
            one party's security keys.
        demo: whether its officers hold keys in software and enter by links; never in production.
        production: whether a custodian without officers is refused the use of the bureau's keys.
        log: the audit log's name, fixed at founding; empty where a founding older than this member
            left it to the issuer.
        log_public: whether the log's head and tiles are given to anyone; else to posts alone.
        certificates_demanded: whether a post is heard only by the certificate that it shows in TLS.
    """

    data: Path
    headquarters: str
    database_url: str
    host: str
    port: int
    workers: int
    issuer: str
    custodian: str
    console_port: int = 0
    console_origin: str = ""
    approval_port: int = 0
    approval_origin: str = ""
    demo: bool = False
    production: bool = False
    log: str = ""
    log_public: bool = False
    certificates_demanded: bool = False

    @property
    def database(self) -> str:
        """The database's SQLAlchemy URL, spelled with its driver."""
        return self.database_url or f"sqlite:///{self.data / 'ministry.db'}"

    @property
    def log_origin(self) -> str:
        """The audit log's name in its checkpoints, which outlives every change of address."""
        return self.log or origin_for(self.issuer)

    @property
    def epcis_authority(self) -> str:
        """The URI under which bags, seals and places are named outside: the issuer's host."""
        host = urlsplit(self.issuer).hostname or "localhost"
        return f"https://{host}" if "." in host else f"https://{host}.invalid"

    @property
    def registrar_socket(self) -> Path:
        """Where the registrar listens."""
        return self.data / "run" / "registrar.sock"

    @property
    def custodian_apart(self) -> bool:
        """Whether another than this installation runs the custodian, from a folder of its own."""
        place = self.custodian.removeprefix("worker:")
        own = own_custodian(self.data).removeprefix("worker:")
        return place == self.custodian or Path(place).resolve() != Path(own).resolve()

    @property
    def custodian_store(self) -> Path:
        """The custodian's own folder; no other process reads it."""
        return self.data / "custodian"

    @property
    def custodian_credential(self) -> Path:
        """The file that unwraps the custodian's store, as a service manager would hand it."""
        return self.data / "custodian.credential"

    @property
    def proxy_secret(self) -> Path:
        """The file of what the TLS proxy proves itself by; there only where one was made."""
        return self.data / "proxy.secret"

    @property
    def party_id(self) -> str:
        """The domain for which officers' security keys are made (WebAuthn's RP ID)."""
        return urlsplit(self.console_origin).hostname or ""

    @property
    def authenticators(self) -> Path:
        """The folder that says which security keys the ministry issues."""
        return self.data / "authenticators"

    @property
    def demonstration(self) -> Path:
        """What a demonstration keeps for its officers: keys in software, links."""
        return self.data / "demonstration"

    @classmethod
    def load(cls, data: Path) -> Self:
        """Read `service.toml` of a data folder.

        Raises:
            SettingsInvalid: the folder has no settings, or a member is missing or out of bounds.
        """
        file = data / FILE
        try:
            members = tomllib.loads(file.read_text("utf-8"))
        except FileNotFoundError as error:
            raise SettingsInvalid(f"{file} does not exist") from error
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsInvalid(f"{file}: {error}") from error
        loaded = cls(
            data=data.resolve(),
            headquarters=_text(members, "headquarters"),
            database_url=_text(members, "database_url", ""),
            host=_text(members, "host", "127.0.0.1"),
            port=_number(members, "port", 8470, PORT_MOST),
            workers=_number(members, "workers", 2, 64),
            issuer=_text(members, "issuer").rstrip("/"),
            custodian=_text(members, "custodian", own_custodian(data.resolve())),
            console_port=_number(members, "console_port", 0, PORT_MOST, least=0),
            console_origin=_text(members, "console_origin", ""),
            approval_port=_number(members, "approval_port", 0, PORT_MOST, least=0),
            approval_origin=_text(members, "approval_origin", ""),
            demo=members.get("demo", False) is True,
            production=_choice(members, "production"),
            log=_text(members, "log", ""),
            log_public=_choice(members, "log_public"),
            certificates_demanded=_choice(members, "certificates_demanded"),
        )
        loaded.require_origins()
        return loaded

    def require_origins(self) -> None:
        """Demand that a console has its two places, under one name that browsers trust.

        Raises:
            SettingsInvalid: a member is missing or is not an origin.
        """
        if self.demo and self.production:
            raise SettingsInvalid(f"{FILE}: demo and production exclude each other")
        if self.production and any(
            each.startswith("http:") for each in (self.console_origin, self.approval_origin)
        ):
            raise SettingsInvalid(f"{FILE}: in production console and approval have https origins")
        if self.demo and self.party_id not in ("", "localhost"):
            raise SettingsInvalid(f"{FILE}: demo is for http://localhost only")
        if not self.console_port:
            return
        self._require_ports()
        for name in ("console_origin", "approval_origin"):
            if not _is_origin(getattr(self, name)):
                raise SettingsInvalid(
                    f"{FILE}: {name} must be https://HOST[:PORT], or http://localhost:PORT"
                )
        # A key made for one name serves at the names below it, and nowhere else.
        if not f".{urlsplit(self.approval_origin).hostname}".endswith(f".{self.party_id}"):
            raise SettingsInvalid(
                f"{FILE}: approval_origin must have the host of console_origin, or one below it"
            )

    def _require_ports(self) -> None:
        if not self.approval_port or self.approval_port == self.console_port:
            raise SettingsInvalid(f"{FILE}: approval_port must be another port than console_port")
        for name in ("console_port", "approval_port"):
            port = getattr(self, name)
            if not 0 < port <= PORT_MOST or port == self.port:
                raise SettingsInvalid(
                    f"{FILE}: {name} must be a number from 1 to {PORT_MOST}, another than port"
                )

    def write(self) -> None:
        """Write `service.toml` into the data folder, readable by its owner only."""
        lines = [
            f'headquarters = "{self.headquarters}"',
            f'database_url = "{self.database_url}"',
            f'host = "{self.host}"',
            f"port = {self.port}",
            f"workers = {self.workers}",
            f'issuer = "{self.issuer}"',
            f"log_public = {str(self.log_public).lower()}",
        ]
        if self.console_port:
            lines += [
                f"console_port = {self.console_port}",
                f'console_origin = "{self.console_origin}"',
                f"approval_port = {self.approval_port}",
                f'approval_origin = "{self.approval_origin}"',
            ]
        if self.demo:
            lines.append("demo = true")
        lines += [
            f"{name} = true"
            for name in ("production", "certificates_demanded")
            if getattr(self, name)
        ]
        if self.log:
            lines.append(f'log = "{self.log}"')
        if self.custodian != own_custodian(self.data):
            # The default stays unwritten, so that a folder that is moved or restored still serves.
            lines.append(f'custodian = "{self.custodian}"')
        descriptor = os.open(self.data / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
            file.flush()
            os.fsync(file.fileno())


def origin_for(issuer: str) -> str:
    """Return the name that a log founded under an issuer takes: it without its scheme, `/audit`."""
    return f"{issuer.partition('://')[2]}/audit"


def own_custodian(data: Path) -> str:
    """Return the URI of the custodian that a data folder runs for itself."""
    return f"worker:{data}/run/custodian.sock"


def _text(members: dict[str, Any], name: str, default: str | None = None) -> str:
    value = members.get(name, default)
    if not isinstance(value, str) or (value == "" and default is None):
        raise SettingsInvalid(f"{FILE}: {name} must be a text")
    return value


def _number(
    members: dict[str, Any], name: str, default: int, highest: int, *, least: int = 1
) -> int:
    value = members.get(name, default)
    if type(value) is not int or not least <= value <= highest:
        raise SettingsInvalid(f"{FILE}: {name} must be a number from {least} to {highest}")
    return value


def _is_origin(text: str) -> bool:
    """Say whether this is an origin from which browsers let security keys be asked."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or text != f"{parts.scheme}://{parts.netloc}" or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")


def _choice(members: dict[str, Any], name: str) -> bool:
    value = members.get(name, False)
    if type(value) is not bool:
        raise SettingsInvalid(f"{FILE}: {name} must be true or false")
    return value
