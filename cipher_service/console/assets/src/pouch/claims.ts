// What a seal claims (pouch/SPEC.md §3), as pouch/claims.py.
import { equal, fromHex, hex, Malformed, type Bytes } from "./bytes.ts";
import { decodeCbor, encodeCbor, type Item } from "./cbor.ts";

const CLASSES = [
  "NON-PROTEGE", "DIFFUSION-RESTREINTE", "CONFIDENTIEL", "SECRET", "TRES-SECRET", "CONTROLE",
] as const;
const MODES = ["courier", "ad-hoc", "captain", "freight", "postal"] as const;
export const POST = /^[A-Z0-9][A-Z0-9-]{1,15}$/;
export const SEAL_NUMBER = /^[A-Z0-9][A-Z0-9-]{3,19}$/;

const BAG = -65537;
const VALIDITY_MOST = 45 * 86_400;
const SECONDS_MOST = 253_402_300_799;

export interface Claims {
  issuer: string;
  issued: number;
  expires: number;
  seal: string;
  bag: string;
  ordinal: number;
  packages: number;
  destination: string;
  seals: string[];
  bagClass: (typeof CLASSES)[number];
  mode: (typeof MODES)[number];
  items: number;
  weight: number;
  digest: string;
  witness: string | null;
}

export function readClaims(bytes: Bytes): Claims {
  const value = decodeCbor(bytes);
  if (!(value instanceof Map) || value.size !== 5) throw new Malformed("claims are five");
  const bag = value.get(BAG);
  if (!Array.isArray(bag) || bag.length !== 12 || bag[0] !== 1) throw new Malformed("not a bag");
  const [, number, ordinal, packages, to, seals, bagClass, mode, items, weight, digest, witness] =
    bag as Item[];
  const count = ranged(packages, 1, 99);
  const claims: Claims = {
    issuer: post(value.get(1)),
    issued: ranged(value.get(6), 1, SECONDS_MOST),
    expires: ranged(value.get(4), 1, SECONDS_MOST),
    seal: hex(octets(value.get(7), 16)),
    bag: BigInt(`0x${hex(octets(number, 10))}`).toString().padStart(22, "0"),
    ordinal: ranged(ordinal, 1, count),
    packages: count,
    destination: post(to),
    seals: sealNumbers(seals),
    bagClass: CLASSES[ranged(bagClass, 0, CLASSES.length - 1)] ?? "CONTROLE",
    mode: MODES[ranged(mode, 0, MODES.length - 1)] ?? "postal",
    items: ranged(items, 1, 500),
    weight: ranged(weight, 1, 2_000_000),
    digest: hex(octets(digest, 32)),
    witness: witness === null ? null : hex(octets(witness, 8)),
  };
  if (claims.bag.length !== 22) throw new Malformed("a bag's number has 22 digits");
  const lasts = claims.expires - claims.issued;
  if (lasts <= 0 || lasts > VALIDITY_MOST) throw new Malformed("a seal ends within 45 days");
  if (!equal(encoded(claims), bytes)) throw new Malformed("not of the one form");
  return claims;
}

function encoded(claims: Claims): Bytes {
  const number = BigInt(claims.bag).toString(16).padStart(20, "0");
  return encodeCbor(new Map<number, Item>([
    [1, claims.issuer],
    [4, claims.expires],
    [6, claims.issued],
    [7, fromHex(claims.seal)],
    [BAG, [
      1, fromHex(number), claims.ordinal, claims.packages, claims.destination, claims.seals,
      CLASSES.indexOf(claims.bagClass), MODES.indexOf(claims.mode), claims.items, claims.weight,
      fromHex(claims.digest), claims.witness === null ? null : fromHex(claims.witness),
    ]],
  ]));
}

function ranged(value: Item | undefined, least: number, most: number): number {
  if (typeof value !== "number" || value < least || value > most) {
    throw new Malformed("a number is out of range");
  }
  return value;
}

function octets(value: Item | undefined, length: number): Bytes {
  if (!(value instanceof Uint8Array) || value.length !== length) {
    throw new Malformed(`not ${length} bytes`);
  }
  return value;
}

function post(value: Item | undefined): string {
  if (typeof value !== "string" || !POST.test(value)) throw new Malformed("not a post's code");
  return value;
}

function sealNumbers(value: Item | undefined): string[] {
  if (!Array.isArray(value) || value.length < 1 || value.length > 8) {
    throw new Malformed("a bag has 1 to 8 seals");
  }
  const numbers = value.map((each) => {
    if (typeof each !== "string" || !SEAL_NUMBER.test(each)) throw new Malformed("not a number");
    return each;
  });
  if (new Set(numbers).size !== numbers.length) throw new Malformed("a number stands twice");
  return numbers;
}
