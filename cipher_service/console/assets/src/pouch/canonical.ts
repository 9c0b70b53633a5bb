// Canonical JSON (keys/SPEC.md §2): one value has one encoding.
import { Malformed, utf8, type Bytes } from "./bytes.ts";

export type Value = null | boolean | number | string | Value[] | { [name: string]: Value };
export type Members = { [name: string]: Value };

const DEPTH = 16;

export function encode(value: Value): string {
  return written(value, DEPTH);
}

export function encodeBytes(value: Value): Bytes {
  return utf8(encode(value));
}

// Whatever a lenient parser would forgive comes out otherwise when it is written anew.
export function decode(text: string): Value {
  let value: Value;
  try {
    value = JSON.parse(text) as Value;
  } catch {
    throw new Malformed("not JSON");
  }
  if (encode(value) !== text) throw new Malformed("not in canonical form");
  return value;
}

export function decodeBytes(bytes: Uint8Array): Value {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Malformed("not UTF-8");
  }
  return decode(text);
}

function written(value: Value, depth: number): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") {
    if (value.includes("\0") || !value.isWellFormed()) throw new Malformed("a sign is forbidden");
    return JSON.stringify(value);
  }
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new Malformed("not an integer");
    return String(value);
  }
  if (depth === 0) throw new Malformed("nested too deep");
  if (Array.isArray(value)) return `[${value.map((item) => written(item, depth - 1)).join(",")}]`;
  const names = Object.keys(value).sort(byCodePoint);
  return `{${names
    .map((name) => `${written(name, depth)}:${written(value[name] ?? null, depth - 1)}`)
    .join(",")}}`;
}

function byCodePoint(one: string, other: string): number {
  const [first, second] = [[...one], [...other]];
  for (let place = 0; place < Math.min(first.length, second.length); place += 1) {
    const apart = (first[place]?.codePointAt(0) ?? 0) - (second[place]?.codePointAt(0) ?? 0);
    if (apart !== 0) return apart;
  }
  return first.length - second.length;
}

// An object that is read member by member; `close` refuses what was not asked for.
export class Taken {
  private readonly left: Map<string, Value>;

  constructor(value: Value) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      throw new Malformed("not an object");
    }
    this.left = new Map(Object.entries(value));
  }

  take(name: string): Value {
    const value = this.left.get(name);
    if (value === undefined) throw new Malformed(`${name} is missing`);
    this.left.delete(name);
    return value;
  }

  // Whether a member that may be left out is there.
  has(name: string): boolean {
    return this.left.has(name);
  }

  constant(name: string, expected: Value): void {
    if (this.take(name) !== expected) throw new Malformed(`${name} is another`);
  }

  text(name: string, pattern: RegExp): string {
    return matching(this.take(name), pattern);
  }

  integer(name: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.take(name);
    if (typeof value !== "number" || value < least || value > most) {
      throw new Malformed(`${name} is out of range`);
    }
    return value;
  }

  time(name: string): number {
    const value = this.take(name);
    if (typeof value !== "string") throw new Malformed(`${name} is no time`);
    return seconds(value);
  }

  items(name: string, most: number): Value[] {
    const value = this.take(name);
    if (!Array.isArray(value) || value.length > most) throw new Malformed(`${name} is no list`);
    return value;
  }

  close(): void {
    if (this.left.size > 0) throw new Malformed("a member too many");
  }
}

export function matching(value: Value, pattern: RegExp): string {
  if (typeof value !== "string" || !pattern.test(value)) throw new Malformed("not of the one form");
  return value;
}

// `YYYY-MM-DDTHH:MM:SSZ` as seconds since 1970.
export function seconds(text: string): number {
  const found = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(found) || timeText(found / 1000) !== text) throw new Malformed("not a time");
  return found / 1000;
}

export function timeText(at: number): string {
  return new Date(at * 1000).toISOString().replace(/\.\d{3}Z$/, "Z");
}
