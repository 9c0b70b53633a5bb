// Lists by keyboard: j and k move, Enter opens, / searches; a acknowledges, r refuses. They renew
// themselves, and say politely how many lines came.
import { renew } from "./lists/renewing";
import { shortcutsOn, typing } from "./shared/typing";

const rows = (): HTMLElement[] =>
  [...document.querySelectorAll<HTMLElement>("[data-list] [data-line]")].filter((row) => !row.hidden);

function move(step: number): void {
  const all = rows();
  const now = all.findIndex((row) => row.getAttribute("aria-selected") === "true");
  const next = all[Math.min(Math.max(now + step, 0), all.length - 1)];
  if (!next) return;
  for (const row of all) row.removeAttribute("aria-selected");
  next.setAttribute("aria-selected", "true");
  next.querySelector<HTMLElement>("a")?.focus();
}

// Show only the lines in which what is sought stands.
function sift(): void {
  const wanted = sought?.value.trim().toLowerCase() ?? "";
  for (const row of document.querySelectorAll<HTMLElement>("[data-list] [data-line]")) {
    row.hidden = !row.textContent?.toLowerCase().includes(wanted);
  }
}

const list = document.querySelector<HTMLElement>("[data-live]");
const said = document.getElementById("nouvelles");
document.addEventListener("listed", async () => {
  if (!list || !said) return;
  const count = await renew(list);
  sift();
  if (count === 0) return;
  const words = list.dataset[count === 1 ? "one" : "many"] ?? "";
  said.textContent = words.replace("{count}", String(count));
});

const search = document.querySelector<HTMLElement>("[data-search]");
const sought = search?.querySelector("input");
if (search && sought) {
  search.hidden = false;
  sought.addEventListener("input", sift);
  sought.addEventListener("keydown", (event) => {
    if (event.key === "Escape") sought.blur();
  });
}

addEventListener("keydown", (event) => {
  if (typing(event) || !shortcutsOn()) return;
  if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  else if (event.key === "/" && sought) sought.focus();
  else if (event.key === "a") document.querySelector<HTMLElement>("[data-acknowledge]")?.click();
  else if (event.key === "r") document.querySelector<HTMLElement>("[data-refuse]")?.click();
  else return;
  event.preventDefault();
});
