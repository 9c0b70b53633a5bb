// An exercise: bags are judged as ever, every verdict says that it is one, and nothing is recorded.
// It outlives the page, so that whoever practises never records by a reload.
import { remember, remembered } from "./memory.ts";

const KEY = "drill";

export function drilling(): boolean {
  return remembered(KEY) !== null;
}

// Begins or ends it; says whether the browser remembers that.
export function drill(on: boolean): boolean {
  return remember(KEY, on ? "1" : null);
}
