// Photographs of a bag: a chosen file is sent as it is and kept enciphered; a kept one is asked for
// and shown from memory, so that a refusal of either is told in words.
import { Refusal, hideRefusal, showRefusal } from "./shared/asking";
import { watchFiles } from "./shared/files";

async function answered(place: HTMLElement, path: string, init: RequestInit): Promise<Response> {
  const words = place.dataset;
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch {
    throw new Refusal([words["away"] ?? "", words["nothing"] ?? "", words["again"] ?? ""], "OFFLINE");
  }
  if (answer.ok) return answer;
  const told = await answer.json();
  throw new Refusal([told.cause, told.effect, told.remedy], told.code);
}

async function trying(place: HTMLElement, work: () => Promise<void>): Promise<void> {
  const said = place.querySelector("[role=status]");
  hideRefusal(place);
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (said) said.textContent = "";
    showRefusal(place, error);
  }
}

const shown = document.querySelector<HTMLElement>("[data-picture]");
const picture = shown?.querySelector("img");
if (shown && picture) {
  void trying(shown, async () => {
    const headers = { accept: "application/json, image/jpeg" };
    const answer = await answered(shown, shown.dataset["picture"] ?? "", { headers });
    picture.src = URL.createObjectURL(await answer.blob());
    await picture.decode();
    URL.revokeObjectURL(picture.src);
    picture.hidden = false;
    shown.querySelector("[role=status]")?.remove();
  });
}

const adding = document.getElementById("photographier");
const chooser = adding?.querySelector("input");
const subject = adding?.querySelector("select");
const said = adding?.querySelector("[role=status]");
if (adding && chooser && subject && said) {
  const words = adding.dataset;
  watchFiles(chooser, async ([file]) => {
    if (!file) return;
    await trying(adding, async () => {
      if (file.size > Number(words["most"])) {
        const lines = [words["large"] ?? "", words["nothing"] ?? "", words["smaller"] ?? ""];
        throw new Refusal(lines, "BODY_TOO_LARGE");
      }
      said.textContent = words["sending"] ?? "";
      const answer = await answered(adding, words["path"] ?? "", {
        method: "POST",
        headers: {
          accept: "application/json",
          "content-type": "application/octet-stream",
          "x-subject": subject.value,
        },
        body: file,
      });
      const kept = await answer.json();
      if (kept.new) location.assign(`${words["path"]}/${kept.photograph}`);
      else said.textContent = words["known"] ?? "";
    });
  });
}
