// What a grant to sign names by its digest only: the manifest of a dispatch (keys/SPEC.md §4). It is
// shown from the very bytes, and only when they are those that the grant names (TRANSPORT.md §7).
import { ROUTES, type Language } from "../words/acts";
import { digest, hexadecimal, joined, type Octets } from "./bytes";

interface Manifest {
  to: {
    post: string;
    role: string;
    precedence: string;
    delivery: string;
    series: { epoch: number; number: number } | null;
  }[];
  label: { level: string; caveats: string[]; releasability: string[] };
  subject: string;
  created: string;
  parts: { name: string; size: number; sha256: string }[];
}

// Names of words/acts.ts, with what to say.
export type Line = [name: string, said: string];

export async function namedBy(request: unknown, act: string, asked: Octets): Promise<boolean> {
  const end = new Uint8Array(1);
  const named = joined("depeche/v1 request", end, act, end, await digest(asked));
  return hexadecimal(await digest(named)) === request;
}

export function departure(text: string, language: Language): Line[] {
  const { to, label, subject, created, parts } = JSON.parse(text) as Manifest;
  const others = to.filter((one) => one.role !== "copy");
  const addressee = (one: (typeof to)[number]): string => {
    const number = one.series === null ? "" : ` ${String(one.series.number).padStart(4, "0")}`;
    const route = [one.role, one.delivery].map((code) => ROUTES[code]?.[language] ?? code);
    return `${one.post}${number} (${[one.precedence, ...route].join(", ")})`;
  };
  return [
    ["subject", subject],
    ["dispatchLevel", [label.level, ...label.caveats].join(" · ")],
    ["releasability", label.releasability.join(", ")],
    ["to", others.map(addressee).join(" · ")],
    ["created", created],
    ["contents", parts.map((one) => `${one.name}: ${one.size}, ${one.sha256}`).join(" · ")],
  ];
}
