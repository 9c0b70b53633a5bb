// A printed copy: the service numbers it first, then the page shows itself to the printer. Without
// that number the style sheet leaves nothing legible on paper.
import { pressed } from "../shared/pressing";
import type { Refusal } from "./refusal";
import { renewTraces } from "./traces";

export function watchPrinting(clear: HTMLElement, refuse: (told: Refusal) => void): void {
  const button = clear.querySelector<HTMLButtonElement>("[data-print]");
  const print = printing(clear);

  button?.addEventListener("click", () => void pressed(button, async () => {
    const answer = await fetch(button.dataset["print"] ?? "", {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
      body: "",
    });
    const told = (await answer.json()) as Refusal & { copy: string };
    if (!answer.ok) {
      refuse(told);
      return;
    }
    print(told.copy);
    void renewTraces();
  }));
}

// Give what prints an open text, with the words of its numbered copy at each sheet's edges.
export function printing(clear: HTMLElement): (copy: string) => void {
  addEventListener("afterprint", () => endPrinting(clear));
  return (copy) => {
    // What locked meanwhile is not printed: the copy's number is then a number without paper.
    if (clear.hidden) return;
    for (const place of clear.querySelectorAll("[data-copy]")) place.textContent = copy;
    document.documentElement.classList.add("app-printing");
    window.print();
  };
}

export function endPrinting(clear: HTMLElement): void {
  document.documentElement.classList.remove("app-printing");
  for (const place of clear.querySelectorAll("[data-copy]")) place.replaceChildren();
}
