// The device tries itself before the bag is there: each part says that it works, or what to do.
import { present } from "./device.ts";
import { button, el } from "./dom.ts";
import { heldPack } from "./exchange.ts";
import { oneText, Reader, Wedge } from "./eyes.ts";
import { show, want } from "./frame.ts";
import { allowSound, heard, signal } from "./signals.ts";
import { alone, keepDevice, readDevice, type Device } from "./store.ts";
import { say, spoken } from "./texts.ts";
import { TRIALS, type Part, type Trial } from "./trials.ts";

// A symbol of version 1 that says DIGITS, row by row, 21 bits each.
const SYMBOL = "1fc37f105541174c5d17465d17555d104d411fd57f000300154a120e344207491e0f3c4202c9510016a2"
  + "1fcae01043bf175ee1174462175d1110486c1fd95d";
const [SIDE, QUIET, DOTS, DIGITS] = [21, 4, 6, "0123456789"];
const SKEW = 300;
const ROOM = 20_000_000;

type Found = Record<Part, Trial>;

export function selfTest(device: Device, reader: () => Reader, back: () => void): void {
  const found: Found = {
    storage: "waiting", timing: "waiting", decoder: "waiting", camera: "waiting",
    wedge: "asked", sound: "asked", shaking: "asked",
  };
  const wedge = new Wedge((text) => tell("wedge", text === DIGITS ? "ok" : "other"));
  const rows = el("ul", { class: "scan-list" });
  const stays = want("selftest");

  function tell(part: Part, trial: Trial): void {
    found[part] = trial;
    if (stays()) list();
  }

  function list(): void {
    rows.replaceChildren(...(Object.keys(found) as Part[]).map((part) => row(part, found[part])));
  }

  function draw(): void {
    const drawn = symbol();
    drawn.className = "scan-symbol";
    drawn.setAttribute("role", "img");
    drawn.setAttribute("aria-label", say("test_symbol"));
    list();
    document.addEventListener("keydown", wedge.key);
    show("selftest", [
      el("h1", {}, say("selftest")), rows,
      button(say("test_signal"), () => {
        allowSound();
        tell("shaking", signal("CONFORMS") ? "ok" : "fails");
        void heard().then((loud) => tell("sound", loud ? "ok" : "fails"));
      }, "scan-button--main"),
      el("p", { class: "scan-hint" }, say("test_wedge")), drawn,
      button(say("back"), back),
    ], draw, () => document.removeEventListener("keydown", wedge.key));
  }

  draw();
  void stored().then((trial) => tell("storage", trial));
  void clocked(device).then((trial) => tell("timing", trial));
  void decoded(reader()).then((trial) => tell("decoder", trial));
  void filmed().then((trial) => tell("camera", trial));
}

function row(part: Part, trial: Trial): HTMLElement {
  const { name, told } = TRIALS[part];
  const words = told[trial]?.[spoken()] ?? say(trial === "ok" ? "test_ok" : "test_waiting");
  const bad = trial !== "ok" && trial !== "waiting" && trial !== "asked";
  return el("li", {
    class: bad ? "scan-entry scan-entry--conflict" : "scan-entry",
    "data-part": part, "data-trial": trial,
  },
    el("p", { class: "scan-entry__state" }, name[spoken()]), el("p", {}, words));
}

// What is written is read back, and the browser says whether it may throw it away.
async function stored(): Promise<Trial> {
  try {
    await alone(async () => {
      const device = await readDevice();
      if (device) await keepDevice(device); // as it stands: only one tab at a time moves its numbering
    });
    const { quota = 0, usage = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    if (quota - usage < ROOM) return "little";
    return (await navigator.storage?.persisted?.()) ? "ok" : "other";
  } catch {
    return "fails";
  }
}

async function clocked(device: Device): Promise<Trial> {
  try {
    const pack = await heldPack(device);
    if (!pack) return "fails";
    if (present() < pack.issued - SKEW) return "late";
    return present() < pack.expires ? "ok" : "other";
  } catch {
    return "late"; // a pack of the future is not believed
  }
}

async function decoded(reader: Reader): Promise<Trial> {
  try {
    const texts = await reader.read(await createImageBitmap(symbol()));
    return oneText(texts) === DIGITS ? "ok" : "fails";
  } catch {
    return "fails";
  }
}

async function filmed(): Promise<Trial> {
  try {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false, video: { facingMode: "environment" },
    });
    const live = stream.getVideoTracks().some((track) => track.readyState === "live");
    for (const track of stream.getTracks()) track.stop();
    return live ? "ok" : "fails";
  } catch {
    return "fails";
  }
}

function symbol(): HTMLCanvasElement {
  const side = (SIDE + 2 * QUIET) * DOTS;
  const canvas = el("canvas", { width: side, height: side });
  const context = canvas.getContext("2d");
  if (!context) throw new Error("no canvas");
  context.fillStyle = "#fff";
  context.fillRect(0, 0, side, side);
  context.fillStyle = "#000";
  for (let y = 0; y < SIDE; y += 1) {
    const bits = parseInt(SYMBOL.slice(y * 6, y * 6 + 6), 16);
    for (let x = 0; x < SIDE; x += 1) {
      if (bits & (1 << (SIDE - 1 - x))) context.fillRect((x + QUIET) * DOTS, (y + QUIET) * DOTS, DOTS, DOTS);
    }
  }
  return canvas;
}
