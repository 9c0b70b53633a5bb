// A copy of the key for each security key that is touched: a list with a button a key.
import { base64, fromBase64, hex } from "../pouch/bytes";
import { element } from "../shared/asking";
import { wrap, type Copy } from "./keys";
import { button, say } from "./page";

// A credential as the service writes it, and its first eight signs as pages show it.
export function credentialOf(text: string): { id: string; short: string } {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  const id = base64(Uint8Array.from(plain, (sign) => sign.charCodeAt(0)));
  return { id, short: hex(fromBase64(id)).slice(0, 8) };
}

interface Copying {
  list: HTMLElement;
  made: Copy[];
}

export function copying(
  credentials: string[], party: string, recipient: string, identity: () => string, done: () => void,
): Copying {
  const list = element("ul", "", "govuk-list app-annexes");
  const made: Copy[] = [];
  for (const { id, short } of credentials.map(credentialOf)) {
    const line = element("li");
    line.append(
      button(`${say("touch")} ${short}`, "govuk-button--secondary", async () => {
        made.push(await wrap(identity(), recipient, party, id));
        const told = element("span", `${say("copied")} ${short}`, "app-number");
        told.tabIndex = -1;
        line.replaceChildren(told);
        (list.querySelector("button") ?? told).focus();
        done();
      }),
    );
    list.append(line);
  }
  return { list, made };
}
