// What a person observes of a bag (pouch/physical.py, pouch/discrepancies.py).

export interface Observed {
  seals: string[] | null;
  packages: number | null;
  weight: number | null;
}

interface Compared {
  equal: boolean;
  near: boolean;
}

// Case and spaces are the typist's.
export function tidied(number: string): string {
  return number.replace(/\s+/g, "").toUpperCase();
}

export function compareSeals(expected: string[], observed: string[]): Compared {
  const typed = observed.map(tidied);
  if (sameSet(typed, expected)) return { equal: true, near: false };
  const missing = expected.filter((number) => !typed.includes(number));
  let near = typed.length === expected.length && new Set(typed).size === typed.length;
  for (const number of typed.filter((each) => !expected.includes(each))) {
    const place = missing.findIndex((wanted) => isNear(number, wanted));
    if (place < 0) {
      near = false;
      break;
    }
    missing.splice(place, 1);
  }
  return { equal: false, near };
}

export function weightIsOff(expected: number, observed: number): boolean {
  return Math.abs(expected - observed) > Math.max(200, Math.floor(expected / 50));
}

function sameSet(one: string[], other: string[]): boolean {
  return one.length === other.length && one.toSorted().join() === other.toSorted().join();
}

// One sign more, less or other, or two neighbours exchanged.
function isNear(one: string, other: string): boolean {
  if (one === other) return false;
  if (one.length === other.length) {
    const apart = Array.from(one, (_, place) => place).filter((at) => one[at] !== other[at]);
    const [first = 0, second = 0] = apart;
    const swapped =
      apart.length === 2 && second === first + 1 &&
      one[first] === other[second] && one[second] === other[first];
    return apart.length === 1 || swapped;
  }
  const [longer, shorter] = one.length > other.length ? [one, other] : [other, one];
  return Array.from(longer, (_, at) => longer.slice(0, at) + longer.slice(at + 1)).includes(shorter);
}
