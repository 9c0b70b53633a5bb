// Cards and the sync pack (keys/SPEC.md §1, pouch/SPEC.md §8), as keys/cards.py and pouch/pack.py.
import { fromBase64, fromHex, hex, Malformed, sha256, utf8, type Bytes } from "./bytes.ts";
import { decode, decodeBytes, encode, matching, Taken, type Members, type Value } from "./canonical.ts";
import { POST, SEAL_NUMBER } from "./claims.ts";
import { hold, type Signatures } from "./signatures.ts";

export const SKEW = 5 * 60;
const NOTE_MOST = 1_000_000;
const WEIGHT_MOST = 2_000_000;
const BYTES_MOST = 16 * 1024 * 1024;
const FINGERPRINT = /^[0-9a-f]{64}$/;
const CLOSING = /^[0-9a-f]{32}$/;
const BAG = /^[0-9]{22}$/;
const EXERCISE = /^EXERCICE(?:-|$)/; // as keys/records.py
const RECIPIENT = /^age1pq1[02-9ac-hj-np-z]{1952}$/;

export interface Card {
  post: string;
  edition: number;
  from: number;
  until: number;
  fingerprint: string;
  recipient: string;
  ed25519: Bytes;
  mldsa65: Bytes;
}

// The ministry's root: its public keys, and the SHA-256 of its file.
export interface Root {
  fingerprint: string;
  ed25519: Bytes;
  mldsa65: Bytes;
}

// An entry of the log, opened: pouch/logged.py.
export interface Logged {
  record: Bytes;
  salt: Bytes;
  index: number;
  size: number;
  path: Bytes[];
}

// How a bag's bordereau was put right by its origin (pouch/SPEC.md §13), as far as a pack tells it.
export interface RectifiedTo {
  ordinal: number;
  hash: string;
  weight: number;
}

export interface Announced {
  seal: string;
  bag: string;
  digest: string;
  seals: string[];
  destination: string;
  packages: number;
  expires: number | null; // null where the ministry does not know the seal
  logged: Logged | null; // null as long as no signed head of the log says so
  rectified: RectifiedTo | null; // null where the bordereau stands as it was sealed
  handOvers: number; // ordinal of the furthest hand-over that was told, 0 for none
}

interface Arrival {
  seal: string;
  place: string;
  at: number;
}

export interface Pack {
  version: number;
  issued: number;
  expires: number;
  cards: Card[];
  announced: Map<string, Announced>;
  arrivals: Map<string, Arrival>;
  revokedSeals: Set<string>;
  revokedCards: Set<string>;
  roots: Map<number, Bytes>;
  recalled: Set<string>;
  devices: Set<string>; // in force: with them a bag may be handed over without network
}

export class PackRefused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

async function readCard(value: Value): Promise<Card> {
  const { fingerprint, signatures, ...statement } = value as Members;
  const told = new Taken(value);
  told.constant("v", 1);
  told.constant("type", "depeche/v1 card");
  const card = {
    post: told.text("post", POST),
    edition: told.integer("edition", 1),
    from: told.time("valid_from"),
    until: told.time("valid_until"),
    fingerprint: told.text("fingerprint", FINGERPRINT),
    recipient: told.text("recipient", RECIPIENT),
    ed25519: octets(told.take("ed25519"), 32),
    mldsa65: octets(told.take("mldsa65"), 1952),
  };
  const previous = told.take("previous");
  if (previous !== null) matching(previous, FINGERPRINT);
  const own = readSignatures(told.take("signatures"));
  told.close();
  if (card.from >= card.until || (card.edition === 1) !== (previous === null)) {
    throw new Malformed("a card's members contradict each other");
  }
  const bytes = utf8(encode(statement));
  if (hex(await sha256(bytes)) !== fingerprint) throw new Malformed("not the named card");
  if (!(await hold(card, "depeche/v1 card", bytes, own))) throw new Malformed("not signed by itself");
  return card;
}

export async function readCardFile(text: string): Promise<Card> {
  return readCard(decode(text.replace(/\n$/, "")));
}

// Reads the file of the root's public keys (keys/TRANSPORT.md §9), as keys/endorsement.py.
export async function readRootFile(text: string): Promise<Root> {
  const file = text.replace(/\n$/, "");
  const told = new Taken(decode(file));
  told.constant("v", 1);
  told.constant("type", "depeche/v1 root-key");
  const root = {
    fingerprint: hex(await sha256(utf8(file))),
    ed25519: octets(told.take("ed25519"), 32),
    mldsa65: octets(told.take("mldsa65"), 1952),
  };
  told.close();
  return root;
}

// Reads a pack and checks it whole, in the order of pouch/SPEC.md §8. Throws PackRefused.
export async function readPack(
  file: Bytes, root: Root, leastVersion: number, at: number,
): Promise<Pack> {
  const { statement, signatures } = refusing("PACK_MALFORMED", () => outer(file));
  if (!(await hold(root, "valise/v1 pack", utf8(encode(statement)), signatures))) {
    throw new PackRefused("PACK_NOT_OF_ROOT");
  }
  let pack: Pack;
  try {
    pack = await members(statement);
  } catch (error) {
    if (error instanceof Malformed) throw new PackRefused("PACK_MALFORMED");
    throw error;
  }
  if (pack.version < leastVersion) throw new PackRefused("PACK_ROLLED_BACK");
  if (pack.issued > at + SKEW) throw new PackRefused("PACK_NOT_YET_VALID");
  return pack;
}

function outer(file: Bytes): { statement: Value; signatures: Signatures } {
  if (file.length > BYTES_MOST) throw new Malformed("too long");
  const end = file.at(-1) === 10 ? -1 : undefined;
  const told = new Taken(decodeBytes(file.slice(0, end)));
  const statement = told.take("statement");
  new Taken(statement);
  const signatures = readSignatures(told.take("signatures"));
  told.close();
  return { statement, signatures };
}

