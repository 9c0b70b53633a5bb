// The alert bar, on every page of a signed-in officer: asked for when the stream says so. The stream
// carries ids only; when it is lost the page says since when, and asks again by itself.
import { hour, serviceNow } from "./shared/hours";

interface Line {
  page: string;
  heard: string;
  said: string;
}

interface Bar {
  lines: Line[];
  see: string;
  hear: string;
}

const place = document.getElementById("alertes");
const link = document.getElementById("liaison");
const lost = link?.querySelector<HTMLElement>("[data-lost]");
const again = link?.querySelector("button");
const SOON = 1_000;
const PAUSE = 10_000;
const title = document.title;
let shown = 0;

function bar(line: Line, words: Bar): HTMLElement {
  const row = document.createElement("div");
  row.className = "app-alert";
  row.dataset["alert"] = line.heard;
  const said = document.createElement("span");
  said.textContent = line.said;
  const see = document.createElement("a");
  see.href = line.page;
  see.textContent = words.see;
  const form = document.createElement("form");
  form.method = "post";
  form.action = line.heard;
  form.className = "app-inline";
  const hear = document.createElement("button");
  hear.type = "submit";
  hear.className = "govuk-button govuk-button--secondary";
  hear.dataset["acknowledge"] = "";
  hear.textContent = words.hear;
  form.append(hear);
  row.append(said, see, form);
  return row;
}

// Which alert's link or button has the focus: the bar is made anew whenever something is urgent.
function focused(): { alert?: string; control?: string } {
  const control = document.activeElement;
  const alert = control?.closest<HTMLElement>("#alertes [data-alert]")?.dataset["alert"];
  return alert && control ? { alert, control: control.localName } : {};
}

// Where the page begins: whoever was in the last alert goes on from there once it is gone.
function heading(): HTMLElement | null {
  const page = document.getElementById("travail");
  const found = page?.querySelector("h1") ?? page;
  found?.setAttribute("tabindex", "-1");
  return found ?? null;
}

function sound(): void {
  // Before a gesture the browser allows no sound; the bar and the title speak.
  if (!navigator.userActivation.hasBeenActive) return;
  const audio = new AudioContext();
  const tone = audio.createOscillator();
  tone.frequency.value = 880;
  tone.connect(audio.destination);
  tone.start();
  tone.stop(audio.currentTime + 0.35);
}

async function show(): Promise<void> {
  if (!place) return;
  const answer = await fetch("/depeches/alertes", { headers: { accept: "application/json" } });
  if (!answer.ok) return;
  const words = (await answer.json()) as Bar;
  const { alert, control } = focused();
  place.replaceChildren(...words.lines.map((line) => bar(line, words)));
  const rows = [...place.children] as HTMLElement[];
  const row = rows.find((each) => each.dataset["alert"] === alert) ?? rows[0];
  if (control) (row?.querySelector<HTMLElement>(control) ?? heading())?.focus();
  if (words.lines.length > shown) sound();
  shown = words.lines.length;
  document.title = shown ? `(${shown}) ${title}` : title;
}

// Since when nothing is heard; 0 while the stream is there.
let since = 0;
let stream: EventSource | undefined;
let waiting = 0;

function listen(): void {
  window.clearTimeout(waiting);
  stream?.close();
  const list = document.querySelector<HTMLElement>("[data-live]")?.dataset["live"];
  const opened = new EventSource(list ? `/depeches/flux?${list}` : "/depeches/flux");
  stream = opened;
  opened.addEventListener("list", () => document.dispatchEvent(new Event("listed")));
  opened.addEventListener("alerts", () => void show());
  opened.addEventListener("closed", () => opened.close());
  opened.addEventListener("open", heard);
  opened.addEventListener("error", () => {
    opened.close();
    silent();
  });
}

function heard(): void {
  since = 0;
  say("");
  if (shown) void show(); // a new stream begins with what there is: alerts that are gone it does not tell
}

// A stream that ends, as each does now and then, is asked for again at once; only then it is lost.
function silent(): void {
  const first = since === 0;
  since ||= serviceNow();
  waiting = window.setTimeout(listen, first ? SOON : PAUSE);
  if (!first) say(lost?.dataset["lost"]?.replace("{hour}", hour(since)) ?? "");
}

// Said once: who hears the page read out is not told the same at each try.
function say(text: string): void {
  if (!lost || !again || lost.textContent === text) return;
  lost.textContent = text;
  again.hidden = text === "";
  document.body.classList.toggle("app-lost", text !== "");
}

if (place) {
  listen();
  again?.addEventListener("click", listen);
  addEventListener("online", () => {
    if (since) listen();
  });
  // A page that is left must not wait for its stream.
  addEventListener("pagehide", () => stream?.close());
}
