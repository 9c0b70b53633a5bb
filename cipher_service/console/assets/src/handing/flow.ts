// The views of a hand-over without network, and what each telephone keeps of it.
import { encodeQR } from "qr";
import { hex, sha256 } from "../pouch/bytes.ts";
import { encodeBytes, timeText, type Members } from "../pouch/canonical.ts";
import { groupedLocator } from "../pouch/digits.ts";
import type { Pack } from "../pouch/pack.ts";
import { enrolment, present, sign } from "../scan/device.ts";
import { button, el, facts } from "../scan/dom.ts";
import { drilling } from "../scan/drill.ts";
import type { Camera } from "../scan/eyes.ts";
import {
  alone, appendEvent, keepEvents, readDevice, readEvents, type Device, type Queued,
} from "../scan/store.ts";
import type { Both, Language } from "../scan/words.ts";
import {
  answerCode, halfCode, HandOverRefused, parseHalf, readAnswer, readHalf, readTaker, takerCode,
  type Half, type Known, type Taker,
} from "./codes.ts";
import { FAILURES, HELP, TEXTS, type Text } from "./words.ts";

const CONDITIONS = ["intact", "damaged", "broken", "missing"] as const;
const EVENT = "valise/v1 event";
const QUIET = 4;

// What the page gives: all that has a state of its own.
export interface Page {
  device: Device;
  pack: Pack;
  back: () => void;
  show: (view: string, content: Node[], again: () => void, left?: () => void) => void;
  tellFailure: (code: string) => void;
  spoken: () => Language;
  failures: Record<string, Both>;
  help: Record<string, readonly [Both, ...Both[]]>;
  camera: (video: HTMLVideoElement) => Camera;
  still: (input: HTMLInputElement, seen: (text: string) => void) => Promise<void>;
  synchronise: () => void;
}

export type Handing = (page: Page) => void;

export function handing(page: Page): void {
  for (const [code, told] of Object.entries(FAILURES)) page.failures[code] = told;
  for (const [view, told] of Object.entries(HELP)) page.help[view] = told;
  void new Flow(page).start();
}

class Flow {
  private readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async start(): Promise<void> {
    const open = (await readEvents()).filter((event) => event.state === "half");
    this.page.show("handing", [
      el("h1", {}, this.say("title")), el("p", {}, this.say("hint")),
      button(this.say("take"), () => void this.trying(this.take()), "scan-button--main"),
      button(this.say("give"), () => this.readTaker()),
      ...open.map((event) => button(
        this.say("again").replace("{bag}", groupedLocator(event.bag)),
        () => void this.trying(this.showHalf(event)),
      )),
      button(this.say("back"), this.page.back),
    ], () => void this.start());
  }

  // The taker's first code, and then the giver's half.
  private async take(): Promise<void> {
    if (drilling()) throw new HandOverRefused("EXERCISE");
    const { device } = this.page;
    const code = takerCode(await enrolment(device));
    this.code("taker", "taker_title", code, el("p", {}, `${device.post} · ${device.officer}`), [
      button(this.say("taker_read"), () => this.read("read_half", async (text) => {
        const half = await readHalf(text, this.known());
        this.confirm(half);
      }), "scan-button--main"),
    ], () => void this.trying(this.take()));
  }

  private readTaker(): void {
    this.read("read_taker", async (text) => this.choose(await readTaker(text, this.known())));
  }

