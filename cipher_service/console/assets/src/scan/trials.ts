// What the device's trial of itself says of each part, in both languages.
import type { Both } from "./words.ts";

export type Part = "storage" | "timing" | "decoder" | "camera" | "wedge" | "sound" | "shaking";
export type Trial = "waiting" | "asked" | "ok" | "fails" | "other" | "little" | "late";

interface Told {
  name: Both;
  told: Partial<Record<Trial, Both>>;
}

export const TRIALS: Record<Part, Told> = {
  storage: {
    name: { fr: "Mémoire", en: "Storage" },
    told: {
      fails: {
        fr: "Rien n’est gardé ici : quittez la navigation privée, libérez de la place, puis recommencez.",
        en: "Nothing is kept here: leave private browsing, free some room, then try again.",
      },
      little: {
        fr: "Il reste trop peu de place : transmettez la file, puis libérez-en.",
        en: "Too little room is left: hand the queue over, then free some.",
      },
      other: {
        fr: "Fonctionne, mais le navigateur peut effacer : ajoutez cette page à l’écran d’accueil et transmettez chaque jour.",
        en: "Works, but the browser may clear it: add this page to the home screen and hand over every day.",
      },
    },
  },
  timing: {
    name: { fr: "Horloge et paquet", en: "Clock and pack" },
    told: {
      fails: {
        fr: "Aucun paquet : rejoignez un réseau, puis « Transmettre et actualiser ».",
        en: "No pack: find a network, then “Hand over and refresh”.",
      },
      late: {
        fr: "L’horloge est en retard sur le paquet : réglez-la, puis recommencez.",
        en: "The clock is behind the pack: set it, then try again.",
      },
      other: {
        fr: "Le paquet a passé son terme, ou l’horloge avance : réglez-la, puis « Transmettre et actualiser ».",
        en: "The pack is past its end, or the clock is fast: set it, then “Hand over and refresh”.",
      },
    },
  },
  decoder: {
    name: { fr: "Décodeur", en: "Decoder" },
    told: {
      fails: {
        fr: "Un symbole d’essai n’est pas lu : mettez le navigateur à jour ; d’ici là, tapez le localisateur.",
        en: "A trial symbol is not read: bring the browser up to date; until then type the locator.",
      },
    },
  },
  camera: {
    name: { fr: "Caméra", en: "Camera" },
    told: {
      fails: {
        fr: "Pas d’image : permettez la caméra dans les réglages du navigateur. Sans elle : lecteur à main, photographie ou localisateur.",
        en: "No picture: allow the camera in the browser’s settings. Without it: hand scanner, photograph or locator.",
      },
    },
  },
  wedge: {
    name: { fr: "Lecteur à main", en: "Hand scanner" },
    told: {
      asked: {
        fr: "S’il y en a un : lisez avec lui le symbole du bas.",
        en: "If there is one: read the symbol below with it.",
      },
      other: {
        fr: "Des signes manquent ou sont changés : réglez le lecteur sur « clavier » avec Entrée à la fin, plus lentement.",
        en: "Signs are missing or changed: set the scanner to “keyboard” with Enter at the end, more slowly.",
      },
    },
  },
  sound: {
    name: { fr: "Son", en: "Sound" },
    told: {
      asked: { fr: "Pressez le bouton et écoutez.", en: "Press the button and listen." },
      ok: {
        fr: "Un son a été joué. Rien entendu ? Montez le volume, quittez le mode silencieux.",
        en: "A tone was played. Heard nothing? Raise the volume, leave silent mode.",
      },
      fails: {
        fr: "Le navigateur ne joue rien : fiez-vous à la couleur et au mot.",
        en: "The browser plays nothing: go by the colour and the word.",
      },
    },
  },
  shaking: {
    name: { fr: "Vibration", en: "Vibration" },
    told: {
      asked: { fr: "Pressez le bouton en tenant l’appareil.", en: "Press the button while you hold the device." },
      fails: {
        fr: "Cet appareil ne vibre pas depuis une page : fiez-vous à la couleur et au mot.",
        en: "This device does not vibrate from a page: go by the colour and the word.",
      },
    },
  },
};
