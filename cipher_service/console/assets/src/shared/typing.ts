// Whether a key is a shortcut: not while somebody writes or reads the help, not with a modifier, and
// not for whoever has switched them off (WCAG 2.2, 2.1.4).

export function typing(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return true;
  if (document.querySelector("dialog[open]")) return true;
  const target = event.target as HTMLElement | null;
  // Where only figures are read, and none stands yet, a letter is no writing.
  const figures = target?.closest<HTMLInputElement>("input[data-figures]");
  if (figures && !figures.value && /^[a-z]$/.test(event.key)) return false;
  return Boolean(target?.closest("input, textarea, select, [contenteditable]"));
}

export function shortcutsOn(): boolean {
  return localStorage.getItem("raccourcis") !== "non";
}
