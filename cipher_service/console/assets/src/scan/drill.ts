// An exercise: bags are judged as ever, every verdict says that it is one, and nothing is recorded.
// It outlives the page, so that whoever practises never records by a reload.
const KEY = "drill";

export function drilling(): boolean {
  return localStorage.getItem(KEY) !== null;
}

export function drill(on: boolean): void {
  if (on) localStorage.setItem(KEY, "1");
  else localStorage.removeItem(KEY);
}
