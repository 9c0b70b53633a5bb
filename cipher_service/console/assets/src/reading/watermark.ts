// Who reads, behind the text. By CSSOM, since no style is allowed in the page: it is seen, not read
// aloud and not copied.
const sheet = new CSSStyleSheet();
document.adoptedStyleSheets.push(sheet);

// Who, unbroken and twice, then when and what: `words` are these, parted by points.
function repeated(words: string): string {
  const [name = "", number = "", ...rest] = words.split(" · ");
  const who = `${name} · ${number}`.replaceAll(" ", "\u00a0");
  return `${who}   ${who}   ${rest.join(" · ")}   `.repeat(60);
}

export function watermark(text: HTMLElement, words: string): void {
  const mark = document.createElement("div");
  mark.className = "app-document__watermark";
  mark.setAttribute("aria-hidden", "true");
  text.append(mark);
  sheet.replaceSync(
    `.app-document__watermark::before { content: ${JSON.stringify(repeated(words))} }`,
  );
}

export function wipeWatermark(): void {
  sheet.replaceSync("");
}
