// A verdict that is heard and felt: one high tone, two middle ones, two that
// fall for a bag that goes back, three low ones.
import type { Word } from "../pouch/verdict.ts";

const PATTERNS: Record<Word, { tones: number[]; shakes: number[] }> = {
  CONFORMS: { tones: [880], shakes: [120] },
  VERIFY: { tones: [523, 523], shakes: [120, 80, 120] },
  RETURN: { tones: [659, 330], shakes: [300, 80, 120] },
  REFUSE: { tones: [196, 196, 196], shakes: [300, 100, 300, 100, 300] },
};
const LASTS = 0.14;
const PATIENCE = 1_000;

let audio: AudioContext | null = null;
// When the signal before has ended: two at once would sound like another one.
let free = 0;

// Sound is allowed only from a touch on: called when the officer says "continue".
export function allowSound(): void {
  audio ??= new AudioContext();
  void audio.resume();
}

// Whether a tone comes out of the browser; what the loudspeaker makes of it a person hears. A browser
// that may not sound answers late or never.
export async function heard(): Promise<boolean> {
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  await Promise.race([audio?.resume(), late]);
  return audio?.state === "running";
}

// Says whether the device shook.
export function signal(word: Word): boolean {
  const { tones, shakes } = PATTERNS[word];
  const shook = navigator.vibrate?.(shakes) ?? false;
  document.body.dataset["signal"] = word;
  const context = audio;
  if (context) {
    free = Math.max(free, context.currentTime);
    for (const frequency of tones) {
      beep(context, frequency, free);
      free += 2 * LASTS;
    }
  }
  return shook;
}

function beep(context: AudioContext, frequency: number, at: number): void {
  const [tone, loudness] = [context.createOscillator(), context.createGain()];
  tone.frequency.value = frequency;
  loudness.gain.value = 0.25;
  tone.connect(loudness).connect(context.destination);
  tone.start(at);
  tone.stop(at + LASTS);
}
