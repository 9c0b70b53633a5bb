"""Dispatches: the inbox and its trays, reading, writing, and the release by another (flows 1 to 4).

`inbox` lists, `reading` opens, `copies` takes away, `composing` writes, `attaching`
encloses, `visas` releases, `sending`
lets go, `alerts` tells at once of what is most urgent. Texts are deciphered in this process by the
custodian, given to the page of one officer and kept nowhere (`dispatches.office.showing`); that of
a departure waits in memory for the officer's signature.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from cipher_service.access.acts import Gate
from cipher_service.access.subjects import Principal
from cipher_service.console.dispatches import (
    alerts,
    attaching,
    composing,
    copies,
    granting,
    inbox,
    own,
    reading,
    sending,
    visas,
)
from cipher_service.console.flow import Awaiting, Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.dispatches.office import compositions, trays
from cipher_service.dispatches.office.attaching import EACH_MOST

_READERS: Final = frozenset(
    {
        *("MINISTER", "MINISTER-DELEGATE", "SECRETARY-GENERAL", "DIRECTOR", "DEPUTY-DIRECTOR"),
        *("CHIEF-CIPHER-POUCH", "CIPHER-CLERK", "DRAFTER", "AUDITOR"),
        *("MAIL-AGENT", "CONFIDENTIAL-MAIL-AGENT", "CHIEF-MAIL-LIAISON", "LIAISON-AGENT"),
    }
)
_WRITERS: Final = frozenset(
    {
        *("MINISTER", "MINISTER-DELEGATE", "SECRETARY-GENERAL", "DIRECTOR", "DEPUTY-DIRECTOR"),
        *("CHIEF-CIPHER-POUCH", "DRAFTER"),
    }
)
_RELEASERS: Final = frozenset(
    {
        *("MINISTER", "MINISTER-DELEGATE", "SECRETARY-GENERAL", "DEPUTY-DIRECTOR"),
        *("CHIEF-CIPHER-POUCH", "CIPHER-CLERK"),
    }
)
_ARRIVALS: Final = (
    (mark("Dépêches à déchiffrer"), "/depeches/", "read", tuple),
    (
        mark("Dépêches à attribuer"),
        "/depeches/?tray=a-attribuer",
        "grant-need",
        lambda: (trays.unassigned(),),
    ),
)


def awaits(
    connection: Connection, gate: Gate, principal: Principal, now: datetime
) -> Iterator[Awaiting]:
    """Say what awaits a person: what they may open or entrust, releases, drafts that came back."""
    held = principal.functions | {each.function for each in principal.mandates}
    officer = principal.officer_id
    if held & _READERS:
        for label, path, action, only in _ARRIVALS:
            lines = trays.arrivals(
                *(connection, gate, officer, principal.post, now), only=only(), action=action
            )
            yield Awaiting(label, path, len(lines), sum(line.late for line in lines))
    yield Awaiting(
        mark("Dépêches à viser"), "/depeches/a-viser", len(trays.awaiting(connection, officer))
    )
    back = trays.authored(connection, officer, compositions.DRAFT)
    refused = sum(each.refusal is not None for each in back)
    yield Awaiting(mark("Brouillons revenus avec un motif"), "/depeches/miennes", refused)


FLOW: Final = Flow(
    "dispatches",
    (
        Page("/depeches/", inbox.inbox),
        Page("/depeches/flux", alerts.stream, watched=False),
        Page("/depeches/alertes", alerts.bar, watched=False),
        Page("/depeches/liste", alerts.renewed, watched=False),
        Page("/depeches/parties", inbox.departed),
        Page("/depeches/miennes", composing.mine),
        Page("/depeches/nouvelle", composing.new),
        Page("/depeches/brouillon", composing.save, "POST", most=256 * 1024, watched=False),
        Page("/depeches/brouillon/{number}", composing.edit),
        Page("/depeches/brouillon/{number}/verifier", composing.check),
        Page("/depeches/brouillon/{number}/soumettre", composing.submit, "POST"),
        Page("/depeches/brouillon/{number}/retirer", composing.withdraw, "POST"),
        Page("/depeches/brouillon/{number}/effacer", composing.discard, "POST"),
        Page(
            "/depeches/brouillon/{number}/annexes",
            attaching.attach,
            "POST",
            most=EACH_MOST,
        ),
        Page("/depeches/brouillon/{number}/annexes/{place}/retirer", attaching.detach, "POST"),
        Page("/depeches/a-viser", visas.waiting),
        Page("/depeches/visa/{number}", visas.visa),
        Page("/depeches/visa/{number}/lire", visas.read, "POST"),
        Page("/depeches/visa/{number}/annexes/{place}", attaching.save_reviewed, "POST"),
        Page("/depeches/visa/{number}/signer", visas.sign, "POST"),
        Page("/depeches/visa/{number}/partir", sending.depart, "POST"),
        Page("/depeches/visa/{number}/urgence", visas.urge, "POST"),
        Page("/depeches/visa/{number}/demander", visas.redirect, "POST"),
        Page("/depeches/visa/{number}/refus", visas.refusal),
        Page("/depeches/visa/{number}/refuser", visas.refuse, "POST"),
        Page("/depeches/autorisation", granting.session),
        Page("/depeches/autorisation", granting.for_session, "POST"),
        Page("/depeches/autorisation/prise", granting.taken, watched=False),
        Page("/depeches/{number}", reading.locked),
        Page("/depeches/{number}/autoriser", granting.for_dispatch, "POST"),
        Page("/depeches/{number}/ouvrir", reading.open_text, "POST"),
        Page("/depeches/{number}/ouvrir-ici", own.open_own, "POST"),
        Page("/depeches/{number}/imprimer", copies.printed, "POST"),
        Page("/depeches/{number}/annexes/{place}", copies.attachment, "POST"),
        Page("/depeches/{number}/entendu", reading.acknowledge, "POST"),
        Page("/depeches/{number}/charger", reading.assign, "POST"),
        Page("/depeches/{number}/remettre", reading.hand_over, "POST"),
        Page("/depeches/{number}/abaisser", reading.declassify, "POST"),
    ),
    (
        Place(mark("Dépêches arrivées"), "/depeches/", _READERS, "i"),
        Place(mark("À viser"), "/depeches/a-viser", _RELEASERS, "v"),
        Place(mark("Dépêches parties"), "/depeches/parties", _READERS, "p"),
        Place(mark("Mes dépêches"), "/depeches/miennes", _WRITERS, "m"),
        Place(mark("Nouvelle dépêche"), "/depeches/nouvelle", _WRITERS, "c"),
    ),
    awaits,
    keys=(
        ("g i", mark("Aller aux dépêches arrivées")),
        ("g v", mark("Aller aux dépêches à viser")),
        ("g p", mark("Aller aux dépêches parties")),
        ("g m", mark("Aller à mes dépêches")),
        ("g c", mark("Commencer une dépêche")),
        ("j k", mark("Ligne suivante, ligne précédente")),
        ("Enter", mark("Ouvrir la ligne")),
        ("a", mark("Accuser réception de l’alerte")),
        ("/", mark("Chercher dans la liste")),
        ("v", mark("Viser le départ")),
        ("r", mark("Refuser, avec un motif")),
        ("l", mark("Verrouiller le texte")),
        ("Ctrl + S", mark("Enregistrer le brouillon")),
        ("Ctrl + Enter", mark("Vérifier avant de soumettre")),
    ),
)
