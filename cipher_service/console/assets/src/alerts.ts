// The alert bar, on every page of a signed-in officer: asked for when the stream says so. The stream
// carries ids only; when it is lost the browser asks again by itself, and the inbox says so.
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
const title = document.title;
let shown = 0;

function bar(line: Line, words: Bar): HTMLElement {
  const row = document.createElement("div");
  row.className = "app-alert";
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
  place.replaceChildren(...words.lines.map((line) => bar(line, words)));
  if (words.lines.length > shown) sound();
  shown = words.lines.length;
  document.title = shown ? `(${shown}) ${title}` : title;
}

if (place) {
  const list = document.querySelector<HTMLElement>("[data-live]")?.dataset["live"];
  const stream = new EventSource(list ? `/depeches/flux?${list}` : "/depeches/flux");
  stream.addEventListener("list", () => document.dispatchEvent(new Event("listed")));
  stream.addEventListener("alerts", () => void show());
  stream.addEventListener("closed", () => stream.close());
  stream.addEventListener("open", () => {
    if (link) link.textContent = "";
  });
  stream.addEventListener("error", () => {
    if (link) link.textContent = link.dataset["lost"] ?? "";
  });
  // A page that is left must not wait for its stream.
  addEventListener("pagehide", () => stream.close());
}
