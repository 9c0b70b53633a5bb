// What the page where officers sign says, in both languages. Tests hold ACTS to the kinds of
// keys/act_rules.py, and its codes to those of console/coded.py.
export type Language = "fr" | "en";
type Words = Record<Language, string>;

export const SENTENCES = {
  what: { fr: "Acte", en: "Act" },
  signer: { fr: "Signataire", en: "Signer" },
  bytes: { fr: "Les octets exacts qui sont signés", en: "The exact bytes that are signed" },
  departure: { fr: "La dépêche que votre clé fait signer", en: "The dispatch that your key has signed" },
  manifest: {
    fr: "Les octets exacts du manifeste que le dépositaire signera",
    en: "The exact bytes of the manifest that the custodian will sign",
  },
  sealing: { fr: "Le sceau que votre clé fait signer", en: "The seal that your key has signed" },
  claims: {
    fr: "Les octets exacts du sceau que le dépositaire signera",
    en: "The exact bytes of the seal that the custodian will sign",
  },
  rectifying: {
    fr: "Le rectificatif que votre clé fait signer",
    en: "The rectification that your key has signed",
  },
  statement: {
    fr: "Les octets exacts du rectificatif que le dépositaire signera",
    en: "The exact bytes of the rectification that the custodian will sign",
  },
  line: { fr: "ligne", en: "line" },
  colon: { fr: "\u00a0:", en: ":" },
  stood: { fr: "au lieu de", en: "instead of" },
  right: { fr: "lire", en: "read" },
  other: {
    fr: "Ce qui est joint n’est pas ce que cette autorisation désigne",
    en: "What is shown with this grant is not what it names",
  },
  idle: { fr: "sans objet", en: "not applicable" },
  sign: { fr: "Signer avec ma clé de sécurité", en: "Sign with my security key" },
  sample: { fr: "Signer avec la clé logicielle", en: "Sign with the software key" },
  demonstration: {
    fr: "Démonstration : la clé logicielle de cet officier signe par la même vérification qu’une vraie clé, mais personne ne la touche.",
    en: "Demonstration: this officer’s software key signs through the same verification as a real key, but nobody touches it.",
  },
  back: { fr: "Revenir à la console sans signer davantage", en: "Go back to the console without signing more" },
  done: { fr: "Signé, et fait.", en: "Signed, and done." },
  waiting: { fr: "Signé. D’autres doivent encore signer.", en: "Signed. Others must still sign." },
  answered: { fr: "Signé. La demande est transmise.", en: "Signed. The request is handed on." },
  away: { fr: "Le service ne répond pas", en: "The service does not answer" },
  keySilent: {
    fr: "La clé de sécurité n’a pas répondu",
    en: "The security key did not answer",
  },
  nothingDone: { fr: "Rien n’a été signé, et rien n’est perdu.", en: "Nothing was signed, and nothing is lost." },
  tryAgain: { fr: "Branchez la clé et recommencez.", en: "Plug the key in and start again." },
  strange: {
    fr: "Ce qu’il faudrait signer n’est pas lisible",
    en: "What should be signed cannot be read",
  },
  tell: {
    fr: "Ne signez rien et prévenez l’officier de sécurité.",
    en: "Sign nothing and tell the security officer.",
  },
} satisfies Record<string, Words>;

export const PURPOSES: Record<string, Words> = {
  open: { fr: "Permettre d’ouvrir", en: "Allow opening" },
  bag: {
    fr: "Permettre d’ouvrir ce que le bureau de la valise tient chiffré (pièces, lettres, bordereaux)",
    en: "Allow opening what the pouch bureau keeps enciphered (items, letters, bordereaux)",
  },
  sign: { fr: "Faire signer une dépêche au dépositaire", en: "Have the custodian sign a dispatch" },
  seal: { fr: "Permettre de sceller une valise", en: "Allow sealing a pouch" },
  // The same grant, for a bordereau that was sealed: which of both, the request says.
  rectification: {
    fr: "Permettre de rectifier un bordereau scellé",
    en: "Allow putting a sealed bordereau right",
  },
};

