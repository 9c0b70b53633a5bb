// The page's own words, in both languages.
import { remember, remembered } from "./memory.ts";
import type { Answer } from "./store.ts";
import { kindWord, type Language } from "./words.ts";

const TEXTS = {
  title: ["Lecture des scellés", "Reading seals"],
  online: ["En ligne", "Online"],
  offline: ["Hors ligne", "Offline"],
  with_pack: ["{line} · paquet", "{line} · pack"],
  sent: ["Tout est transmis", "All handed over"],
  unsent: ["{n} à transmettre", "{n} to hand over"],
  unkept: ["Rien n’est gardé ici", "Nothing is kept here"],
  conflicts: ["{n} en conflit", "{n} in conflict"],
  question: ["Quel numéro porte le scellé ?", "Which number does the seal bear?"],
  question_hint: [
    "Lisez-le sur le scellé lui-même, sans regarder l’étiquette.",
    "Read it on the seal itself, without looking at the label.",
  ],
  number: ["Numéro du scellé {n}", "Number of seal {n}"],
  more: ["Il y a un autre scellé", "There is another seal"],
  condition: ["État des scellés", "Condition of the seals"],
  intact: ["Intacts", "Intact"],
  damaged: ["Abîmés", "Damaged"],
  broken: ["Rompus", "Broken"],
  missing: ["Absents", "Missing"],
  weight: ["Poids en grammes, si pesé", "Weight in grams, if weighed"],
  next: ["Continuer", "Continue"],
  number_missing: [
    "Tapez le numéro lu sur chaque scellé : 4 à 20 lettres, chiffres ou tirets ; ou dites qu’ils sont absents.",
    "Type the number read on each seal: 4 to 20 letters, digits or hyphens; or say that they are missing.",
  ],
  weight_wrong: [
    "Un poids est un nombre de grammes, 2 000 000 au plus. Rien n’est perdu : corrigez-le, ou laissez vide.",
    "A weight is a number of grams, 2,000,000 at most. Nothing is lost: put it right, or leave it empty.",
  ],
  aim: ["Visez l’étiquette", "Aim at the label"],
  aim_hint: [
    "La lecture est automatique. Un lecteur à main marche aussi.",
    "Reading is automatic. A hand scanner works too.",
  ],
  camera: ["Image de la caméra", "Camera picture"],
  torch: ["Lampe", "Torch"],
  lens: ["Objectif", "Lens"],
  photo: ["Photographier l’étiquette", "Photograph the label"],
  locator: ["Localisateur (24 chiffres)", "Locator (24 digits)"],
  find: ["Chercher ce sac", "Find this bag"],
  CONFORMS: ["CONFORME", "CONFORMS"],
  VERIFY: ["À VÉRIFIER", "TO VERIFY"],
  RETURN: ["À RENVOYER", "SEND BACK"],
  REFUSE: ["REFUSER", "REFUSE"],
  bag: ["Sac", "Bag"],
  from: ["De", "From"],
  to: ["Pour", "To"],
  package: ["Colis", "Package"],
  of: ["{n} sur {m}", "{n} of {m}"],
  declared: ["Poids déclaré", "Declared weight"],
  closed: ["Fermé le", "Closed on"],
  rectified: ["Bordereau", "Bordereau"],
  rectified_nth: ["rectifié, à lire avec le rectificatif n° {n}", "put right, to be read with rectification no. {n}"],
  rectified_weight: ["Poids rectifié", "Weight as put right"],
  witness: ["Seconde signature", "Second signature"],
  unwitnessed: ["aucune", "none"],
  claimed: ["nommée, non vérifiée ici", "named, not verified here"],
  log: ["Journal du ministère", "Ministry’s log"],
  proved: ["y est inscrit, prouvé", "holds it, proved"],
  unchecked: ["preuve sans racine dans ce paquet", "a proof without its root in this pack"],
  "no-proof": ["pas de preuve dans ce paquet", "no proof in this pack"],
  pack: ["Paquet", "Pack"],
  pack_age: ["n° {n}, âge : {age}", "no. {n}, age: {age}"],
  pack_ended: ["n° {n}, terme passé : n’annonce plus rien", "no. {n}, past its end: announces nothing"],
  pack_none: ["aucun : actualisez au retour du réseau", "none: refresh when there is a network"],
  received_at: ["Reçu auparavant à", "Received before at"],
  bad_condition: [
    "Scellés déclarés {condition} : l’écart part avec la lecture.",
    "Seals reported {condition}: the discrepancy goes with the reading.",
  ],
  record_received: ["Consigner l’arrivée", "Record the arrival"],
  record_seen: ["Consigner la lecture", "Record the reading"],
  restart: ["Recommencer", "Start again"],
  next_bag: ["Sac suivant", "Next bag"],
  recorded: ["Consigné", "Recorded"],
  recorded_hint: [
    "La lecture est signée et gardée sur cet appareil, même éteint. Elle part dès que le réseau le permet.",
    "The reading is signed and kept on this device, even switched off. It leaves as soon as there is a network.",
  ],
  expected: ["Numéros attendus", "Expected numbers"],
  against: ["À éclaircir", "To be cleared up"],
  against_line: ["À éclaircir : {told}", "To be cleared up: {told}"],
  none: ["rien", "nothing"],
  queue: ["File des lectures", "Queue of readings"],
  queue_empty: ["Aucune lecture n’a été consignée sur cet appareil.", "No reading was recorded on this device."],
  pending: ["à transmettre", "to hand over"],
  half: ["signée par un seul : reprenez la remise", "signed by one alone: go on with the hand-over"],
  handed: ["remise", "hand-over"],
  hand_over: ["Remise sans réseau", "Hand-over without network"],
  state_recorded: ["transmise", "handed over"],
  state_refused: ["refusée : {code}", "refused: {code}"],
  seen: ["lecture", "reading"],
  received: ["arrivée", "arrival"],
  send: ["Transmettre et actualiser", "Hand over and refresh"],
  export: ["Exporter la file", "Export the queue"],
  back: ["Retour à la lecture", "Back to reading"],
  device: ["Cet appareil", "This device"],
  place: ["Lieu des lectures (code)", "Place of readings (code)"],
  keep: ["Garder", "Keep"],
  place_wrong: [
    "Un code de lieu a de 2 à 16 lettres sans accent, chiffres ou tirets, comme PARIS. Le lieu gardé reste celui d’avant ; corrigez le code.",
    "A place’s code has 2 to 16 letters without accents, digits or hyphens, such as PARIS. The place that was kept stays; put the code right.",
  ],
  classical: [
    "Ce navigateur ne vérifie que la signature classique (Ed25519).",
    "This browser verifies the classical signature (Ed25519) only.",
  ],
  enrol: ["Mettre cet appareil en service", "Take this device into service"],
  enrol_hint: [
    "Un officier du poste, identifié sur la console dans ce même navigateur, met l’appareil en service une fois pour toutes. Il lira ensuite les scellés sans réseau.",
    "An officer of the post, signed in on the console in this same browser, takes the device into service once and for all. It will then read seals without network.",
  ],
  enrol_act: ["Mettre en service", "Take into service"],
  enrol_again: ["Remettre en service", "Take into service again"],
  enrol_again_hint: [
    "Si le ministère ne connaît plus cet appareil, après une restauration : un officier le remet en service, avec sa clé et sa file.",
    "If the ministry no longer knows this device, after a restoration: an officer takes it into service again, with its key and its queue.",
  ],
  console: ["Ouvrir la console", "Open the console"],
  compare: ["Comparez l’empreinte", "Compare the fingerprint"],
  compare_hint: [
    "Le bureau du chiffre vous lit l’empreinte de la racine du ministère au téléphone. Est-ce bien celle-ci ?",
    "The cipher bureau reads the fingerprint of the ministry’s root to you by telephone. Is it this one?",
  ],
  same: ["C’est la même", "It is the same"],
  other: ["Ce n’est pas la même", "It is not the same"],
  other_told: [
    "Ne vous servez pas de cet appareil. Rien n’a été lu ni transmis. Prévenez le bureau du chiffre.",
    "Do not use this device. Nothing was read or handed over. Tell the cipher bureau.",
  ],
  fresh: ["moins d’une heure", "less than an hour"],
  hours: ["{n} h", "{n} h"],
  days: ["{n} jours", "{n} days"],
  selftest: ["Vérifier cet appareil", "Check this device"],
  test_ok: ["Fonctionne.", "Works."],
  test_waiting: ["Essai en cours…", "Being tried…"],
  test_signal: ["Faire sonner et vibrer", "Sound and vibrate"],
  test_symbol: ["Symbole d’essai", "Trial symbol"],
  test_wedge: [
    "Pour le lecteur à main : lisez ce symbole.",
    "For the hand scanner: read this symbol.",
  ],
  exercise: ["EXERCICE", "EXERCISE"],
  exercise_told: ["EXERCICE : rien ne sera consigné", "EXERCISE: nothing will be recorded"],
  exercise_hint: [
    "En exercice, les sacs sont jugés comme toujours et rien n’est consigné ni transmis.",
    "In an exercise bags are judged as ever, and nothing is recorded or handed over.",
  ],
  exercise_begin: ["Commencer un exercice", "Begin an exercise"],
  exercise_end: ["Finir l’exercice", "End the exercise"],
  language: ["Langue", "Language"],
  help: ["Aide de cet écran", "Help with this screen"],
  status: ["État", "Status"],
} as const;

