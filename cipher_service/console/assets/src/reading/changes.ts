// What changed since the edition that this reader refused: shown with the text, under the same
// watermark, and taken away with it.
import { watermark } from "./watermark";

export interface Changes {
  said: string;
  notes: string[];
  lines: [sign: string, text: string, said: string][];
}

export function showChanges(root: HTMLElement, changes: Changes | null, reader = ""): void {
  const place = root.querySelector<HTMLElement>("[data-changes]");
  if (!place) return;
  place.hidden = changes === null;
  place.replaceChildren();
  if (changes === null) return;
  const heading = document.createElement("h3");
  heading.textContent = changes.said;
  const notes = changes.notes.map((note) => {
    const line = document.createElement("p");
    line.textContent = note;
    return line;
  });
  const list = document.createElement("ol");
  list.className = "app-changes";
  for (const [sign, text, said] of changes.lines) {
    const line = document.createElement("li");
    const kind = { "+": "ins", "-": "del" }[sign] ?? "span";
    const words = document.createElement(kind);
    words.textContent = text;
    const told = document.createElement("span");
    told.className = "govuk-visually-hidden";
    told.textContent = said;
    line.dataset["sign"] = sign;
    line.append(told, words);
    list.append(line);
  }
  place.append(heading, ...notes);
  if (changes.lines.length === 0) return;
  const paper = document.createElement("div");
  paper.className = "app-document";
  paper.append(list);
  watermark(paper, reader);
  place.append(paper);
}
