// A second reader of "depeche v1" dispatches, written from keys/SPEC.md alone: age-encryption
// opens the age layer, Node's own crypto verifies, nothing of the product is used.
//
//   node depeche_reader.mjs FOLDER
//
// reads FOLDER/index.json and gives on stdout, for each vector, the verdict ("OPENED" or the
// name of the refusal) and what was read.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Decrypter } from "age-encryption";
import { isSigned87, openS2, S2 } from "./s2.mjs";

class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

const demand = (condition, code) => {
  if (!condition) throw new Refusal(code);
};

const sha256 = (data) => createHash("sha256").update(data).digest("hex");

// ---- Canonical JSON (SPEC §2)

function canonical(value, depth = 16) {
  if (typeof value === "string") {
    if (!value.isWellFormed() || value.includes("\0")) throw new TypeError("text");
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value)) throw new TypeError("number");
    return String(value);
  }
  if (value === null || typeof value === "boolean") return String(value);
  if (depth === 0) throw new TypeError("depth");
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, depth - 1)).join(",")}]`;
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${canonical(name)}:${canonical(value[name], depth - 1)}`).join(",")}}`;
}

function parseCanonical(data, code) {
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data));
    demand(Buffer.from(canonical(value)).equals(data), code);
    return value;
  } catch {
    throw new Refusal(code);
  }
}

// ---- The header (SPEC §5)

const HYBRID = "mlkem768x25519";
const LABEL = "depeche.v1/label";
const REROUTING = "depeche.v1/rerouting";

function rawBase64(text, code) {
  demand(/^[A-Za-z0-9+/]*$/.test(text), code);
  const data = Buffer.from(text, "base64");
  demand(data.toString("base64").replaceAll("=", "") === text, code);
  return data;
}

function parseHeader(file) {
  const malformed = "HEADER_MALFORMED";
  const magic = "age-encryption.org/";
  demand(file.subarray(0, magic.length).toString("latin1") === magic, "NOT_AGE");
  let at = 0;
  const line = () => {
    const end = file.indexOf(10, at);
    demand(end >= 0 || file.length - at < 1 << 20, "HEADER_TOO_LARGE");
    demand(end >= 0, malformed);
    const text = file.subarray(at, end).toString("latin1");
    at = end + 1;
    demand(at <= 1 << 20, "HEADER_TOO_LARGE");
    return text;
  };
  demand(line() === "age-encryption.org/v1", malformed);
  const stanzas = [];
  let text = line();
  while (text.startsWith("-> ")) {
    demand(stanzas.length < 600, "HEADER_TOO_LARGE");
    const [type, ...args] = text.slice(3).split(" ");
    for (const arg of [type, ...args]) demand(/^[!-~]+$/.test(arg), malformed);
    let body = "";
    let part;
    do {
      part = line();
      demand(part.length <= 64, malformed);
      body += part;
    } while (part.length === 64);
    stanzas.push({ type, args, body: rawBase64(body, malformed) });
    text = line();
  }
  demand(text.startsWith("--- ") && stanzas.length > 0, malformed);
  demand(rawBase64(text.slice(4), malformed).length === 32, malformed);
  demand(file.length >= at + 16, malformed);
  return stanzas;
}

function checkStanzas(stanzas) {
  const ofS2 = stanzas.every(({ type }) => type !== HYBRID) && isS2(stanzas);
  const known = new Set([ofS2 ? S2 : HYBRID, LABEL, REROUTING]);
  demand(stanzas.every(({ type }) => known.has(type)), "MIXED_RECIPIENTS");
  const labels = stanzas.flatMap(({ type }, at) => (type === LABEL ? [at] : []));
  demand(labels.length === 1 && labels[0] === 0, "LABEL_MISMATCH");
  const [encSize, bodySize] = ofS2 ? [1665, 48] : [1120, 32];
  for (const { args, body } of stanzas.filter(isKey)) {
    demand(args.length === 1 && body.length === bodySize, "HEADER_MALFORMED");
    demand(rawBase64(args[0], "HEADER_MALFORMED").length === encSize, "HEADER_MALFORMED");
  }
}

const isKey = ({ type }) => type === HYBRID || type === S2;
const isS2 = (stanzas) => stanzas.some(({ type }) => type === S2);
const refuse = (code) => demand(false, code);

async function openAge(file, identity) {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  try {
    return Buffer.from(await decrypter.decrypt(file));
  } catch (error) {
    const message = String(error.message);
    if (message.includes("no identity matched")) throw new Refusal("NOT_ADDRESSED");
    if (message.includes("HMAC")) throw new Refusal("HEADER_TAMPERED");
    if (message.includes("stanza")) throw new Refusal("HEADER_MALFORMED");
    throw new Refusal("PAYLOAD_DAMAGED");
  }
}

// ---- The archive (SPEC §6)

function entryHeader(name, size) {
  const header = Buffer.alloc(512);
  name.copy(header, 0);
  const fields = {
    100: "0000600\0",
    108: "0000000\0",
    116: "0000000\0",
    124: `${size.toString(8).padStart(11, "0")}\0`,
    136: `${(315532800).toString(8).padStart(11, "0")}\0`,
    148: "        ",
    156: "0",
    257: "ustar\u000000",
    329: "0000000\0",
    337: "0000000\0",
  };
  for (const [at, field] of Object.entries(fields)) header.write(field, Number(at), "latin1");
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return header;
}

class Archive {
  constructor(data) {
    this.data = data;
    this.at = 0;
  }

  take(count) {
    demand(this.at + count <= this.data.length, "PACKAGE_MALFORMED");
    this.at += count;
    return this.data.subarray(this.at - count, this.at);
  }

  next() {
    const code = "PACKAGE_MALFORMED";
    const block = this.take(512);
    const nul = block.subarray(0, 100).indexOf(0);
    const name = block.subarray(0, nul < 0 ? 100 : nul);
    const text = name.toString("utf8");
    demand(Buffer.from(text).equals(name), code);
    const field = block.subarray(124, 136).toString("latin1");
    demand(/^[0-7]{11}\0$/.test(field), code);
    const size = Number.parseInt(field, 8);
    demand(entryHeader(name, size).equals(block), code);
    return { name: text, size };
  }

  body(size) {
    const data = this.take(size);
    demand(this.take((512 - (size % 512)) % 512).every((byte) => byte === 0), "PACKAGE_MALFORMED");
    return data;
  }

  end() {
    demand(this.take(1024).every((byte) => byte === 0), "PACKAGE_MALFORMED");
    demand(this.at === this.data.length, "PACKAGE_MALFORMED");
  }
}

// ---- The manifest (SPEC §4)

const POST = /^[A-Z0-9][A-Z0-9-]{1,15}$/;
const HASH = /^[0-9a-f]{64}$/;
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const CODE = /^[A-Z0-9]([A-Z0-9 -]{0,38}[A-Z0-9])?$/;
const DATE = /^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$/;
const TYPE = /^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/;
const LINE = /^[^\u0000-\u001f\u007f\u2028\u2029]*$/u;
const NOTE = /^[^\u0000-\u0009\u000b-\u001f\u007f]*$/u;
const length = (text) => [...text].length;

const match = (pattern) => (value) => typeof value === "string" && pattern.test(value);
const orNull = (check) => (value) => value === null || check(value);
const integer = (least) => (value) => Number.isSafeInteger(value) && value >= least;
const line = (least, most) => (value) =>
  typeof value === "string" && LINE.test(value) && length(value) >= least && length(value) <= most;
const list = (least, most, check) => (value) =>
  Array.isArray(value) && value.length >= least && value.length <= most && value.every(check);
const set = (most, check) => (value) => list(0, most, check)(value) && new Set(value).size === value.length;
const shape = (members) => (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) &&
  Object.keys(value).sort().join() === Object.keys(members).sort().join() &&
  Object.entries(members).every(([name, check]) => check(value[name]));
const time = (value) =>
  match(/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$/)(value) &&
  !value.startsWith("0000") &&
  !Number.isNaN(Date.parse(value)) &&
  new Date(value).toISOString() === value.replace("Z", ".000Z");
const note = (value) =>
  typeof value === "string" && NOTE.test(value) && length(value) >= 1 && length(value) <= 4096;
const salt = (value) =>
  match(/^[A-Za-z0-9+/]{43}=$/)(value) && Buffer.from(value, "base64").toString("base64") === value;

const isAddressee = shape({
  post: match(POST),
  fingerprint: match(HASH),
  key: match(/^(edition|prekey:[A-Za-z0-9_-]{1,64})$/),
  role: match(/^(action|info|copy)$/),
  precedence: match(CODE),
  delivery: match(/^(cipher|pouch)$/),
  series: orNull(shape({ epoch: integer(200000), number: integer(1), previous: orNull(match(HASH)) })),
});

const isManifest = shape({
  v: (value) => value === 1,
  suite: match(/^S[0-9]{1,3}$/),
  id: match(ULID),
  kind: match(/^(dispatch|telegram|service-message|note-verbale|circular)$/),
  sender: shape({ post: match(POST), fingerprint: match(HASH) }),
  to: list(1, 599, isAddressee),
  label: shape({
    policy: match(CODE),
    level: match(CODE),
    caveats: set(32, match(CODE)),
    releasability: set(32, match(CODE)),
    review: orNull(match(DATE)),
  }),
  dtg: time,
  created: time,
  expires: orNull(time),
  subject: line(0, 400),
  references: set(64, line(1, 200)),
  in_reply_to: orNull(match(ULID)),
  checkpoint: orNull(note),
  parts: list(1, 1000, shape({
    name: (value) => typeof value === "string",
    size: integer(0),
    sha256: match(HASH),
    type: match(TYPE),
  })),
  salt,
});

const isPortable = (name) =>
  name === name.normalize("NFC") && Buffer.byteLength(name) <= 84 && name !== "" &&
  !/[/\\:*?"<>|\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/u.test(name) && !/^[ .]|[ .]$/.test(name);

function hasGoodNames(parts) {
  return parts.every(({ name }, at) => {
    if (at === 0) return name === "message.txt";
    const prefix = `attachments/${String(at).padStart(3, "0")}-`;
    return name.startsWith(prefix) && isPortable(name.slice(prefix.length));
  });
}

const named = ({ fingerprint, key }) => `${fingerprint} ${key}`;
const areDistinct = (entries) => new Set(entries.map(named)).size === entries.length;
const haveNumbers = (entries, sender) =>
  entries.every(({ role, series, post }) =>
    (role === "copy") === (series === null) && (role !== "copy" || post === sender.post));

function readManifest(data) {
  const code = "MANIFEST_MALFORMED";
  const manifest = parseCanonical(data, code);
  if (manifest?.v === 1 && match(/^S[0-9]{1,3}$/)(manifest.suite)) {
    demand(manifest.suite === "S1" || manifest.suite === "S2", "SUITE_BELOW_FLOOR");
  }
  demand(isManifest(manifest), code);
  demand(manifest.expires === null || manifest.expires > manifest.created, code);
  demand(areDistinct(manifest.to) && haveNumbers(manifest.to, manifest.sender), code);
  demand(hasGoodNames(manifest.parts), code);
  return manifest;
}

function checkLabel(stanza, manifest, bytes) {
  const routing = manifest.to.filter(({ role }) => role !== "copy").map(({ precedence }) => precedence);
  const body = { id: manifest.id, routing: [...new Set(routing)].sort(), suite: manifest.suite };
  const same =
    stanza.args.length === 1 &&
    stanza.args[0] === createHash("sha256").update(bytes).digest("base64") &&
    stanza.body.equals(Buffer.from(canonical(body)));
  demand(same, "LABEL_MISMATCH");
}

// ---- Signatures (SPEC §7)

const MANIFEST_CONTEXT = "depeche/v1 manifest";
const ED25519_SPKI = Buffer.from("302a300506032b6570032100", "hex");
const MLDSA65_SPKI = Buffer.from("308207b2300b0609608648016503040312038207a100", "hex");

function publicKey(prefix, base64) {
  const key = Buffer.concat([prefix, Buffer.from(base64, "base64")]);
  return createPublicKey({ key, format: "der", type: "spki" });
}

function checkSignatures(archive, manifest, card, complement) {
  const signature = (name, size) => {
    const entry = archive.next();
    demand(entry.name === name, "SIGNATURE_MISSING");
    demand(entry.size === size, "SIGNATURE_INVALID");
    return archive.body(size);
  };
  const ed25519 = signature("manifest.json.ed25519", 64);
  const mldsa65 = signature("manifest.json.mldsa65", 3309);
  const mldsa87 = complement && signature("manifest.json.mldsa87", 4627);
  demandSigned(MANIFEST_CONTEXT, manifest, card, ed25519, mldsa65);
  if (!complement) return;
  const key = Buffer.from(complement.statement.mldsa87, "base64");
  demand(isSigned87(MANIFEST_CONTEXT, manifest, key, mldsa87), "SIGNATURE_INVALID");
}

function demandSigned(name, message, card, ed25519, mldsa65) {
  const context = Buffer.from(name);
  const framed = Buffer.concat([context, Buffer.from([0]), message]);
  const both =
    verify(null, framed, publicKey(ED25519_SPKI, card.ed25519), ed25519) &&
    verify(null, message, { key: publicKey(MLDSA65_SPKI, card.mldsa65), context }, mldsa65);
  demand(both, "SIGNATURE_INVALID");
}

// ---- Rerouting (SPEC §9)

const REROUTING_CONTEXT = "depeche/v1 rerouting";
const base64Of = (size) => (value) =>
  typeof value === "string" && Buffer.from(value, "base64").length === size &&
  Buffer.from(value, "base64").toString("base64") === value;

const isRerouting = shape({
  signatures: shape({ ed25519: base64Of(64), mldsa65: base64Of(3309) }),
  addendum: shape({
    v: (value) => value === 1,
    type: (value) => value === REROUTING_CONTEXT,
    manifest: match(HASH),
    number: integer(1),
    previous: orNull(match(HASH)),
    sender: shape({ post: match(POST), fingerprint: match(HASH) }),
    to: list(1, 599, isAddressee),
    created: time,
    reason: line(1, 200),
  }),
});

function readReroutings(stanzas) {
  const code = "REROUTING_INVALID";
  return stanzas.filter(({ type }) => type === REROUTING).map(({ args, body }) => {
    demand(args.length === 0, code);
    const value = parseCanonical(body, code);
    demand(isRerouting(value), code);
    const { number, previous, sender, to } = value.addendum;
    demand((number === 1) === (previous === null), code);
    demand(areDistinct(to) && haveNumbers(to, sender), code);
    return value;
  });
}

function checkAddressees(stanzas, manifest, digest) {
  const counts = [0];
  for (const { type } of stanzas.slice(1)) {
    if (isKey({ type })) counts[counts.length - 1] += 1;
    else counts.push(0);
  }
  demand(counts[0] === manifest.to.length && !counts.includes(0), "ADDRESSEES_MISMATCH");
  const known = new Set(manifest.to.map(named));
  let before = null;
  const reroutings = readReroutings(stanzas);
  reroutings.forEach(({ addendum }, at) => {
    const { manifest: of, number, previous, to } = addendum;
    demand(of === digest && number === at + 1 && previous === before, "REROUTING_INVALID");
    demand(counts[at + 1] === to.length, "ADDRESSEES_MISMATCH");
    demand(!to.some((entry) => known.has(named(entry))), "REROUTING_INVALID");
    for (const entry of to) known.add(named(entry));
    before = sha256(canonical(addendum));
  });
  return reroutings;
}

// Who may reroute is a rule outside the format; here, as by default there, the origin alone.
function checkRerouting({ addendum, signatures }, manifest, trusted) {
  const { post, fingerprint } = addendum.sender;
  const card = trusted.find((each) => each.fingerprint === fingerprint);
  demand(card?.post === post, "UNKNOWN_SENDER");
  demand(post === manifest.sender.post, "REROUTING_NOT_ENTITLED");
  const [ed25519, mldsa65] = [signatures.ed25519, signatures.mldsa65].map((text) => Buffer.from(text, "base64"));
  demandSigned(REROUTING_CONTEXT, Buffer.from(canonical(addendum)), card, ed25519, mldsa65);
  const inForce = card.valid_from <= addendum.created && addendum.created < card.valid_until;
  demand(inForce, "CARD_NOT_IN_FORCE");
}

// ---- The order of checks (SPEC §8)

async function read(file, identity, own, trusted, complements) {
  const stanzas = parseHeader(file);
  checkStanzas(stanzas);
  const opened = isS2(stanzas) ? openS2(file, stanzas, identity, refuse) : await openAge(file, identity);
  const archive = new Archive(opened);
  const first = archive.next();
  demand(first.name === "manifest.json" && first.size <= 256 * 1024, "PACKAGE_MALFORMED");
  const bytes = archive.body(first.size);
  const manifest = readManifest(bytes);
  demand(isS2(stanzas) === (manifest.suite === "S2"), "SUITE_BELOW_FLOOR");
  checkLabel(stanzas[0], manifest, bytes);
  const card = trusted.find(({ fingerprint }) => fingerprint === manifest.sender.fingerprint);
  demand(card?.post === manifest.sender.post, "UNKNOWN_SENDER");
  const complement = complements.find(({ statement }) => statement.card === card.fingerprint);
  demand(manifest.suite === "S1" || complement, "UNKNOWN_SENDER");
  checkSignatures(archive, bytes, card, manifest.suite === "S2" && complement);
  const inForce = card.valid_from <= manifest.created && manifest.created < card.valid_until;
  demand(inForce, "CARD_NOT_IN_FORCE");
  const isOwn = ({ fingerprint }) => fingerprint === own;
  const intended =
    manifest.to.some(isOwn) || readReroutings(stanzas).some(({ addendum }) => addendum.to.some(isOwn));
  demand(intended, "NOT_INTENDED");
  const reroutings = checkAddressees(stanzas, manifest, sha256(bytes));
  for (const rerouting of reroutings) checkRerouting(rerouting, manifest, trusted);
  const sums = archive.next();
  demand(sums.name === "SHA256SUMS", "PACKAGE_MALFORMED");
  const expected = Buffer.from(manifest.parts.map((part) => `${part.sha256}  ${part.name}\n`).join(""));
  demand(sums.size === expected.length, "PART_MISMATCH");
  demand(archive.body(sums.size).equals(expected), "PART_MISMATCH");
  const parts = {};
  for (const part of manifest.parts) {
    const entry = archive.next();
    demand(entry.name === part.name && entry.size === part.size, "PART_MISMATCH");
    parts[part.name] = sha256(archive.body(part.size));
    demand(parts[part.name] === part.sha256, "PART_MISMATCH");
  }
  archive.end();
  return { verdict: "OPENED", manifest_sha256: sha256(bytes), parts };
}

// ---- Cards (SPEC §1): canonical, and what their fingerprint says

function readCard(path) {
  const card = parseCanonical(readFileSync(path).subarray(0, -1), "CARD_INVALID");
  const { fingerprint, signatures, ...statement } = card;
  demand(sha256(canonical(statement)) === fingerprint && signatures, "CARD_INVALID");
  return card;
}

const folder = process.argv[2];
const index = JSON.parse(readFileSync(join(folder, "index.json"), "utf8"));
const card = (post) => readCard(join(folder, `${post}.card`));
const results = {};
const complement = (post) => parseCanonical(readFileSync(join(folder, `${post}.complement`)).subarray(0, -1), "COMPLEMENT_INVALID");
for (const { file, opener, trusted = index.trusted, complements = index.complements } of index.vectors) {
  try {
    const data = readFileSync(join(folder, file));
    const [cards, thirds] = [trusted.map(card), complements.map(complement)];
    results[file] = await read(data, index.identities[opener], card(opener).fingerprint, cards, thirds);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    results[file] = { verdict: error.code };
  }
}
console.log(JSON.stringify(results));