export type Text = keyof typeof TEXTS;

let language: Language = "fr";

export function chooseLanguage(): Language {
  const asked = new URLSearchParams(location.search).get("lang") ?? remembered("lang");
  const preferred = asked ?? (navigator.language.startsWith("fr") ? "fr" : document.documentElement.lang);
  return setLanguage(preferred === "en" ? "en" : "fr");
}

export function setLanguage(chosen: Language): Language {
  language = chosen;
  remember("lang", chosen); // where nothing is kept, the page speaks as its address says
  document.documentElement.lang = chosen;
  document.title = say("title");
  return chosen;
}

export function spoken(): Language {
  return language;
}

export function say(text: Text, values: Record<string, string | number> = {}): string {
  const said = TEXTS[text][language === "fr" ? 0 : 1];
  return said.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ""));
}

export function age(seconds: number): string {
  const hours = Math.max(0, Math.floor(seconds / 3_600));
  if (hours === 0) return say("fresh");
  return hours >= 48 ? say("days", { n: Math.floor(hours / 24) }) : say("hours", { n: hours });
}

// "22 nov. 2026, 10 h 34 UTC": as the console and the papers, whatever the zone of the device.
export function moment(at: number): string {
  const date = new Date(at * 1000);
  const day = new Intl.DateTimeFormat(language === "fr" ? "fr-FR" : "en-GB", { dateStyle: "medium", timeZone: "UTC" });
  const [hour, minute] = date.toISOString().slice(11, 16).split(":");
  const told = language === "fr" ? `${hour}\u00a0h\u00a0${minute}` : `${hour}:${minute}`;
  return `${day.format(date)}, ${told}\u00a0UTC`;
}

// What the ministry holds against a reading, in words; none for a clean one.
export function against(answer: Answer | null): string[] {
  if (!answer) return [];
  const receipt = answer.receipt === "granted" || answer.receipt === null ? [] : [answer.receipt];
  const differences = answer.differences.map(([kind, what]) =>
    `${kindWord(kind, language)} ${what}`.trim());
  return [...[...receipt, ...answer.alarms].map((kind) => kindWord(kind, language)), ...differences];
}
