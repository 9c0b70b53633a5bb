// Opens one dispatch in the page: the checks of keys/SPEC.md §8 that concern its reader, in their order.
// Who is addressed, and that stanzas and addressees are one for one, was judged by the custodian when
// it made the header for this reader.
import { Decrypter } from "age-encryption";
import { base64, concat, equal, fromBase64, hex, sha256, utf8, type Bytes } from "../pouch/bytes";
import { decode, decodeBytes, encodeBytes, type Members } from "../pouch/canonical";
import { hasMldsa, hold } from "../pouch/signatures";
import { Refused } from "./refused";

export interface Opened {
  post: string;
  subject: string;
  text: string;
  attachments: { name: string; body: Bytes }[];
  both: boolean; // whether both signatures were verified, or the browser knows one kind only
}

// What the service says of a dispatch: its number, and the code of its level.
export interface Expected {
  dispatch: string;
  code: string;
}

interface Manifest {
  suite: string;
  id: string;
  subject: string;
  created: string;
  label: { level: string };
  sender: { post: string; fingerprint: string };
  parts: { name: string; size: number; sha256: string; type: string }[];
}

const BLOCK = 512;
const END = 2 * BLOCK;
const BEFORE = ["manifest.json", "manifest.json.ed25519", "manifest.json.mldsa65", "SHA256SUMS"];

function demand(holds: boolean, code: string): asserts holds {
  if (!holds) throw new Refused(code);
}

// The one header of a regular file of this name and size (keys/SPEC.md §6).
function tarHeader(name: string, size: number): Bytes {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => block.set(utf8(text), at);
  put(0, name);
  for (const [at, text] of [[100, "0000600"], [108, "0000000"], [116, "0000000"]] as const) put(at, text);
  put(124, size.toString(8).padStart(11, "0"));
  put(136, (315532800).toString(8).padStart(11, "0"));
  put(148, "        ");
  put(156, "0");
  put(257, "ustar");
  put(263, "00");
  put(329, "0000000");
  put(337, "0000000");
  const sum = block.reduce((all, byte) => all + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}

function entries(tar: Uint8Array): { name: string; body: Bytes }[] {
  const found: { name: string; body: Bytes }[] = [];
  let at = 0;
  while (tar.length - at > END) {
    const block = tar.subarray(at, at + BLOCK);
    const name = new TextDecoder().decode(block.subarray(0, 100)).replace(/\0+$/, "");
    const size = Number.parseInt(new TextDecoder().decode(block.subarray(124, 135)), 8);
    demand(size >= 0 && equal(tarHeader(name, size), block), "PACKAGE_MALFORMED");
    const next = at + BLOCK + Math.ceil(size / BLOCK) * BLOCK;
    const body = tar.subarray(at + BLOCK, at + BLOCK + size);
    const padding = tar.subarray(at + BLOCK + size, next);
    demand(next <= tar.length - END && padding.every((byte) => byte === 0), "PACKAGE_MALFORMED");
    found.push({ name, body: new Uint8Array(body) });
    at = next;
  }
  const end = tar.subarray(at);
  demand(end.length === END && end.every((byte) => byte === 0), "PACKAGE_MALFORMED");
  return found;
}

async function senderOf(card: string, named: Manifest["sender"], created: string) {
  const { fingerprint, signatures, ...statement } = decode(card) as Members;
  const bytes = encodeBytes(statement);
  const member = (name: string): Bytes => fromBase64(String(statement[name]));
  const signed = (kind: string): Bytes => fromBase64(String((signatures as Members)[kind]));
  const keys = { ed25519: member("ed25519"), mldsa65: member("mldsa65") };
  const own = { ed25519: signed("ed25519"), mldsa65: signed("mldsa65") };
  const found = hex(await sha256(bytes));
  demand(
    found === fingerprint && found === named.fingerprint && statement["post"] === named.post
      && (await hold(keys, "depeche/v1 card", bytes, own)),
    "UNKNOWN_SENDER",
  );
  const from = String(statement["valid_from"]);
  const until = String(statement["valid_until"]);
  return { keys, inForce: from <= created && created < until };
}

// Open what follows `header`, which the custodian made for `identity`; `card` is the sender's.
export async function open(
  header: Bytes, payload: Bytes, identity: string, card: string, expected: Expected,
): Promise<Opened> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  let tar: Uint8Array;
  try {
    tar = await decrypter.decrypt(concat(header, payload));
  } catch {
    throw new Refused("PAYLOAD_DAMAGED");
  }
  const found = entries(tar);
  const [first, ed25519, mldsa65, sums] = found.slice(0, BEFORE.length).map((each) => each.body);
  demand(first !== undefined && found[0]?.name === BEFORE[0], "PACKAGE_MALFORMED");
  const manifest = decodeBytes(first) as unknown as Manifest;
  demand(manifest.suite === "S1", "SUITE_BELOW_FLOOR");
  const label = `\n-> depeche.v1/label ${base64(await sha256(first))}\n`;
  const start = new TextDecoder().decode(header.subarray(0, 256));
  demand(start.includes(label) && manifest.id === expected.dispatch, "LABEL_MISMATCH");
  demand(manifest.label.level === expected.code, "SLIP_MISMATCH");
  const sender = await senderOf(card, manifest.sender, manifest.created);
  demand(
    ed25519 !== undefined && mldsa65 !== undefined && sums !== undefined
      && BEFORE.every((name, place) => found[place]?.name === name),
    "SIGNATURE_MISSING",
  );
  const signatures = { ed25519, mldsa65 };
  demand(await hold(sender.keys, "depeche/v1 manifest", first, signatures), "SIGNATURE_INVALID");
  demand(sender.inForce, "CARD_NOT_IN_FORCE");
  const lines = manifest.parts.map((part) => `${part.sha256}  ${part.name}\n`).join("");
  demand(equal(sums, utf8(lines)), "PART_MISMATCH");
  const parts = found.slice(BEFORE.length);
  demand(parts.length === manifest.parts.length, "PART_MISMATCH");
  for (const [place, part] of manifest.parts.entries()) {
    const given = parts[place] as { name: string; body: Bytes };
    demand(given.name === part.name && given.body.length === part.size, "PART_MISMATCH");
    demand(hex(await sha256(given.body)) === part.sha256, "PART_MISMATCH");
  }
  return {
    post: manifest.sender.post,
    subject: manifest.subject,
    text: new TextDecoder().decode(parts[0]?.body),
    attachments: parts.slice(1).map(({ name, body }) => ({
      name: name.replace(/^attachments\/\d{3}-/, ""), body,
    })),
    both: await hasMldsa(),
  };
}
