// Attachments of an open dispatch. Each is asked for by a form of its own: the browser saves what
// comes, piece by piece, and a refusal is a page.
export interface Attachment {
  name: string;
  size: string;
}

export function attachmentLines(list: HTMLElement, attachments: Attachment[]): HTMLElement[] {
  const { take = "", label = "" } = list.dataset;
  return attachments.map((each, index) => {
    const form = document.createElement("form");
    form.className = "app-saving";
    form.method = "post";
    form.action = `${take}${index + 1}`;
    const button = document.createElement("button");
    button.className = "govuk-button govuk-button--secondary";
    button.textContent = label;
    button.setAttribute("aria-label", `${label} : ${each.name}`);
    form.append(button);
    const name = document.createElement("span");
    name.textContent = `${each.name} · ${each.size}`;
    const line = document.createElement("li");
    line.append(name, form);
    return line;
  });
}
