// The blind question: what the physical seals bear, before anything shows what they should.
import { SEAL_NUMBER } from "../pouch/claims.ts";
import { tidied } from "../pouch/observed.ts";
import { button, el, field } from "./dom.ts";
import { show } from "./frame.ts";
import { allowSound } from "./signals.ts";
import { say } from "./texts.ts";

const CONDITIONS = ["intact", "damaged", "broken", "missing"] as const;
export type Condition = (typeof CONDITIONS)[number];
const SEALS_MOST = 8;
const WEIGHT_MOST = 2_000_000;

export interface Look {
  seals: string[];
  condition: Condition;
  weight: number | null;
}

export function askQuestion(done: (look: Look) => void, kept: string[] = []): void {
  const inputs: HTMLInputElement[] = [];
  const rows = el("div", {});
  const more = button(say("more"), () => addRow(true), "scan-button--quiet");
  const weight = field(say("weight"), { id: "weight", inputmode: "numeric", autocapitalize: "off" });
  const wrong = el("p", { class: "scan-wrong", id: "wrong", role: "alert" });

  function addRow(focus: boolean, value = ""): void {
    const number = inputs.length + 1;
    const made = field(say("number", { n: number }), { id: `seal-${number}`, value });
    inputs.push(made.input);
    rows.append(made.row);
    more.hidden = number === SEALS_MOST;
    if (focus) made.input.focus();
  }

  function answer(event: Event): void {
    event.preventDefault();
    allowSound();
    const seals = inputs.map((input) => tidied(input.value)).filter((number) => number !== "");
    const condition = conditionOf(form);
    const grams = weight.input.value.replace(/\s/g, "");
    const numbered = seals.length > 0 || condition === "missing";
    const sound = seals.every((number) => SEAL_NUMBER.test(number));
    if (!numbered || !sound || new Set(seals).size !== seals.length) {
      refuse(say("number_missing"), inputs.find((each) => !SEAL_NUMBER.test(tidied(each.value))));
    } else if (grams !== "" && !(/^[1-9]\d*$/.test(grams) && Number(grams) <= WEIGHT_MOST)) {
      refuse(say("weight_wrong"), weight.input);
    } else {
      done({ seals, condition, weight: grams === "" ? null : Number(grams) });
    }
  }

  function refuse(text: string, input: HTMLInputElement | undefined): void {
    wrong.textContent = text;
    const place = input ?? inputs[0];
    place?.setAttribute("aria-invalid", "true");
    place?.setAttribute("aria-errormessage", "wrong");
    place?.focus();
  }

  const form = el(
    "form", { submit: answer, novalidate: true },
    rows,
    more,
    el("fieldset", { class: "scan-choice" },
      el("legend", {}, say("condition")),
      ...CONDITIONS.map((condition) => el("label", { class: "scan-radio" },
        el("input", {
          type: "radio", name: "condition", value: condition, checked: condition === "intact",
        }),
        say(condition)))),
    weight.row,
    wrong,
    el("button", { class: "scan-button scan-button--main", type: "submit" }, say("next")),
  );
  for (const value of kept.length ? kept : [""]) addRow(false, value);
  show("question", [
    el("h1", {}, say("question")), el("p", { class: "scan-hint" }, say("question_hint")), form,
  ], () => askQuestion(done, inputs.map((input) => input.value)));
}

function conditionOf(form: HTMLFormElement): Condition {
  const chosen = new FormData(form).get("condition");
  return CONDITIONS.find((condition) => condition === chosen) ?? "intact";
}
