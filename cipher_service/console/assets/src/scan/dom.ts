// Elements without markup in texts: nothing that was scanned is ever parsed as HTML.
type Child = Node | string | null | false;
type Attributes = Record<string, string | number | boolean | ((event: Event) => void)>;

export function el<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag, attributes: Attributes = {}, ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else made.setAttribute(name, String(value));
  }
  made.append(...children.filter((child): child is Node | string => child !== null && child !== false));
  return made;
}

export function button(label: string, act: () => void, kind = ""): HTMLButtonElement {
  return el("button", { type: "button", class: `scan-button ${kind}`.trim(), click: act }, label);
}

// A field with its label above it.
export function field(
  label: string, attributes: Attributes, hint = "",
): { row: HTMLElement; input: HTMLInputElement } {
  const id = String(attributes["id"]);
  const input = el("input", {
    type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: "false",
    ...(hint ? { "aria-describedby": `${id}-hint` } : {}), ...attributes, class: "scan-input",
  });
  const row = el(
    "div", { class: "scan-field" },
    el("label", { for: id }, label),
    hint ? el("p", { id: `${id}-hint`, class: "scan-hint" }, hint) : null,
    input,
  );
  return { row, input };
}

export function facts(...pairs: [string, string][]): HTMLElement {
  return el("dl", { class: "scan-facts" }, ...pairs.map(([name, value]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}
