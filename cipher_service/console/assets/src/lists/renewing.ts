// A list that renews itself when the stream says that it has changed. What stays the same stays the
// same element: focus, selection and scrolling remain where they are.

// What the page itself sets, and a fresh one does not know.
const KEPT = new Set(["hidden", "aria-selected"]);

// Of a line of the list; what is no line has none.
const keyOf = (node: Node): string | null =>
  node instanceof Element ? (node.getAttribute("data-line") ?? node.getAttribute("data-key")) : null;

const alike = (one: Node, other: Node): boolean =>
  one.nodeName === other.nodeName && keyOf(one) === keyOf(other);

function attributes(old: Element, fresh: Element): void {
  for (const { name } of [...old.attributes]) {
    if (!KEPT.has(name) && !fresh.hasAttribute(name)) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (!KEPT.has(name) && old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

// Make an element say what another one says, with as few new elements as that takes.
export function morph(old: Element, fresh: Element): void {
  attributes(old, fresh);
  const wanted = new Set([...fresh.childNodes].map(keyOf));
  for (const node of [...old.childNodes]) {
    const key = keyOf(node);
    if (key !== null && !wanted.has(key)) node.remove();
  }
  let at = old.firstChild;
  for (const next of fresh.childNodes) {
    const key = keyOf(next);
    const known = key === null
      ? at
      : [...old.childNodes].find((node) => keyOf(node) === key);
    if (!known || !alike(known, next)) {
      old.insertBefore(document.importNode(next, true), at);
      continue;
    }
    if (known === at) at = at.nextSibling;
    else old.insertBefore(known, at);
    if (known instanceof Element && next instanceof Element) morph(known, next);
    else if (known.nodeValue !== next.nodeValue) known.nodeValue = next.nodeValue;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function linesOf(list: Element): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>("tr[data-line], tr[data-key]")];
}

// Not by a parser: Trusted Types let none take a text. Scripts of such a document never run.
export function asked(path: string): Promise<Document | null> {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open("GET", path);
    request.responseType = "document";
    request.addEventListener("load", () => {
      resolve(request.status === 200 ? request.responseXML : null);
    });
    request.addEventListener("error", () => resolve(null));
    request.send();
  });
}

// Puts the present list into `list`; gives how many lines are new.
export async function renew(list: HTMLElement): Promise<number> {
  const fresh = (await asked(`/depeches/liste?${list.dataset["live"]}`))?.querySelector("[data-live]");
  if (!fresh) return 0;
  const before = linesOf(list);
  const known = new Set(before.map(keyOf));
  const focus = document.activeElement;
  const row = before.findIndex((line) => line.contains(focus));
  morph(list, fresh);
  const lines = linesOf(list);
  const more = lines.filter((line) => !known.has(keyOf(line)));
  for (const line of more) line.classList.add("app-new");
  if (focus instanceof HTMLElement && focus !== document.activeElement) {
    const instead = focus.isConnected ? focus : lines[Math.min(row, lines.length - 1)]?.querySelector("a");
    instead?.focus({ preventScroll: true });
  }
  return more.length;
}
