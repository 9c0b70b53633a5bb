// SLIP-0039 as keys/custody/shares.py uses it: 32 bytes, one group, no passphrase. Byte for byte what
// the Python library does, which reads what is split here (tests/console/test_page_shares.py).
import { concat, equal, type Bytes } from "../pouch/bytes.ts";
import { SharesWrong } from "./refused.ts";
import { WORDS } from "./wordlist.ts";

export interface Part {
  group: string; // what shares made together have in common
  place: number;
  threshold: number;
  value: Bytes;
}

const BYTES = 32;
const VALUE_WORDS = 26;
const HEAD_WORDS = 4;
const SUM_WORDS = 3;
const DIGEST_BYTES = 4;
const DIGEST_PLACE = 254;
const SECRET_PLACE = 255;
const ROUNDS = [0, 1, 2, 3];
const EXPONENT = 1;
const ITERATIONS = 2500;
const NAME = [..."shamir_extendable"].map((sign) => sign.charCodeAt(0));
const GENERATOR = [
  0xe0e040, 0x1c1c080, 0x3838100, 0x7070200, 0xe0e0009,
  0x1c0c2412, 0x38086c24, 0x3090fc48, 0x21b1f890, 0x3f3f120,
];

// Logarithms to the base 3 in the field of AES, and back.
const EXP = new Uint8Array(255);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = value;
  LOG[value] = power;
  value ^= value << 1;
  if (value & 0x100) value ^= 0x11b;
}

const log = (value: number): number => LOG[value] as number;

interface Point {
  place: number;
  value: Bytes;
}

function interpolated(points: Point[], at: number): Bytes {
  const known = points.find((point) => point.place === at);
  if (known) return known.value;
  const all = points.reduce((sum, point) => sum + log(point.place ^ at), 0);
  const result = new Uint8Array(BYTES);
  for (const { place, value } of points) {
    const others = points.reduce((sum, other) => sum + log(place ^ other.place), 0);
    const basis = (((all - log(place ^ at) - others) % 255) + 255) % 255;
    value.forEach((byte, index) => {
      if (byte) result[index] = (result[index] as number) ^ (EXP[(log(byte) + basis) % 255] as number);
    });
  }
  return result;
}

async function digest(random: Bytes, secret: Bytes): Promise<Bytes> {
  const how = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", random, how, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, secret)).slice(0, DIGEST_BYTES);
}

// The four rounds that every share's secret went through; backwards they undo themselves.
async function feistel(secret: Bytes, exponent: number, rounds: number[]): Promise<Bytes> {
  let [left, right] = [secret.slice(0, BYTES / 2), secret.slice(BYTES / 2)];
  for (const round of rounds) {
    const key = await crypto.subtle.importKey(
      "raw", Uint8Array.of(round), "PBKDF2", false, ["deriveBits"],
    );
    const how = { name: "PBKDF2", hash: "SHA-256", salt: right, iterations: ITERATIONS << exponent };
    const mask = new Uint8Array(await crypto.subtle.deriveBits(how, key, 4 * BYTES));
    const next = left.map((byte, index) => byte ^ (mask[index] as number));
    [left, right] = [right, next];
  }
  return concat(right, left);
}

function checksum(values: number[]): number {
  let sum = 1;
  for (const value of [...NAME, ...values]) {
    const top = sum >>> 20;
    sum = ((sum & 0xfffff) << 10) ^ value;
    GENERATOR.forEach((each, bit) => {
      if ((top >>> bit) & 1) sum ^= each;
    });
  }
  return sum;
}

function indices(value: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, place) =>
    Number((value >> BigInt(10 * (count - 1 - place))) & 1023n));
}

const number = (values: number[]): bigint =>
  values.reduce((all, value) => (all << 10n) | BigInt(value), 0n);

function written(identifier: number, point: Point, threshold: number): string {
  const head = (BigInt(identifier) << 5n) | 16n | BigInt(EXPONENT);
  const place = BigInt((point.place << 4) | (threshold - 1)); // group 0 of 1
  const value = point.value.reduce((all, byte) => (all << 8n) | BigInt(byte), 0n);
  const data = [...indices(head, 2), ...indices(place, 2), ...indices(value, VALUE_WORDS)];
  const sum = checksum([...data, 0, 0, 0]) ^ 1;
  return [...data, ...indices(BigInt(sum), SUM_WORDS)].map((index) => WORDS[index]).join(" ");
}

// Split 32 bytes: `count` shares in words, of which `threshold` combine.
export async function split(secret: Bytes, threshold: number, count: number): Promise<string[]> {
  const [identifier] = crypto.getRandomValues(new Uint16Array(1));
  const random = (size: number): Bytes => crypto.getRandomValues(new Uint8Array(size));
  const hidden = await feistel(secret, EXPONENT, ROUNDS);
  const points = Array.from({ length: threshold - 2 }, (_, place) => ({ place, value: random(BYTES) }));
  const rest = random(BYTES - DIGEST_BYTES);
  const base = [
    ...points,
    { place: DIGEST_PLACE, value: concat(await digest(rest, hidden), rest) },
    { place: SECRET_PLACE, value: hidden },
  ];
  return Array.from({ length: count }, (_, place) =>
    written((identifier as number) & 0x7fff, { place, value: interpolated(base, place) }, threshold));
}

export function read(words: string): Part {
  const data = words.split(" ").map((word) => WORDS.indexOf(word));
  const whole = data.length === HEAD_WORDS + VALUE_WORDS + SUM_WORDS && !data.includes(-1);
  if (!whole || checksum(data) !== 1) throw new SharesWrong("checksum");
  const value = number(data.slice(HEAD_WORDS, -SUM_WORDS));
  const place = number(data.slice(2, HEAD_WORDS));
  if (value >> 256n || place >> 8n) throw new SharesWrong("not of one group");
  return {
    group: data.slice(0, 2).join(" "),
    place: Number((place >> 4n) & 15n),
    threshold: Number(place & 15n) + 1,
    value: Uint8Array.from({ length: BYTES }, (_, byte) =>
      Number((value >> BigInt(8 * (BYTES - 1 - byte))) & 255n)),
  };
}

// Give back what was split, from exactly as many distinct shares as were asked for then.
export async function combine(shares: string[]): Promise<Bytes> {
  const parts = shares.map(read);
  const [first] = parts;
  const places = new Set(parts.map((part) => part.place));
  const fits = first !== undefined && first.threshold === parts.length && places.size === parts.length
    && parts.every((part) => part.group === first.group && part.threshold === first.threshold);
  if (!fits) throw new SharesWrong("not of one splitting");
  const hidden = interpolated(parts, SECRET_PLACE);
  const proof = interpolated(parts, DIGEST_PLACE);
  const found = await digest(proof.slice(DIGEST_BYTES), hidden);
  if (!equal(found, proof.slice(0, DIGEST_BYTES))) throw new SharesWrong("digest");
  const exponent = (WORDS.indexOf((shares[0] as string).split(" ")[1] as string)) & 15;
  return feistel(hidden, exponent, ROUNDS.toReversed());
}
