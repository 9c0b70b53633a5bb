// Shares by the own key page's source; one JSON line each way:
// {split: {identity, officer, threshold, holders}} -> [{holder, card, sealed}], or
// {combine: {identity, officer, files, recipient}} -> {identity} or {refused}.
import { createInterface } from "node:readline";

const source = new URL("../../cipher_service/console/assets/src/own/", import.meta.url);
const { identityFrom, openShare, sealShares } = await import(new URL("shares.ts", source));
const { SharesWrong } = await import(new URL("refused.ts", source));

async function combined({ identity, officer, files, recipient }) {
  try {
    const shares = [];
    for (const file of files) {
      shares.push(await openShare(new Uint8Array(Buffer.from(file, "base64")), identity, officer));
    }
    return { identity: await identityFrom(shares, recipient) };
  } catch (error) {
    if (!(error instanceof SharesWrong)) throw error;
    return { refused: error.message };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { split, combine } = JSON.parse(line);
  const told = split
    ? await sealShares(split.identity, split.officer, split.threshold, split.holders)
    : await combined(combine);
  console.log(JSON.stringify(told));
}
