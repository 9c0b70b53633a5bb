// An officer's own key and the copies of it that security keys open: each copy is enciphered under a
// secret (PRF, WebAuthn Level 3 §10.1.4) that its security key computes from a salt. The secret stays
// in this page; nothing of an assertion made here is sent anywhere.
import { base64, fromBase64, utf8, type Bytes } from "../pouch/bytes";
import { WithoutSecret } from "./refused";

export interface Copy {
  credential: string;
  salt: string;
  nonce: string;
  box: string;
}

const INFO = utf8("depeche/v1 own-key");

const random = (count: number): Bytes => crypto.getRandomValues(new Uint8Array(count));

function url(bytes: Uint8Array): string {
  return base64(bytes).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
}

export async function secretOf(
  party: string, salts: Map<string, Bytes>,
): Promise<{ credential: string; secret: Bytes }> {
  const ids = [...salts.keys()];
  const evalByCredential = Object.fromEntries(
    ids.map((id) => [url(fromBase64(id)), { first: salts.get(id) as Bytes }]),
  );
  const found = (await navigator.credentials.get({
    publicKey: {
      challenge: random(32),
      rpId: party,
      allowCredentials: ids.map((id) => ({ type: "public-key", id: fromBase64(id) })),
      userVerification: "required",
      timeout: 120_000,
      extensions: { prf: { evalByCredential } },
    },
  })) as PublicKeyCredential;
  const first = found.getClientExtensionResults().prf?.results?.first;
  if (!first) throw new WithoutSecret();
  const secret = ArrayBuffer.isView(first)
    ? new Uint8Array(first.buffer as ArrayBuffer, first.byteOffset, first.byteLength)
    : new Uint8Array(first);
  return { credential: base64(new Uint8Array(found.rawId)), secret };
}

async function boxKey(secret: Bytes, salt: Bytes, use: "encrypt" | "decrypt"): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const how = { name: "HKDF", hash: "SHA-256", salt, info: INFO };
  return crypto.subtle.deriveKey(how, base, { name: "AES-GCM", length: 256 }, false, [use]);
}

// Encipher an identity for one security key. The recipient is bound to the copy.
export async function wrap(
  identity: string, recipient: string, party: string, credential: string,
): Promise<Copy> {
  const salt = random(32);
  const { secret } = await secretOf(party, new Map([[credential, salt]]));
  const nonce = random(12);
  const how = { name: "AES-GCM", iv: nonce, additionalData: utf8(recipient) };
  const key = await boxKey(secret, salt, "encrypt");
  const box = new Uint8Array(await crypto.subtle.encrypt(how, key, utf8(identity)));
  return { credential, salt: base64(salt), nonce: base64(nonce), box: base64(box) };
}

// Open whichever copy the security key at hand opens; gives the identity.
export async function unwrap(copies: Copy[], recipient: string, party: string): Promise<string> {
  const salts = new Map(copies.map((each) => [each.credential, fromBase64(each.salt)]));
  const { credential, secret } = await secretOf(party, salts);
  const copy = copies.find((each) => each.credential === credential) as Copy;
  const how = {
    name: "AES-GCM", iv: fromBase64(copy.nonce), additionalData: utf8(recipient),
  };
  const key = await boxKey(secret, fromBase64(copy.salt), "decrypt");
  const identity = await crypto.subtle.decrypt(how, key, fromBase64(copy.box));
  return new TextDecoder().decode(identity);
}
