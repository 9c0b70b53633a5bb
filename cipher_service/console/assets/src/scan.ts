// The scanning page: the blind question, then the label, then the verdict; all of it also offline.
import { groupedLocator } from "./pouch/digits.ts";
import type { Pack } from "./pouch/pack.ts";
import type { Handing } from "./handing/flow.ts";
import { aim, still, theReader } from "./scan/aiming.ts";
import { believed, codeOf, fetchPack, heldPack, sendQueue, settleHalves } from "./scan/exchange.ts";
import { Camera, scriptUrl } from "./scan/eyes.ts";
import { build, show, showStatus, tellFailure, want } from "./scan/frame.ts";
import { showComparison, showEnrolment, showQueue } from "./scan/ledger.ts";
import { HELP } from "./scan/help.ts";
import { found, judged, showOutcome, type Outcome } from "./scan/outcome.ts";
import { askQuestion, type Look } from "./scan/question.ts";
import { selfTest } from "./scan/selftest.ts";
import { readDevice, readEvents, type Device, type Queued } from "./scan/store.ts";
import { against, chooseLanguage, say, spoken } from "./scan/texts.ts";
import { FAILURES } from "./scan/words.ts";
import { button, el, facts } from "./scan/dom.ts";

let pack: Pack | null = null;

async function begin(): Promise<void> {
  const stays = want("question");
  const device = await readDevice().catch(codeOf);
  if (typeof device === "string") {
    showEnrolment(() => void begin());
    tellFailure(device);
    return;
  }
  if (!device) {
    showEnrolment(() => void begin());
    return;
  }
  try {
    await believed(device);
  } catch (error) {
    showEnrolment(() => void begin());
    tellFailure(codeOf(error));
    return;
  }
  if (!device.trusted) {
    showComparison(device, () => void begin());
    return;
  }
  try {
    pack = await heldPack(device);
  } catch (error) {
    tellFailure(codeOf(error));
  }
  if (stays()) question(device);
  void synchronise(false).catch(showTrouble);
}

function question(device: Device): void {
  askQuestion((look) => aim(
    (text) => {
      const stays = want("verdict");
      void judged(text, look, pack, device.place).then((outcome) => {
        if (stays()) conclude(outcome, look, device);
      });
    },
    (text) => conclude(found(text, look, pack), look, device),
  ));
}

function conclude(outcome: Outcome, look: Look, device: Device): void {
  const next = (): void => question(device);
  showOutcome(outcome, look, device, next, (event) => {
    showRecorded(event, next);
    const stays = want(`recorded ${event.counter}`);
    void synchronise(false).then(async () => {
      const now = (await readEvents()).find((each) => each.id === event.id);
      if (now?.answer && stays()) showRecorded(now, next);
    }, showTrouble);
  });
}

function showRecorded(event: Queued, next: () => void): void {
  const { answer } = event;
  const lines: [string, string][] = [[say("bag"), groupedLocator(event.bag)]];
  if (answer?.expected.length) lines.push([say("expected"), answer.expected.join(", ")]);
  if (answer) {
    lines.push([say("against"), against(answer).join(" · ") || say("none")]);
  }
  show("recorded", [
    el("h1", {}, say("recorded")), el("p", {}, say("recorded_hint")), facts(...lines),
    button(say("next_bag"), next, "scan-button--main"),
  ], () => showRecorded(event, next));
}

// Queue up first, pack down second: what was told here must never wait for what is told to us.
async function synchronise(again: boolean): Promise<void> {
  try {
    const device = await readDevice();
    if (!device?.trusted) return;
    await sendQueue(device, again);
    if (await fetchPack(device)) await sendQueue((await readDevice()) ?? device, false);
    const now = await readDevice();
    if (now) pack = await heldPack(now);
    if (pack) await settleHalves(pack);
  } finally {
    await showStatus();
  }
}

function loaded(): Promise<Handing> {
  const { handing = "", handingIntegrity = "" } = document.body.dataset;
  return new Promise((resolve, reject) => {
    addEventListener("handing", (told) => resolve((told as CustomEvent<Handing>).detail), { once: true });
    const script = el("script", {
      integrity: handingIntegrity, crossorigin: "anonymous", error: reject,
    });
    script.src = scriptUrl(handing);
    document.head.append(script);
  });
}

// A hand-over without network has a script of its own, which whoever only reads seals never runs.
async function handOver(back: () => void): Promise<void> {
  const device = await readDevice();
  const begun = await loaded().catch(() => null);
  if (!begun || !device?.trusted || !pack) {
    tellFailure(begun ? "NO_PACK" : "UNAVAILABLE");
    return;
  }
  begun({
    device, pack, back, show, tellFailure, spoken, failures: FAILURES, help: HELP,
    camera: (video) => new Camera(video, theReader()),
    still: (input, seen) => still(input, theReader(), seen),
    synchronise: () => void synchronise(false).catch(showTrouble),
  });
}

function showTrouble(error: unknown): void {
  const code = codeOf(error);
  // Without network this page is at home: the line above says it already.
  if (code !== "NO_NETWORK") tellFailure(code);
}

chooseLanguage();
build(() => void readDevice().then((device) => {
  const home = (): void => void begin();
  const test = (): void => selfTest(device as Device, theReader, queue);
  const queue = (): void => {
    if (device?.trusted) void showQueue(device, synchronise, test, home, () => void handOver(queue));
  };
  queue();
}, showTrouble));
addEventListener("online", () => void synchronise(false).catch(showTrouble));
void navigator.serviceWorker?.register(scriptUrl("/scan/offline.js"), { scope: "/scan/" });
void navigator.storage?.persist?.();
void begin();
