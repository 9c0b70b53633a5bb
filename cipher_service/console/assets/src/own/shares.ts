// The recovery copy of an own key: shares to holders' cards, as keys/custody/shares.py writes and
// reads them, and the shares that holders hand over to the address of a new security key.
import { Decrypter, Encrypter, identityToRecipient } from "age-encryption";
import { bech32 } from "@scure/base";
import { base64, fromBase64, hex, sha256, utf8, type Bytes } from "../pouch/bytes.ts";
import { Taken, decodeBytes, encode, encodeBytes } from "../pouch/canonical.ts";
import { SharesWrong } from "./refused.ts";
import { combine, read, split } from "./slip39.ts";

export interface Holder {
  post: string;
  fingerprint: string; // of the card
  recipient: string;
}

export interface Sealed {
  holder: string;
  card: string;
  sealed: string;
}

export interface Share {
  purpose: string;
  set: Bytes;
  holder: string;
  threshold: number;
  count: number;
  fingerprint: string;
  words: string;
}

export const HOLDERS_LEAST = 3;
export const HOLDERS_MOST = 16;
export const THRESHOLD_LEAST = 2;

const TYPE = "depeche/v1 key-share";
const SET_BYTES = 16;
const CODE = /^[A-Z0-9](?:[A-Z0-9 -]{0,38}[A-Z0-9])?$/;
const FINGERPRINT = /^[0-9a-f]{64}$/;
const WORDS = /^[a-z]{4,8}(?: [a-z]{4,8}){32}$/;

const purposeOf = (officer: string): string => `OWN-KEY-${officer}`;

// An identity's 32 bytes, and the identity of 32 bytes.
function seedOf(identity: string): Bytes {
  return new Uint8Array(bech32.decodeToBytes(identity).bytes);
}

export function identityOf(seed: Bytes): string {
  return bech32.encodeFromBytes("AGE-SECRET-KEY-PQ-", seed).toUpperCase();
}

const fingerprintOf = async (set: Bytes, seed: Bytes): Promise<string> =>
  hex(await sha256(utf8("depeche/v1 shared-key\0"), set, seed));

// Split an identity among holders: each one's share, enciphered to that holder alone.
export async function sealShares(
  identity: string, officer: string, threshold: number, holders: Holder[],
): Promise<Sealed[]> {
  const seed = seedOf(identity);
  const set = crypto.getRandomValues(new Uint8Array(SET_BYTES));
  const fingerprint = await fingerprintOf(set, seed);
  const words = await split(seed, threshold, holders.length);
  const common = { v: 1, type: TYPE, purpose: purposeOf(officer), set: base64(set) };
  return Promise.all(holders.map(async ({ post, fingerprint: card, recipient }, place) => {
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const share = encodeBytes({
      ...common, holder: post, threshold, count: holders.length, fingerprint,
      words: words[place] as string,
    });
    return { holder: post, card, sealed: base64(await encrypter.encrypt(share)) };
  }));
}

// Open what a holder handed over; throws SharesWrong for what is not a share of this officer's key.
export async function openShare(file: Bytes, identity: string, officer: string): Promise<Share> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  try {
    const told = new Taken(decodeBytes(await decrypter.decrypt(file)));
    told.constant("v", 1);
    told.constant("type", TYPE);
    told.constant("purpose", purposeOf(officer));
    const share = {
      purpose: purposeOf(officer),
      set: fromBase64(told.text("set", /^[A-Za-z0-9+/]{22}==$/)),
      holder: told.text("holder", CODE),
      threshold: told.integer("threshold", THRESHOLD_LEAST),
      count: told.integer("count", THRESHOLD_LEAST),
      fingerprint: told.text("fingerprint", FINGERPRINT),
      words: told.text("words", WORDS),
    };
    told.close();
    if (read(share.words).threshold !== share.threshold) throw new SharesWrong("another splitting");
    return share;
  } catch (error) {
    throw new SharesWrong(String(error));
  }
}

const splitting = ({ set, threshold, count, fingerprint }: Share): string =>
  encode([base64(set), threshold, count, fingerprint]);

// Give the identity back from enough shares of distinct holders; each one beyond them is left out.
export async function identityFrom(shares: Share[], recipient: string): Promise<string> {
  const [first] = shares;
  if (!first || shares.some((share) => splitting(share) !== splitting(first))) {
    throw new SharesWrong("mixed");
  }
  const seed = await combine(shares.slice(0, first.threshold).map((share) => share.words));
  const identity = identityOf(seed);
  const whole = (await fingerprintOf(first.set, seed)) === first.fingerprint;
  if (!whole || (await identityToRecipient(identity)) !== recipient) throw new SharesWrong("forged");
  return identity;
}
