// The camera's own controls, wherever it looks: its lamp and, where there are several, its lens.
import { el } from "./dom.ts";
import type { Camera } from "./eyes.ts";

// Shown where the camera has a lamp; pressed once it burns.
export function lamp(camera: Camera, made: HTMLButtonElement): HTMLButtonElement {
  made.setAttribute("aria-pressed", "false");
  made.hidden = !camera.hasTorch;
  made.addEventListener("click", () => {
    const lit = made.getAttribute("aria-pressed") !== "true";
    void camera.torch(lit).then(() => made.setAttribute("aria-pressed", String(lit)), () => undefined);
  });
  return made;
}

// New telephones open the lens for close things, which cannot focus on a label: one may choose.
export async function lenses(
  camera: Camera, row: HTMLElement, choice: HTMLSelectElement, word: string,
  chosen: (lens: string) => void,
): Promise<HTMLElement> {
  const found = await camera.lenses();
  choice.replaceChildren(...found.map((each, place) => el("option", {
    value: each.deviceId, selected: each.deviceId === camera.lens,
  }, each.label || `${word} ${place + 1}`)));
  choice.addEventListener("change", () => chosen(choice.value));
  row.hidden = found.length < 2;
  return row;
}
