// What a grant to seal names by its digest only when a sealed bordereau is put right: the statement of
// the rectification (pouch/SPEC.md §13), shown from the very bytes: each entry, what stood there and
// what is right.
import { locator } from "../pouch/digits";
import { ENTRIES, SENTENCES, type Language } from "../words/acts";
import type { Line } from "./departure";

interface Change {
  line: number | null;
  what: string;
  was: string | number | null;
  now: string | number | null;
}

interface Statement {
  type: string;
  number: string;
  bag: string;
  digest: string;
  made: string;
  by: { name: string; function: string };
  reason: string;
  changes: Change[];
}

export function rectifying(text: string, language: Language): Line[] {
  const said = JSON.parse(text) as Statement;
  if (said.type !== "valise/v1 rectification") throw new Error("no rectification");
  const shown = (value: Change["was"]): string => (value === null ? "-" : String(value));
  const place = (one: Change): string => {
    const entry = ENTRIES[one.what]?.[language] ?? one.what;
    return one.line === null ? entry : `${SENTENCES.line[language]} ${one.line}, ${entry}`;
  };
  const { stood, right } = SENTENCES;
  const [opens, closes] = language === "fr" ? ["«\u00a0", "\u00a0»"] : ["“", "”"];
  const quoted = (value: Change["was"]): string => `${opens}${shown(value)}${closes}`;
  const changed = (one: Change): string =>
    `${place(one)}, ${stood[language]} ${quoted(one.was)}, ${right[language]} ${quoted(one.now)}`;
  return [
    ["rectification", said.number],
    ["bag", locator(said.bag).replace(/(\d{4})(?=\d)/g, "$1 ")],
    ["changes", said.changes.map(changed).join(" · ")],
    ["reason", said.reason],
    ["answers", `${said.by.name}, ${said.by.function}`],
    ["created", said.made],
    ["digest", said.digest],
  ];
}
