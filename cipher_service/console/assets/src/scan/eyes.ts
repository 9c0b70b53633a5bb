// What reads symbols: camera, photograph, hand scanner. The decoding is the worker's.
import { LOCATOR_DIGITS } from "../pouch/digits.ts";

// So many keys in one go are a seal's digits; a person writes a locator, with spaces and corrections.
const WRITTEN_MOST = 4 * LOCATOR_DIGITS;
const POLICY = (
  window as unknown as {
    trustedTypes?: {
      createPolicy(name: string, rules: object): { createScriptURL(url: string): string };
    };
  }
).trustedTypes?.createPolicy("app", {
  createScriptURL(url: string): string {
    const ours = /^\/scan\/(?:files\/scan-(?:reader|handing)\.[0-9a-f]{16}\.js|offline\.js)$/;
    if (!ours.test(url)) throw new TypeError("not a script of this page");
    return url;
  },
});

export function scriptUrl(url: string): string {
  return POLICY ? POLICY.createScriptURL(url) : url;
}

export class Reader {
  private readonly worker: Worker;
  private next = 0;
  private broken = false;
  private readonly waiting = new Map<number, (texts: string[]) => void>();

  constructor(script: string, wasm: string) {
    this.worker = new Worker(scriptUrl(script));
    this.worker.postMessage({ wasm });
    // A worker that does not start reads nothing, and nobody waits for it.
    this.worker.onerror = () => {
      this.broken = true;
      for (const answer of this.waiting.values()) answer([]);
      this.waiting.clear();
    };
    this.worker.onmessage = ({ data }: MessageEvent<{ id: number; texts: string[] }>) => {
      this.waiting.get(data.id)?.(data.texts);
      this.waiting.delete(data.id);
    };
  }

  read(bitmap: ImageBitmap): Promise<string[]> {
    if (this.broken) return Promise.resolve([]);
    const id = (this.next += 1);
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.worker.postMessage({ id, bitmap }, [bitmap]);
    });
  }
}

// One seal and one only: two faces of a tag are one; a locator beside it is passed over.
export function oneText(texts: string[]): string | null {
  const distinct = [...new Set(texts)];
  const seals = distinct.filter((text) => text.length !== 24);
  const chosen = seals.length ? seals : distinct;
  return chosen.length === 1 ? (chosen[0] ?? null) : null;
}

export class Camera {
  private stream: MediaStream | null = null;
  private running = false;
  readonly video: HTMLVideoElement;
  private readonly reader: Reader;

  constructor(video: HTMLVideoElement, reader: Reader) {
    this.video = video;
    this.reader = reader;
  }

  // Reads until `seen` says so: false for going on. Rejects when there is no camera or it was refused.
  async start(lens: string | null, seen: (text: string) => boolean | void): Promise<void> {
    this.stop();
    const wanted = lens ? { deviceId: { exact: lens } } : { facingMode: "environment" };
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { ...wanted, width: { ideal: 1920 }, height: { ideal: 1080 } },
    });
    this.stream = stream;
    this.running = true;
    this.video.srcObject = stream;
    await this.video.play();
    void this.look(stream, seen);
  }

  stop(): void {
    this.running = false;
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.video.srcObject = null;
  }

  async lenses(): Promise<MediaDeviceInfo[]> {
    const every = await navigator.mediaDevices.enumerateDevices();
    return every.filter((each) => each.kind === "videoinput");
  }

  get lens(): string | null {
    return this.track?.getSettings().deviceId ?? null;
  }

  get hasTorch(): boolean {
    const can = this.track?.getCapabilities?.() as { torch?: boolean } | undefined;
    return can?.torch === true;
  }

  async torch(lit: boolean): Promise<void> {
    const wish = { advanced: [{ torch: lit }] } as unknown as MediaTrackConstraints;
    await this.track?.applyConstraints(wish);
  }

  private get track(): MediaStreamTrack | undefined {
    return this.stream?.getVideoTracks()[0];
  }

  private async look(stream: MediaStream, seen: (text: string) => boolean | void): Promise<void> {
    while (this.running && this.stream === stream) {
      if (this.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
        await new Promise(requestAnimationFrame);
        continue;
      }
      const text = oneText(await this.reader.read(await createImageBitmap(this.video)));
      if (text && this.running && this.stream === stream && seen(text) !== false) this.stop();
    }
  }
}

// A hand scanner types keys and ends with Enter. The physical key counts, not the layout's sign:
// an AZERTY layout gives "&" for the key whose code is Digit1. It types wherever the focus is: what
// goes into a field and is no longer than a person would write is left to the field's form.
export class Wedge {
  private typed = "";
  private last = 0;
  private where: EventTarget | null = null;
  private readonly seen: (text: string) => void;
  private readonly takes: (text: string) => boolean;

  constructor(seen: (text: string) => void, takes: (text: string) => boolean = () => true) {
    this.seen = seen;
    this.takes = takes;
  }

  readonly key = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const field = event.target instanceof HTMLInputElement && event.target.type === "text"
      ? event.target : null;
    if (event.timeStamp - this.last > 2_000 || event.target !== this.where) this.typed = "";
    this.last = event.timeStamp;
    this.where = event.target;
    if (event.key === "Enter" && this.typed) {
      const text = this.typed;
      this.typed = "";
      if ((field && text.length <= WRITTEN_MOST) || !this.takes(text)) return;
      event.preventDefault();
      this.seen(text);
      return;
    }
    if (event.key === "Enter" && field?.value === "") event.preventDefault();
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
    const sign = digit ?? (event.key.length === 1 ? event.key : "");
    // Some scanners begin with an Enter of their own: nothing was typed, nothing is read.
    if (sign && this.typed.length < 4_096) this.typed += sign;
  };
}