// What a rectification puts right, by its name in the statement (pouch/SPEC.md §13).
export const ENTRIES: Record<string, Words> = {
  weight: { fr: "poids en grammes", en: "weight in grams" },
  waybill: { fr: "numéro de la lettre", en: "number of the letter" },
  consignee: { fr: "destinataire de la valise", en: "consignee of the bag" },
  carrier: { fr: "porteur", en: "carrier" },
  status: { fr: "qualité du porteur", en: "status of the carrier" },
  passport: { fr: "passeport", en: "passport" },
  vehicle: { fr: "véhicule ou vol", en: "vehicle or flight" },
  register: { fr: "numéro au registre", en: "register number" },
  sender: { fr: "service expéditeur", en: "sending service" },
  addressee: { fr: "destinataire", en: "addressee" },
  enclosure: { fr: "pli intérieur", en: "inner envelope" },
};

// How an addressee is named in a manifest: role and way.
export const ROUTES: Record<string, Words> = {
  action: { fr: "pour action", en: "for action" },
  info: { fr: "pour information", en: "for information" },
  cipher: { fr: "chiffrée", en: "enciphered" },
  pouch: { fr: "par valise", en: "by bag" },
};

// Statements of the service itself, by their type.
export const STATEMENTS: Record<string, Words> = {
  "cipher-service/v1 add-key": {
    fr: "Ajouter une clé de sécurité à mon compte",
    en: "Add a security key to my account",
  },
  "cipher-service/v1 ceremony": {
    fr: "Confirmer le partage de la clé du dépositaire",
    en: "Confirm the sharing of the custodian’s key",
  },
  "cipher-service/v1 mandate": {
    fr: "Donner un mandat : délégation de signature ou intérim",
    en: "Give a mandate: delegation of signature or interim",
  },
  "cipher-service/v1 release-alone": {
    fr: "Faire partir seul une dépêche",
    en: "Release a dispatch alone",
  },
};

export const ACTS: Record<string, Words> = {
  "dispatch.release": { fr: "Faire partir une dépêche", en: "Release a dispatch" },
  "dispatch.release-alone": { fr: "Faire partir une dépêche, seul", en: "Release a dispatch, alone" },
  "label.lower": { fr: "Abaisser un marquage", en: "Lower a marking" },
  "habilitation.grant": { fr: "Accorder une habilitation", en: "Grant an habilitation" },
  "function.assign": { fr: "Confier une fonction", en: "Assign a function" },
  "need.grant": { fr: "Donner à connaître", en: "Give a need to know" },
  "officer.admit": { fr: "Admettre un officier", en: "Admit an officer" },
  "officer.rearm": { fr: "Remplacer les clés d’un officier", en: "Replace an officer’s keys" },
  "officer.relink": {
    fr: "Donner à un officier un nouveau lien d’inscription",
    en: "Give an officer a new enrolment link",
  },
  "officer.resume": {
    fr: "Lever la suspension d’un officier",
    en: "Lift an officer’s suspension",
  },
  "officer.own-key": {
    fr: "Mettre en service la clé propre d’un officier",
    en: "Put an officer’s own key in service",
  },
  "officer.revoke": { fr: "Retirer un officier ou sa clé", en: "Revoke an officer or a key" },
  "key.destroy": { fr: "Détruire une clé", en: "Destroy a key" },
  "key.keep": {
    fr: "Reprendre l’ordre de détruire une clé",
    en: "Take back the order to destroy a key",
  },
  "policy.change": { fr: "Changer les politiques d’accès", en: "Change the access policies" },
  "pouch.seal": { fr: "Sceller une valise", en: "Seal a pouch" },
  "pouch.open": { fr: "Ouvrir une valise", en: "Open a pouch" },
  "pouch.discharge": { fr: "Décharger une valise", en: "Discharge a pouch" },
  "pouch.find": { fr: "Constater qu’une valise est retrouvée", en: "State that a pouch is found" },
  "pouch.stock": { fr: "Déplacer des scellés", en: "Move physical seals" },
};

