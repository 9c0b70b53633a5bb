// What the page of own keys says, in both languages.
import type { Language } from "./acts";

export const OWN = {
  away: { fr: "Le service ne répond pas", en: "The service does not answer" },
  silent: { fr: "La clé de sécurité n’a pas répondu", en: "The security key did not answer" },
  nothing: { fr: "Rien n’a été fait et rien n’est perdu.", en: "Nothing was done and nothing is lost." },
  again: { fr: "Branchez la clé et recommencez.", en: "Plug the key in and start again." },
  without: {
    fr: "Cette clé de sécurité ne peut pas déchiffrer (elle n’a pas de secret PRF)",
    en: "This security key cannot decipher (it has no PRF secret)",
  },
  other: {
    fr: "Prenez une clé d’un autre modèle, ou déchiffrez par le dépositaire.",
    en: "Take a key of another model, or decipher through the custodian.",
  },
  lost: {
    fr: "Aucune de vos clés de sécurité en service n’a de copie de votre clé propre",
    en: "None of your security keys in service has a copy of your own key",
  },
  anew: {
    fr: "Faites une autre clé propre ; jusque-là, déchiffrez par le dépositaire.",
    en: "Make another own key; until then, decipher through the custodian.",
  },
  changed: {
    fr: "Cette copie de votre clé propre ne s’ouvre pas : elle a été changée",
    en: "This copy of your own key does not open: it was changed",
  },
  refused: {
    fr: "L’enveloppe n’a pas passé les contrôles ; son texte n’est pas montré",
    en: "The envelope did not pass the checks; its text is not shown",
  },
  repeat: {
    fr: "Demandez la répétition au poste d’origine, et donnez ce code à l’officier de sécurité.",
    en: "Ask the post of origin to repeat it, and give this code to the security officer.",
  },
  strange: { fr: "Cette page n’a rien reçu à traiter", en: "This page was given nothing to work on" },
  restart: { fr: "Repartez de la console.", en: "Start again from the console." },
  making: {
    fr: "Une clé est faite dans cette page. Touchez au moins deux de vos clés de sécurité : chacune en reçoit une copie qu’elle seule ouvre. Ensuite vous signez, puis l’officier de sécurité.",
    en: "A key is made in this page. Touch at least two of your security keys: each gets a copy that it alone opens. Then you sign, then the security officer.",
  },
  compare: {
    fr: "Empreinte de cette clé. La page des signatures doit montrer la même ; sinon ne signez pas.",
    en: "Fingerprint of this key. The page of signatures must show the same; if not, do not sign.",
  },
  touch: { fr: "Faire la copie pour la clé", en: "Make the copy for key" },
  copied: { fr: "Copie faite pour la clé", en: "Copy made for key" },
  offer: { fr: "Enregistrer la clé propre", en: "Record the own key" },
  dispatch: { fr: "Dépêche", en: "Dispatch" },
  from: { fr: "De", en: "From" },
  opening: {
    fr: "Le dépositaire a préparé cette dépêche pour votre clé propre. Elle s’ouvre ici, dans votre navigateur ; le journal a votre nom et l’heure.",
    en: "The custodian has prepared this dispatch for your own key. It opens here, in your browser; the log has your name and the time.",
  },
  open: { fr: "Déchiffrer avec ma clé de sécurité", en: "Decipher with my security key" },
  lock: { fr: "Verrouiller le texte", en: "Lock the text" },
  both: {
    fr: "deux signatures vérifiées dans cette page (Ed25519 et ML-DSA-65)",
    en: "two signatures verified in this page (Ed25519 and ML-DSA-65)",
  },
  one: {
    fr: "signature Ed25519 vérifiée dans cette page ; ce navigateur ne connaît pas ML-DSA-65",
    en: "Ed25519 signature verified in this page; this browser does not know ML-DSA-65",
  },
  attachments: {
    fr: "Annexes, à prendre par le dépositaire :",
    en: "Attachments, to be taken through the custodian:",
  },
  left: { fr: "Temps avant le verrouillage", en: "Time before locking" },
  back: { fr: "Revenir à la console", en: "Go back to the console" },
} satisfies Record<string, Record<Language, string>>;
