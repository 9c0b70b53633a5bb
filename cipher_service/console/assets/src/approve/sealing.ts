// What a grant to seal names by its digest only: the claims of a bag's seal (pouch/SPEC.md §3), shown
// from the very bytes, like a manifest (`departure`).
import { readClaims } from "../pouch/claims";
import { locator } from "../pouch/digits";
import type { Octets } from "./bytes";
import type { Line } from "./departure";

export function sealing(bytes: Octets): Line[] {
  const said = readClaims(bytes);
  return [
    ["bag", locator(said.bag).replace(/(\d{4})(?=\d)/g, "$1 ")],
    ["route", `${said.issuer} → ${said.destination} (${said.ordinal}/${said.packages})`],
    ["bagClass", said.bagClass],
    ["physicalSeals", said.seals.join(", ")],
    ["weight", String(said.weight)],
    ["items", String(said.items)],
    ["digest", said.digest],
    ["closed", moment(said.issued)],
    ["void", moment(said.expires)],
  ];
}

const moment = (seconds: number): string =>
  new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, "Z");
