// What each verdict means and what to do: a sentence and a step, in both languages.
import type { Name } from "../pouch/verdict.ts";

export type Language = "fr" | "en";
export type Both = Record<Language, string>;
export type LocatorName = "NO_PACK" | "LOCATOR_WRONG" | "LOCATOR_UNANNOUNCED" | "LOCATOR_ANNOUNCED"
  | "LOCATOR_NUMBERS_WRONG" | "LOCATOR_RECALLED" | "LOCATOR_EXPIRED" | "RECALLED_BAG_HOME";

const APART: Both = {
  fr: "Mettez le sac à part, fermé, et prévenez le bureau de la valise par le chiffre.",
  en: "Set the bag apart, closed, and tell the pouch bureau through the cipher.",
};
const AGAIN: Both = {
  fr: "Scannez l’autre face de l’étiquette, ou tapez le localisateur.",
  en: "Scan the other face of the label, or type the locator.",
};
const LOOK: Both = {
  fr: "Relisez le scellé, le compte et le poids avec une seconde personne avant de consigner.",
  en: "Read the seal, the count and the weight again with a second person before recording.",
};
const TAKE: Both = {
  fr: "Consignez l’arrivée, puis ouvrez devant témoin.",
  en: "Record the arrival, then open before a witness.",
};
const BACK: Both = {
  fr: "Ne l’ouvrez pas : consignez la lecture et renvoyez-le fermé à son origine.",
  en: "Do not open it: record the reading and send it back closed to its origin.",
};

function told(fr: string, en: string, step: Both): { reason: Both; step: Both } {
  return { reason: { fr, en }, step };
}

export const WORDS: Record<Name | LocatorName, { reason: Both; step: Both }> = {
  SEAL_GENUINE_BAG_CHECKED: told(
    "Le scellé est authentique et les numéros lus sur le sac sont les siens.",
    "The seal is genuine and the numbers read on the bag are its own.", TAKE),
  SEAL_GENUINE_BAG_ANNOUNCED: told(
    "Le scellé est authentique et le sac est annoncé ; ses numéros n’ont pas été lus.",
    "The seal is genuine and the bag is announced; its numbers were not read.", LOOK),
  SEAL_GENUINE_BAG_UNCHECKED: told(
    "Le scellé est authentique ; rien ne dit encore que ce sac est le bon.",
    "The seal is genuine; nothing says yet that this is the right bag.", LOOK),
  SEAL_DAMAGED: told(
    "Ce texte n’est pas un scellé lisible : abîmé, incomplet, ou tout autre chose.",
    "This text is no readable seal: damaged, incomplete, or something else.", AGAIN),
  KEY_UNKNOWN: told(
    "La clé qui a signé n’est d’aucun de nos postes.",
    "The key that signed is none of our posts’.", APART),
  SEAL_EDITED: told(
    "La signature ne tient pas : le texte du scellé a été modifié.",
    "The signature does not hold: the seal’s text was altered.", APART),
  ISSUER_FALSE: told(
    "Le scellé se dit d’un poste et il est signé par un autre.",
    "The seal claims one post and another one signed it.", APART),
  KEY_REVOKED: told(
    "La clé du poste d’origine a été révoquée.",
    "The key of the post of origin was revoked.", APART),
  KEY_NOT_IN_FORCE: told(
    "Le sac a été fermé hors de la validité de la clé du poste.",
    "The bag was closed outside the validity of the post’s key.", APART),
  SEAL_REVOKED: told(
    "Cette fermeture est révoquée : sac perdu, scellement annulé, ou scellé employé deux fois.",
    "This closing is revoked: bag lost, sealing undone, or a seal used twice.", APART),
  BAG_RECALLED: told(
    "Son origine a rappelé ce sac : rien d’anormal, mais il n’est pas pour ce poste.",
    "Its origin has recalled this bag: nothing is wrong, but it is not for this post.", BACK),
  RECALLED_BAG_HOME: told(
    "Ce sac a été rappelé et le voici revenu à son origine.",
    "This bag was recalled, and here it is back at its origin.", TAKE),
  CLONE_SUSPECTED: told(
    "Un sac portant ce scellé a déjà été reçu : l’un des deux est une copie.",
    "A bag with this seal was received before: one of the two is a copy.", APART),
  SEAL_EXPIRED: told(
    "Le scellé a passé son terme.", "The seal is past its end.", APART),
  SEAL_NOT_YET_VALID: told(
    "Le sac serait fermé dans le futur : l’horloge de l’appareil ou celle de l’origine est fausse.",
    "The bag would be closed in the future: this device’s clock or the origin’s is wrong.", APART),
  BAG_UNANNOUNCED: told(
    "Personne n’a annoncé ce sac à ce poste.",
    "Nobody announced this bag to this post.", APART),
  ANNOUNCEMENT_DIFFERS: told(
    "L’annonce parle d’un autre sac, d’autres scellés ou d’un autre nombre de colis.",
    "The announcement names another bag, other seals or another number of packages.", APART),
  LOG_PROOF_INVALID: told(
    "La preuve d’inscription au journal ne tient pas.",
    "The proof that the seal is in the log does not hold.", APART),
  SEAL_NUMBERS_WRONG: told(
    "Les numéros lus sur le sac ne sont pas ceux du scellé : sac échangé ou scellé remplacé.",
    "The numbers read on the bag are not the seal’s: bag swapped or seal replaced.", APART),
  SEAL_NUMBER_NEAR_MISS: told(
    "Un numéro lu est presque le bon : faute de frappe, ou scellé choisi pour y ressembler.",
    "A number read is almost right: a slip, or a seal chosen to look alike.", LOOK),
  BAG_COUNT_WRONG: told(
    "Le nombre de sacs n’est pas celui de l’envoi.",
    "The number of bags is not that of the consignment.", LOOK),
  WEIGHT_OFF: told(
    "Le poids s’écarte de celui de la fermeture.",
    "The weight differs from that at closing.", LOOK),
  NO_PACK: told(
    "Cet appareil n’a encore aucun paquet de synchronisation : il ne connaît aucune clé et n’a rien jugé.",
    "This device has no sync pack yet: it knows no key and judged nothing.",
    {
      fr: "Rejoignez un réseau, attendez « paquet » en haut de l’écran, puis recommencez.",
      en: "Find a network, wait for “pack” at the top of the screen, then start again.",
    }),
  LOCATOR_ANNOUNCED: told(
    "Le localisateur est d’un sac annoncé ; l’étiquette, elle, n’a pas été vérifiée.",
    "The locator is of an announced bag; the label itself was not verified.", LOOK),
  LOCATOR_RECALLED: told(
    "Le localisateur est d’un sac que son origine a rappelé ; l’étiquette n’a pas été vérifiée.",
    "The locator is of a bag that its origin has recalled; the label itself was not verified.", BACK),
  LOCATOR_EXPIRED: told(
    "Le sac de ce localisateur a passé le terme de son scellé.",
    "The bag of this locator is past the end of its seal.", APART),
  LOCATOR_NUMBERS_WRONG: told(
    "Les numéros lus ne sont pas ceux annoncés pour ce sac.",
    "The numbers read are not those announced for this bag.", APART),
  LOCATOR_UNANNOUNCED: told(
    "Aucun sac de ce localisateur n’est annoncé à ce poste.",
    "No bag of this locator is announced to this post.", APART),
  LOCATOR_WRONG: told(
    "Ce n’est pas un localisateur : 24 chiffres, dont deux de contrôle.",
    "This is no locator: 24 digits, two of them for checking.", AGAIN),
};

