// Help in context: what each view is for, what its buttons do, what to do when something is refused.
import { el } from "./dom.ts";
import { say, spoken } from "./texts.ts";
import type { Both } from "./words.ts";

const NOTHING_LOST: Both = {
  fr: "Ce qui est consigné reste sur cet appareil, même éteint, jusqu’à ce que le ministère l’ait reçu.",
  en: "What is recorded stays on this device, even switched off, until the ministry has received it.",
};

export const HELP: Record<string, readonly [Both, ...Both[]]> = {
  question: [
    {
      fr: "Tapez le numéro moulé sur le scellé avant de regarder l’étiquette : une étiquette recopiée se trahit là.",
      en: "Type the number moulded on the seal before you look at the label: a copied label betrays itself there.",
    },
    {
      fr: "« Il y a un autre scellé » ajoute une ligne. Si les scellés sont absents, dites-le sous « État des scellés ».",
      en: "“There is another seal” adds a line. If the seals are missing, say so under “Condition of the seals”.",
    },
    NOTHING_LOST,
  ],
  aim: [
    {
      fr: "Cadrez le code de l’étiquette, à une main de distance. La lecture se fait seule.",
      en: "Frame the label’s code, a hand’s width away. It is read by itself.",
    },
    {
      fr: "Trop sombre : « Lampe ». La caméra est refusée ou le code abîmé : photographiez l’étiquette, ou tapez les 24 chiffres du localisateur, sous le code.",
      en: "Too dark: “Torch”. The camera is refused or the code damaged: photograph the label, or type the 24 digits of the locator, beneath the code.",
    },
  ],
  verdict: [
    {
      fr: "La couleur et le mot disent le verdict ; la phrase dit pourquoi. Le bouton plein est ce qu’il faut faire maintenant.",
      en: "The colour and the word tell the verdict; the sentence tells why. The solid button is what to do now.",
    },
    {
      fr: "Devant un doute, rien ne presse : mettez le sac à part, fermé, et prévenez le bureau de la valise.",
      en: "In doubt nothing is urgent: set the bag apart, closed, and tell the pouch bureau.",
    },
    NOTHING_LOST,
  ],
  recorded: [
    {
      fr: "La lecture est signée par cet appareil. « Sac suivant » recommence.",
      en: "The reading is signed by this device. “Next bag” begins again.",
    },
    NOTHING_LOST,
  ],
  queue: [
    {
      fr: "Toutes les lectures de cet appareil, et celles que le ministère a reçues.",
      en: "All readings of this device, and those that the ministry has received.",
    },
    {
      fr: "« Transmettre et actualiser » remet ce qui attend et reprend le paquet. Sans réseau pour longtemps : « Exporter la file » donne un fichier à remettre au poste.",
      en: "“Hand over and refresh” hands in what waits and takes the pack again. Without a network for long: “Export the queue” gives a file to hand to the post.",
    },
    NOTHING_LOST,
  ],
  selftest: [
    {
      fr: "Avant le départ ou l’arrivée d’un sac : chaque partie de l’appareil dit qu’elle fonctionne, ou ce qu’il faut faire.",
      en: "Before a bag leaves or comes: each part of the device says that it works, or what to do.",
    },
    {
      fr: "« Faire sonner et vibrer » joue le signal d’un sac conforme. Le lecteur à main lit le symbole du bas.",
      en: "“Sound and vibrate” plays the signal of a bag that conforms. The hand scanner reads the symbol below.",
    },
  ],
  enrolment: [
    {
      fr: "À faire une fois par appareil, avec un officier qui s’est identifié sur la console dans ce navigateur.",
      en: "To be done once a device, with an officer who has signed in on the console in this browser.",
    },
    {
      fr: "Si le ministère refuse : l’officier doit avoir affaire aux valises, et être identifié encore.",
      en: "If the ministry refuses: the officer must have business with bags, and be signed in still.",
    },
  ],
  comparison: [
    {
      fr: "L’empreinte prouve que le paquet vient bien du ministère. Comparez-la à voix haute, par une autre voie que cet appareil.",
      en: "The fingerprint proves that the pack does come from the ministry. Compare it aloud, by another way than this device.",
    },
    {
      fr: "Un seul signe différent : « Ce n’est pas la même ». Rien n’aura été lu ni transmis.",
      en: "A single sign that differs: “It is not the same”. Nothing will have been read or handed over.",
    },
  ],
};

// Closed below a view's own content, so that it is never in the way of a hand in a glove.
export function helpOf(view: string): HTMLElement | null {
  const told = HELP[view];
  if (!told) return null;
  return el("details", { class: "scan-help" },
    el("summary", {}, say("help")), ...told.map((line) => el("p", {}, line[spoken()])));
}
