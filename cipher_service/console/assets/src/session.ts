// The session as its officer sees it: time left, "Prolonger", and a page that shows nothing once it
// is over. Shortcuts of every page: `?` for its help, `g` and a letter for a line of the navigation,
// `t` from a drawing to the table that says the same, and back; and whatever letter an element of the
// page waits for (`data-press`).
import { serviceNow } from "./shared/hours";
import { shortcutsOn, typing } from "./shared/typing";

const WARN = 5 * 60_000;
const clock = document.querySelector<HTMLElement>("[data-session-ends]");
const bar = document.getElementById("session-fin");
const told = bar?.querySelector<HTMLElement>("[data-session-text]");
const channel = new BroadcastChannel("session");

function until(name: "sessionEnds" | "sessionLast"): number {
  return Date.parse(clock?.dataset[name] ?? "");
}

function left(): number {
  return until("sessionEnds") - serviceNow();
}

// Another tab has shown that the officer is there.
channel.addEventListener("message", (event: MessageEvent<unknown>) => {
  if (clock && typeof event.data === "string" && Date.parse(event.data) > until("sessionEnds")) {
    clock.dataset["sessionEnds"] = event.data;
    show();
  }
});

function show(): void {
  if (!bar || !told || !clock) return;
  const remaining = left();
  if (remaining <= 0) {
    lock();
    return;
  }
  bar.hidden = remaining > WARN;
  if (bar.hidden) return;
  const seconds = Math.ceil(remaining / 1000);
  const text = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  told.textContent = (told.dataset["sessionText"] ?? "").replace("{left}", text);
}

function lock(): void {
  // Nothing readable stays on the screen while the browser goes to the sign-in page.
  document.body.replaceChildren();
  location.replace("/connexion");
}

async function prolong(): Promise<void> {
  const answer = await fetch("/session/prolonger", {
    method: "POST",
    headers: { accept: "application/json" },
  });
  if (!answer.ok) {
    lock();
    return;
  }
  const { ends } = (await answer.json()) as { ends: string };
  if (clock) clock.dataset["sessionEnds"] = ends;
  channel.postMessage(ends);
  show();
}

if (clock) {
  channel.postMessage(clock.dataset["sessionEnds"]);
  window.setInterval(show, 1000);
  document.addEventListener("visibilitychange", show);
  document.getElementById("session-prolonger")?.addEventListener("click", () => void prolong());
  show();
}

const menu = document.querySelector<HTMLDetailsElement>(".app-menu");
if (menu && matchMedia("(max-width: 40.0625em)").matches) menu.open = false;

let going = 0;
document.addEventListener("keydown", (event) => {
  if (typing(event) || !shortcutsOn()) return;
  if (event.key === "?") {
    document.querySelector<HTMLAnchorElement>("a[data-help]")?.click();
  } else if (event.key === "g") {
    going = Date.now();
  } else if (Date.now() - going < 1500) {
    going = 0;
    document.querySelector<HTMLAnchorElement>(`a[data-go="${CSS.escape(event.key)}"]`)?.click();
  } else if (event.key === "t") {
    turnToTable();
  } else if (/^[a-z]$/.test(event.key)) {
    press(event);
  }
});

// A button or link is pressed; a field gets the focus, without the letter.
function press(event: KeyboardEvent): void {
  const wanted = document.querySelector<HTMLElement>(`[data-press="${event.key}"]`);
  if (!wanted) return;
  event.preventDefault();
  if (wanted.matches("input, select, textarea")) wanted.focus();
  else wanted.click();
}

// The help opens over the page: what is written there stays. Without a dialog the link leads on.
const help = document.querySelector<HTMLDialogElement>("dialog#aide");
document.querySelector("a[data-help]")?.addEventListener("click", (event) => {
  event.preventDefault();
  help?.showModal();
});

function turnToTable(): void {
  const table = document.getElementById("tableau");
  const back = document.activeElement === table;
  const there = back ? document.getElementById("dessin") : table;
  there?.setAttribute("tabindex", "-1");
  there?.focus();
  there?.scrollIntoView();
}

const choice = document.querySelector<HTMLInputElement>("input[data-shortcuts]");
if (choice) {
  choice.checked = shortcutsOn();
  choice.addEventListener("change", () => {
    localStorage.setItem("raccourcis", choice.checked ? "oui" : "non");
  });
}
