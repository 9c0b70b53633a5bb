// The page that makes an own key or gives a lost one back: enciphered under security keys' secrets, and
// in shares to holders. Neither the key, nor a secret, nor a share in clear leaves the page.
import { generateHybridIdentity, identityToRecipient } from "age-encryption";
import { copying, credentialOf } from "./own/copies";
import { fileInput, holding } from "./own/holding";
import { addressOf } from "./own/address";
import {
  actions, ask, begin, button, grouped, language, place, refusal, returning, save, say, ticket,
  type Told,
} from "./own/page";
import {
  HOLDERS_LEAST, identityFrom, openShare, sealShares, type Sealed, type Share,
} from "./own/shares";
import { SharesWrong } from "./own/refused";
import { fromBase64, hex, sha256, utf8 } from "./pouch/bytes";
import { encode, type Value } from "./pouch/canonical";
import { element } from "./shared/asking";

interface Making extends Told {
  task: "making";
  credentials: string[];
}
interface Recovering extends Told {
  task: "recovering";
  credentials: string[]; // those that have no copy yet
  recipient: string;
  threshold: number;
  shares: Sealed[];
}

const LEAST = 2;
const fingerprintOf = async (recipient: string): Promise<string> => hex(await sha256(utf8(recipient)));

async function making(told: Making): Promise<void> {
  const identity = await generateHybridIdentity();
  const recipient = await identityToRecipient(identity);
  const ready = (): void => {
    offer.hidden = copies.made.length < LEAST || sharing.holders.length < HOLDERS_LEAST;
  };
  const copies = copying(told.credentials, told.party, recipient, () => identity, ready);
  const sharing = holding(ready);
  const offer = button(say("offer"), "", async () => {
    const threshold = sharing.threshold();
    const shares = await sealShares(identity, told.officer, threshold, sharing.holders);
    const { ticket: next } = await ask<{ ticket: string }>("/propre/offrir", {
      ticket,
      recipient,
      wrapped: encode(copies.made as unknown as Value),
      recovery: encode({ threshold, shares } as unknown as Value),
    });
    location.assign(`/${language}#${next}`);
  });
  offer.hidden = true;
  const sheet = element("section", "", "app-sheet");
  sheet.append(
    element("p", `${told.name} (${told.officer})`), element("p", say("making")), copies.list,
    element("p", say("compare")),
    element("p", await fingerprintOf(recipient), "app-number app-number--long"),
  );
  place.replaceChildren(sheet, sharing.part, actions(offer), returning(told.back));
}

// Where holders hand their shares over, and the shares as they lie with the service.
async function addressed(told: Recovering, identity: string, part: HTMLElement): Promise<void> {
  const address = await identityToRecipient(identity);
  const files = element("ul", "", "govuk-list app-annexes");
  const line = (label: string, act: () => void): void => {
    const item = element("li");
    item.append(button(label, "govuk-button--secondary", act));
    files.append(item);
  };
  line(say("saveAddress"), () => save(`${address}\n`, `${told.officer}.adresse`));
  for (const { holder, sealed } of told.shares) {
    line(`${say("saveShare")} ${holder}`, () =>
      save(fromBase64(sealed), `${told.officer}-${holder}.share`));
  }
  part.replaceChildren(
    element("p", say("handOver")),
    element("p", grouped(await fingerprintOf(address)), "app-number app-number--long"), files,
  );
}

async function recovering(told: Recovering): Promise<void> {
  let address = "";
  let identity = "";
  const shares = new Map<string, Share>();
  const received = element("p", "");
  received.setAttribute("role", "status");
  const copies = copying(told.credentials, told.party, told.recipient, () => identity, () => {
    keep.hidden = false;
  });
  const keep = button(say("keep"), "", async () => {
    const wrapped = encode(copies.made as unknown as Value);
    await ask("/propre/retrouver", { ticket, wrapped });
    location.assign(told.back);
  });
  keep.hidden = true;
  const last = element("section", "", "app-sheet app-apart");
  last.append(element("h2", say("copies")), element("p", say("copying")), copies.list);
  last.hidden = true;

  const take = async (file: File): Promise<void> => {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const share = await openShare(bytes, address, told.officer);
    shares.set(share.holder, share);
    received.textContent = `${say("received")} ${[...shares.keys()].join(", ")} (${shares.size}/${told.threshold})`;
    if (shares.size < told.threshold) return;
    try {
      identity = await identityFrom([...shares.values()], told.recipient);
    } catch (error) {
      if (!(error instanceof SharesWrong)) throw error;
      shares.clear();
      received.textContent = "";
      throw refusal("forged", "forgedAgain", "SHARES_WRONG");
    }
    last.hidden = false;
    handing.hidden = true;
    copies.list.querySelector("button")?.focus();
  };
  const handing = element("section", "", "app-sheet app-apart");
  handing.append(element("h2", say("handed")), fileInput(say("parts"), ".part", take), received);
  handing.hidden = true;

  const first = element("section", "", "app-sheet");
  const asked = element("div");
  asked.append(actions(button(say("address"), "", async () => {
    const ids = told.credentials.map((each) => credentialOf(each).id);
    address = await addressOf(told.party, ids, told.recipient);
    await addressed(told, address, asked);
    handing.hidden = false;
  })));
  first.append(
    element("p", `${told.name} (${told.officer})`), element("p", say("recovering")), asked,
  );
  place.replaceChildren(first, handing, last, actions(keep), returning(told.back));
}

begin(async () => {
  const told = await ask<Making | Recovering>("/propre/montrer", { ticket });
  if (told.task === "making") await making(told);
  else await recovering(told);
});
