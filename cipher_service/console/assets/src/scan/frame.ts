// What is always there: the state of the line and of the queue, the language, and the place where
// one view stands at a time.
import { button, el } from "./dom.ts";
import { drilling } from "./drill.ts";
import { helpOf } from "./help.ts";
import { readDevice, readEvents } from "./store.ts";
import { against, say, setLanguage, spoken } from "./texts.ts";
import { FAILURES, type Language } from "./words.ts";

const status = el("header", { class: "scan-status" });
const message = el("p", { class: "scan-message", role: "alert", hidden: true });
const main = el("main", { class: "scan-main", id: "scan" });
let wanted = "";
let stood = ""; // what the header says: it is made anew, under whoever is in it, only for another thing
let redraw: () => void = () => undefined;
let openQueue: () => void = () => undefined;
let leave: () => void = () => undefined;

export function build(queue: () => void): void {
  openQueue = queue;
  document.body.replaceChildren(status, message, main);
  for (const name of ["online", "offline"]) addEventListener(name, () => void showStatus());
}

// Asks for a view whose content must be read first. Says whether it is still the one asked for last:
// what was read for an earlier wish is never shown over a later one.
export function want(view: string): () => boolean {
  wanted = view;
  return () => wanted === view;
}

// Shows a view; `again` draws it anew in the other language, `left` stops what it started.
export function show(
  view: string, content: Node[], again: () => void, left: () => void = () => undefined,
): void {
  leave();
  leave = left;
  redraw = again;
  wanted = view;
  main.dataset["view"] = view;
  main.replaceChildren(...content, ...[helpOf(view)].filter((one) => one !== null));
  message.hidden = true;
  message.textContent = "";
  scrollTo(0, 0);
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus();
  void showStatus();
}

export function tellFailure(code: string): void {
  const told = FAILURES[code] ?? FAILURES["UNAVAILABLE"];
  message.textContent = told?.[spoken()] ?? "";
  message.dataset["code"] = code;
  message.hidden = false;
  scrollTo(0, 0); // it stands above all else, and the button that was pressed may stand far below
}

export async function showStatus(): Promise<void> {
  const kept = await Promise.all([readEvents(), readDevice()]).catch(() => null);
  const [events, device] = kept ?? [[], undefined];
  const waiting = events.filter((event) => event.state !== "recorded").length;
  const conflicts = events.filter((event) => against(event.answer).length > 0).length;
  const counted = !kept ? say("unkept") : waiting ? say("unsent", { n: waiting }) : say("sent");
  const told = conflicts ? `${counted} · ${say("conflicts", { n: conflicts })}` : counted;
  const line = navigator.onLine ? "online" : "offline";
  const held = device?.packVersion ?? 0;
  const where = held ? say("with_pack", { line: say(line) }) : say(line);
  const state = drilling() ? `${say("exercise")} · ${where}` : where;
  const said = JSON.stringify([line, state, told, spoken(), status.isConnected]);
  if (said === stood) return;
  stood = said;
  const focused = [...status.querySelectorAll("button")].findIndex((one) => one === document.activeElement);
  status.replaceChildren(
    el("p", { class: `scan-line scan-line--${line}`, role: "status" }, state),
    button(told, openQueue, conflicts || waiting ? "scan-count scan-count--some" : "scan-count"),
    languages(),
  );
  status.querySelectorAll("button")[focused]?.focus({ preventScroll: true });
  status.toggleAttribute("data-exercise", drilling());
  status.dataset["pack"] = String(held);
  status.dataset["pending"] = String(waiting);
  status.dataset["conflicts"] = String(conflicts);
}

function languages(): HTMLElement {
  const choice = (language: Language): HTMLElement => {
    const made = button(language.toUpperCase(), () => {
      const awaited = wanted;
      setLanguage(language);
      redraw();
      wanted = awaited;
    }, "scan-language");
    made.lang = language;
    made.setAttribute("aria-pressed", String(spoken() === language));
    made.setAttribute("aria-label", language === "fr" ? "FR, français" : "EN, English");
    return made;
  };
  return el("div", { class: "scan-languages", role: "group", "aria-label": say("language") },
    choice("fr"), choice("en"));
}
