"""The demonstration's officers: one for each function, made by the commands that a ministry types.

Everything happens during the founding, when acts need no other officer's name: persons, functions,
habilitations. Then each is given two security keys in software, by a link and a registration as
with real ones, under a maker's root that only this installation trusts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cipher_service import clock
from cipher_service.administration.installation import installation_at, journal_of
from cipher_service.administration.stage import ministry
from cipher_service.identity import challenges, passkey_book
from cipher_service.identity.demonstration import Demonstration, SampleOfficer
from cipher_service.identity.site import MODELS, party_of, site_of
from cipher_service.settings import Settings
from keys.software_key import MODEL, SoftwareKey, SoftwareMaker

ACT = "DEMO-1"
_LIFE = timedelta(days=365)
_HELD = timedelta(days=30)
"""Since when the sample holds its functions: before anything that the demonstration sets back."""


@dataclass(frozen=True, slots=True)
class Part:
    """A person of the sample: level and days of the habilitation, posts to know of."""

    role: str
    name: str
    grade: str = "SAE"
    unit: str | None = "SG/SDCCL/SCVD"
    post: str | None = None
    level: str = "TRES-SECRET"
    knows: tuple[str, ...] = ()
    days: int = _LIFE.days


def parts(posts: tuple[str, ...]) -> tuple[Part, ...]:
    """Return the sample's persons; `posts` are those of whose dispatches readers need to know."""
    return (
        Part("MINISTER", "Ministre", "MP-HE", None, knows=posts),
        Part("DEPUTY-DIRECTOR", "Sous-Directeur", "MP", "SG/SDCCL", knows=posts),
        Part("CHIEF-CIPHER-POUCH", "Chef du Chiffre", "CAE", knows=posts),
        Part("CIPHER-CLERK", "Chiffreur A.", "SAE", knows=posts),
        Part("CIPHER-CLERK", "Chiffreur B.", "SAE", knows=posts, days=12),
        Part("DRAFTER", "Rédacteur C.", "CAE", "SG/CASPC", knows=posts),
        Part("CHIEF-POUCH", "Chef de la Valise", "CAE"),
        Part("POUCH-AGENT", "Agent de la valise D.", "SA", level="SECRET"),
        Part("COURIER", "Courrier E.", "SA", level="SECRET"),
        Part("CUSTODIAN-A", "Dépositaire A.", "CAE", "SG/CNTC"),
        Part("CUSTODIAN-B", "Dépositaire B.", "CAE", "SG/CNTC"),
        Part("ADMINISTRATOR", "Administrateur F.", "SA", "SG/CNTC", level="CONFIDENTIEL"),
        Part("AUDITOR", "Auditeur G.", "CAE", None),
        Part("HEAD-OF-POST", "Chef de poste H.", "MP", None, posts[0]),
        Part("POST-CIPHER-CLERK", "Chiffreur de poste I.", "SAE", None, posts[0]),
        # The last three end the founding: from then on every act needs an officer's name.
        Part("CHIEF-CNTC", "Chef de la Cellule", "CAE", "SG/CNTC"),
        Part("SECRETARY-GENERAL", "Secrétaire général", "MP-HE", "SG", knows=posts),
        Part("SECURITY-OFFICER", "Officier de sécurité", "CAE", "SG/CNTC"),
    )


def make_officers(settings: Settings, posts: tuple[str, ...]) -> Demonstration:
    """Make the sample's officers in a demonstration that has none.

    Args:
        settings: of an installation whose `demo` is true.
        posts: codes of its posts; the first one's officers are in the sample.
    """
    maker = SoftwareMaker()
    _trust(settings.authenticators, maker)
    now = clock.now()
    people = []
    for part in parts(posts):
        number = _recorded(settings, part, now)
        key = _enrolled(settings, number, maker)
        people.append(SampleOfficer(number, part.name, part.role, key.to_bytes().hex()))
    return Demonstration.make(settings.demonstration, people)


def _trust(folder: Path, maker: SoftwareMaker) -> None:
    folder.mkdir(mode=0o700)
    (folder / "demonstration.pem").write_bytes(maker.root)
    (folder / MODELS).write_text(f"{MODEL}\n", "ascii")


def _recorded(settings: Settings, part: Part, now: datetime) -> str:
    until = (now + timedelta(days=part.days)).date().isoformat()
    held = ("--from", (now - _HELD).date().isoformat())
    unit = ("--unit", part.unit) if part.unit else ()
    post = ("--post", part.post) if part.post else ()
    since = ("--grade-since", "2020-01-01", "--service-since", "2012-05-01")
    named = ("--name", part.name, "--grade", part.grade)
    told = ministry(settings, "officers", "add", *named, *since, *unit, *post, "--json")
    number: str = told["officer"]
    # The habilitation and needs come first: the function may be the one that ends the founding.
    ministry(
        settings,
        *("officers", "habilitate", number, part.level, "--act", ACT),
        *("--until", until, "--trained-until", until, *held),
    )
    for known in part.knows:
        ministry(settings, "officers", "need", number, "post", known, "--reason", "Démonstration")
    ministry(settings, "officers", "assign", number, part.role, "--act", ACT, *held)
    return number


def _enrolled(settings: Settings, number: str, maker: SoftwareMaker) -> SoftwareKey:
    party, site = party_of(settings), site_of(settings)
    keys = [SoftwareKey.generate() for _ in range(passkey_book.KEYS_AT_ENROLMENT)]
    with installation_at(settings) as installation:
        with journal_of(installation).act("officer_link", number) as connection:
            link = passkey_book.make_link(connection, number, clock.now(), by=None)
            nonces = [challenges.give(connection, "enrol", number, clock.now()) for _ in keys]
        answers = [
            (nonce, key.create(challenges.asked("enrol", nonce), party, maker))
            for nonce, key in zip(nonces, keys, strict=True)
        ]
        with journal_of(installation).act("officer_enrol", number) as connection:
            passkey_book.enrol(connection, link, answers, site, clock.now())
    return keys[0]
