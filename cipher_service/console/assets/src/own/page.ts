// What both pages of own keys share: their ticket, their words, refusals by name, buttons.
import { Refused, SharesWrong, WithoutSecret } from "./refused";
import { Refusal, element, hideRefusal, post, showRefusal } from "../shared/asking";
import { pressed } from "../shared/pressing";
import type { Language } from "../words/acts";
import { OWN } from "../words/own";

export interface Told {
  officer: string;
  name: string;
  party: string;
  back: string;
}

export type Word = keyof typeof OWN;

export const language: Language = document.documentElement.lang === "en" ? "en" : "fr";
export const say = (name: Word): string => OWN[name][language];
export const place = document.getElementById("acte") as HTMLElement;
export const ticket = location.hash.slice(1);
history.replaceState(null, "", location.pathname);

export const ask = <T>(path: string, members: Record<string, string>): Promise<T> =>
  post<T>(`${path}?lang=${language}`, members, [say("away"), say("nothing"), say("again")]);

export const refusal = (cause: Word, remedy: Word, code: string): Refusal =>
  new Refusal([say(cause), say("nothing"), say(remedy)], code);

// What went wrong, by name.
function named(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof WithoutSecret) return refusal("without", "other", "KEY_WITHOUT_PRF");
  if (error instanceof Refused) return refusal("refused", "repeat", error.message);
  if (error instanceof SharesWrong) return refusal("sharesWrong", "sharesAgain", "SHARES_WRONG");
  const name = error instanceof DOMException ? error.name : "";
  if (name === "OperationError") return refusal("changed", "anew", "OWN_KEY_CHANGED");
  if (name) return refusal("silent", "again", "KEY_SILENT");
  return refusal("strange", "restart", "UNREADABLE");
}

export const refuse = (error: unknown): void => showRefusal(place, named(error));

export async function guarded(act: () => Promise<void> | void): Promise<void> {
  try {
    hideRefusal(place);
    await act();
  } catch (error) {
    refuse(error);
  }
}

export function button(
  label: string, kind: string, act: () => Promise<void> | void,
): HTMLButtonElement {
  const made = element("button", label, `govuk-button ${kind}`) as HTMLButtonElement;
  made.type = "button";
  made.addEventListener("click", () => void pressed(made, () => guarded(act)));
  return made;
}

// A fingerprint as it is read aloud.
export const grouped = (text: string): string => (text.match(/.{1,4}/g) ?? []).join(" ");

export function returning(back: string): HTMLElement {
  const line = element("p", "", "app-back");
  const link = element("a", say("back"), "govuk-link") as HTMLAnchorElement;
  link.href = back;
  line.append(link);
  return line;
}

export function actions(...buttons: HTMLElement[]): HTMLElement {
  const line = element("div", "", "app-actions");
  line.append(...buttons);
  return line;
}

// Have the browser save some bytes of this page's memory.
export function save(bytes: BlobPart, name: string, type = "application/octet-stream"): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function begin(start: () => Promise<void>): void {
  document.body.classList.add("js-enabled", "govuk-frontend-supported");
  start().catch(refuse);
}
