// The text of a dispatch: asked for, shown by textContent under a watermark, and taken away again:
// after a minute without a gesture, when the tab is hidden or left for five seconds, by l or Esc.
import { type Attachment, attachmentLines } from "./reading/attachments";
import { watchOver } from "./reading/locking";
import { type Changes, showChanges } from "./reading/changes";
import { endPrinting, watchPrinting } from "./reading/printing";
import type { Refusal } from "./reading/refusal";
import { renewTraces } from "./reading/traces";
import { watermark, wipeWatermark } from "./reading/watermark";

interface Told {
  subject: string;
  text: string;
  whole: boolean;
  attachments: Attachment[];
  signed: string;
  watermark: string;
  changes?: Changes | null;
}

const unsealer = document.querySelector<HTMLButtonElement>("[data-open]");
const sealed = document.getElementById("scelle");
const clear = document.getElementById("clair");
const refused = document.getElementById("refus");

if (unsealer && sealed && clear && refused) {
  const part = <T extends HTMLElement>(root: HTMLElement, name: string): T | null =>
    root.querySelector<T>(`[data-${name}]`);
  const countdown = clear.querySelector("progress");
  const most = Number(unsealer.dataset["seconds"] ?? "60") * 1000;

  const fill = (root: HTMLElement, name: string, text: string): void => {
    const place = part(root, name);
    if (place) place.textContent = text;
  };

  const lock = (): void => {
    watch.end();
    if (clear.hidden) return;
    for (const name of ["subject", "text", "signed", "names"]) part(clear, name)?.replaceChildren();
    showChanges(clear, null);
    wipeWatermark();
    endPrinting(clear);
    clear.hidden = true;
    sealed.hidden = false;
    unsealer.focus();
  };

  const watch = watchOver(most, lock, (left) => {
    if (countdown) countdown.value = 60 * left;
  });

  const show = (told: Told): void => {
    fill(clear, "subject", told.subject);
    fill(clear, "signed", told.signed);
    const text = part(clear, "text");
    if (text) {
      text.textContent = told.text;
      watermark(text, told.watermark);
    }
    showChanges(clear, told.changes ?? null, told.watermark);
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
    watch.begin();
  };

  const refuse = (told: Refusal): void => {
    lock();
    for (const name of ["cause", "effect", "remedy"] as const) fill(refused, name, told[name]);
    fill(refused, "code", `${told.code} · ${told.reference}`);
    sealed.hidden = true;
    refused.hidden = false;
    let next = part<HTMLElement>(refused, "retry");
    for (const each of refused.querySelectorAll<HTMLElement>("[data-for]")) {
      each.hidden = !each.dataset["for"]?.split(" ").includes(told.code);
      if (!each.hidden) next = each;
    }
    const own = next?.dataset["for"] !== undefined;
    part(refused, "retry")?.classList.toggle("govuk-button--secondary", own);
    next?.focus();
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
      if (answer.ok) {
        show(told as Told);
        void renewTraces();
      } else refuse(told as Refusal);
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
}
