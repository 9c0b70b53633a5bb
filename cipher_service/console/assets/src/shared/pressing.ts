// A button that waits for its answer cannot be pressed again; disabling it takes the focus from it,
// and whoever pressed it by a key gets it back there, unless the page has led them elsewhere.
export async function pressed(
  button: HTMLButtonElement, act: () => Promise<void>, along: Iterable<HTMLButtonElement> = [button],
): Promise<void> {
  const all = [...along];
  const held = document.activeElement === button;
  for (const each of all) each.disabled = true;
  try {
    await act();
  } finally {
    for (const each of all) each.disabled = false;
    const lost = document.activeElement === document.body || document.activeElement === button;
    if (held && lost) button.focus({ preventScroll: true });
  }
}
