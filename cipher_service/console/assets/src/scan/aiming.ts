// Reading the label: by camera at once, by a hand scanner at any time, by photograph, or by typing
// the locator, which is always one tap away.
import { lamp, lenses } from "./controls.ts";
import { button, el, field } from "./dom.ts";
import { Camera, oneText, Reader, Wedge } from "./eyes.ts";
import { show, tellFailure } from "./frame.ts";
import { say } from "./texts.ts";

let reader: Reader | null = null;

export function theReader(): Reader {
  const { reader: script = "", wasm = "" } = document.body.dataset;
  return (reader ??= new Reader(script, wasm));
}

export function aim(seen: (text: string) => void, located: (text: string) => void): void {
  const eyes = theReader();
  const video = el("video", { class: "scan-video", playsinline: true, "aria-label": say("camera") });
  video.muted = true;
  const camera = new Camera(video, eyes);
  const wedge = new Wedge((text) => (text.length <= 24 ? located(text) : seen(text)));
  const tools = el("div", { class: "scan-tools" });
  const locator = field(say("locator"), { id: "locator", inputmode: "numeric", autocapitalize: "off" });
  const photo = el("input", {
    type: "file", accept: "image/*", capture: "environment", class: "scan-file", id: "photo",
    change: () => void still(photo, eyes, seen),
  });
  const form = el("form", {
    novalidate: true,
    submit: (event) => {
      event.preventDefault();
      located(locator.input.value);
    },
  }, locator.row, el("button", { class: "scan-button", type: "submit" }, say("find")));

  document.addEventListener("keydown", wedge.key);
  show("aim", [
    el("h1", {}, say("aim")),
    el("p", { class: "scan-hint" }, say("aim_hint")),
    el("div", { class: "scan-frame" }, video),
    tools,
    el("label", { class: "scan-button scan-button--label", for: "photo" }, say("photo")),
    photo,
    form,
  ], () => aim(seen, located), () => {
    document.removeEventListener("keydown", wedge.key);
    camera.stop();
  });
  void begin(camera, null, tools, seen);
}

async function begin(
  camera: Camera, lens: string | null, tools: HTMLElement, seen: (text: string) => void,
): Promise<void> {
  try {
    await camera.start(lens, seen);
  } catch {
    camera.video.hidden = true;
    tellFailure("CAMERA_REFUSED");
    return;
  }
  const word = say("lens");
  const choice = el("select", { class: "scan-input", id: "lens" });
  const row = el("div", { class: "scan-field" }, el("label", { for: "lens" }, word), choice);
  const other = (chosen: string): void => void begin(camera, chosen, tools, seen);
  const lit = lamp(camera, button(say("torch"), () => undefined));
  tools.replaceChildren(lit, await lenses(camera, row, choice, word, other));
}

export async function still(
  input: HTMLInputElement, eyes: Reader, seen: (text: string) => void,
): Promise<void> {
  const file = input.files?.[0];
  input.value = "";
  if (!file) return;
  try {
    const text = oneText(await eyes.read(await createImageBitmap(file)));
    if (text) seen(text);
    else tellFailure("NOTHING_SEEN");
  } catch {
    tellFailure("NOTHING_SEEN");
  }
}
