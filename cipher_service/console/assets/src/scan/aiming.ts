// Reading the label: by camera at once, by a hand scanner at any time, by photograph, or by typing
// the locator, which is always one tap away.
import { Camera, oneText, Reader, Wedge } from "./eyes.ts";
import { button, el, field } from "./dom.ts";
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
  tools.replaceChildren(torch(camera), await lenses(camera, tools, seen));
}

function torch(camera: Camera): HTMLElement {
  const made = button(say("torch"), () => {
    const lit = made.getAttribute("aria-pressed") !== "true";
    made.setAttribute("aria-pressed", String(lit));
    void camera.torch(lit);
  });
  made.setAttribute("aria-pressed", "false");
  made.hidden = !camera.hasTorch;
  return made;
}

// New telephones open the lens for close things, which cannot focus on a label: one may choose.
async function lenses(
  camera: Camera, tools: HTMLElement, seen: (text: string) => void,
): Promise<HTMLElement> {
  const found = await camera.lenses();
  const choice = el("select", {
    class: "scan-input", id: "lens",
    change: () => void begin(camera, choice.value, tools, seen),
  }, ...found.map((each, place) => el("option", {
    value: each.deviceId, selected: each.deviceId === camera.lens,
  }, each.label || `${say("lens")} ${place + 1}`)));
  const row = el("div", { class: "scan-field" }, el("label", { for: "lens" }, say("lens")), choice);
  row.hidden = found.length < 2;
  return row;
}

async function still(
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
