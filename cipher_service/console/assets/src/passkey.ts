// Signing in, enrolling and adding security keys. What the key answers goes to the service without
// the secret that a browser may put beside it (PRF): that one never leaves the page.
import { Refusal, answered, hideRefusal, post, showRefusal } from "./shared/asking";
import { pressed } from "./shared/pressing";

type Members = Record<string, unknown>;
interface Asked {
  nonce: string;
  options: Members;
}

const place = document.querySelector<HTMLElement>("[data-passkey]");

// The sentences stand in the page, in its language.
const say = (name: string): string => place?.dataset[name] ?? "";

const ask = <T>(path: string, members: Members): Promise<T> =>
  post<T>(path, members, [say("away"), say("nothing"), say("again")]);

async function asked(ceremony: () => Promise<Credential | null>): Promise<string> {
  try {
    return answered(await ceremony());
  } catch {
    throw new Refusal([say("silent"), say("nothing"), say("again")], "KEY_SILENT");
  }
}

const create = (options: Members): Promise<string> =>
  asked(() =>
    navigator.credentials.create({
      publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(
        options as unknown as PublicKeyCredentialCreationOptionsJSON,
      ),
    }),
  );

const get = (options: Members): Promise<string> =>
  asked(() =>
    navigator.credentials.get({
      publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(
        options as unknown as PublicKeyCredentialRequestOptionsJSON,
      ),
    }),
  );

function refuse(error: unknown): void {
  if (!(error instanceof Refusal) || !place) throw error;
  showRefusal(place, error);
}

const busy = (button: HTMLButtonElement, act: () => Promise<void>): Promise<void> =>
  pressed(button, async () => {
    try {
      await act();
      if (place) hideRefusal(place);
    } catch (error) {
      refuse(error);
    }
  });

function signIn(form: HTMLFormElement): void {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const button = form.querySelector("button") as HTMLButtonElement;
    const officer = (form.elements.namedItem("officer") as HTMLInputElement).value;
    void busy(button, async () => {
      const { nonce, options } = await ask<Asked>("/connexion/defi", { officer });
      const response = await get(options);
      const { to } = await ask<{ to: string }>("/connexion/cle", { nonce, response });
      location.assign(to);
    });
  });
}

async function enrolment(box: HTMLElement): Promise<void> {
  const link = location.hash.slice(1);
  history.replaceState(null, "", location.pathname);
  const told = await ask<{ officer: string; name: string; keys: Asked[] }>("/inscription/defi", {
    link,
  });
  const made: { nonce: string; response: string }[] = [];
  const buttons = [...box.querySelectorAll<HTMLButtonElement>("button[data-key]")];
  (box.querySelector("[data-who]") as HTMLElement).textContent = `${told.name} (${told.officer})`;
  box.hidden = false;
  buttons.forEach((button, number) => {
    button.addEventListener("click", () => {
      void busy(button, async () => {
        const { nonce, options } = told.keys[number] as Asked;
        const before = made.map((one) => ({ type: "public-key", id: JSON.parse(one.response).id }));
        made[number] = { nonce, response: await create({ ...options, excludeCredentials: before }) };
        (button.closest("li") as HTMLElement).classList.add("app-done");
        (box.querySelector(`[data-done="${number}"]`) as HTMLElement).hidden = false;
        button.hidden = true;
        const next = buttons[number + 1];
        if (next) {
          (next.closest("li") as HTMLElement).hidden = false;
          next.focus();
          return;
        }
        const { to } = await ask<{ to: string }>("/inscription/cles", { link, keys: made });
        location.assign(to);
      });
    });
  });
}

function adding(button: HTMLButtonElement): void {
  button.addEventListener("click", () => {
    void busy(button, async () => {
      const { nonce, options } = await ask<Asked>("/cles/defi", {});
      const response = await create(options);
      const { to } = await ask<{ to: string }>("/cles/ajouter", { nonce, response });
      location.assign(to);
    });
  });
}

if (place && typeof window.PublicKeyCredential?.parseRequestOptionsFromJSON !== "function") {
  showRefusal(place, new Refusal([say("unable"), say("nothing"), say("other")], "KEY_UNABLE"));
}
const form = document.querySelector<HTMLFormElement>("form[data-sign-in]");
if (form) signIn(form);
const box = document.querySelector<HTMLElement>("[data-enrol]");
if (box) enrolment(box).catch(refuse);
const more = document.querySelector<HTMLButtonElement>("button[data-add-key]");
if (more) adding(more);
