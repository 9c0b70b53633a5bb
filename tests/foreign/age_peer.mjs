// Seals and opens with npm age-encryption (typage), an implementation that is not ours.
// Reads one JSON request on stdin, bytes in base64:
//   {"act": "seal", "recipients": [...], "passphrase": string|null, "data": base64}
//   {"act": "open", "identities": [...], "passphrase": string|null, "data": base64}
//   {"act": "identity", "kind": "hybrid"|"x25519"}
// and prints {"data": base64}, {"identity", "recipient"}, or {"error": message}.
import * as age from "age-encryption";

async function seal({ recipients, passphrase, data }) {
  const encrypter = new age.Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  if (passphrase !== null) {
    encrypter.setPassphrase(passphrase);
    encrypter.setScryptWorkFactor(10);
  }
  return encrypter.encrypt(Buffer.from(data, "base64"));
}

async function open({ identities, passphrase, data }) {
  const decrypter = new age.Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  if (passphrase !== null) decrypter.addPassphrase(passphrase);
  return decrypter.decrypt(Buffer.from(data, "base64"));
}

async function identity({ kind }) {
  const made =
    kind === "hybrid" ? await age.generateHybridIdentity() : await age.generateX25519Identity();
  return { identity: made, recipient: await age.identityToRecipient(made) };
}

async function answer(request) {
  if (request.act === "identity") return identity(request);
  const bytes = await (request.act === "seal" ? seal(request) : open(request));
  return { data: Buffer.from(bytes).toString("base64") };
}

const parts = [];
for await (const part of process.stdin) parts.push(part);
let result;
try {
  result = await answer(JSON.parse(Buffer.concat(parts).toString("utf8")));
} catch (error) {
  result = { error: error.message };
}
process.stdout.write(JSON.stringify(result));
