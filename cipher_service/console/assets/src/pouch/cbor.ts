// Deterministic CBOR (RFC 8949 §4.2.3, lengths first) as far as seals use it: unsigned and negative
// integers, bytes, texts, arrays, maps of integers, null. Anything else is Malformed.
import { concat, equal, Malformed, type Bytes } from "./bytes.ts";

export type Item = null | number | string | Bytes | Item[] | Map<number, Item>;

const DEPTH = 8;

export function decodeCbor(bytes: Bytes): Item {
  const reader = new Reader(bytes);
  const item = reader.item(DEPTH);
  reader.end();
  // Written anew it must be the same: a longer spelling, an order or a double is noticed here.
  if (!equal(encodeCbor(item), bytes)) throw new Malformed("not in deterministic form");
  return item;
}

export function encodeCbor(item: Item): Bytes {
  if (item === null) return Uint8Array.of(0xf6);
  if (typeof item === "number") return item >= 0 ? head(0, item) : head(1, -1 - item);
  if (typeof item === "string") {
    const text = new TextEncoder().encode(item);
    return concat(head(3, text.length), text);
  }
  if (item instanceof Uint8Array) return concat(head(2, item.length), item);
  if (Array.isArray(item)) return concat(head(4, item.length), ...item.map(encodeCbor));
  const members = [...item].map(([label, value]) => [encodeCbor(label), encodeCbor(value)] as const);
  members.sort(([one], [other]) => one.length - other.length || compare(one, other));
  return concat(head(5, members.length), ...members.flat());
}

function compare(one: Uint8Array, other: Uint8Array): number {
  const place = one.findIndex((byte, at) => byte !== other[at]);
  return place < 0 ? 0 : (one[place] ?? 0) - (other[place] ?? 0);
}

function head(major: number, argument: number): Bytes {
  const kind = major << 5;
  if (argument < 24) return Uint8Array.of(kind | argument);
  const length = argument < 2 ** 8 ? 1 : argument < 2 ** 16 ? 2 : argument < 2 ** 32 ? 4 : 8;
  const bytes = new Uint8Array(1 + length);
  bytes[0] = kind | (24 + Math.log2(length));
  let left = argument;
  for (let place = length; place > 0; place -= 1) {
    bytes[place] = left % 256;
    left = Math.floor(left / 256);
  }
  return bytes;
}

class Reader {
  private at = 0;
  private readonly bytes: Bytes;

  constructor(bytes: Bytes) {
    this.bytes = bytes;
  }

  item(depth: number): Item {
    if (depth === 0) throw new Malformed("nested too deep");
    const first = this.octets(1)[0] ?? 0;
    if (first === 0xf6) return null;
    const argument = this.argument(first & 31);
    switch (first >> 5) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.octets(argument);
      case 3:
        return this.text(argument);
      case 4:
        return Array.from({ length: this.count(argument) }, () => this.item(depth - 1));
      case 5:
        return this.map(this.count(argument), depth - 1);
      default:
        throw new Malformed("a kind that no seal has");
    }
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new Malformed("something follows");
  }

  private map(size: number, depth: number): Map<number, Item> {
    const found = new Map<number, Item>();
    for (let place = 0; place < size; place += 1) {
      const label = this.item(1);
      if (typeof label !== "number") throw new Malformed("a label is no integer");
      found.set(label, this.item(depth));
    }
    return found;
  }

  private argument(short: number): number {
    if (short < 24) return short;
    if (short > 27) throw new Malformed("an indefinite length");
    const value = this.octets(2 ** (short - 24)).reduce((sum, byte) => sum * 256 + byte, 0);
    if (!Number.isSafeInteger(value)) throw new Malformed("a number is too large");
    return value;
  }

  // Each item has at least a byte: a length that lies asks for no memory.
  private count(size: number): number {
    if (size > this.bytes.length - this.at) throw new Malformed("cut short");
    return size;
  }

  private octets(length: number): Bytes {
    this.count(length);
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }

  private text(length: number): string {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.octets(length));
    } catch (error) {
      if (error instanceof Malformed) throw error;
      throw new Malformed("not UTF-8");
    }
  }
}
