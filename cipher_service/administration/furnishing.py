"""What the demonstration's officers find on their desks: mail in every state, by its use cases.

Nothing is written behind the books: posts send with `chiffre`, officers act through the desk that
the registrar runs for signed-in officers, and sign with their software keys.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from cipher_service.administration.installation import custodian_of, installation_at, journal_of
from cipher_service.administration.officer_keys import AtHand, keys_of
from cipher_service.administration.stage import Stage, chiffre
from cipher_service.audit.journal import Journal
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.dispatches.office.commands import OfficeDesk
from cipher_service.dispatches.office.showing import Showing
from cipher_service.dispatches.reception import Reception
from cipher_service.identity.demonstration import Demonstration, SampleOfficer
from cipher_service.identity.site import party_of, site_of
from cipher_service.settings import Settings
from cipher_service.storage.blobs import Blobs
from keys.acts import approval_challenge
from keys.software_key import SoftwareKey

Act = Callable[..., Any]
"""Does an act of an officer: the officer, the act's name, its payload by name."""


@dataclass(frozen=True, slots=True)
class _Letter:
    post: int
    level: str
    precedence: str
    subject: str
    text: str


_LETTERS = (
    _Letter(0, "CONFIDENTIEL", "FLASH", "Évacuation", "Nos ressortissants sont à l'abri."),
    _Letter(0, "SECRET", "IMMEDIAT", "Délimitation", "La signature est fixée à mardi."),
    _Letter(1, "CONFIDENTIEL", "URGENT", "Visite", "Le Premier ministre arrive jeudi à 9 h."),
    _Letter(1, "DIFFUSION-RESTREINTE", "ROUTINE", "Bourses", "Douze dossiers sont complets."),
)


def furnish_mail(on: Stage, posts: tuple[str, ...], there: Demonstration) -> None:
    """Let mail arrive, be charged, deciphered and handed over; write, submit and propose.

    Args:
        on: the running ministry.
        posts: two of its enrolled posts at least.
        there: the officers; the clerk grants what the custodian is asked.
    """
    arrived = _arrivals(on, posts)
    held: dict[str, SampleOfficer] = {}
    for person in there.people():
        held.setdefault(person.role, person)
    chief, clerk, deputy = (
        held[role].officer for role in ("CHIEF-CIPHER-POUCH", "CIPHER-CLERK", "DEPUTY-DIRECTOR")
    )
    with (
        installation_at(on.settings) as installation,
        custodian_of(on.settings) as custodian,
        closing(AtHand(custodian, clerk, keys_of(there))) as granting,
    ):
        journal = journal_of(installation)
        warranted = WarrantedCustodian(
            custodian, installation.engine, on.settings.log_origin, journal.actor, granting
        )
        reception = Reception(
            installation.engine,
            Blobs(on.settings.data),
            warranted,
            on.settings.headquarters,
            journal,
        )
        showing = Showing(installation.engine, reception, warranted, on.settings.headquarters)
        act = _acts_of(on.settings, reception, journal)
        for number in arrived:
            act(chief, "dispatch_assign", dispatch_id=number, to=clerk)
        for number in arrived[2:]:
            _open(act, showing, clerk, number)
        act(clerk, "dispatch_hand_over", dispatch_id=arrived[2], to=deputy)
        _write(act, showing, on.settings, held, posts)


def _arrivals(on: Stage, posts: tuple[str, ...]) -> list[str]:
    """Let the first two posts send; what the first one gave to a traveller has not arrived."""
    folder = on.settings.data / "sample"
    folder.mkdir(mode=0o700)
    text, card = folder / "text.txt", folder / "headquarters.card"
    card.write_bytes(on.founding.card.to_bytes())
    sent = []
    for letter in _LETTERS:
        text.write_text(letter.text, "utf-8")
        identity = ("--identity", on.identity(posts[letter.post]))
        told = chiffre(
            on.language,
            *("send", *identity, "--to", on.settings.headquarters, "--level", letter.level),
            *("--precedence", letter.precedence, "--subject", letter.subject, str(text)),
        )
        sent.append(told["id"])
        if letter is _LETTERS[0]:
            chiffre(
                on.language,
                *("encipher", *identity, "--to", str(card), "--level", letter.level),
                *("-o", str(folder / "with-the-traveller.age"), str(text)),
            )
    return sent


def _acts_of(settings: Settings, reception: Reception, journal: Journal) -> Act:
    acts = OfficeDesk(lambda: site_of(settings), reception, settings.headquarters).acts()

    def act(officer: str, name: str, **payload: Any) -> Any:
        action, known = name.partition(".")[0], payload.get("dispatch_id")
        with journal.act(action, known) as connection:
            return acts[name](connection, officer, payload)

    return act


def _open(act: Act, showing: Showing, officer: str, number: str) -> None:
    act(officer, "dispatch_open.intend", dispatch_id=number)
    shown = showing.arrival(number)
    act(
        officer,
        "dispatch_open.end",
        dispatch_id=number,
        manifest_hash=shown.manifest_hash,
        subject=showing.sealed_text(shown.manifest.heading.subject),
        releasable=list(shown.manifest.label.releasability),
    )


def _write(
    act: Act,
    showing: Showing,
    settings: Settings,
    held: dict[str, SampleOfficer],
    posts: tuple[str, ...],
) -> None:
    """A draft; a departure that awaits the deputy; one that its clerk signed and the chief not."""
    author, clerk = held["DRAFTER"].officer, held["CIPHER-CLERK"]

    def draft(level: str, subject: str, text: str) -> str:
        content = {
            "kind": "telegram",
            "level": level,
            "caveats": [],
            "releasable": [],
            "file": "",
            "precedence": "ROUTINE",
            "routing": [[posts[0], "action", "cipher"]],
            "source": "",
            "relation": "",
            "body": showing.sealed(subject, text),
        }
        kept = act(author, "dispatch_save", dispatch_id=None, content=content)
        return str(kept["dispatch_id"])

    draft("CONFIDENTIEL", "Conférence", "Merci de réserver deux salles pour")
    plain = draft("DIFFUSION-RESTREINTE", "Passeports", "Cent livrets partent par la valise.")
    to = held["DEPUTY-DIRECTOR"].officer
    act(author, "dispatch_submit", dispatch_id=plain, edition=1, to=to)
    paired = draft("SECRET", "Frontière", "Accordez la rencontre demandée.")
    act(author, "dispatch_submit", dispatch_id=paired, edition=1, to=clerk.officer)
    given = act(clerk.officer, "dispatch_review.intend", dispatch_id=paired)
    showing.unsealed(given["body"])
    act(clerk.officer, "dispatch_review.end", dispatch_id=paired, digest=given["digest"])
    asked = act(clerk.officer, "dispatch_prepare", dispatch_id=paired)
    key = SoftwareKey.from_bytes(bytes.fromhex(clerk.key))
    act(
        clerk.officer,
        "dispatch_propose",
        dispatch_id=paired,
        act=asked["act"],
        nonce=asked["nonce"],
        response=key.get(approval_challenge(asked["nonce"], asked["digest"]), party_of(settings)),
        to=held["CHIEF-CIPHER-POUCH"].officer,
    )
