// Judges cases from standard input by the scanning page's own source; one JSON line each way:
// {text, cards, root, pack, at, seals, weight} -> {name, findings, word, logging} or {refused}.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const source = new URL("../../cipher_service/console/assets/src/pouch/", import.meta.url);
const { readCardFile, readPack, readRootFile, PackRefused } = await import(new URL("pack.ts", source));
const { judge } = await import(new URL("verdict.ts", source));

const cards = new Map();
async function card(path) {
  if (!cards.has(path)) cards.set(path, await readCardFile(readFileSync(path, "utf8")));
  return cards.get(path);
}

const roots = new Map();
async function root(path) {
  if (!roots.has(path)) roots.set(path, await readRootFile(readFileSync(path, "utf8")));
  return roots.get(path);
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const trust = await Promise.all(asked.cards.map(card));
  const seen = asked.seals || asked.weight;
  const observed = seen ? { seals: asked.seals, packages: null, weight: asked.weight } : null;
  try {
    const pack = asked.pack
      ? await readPack(
        new Uint8Array(Buffer.from(asked.pack, "base64")), await root(asked.root), 0, asked.at)
      : null;
    const { name, findings, word, logging } = await judge(asked.text, trust, asked.at, pack, observed);
    console.log(JSON.stringify({ name, findings, word, logging }));
  } catch (error) {
    if (!(error instanceof PackRefused)) throw error;
    console.log(JSON.stringify({ refused: error.code }));
  }
}
