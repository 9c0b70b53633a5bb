"""Officers whose keys sign commands: enrolled in the service's books, in software, in files."""

from pathlib import Path

from cipher_service import clock
from cipher_service.administration.installation import installation_at
from cipher_service.identity import challenges, passkey_book
from cipher_service.identity.site import MODELS, party_of, site_of
from cipher_service.settings import Settings
from cipher_service.storage.unit_of_work import unit_of_work
from keys.software_key import MODEL, SoftwareKey, SoftwareMaker


def accept(settings: Settings, maker: SoftwareMaker) -> None:
    """Let an installation take the keys of a maker."""
    settings.authenticators.mkdir(exist_ok=True)
    (settings.authenticators / "root.pem").write_bytes(maker.root)
    (settings.authenticators / MODELS).write_text(f"{MODEL}\n", "ascii")


def enrol(
    settings: Settings, officer: str, maker: SoftwareMaker, file: Path, link: str | None = None
) -> None:
    """Give an officer two keys by a link, as the console does; write one of them to a file."""
    party = party_of(settings)
    pair = (SoftwareKey.generate(), SoftwareKey.generate())
    with installation_at(settings) as on, unit_of_work(on.engine) as connection:
        now, made = clock.now(), []
        link = link or passkey_book.make_link(connection, officer, now, by=None)
        for key in pair:
            nonce = challenges.give(connection, "enrol", officer, now)
            made.append((nonce, key.create(challenges.asked("enrol", nonce), party, maker)))
        assert passkey_book.enrol(connection, link, made, site_of(settings), now) == officer
    file.write_text(pair[0].to_bytes().hex(), "utf-8")
