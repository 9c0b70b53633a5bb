// Make-up of a bag: each piece is laid in without leaving the page, by hand scanner, keyboard or camera,
// and how it went is said by a word, a tone and a shake.
import { morph } from "./lists/renewing";
import type { Word } from "./pouch/verdict.ts";
import { lamp, lenses } from "./scan/controls.ts";
import { el } from "./scan/dom.ts";
import { Camera, Reader, Wedge } from "./scan/eyes";
import { allowSound, signal } from "./scan/signals";
import { element, hideRefusal, Refusal, showRefusal } from "./shared/asking";

const NUMBER = /^\d{10}$/;
// So long a label is out of sight before it counts as shown again.
const GONE_MS = 2_000;

const form = document.querySelector<HTMLFormElement>("form[data-lay]");
const field = form?.querySelector<HTMLInputElement>("input[name=number]");
const eye = document.getElementById("camera");

// The page as it is after the act; it is no text that anything parses (Trusted Types).
function laid(path: string, number: string): Promise<Document | null> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", path);
    request.responseType = "document";
    request.addEventListener("load", () => resolve(request.responseXML));
    request.addEventListener("error", () => reject(new Error("away")));
    request.send(new URLSearchParams({ number }));
  });
}

if (form && field && eye) {
  const words = eye.dataset;
  const work = form.closest("main") as HTMLElement;
  let waiting = Promise.resolve();

  const one = async (number: string): Promise<void> => {
    hideRefusal(eye);
    try {
      const fresh = (await laid(form.action, number))?.querySelector("main");
      const answer = fresh?.querySelector<HTMLElement>("[data-laid]");
      if (!fresh || !answer) {
        location.reload(); // the session is over, or the bag is sealed: the page says it
        return;
      }
      for (const part of work.querySelectorAll("[data-part]")) {
        const other = fresh.querySelector(`[data-part="${part.getAttribute("data-part")}"]`);
        if (other) morph(part, other);
      }
      signal(answer.dataset["laid"] as Word);
    } catch {
      showRefusal(eye, new Refusal([words["away"] ?? "", words["nothing"] ?? "", words["again"] ?? ""], "OFFLINE"));
      signal("REFUSE");
      field.value ||= number;
    }
  };
  const lay = (number: string): void => {
    waiting = waiting.then(() => one(number));
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    allowSound();
    lay(field.value);
    field.value = "";
    field.focus();
  });

  // A hand scanner types wherever the focus is.
  const wedge = new Wedge((text) => {
    allowSound();
    lay(text);
  }, (text) => NUMBER.test(text));
  document.addEventListener("keydown", wedge.key);

  watch(eye, lay);
}

function watch(eye: HTMLElement, lay: (number: string) => void): void {
  const words = eye.dataset;
  const opener = eye.querySelector("button");
  const frame = eye.querySelector<HTMLElement>("[data-frame]");
  if (!opener || !frame) return;
  const video = document.createElement("video");
  video.playsInline = true;
  video.muted = true;
  video.setAttribute("aria-label", words["label"] ?? "");
  let camera: Camera | null = null;
  let last = "";
  let at = 0;

  // The same label stays in sight long after it was read.
  const seen = (text: string): boolean => {
    const now = performance.now();
    const again = text === last && now - at < GONE_MS;
    [last, at] = [text, now];
    if (!again) lay(text);
    return false;
  };

  const close = (): void => {
    camera?.stop();
    frame.replaceChildren();
    opener.textContent = words["open"] ?? "";
    opener.setAttribute("aria-expanded", "false");
  };

  const begin = async (through: Camera, lens: string | null, tools: HTMLElement): Promise<void> => {
    try {
      await through.start(lens, seen);
    } catch {
      close();
      const lines = [words["refused"] ?? "", words["nothing"] ?? "", words["instead"] ?? ""];
      showRefusal(eye, new Refusal(lines, "CAMERA_REFUSED"));
      return;
    }
    const said = words["lens"] ?? "";
    const choice = el("select", { class: "govuk-select", id: "lens" });
    const row = el("div", { class: "govuk-form-group" },
      el("label", { class: "govuk-label", for: "lens" }, said), choice);
    const lit = lamp(through, el("button", {
      type: "button", class: "govuk-button govuk-button--secondary",
    }, words["lamp"] ?? ""));
    const other = (chosen: string): void => void begin(through, chosen, tools);
    tools.replaceChildren(lit, await lenses(through, row, choice, said, other));
  };

  eye.hidden = false;
  close();
  opener.addEventListener("click", async () => {
    allowSound();
    hideRefusal(eye);
    if (frame.firstChild) {
      close();
      return;
    }
    const tools = el("div", { class: "app-filters" });
    frame.replaceChildren(video, tools, element("p", words["aim"] ?? "", "app-faded"));
    opener.textContent = words["close"] ?? "";
    opener.setAttribute("aria-expanded", "true");
    camera ??= new Camera(video, new Reader(words["reader"] ?? "", words["wasm"] ?? ""));
    last = "";
    await begin(camera, null, tools);
  });
  addEventListener("pagehide", close);
}
