// Suite S2 (SPEC §17), written from the page alone on Node's own crypto: HPKE over MLKEM1024-P384
// (draft-ietf-hpke-pq, KEM 0x0051), HKDF-SHA384, AES-256-GCM; the payload; ML-DSA-87.
import {
  createDecipheriv, createECDH, createHash, createHmac, createPrivateKey, createPublicKey, decapsulate,
  hkdfSync, timingSafeEqual, verify,
} from "node:crypto";

export const S2 = "depeche.v1/mlkem1024p384";

const EMPTY = Buffer.alloc(0);
const ORDER = BigInt("0xffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973");
const MLKEM1024_PKCS8 = Buffer.from("3054020100300b060960864801650304040304428040", "hex");
const MLDSA87_SPKI = Buffer.from("30820a32300b06096086480165030403130382 0a2100".replaceAll(" ", ""), "hex");
const two = (number) => Buffer.from([number >> 8, number & 255]);

// ---- Bech32 of an age identity: 32 bytes

export function seedOf(identity) {
  const letters = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
  const text = identity.toLowerCase();
  const values = [...text.slice(text.lastIndexOf("1") + 1, -6)].map((letter) => letters.indexOf(letter));
  const bits = values.map((value) => value.toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.slice(0, 256).match(/.{8}/g).map((octet) => Number.parseInt(octet, 2)));
}

// ---- The KEM: what the two halves agree on, and the combiner

function keyOf(seed) {
  const shake = createHash("shake256", { outputLength: 120 });
  const drawn = shake.update("depeche/v1 S2 recipient\0").update(seed).digest();
  const pkcs8 = Buffer.concat([MLKEM1024_PKCS8, drawn.subarray(0, 64)]);
  const scalar = (BigInt(`0x${drawn.subarray(64).toString("hex")}`) % (ORDER - 1n)) + 1n;
  const p384 = createECDH("secp384r1");
  p384.setPrivateKey(Buffer.from(scalar.toString(16).padStart(96, "0"), "hex"));
  return { mlkem: createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" }), p384 };
}

function sharedSecret({ mlkem, p384 }, enc) {
  const point = enc.subarray(1568);
  const halves = [decapsulate(mlkem, enc.subarray(0, 1568)), p384.computeSecret(point)];
  const all = [...halves, point, p384.getPublicKey(), Buffer.from("MLKEM1024-P384")];
  return createHash("sha3-256").update(Buffer.concat(all)).digest();
}

// ---- HPKE, base mode (RFC 9180 §5.1)

function openBase(secret, info, sealed) {
  const suite = Buffer.concat([Buffer.from("HPKE"), two(0x0051), two(0x0002), two(0x0002)]);
  const labelled = (label, data) => Buffer.concat([Buffer.from("HPKE-v1"), suite, Buffer.from(label), data]);
  const extract = (salt, label, data) =>
    createHmac("sha384", salt.length ? salt : Buffer.alloc(48)).update(labelled(label, data)).digest();
  const expand = (key, label, data, size) => {
    const block = Buffer.concat([two(size), labelled(label, data), Buffer.from([1])]);
    return createHmac("sha384", key).update(block).digest().subarray(0, size);
  };
  const hashes = [extract(EMPTY, "psk_id_hash", EMPTY), extract(EMPTY, "info_hash", Buffer.from(info))];
  const context = Buffer.concat([Buffer.from([0]), ...hashes]);
  const schedule = extract(secret, "secret", EMPTY);
  return gcmOpen(expand(schedule, "key", context, 32), expand(schedule, "base_nonce", context, 12), sealed);
}

function gcmOpen(key, nonce, sealed) {
  const cipher = createDecipheriv("aes-256-gcm", key, nonce);
  cipher.setAuthTag(sealed.subarray(-16));
  return Buffer.concat([cipher.update(sealed.subarray(0, -16)), cipher.final()]);
}

// ---- A file

function fileKeyOf(stanzas, seed) {
  const key = keyOf(seed);
  for (const { args, body } of stanzas.filter(({ type }) => type === S2)) {
    const enc = Buffer.from(args[0], "base64");
    try {
      return openBase(sharedSecret(key, enc), "depeche/v1 S2", body);
    } catch {
      // for somebody else
    }
  }
  return null;
}

// What `payload` gives is whole and authentic; `fail` raises the refusal of a name.
export function openS2(file, stanzas, identity, fail) {
  const fileKey = fileKeyOf(stanzas, seedOf(identity)) ?? fail("NOT_ADDRESSED");
  const macLine = file.indexOf("\n--- ") + 1;
  const end = file.indexOf(10, macLine);
  const macKey = Buffer.from(hkdfSync("sha256", fileKey, EMPTY, "header", 32));
  const mac = createHmac("sha256", macKey).update(file.subarray(0, macLine + 3)).digest();
  const said = Buffer.from(file.subarray(macLine + 4, end).toString("latin1"), "base64");
  if (!timingSafeEqual(mac, said)) fail("HEADER_TAMPERED");
  const nonce = file.subarray(end + 1, end + 17);
  const key = Buffer.from(hkdfSync("sha384", fileKey, nonce, "depeche/v1 S2 payload", 32));
  const chunks = [];
  for (let at = end + 17, count = 0; ; count += 1) {
    const chunk = file.subarray(at, at + 65552);
    at += chunk.length;
    const last = at === file.length;
    const chunkNonce = Buffer.alloc(12);
    chunkNonce.writeUIntBE(count, 5, 6);
    chunkNonce[11] = last ? 1 : 0;
    try {
      chunks.push(gcmOpen(key, chunkNonce, chunk));
    } catch {
      fail("PAYLOAD_DAMAGED");
    }
    if (last) return Buffer.concat(chunks);
  }
}

export function isSigned87(context, message, publicKey, signature) {
  const der = Buffer.concat([MLDSA87_SPKI, publicKey]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  return verify(null, message, { key, context: Buffer.from(context) }, signature);
}
