// Our own control for choosing files: the browser's own speaks the browser's language. A label stands
// for the input, which keys reach though nobody sees it; what was chosen is named beside it.
const NAMED = "app-file__name";

// Takes what is chosen there, or dropped on it; the same file can be chosen again afterwards.
export function watchFiles(input: HTMLInputElement, take: (files: File[]) => unknown): void {
  const place = input.parentElement;
  const use = (files: File[]): void => {
    const [first] = files;
    if (!first) return;
    const chosen = input.multiple ? files : [first];
    const named = place?.querySelector(`.${NAMED}`);
    if (named) named.textContent = chosen.map((file) => file.name).join(", ");
    void take(chosen);
  };
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    input.value = "";
    use(files);
  });
  place?.addEventListener("dragover", (event) => event.preventDefault());
  place?.addEventListener("drop", (event) => {
    event.preventDefault();
    use([...(event.dataTransfer?.files ?? [])]);
  });
}

// The same control, made here.
export function fileControl(words: string, accept: string, take: (files: File[]) => unknown): HTMLElement {
  const place = document.createElement("div");
  place.className = "govuk-form-group app-file";
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.accept = accept;
  input.id = "fichiers";
  input.className = "app-file__input";
  const label = document.createElement("label");
  label.textContent = words;
  label.htmlFor = input.id;
  label.className = "govuk-button govuk-button--secondary";
  const named = document.createElement("span");
  named.className = NAMED;
  place.append(input, label, named);
  watchFiles(input, take);
  return place;
}
