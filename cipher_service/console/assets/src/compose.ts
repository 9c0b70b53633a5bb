// A draft is kept every ten seconds when something changed, when the tab is hidden, and by Ctrl+S;
// Ctrl+Enter goes to the page that checks, and nothing here ever sends.
import { type Kept, watchAttachments } from "./writing/attachments";

const EVERY_MS = 10_000;
const form = document.getElementById("redaction") as HTMLFormElement | null;
const told = document.getElementById("garde");

if (form) {
  let changed = false;
  let saving: Promise<void> | null = null;

  const say = (words: string): void => {
    if (told) told.textContent = words;
  };

  const field = (name: string): HTMLInputElement => form.elements.namedItem(name) as HTMLInputElement;

  const body = (): URLSearchParams => {
    const fields = new URLSearchParams();
    for (const [name, value] of new FormData(form)) fields.append(name, String(value));
    return fields;
  };

  const keep = async (): Promise<void> => {
    if (!changed || saving) return;
    changed = false;
    saving = (async () => {
      try {
        const answer = await fetch(form.action, {
          method: "POST",
          headers: { accept: "application/json" },
          body: body(),
        });
        const given = await answer.json();
        if (!answer.ok) throw new Error(given.cause);
        field("number").value = given.number;
        field("edition").value = String(given.edition);
        const hour = new Date().toISOString().slice(11, 16);
        say((told?.dataset["kept"] ?? "").replace("{hour}", hour));
      } catch (error) {
        changed = true;
        const cause = error instanceof Error ? error.message : "";
        say((told?.dataset["lost"] ?? "").replace("{cause}", cause));
      }
    })();
    await saving;
    saving = null;
  };

  // Attaching changes the edition too: it waits for a save, and the next save for it; what is chosen
  // while another file is on its way waits for that one.
  const attach = async (work: (draft: Kept) => Promise<void>): Promise<void> => {
    while (saving) await saving;
    changed ||= !field("number").value;
    await keep();
    if (changed) return; // why it could not be kept is said already
    const doing = work({ number: field("number").value, edition: field("edition").value });
    saving = doing.catch(() => undefined);
    await saving;
    saving = null;
    await doing;
  };
  let last: Promise<void> = Promise.resolve();
  const alone = (work: (draft: Kept) => Promise<void>): Promise<void> => {
    const mine = last.then(() => attach(work));
    last = mine.catch(() => undefined);
    return mine;
  };

  const enclosing = document.getElementById("joindre");
  if (enclosing) {
    watchAttachments(enclosing, alone, (edition) => {
      field("edition").value = String(edition);
    });
  }

  form.addEventListener("input", (event) => {
    if ((event.target as HTMLInputElement).name) changed = true;
  });
  // A save under way would change the edition that the buttons send.
  form.addEventListener("submit", (event) => {
    changed = false;
    if (!saving) return;
    event.preventDefault();
    const button = event.submitter as HTMLButtonElement | null;
    void saving.then(() => form.requestSubmit(button));
  });
  setInterval(() => void keep(), EVERY_MS);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) void keep();
  });
  addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey)) return;
    if (event.key === "s") void keep();
    else if (event.key === "Enter") form.querySelector<HTMLElement>("[data-check]")?.click();
    else return;
    event.preventDefault();
  });
}
