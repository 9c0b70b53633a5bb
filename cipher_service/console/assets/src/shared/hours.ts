// The service's clock, as its pages tell it: a wrong clock of this machine neither ends nor extends a
// session, nor dates anything.
const told = document.querySelector<HTMLElement>("[data-session-now]")?.dataset["sessionNow"];
const ahead = told ? Date.now() - Date.parse(told) : 0;

export function serviceNow(): number {
  return Date.now() - ahead;
}

// An instant as an hour in universal time, as the page's language writes it.
export function hour(at: number): string {
  const [hours = "", minutes = ""] = new Date(at).toISOString().slice(11, 16).split(":");
  return document.documentElement.lang === "fr" ? `${hours} h ${minutes}` : `${hours}:${minutes}`;
}
