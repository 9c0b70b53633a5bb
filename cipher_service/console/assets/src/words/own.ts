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
  recovery: { fr: "Copie de secours", en: "Recovery copy" },
  sharing: {
    fr: "La clé est aussi partagée entre au moins trois porteurs : chacun reçoit une part chiffrée à sa carte, et aucun seul n’en apprend rien. Ayez leurs cartes (.card) ; leurs empreintes sont celles qu’ils vous ont lues.",
    en: "The key is also shared among at least three holders: each gets a share enciphered to their card, and none alone learns anything. Have their cards (.card); the fingerprints are those that they read to you.",
  },
  cards: { fr: "Choisir les cartes des porteurs", en: "Choose the holders’ cards" },
  threshold: { fr: "Porteurs qu’il faudra réunir pour retrouver la clé", en: "Holders who must come together to recover the key" },
  cardWrong: {
    fr: "Ce fichier n’est pas une carte en vigueur, ou il a été changé",
    en: "This file is no card in force, or it was changed",
  },
  cardAgain: { fr: "Demandez sa carte au porteur, et recommencez.", en: "Ask the holder for the card, and try again." },
  cardTwice: {
    fr: "Ce porteur est déjà là, ou ils sont seize",
    en: "This holder is there already, or they are sixteen",
  },
  cardOther: { fr: "Prenez la carte d’une autre personne.", en: "Take another person’s card." },
  recovering: {
    fr: "Vos porteurs vous rendent votre clé propre. Touchez d’abord une de vos clés de sécurité : elle donne l’adresse à laquelle ils remettent leurs parts. La même clé donne toujours la même adresse ; vous pouvez donc quitter cette page et y revenir.",
    en: "Your holders give you your own key back. First touch one of your security keys: it gives the address to which they hand their shares over. The same key always gives the same address; so you may leave this page and come back.",
  },
  address: { fr: "Toucher une clé de sécurité", en: "Touch a security key" },
  saveAddress: { fr: "Enregistrer l’adresse", en: "Save the address" },
  saveShare: { fr: "Enregistrer la part de", en: "Save the share of" },
  handOver: {
    fr: "Portez à chaque porteur l’adresse et sa part, et lisez-lui cette empreinte : « cipher-service custody hand-over » la lui demande.",
    en: "Take the address and their share to each holder, and read them this fingerprint: “cipher-service custody hand-over” asks for it.",
  },
  handed: { fr: "Parts remises", en: "Shares handed over" },
  parts: { fr: "Choisir les fichiers remis par les porteurs (.part)", en: "Choose the files that the holders handed over (.part)" },
  received: { fr: "Parts reçues :", en: "Shares received:" },
  copies: { fr: "Nouvelles copies", en: "New copies" },
  copying: {
    fr: "La clé est retrouvée, dans cette page seule. Touchez vos clés de sécurité : chacune en reçoit une copie.",
    en: "The key is recovered, in this page alone. Touch your security keys: each gets a copy of it.",
  },
  keep: { fr: "Garder ces copies", en: "Keep these copies" },
  sharesWrong: {
    fr: "Ce fichier n’est pas une part remise à cette clé de sécurité pour votre clé propre",
    en: "This file is no share handed over to this security key for your own key",
  },
  sharesAgain: {
    fr: "Touchez la clé de sécurité qui a donné l’adresse, ou redemandez la part à son porteur.",
    en: "Touch the security key that gave the address, or ask the holder for the share again.",
  },
  forged: {
    fr: "Ces parts ne rendent pas votre clé propre : l’une est d’un autre partage, ou fausse",
    en: "These shares do not give your own key: one is of another splitting, or forged",
  },
  forgedAgain: {
    fr: "Recommencez avec les parts d’autres porteurs, et prévenez l’officier de sécurité.",
    en: "Start again with other holders’ shares, and tell the security officer.",
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
  headless: { fr: "sans objet", en: "no subject" },
  attachments: { fr: "Annexes dans l’enveloppe", en: "Attachments in the envelope" },
  taken: {
    fr: "Enregistrer une annexe en fait un exemplaire hors du service, inscrit à votre nom.",
    en: "Saving an attachment makes a copy of it outside the service, recorded in your name.",
  },
  take: { fr: "Enregistrer", en: "Save" },
  print: { fr: "Imprimer", en: "Print" },
  copy: { fr: "Exemplaire n°", en: "Copy no." },
  unprinted: {
    fr: "Le texte d’une dépêche ne s’imprime que par le bouton « Imprimer » : l’exemplaire est d’abord inscrit et numéroté.",
    en: "A dispatch’s text is printed by the button “Print” only: the copy is recorded and numbered first.",
  },
  left: { fr: "Temps avant le verrouillage", en: "Time before locking" },
  back: { fr: "Revenir à la console", en: "Go back to the console" },
} satisfies Record<string, Record<Language, string>>;