  private choose(taker: Taker): void {
    const bags = [...this.page.pack.announced.values()].sort((one, other) => one.bag.localeCompare(other.bag));
    const choice = el("select", { class: "scan-input", id: "bag" }, ...bags.map((each) =>
      el("option", { value: each.seal }, `${groupedLocator(each.bag)} → ${each.destination}`)));
    const conditions = CONDITIONS.map((condition) => el("label", { class: "scan-radio" },
      el("input", {
        type: "radio", name: "condition", value: condition, checked: condition === "intact",
      }),
      this.say(condition)));
    const form = el("form", {
      novalidate: true,
      submit: (event) => {
        event.preventDefault();
        const condition = String(new FormData(form).get("condition"));
        void this.trying(this.signHalf(taker, choice.value, condition));
      },
    },
      el("div", { class: "scan-field" }, el("label", { for: "bag" }, this.say("bag")), choice),
      el("fieldset", { class: "scan-choice" }, el("legend", {}, this.say("condition")), ...conditions),
      el("button", { class: "scan-button scan-button--main", type: "submit" }, this.say("sign")));
    this.page.show("giving", [
      el("h1", {}, this.say("choose")),
      facts([this.say("to"), `${taker.officer} · ${taker.post}`]),
      bags.length ? form : el("p", {}, this.say("no_bags")),
      this.home(),
    ], () => this.choose(taker));
  }

  // Signs, numbers and keeps the giver's half: it is in the queue before it is shown.
  private async signHalf(taker: Taker, seal: string, condition: string): Promise<void> {
    const queued = await alone(async () => {
      if (drilling()) throw new HandOverRefused("EXERCISE");
      const device = await readDevice();
      const told = this.page.pack.announced.get(seal);
      if (!device || !told) throw new HandOverRefused("HAND_OVER_OTHER");
      if (taker.officer === device.officer) throw new HandOverRefused("HAND_OVER_NOT_YOURS");
      const here = (await readEvents()).map(({ handing }) => (handing?.seal === seal ? handing.ordinal : 0));
      const ordinal = Math.max(told.handOvers, ...here) + 1;
      const [at, counter] = [present(), device.counter + 1];
      const statement: Members = {
        v: 1, type: EVENT, kind: "handed-over", device: device.id, counter,
        previous: device.previous, bag: told.bag, seal, at: timeText(at), place: device.place,
        officer: device.officer, witness: { device: taker.id, officer: taker.officer },
        facts: { ordinal, condition },
      };
      const bytes = encodeBytes(statement);
      const id = hex(await sha256(bytes));
      const file = halfCode(statement, device.ed25519, await sign(device, EVENT, bytes));
      const made: Queued = {
        counter, id, file, kind: "handed-over", bag: told.bag, at, state: "half", answer: null,
        handing: { seal, ordinal, taker: taker.ed25519, carried: false },
      };
      await appendEvent(made, { ...device, counter, previous: id });
      return made;
    });
    await this.showHalf(queued);
  }

  private async showHalf(queued: Queued): Promise<void> {
    const half = await parseHalf(queued.file);
    this.code("half", "half_title", queued.file, this.facts(half), [
      el("p", { class: "scan-hint" }, this.say("half_hint")),
      button(this.say("half_read"), () => this.read("read_answer", async (text) => {
        const file = await readAnswer(text, half, queued.handing?.taker ?? "");
        await keepEvents([{ ...queued, file, state: "pending" }]);
        this.done(half);
      }), "scan-button--main"),
    ], () => void this.trying(this.showHalf(queued)));
  }

  private confirm(half: Half): void {
    this.page.show("taking", [
      el("h1", {}, this.say("confirm")), el("p", { class: "scan-hint" }, this.say("confirm_hint")),
      this.facts(half),
      button(this.say("accept"), () => void this.trying(this.accept(half)), "scan-button--main"),
      this.home(),
    ], () => this.confirm(half));
  }

  // Adds the taker's signature; the whole hand-over is kept before the answer is shown.
  private async accept(half: Half): Promise<void> {
    if (drilling()) throw new HandOverRefused("EXERCISE");
    const { device } = this.page;
    const signature = await sign(device, EVENT, half.bytes);
    const code = answerCode(half, signature);
    const file = await readAnswer(code, half, device.ed25519);
    const { counter, id, bag, seal, ordinal, at } = half;
    const known = (await readEvents()).find((each) => each.handing?.carried && each.id === id);
    if (!known) {
      await keepEvents([{
        counter, id, file, kind: "handed-over", bag, at, state: "pending", answer: null,
        handing: { seal, ordinal, taker: device.ed25519, carried: true },
      }]);
    }
    this.page.synchronise();
    this.showAnswer(half, code);
  }

