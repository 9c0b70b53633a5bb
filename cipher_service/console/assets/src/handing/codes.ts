// The three codes of a hand-over without network, as pouch/hand_over.py (pouch/CUSTODY.md §1).
import { fromBase64, hex, Malformed, sha256, type Bytes } from "../pouch/bytes.ts";
import { decode, encode, encodeBytes, Taken, type Members, type Value } from "../pouch/canonical.ts";
import { POST } from "../pouch/claims.ts";
import { framed, holdsEd25519 } from "../pouch/signatures.ts";

const CODE_MOST = 2_048;
const FINGERPRINT = /^[0-9a-f]{64}$/;
const OFFICER = /^[A-Z0-9][A-Z0-9._-]{1,39}$/;
const CONDITION = /^(?:intact|damaged|broken|missing)$/;
const EVENT = "valise/v1 event";

export class HandOverRefused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export interface Taker {
  id: string;
  ed25519: string;
  officer: string;
  post: string;
}

export interface Half {
  statement: Members;
  bytes: Bytes;
  id: string; // of the event
  ed25519: string; // the giver's
  signature: string; // the giver's
  device: string;
  bag: string;
  seal: string;
  at: number;
  place: string;
  officer: string;
  witness: { device: string; officer: string };
  counter: number;
  ordinal: number;
  condition: string;
}

// What a reader of codes knows: the devices in force, itself, and the announced bags by closing.
export interface Known {
  devices: Set<string>;
  own: string;
  bags: Map<string, { bag: string }>;
}

async function idOf(ed25519: string): Promise<string> {
  return hex(await sha256(encodeBytes({ v: 1, type: "valise/v1 device", ed25519 })));
}

export function takerCode(enrolment: Members): string {
  return encode({ taker: enrolment });
}

export async function readTaker(text: string, known: Known): Promise<Taker> {
  const [ed25519, officer, post, signature] = shaped(() => {
    const told = within(text, "taker");
    const members = [
      octets(told, "ed25519", 32), told.text("officer", OFFICER), told.text("post", POST),
      octets(told, "signature", 64),
    ] as const;
    told.close();
    return members;
  });
  const said = encodeBytes({ v: 1, type: "valise/v1 enrolment", ed25519, officer, post });
  await demand(ed25519, "valise/v1 enrolment", said, signature);
  const id = await idOf(ed25519);
  if (id === known.own) throw new HandOverRefused("HAND_OVER_NOT_YOURS");
  if (!known.devices.has(id)) throw new HandOverRefused("HAND_OVER_UNKNOWN");
  return { id, ed25519, officer, post };
}

export function halfCode(statement: Members, ed25519: string, signature: string): string {
  return encode({ half: { ed25519, signature, statement } });
}

// In the order of pouch/hand_over.py. Throws HandOverRefused.
export async function readHalf(text: string, known: Known): Promise<Half> {
  const half = await parseHalf(text);
  if (half.witness.device !== known.own) throw new HandOverRefused("HAND_OVER_NOT_YOURS");
  if (!known.devices.has(half.device)) throw new HandOverRefused("HAND_OVER_UNKNOWN");
  await demand(half.ed25519, EVENT, half.bytes, half.signature);
  if (known.bags.get(half.seal)?.bag !== half.bag) throw new HandOverRefused("HAND_OVER_OTHER");
  return half;
}

export async function parseHalf(text: string): Promise<Half> {
  const [ed25519, signature, statement] = shaped(() => {
    const told = within(text, "half");
    const members = [
      octets(told, "ed25519", 32), octets(told, "signature", 64), told.take("statement"),
    ] as const;
    told.close();
    return members;
  });
  const read = shaped(() => readStatement(statement));
  if ((await idOf(ed25519)) !== read.device) throw new HandOverRefused("HAND_OVER_MALFORMED");
  const bytes = encodeBytes(statement);
  return {
    ...read, statement: statement as Members, bytes, id: hex(await sha256(bytes)), ed25519, signature,
  };
}

export function answerCode(half: Half, signature: string): string {
  return encode({ answer: { event: half.id, signature } });
}

// Gives the file of the whole event.
export async function readAnswer(text: string, half: Half, taker: string): Promise<string> {
  const [event, signature] = shaped(() => {
    const told = within(text, "answer");
    const members = [told.text("event", FINGERPRINT), octets(told, "signature", 64)] as const;
    told.close();
    return members;
  });
  if (event !== half.id) throw new HandOverRefused("HAND_OVER_OTHER");
  await demand(taker, EVENT, half.bytes, signature);
  return encode({ statement: half.statement, signatures: [half.signature, signature] });
}

function readStatement(value: Value) {
  const told = new Taken(value);
  told.constant("v", 1);
  told.constant("type", EVENT);
  told.constant("kind", "handed-over");
  const previous = told.take("previous");
  const witness = new Taken(told.take("witness"));
  const facts = new Taken(told.take("facts"));
  const read = {
    device: told.text("device", FINGERPRINT),
    counter: told.integer("counter", 1),
    bag: told.text("bag", /^[0-9]{22}$/),
    seal: told.text("seal", /^[0-9a-f]{32}$/),
    at: told.time("at"),
    place: told.text("place", POST),
    officer: told.text("officer", OFFICER),
    witness: {
      device: witness.text("device", FINGERPRINT), officer: witness.text("officer", OFFICER),
    },
    ordinal: facts.integer("ordinal", 1),
    condition: facts.text("condition", CONDITION),
  };
  for (const each of [told, witness, facts]) each.close();
  const first = previous === null;
  if (!first && !(typeof previous === "string" && FINGERPRINT.test(previous))) {
    throw new Malformed("previous");
  }
  if (first !== (read.counter === 1)) throw new Malformed("previous");
  if (read.witness.device === read.device || read.witness.officer === read.officer) {
    throw new Malformed("one person");
  }
  return read;
}

function within(text: string, name: string): Taken {
  if (text.length > CODE_MOST) throw new Malformed("too long");
  const told = new Taken(decode(text));
  const inner = new Taken(told.take(name));
  told.close();
  return inner;
}

function octets(told: Taken, name: string, length: number): string {
  const value = told.take(name);
  if (typeof value !== "string" || fromBase64(value).length !== length) throw new Malformed(name);
  return value;
}

function shaped<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (error instanceof Malformed) throw new HandOverRefused("HAND_OVER_MALFORMED");
    throw error;
  }
}

async function demand(key: string, context: string, message: Bytes, signature: string): Promise<void> {
  const holds = await holdsEd25519(fromBase64(key), framed(context, message), fromBase64(signature));
  if (!holds) throw new HandOverRefused("HAND_OVER_FORGED");
}

