// The page where an officer signs: shows what will be signed from the very bytes, computes their
// digest and the challenge itself (keys/ACTS.md §2 and §6), and asks the security key. Nothing that
// another page says is believed: only the ticket comes from outside. A grant to sign a dispatch names
// its manifest by digest, and one to seal a bag the claims of its seal, or the rectification of its
// bordereau: that is shown beside it, from its own bytes, or nothing can be signed.
import { Refusal, answered, element, post, showRefusal } from "./shared/asking";
import { pressed } from "./shared/pressing";
import { digest, hexadecimal, joined, octets, type Octets } from "./approve/bytes";
import { departure, namedBy, type Line } from "./approve/departure";
import { rectifying } from "./approve/rectifying";
import { sealing } from "./approve/sealing";
import { reason, value, type Json, type Names } from "./approve/values";
import { ACTS, MEMBERS, PURPOSES, SENTENCES, STATEMENTS, type Language } from "./words/acts";

interface Shown extends Names {
  officer: string;
  name: string;
  body: string;
  beside: string | null;
  nonce: string;
  party: string;
  credentials: string[];
  back: string;
  demonstration: boolean;
}

type Statement = { [name: string]: Json };

const language: Language = document.documentElement.lang === "en" ? "en" : "fr";
const say = (name: keyof typeof SENTENCES): string => SENTENCES[name][language];
const place = document.getElementById("acte") as HTMLElement;
const contexts: Record<string, string> = {
  "depeche/v1 act": "depeche/v1 approval",
  "depeche/v1 grant": "depeche/v1 grant-approval",
};

const ask = <T>(path: string, members: Record<string, string>): Promise<T> =>
  post<T>(`${path}?lang=${language}`, members, [say("away"), say("nothingDone"), say("tryAgain")]);

function line(list: HTMLElement, name: string, value: string, kind = ""): void {
  const row = element("div", "", "govuk-summary-list__row");
  row.append(
    element("dt", name, "govuk-summary-list__key"),
    element("dd", value, `govuk-summary-list__value ${kind}`),
  );
  list.append(row);
}

// A grant for these speaks of no dispatch, and its rank bounds nothing: a seal carries no level.
const LEVELLESS = ["seal", "bag"];

// Of this one, several persons compare the fingerprint before any of them signs.
const COMPARED = "cipher-service/v1 ceremony";

function summary(statement: Statement, shown: Shown, named: Named | null): HTMLElement {
  const list = element("dl", "", "govuk-summary-list app-sheet");
  const act = statement["type"] === "depeche/v1 act";
  const purpose = named?.words === "rectifying" ? "rectification" : statement["purpose"];
  const kind = String(act ? statement["kind"] : purpose);
  const type = String(statement["type"]);
  const words = STATEMENTS[type] ?? (act ? ACTS[kind] : PURPOSES[kind]);
  line(list, say("what"), words ? words[language] : `${type} ${kind}`);
  line(list, say("signer"), `${shown.name} (${shown.officer})`);
  const first = ["reason", "resource", "subjects"];
  const place = (name: string): number => (first.indexOf(name) + 1 || first.length + 1);
  const idle = act || !LEVELLESS.includes(String(statement["purpose"])) ? [] : ["rank", "dispatch"];
  const members = Object.entries(statement).sort(([a], [b]) => place(a) - place(b));
  for (const [name, given] of members) {
    if (["v", "type", "purpose", "parameters", "seats", "version", "id"].includes(name)) continue;
    if (act && name === "kind") continue;
    if (Array.isArray(given) && given.length === 0) continue;
    const told = name === "reason" ? reason(given, kind) : given;
    const saying = idle.includes(name) && !told ? say("idle") : value(name, told, shown);
    line(list, MEMBERS[name]?.[language] ?? name, saying);
  }
  const parameters = statement["parameters"];
  if (parameters && typeof parameters === "object" && !Array.isArray(parameters)) {
    for (const [name, given] of Object.entries(parameters)) {
      const long = typeof given === "string" && given.includes("\n");
      const kind = long ? "app-code" : "app-number--long";
      line(list, MEMBERS[name]?.[language] ?? name, value(name, given, shown), kind);
      // A long text scrolls in its place, by keyboard too.
      if (long) list.querySelector<HTMLElement>(".app-code")?.setAttribute("tabindex", "0");
    }
  }
  return list;
}

function bytes(label: string, text: string, hash: Uint8Array, open = false): HTMLElement {
  const details = element("details", "", "govuk-details") as HTMLDetailsElement;
  details.open = open;
  const heading = element("summary", "", "govuk-details__summary");
  heading.append(element("span", label, "govuk-details__summary-text"));
  const inside = element("div", "", "govuk-details__text");
  const hex = hexadecimal(hash).match(/.{8}/g)?.join(" ");
  inside.append(
    element("p", text, "app-number app-number--long"),
    element("p", `SHA-256 ${hex}`, "app-number app-number--long"),
  );
  details.append(heading, inside);
  return details;
}

// What the custodian can be asked to sign under a grant, by its purpose: the act, how its bytes are
// shown, and the names of what is said of both.
interface Named {
  act: string;
  lines: (asked: Octets, text: string) => Line[];
  binary?: boolean;
  words: "departure" | "sealing" | "rectifying";
  bytes: "manifest" | "claims" | "statement";
}