// What can stop the page, by name: what is wrong, what was lost, what to do.
export const FAILURES: Record<string, Both> = {
  NO_NETWORK: {
    fr: "Pas de réseau. Rien n’est perdu : tout part au retour du réseau.",
    en: "No network. Nothing is lost: everything leaves when the network is back.",
  },
  UNAVAILABLE: {
    fr: "Le service ne répond pas. Rien n’est perdu ; recommencez dans un moment.",
    en: "The service does not answer. Nothing is lost; try again in a moment.",
  },
  SESSION_ENDED: {
    fr: "Aucun officier n’est identifié. Rien n’a changé. Ouvrez une session sur la console, puis revenez.",
    en: "No officer is signed in. Nothing changed. Sign in on the console, then come back.",
  },
  NOT_ALLOWED: {
    fr: "Vos fonctions ne touchent pas à la valise. Rien n’a changé. Voyez le chef du bureau de la valise.",
    en: "Your functions do not concern the pouch. Nothing changed. See the head of the pouch bureau.",
  },
  DEVICE_UNKNOWN: {
    fr: "Le ministère ne connaît pas cet appareil. Rien n’est perdu : remettez-le en service (file), ou exportez la file.",
    en: "The ministry does not know this device. Nothing is lost: take it into service again (queue), or export the queue.",
  },
  SIGNATURE_INVALID: {
    fr: "Le service n’a pas reconnu la signature de l’appareil. Rien n’est perdu ; prévenez le bureau.",
    en: "The service did not recognise this device’s signature. Nothing is lost; tell the bureau.",
  },
  CLOCK_SKEWED: {
    fr: "L’horloge de l’appareil est trop fausse. Rien n’est perdu ; réglez-la, puis recommencez.",
    en: "This device’s clock is too wrong. Nothing is lost; set it, then try again.",
  },
  PACK_NOT_OF_ROOT: {
    fr: "Le paquet reçu n’est pas signé par la clé confirmée. Il est écarté, l’ancien reste. Prévenez le bureau.",
    en: "The pack that came is not signed by the confirmed key. It is put aside, the old one stays. Tell the bureau.",
  },
  ROOT_OF_BEFORE: {
    fr: "Cet appareil ne connaît pas la racine du ministère. Ses lectures restent ; remettez-le en service.",
    en: "This device does not know the ministry’s root. Its readings stay; take it into service again.",
  },
  CUSTODY_SEALED: {
    fr: "Les clés du bureau sont sous scellé : rien n’est mis en service. Recommencez quand elles sont ouvertes.",
    en: "The bureau’s keys are sealed: nothing was taken into service. Try again once they are open.",
  },
  KEY_NOT_USABLE: {
    fr: "La racine du ministère est suspendue : rien n’est mis en service. Demandez au bureau où elle en est, puis recommencez.",
    en: "The ministry’s root is suspended: nothing was taken into service. Ask the bureau what became of it, then try again.",
  },
  PACK_ROLLED_BACK: {
    fr: "Le paquet reçu est plus ancien que celui d’ici. Il est écarté. Prévenez le bureau.",
    en: "The pack that came is older than the one here. It is put aside. Tell the bureau.",
  },
  PACK_NOT_YET_VALID: {
    fr: "Le paquet est daté du futur : l’horloge de l’appareil est sans doute en retard. Réglez-la.",
    en: "The pack is dated in the future: this device’s clock is probably late. Set it.",
  },
  PACK_MALFORMED: {
    fr: "Le paquet est abîmé. Il est écarté, rien n’est perdu ; actualisez quand le réseau est là.",
    en: "The pack is damaged. It is put aside, nothing is lost; refresh when there is a network.",
  },
  CAMERA_REFUSED: {
    fr: "La caméra n’est pas disponible ou son usage est refusé. Photographiez l’étiquette ou tapez le localisateur.",
    en: "The camera is not available or was refused. Photograph the label or type the locator.",
  },
  NOTHING_SEEN: {
    fr: "Aucun symbole n’est lisible sur cette image. Recommencez de plus près, ou tapez le localisateur.",
    en: "No symbol can be read in this picture. Try again closer, or type the locator.",
  },
  NO_PACK: {
    fr: "Aucun paquet n’est ici : personne n’y est reconnu. Rien n’a été signé ; actualisez au retour du réseau.",
    en: "There is no pack here: nobody can be recognised. Nothing was signed; refresh when there is a network.",
  },
  EXERCISE: {
    fr: "C’est un exercice : rien n’a été consigné. Finissez-le dans la file, puis lisez le sac de nouveau.",
    en: "This is an exercise: nothing was recorded. End it in the queue, then read the bag again.",
  },
  NOT_KEPT: {
    fr: "Ce navigateur ne garde rien : fenêtre privée, stockage refusé ou plein. Ce qui était gardé reste, rien d’autre n’a changé. Ouvrez une fenêtre ordinaire, permettez le stockage ou libérez de la place, puis recommencez.",
    en: "This browser keeps nothing: a private window, storage refused or full. What was kept stays, nothing else changed. Open an ordinary window, allow storage or free some room, then try again.",
  },
  STORAGE: {
    fr: "L’appareil n’a pas pu garder cette lecture. Elle n’est pas consignée : libérez de la place et recommencez.",
    en: "This device could not keep the reading. It is not recorded: free some room and try again.",
  },
};

