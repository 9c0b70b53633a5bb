// The page of own keys: makes one, or opens a dispatch with it. Only the ticket comes from outside.
// Neither the key, nor a security key's secret, nor a text leaves the page.
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { Refused, open, type Opened } from "./own/envelope";
import { WithoutSecret, unwrap, wrap, type Copy } from "./own/keys";
import { base64, fromBase64, hex, sha256, utf8, type Bytes } from "./pouch/bytes";
import { encode, type Value } from "./pouch/canonical";
import { watchOver } from "./reading/locking";
import { watermark, wipeWatermark } from "./reading/watermark";
import { Refusal, element, hideRefusal, post, showRefusal } from "./shared/asking";
import type { Language } from "./words/acts";
import { OWN } from "./words/own";

interface Told {
  officer: string;
  name: string;
  party: string;
  back: string;
}
interface Making extends Told {
  making: true;
  credentials: string[];
}
interface Opening extends Told {
  making: false;
  dispatch: string;
  header: string;
  recipient: string;
  card: string | null;
  wrapped: Copy[];
  level: [string, string, number];
  code: string;
  origin: string;
  at: string;
}

const MOST_MS = 60_000;
const LEAST = 2;
const language: Language = document.documentElement.lang === "en" ? "en" : "fr";
const say = (name: keyof typeof OWN): string => OWN[name][language];
const place = document.getElementById("acte") as HTMLElement;
const ticket = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

const ask = <T>(path: string, members: Record<string, string>): Promise<T> =>
  post<T>(`${path}?lang=${language}`, members, [say("away"), say("nothing"), say("again")]);

const refusal = (cause: keyof typeof OWN, remedy: keyof typeof OWN, code: string): Refusal =>
  new Refusal([say(cause), say("nothing"), say(remedy)], code);

// What went wrong, by name.
function named(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof WithoutSecret) return refusal("without", "other", "KEY_WITHOUT_PRF");
  if (error instanceof Refused) return refusal("refused", "repeat", error.message);
  const name = error instanceof DOMException ? error.name : "";
  if (name === "OperationError") return refusal("changed", "anew", "OWN_KEY_CHANGED");
  if (name) return refusal("silent", "again", "KEY_SILENT");
  return refusal("strange", "restart", "UNREADABLE");
}

function button(label: string, kind: string, act: () => Promise<void> | void): HTMLButtonElement {
  const made = element("button", label, `govuk-button ${kind}`) as HTMLButtonElement;
  made.type = "button";
  made.addEventListener("click", async () => {
    made.disabled = true;
    try {
      hideRefusal(place);
      await act();
    } catch (error) {
      showRefusal(place, named(error));
    } finally {
      made.disabled = false;
    }
  });
  return made;
}

function returning(back: string): HTMLElement {
  const line = element("p");
  const link = element("a", say("back"), "govuk-link") as HTMLAnchorElement;
  link.href = back;
  line.append(link);
  return line;
}

function actions(...buttons: HTMLElement[]): HTMLElement {
  const line = element("div", "", "app-actions");
  line.append(...buttons);
  return line;
}

async function making(told: Making): Promise<void> {
  const identity = await generateHybridIdentity();
  const recipient = await identityToRecipient(identity);
  const copies: Copy[] = [];
  const list = element("ul", "", "govuk-list app-annexes");
  const offer = button(say("offer"), "", async () => {
    const wrapped = encode(copies as unknown as Value);
    const { ticket: next } = await ask<{ ticket: string }>("/propre/offrir", {
      ticket, recipient, wrapped,
    });
    location.assign(`/${language}#${next}`);
  });
  offer.hidden = true;
  for (const text of told.credentials) {
    const id = base64(Uint8Array.from(
      atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0),
    ));
    const short = hex(fromBase64(id)).slice(0, 8);
    const line = element("li");
    line.append(
      button(`${say("touch")} ${short}`, "govuk-button--secondary", async () => {
        copies.push(await wrap(identity, recipient, told.party, id));
        line.replaceChildren(element("span", `${say("copied")} ${short}`, "app-number"));
        offer.hidden = copies.length < LEAST;
      }),
    );
    list.append(line);
  }
  const sheet = element("section", "", "app-sheet");
  sheet.append(element("p", `${told.name} (${told.officer})`), element("p", say("making")), list);
  const fingerprint = hex(await sha256(utf8(recipient)));
  sheet.append(
    element("p", say("compare")),
    element("p", fingerprint, "app-number app-number--long"),
  );
  place.replaceChildren(sheet, actions(offer), returning(told.back));
}

async function payloadOf(): Promise<Bytes> {
  const answer = await fetch(`/propre/enveloppe?lang=${language}`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ ticket }),
  });
  if (!answer.ok) {
    const told = await answer.json();
    throw new Refusal([told.cause, told.effect, told.remedy], told.code);
  }
  return new Uint8Array(await answer.arrayBuffer());
}

function opening(told: Opening): void {
  const [fr, en, rank] = told.level;
  const band = (): HTMLElement =>
    element("div", language === "fr" ? fr : en, `app-band app-rank-${rank}`);
  const facts = element("dl", "", "app-facts");
  for (const [name, value] of [["dispatch", told.dispatch], ["from", told.origin]] as const) {
    facts.append(element("dt", say(name)), element("dd", value, "app-number"));
  }
  const locked = element("section", "", "app-sheet");
  const unsealer = button(say("open"), "", async () => {
    if (!told.card) throw new Refused("UNKNOWN_SENDER");
    if (told.wrapped.length === 0) throw refusal("lost", "anew", "OWN_KEY_LOST");
    const identity = await unwrap(told.wrapped, told.recipient, told.party);
    const payload = await payloadOf();
    show(await open(fromBase64(told.header), payload, identity, told.card, told));
  });
  locked.append(facts, element("p", say("opening"), "app-apart-small"), actions(unsealer));

  const clear = element("section");
  clear.id = "clair";
  clear.hidden = true;
  const lock = (): void => {
    watch.end();
    if (clear.hidden) return;
    wipeWatermark();
    clear.replaceChildren();
    clear.hidden = true;
    locked.hidden = false;
    unsealer.focus();
  };
  const countdown = element("progress", "", "app-countdown") as HTMLProgressElement;
  countdown.setAttribute("aria-label", say("left"));
  const watch = watchOver(MOST_MS, lock, (left) => {
    countdown.value = left;
  });
  const show = (opened: Opened): void => {
    const subject = element("h2", opened.subject);
    subject.tabIndex = -1;
    const text = element("div", opened.text, "app-document");
    watermark(text, `${told.name} · ${told.officer} · ${told.at} · ${told.dispatch}`);
    const signed = `${opened.post}, ${say(opened.both ? "both" : "one")}`;
    clear.replaceChildren(countdown, element("p", signed, "app-faded"), subject, text);
    if (opened.attachments.length > 0) {
      clear.append(element("p", `${say("attachments")} ${opened.attachments.join(" · ")}`));
    }
    clear.append(actions(button(say("lock"), "govuk-button--secondary", lock)));
    locked.hidden = true;
    clear.hidden = false;
    subject.focus();
    watch.begin();
  };
  place.replaceChildren(band(), locked, clear, band(), returning(told.back));
}

async function start(): Promise<void> {
  const told = await ask<Making | Opening>("/propre/montrer", { ticket });
  if (told.making) await making(told);
  else opening(told);
}

document.body.classList.add("js-enabled", "govuk-frontend-supported");
start().catch((error: unknown) => showRefusal(place, named(error)));
