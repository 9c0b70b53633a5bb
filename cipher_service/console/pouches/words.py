"""The pouch bureau's words: stages, discrepancies, conditions, as sentences to translate."""

from typing import Final

from cipher_service.console.language import mark

STAGES: Final = {
    "prepared": mark("en confection"),
    "sealed": mark("scellée"),
    "handed-over": mark("en route"),
    "received": mark("reçue"),
    "opened": mark("ouverte"),
    "accounted": mark("déchargée"),
}
EVENTS: Final = {
    **STAGES,
    "prepared": mark("confection commencée"),
    "handed-over": mark("remise"),
    "seen": mark("vue en route"),
    "lost": mark("déclarée perdue"),
    "found": mark("retrouvée"),
    "recalled": mark("rappelée"),
    "corrected": mark("correction"),
}
EMPTIES: Final = {
    "announced": mark("en route"),
    "late": mark("en retard"),
    "missing": mark("manque"),
    "returned": mark("revenu"),
    "used-again": mark("rempli de nouveau"),
}
ENTRIES: Final = {
    "weight": mark("Poids de la valise fermée, en grammes"),
    "waybill": mark("Numéro de la lettre de courrier"),
    "consignee": mark("Destinataire de la valise"),
    "carrier": mark("Porteur"),
    "status": mark("Qualité du porteur"),
    "passport": mark("Passeport du porteur"),
    "vehicle": mark("Véhicule ou vol"),
}
"""What may be put right of a bag as a whole."""
LINE_ENTRIES: Final = {
    "register": mark("Numéro au registre de l’expéditeur"),
    "sender": mark("Service expéditeur"),
    "addressee": mark("Destinataire"),
    "weight": mark("Poids, en grammes"),
    "enclosure": mark("Pli intérieur ou scellé"),
}
"""What may be put right of a line."""
CONDITIONS: Final = {
    "intact": mark("Intacts"),
    "damaged": mark("Endommagés"),
    "broken": mark("Rompus"),
    "missing": mark("Manquants"),
}
DIFFERENCES: Final = {
    "bag-missing": mark("valise manquante"),
    "bag-over": mark("valise en trop"),
    "bag-opened": mark("valise ouverte par un tiers"),
    "bag-copied": mark("étiquette copiée"),
    "bag-damaged": mark("valise endommagée"),
    "bag-examined": mark("valise examinée par un tiers"),
    "bag-detained": mark("valise retenue"),
    "bag-unattended": mark("valise laissée sans surveillance"),
    "bag-overdue": mark("valise en retard"),
    "seal-broken": mark("scellé rompu"),
    "seal-missing": mark("scellé manquant"),
    "seal-differs": mark("numéro de scellé différent"),
    "weight-differs": mark("poids différent"),
    "missing": mark("pièce manquante"),
    "short": mark("quantité insuffisante"),
    "over": mark("quantité excédentaire"),
    "unlisted": mark("pièce non annoncée"),
    "damaged": mark("pièce endommagée"),
    "wrong-addressee": mark("pièce pour un autre destinataire"),
}
ALARMS: Final = {
    "received-twice": mark("reçue deux fois"),
    "wrong-post": mark("vue à un autre poste"),
    "off-route": mark("hors de l’itinéraire"),
    "impossible-travel": mark("trajet trop rapide"),
    "against-the-route": mark("à rebours de l’itinéraire"),
    "unannounced": mark("non annoncée"),
    "announced-otherwise": mark("annoncée autrement"),
    "seals-differ": mark("scellés différents"),
    "swapped": mark("valises échangées"),
    "seal-number-twice": mark("scellé vu deux fois"),
    "device-forked": mark("appareil dédoublé"),
    "clock-off": mark("horloge fausse"),
    "not-entitled": mark("acte sans droit"),
}
STATES: Final = {
    "reported": mark("signalée"),
    "notified": mark("avisée"),
    "assessed": mark("évaluée"),
    "closed": mark("close"),
}
NEXT: Final = {"reported": "notified", "notified": "assessed", "assessed": "closed"}
SEVERITIES: Final = {"breach": mark("atteinte"), "incident": mark("incident")}
RECIPIENTS: Final = {
    "bureau-de-la-valise": mark("Bureau de la Valise"),
    "origin": mark("poste d’origine"),
    "head-of-post": mark("chef de poste"),
    "bureau-du-chiffre": mark("Bureau du Chiffre"),
    "cellule-des-autorisations": mark("Cellule des autorisations"),
}
CLASSES: Final = {
    "NON-PROTEGE": mark("Non protégé"),
    "DIFFUSION-RESTREINTE": mark("Diffusion restreinte"),
    "CONFIDENTIEL": mark("Confidentiel"),
    "SECRET": mark("Secret"),
    "TRES-SECRET": mark("Très secret"),
    "CONTROLE": mark("Contrôlé"),
}
ITEMS: Final = {
    "dispatch": mark("Dépêche"),
    "letter": mark("Lettre"),
    "document": mark("Document"),
    "parcel": mark("Colis"),
    "equipment": mark("Matériel"),
    "cryptographic": mark("Matériel cryptographique"),
    "seals": mark("Scellés"),
    "other": mark("Autre"),
}
PROHIBITED: Final = {
    "weapons": mark("armes et munitions"),
    "explosives": mark("explosifs et matières dangereuses"),
    "drugs": mark("stupéfiants"),
    "money": mark("espèces et valeurs non officielles"),
    "private": mark("effets privés et marchandises"),
    "living": mark("personnes, animaux, plantes, restes humains"),
}
MOVES: Final = {
    "take-in": mark("entrer des scellés neufs"),
    "issue": mark("délivrer des scellés, tirés au hasard"),
    "void": mark("écarter des scellés gâtés"),
    "destroy": mark("détruire des scellés rompus ou écartés"),
}
SORTS: Final = {
    "plastic": mark("Plastique"),
    "lead": mark("Plomb"),
    "wax": mark("Cire"),
    "bolt": mark("Tige"),
}
SEAL_STATES: Final = {
    "stocked": mark("en stock"),
    "issued": mark("délivrés, en main"),
    "applied": mark("posés"),
    "broken": mark("rompus"),
    "voided": mark("écartés"),
    "destroyed": mark("détruits"),
}
MODES: Final = {
    "courier": mark("Courrier de carrière"),
    "ad-hoc": mark("Courrier ad hoc"),
    "captain": mark("Commandant de bord"),
    "freight": mark("Fret"),
    "postal": mark("Poste"),
}
DAYS: Final = {
    "0": mark("lundi"),
    "1": mark("mardi"),
    "2": mark("mercredi"),
    "3": mark("jeudi"),
    "4": mark("vendredi"),
    "5": mark("samedi"),
    "6": mark("dimanche"),
}
LIMITS: Final = {
    "UN": mark("16 kg par pièce (Nations unies)"),
    "POSTAL": mark("20 kg par sac, 60 cm de côté, 140 cm en tout (poste)"),
    "NONE": mark("aucune"),
}
PHOTOGRAPHED: Final = {
    "seals": mark("Les scellés"),
    "bag": mark("Le sac"),
    "item": mark("Une pièce"),
}
