// Between the telephone and its ministry: into service, the pack down, the queue up.
import { utf8 } from "../pouch/bytes.ts";
import { encode, timeText } from "../pouch/canonical.ts";
import { PackRefused, readPack, readRootFile, type Pack, type Root } from "../pouch/pack.ts";
import { ask, enrolment, newKeys, present, refusal, Refused } from "./device.ts";
import {
  alone, keepDevice, keepEvents, keepPackFile, NotKept, readDevice, readEvents, readPackFile,
  tellAgain, tryKeeping, type Answer, type Device, type Queued,
} from "./store.ts";

const AT_ONCE = 100;

// Makes the telephone a device of the signed-in officer's post. What it believes a person confirms.
// One that was in service before keeps its key, its numbering and its queue.
export async function takeIntoService(): Promise<Device> {
  const before = await readDevice();
  const made = before ?? (await newKeys());
  await tryKeeping(made.keys);
  const response = await fetch("/scan/devices", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ed25519: made.ed25519 }),
  });
  if (!response.ok) throw new Refused(await refusal(response));
  const told = (await response.json()) as { post: string; officer: string; root: string };
  await readRootFile(told.root);
  const device: Device = {
    place: told.post, counter: 0, previous: null, packVersion: 0,
    ...made, post: told.post, officer: told.officer, root: told.root, trusted: false,
  };
  await keepDevice(device);
  return device;
}

// The root that a person confirmed here. A telephone taken into service when the bureau's card still
// signed packs has that card instead: it is to be taken into service again.
export async function believed(device: Device): Promise<Root> {
  try {
    return await readRootFile(device.root);
  } catch {
    throw new Refused("ROOT_OF_BEFORE");
  }
}

// The pack that is kept, judged anew; null for none.
export async function heldPack(device: Device): Promise<Pack | null> {
  const file = await readPackFile();
  if (!file) return null;
  return readPack(file, await believed(device), device.packVersion, present());
}

// A ministry that was restored from a backup goes on under another log, and may lack what it had
// recorded: all of it waits again. What it still has it knows as the same. Says whether any waits.
async function meetLog(log: string | null): Promise<boolean> {
  return alone(async () => {
    const now = await readDevice();
    if (!now || !log || now.log === log) return false;
    return (await tellAgain({ ...now, log })) > 0;
  });
}

// Fetches the newest pack; what is not believed is not kept. Says whether events wait again.
export async function fetchPack(device: Device): Promise<boolean> {
  const response = await ask(device, "GET", "/scan/pack");
  const again = await meetLog(response.headers.get("valise-log"));
  const file = utf8(await response.text());
  const root = await believed(device);
  await alone(async () => {
    const now = await readDevice();
    if (!now) return;
    const pack = await readPack(file, root, now.packVersion, present());
    await keepPackFile(file, { ...now, packVersion: pack.version });
  });
  return again;
}

// Sends what waits; with `again`, also what was refused. Each event keeps its answer.
export async function sendQueue(device: Device, again: boolean): Promise<void> {
  const waiting = (await readEvents()).filter(
    (event) => event.state === "pending" || (again && event.state === "refused"),
  );
  for (let start = 0; start < waiting.length; start += AT_ONCE) {
    const some = waiting.slice(start, start + AT_ONCE);
    const response = await ask(device, "POST", "/scan/events", envelope(some, device));
    const { answers } = (await response.json()) as { answers: Answer[] };
    await keepEvents(some.map((event, place) => answered(event, answers[place])));
  }
}

// A half whose answer was never read here, of which the pack tells that the taker delivered it.
export async function settleHalves(pack: Pack): Promise<void> {
  const told = (await readEvents()).filter(({ state, handing }) => state === "half" && handing
    && (pack.arrivals.has(handing.seal)
      || (pack.announced.get(handing.seal)?.handOvers ?? 0) >= handing.ordinal));
  await keepEvents(told.map((event) => ({ ...event, state: "recorded" as const })));
}

function answered(event: Queued, answer: Answer | undefined): Queued {
  if (!answer) return event;
  return { ...event, state: answer.refusal ? "refused" : "recorded", answer };
}

// A queue as a file: any post hands it over by `chiffre bag-events`, headquarters takes it in itself. The
// device says by its own signature whose it is, so that a ministry that lost its enrolment can take it in
// again, and then its readings.
export async function exported(events: Queued[], device: Device): Promise<string> {
  const whole = events.filter((event) => event.state !== "half");
  const files = whole.map((event) => event.file).join(",");
  return `{"clock":null,"device":${encode(await enrolment(device))},"events":[${files}]}`;
}

function envelope(events: Queued[], device: Device): string {
  const clock = { device: device.id, time: timeText(present()) };
  const files = events.map((event) => event.file).join(",");
  return `{"clock":${JSON.stringify(clock)},"events":[${files}]}`;
}

export function codeOf(error: unknown): string {
  if (error instanceof Refused || error instanceof PackRefused) return error.code;
  if (error instanceof NotKept) return "NOT_KEPT";
  return error instanceof TypeError ? "NO_NETWORK" : "UNAVAILABLE";
}
