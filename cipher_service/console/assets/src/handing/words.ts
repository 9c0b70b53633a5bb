// What a hand-over without network says, in both languages.
import type { Both } from "../scan/words.ts";

export const TEXTS = {
  title: ["Remise sans réseau", "Hand-over without network"],
  hint: [
    "Deux téléphones se montrent trois codes, et chacun garde la remise signée par les deux personnes. Qui prend commence : il montre son code.",
    "Two telephones show each other three codes, and each keeps the hand-over signed by both persons. Who takes begins, by showing a code.",
  ],
  give: ["Je remets une valise", "I hand a bag over"],
  take: ["Je prends une valise", "I take a bag"],
  back: ["Retour à la file", "Back to the queue"],
  taker_title: ["Montrez ce code à qui remet", "Show this code to the one who gives"],
  taker_read: ["Lire ce qu’il me montre", "Read what I am shown"],
  read_taker: ["Visez le code de qui prend", "Aim at the code of the one who takes"],
  read_half: ["Visez le code de qui remet", "Aim at the code of the one who gives"],
  read_answer: ["Visez la réponse de qui prend", "Aim at the answer of the one who takes"],
  camera: ["Image de la caméra", "Camera picture"],
  photo: ["Photographier le code", "Photograph the code"],
  choose: ["À qui, et quelle valise", "To whom, and which bag"],
  to: ["Prend", "Takes"],
  from: ["Remet", "Gives"],
  bag: ["Valise", "Bag"],
  condition: ["État des scellés", "Condition of the seals"],
  intact: ["Intacts", "Intact"],
  damaged: ["Abîmés", "Damaged"],
  broken: ["Rompus", "Broken"],
  missing: ["Absents", "Missing"],
  sign: ["Signer la remise", "Sign the hand-over"],
  no_bags: [
    "Aucune valise en route n’est annoncée à ce poste : rien à remettre. Actualisez au retour du réseau.",
    "No bag under way is announced to this post: nothing to hand over. Refresh when there is a network.",
  ],
  half_title: ["Montrez ce code à qui prend", "Show this code to the one who takes"],
  half_hint: [
    "La remise est signée par vous et gardée ici. Elle compte quand l’autre a signé aussi : lisez alors sa réponse.",
    "The hand-over is signed by you and kept here. It counts once the other has signed too: then read the answer.",
  ],
  half_read: ["Lire sa réponse", "Read the answer"],
  confirm: ["Regardez la valise, puis signez", "Look at the bag, then sign"],
  confirm_hint: [
    "Lisez le repère sur l’étiquette et regardez les scellés. En signant, vous dites que vous l’avez prise dans cet état.",
    "Read the locator on the label and look at the seals. By signing you say that you took it in this condition.",
  ],
  accept: ["Je la prends dans cet état", "I take it in this condition"],
  answer_title: ["Montrez ce code à qui a remis", "Show this code to the one who gave"],
  answer_hint: [
    "La remise est signée par les deux et gardée ici. Elle part dès que le réseau le permet, d’ici ou de l’autre téléphone.",
    "The hand-over is signed by both and kept here. It leaves as soon as there is a network, from here or from the other telephone.",
  ],
  done_title: ["Remise signée par les deux", "Hand-over signed by both"],
  done: ["Terminé", "Done"],
  again: ["Reprendre : {bag}", "Go on: {bag}"],
} as const;

export type Text = keyof typeof TEXTS;

export const FAILURES: Record<string, Both> = {
  HAND_OVER_MALFORMED: {
    fr: "Ce n’est pas le code attendu maintenant. Rien n’a été signé ; montrez-vous les codes dans l’ordre.",
    en: "This is not the code that comes now. Nothing was signed; show each other the codes in their order.",
  },
  HAND_OVER_NOT_YOURS: {
    fr: "Ce code est le vôtre, ou la remise est pour un autre téléphone. Rien n’a été signé ; recommencez avec qui prend.",
    en: "This code is your own, or the hand-over is for another telephone. Nothing was signed; begin again with the one who takes.",
  },
  HAND_OVER_OTHER: {
    fr: "Ce code est d’une autre remise, ou d’une valise que le paquet n’annonce pas. Rien n’a été signé ; recommencez, ou refusez la valise.",
    en: "This code is of another hand-over, or of a bag that the pack does not announce. Nothing was signed; begin again, or refuse the bag.",
  },
  HAND_OVER_UNKNOWN: {
    fr: "L’autre téléphone n’est pas en service d’après le paquet. Rien n’a été signé ; actualisez les deux, ou remettez la valise au guichet.",
    en: "By the pack the other telephone is not in service. Nothing was signed; refresh both, or hand the bag over at a desk.",
  },
  HAND_OVER_FORGED: {
    fr: "La signature ne tient pas : le code a été changé. Rien n’a été signé. Gardez la valise et prévenez le bureau.",
    en: "The signature does not hold: the code was changed. Nothing was signed. Keep the bag and tell the bureau.",
  },
};

const NOTHING_LOST: Both = {
  fr: "Ce qui est signé reste sur cet appareil, même éteint. Une remise que l’autre n’a pas signée se reprend d’ici.",
  en: "What is signed stays on this device, even switched off. A hand-over that the other has not signed goes on from here.",
};
const AIMED: Both = {
  fr: "Cadrez l’écran de l’autre téléphone, à une main de distance, luminosité au plus haut.",
  en: "Frame the other telephone’s screen, a hand’s width away, at its brightest.",
};

export const HELP: Record<string, readonly [Both, ...Both[]]> = {
  handing: [NOTHING_LOST],
  taker: [AIMED],
  reading: [AIMED],
  giving: [
    {
      fr: "Vérifiez de vive voix que l’officier nommé est bien celui qui prend.",
      en: "Make sure aloud that the officer named is the one who takes.",
    },
    NOTHING_LOST,
  ],
  half: [AIMED, NOTHING_LOST],
  taking: [
    {
      fr: "Si l’état dit n’est pas celui que vous voyez, ne signez pas : qui remet recommence.",
      en: "If the condition told is not the one you see, do not sign: the one who gives begins again.",
    },
  ],
  answer: [AIMED, NOTHING_LOST],
  handed: [NOTHING_LOST],
};