const MANIFEST: Named = {
  act: "sign_manifest",
  lines: (_asked, text) => departure(text, language),
  words: "departure",
  bytes: "manifest",
};
const CLAIMS: Named = {
  act: "sign_seal",
  lines: sealing,
  binary: true,
  words: "sealing",
  bytes: "claims",
};
const RECTIFICATION: Named = {
  act: "sign_rectification",
  lines: (_asked, text) => rectifying(text, language),
  words: "rectifying",
  bytes: "statement",
};
const SIGNED: Record<string, Named[]> = { sign: [MANIFEST], seal: [CLAIMS, RECTIFICATION] };

// What the custodian would sign under a grant to sign or to seal: nothing, for every other statement.
async function nameOf(statement: Statement, asked: Octets): Promise<Named | null> {
  const could = SIGNED[String(statement["purpose"])];
  if (could === undefined) return null;
  for (const one of could) {
    if (await namedBy(statement["request"], one.act, asked)) return one;
  }
  throw new Refusal([say("other"), say("nothingDone"), say("tell")], "REQUEST_OF_ANOTHER");
}

async function besides(named: Named | null, asked: Octets, shown: Shown): Promise<HTMLElement[]> {
  if (named === null) return [];
  const text = named.binary ? hexadecimal(asked) : new TextDecoder("utf-8", { fatal: true }).decode(asked);
  const lines = named.lines(asked, text);
  const list = element("dl", "", "govuk-summary-list app-sheet");
  for (const [name, said] of lines.filter(([, said]: Line) => said !== "")) {
    line(list, MEMBERS[name]?.[language] ?? name, value(name, said, shown));
  }
  return [
    element("h2", say(named.words)),
    list,
    bytes(say(named.bytes), text, await digest(asked)),
  ];
}

function refuse(refusal: Refusal, back?: string): void {
  showRefusal(place, refusal);
  if (back && !place.querySelector(".app-back")) place.append(returning(back));
}

function returning(back: string): HTMLElement {
  const link = element("a", say("back"), "govuk-link app-back") as HTMLAnchorElement;
  link.href = back;
  const line = element("p");
  line.append(link);
  return line;
}

async function signed(shown: Shown, challenge: BufferSource): Promise<string> {
  let credential: Credential | null;
  try {
    credential = await navigator.credentials.get({
      publicKey: {
        challenge,
        rpId: shown.party,
        allowCredentials: shown.credentials.map((id) => ({ type: "public-key", id: octets(id) })),
        userVerification: "required",
        timeout: 120_000,
      },
    });
  } catch {
    throw new Refusal([say("keySilent"), say("nothingDone"), say("tryAgain")], "KEY_SILENT");
  }
  return answered(credential);
}

function done(outcome: { outcome: "done" | "waiting" | "answered"; back: string }): void {
  const box = element("section", "", "app-sheet app-done");
  const told = { done: say("done"), waiting: say("waiting"), answered: say("answered") };
  const text = element("p", told[outcome.outcome]);
  box.append(text, returning(outcome.back));
  place.replaceChildren(box);
  box.setAttribute("role", "status");
  box.querySelector("a")?.focus();
  const leaving = window.setTimeout(() => location.assign(outcome.back), 1200);
  box.addEventListener("click", () => window.clearTimeout(leaving));
}

async function show(ticket: string): Promise<void> {
  const shown = await ask<Shown>("/acte", { ticket });
  const body = octets(shown.body);
  const text = new TextDecoder("utf-8", { fatal: true }).decode(body);
  const statement = JSON.parse(text) as Statement;
  const type = String(statement["type"]);
  const context = type.startsWith("cipher-service/v1 ") ? "depeche/v1 approval" : contexts[type];
  if (!context) throw new Refusal([say("strange"), say("nothingDone"), say("tell")], "UNKNOWN_TYPE");
  const hash = await digest(joined(type, new Uint8Array(1), body));
  const challenge = await digest(joined(context, new Uint8Array(1), octets(shown.nonce), hash));

  const asked = octets(shown.beside ?? "");
  const named = await nameOf(statement, asked);

  const actions = element("div", "", "app-actions");
  const button = (label: string, kind: string, act: () => Promise<unknown>): HTMLElement => {
    const made = element("button", label, `govuk-button ${kind}`) as HTMLButtonElement;
    made.type = "button";
    made.addEventListener("click", () => void pressed(made, async () => {
      try {
        done((await act()) as Parameters<typeof done>[0]);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        refuse(error, shown.back);
      }
    }, actions.querySelectorAll("button")));
    return made;
  };
  const own = button(
    say("sign"),
    shown.demonstration ? "govuk-button--secondary" : "",
    async () =>
      ask("/signature", {
        ticket,
        nonce: shown.nonce,
        response: await signed(shown, challenge),
      }),
  );
  if (shown.demonstration) {
    actions.append(button(say("sample"), "", () => ask("/demonstration", { ticket })), own);
  } else {
    actions.append(own);
  }
  const notes = shown.demonstration ? [element("p", say("demonstration"), "app-capacity")] : [];
  place.replaceChildren(
    ...notes,
    summary(statement, shown, named),
    ...(await besides(named, asked, shown)),
    bytes(say("bytes"), text, hash, type === COMPARED),
    actions,
    returning(shown.back),
  );
}

const ticket = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
document.body.classList.add("js-enabled", "govuk-frontend-supported");
show(ticket).catch((error: unknown) => {
  if (error instanceof Refusal) refuse(error);
  else refuse(new Refusal([say("strange"), say("nothingDone"), say("tell")], "UNREADABLE"));
});
