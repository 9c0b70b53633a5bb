// Where holders hand their shares over: a recipient of which the identity is what a security key's
// secret gives, the same each time. So shares may come for days, and nothing of it is kept anywhere.
import { concat, sha256, utf8 } from "../pouch/bytes";
import { secretOf } from "./keys";
import { identityOf } from "./shares";

const INFO = "depeche/v1 own-key-recovery";

// The identity of the security key that is touched, for one own key.
export async function addressOf(
  party: string, credentials: string[], recipient: string,
): Promise<string> {
  const salt = await sha256(concat(utf8(`${INFO}\0`), utf8(recipient)));
  const { secret } = await secretOf(party, new Map(credentials.map((each) => [each, salt])));
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: utf8(INFO) };
  return identityOf(new Uint8Array(await crypto.subtle.deriveBits(how, base, 256)));
}
