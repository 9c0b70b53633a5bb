"""What the service, its commands and `chiffre` read from outside, apart from `keys` and `pouch`."""

import json
from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from pydantic import ValidationError

from cipher_service import clock, references
from cipher_service.access.matrix import read_matrix
from cipher_service.access.policies import PoliciesInvalid, read_policies
from cipher_service.administration.advisories import AdvisoriesUnreadable, collect, read_record
from cipher_service.administration.backup_parts import Contents
from cipher_service.administration.telegrams import TelegramUnreadable, read_folder
from cipher_service.administration.time_frames import DecisionsInvalid, read_decisions
from cipher_service.api.inbound import read_form
from cipher_service.api.strict_json import BodyRefused
from cipher_service.api.strict_json import parse as parse_json
from cipher_service.client import online_readings
from cipher_service.client.failures import Failure
from cipher_service.client.transport import check_address
from cipher_service.console import octets
from cipher_service.directory.organisation import OrganisationInvalid, read_organisation
from cipher_service.directory.roles import RolesInvalid, read_roles
from cipher_service.errors import ServiceError
from cipher_service.identity import compact, tokens
from cipher_service.identity.gatekeeper import read_any_proof
from cipher_service.identity.own_recovery import Recovery
from cipher_service.labels.scheme import read_scheme
from cipher_service.pouches.custody import judge as judge_event
from cipher_service.pouches.handing_in import read_number
from cipher_service.settings import FILE, Settings, SettingsInvalid
from cipher_service.storage.frames import FrameRefused, Reader, encode
from cipher_service.wire.pouches import EventsRequest
from cipher_service.wire.tokens import TokenRequest
from keys import canonical
from keys.age.files import encrypt
from pouch.facts import Seen
from pouch.locator import checked
from tests.cipher_service.identity.token_workshop import ISSUER, Workshop
from tests.fuzz.parsers import Parser, of, of_text
from tests.support.advisories import ECDSA, record, zipped
from tests.support.bags import Voyage, signed
from tests.vectors.forge import identity


def _packaged(package: str, name: str) -> str:
    return files(package).joinpath(f"data/{name}").read_text("utf-8")


def _tokens() -> list[Parser]:
    workshop = Workshop()
    allowed = {
        key.thumbprint(): tokens.read_jwk(key.public_jwk()) for key in (workshop.day, workshop.post)
    }
    access, assertion, proof = map(workshop.token, ("access", "assertion", "proof"))
    header, claims, _ = access.split(".")
    now = workshop.now
    return [
        of_text("cipher_service.identity.tokens:read_access_token",
                lambda text: tokens.read_access_token(text, allowed, issuer=ISSUER, now=now),
                access, refusals=(tokens.TokenRefused,)),
        of_text("cipher_service.identity.tokens:read_assertion",
                lambda text: tokens.read_assertion(text, allowed, issuer=ISSUER, now=now),
                assertion, refusals=(tokens.TokenRefused,)),
        of_text("cipher_service.identity.tokens:read_proof",
                lambda text: tokens.read_proof(text, now=now), proof,
                refusals=(tokens.TokenRefused,)),
        of_text("cipher_service.identity.gatekeeper:read_any_proof",
                lambda text: read_any_proof(text, now), proof, refusals=(ServiceError,)),
        of_text("cipher_service.identity.compact:split", compact.split, access,
                refusals=(ValueError,)),
        of_text("cipher_service.identity.compact:decode_segment", compact.decode_segment, header,
                refusals=(ValueError,)),
        of("cipher_service.identity.compact:read_object", compact.read_object,
           compact.decode_segment(claims), refusals=(ValueError,)),
        of_text("cipher_service.console.octets:read", octets.read, header,
                refusals=(ServiceError,)),
    ]  # fmt: skip


def _border() -> list[Parser]:
    """Bodies of requests, and what the registrar is sent."""
    voyage = Voyage()
    told = [json.loads(signed(voyage.desk.tell(Seen(seals=()), officer="ABENA"), voyage.desk))]
    events = json.dumps({"clock": None, "events": told}).encode()
    form = b"grant_type=client_credentials&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A"
    form += b"client-assertion-type%3Ajwt-bearer&client_assertion=a.b.c"
    frame = encode({"id": 7, "command": "submit", "payload": {"a": [1, b"x"]}, "claims": []})
    shares = [
        {
            "holder": each.card.post,
            "card": each.card.fingerprint,
            "sealed": canonical.text_from_bytes(encrypt(b"share", [each.card.recipient])),
        }
        for each in map(identity, ("PARIS", "LOME", "MINREX"))
    ]
    recovery = canonical.encode({"threshold": 2, "shares": shares}).decode()
    return [
        of("cipher_service.api.strict_json:parse", parse_json, events, refusals=(BodyRefused,)),
        of("cipher_service.api.inbound:read_form", lambda data: read_form(data, TokenRequest),
           form, refusals=(ServiceError,)),
        of("cipher_service.wire.pouches:EventsRequest",
           lambda data: EventsRequest.model_validate(parse_json(data)), events,
           refusals=(BodyRefused, ValidationError)),
        of("cipher_service.storage.frames:Reader.feed", lambda data: Reader().feed(data), frame,
           refusals=(FrameRefused,)),
        of_text("cipher_service.identity.own_recovery:Recovery.parse", Recovery.parse, recovery,
                refusals=(ServiceError,)),
        of("cipher_service.pouches.custody:judge",
           lambda data: judge_event(data, voyage.keys()), canonical.encode(told[0])),
        of_text("cipher_service.pouches.handing_in:read_number", read_number,
                checked("00000012"), refusals=(ServiceError,)),
        of_text("cipher_service.clock:parse", clock.parse, "2026-11-22T10:34:00Z",
                refusals=(ValueError,)),
        of_text("cipher_service.references:parse_register_number",
                references.parse_register_number, "2026/000123", refusals=(ValueError,)),
        of_text("cipher_service.client.transport:check_address", check_address,
                "https://chiffre.example:8443", "http://127.0.0.1:8470", refusals=(Failure,)),
    ]  # fmt: skip