async function members(statement: Value): Promise<Pack> {
  const told = new Taken(statement);
  told.constant("v", 1);
  told.constant("type", "valise/v1 pack");
  const pack: Pack = {
    version: told.integer("version", 1),
    issued: told.time("issued"),
    expires: told.time("expires"),
    cards: await Promise.all(told.items("cards", 2_000).map(readCard)),
    announced: once(told.items("announced", 20_000).map(readAnnounced)),
    arrivals: once(told.items("arrivals", 20_000).map(readArrival)),
    revokedSeals: set(told.items("revoked_seals", 20_000), CLOSING),
    revokedCards: set(told.items("revoked_cards", 20_000), FINGERPRINT),
    roots: new Map(told.items("roots", 1_000).map(readRoot)),
    recalled: readSet(told, "recalled", CLOSING),
    devices: readSet(told, "devices", FINGERPRINT),
  };
  readCheckpoint(told);
  told.close();
  if (pack.issued >= pack.expires) throw new Malformed("a pack ends after its issue");
  requireUnmixed(pack);
  return pack;
}

// What tells of an exercise tells of nothing else, as pouch/pack.py has it.
function requireUnmixed(pack: Pack): void {
  const posts = [
    ...pack.cards.map((card) => card.post),
    ...[...pack.announced.values()].map((bag) => bag.destination),
    ...[...pack.arrivals.values()].map((arrival) => arrival.place),
  ];
  if (new Set(posts.map((post) => EXERCISE.test(post))).size > 1) {
    throw new Malformed("a pack of a ministry holds something of an exercise");
  }
}

// Left out where it is empty: packs did not tell it from the beginning.
function readSet(told: Taken, member: string, pattern: RegExp): Set<string> {
  if (!told.has(member)) return new Set();
  const found = set(told.items(member, 20_000), pattern);
  if (found.size === 0) throw new Malformed("an empty list is left out");
  return found;
}

function readAnnounced(value: Value): Announced {
  const told = new Taken(value);
  const seals = told.items("seals", 8).map((each) => matching(each, SEAL_NUMBER));
  if (seals.length === 0 || new Set(seals).size !== seals.length) throw new Malformed("seals");
  const announced = {
    seal: told.text("seal", CLOSING),
    bag: told.text("bag", BAG),
    digest: told.text("digest", FINGERPRINT),
    seals,
    destination: told.text("destination", POST),
    packages: told.integer("packages", 1, 99),
    expires: told.has("expires") ? told.time("expires") : null,
    logged: told.has("logged") ? readLogged(told.take("logged")) : null,
    rectified: told.has("rectified") ? readRectified(told.take("rectified")) : null,
    handOvers: told.has("hand_overs") ? told.integer("hand_overs", 1) : 0,
  };
  told.close();
  return announced;
}

function readRectified(value: Value): RectifiedTo {
  const told = new Taken(value);
  const rectified = {
    ordinal: told.integer("ordinal", 1),
    hash: told.text("hash", FINGERPRINT),
    weight: told.integer("weight_g", 1, WEIGHT_MOST),
  };
  told.close();
  return rectified;
}

function readLogged(value: Value): Logged {
  const told = new Taken(value);
  const record = told.take("record");
  const logged = {
    record: typeof record === "string" ? fromBase64(record) : null,
    salt: octets(told.take("salt"), 32),
    index: told.integer("index", 0),
    size: told.integer("size", 1),
    path: told.items("path", 40).map((each) => octets(each, 32)),
  };
  told.close();
  if (!logged.record?.length || logged.record.length > 1024 || logged.index >= logged.size) {
    throw new Malformed("no entry of a log is so");
  }
  return { ...logged, record: logged.record };
}

// The log's signed head: the root's signature speaks for `roots` by itself.
function readCheckpoint(told: Taken): void {
  if (!told.has("checkpoint")) return;
  const note = told.take("checkpoint");
  const bytes = typeof note === "string" ? fromBase64(note) : null;
  if (!bytes?.length || bytes.length > NOTE_MOST) throw new Malformed("no signed head");
}

function readArrival(value: Value): Arrival {
  const told = new Taken(value);
  const arrival = {
    seal: told.text("seal", CLOSING),
    place: told.text("place", POST),
    at: told.time("at"),
  };
  told.close();
  return arrival;
}

function readRoot(value: Value): [number, Bytes] {
  const told = new Taken(value);
  const root: [number, Bytes] = [told.integer("size", 1), fromHex(told.text("root", FINGERPRINT))];
  told.close();
  return root;
}

function readSignatures(value: Value): Signatures {
  const told = new Taken(value);
  const signatures = {
    ed25519: octets(told.take("ed25519"), 64),
    mldsa65: octets(told.take("mldsa65"), 3309),
  };
  told.close();
  return signatures;
}

function octets(value: Value, length: number): Bytes {
  const bytes = typeof value === "string" ? fromBase64(value) : null;
  if (bytes?.length !== length) throw new Malformed(`not ${length} bytes`);
  return bytes;
}

function once<Told extends { seal: string }>(told: Told[]): Map<string, Told> {
  const found = new Map(told.map((each) => [each.seal, each]));
  if (found.size !== told.length) throw new Malformed("a closing stands twice");
  return found;
}

function set(values: Value[], pattern: RegExp): Set<string> {
  const found = new Set(values.map((each) => matching(each, pattern)));
  if (found.size !== values.length) throw new Malformed("one stands twice");
  return found;
}

function refusing<Result>(code: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof Malformed) throw new PackRefused(code);
    throw error;
  }
}
