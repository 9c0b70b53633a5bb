// The telephone as a device of pouch/CUSTODY.md: its key, its events, its signed requests.
import { base64, hex, sha256, utf8, type Bytes } from "../pouch/bytes.ts";
import { encode, encodeBytes, timeText, type Members } from "../pouch/canonical.ts";
import { framed } from "../pouch/signatures.ts";
import { drilling } from "./drill.ts";
import { alone, appendEvent, readDevice, type Device, type Queued } from "./store.ts";

export class Refused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export interface Fact {
  kind: "seen" | "received";
  bag: string;
  seal: string;
  facts: Members;
}

export function present(): number {
  return Math.floor(Date.now() / 1000);
}

export async function newKeys(): Promise<{ keys: CryptoKeyPair; ed25519: string; id: string }> {
  const keys = (await crypto.subtle.generateKey("Ed25519", false, [
    "sign", "verify",
  ])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey));
  const ed25519 = base64(raw);
  const named = encodeBytes({ v: 1, type: "valise/v1 device", ed25519 });
  return { keys, ed25519, id: hex(await sha256(named)) };
}

// What the device says of itself where its queue travels as a file (pouch/enrolment.py).
export async function enrolment(device: Device): Promise<Members> {
  const { ed25519, officer, post } = device;
  const statement = encodeBytes({ v: 1, type: "valise/v1 enrolment", ed25519, officer, post });
  const signature = await sign(device, "valise/v1 enrolment", statement);
  return { ed25519, officer, post, signature };
}

export async function sign(device: Device, context: string, message: Bytes): Promise<string> {
  const signed = framed(context, message);
  const signature = await crypto.subtle.sign("Ed25519", device.keys.privateKey, signed);
  return base64(new Uint8Array(signature));
}

// Tells a fact: it is in the queue, signed and numbered, when this answers.
export function tell(fact: Fact): Promise<Queued> {
  return alone(async () => {
    if (drilling()) throw new Refused("EXERCISE");
    const device = await readDevice();
    if (!device) throw new Refused("NOT_IN_SERVICE");
    const at = present();
    const counter = device.counter + 1;
    const statement: Members = {
      v: 1, type: "valise/v1 event", kind: fact.kind, device: device.id, counter,
      previous: device.previous, bag: fact.bag, seal: fact.seal, at: timeText(at),
      place: device.place, officer: device.officer, witness: null, facts: fact.facts,
    };
    const bytes = encodeBytes(statement);
    const signature = await sign(device, "valise/v1 event", bytes);
    const id = hex(await sha256(bytes));
    const queued: Queued = {
      counter, id, file: encode({ statement, signatures: [signature] }), kind: fact.kind,
      bag: fact.bag, at, state: "pending", answer: null,
    };
    await appendEvent(queued, { ...device, counter, previous: id });
    return queued;
  });
}

// By how much the ministry's clock is ahead of ours; serves requests, never what is recorded.
let ahead = 0;

// Sends a request that the device signed. Refused by name; TypeError where there is no network.
export async function ask(
  device: Device, method: "GET" | "POST", path: string, body = "",
): Promise<Response> {
  const response = await send(device, method, path, body);
  if (response.ok) return response;
  const code = await refusal(response);
  const told = Date.parse(response.headers.get("date") ?? "");
  if (code !== "CLOCK_SKEWED" || Number.isNaN(told)) throw new Refused(code);
  ahead = Math.round(told / 1000) - present();
  const again = await send(device, method, path, body);
  if (!again.ok) throw new Refused(await refusal(again));
  return again;
}

async function send(
  device: Device, method: "GET" | "POST", path: string, body: string,
): Promise<Response> {
  const time = timeText(present() + ahead);
  const digest = hex(await sha256(utf8(body)));
  const statement = encodeBytes({
    v: 1, type: "valise/v1 request", device: device.id, method, path, time, body: digest,
  });
  return fetch(path, {
    method,
    cache: "no-store",
    credentials: "omit",
    headers: {
      "Valise-Device": device.id,
      "Valise-Time": time,
      "Valise-Signature": await sign(device, "valise/v1 request", statement),
      ...(method === "POST" ? { "Content-Type": "application/json" } : {}),
    },
    ...(method === "POST" ? { body } : {}),
  });
}

export async function refusal(response: Response): Promise<string> {
  try {
    const told = (await response.json()) as { code?: unknown };
    return typeof told.code === "string" ? told.code : "UNAVAILABLE";
  } catch {
    return "UNAVAILABLE";
  }
}