def _papers() -> list[Parser]:
    """What administrators write: policies, matrices, organisations, settings, a corpus."""
    return [
        of_text("cipher_service.access.policies:read_policies", read_policies,
                _packaged("cipher_service.access", "posts.cedar"),
                refusals=(PoliciesInvalid,)),
        of_text("cipher_service.access.matrix:read_matrix", read_matrix,
                _packaged("cipher_service.access", "matrix.toml"), refusals=(ValueError,)),
        of_text("cipher_service.directory.organisation:read_organisation", read_organisation,
                _packaged("cipher_service.directory", "minrex.toml"),
                refusals=(OrganisationInvalid,)),
        of_text("cipher_service.directory.roles:read_roles", read_roles,
                _packaged("cipher_service.directory", "roles.toml"), refusals=(RolesInvalid,)),
        of_text("cipher_service.labels.scheme:read_scheme", read_scheme,
                files("cipher_service.labels").joinpath("default.toml").read_text("utf-8"),
                refusals=(ValueError,)),
        of("cipher_service.settings:Settings.load", _settings, SETTINGS,
           refusals=(SettingsInvalid,)),
        of("cipher_service.administration.backup_parts:Contents.parse", Contents.parse,
           Contents("a" * 64, "b" * 64, apart=True).to_bytes(), refusals=(ValueError,)),
        of("cipher_service.administration.telegrams:read_folder", _telegrams, TELEGRAM,
           refusals=(TelegramUnreadable,)),
        of("cipher_service.client.online_readings:queue_of", _queue, QUEUE, refusals=(Failure,)),
    ]  # fmt: skip


def _brought() -> list[Parser]:
    """What comes on a stick for `cipher-service components`."""
    asked = frozenset({("PyPI", "ecdsa")})
    with TemporaryDirectory() as folder:
        packed = zipped(Path(folder) / "all.zip", [ECDSA, record("X-1", "nobody")]).read_bytes()
    return [
        of("cipher_service.administration.advisories:read_record",
           lambda data: read_record(data, asked), json.dumps(ECDSA).encode(),
           refusals=(AdvisoriesUnreadable,)),
        of("cipher_service.administration.advisories:collect",
           lambda data: _in_a_file("all.zip", data, lambda at: collect([at / "all.zip"], asked)),
           packed, refusals=(AdvisoriesUnreadable,)),
        of("cipher_service.administration.time_frames:read_decisions",
           lambda data: read_decisions(data, date(2026, 11, 20)), DECISIONS,
           refusals=(DecisionsInvalid,)),
    ]  # fmt: skip


def _in_a_file(name: str, data: bytes, read: Callable[[Path], object]) -> object:
    """Readers that take a path get one."""
    with TemporaryDirectory() as folder:
        (Path(folder) / name).write_bytes(data)
        return read(Path(folder))


def _settings(data: bytes) -> None:
    _in_a_file(FILE, data, Settings.load)


def _telegrams(data: bytes) -> None:
    _in_a_file("one.json", data, read_folder)


def _queue(data: bytes) -> None:
    _in_a_file(
        "lectures.json",
        data,
        lambda folder: online_readings.queue_of(folder / "lectures.json"),
    )


SETTINGS: Final = b"""headquarters = "MINREX"
database_url = ""
host = "127.0.0.1"
port = 8470
workers = 2
issuer = "http://127.0.0.1:8470"
console_port = 8471
console_origin = "http://localhost:8471"
approval_port = 8472
approval_origin = "http://localhost:8472"
"""
TELEGRAM: Final = json.dumps(
    {
        "id": "71YAOUNDE1",
        "from": "PARIS",
        "to": ["MINREX"],
        "info": [],
        "classification": "SECRET",
        "precedence": "FLASH",
        "captions": ["EXDIS"],
        "subject": "Visite",
        "body": "Le ministre arrive mardi.",
    }
).encode()


def _exported() -> bytes:
    voyage = Voyage()
    events = [
        json.loads(signed(voyage.desk.tell(Seen(seals=()), officer="ABENA"), voyage.desk))
        for _ in range(3)
    ]
    return canonical.encode({"events": events})


QUEUE: Final = _exported()
DECISIONS: Final = b"""[[exception]]
advisory = "CVE-2024-23342"
component = "ecdsa"
until = 2027-01-31
reason = "Sans objet ici."
by = "OFF-000002"
"""
PARSERS: Final[tuple[Parser, ...]] = (*_tokens(), *_border(), *_papers(), *_brought())
