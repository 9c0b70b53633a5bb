// The queue as a page, the device's own matters, and taking it into service.
import { groupedLocator } from "../pouch/digits.ts";
import { readRootFile } from "../pouch/pack.ts";
import { pressed } from "../shared/pressing.ts";
import { button, el, facts, field } from "./dom.ts";
import { drill, drilling } from "./drill.ts";
import { codeOf, exported, takeIntoService } from "./exchange.ts";
import { show, tellFailure, want } from "./frame.ts";
import { alone, keepDevice, readDevice, readEvents, type Device, type Queued } from "./store.ts";
import { against, moment, say, type Text } from "./texts.ts";

export async function showQueue(
  device: Device, synchronise: (again: boolean) => Promise<void>, test: () => void, back: () => void,
  handOver: () => void,
): Promise<void> {
  const stays = want("queue");
  const events = (await readEvents()).reverse();
  if (!stays()) return;
  const redraw = (): void => void showQueue(device, synchronise, test, back, handOver);
  const send = button(say("send"), () => void pressed(send, async () => {
    try {
      await synchronise(true);
      if (stays()) redraw();
    } catch (error) {
      tellFailure(codeOf(error));
    }
  }), "scan-button--main");
  const place = field(say("place"), { id: "place", value: device.place });
  const wrong = el("p", { class: "scan-wrong", id: "wrong", role: "alert" });
  const kept = el("form", {
    novalidate: true,
    submit: (event) => {
      event.preventDefault();
      void movePlace(place.input).then((moved) => {
        if (moved) back();
        else wrong.textContent = say("place_wrong");
      }, (error: unknown) => tellFailure(codeOf(error)));
    },
  }, place.row, wrong, el("button", { type: "submit", class: "scan-button scan-button--quiet" }, say("keep")));
  show("queue", [
    el("h1", {}, say("queue")),
    send,
    button(say("hand_over"), handOver),
    button(say("export"), () => void exportQueue(device)),
    events.length
      ? el("ol", { class: "scan-list", reversed: true }, ...events.map(line))
      : el("p", { class: "scan-hint" }, say("queue_empty")),
    el("h2", {}, say("device")),
    facts([say("device"), `${device.post} · ${device.officer} · ${device.id.slice(0, 16)}`]),
    kept,
    button(say("selftest"), test),
    el("p", { class: "scan-hint" }, say("exercise_hint")),
    button(say(drilling() ? "exercise_end" : "exercise_begin"), () => {
      if (drill(!drilling())) back();
      else tellFailure("NOT_KEPT");
    }),
    el("p", { class: "scan-hint" }, say("enrol_again_hint")),
    button(say("enrol_again"), () => showEnrolment(back), "scan-button--quiet"),
    button(say("back"), back),
  ], redraw);
}

function line(event: Queued): HTMLElement {
  const answer = event.answer;
  const state = event.state === "pending" ? say("pending")
    : event.state === "half" ? say("half")
    : event.state === "recorded" ? say("state_recorded")
    : say("state_refused", { code: answer?.refusal ?? "?" });
  const kind: Text = event.handing ? "handed" : event.kind === "received" ? "received" : "seen";
  const told = against(answer);
  return el("li", {
    class: told.length ? "scan-entry scan-entry--conflict" : "scan-entry",
    "data-state": event.state,
  },
    el("p", {}, `${say(kind)} · ${moment(event.at)}`),
    el("p", { class: "scan-mono" }, groupedLocator(event.bag)),
    el("p", { class: "scan-entry__state" }, state),
    told.length ? el("p", {}, say("against_line", { told: told.join(" · ") })) : null);
}

async function movePlace(input: HTMLInputElement): Promise<boolean> {
  const place = input.value.trim().toUpperCase();
  if (!/^[A-Z0-9][A-Z0-9-]{1,15}$/.test(place)) {
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-errormessage", "wrong");
    input.focus();
    return false;
  }
  return alone(async () => {
    const device = await readDevice();
    if (device) await keepDevice({ ...device, place });
    return true;
  });
}

async function exportQueue(device: Device): Promise<void> {
  const file = new Blob([await exported(await readEvents(), device)], { type: "application/json" });
  const url = URL.createObjectURL(file);
  el("a", { href: url, download: "lectures.json" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

export function showEnrolment(done: () => void): void {
  const act = button(say("enrol_act"), () => void pressed(act, async () => {
    try {
      showComparison(await takeIntoService(), done);
    } catch (error) {
      tellFailure(codeOf(error));
    }
  }), "scan-button--main");
  show("enrolment", [
    el("h1", {}, say("enrol")), el("p", {}, say("enrol_hint")), act,
    el("p", {}, el("a", { href: "/" }, say("console"))),
  ], () => showEnrolment(done));
}

export function showComparison(device: Device, done: () => void): void {
  const redraw = (): void => showComparison(device, done);
  void readRootFile(device.root).then((root) => {
    const grouped = root.fingerprint.match(/.{4}/g)?.join(" ") ?? "";
    show("comparison", [
      el("h1", {}, say("compare")), el("p", {}, say("compare_hint")),
      el("p", { class: "scan-fingerprint" }, grouped),
      button(say("same"), () => {
        void keepDevice({ ...device, trusted: true }).then(done, (error: unknown) => {
          tellFailure(codeOf(error));
        });
      }, "scan-button--main"),
      button(say("other"), () => show("distrusted", [
        el("h1", {}, say("other")), el("p", {}, say("other_told")),
      ], redraw), "scan-button--alarm"),
    ], redraw);
  }, () => tellFailure("ROOT_OF_BEFORE"));
}
