// The text of a dispatch: asked for, shown by textContent under a watermark, and taken away again:
// after a minute without a gesture, when the tab is hidden or left for five seconds, by l or Esc.
import { type Attachment, attachmentLines } from "./reading/attachments";
import { endPrinting, watchPrinting } from "./reading/printing";
import type { Refusal } from "./reading/refusal";

interface Told {
  subject: string;
  text: string;
  whole: boolean;
  attachments: Attachment[];
  signed: string;
  watermark: string;
}

const AWAY_MS = 5000;
const TICK_MS = 250;
const unsealer = document.querySelector<HTMLButtonElement>("[data-open]");
const sealed = document.getElementById("scelle");
const clear = document.getElementById("clair");
const refused = document.getElementById("refus");

if (unsealer && sealed && clear && refused) {
  const part = <T extends HTMLElement>(root: HTMLElement, name: string): T | null =>
    root.querySelector<T>(`[data-${name}]`);
  const countdown = clear.querySelector("progress");
  const most = Number(unsealer.dataset["seconds"] ?? "60") * 1000;
  let ends = 0;
  let clockwork = 0;
  let away = 0;

  const fill = (root: HTMLElement, name: string, text: string): void => {
    const place = part(root, name);
    if (place) place.textContent = text;
  };

  // By CSSOM, since no style is allowed in the page: it is seen, not read aloud and not copied.
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);

  const watermark = (text: HTMLElement, words: string): void => {
    const mark = document.createElement("div");
    mark.className = "app-document__watermark";
    mark.setAttribute("aria-hidden", "true");
    text.append(mark);
    sheet.replaceSync(
      `.app-document__watermark::before { content: ${JSON.stringify(`${words}   `.repeat(60))} }`,
    );
  };

  const lock = (): void => {
    clearInterval(clockwork);
    clearTimeout(away);
    if (clear.hidden) return;
    for (const name of ["subject", "text", "signed", "names"]) part(clear, name)?.replaceChildren();
    sheet.replaceSync("");
    endPrinting(clear);
    clear.hidden = true;
    sealed.hidden = false;
    unsealer.focus();
  };

  const gesture = (): void => {
    ends = Date.now() + most;
  };

  const show = (told: Told): void => {
    fill(clear, "subject", told.subject);
    fill(clear, "signed", told.signed);
    const text = part(clear, "text");
    if (text) {
      text.textContent = told.text;
      watermark(text, told.watermark);
    }
    const cut = part(clear, "cut");
    if (cut) cut.hidden = told.whole;
    const attached = part(clear, "attachments");
    if (attached) attached.hidden = told.attachments.length === 0;
    const list = part(clear, "names");
    list?.replaceChildren(...attachmentLines(list, told.attachments));
    const printer = part(clear, "print");
    if (printer) printer.hidden = !told.whole; // nobody takes the beginning on paper for the whole
    sealed.hidden = true;
    refused.hidden = true;
    clear.hidden = false;
    part(clear, "subject")?.focus();
    gesture();
    clockwork = window.setInterval(() => {
      const left = ends - Date.now();
      if (countdown) countdown.value = (60 * left) / most;
      if (left <= 0) lock();
    }, TICK_MS);
  };

  const refuse = (told: Refusal): void => {
    lock();
    for (const name of ["cause", "effect", "remedy"] as const) fill(refused, name, told[name]);
    fill(refused, "code", `${told.code} · ${told.reference}`);
    sealed.hidden = true;
    refused.hidden = false;
    part<HTMLButtonElement>(refused, "retry")?.focus();
  };

  unsealer.addEventListener("click", async () => {
    unsealer.disabled = true;
    try {
      const answer = await fetch(unsealer.dataset["open"] ?? "", {
        method: "POST",
        headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
        body: "",
      });
      const told: unknown = await answer.json();
      if (answer.ok) show(told as Told);
      else refuse(told as Refusal);
      document.dispatchEvent(new CustomEvent("opened", { detail: answer.ok }));
    } finally {
      unsealer.disabled = false;
    }
  });

  watchPrinting(clear, refuse);
  part<HTMLButtonElement>(refused, "retry")?.addEventListener("click", () => {
    refused.hidden = true;
    sealed.hidden = false;
    unsealer.focus();
  });
  document.getElementById("verrouiller")?.addEventListener("click", lock);
  for (const name of ["keydown", "pointermove", "wheel", "touchstart"]) {
    addEventListener(name, gesture, { passive: true });
  }
  addEventListener("keydown", (event) => {
    if (event.key === "l" || event.key === "Escape") lock();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) lock();
  });
  addEventListener("blur", () => {
    away = window.setTimeout(lock, AWAY_MS);
  });
  addEventListener("focus", () => clearTimeout(away));
  addEventListener("pagehide", lock);
}
