// The verdict, full screen, and what is recorded of it.
import type { Members } from "../pouch/canonical.ts";
import { groupedLocator, readLocator } from "../pouch/digits.ts";
import { compareSeals } from "../pouch/observed.ts";
import type { Announced, Pack } from "../pouch/pack.ts";
import { hasMldsa } from "../pouch/signatures.ts";
import { judge, type Name, type Verdict, type Word } from "../pouch/verdict.ts";
import { button, el, facts } from "./dom.ts";
import { present, tell, type Fact } from "./device.ts";
import { drilling } from "./drill.ts";
import { pressed } from "../shared/pressing.ts";
import { show, tellFailure } from "./frame.ts";
import type { Look } from "./question.ts";
import { signal } from "./signals.ts";
import type { Device, Queued } from "./store.ts";
import { age, moment, say, spoken } from "./texts.ts";
import { WORDS, type LocatorName } from "./words.ts";

export interface Outcome {
  name: Name | LocatorName;
  word: Word;
  lines: () => [string, string][];
  bag: { bag: string; seal: string; destination: string } | null;
  home?: boolean; // a recalled bag is back where it was sealed
}

export async function judged(
  text: string, look: Look, pack: Pack | null, place: string,
): Promise<Outcome> {
  if (!pack) return { name: "NO_PACK", word: "VERIFY", lines: () => [packLine(pack)], bag: null };
  const observed = { seals: look.seals, packages: null, weight: look.weight };
  const verdict = await judge(text, pack.cards, present(), pack, observed);
  // A condition that was reported is no matter of the seal's text: it takes the green away.
  const marred = look.condition !== "intact" && verdict.word === "CONFORMS";
  const home = verdict.name === "BAG_RECALLED" && verdict.claims?.issuer === place;
  return {
    name: home ? "RECALLED_BAG_HOME" : verdict.name,
    word: marred || home ? "VERIFY" : verdict.word,
    home,
    lines: () => verdictLines(verdict, pack),
    bag: verdict.claims,
  };
}

// A locator finds a bag and asserts nothing: it never conforms.
export function found(text: string, look: Look, pack: Pack | null): Outcome {
  const bag = readLocator(text);
  const told = [...(pack?.announced.values() ?? [])].find((each) => each.bag === bag) ?? null;
  const name = bag === null ? "LOCATOR_WRONG" : located(told, look, pack);
  return {
    name,
    word: LOCATOR_WORDS[name] ?? "REFUSE",
    lines: () => [
      ...(bag ? [[say("bag"), groupedLocator(bag)] as [string, string]] : []),
      ...(told ? [[say("to"), told.destination] as [string, string]] : []),
      packLine(pack),
    ],
    bag: told,
  };
}

const LOCATOR_WORDS: Partial<Record<LocatorName, Word>> = {
  LOCATOR_ANNOUNCED: "VERIFY", LOCATOR_WRONG: "VERIFY", LOCATOR_RECALLED: "RETURN",
};

function located(told: Announced | null, look: Look, pack: Pack | null): LocatorName {
  if (!told || !pack) return "LOCATOR_UNANNOUNCED";
  const at = Math.max(present(), pack.issued);
  const recalled = pack.recalled.has(told.seal);
  // A pack past its end announces nothing any more; what it recalls still counts.
  if (at >= pack.expires && !recalled) return "LOCATOR_UNANNOUNCED";
  if (told.expires !== null && at >= told.expires) return "LOCATOR_EXPIRED";
  if (!compareSeals(told.seals, look.seals).equal) return "LOCATOR_NUMBERS_WRONG";
  return recalled ? "LOCATOR_RECALLED" : "LOCATOR_ANNOUNCED";
}

function verdictLines(verdict: Verdict, pack: Pack | null): [string, string][] {
  const { claims } = verdict;
  const lines: [string, string][] = [];
  if (claims) {
    lines.push(
      [say("bag"), groupedLocator(claims.bag)],
      [say("from"), claims.issuer],
      [say("to"), claims.destination],
      [say("package"), say("of", { n: claims.ordinal, m: claims.packages })],
      [say("closed"), moment(claims.issued)],
      [say("declared"), `${claims.weight} g`],
      [say("witness"), say(verdict.witnessing)],
      [say("log"), say(verdict.logging)],
    );
  }
  const { rectified } = verdict;
  if (rectified) {
    lines.push(
      [say("rectified"), say("rectified_nth", { n: rectified.ordinal })],
      [say("rectified_weight"), `${rectified.weight} g`],
    );
  }
  if (verdict.place) lines.push([say("received_at"), verdict.place]);
  return [...lines, packLine(pack)];
}

function packLine(pack: Pack | null): [string, string] {
  if (!pack) return [say("pack"), say("pack_none")];
  const at = present();
  const ended = at >= pack.expires;
  const told = say(ended ? "pack_ended" : "pack_age", { n: pack.version, age: age(at - pack.issued) });
  return [say("pack"), told];
}

export function showOutcome(
  outcome: Outcome, look: Look, device: Device, next: () => void, recorded: (event: Queued) => void,
): void {
  signal(outcome.word);
  drawOutcome(outcome, look, device, next, recorded);
}

function drawOutcome(
  outcome: Outcome, look: Look, device: Device, next: () => void, recorded: (event: Queued) => void,
): void {
  const { reason, step } = WORDS[outcome.name];
  const stays = outcome.word === "CONFORMS" || outcome.word === "VERIFY";
  const here = outcome.home === true || (stays && outcome.bag?.destination === device.place);
  const fact = outcome.bag && factOf(outcome.bag, look, here);
  const exercise = drilling();
  const act = fact && !exercise
    ? button(say(here ? "record_received" : "record_seen"), () => void record(fact), "scan-button--main")
    : button(say(exercise ? "next_bag" : "restart"), next, "scan-button--main");

  // What was typed may be wrong: before it is recorded it can be read again.
  const again = fact && !exercise && !outcome.home && ["VERIFY", "REFUSE"].includes(outcome.word)
    ? button(say("restart"), next, "scan-button--quiet") : null;

  const record = (told: Fact): Promise<void> => pressed(act, async () => {
    try {
      recorded(await tell(told));
    } catch {
      tellFailure(drilling() ? "EXERCISE" : "STORAGE");
    }
  });

  const classical = el("p", { class: "scan-hint", hidden: true }, say("classical"));
  void hasMldsa().then((has) => (classical.hidden = has));
  show("verdict", [
    el("section", { class: `scan-verdict scan-verdict--${outcome.word}`, "data-name": outcome.name },
      exercise ? el("p", { class: "scan-exercise" }, say("exercise_told")) : null,
      el("h1", { class: "scan-word" }, say(outcome.word)),
      el("p", { class: "scan-reason" }, reason[spoken()]),
      look.condition === "intact" ? null : el("p", { class: "scan-reason" },
        say("bad_condition", { condition: say(look.condition).toLowerCase() })),
      exercise ? null : el("p", { class: "scan-step" }, step[spoken()]),
      act, again),
    facts(...outcome.lines()),
    classical,
  ], () => drawOutcome(outcome, look, device, next, recorded));
}

function factOf(bag: { bag: string; seal: string }, look: Look, here: boolean): Fact {
  const seen: Members = { seals: look.seals };
  const received: Members = { ...seen, condition: look.condition, weight_g: look.weight };
  return {
    kind: here ? "received" : "seen", bag: bag.bag, seal: bag.seal, facts: here ? received : seen,
  };
}
