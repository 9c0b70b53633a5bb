// Attachments of a draft: each chosen file is sent as it is, its name in a header, and enciphered
// on arrival; the answer is the list as it stands.
import { Refusal, element, hideRefusal, showRefusal } from "../shared/asking";
import { watchFiles } from "../shared/files";

export interface Kept {
  number: string;
  edition: string;
}

interface Listed {
  edition: number;
  attachments: { name: string; size: string }[];
}

// `alone` runs work while no save does, on the draft as it is kept; null when it could not be kept.
export function watchAttachments(
  section: HTMLElement,
  alone: (work: (draft: Kept) => Promise<void>) => Promise<void>,
  kept: (edition: number) => void,
): void {
  const chooser = section.querySelector<HTMLInputElement>("input");
  const list = section.querySelector<HTMLElement>("[data-names]");
  const said = section.querySelector<HTMLElement>("[role=status]");
  if (!chooser || !list || !said) return;
  const words = section.dataset;
  const most = Number(words["most"]);

  const say = (text: string, name: string): void => {
    said.textContent = text.replace("{name}", name);
  };

  const ask = async (path: string, edition: string, headers: HeadersInit, body: BodyInit | null) => {
    const answer = await fetch(path, {
      method: "POST",
      headers: { accept: "application/json", "x-edition": edition, ...headers },
      body,
    });
    const told = await answer.json();
    if (!answer.ok) throw new Refusal([told.cause, told.effect, told.remedy], told.code);
    const listed = told as Listed;
    kept(listed.edition);
    show(listed);
  };

  const trying = async (work: (draft: Kept) => Promise<void>): Promise<void> => {
    hideRefusal(section);
    try {
      await alone(work);
    } catch (error) {
      say("", "");
      const away = [words["away"] ?? "", words["nothing"] ?? "", words["again"] ?? ""];
      showRefusal(section, error instanceof Refusal ? error : new Refusal(away, "OFFLINE"));
    }
  };

  const show = (listed: Listed): void => {
    list.replaceChildren(
      ...listed.attachments.map((each) => {
        const line = element("li");
        const button = element("button", words["remove"], "govuk-button govuk-button--secondary");
        (button as HTMLButtonElement).type = "button";
        button.setAttribute("aria-label", `${words["remove"]} : ${each.name}`);
        line.append(element("span", `${each.name} · ${each.size}`), button);
        return line;
      }),
    );
  };

  watchFiles(chooser, async (files) => {
    for (const file of files) {
      if (file.size > most) {
        const large = [words["large"] ?? "", words["nothing"] ?? "", words["smaller"] ?? ""];
        showRefusal(section, new Refusal(large, "BODY_TOO_LARGE"));
        break;
      }
      say(words["sending"] ?? "", file.name);
      await trying(async (draft) => {
        const headers = {
          "x-name": encodeURIComponent(file.name),
          "content-type": file.type || "application/octet-stream",
        };
        await ask(`/depeches/brouillon/${draft.number}/annexes`, draft.edition, headers, file);
        say(words["joined"] ?? "", file.name);
      });
    }
  });

  list.addEventListener("click", async (event) => {
    const button = (event.target as HTMLElement).closest("button");
    const line = button?.closest("li");
    if (!line) return;
    const place = [...list.children].indexOf(line) + 1;
    await trying(async (draft) => {
      const path = `/depeches/brouillon/${draft.number}/annexes/${place}/retirer`;
      await ask(path, draft.edition, {}, null);
      say(words["removed"] ?? "", "");
      chooser.focus();
    });
  });
}
