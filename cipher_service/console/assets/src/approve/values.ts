// How the page says what a statement holds: numbers of persons with their names, codes by their words,
// times by the calendar.
import { CODES, KINDS, NUMBERED, ROUTES, SENTENCES, type Language } from "../words/acts";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

export interface Names {
  names: Record<string, string>; // of the officers whom the statement names: beside each number
  levels: [string, string][];
}

const language: Language = document.documentElement.lang === "en" ? "en" : "fr";

export function value(name: string, given: Json, shown: Names): string {
  return plain(name, given, shown).replace(/OFF-\d{6,12}/g, (number) => {
    const known = shown.names[number];
    return known ? `${known} (${number})` : number;
  });
}

// The reason of an act that no person words begins with its kind, which the page says already.
export function reason(given: Json, kind: string): Json {
  if (typeof given !== "string" || !given.startsWith(`${kind} `)) return given;
  return worded("move", given.slice(kind.length + 1));
}

function moment(text: string): string {
  const [zone, at] = [language === "fr" ? "fr-FR" : "en-GB", new Date(text)];
  const [hour, minute] = at.toISOString().slice(11, 16).split(":");
  const day = new Intl.DateTimeFormat(zone, { dateStyle: "long", timeZone: "UTC" }).format(at);
  return language === "fr" ? `${day}, ${hour}\u00a0h\u00a0${minute} UTC` : `${day}, ${hour}:${minute} UTC`;
}

// Members whose value is a code, or a list of codes, that the page is given words for.
const GLOSSED = ["role", "functions", "actions", "level"];
const glossary = document.getElementById("termes") as HTMLTemplateElement;
const terms = new Map(
  Array.from(glossary.content.querySelectorAll("data"), (one) => [one.value, one.textContent ?? ""]),
);

function worded(name: string, given: Json): Json {
  if (Array.isArray(given)) return given.map((one) => worded(name, one));
  if (typeof given !== "string") return given;
  if (name === "kind") return KINDS[given]?.[language] ?? given;
  if (name === "to") return ROUTES[given]?.[language] ?? given;
  if (GLOSSED.includes(name)) return terms.get(given) || given;
  return CODES[name]?.[given]?.[language] ?? given;
}

function plain(name: string, coded: Json, shown: Names): string {
  const given = worded(name, coded);
  if (name === "rank" && typeof given === "number") {
    const level = shown.levels[given];
    return level ? level[language === "fr" ? 0 : 1] : String(given);
  }
  // What bears the number, the act's kind tells.
  if (name === "resource" && typeof given === "string")
    return said(name, given.slice(NUMBERED.find((kind) => given.startsWith(kind))?.length));
  if (typeof given === "string" && /^\d{4}-\d\d-\d\dT[\d:]{8}Z$/.test(given)) return moment(given);
  return said(name, given);
}

const OF_LINES = ["found"];
const LONG = 40;

function said(name: string, given: Json): string {
  if (given === null || given === "") return "-";
  if (typeof given !== "object") return String(given);
  if (Array.isArray(given)) {
    const deep = given.some((one) => typeof one === "object");
    const all = given.map((one) => said(name, one));
    // What several persons compare sign by sign stands one below the other.
    return all.join(deep ? " · " : all.some((one) => one.length > LONG) ? "\n" : ", ");
  }
  const [before, colon] = [OF_LINES.includes(name) ? `${SENTENCES.line[language]} ` : "", SENTENCES.colon[language]];
  return Object.entries(given)
    .map(([key, one]) => `${before}${key}${colon} ${said(name, one)}`)
    .join(" · ");
}
