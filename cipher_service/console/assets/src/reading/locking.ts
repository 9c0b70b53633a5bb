// When an open text is taken away: after a minute without a gesture, when the tab is hidden or left
// for five seconds, by l or Esc.
import { typing } from "../shared/typing";

const AWAY_MS = 5000;
const TICK_MS = 250;

interface Watch {
  begin(): void;
  end(): void;
}

// `lock` takes the text away; `tick` is told how much of the time is left, from 1 to 0.
export function watchOver(most: number, lock: () => void, tick: (left: number) => void): Watch {
  let ends = 0;
  let clockwork = 0;
  let away = 0;
  const gesture = (): void => {
    ends = Date.now() + most;
  };
  for (const name of ["keydown", "pointermove", "wheel", "touchstart"]) {
    addEventListener(name, gesture, { passive: true });
  }
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" || (event.key === "l" && !typing(event))) lock();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) lock();
  });
  addEventListener("blur", () => {
    clearTimeout(away);
    away = window.setTimeout(lock, AWAY_MS);
  });
  addEventListener("focus", () => clearTimeout(away));
  addEventListener("pagehide", lock);
  return {
    begin() {
      if (document.hidden) {
        lock(); // it was left while the text was on its way
        return;
      }
      gesture();
      clockwork = window.setInterval(() => {
        const left = ends - Date.now();
        tick(left / most);
        if (left <= 0) lock();
      }, TICK_MS);
    },
    end() {
      clearInterval(clockwork);
      clearTimeout(away);
    },
  };
}