// What a mandate is.
export const KINDS: Record<string, Words> = {
  interim: { fr: "intérim", en: "interim" },
  signature: { fr: "délégation de signature", en: "delegation of signature" },
};

// What stands before a number in the name of what an act is on.
export const NUMBERED = ["officer/", "dispatch/", "pouch/"];

// Members whose values are codes, with what each says.
export const CODES: Record<string, Record<string, Words>> = {
  resource: {
    "policies/access": { fr: "les politiques d’accès", en: "the access policies" },
    "pouch/seals": { fr: "la réserve de scellés", en: "the store of seals" },
  },
  move: {
    "take-in": { fr: "entrer des scellés neufs", en: "take new seals in" },
    issue: { fr: "délivrer des scellés, tirés au hasard", en: "issue seals, drawn at random" },
    void: { fr: "écarter des scellés gâtés", en: "set spoilt seals aside" },
    destroy: { fr: "détruire des scellés rompus ou écartés", en: "destroy seals that were broken or set aside" },
  },
  sort: {
    plastic: { fr: "plastique", en: "plastic" },
    lead: { fr: "plomb", en: "lead" },
    wax: { fr: "cire", en: "wax" },
    bolt: { fr: "tige", en: "bolt" },
  },
  absent: {
    weapons: { fr: "armes et munitions", en: "weapons and ammunition" },
    explosives: { fr: "explosifs et matières dangereuses", en: "explosives and dangerous goods" },
    drugs: { fr: "stupéfiants", en: "narcotics" },
    money: { fr: "espèces et valeurs non officielles", en: "cash and valuables that are not official" },
    private: { fr: "effets privés et marchandises", en: "private goods and merchandise" },
    living: { fr: "personnes, animaux, plantes, restes humains", en: "persons, animals, plants, remains" },
  },
  end_of_life: {
    archive: { fr: "clé d’archive", en: "archive key" },
    traffic: { fr: "clé de trafic", en: "traffic key" },
  },
};