  private showAnswer(half: Half, code: string): void {
    this.code("answer", "answer_title", code, this.facts(half), [
      el("p", { class: "scan-hint" }, this.say("answer_hint")),
      button(this.say("done"), this.page.back, "scan-button--main"),
    ], () => this.showAnswer(half, code));
  }

  private done(half: Half): void {
    this.page.synchronise();
    this.page.show("handed", [
      el("h1", {}, this.say("done_title")), this.facts(half),
      el("p", { class: "scan-hint" }, this.say("answer_hint")),
      button(this.say("done"), this.page.back, "scan-button--main"),
    ], () => this.done(half));
  }

  private facts(half: Half): HTMLElement {
    return facts(
      [this.say("bag"), groupedLocator(half.bag)],
      [this.say("from"), half.officer],
      [this.say("to"), half.witness.officer],
      [this.say("condition"), this.say(half.condition as (typeof CONDITIONS)[number])],
    );
  }

  private code(
    view: string, title: Text, text: string, told: HTMLElement, more: Node[], again: () => void,
  ): void {
    const named = this.say(title);
    this.page.show(view, [el("h1", {}, named), told, symbol(text, named), ...more, this.home()], again);
  }

  private home(): HTMLElement {
    return button(this.say("title"), () => void this.start(), "scan-button--quiet");
  }

  // Reads codes until one is taken; what is refused is told, and the camera goes on.
  private read(title: Text, take: (text: string) => Promise<void>): void {
    const video = el("video", { class: "scan-video", playsinline: true, "aria-label": this.say("camera") });
    video.muted = true;
    const camera = this.page.camera(video);
    let last = "";
    const seen = (text: string): boolean => {
      if (text !== last) {
        last = text;
        void this.trying(take(text));
      }
      return false;
    };
    const photo = el("input", {
      type: "file", accept: "image/*", capture: "environment", class: "scan-file", id: "photo",
      change: () => {
        last = "";
        void this.page.still(photo, seen);
      },
    });
    this.page.show("reading", [
      el("h1", {}, this.say(title)),
      el("div", { class: "scan-frame" }, video),
      el("label", { class: "scan-button scan-button--label", for: "photo" }, this.say("photo")),
      photo,
      this.home(),
    ], () => this.read(title, take), () => camera.stop());
    camera.start(null, seen).catch(() => {
      video.hidden = true;
      this.page.tellFailure("CAMERA_REFUSED");
    });
  }

  private async trying(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.page.tellFailure(error instanceof HandOverRefused ? error.code : "STORAGE");
    }
  }

  private known(): Known {
    const { device, pack } = this.page;
    return { devices: pack.devices, own: device.id, bags: pack.announced };
  }

  private say(text: Text): string {
    return TEXTS[text][this.page.spoken() === "fr" ? 0 : 1];
  }
}

// A symbol of any text, dark on light whatever the page's colours are.
function symbol(text: string, label: string): HTMLCanvasElement {
  const rows = encodeQR(text, "raw", { ecc: "low", border: QUIET });
  const dots = Math.max(2, Math.floor(960 / rows.length));
  const side = rows.length * dots;
  const canvas = el("canvas", {
    class: "scan-code", role: "img", "aria-label": label, width: side, height: side,
  });
  const pen = canvas.getContext("2d");
  if (!pen) return canvas;
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, side, side);
  pen.fillStyle = "#000";
  rows.forEach((row, y) => row.forEach((dark, x) => {
    if (dark) pen.fillRect(x * dots, y * dots, dots, dots);
  }));
  return canvas;
}
