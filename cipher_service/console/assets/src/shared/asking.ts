// What islands that ask the service and security keys share: a refusal, its box, a post.

export class Refusal extends Error {
  readonly lines: string[];
  readonly code: string;

  constructor(lines: string[], code: string) {
    super(code);
    this.lines = lines;
    this.code = code;
  }
}

export async function post<T>(path: string, members: object, away: string[]): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(members),
    });
  } catch {
    throw new Refusal(away, "OFFLINE");
  }
  const told = await answer.json();
  if (!answer.ok) throw new Refusal([told.cause, told.effect, told.remedy], told.code);
  return told as T;
}

// What a security key answered, without the secret that a browser may add to it by itself (PRF).
export function answered(credential: Credential | null): string {
  const whole = (credential as PublicKeyCredential).toJSON() as unknown as Record<string, unknown>;
  return JSON.stringify({ ...whole, clientExtensionResults: {} });
}

export function element(tag: string, text = "", kind = ""): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// Cause, effect, what to do: put first into a part of the page, in place of the one before.
export function showRefusal(place: HTMLElement, refusal: Refusal): void {
  const box = element("section", "", "app-refusal");
  box.setAttribute("role", "alert");
  const [cause = "", effect = "", remedy = ""] = refusal.lines;
  box.append(
    element("p", cause, "app-refusal__cause"),
    element("p", effect, "app-refusal__effect"),
    element("p", remedy, "app-refusal__remedy"),
    element("p", refusal.code, "app-refusal__code"),
  );
  hideRefusal(place);
  place.prepend(box);
  box.scrollIntoView({ block: "nearest" });
}

export function hideRefusal(place: HTMLElement): void {
  place.querySelector(":scope > .app-refusal")?.remove();
}
