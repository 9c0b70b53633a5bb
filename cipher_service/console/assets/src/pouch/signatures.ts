// Both signatures of keys/SPEC.md §7: Ed25519 always, ML-DSA-65 where WebCrypto has it.
import { concat, utf8, type Bytes } from "./bytes.ts";

interface PublicKeys {
  ed25519: Bytes;
  mldsa65: Bytes;
}

export interface Signatures {
  ed25519: Bytes;
  mldsa65: Bytes;
}

export async function holdsEd25519(
  key: Bytes, message: Bytes, signature: Bytes,
): Promise<boolean> {
  try {
    const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", imported, signature, message);
  } catch {
    return false;
  }
}

export function framed(context: string, message: Bytes): Bytes {
  return concat(utf8(context), Uint8Array.of(0), message);
}

let postQuantum: Promise<boolean> | null = null;

// Whether this browser judges ML-DSA-65 signatures itself.
export function hasMldsa(): Promise<boolean> {
  postQuantum ??= crypto.subtle.generateKey({ name: "ML-DSA-65" }, false, ["sign", "verify"]).then(
    () => true,
    () => false,
  );
  return postQuantum;
}

// Whether all signatures hold that this browser can judge.
export async function hold(
  keys: PublicKeys, context: string, message: Bytes, signatures: Signatures,
): Promise<boolean> {
  if (!(await holdsEd25519(keys.ed25519, framed(context, message), signatures.ed25519))) {
    return false;
  }
  if (!(await hasMldsa())) return true;
  try {
    const form = "raw-public" as "raw"; // newer than the types
    const named = { name: "ML-DSA-65" };
    const imported = await crypto.subtle.importKey(form, keys.mldsa65, named, false, ["verify"]);
    const how = { name: "ML-DSA-65", context: utf8(context) };
    return await crypto.subtle.verify(how, imported, signatures.mldsa65, message);
  } catch {
    return false;
  }
}