// What the ministry found against a reading: alarms, differences, a receipt that is not the one.
const KINDS: Record<string, Both> = {
  "second": { fr: "déjà reçu par un autre", en: "already received by another" },
  "withheld": { fr: "arrivée retenue : le sac n’est pas attendu ici", en: "arrival withheld: the bag is not expected here" },
  "received-twice": { fr: "reçu deux fois : une des étiquettes est une copie", en: "received twice: one of the labels is a copy" },
  "wrong-post": { fr: "reçu ailleurs qu’à destination", en: "received elsewhere than at its destination" },
  "off-route": { fr: "lu hors de sa route", en: "read off its route" },
  "impossible-travel": { fr: "trajet impossible en si peu de temps", en: "a journey impossible in so little time" },
  "against-the-route": { fr: "lu à contresens de sa route", en: "read against its route" },
  "unannounced": { fr: "non annoncé", en: "not announced" },
  "announced-otherwise": { fr: "annoncé autrement", en: "announced otherwise" },
  "seals-differ": { fr: "autres scellés que les siens", en: "other seals than its own" },
  "swapped": { fr: "numéros d’un autre sac annoncé", en: "numbers of another announced bag" },
  "seal-number-twice": { fr: "numéro de scellé vu deux fois", en: "seal number seen twice" },
  "device-forked": { fr: "numérotation de l’appareil contredite", en: "this device’s numbering contradicted" },
  "not-entitled": { fr: "consigné par qui n’y est pas habilité", en: "recorded by somebody not entitled to it" },
  "clock-off": { fr: "horloge fausse de plus de dix minutes", en: "clock wrong by more than ten minutes" },
  "seal-broken": { fr: "scellé rompu", en: "seal broken" },
  "seal-missing": { fr: "scellé manquant", en: "seal missing" },
  "seal-differs": { fr: "scellé différent", en: "seal differs" },
  "weight-differs": { fr: "poids différent", en: "weight differs" },
};

export function kindWord(kind: string, language: Language): string {
  return KINDS[kind]?.[language] ?? kind;
}