export const MEMBERS: Record<string, Words> = {
  resource: { fr: "Sur", en: "On" },
  reason: { fr: "Motif", en: "Reason" },
  rank: { fr: "Niveau", en: "Level" },
  proposer: { fr: "Proposé par", en: "Proposed by" },
  subjects: { fr: "Concerne", en: "Concerns" },
  authors: { fr: "Fait par", en: "Made by" },
  not_before: { fr: "En vigueur dès", en: "In force from" },
  expires: { fr: "À signer avant", en: "To be signed before" },
  officer: { fr: "Officier", en: "Officer" },
  dispatch: { fr: "Dépêche", en: "Dispatch" },
  request: { fr: "Demande", en: "Request" },
  uses: { fr: "Nombre d’usages", en: "Number of uses" },
  link: { fr: "Empreinte du lien", en: "Fingerprint of the link" },
  role: { fr: "Fonction", en: "Function" },
  level: { fr: "Niveau", en: "Level" },
  caveats: { fr: "Mentions", en: "Caveats" },
  starts: { fr: "Dès", en: "From" },
  ends: { fr: "Jusqu’à", en: "Until" },
  act: { fr: "Référence de l’acte", en: "Reference of the act" },
  manifest: { fr: "Empreinte de la dépêche", en: "Fingerprint of the dispatch" },
  digest: { fr: "Empreinte", en: "Fingerprint" },
  name: { fr: "Nom", en: "Name" },
  precedence: { fr: "Urgence", en: "Precedence" },
  to: { fr: "À", en: "To" },
  key: { fr: "Clé de sécurité", en: "Security key" },
  subject: { fr: "Objet", en: "Subject" },
  dispatchLevel: { fr: "Marquage de la dépêche", en: "Marking of the dispatch" },
  releasability: { fr: "Communicable à", en: "Releasable to" },
  created: { fr: "Faite le", en: "Made on" },
  contents: { fr: "Contenu (octets, SHA-256)", en: "Contents (bytes, SHA-256)" },
  bag: { fr: "Sac", en: "Bag" },
  route: { fr: "De, vers (sac, de combien)", en: "From, to (bag, of how many)" },
  bagClass: { fr: "Peut contenir", en: "May hold" },
  physicalSeals: { fr: "Scellés posés", en: "Physical seals" },
  weight: { fr: "Poids, en grammes", en: "Weight, in grams" },
  items: { fr: "Pièces", en: "Items" },
  closed: { fr: "Fermée le", en: "Closed on" },
  void: { fr: "Sceau nul dès", en: "Seal void from" },
  rectification: { fr: "Rectificatif", en: "Rectification" },
  changes: { fr: "Ce qui change", en: "What changes" },
  answers: { fr: "En répond", en: "Answers for it" },
  recipient: { fr: "Empreinte de la clé propre", en: "Fingerprint of the own key" },
  functions: { fr: "Fonctions", en: "Functions" },
  trained_until: { fr: "Formation valable jusqu’à", en: "Training valid until" },
  matter: { fr: "À connaître", en: "To be known" },
  kind: { fr: "Sorte", en: "Kind" },
  replaces: { fr: "Remplace le jeu d’empreinte", en: "Replaces the set of digest" },
  policies: { fr: "Texte du jeu", en: "Text of the set" },
  nonce: { fr: "Secret trouvé dans la valise", en: "Secret found in the bag" },
  found: { fr: "Trouvé, par ligne", en: "Found, by line" },
  damaged: { fr: "Lignes abîmées", en: "Damaged lines" },
  misdirected: { fr: "Lignes pour un autre", en: "Lines for somebody else" },
  unlisted: { fr: "Pièces non annoncées", en: "Items that no line lists" },
  move: { fr: "Mouvement", en: "Movement" },
  number: { fr: "Version", en: "Version" },
  fingerprint: { fr: "Empreinte de la carte", en: "Fingerprint of the card" },
  end_of_life: { fr: "Classe", en: "Class" },
  order: { fr: "Ordre repris", en: "Order taken back" },
  numbers: { fr: "Numéros", en: "Numbers" },
  count: { fr: "Nombre, tirés au hasard", en: "How many, drawn at random" },
  sort: { fr: "Sorte de scellé", en: "Kind of seal" },
  seals: { fr: "Scellés à poser", en: "Seals to be fixed" },
  weight_g: { fr: "Poids pesé, en grammes", en: "Weight on the scales, in grams" },
  certifier: { fr: "Certifie le contenu", en: "Certifies the contents" },
  absent: { fr: "Vérifié : la valise ne contient pas", en: "Checked: the bag does not hold" },
  days: { fr: "Jours de validité du sceau", en: "Days for which the seal is valid" },
  threshold: { fr: "Parts nécessaires pour ouvrir", en: "Shares needed to open" },
  holders: { fr: "Porteurs (carte, officier, empreinte)", en: "Holders (card, officer, fingerprint)" },
  recovery: { fr: "Empreinte de la copie de secours", en: "Fingerprint of the recovery copy" },
  conductors: { fr: "Menée par", en: "Conducted by" },
  before: { fr: "Partage d’avant", en: "Sharing of before" },
  operation: { fr: "Au terminal", en: "At the terminal" },
  ceremony: { fr: "Cérémonie", en: "Ceremony" },
  mandate: { fr: "Mandat", en: "Mandate" },
  holder: { fr: "Qui agira", en: "Who will act" },
  delegator: { fr: "Au nom de", en: "In the name of" },
  actions: { fr: "Actes couverts (aucun nommé : tous)", en: "Acts covered (none named: all)" },
};
