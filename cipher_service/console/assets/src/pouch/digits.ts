// Digits of a symbol or a scanner (pouch/SPEC.md §5, §6), as pouch/digits.py and pouch/locator.py.
import { concat, Malformed, type Bytes } from "./bytes.ts";

const CALIBRATION = "0123456789";
const AZERTY = "à&é\"'(-è_ç";
const TEXT_MOST = 4096;
// White space as Python's str.strip takes it.
const AROUND = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+|[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/g;
const LENGTHS = new Map([[3, 1], [5, 2], [8, 3], [10, 4], [13, 5], [15, 6], [17, 7]]);

export const LOCATOR_DIGITS = 24;

export function decodeDigits(text: string): Bytes {
  const body = straightened(text).slice(CALIBRATION.length);
  const groups = body.match(/.{1,17}/g) ?? [];
  return concat(...groups.map(groupBytes));
}

function groupBytes(group: string): Bytes {
  const length = LENGTHS.get(group.length);
  if (length === undefined) throw new Malformed("the digits stop amid a group");
  const number = BigInt(group);
  if (number >> BigInt(8 * length)) throw new Malformed("a group is too large");
  return Uint8Array.from({ length }, (_, place) =>
    Number((number >> BigInt(8 * (length - 1 - place))) & 255n));
}

function straightened(text: string): string {
  if ([...text].length > TEXT_MOST) throw new Malformed("too long for a symbol");
  const typed = [...text.replace(AROUND, "").normalize("NFC")];
  const table = new Map(typed.slice(0, CALIBRATION.length).map((sign, digit) => [sign, digit]));
  if (table.size !== CALIBRATION.length) throw new Malformed("not ten distinct signs first");
  return typed
    .map((sign) => {
      const digit = table.get(sign);
      if (digit === undefined) throw new Malformed("a sign is not in the calibration");
      return String(digit);
    })
    .join("");
}

// The bag's 22 digits from a locator, typed or scanned; null when the check digits do not fit.
export function readLocator(text: string): string | null {
  const digits = [...text.replace(/\s+/g, "").normalize("NFC")]
    .map((sign) => (AZERTY.includes(sign) ? String(AZERTY.indexOf(sign)) : sign))
    .join("");
  if (!/^[0-9]{24}$/.test(digits)) return null;
  const bag = digits.slice(0, 22);
  return digits === locator(bag) ? bag : null;
}

// The same in groups of four, as the label has it.
export function groupedLocator(bag: string): string {
  return locator(bag).match(/.{4}/g)?.join(" ") ?? "";
}

// The locator of a bag's 22 digits: two check digits after them.
export function locator(bag: string): string {
  const check = 98 - Number((BigInt(bag) * 100n) % 97n);
  return bag + String(check).padStart(2, "0");
}
