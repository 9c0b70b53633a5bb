// What was done with a dispatch, as it stands once something more was: told without leaving the text.
import { asked, morph } from "../lists/renewing";

export async function renewTraces(): Promise<void> {
  const told = document.querySelector<HTMLElement>("[data-traces]");
  if (!told) return;
  const page = await asked(`${location.pathname}?lang=${document.documentElement.lang}`);
  const fresh = page?.querySelector("[data-traces]");
  if (fresh) morph(told, fresh);
}
