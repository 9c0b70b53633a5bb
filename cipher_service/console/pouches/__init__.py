"""The pouch bureau's pages (flows 5 and 6): make-up, receipt, journeys, seals, discrepancies.

* `lists`: bags under way, departures, seals, discrepancies. `bag`: one bag's journey and papers.
* `making`: hand-in, scan-to-add, sealing by two. `arrival`: blind receipt, opening, item check.
* `rectifying`: a sealed bordereau is put right by two.
* `sealing`: scanning, sealing and papers before a custodian that has officers.
* `announcing`: the receiver is told, by a dispatch that an officer has signed.
* `papers`, `photographs`: what is signed with the pen on arrival, and what was seen then.
* `carrying`: routes and timetables, the letter of a departure, the count at an airport.
* `labels`: what is stuck on a piece.
* `pairs`: what two officers sign besides sealing and opening.
* `picture`, `stations`, `lateness`: a journey, its route and the late bags as drawings.
* `telephones`: what who takes a telephone into service compares.
* `words`: the bureau's words. `reading`: what pages share.
"""

from typing import Final

from cipher_service.console.flow import Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.pouches import (
    announcing,
    arrival,
    bag,
    carrying,
    lists,
    making,
    pairs,
    papers,
    photographs,
    rectifying,
    sealing,
    telephones,
)
from cipher_service.pouches.photographs import FILE_MOST

_BUREAU: Final = frozenset({"CHIEF-POUCH", "POUCH-AGENT", "CHIEF-CIPHER-POUCH"})
_MAKERS: Final = _BUREAU | {"CONFIDENTIAL-MAIL-AGENT"}
_ALL: Final = _MAKERS | {"COURIER", "HEAD-OF-POST", "POST-CIPHER-CLERK"}

FLOW: Final = Flow(
    "pouches",
    (
        Page("/valises", lists.under_way),
        Page("/valises/departs", lists.departures),
        Page("/valises/itineraires", carrying.routes),
        Page("/valises/itineraires", carrying.add_route, method="POST"),
        Page("/valises/itineraires/horaire", carrying.plan, method="POST"),
        Page("/valises/lettre", carrying.waybill),
        Page("/valises/lettre", carrying.entrust, method="POST"),
        Page("/valises/lettre.pdf", carrying.letter_pdf),
        Page("/valises/comptage", carrying.count_form),
        Page("/valises/comptage", carrying.count, method="POST"),
        Page("/valises/comptage.pdf", carrying.count_pdf),
        Page("/valises/irregularites", lists.cases),
        Page("/valises/irregularites", lists.take_case_further, method="POST"),
        Page("/valises/sacs-vides", lists.empties),
        Page("/valises/sacs-vides", lists.take_back, method="POST"),
        Page("/valises/telephones", telephones.show),
        Page("/valises/scelles", lists.seals),
        Page("/valises/scelles", lists.balance_seals, method="POST"),
        Page("/valises/scelles/mouvement", pairs.ask_stock, method="POST"),
        Page("/valises/depot", making.hand_in_form),
        Page("/valises/depot", making.hand_in, method="POST"),
        Page("/valises/depot/depeche", making.hand_in_dispatch, method="POST"),
        Page("/valises/confection", making.begin, method="POST"),
        Page("/valises/reception", arrival.find_form),
        Page("/valises/reception", arrival.find, method="POST"),
        Page("/valises/{seal}", bag.journey),
        Page("/valises/{seal}/confection", making.make_up),
        Page("/valises/{seal}/autorisation", sealing.allow, method="POST"),
        Page("/valises/{seal}/pieces", making.scan, method="POST"),
        Page("/valises/{seal}/retirer", making.take_out, method="POST"),
        Page("/valises/{seal}/sceller", making.ask_seal, method="POST"),
        Page("/valises/{seal}/sceau", sealing.grant, method="POST"),
        Page("/valises/{seal}/annonce", announcing.announce, method="POST"),
        Page("/valises/{seal}/remise", bag.hand_over, method="POST"),
        Page("/valises/{seal}/signalement", bag.report, method="POST"),
        Page("/valises/{seal}/retrouvee", pairs.ask_find, method="POST"),
        Page("/valises/{seal}/etiquette.pdf", bag.label_pdf),
        Page("/valises/{seal}/bordereau.pdf", bag.bordereau_pdf),
        Page("/valises/{seal}/rectificatif.pdf", bag.rectification_pdf),
        Page("/valises/{seal}/rectificatif", rectifying.desk),
        Page("/valises/{seal}/rectificatif", rectifying.prepare, method="POST"),
        Page("/valises/{seal}/rectificatif/sceau", rectifying.grant, method="POST"),
        Page(
            "/valises/{seal}/rectificatif/annonce",
            announcing.announce_rectification,
            method="POST",
        ),
        Page("/valises/{seal}/epcis.json", bag.epcis),
        Page("/valises/{seal}/papiers", papers.desk),
        Page("/valises/{seal}/papiers/decharge", papers.receipt, method="POST"),
        Page("/valises/{seal}/papiers/irregularite", papers.discrepancy, method="POST"),
        Page("/valises/{seal}/papiers/destruction", papers.destruction, method="POST"),
        Page("/valises/{seal}/photographies", photographs.album),
        Page("/valises/{seal}/photographies", photographs.add, method="POST", most=FILE_MOST),
        Page("/valises/{seal}/photographies/{photograph}", photographs.one),
        Page("/valises/{seal}/photographies/{photograph}/image", photographs.picture),
        Page("/valises/{seal}/reception", arrival.receive_form),
        Page("/valises/{seal}/reception", arrival.receive, method="POST"),
        Page("/valises/{seal}/ouverture", arrival.ask_open, method="POST"),
        Page("/valises/{seal}/verification", arrival.account_form),
        Page("/valises/{seal}/verification", arrival.account, method="POST"),
    ),
    (
        Place(mark("Valises"), "/valises", _ALL, shortcut="b"),
        Place(mark("Départs et confection"), "/valises/departs", _BUREAU),
        Place(mark("Itinéraires et horaires"), "/valises/itineraires", _BUREAU),
        Place(mark("Dépôt pour la valise"), "/valises/depot", _MAKERS),
        Place(mark("Recevoir une valise"), "/valises/reception", _BUREAU),
        Place(mark("Sacs vides"), "/valises/sacs-vides", _BUREAU),
        Place(mark("Scellés"), "/valises/scelles", _BUREAU),
        Place(mark("Téléphones"), "/valises/telephones", _ALL),
        Place(mark("Irrégularités"), "/valises/irregularites", _ALL),
    ),
    awaits=lists.awaits,
    keys=(
        ("g b", mark("Aller aux valises")),
        ("u", mark("Retirer de la valise la dernière pièce posée")),
        ("n", mark("Écrire les numéros des scellés")),
        ("d", mark("Signaler ce qui est constaté d’une valise")),
    ),
)
