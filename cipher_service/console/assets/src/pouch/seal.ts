// A seal's message (pouch/SPEC.md §4), as pouch/seal.py, keys/cose.py and keys/merkle.py.
import { concat, equal, Malformed, sha256, type Bytes } from "./bytes.ts";
import { decodeCbor, encodeCbor } from "./cbor.ts";
import { readClaims, type Claims } from "./claims.ts";
import { decodeDigits } from "./digits.ts";

const DEPTH_MOST = 40;
const HASH = 32;

interface LogProof {
  index: number;
  size: number;
  path: Bytes[];
}

export interface Seal {
  message: Bytes;
  kid: Bytes;
  payload: Bytes;
  signature: Bytes;
  signed: Bytes;
  claims: Claims;
  proof: LogProof | null;
}

// Reads a scanned text; verifies nothing. Malformed for whatever is not the one text of a seal.
export function readSeal(text: string): Seal {
  const bytes = decodeDigits(text);
  const value = decodeCbor(bytes);
  if (!Array.isArray(value) || value.length !== 4) throw new Malformed("not a message");
  const [inner, index, size, path] = value;
  if (
    inner instanceof Uint8Array && typeof index === "number" && typeof size === "number" &&
    path instanceof Uint8Array
  ) {
    return { ...readMessage(inner), proof: readProof(index, size, path) };
  }
  return { ...readMessage(bytes), proof: null };
}

function readMessage(bytes: Bytes): Omit<Seal, "proof"> {
  const value = decodeCbor(bytes);
  if (!Array.isArray(value) || value.length !== 4) throw new Malformed("not a message");
  const [header, open, payload, signature] = value;
  if (
    !(header instanceof Uint8Array) || !(open instanceof Map) || open.size !== 0 ||
    !(payload instanceof Uint8Array) || !(signature instanceof Uint8Array) ||
    signature.length !== 64
  ) {
    throw new Malformed("not a message of the one form");
  }
  const named = decodeCbor(header);
  const kid = named instanceof Map ? named.get(4) : null;
  if (!(named instanceof Map) || named.size !== 2 || named.get(1) !== -8) {
    throw new Malformed("not the one header");
  }
  if (!(kid instanceof Uint8Array) || kid.length !== 8) throw new Malformed("a kid has 8 bytes");
  return {
    message: bytes,
    kid,
    payload,
    signature,
    signed: encodeCbor(["Signature1", header, new Uint8Array(), payload]),
    claims: readClaims(payload),
  };
}

function readProof(index: number, size: number, path: Bytes): LogProof {
  const depth = path.length / HASH;
  const fits = Number.isInteger(depth) && depth <= DEPTH_MOST;
  if (!fits || index < 0 || index >= size || size > 2 ** DEPTH_MOST) {
    throw new Malformed("not a proof of inclusion");
  }
  const siblings = Array.from({ length: depth }, (_, at) => path.slice(HASH * at, HASH * (at + 1)));
  return { index, size, path: siblings };
}

// Whether a leaf stands in the log's tree of that root (RFC 9162 §2.1.3.2): the seal's message where the
// label bears a proof, the log's own entry where a pack tells it.
export async function isLogged(leaf: Bytes, proof: LogProof, root: Bytes): Promise<boolean> {
  let [position, last] = [BigInt(proof.index), BigInt(proof.size - 1)];
  let node = await sha256(Uint8Array.of(0), leaf);
  for (const sibling of proof.path) {
    if (last === 0n) return false;
    if (position & 1n || position === last) {
      node = await sha256(Uint8Array.of(1), sibling, node);
      while (!(position & 1n) && position !== 0n) {
        position >>= 1n;
        last >>= 1n;
      }
    } else {
      node = await sha256(Uint8Array.of(1), concat(node, sibling));
    }
    position >>= 1n;
    last >>= 1n;
  }
  return last === 0n && equal(node, root);
}
