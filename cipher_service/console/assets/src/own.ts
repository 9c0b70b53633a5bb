// The page that opens a dispatch with its officer's own key. Only the ticket comes from outside.
// Neither the key, nor a security key's secret, nor a text leaves the page.
import { open, type Opened } from "./own/envelope";
import { unwrap, type Copy } from "./own/keys";
import {
  actions, ask, begin, button, language, place, refusal, returning, save, say, ticket, type Told,
} from "./own/page";
import { Refused } from "./own/refused";
import { fromBase64, type Bytes } from "./pouch/bytes";
import { watchOver } from "./reading/locking";
import { endPrinting, printing } from "./reading/printing";
import { watermark, wipeWatermark } from "./reading/watermark";
import { Refusal, element } from "./shared/asking";

interface Opening extends Told {
  task: "opening";
  dispatch: string;
  header: string;
  recipient: string;
  card: string | null;
  wrapped: Copy[];
  level: [string, string, number];
  code: string;
  origin: string;
  at: string;
}

const MOST_MS = 60_000;

async function payloadOf(): Promise<Bytes> {
  const answer = await fetch(`/propre/enveloppe?lang=${language}`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ ticket }),
  });
  if (!answer.ok) {
    const told = await answer.json();
    throw new Refusal([told.cause, told.effect, told.remedy], told.code);
  }
  return new Uint8Array(await answer.arrayBuffer());
}

// Each copy that leaves the page is numbered in its officer's name first: 0 is the text on paper.
async function entered(part: number): Promise<string> {
  const { copy } = await ask<{ copy: string }>("/propre/exemplaire", { ticket, part: String(part) });
  return copy;
}

function saving({ attachments }: Opened): HTMLElement[] {
  if (attachments.length === 0) return [];
  const list = element("ul", "", "govuk-list app-annexes");
  const size = new Intl.NumberFormat(language, { style: "unit", unit: "byte", unitDisplay: "long" });
  attachments.forEach(({ name, body }, index) => {
    const line = element("li");
    const told = `${name} · ${size.format(body.length)}`;
    const taking = button(say("take"), "govuk-button--secondary app-saving", async () => {
      await entered(index + 1);
      save(body, name);
    });
    taking.setAttribute("aria-label", `${say("take")} : ${name}`);
    line.append(element("span", told), taking);
    list.append(line);
  });
  return [
    element("h3", say("attachments")), element("p", say("taken"), "app-faded app-saving"), list,
  ];
}

function opening(told: Opening): void {
  const [fr, en, rank] = told.level;
  const band = (): HTMLElement =>
    element("div", language === "fr" ? fr : en, `app-band app-rank-${rank}`);
  const edge = (kind: string): HTMLElement => {
    const paper = element("div", "", "app-paper");
    const copy = element("p");
    copy.dataset["copy"] = "";
    paper.append(band(), copy);
    const end = element("div", "", kind);
    end.append(paper);
    return end;
  };
  const facts = element("dl", "", "app-facts");
  for (const [name, value] of [["dispatch", told.dispatch], ["from", told.origin]] as const) {
    facts.append(element("dt", say(name)), element("dd", value, "app-number"));
  }
  const locked = element("section", "", "app-sheet");
  const unsealer = button(say("open"), "", async () => {
    if (!told.card) throw new Refused("UNKNOWN_SENDER");
    if (told.wrapped.length === 0) throw refusal("lost", "anew", "OWN_KEY_LOST");
    const identity = await unwrap(told.wrapped, told.recipient, told.party);
    const payload = await payloadOf();
    show(await open(fromBase64(told.header), payload, identity, told.card, told));
  });
  locked.append(facts, element("p", say("opening"), "app-apart-small"), actions(unsealer));

  const clear = element("section");
  clear.id = "clair";
  clear.hidden = true;
  const lock = (): void => {
    watch.end();
    if (clear.hidden) return;
    wipeWatermark();
    endPrinting(clear);
    clear.replaceChildren();
    clear.hidden = true;
    locked.hidden = false;
    unsealer.focus();
  };
  const print = printing(clear);
  const countdown = element("progress", "", "app-countdown") as HTMLProgressElement;
  countdown.setAttribute("aria-label", say("left"));
  const watch = watchOver(MOST_MS, lock, (left) => {
    countdown.value = left;
  });
  const show = (opened: Opened): void => {
    const subject = element("h2", opened.subject || say("headless"));
    subject.tabIndex = -1;
    const text = element("div", opened.text, "app-document");
    watermark(text, `${told.name} · ${told.officer} · ${told.at} · ${told.dispatch}`);
    const signed = `${opened.post}, ${say(opened.both ? "both" : "one")}`;
    const reference = element("p", `${told.origin} · ${told.dispatch}`, "app-paper app-number");
    const sheet = element("div", "", "app-paged");
    sheet.append(
      edge("app-paged__top"), reference, countdown, element("p", signed, "app-faded"), subject, text,
      ...saving(opened), edge("app-paged__bottom"),
    );
    clear.replaceChildren(sheet, actions(
      button(say("lock"), "govuk-button--secondary", lock),
      button(say("print"), "govuk-button--secondary", async () => {
        const copy = `${say("copy")} ${await entered(0)} · ${told.name} (${told.officer})`;
        print(`${copy} · ${told.dispatch}`);
      }),
    ));
    locked.hidden = true;
    clear.hidden = false;
    subject.focus();
    watch.begin();
  };
  const warning = element("p", say("unprinted"), "app-unprinted");
  place.replaceChildren(band(), locked, warning, clear, band(), returning(told.back));
}

begin(async () => opening(await ask<Opening>("/propre/montrer", { ticket })));
