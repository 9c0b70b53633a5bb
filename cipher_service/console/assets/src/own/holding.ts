// Whom the shares of a key go to: cards that the officer takes in as files, shown with their
// fingerprints, and how many of their holders give the key back.
import { Malformed } from "../pouch/bytes";
import { readCardFile } from "../pouch/pack";
import { element } from "../shared/asking";
import { fileControl } from "../shared/files";
import { grouped, guarded, refusal, say } from "./page";
import { HOLDERS_LEAST, HOLDERS_MOST, THRESHOLD_LEAST, type Holder } from "./shares";

interface Holding {
  part: HTMLElement;
  holders: Holder[];
  threshold(): number;
}

export function fileInput(label: string, accept: string, take: (file: File) => Promise<void>): HTMLElement {
  return fileControl(label, accept, (files) => guarded(async () => {
    for (const file of files) await take(file);
  }));
}

async function holderOf(file: File): Promise<Holder> {
  try {
    const { post, fingerprint, recipient, from, until } = await readCardFile(await file.text());
    const now = Date.now() / 1000;
    if (from <= now && now < until) return { post, fingerprint, recipient };
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
  }
  throw refusal("cardWrong", "cardAgain", "CARD_INVALID");
}

export function holding(done: () => void): Holding {
  const holders: Holder[] = [];
  const list = element("ul", "", "govuk-list app-annexes");
  const group = element("div", "", "govuk-form-group");
  const select = document.createElement("select");
  select.className = "govuk-select";
  select.id = "seuil";
  const label = element("label", say("threshold"), "govuk-label") as HTMLLabelElement;
  label.htmlFor = select.id;
  group.append(label, select);
  group.hidden = true;

  const take = async (file: File): Promise<void> => {
    const holder = await holderOf(file);
    const known = holders.some((one) => one.post === holder.post || one.recipient === holder.recipient);
    if (known || holders.length === HOLDERS_MOST) throw refusal("cardTwice", "cardOther", "HOLDER_TWICE");
    holders.push(holder);
    const line = element("li");
    line.append(
      element("strong", holder.post),
      element("span", grouped(holder.fingerprint), "app-number app-number--long"),
    );
    list.append(line);
    const chosen = Number(select.value) || THRESHOLD_LEAST;
    const counts = Array.from({ length: holders.length - 1 }, (_, place) => place + THRESHOLD_LEAST);
    select.replaceChildren(...counts.map((count) => new Option(String(count), String(count))));
    select.value = String(chosen);
    group.hidden = holders.length < HOLDERS_LEAST;
    done();
  };
  const part = element("section", "", "app-sheet app-apart");
  part.append(
    element("h2", say("recovery")), element("p", say("sharing")),
    fileInput(say("cards"), ".card", take), list, group,
  );
  return { part, holders, threshold: () => Number(select.value) };
}
