// What the telephone keeps: its key, its pack, and the queue of what it told. The queue only grows:
// what was answered stays with its answer, what was refused stays and shows.
import type { Bytes } from "../pouch/bytes.ts";

export interface Device {
  keys: CryptoKeyPair; // Ed25519, cannot be taken out of this browser
  ed25519: string;
  id: string;
  post: string;
  officer: string;
  place: string;
  root: string; // the ministry's root, which signs packs, as its file
  trusted: boolean; // whether a person compared the root's fingerprint
  counter: number;
  previous: string | null;
  packVersion: number;
  log?: string; // the ministry's log as last met: another one means that it was restored
}

export interface Answer {
  id: string | null;
  refusal: string | null;
  new: boolean;
  receipt: string | null;
  expected: string[];
  differences: [string, string][];
  alarms: string[];
}

export interface Queued {
  counter: number;
  id: string;
  file: string;
  kind: string;
  bag: string;
  at: number;
  state: "pending" | "recorded" | "refused" | "half";
  answer: Answer | null;
  handing?: Handing;
}

// Of a hand-over without network: `file` is the giver's half until the taker's answer was read.
export interface Handing {
  seal: string;
  ordinal: number;
  taker: string; // its public key, by which the answer is judged
  carried: boolean; // another telephone's event, which this one takes along
}

// The browser kept nothing of what it was given, or cannot be asked: refused storage, or no room.
export class NotKept extends Error {}

const STORES = ["device", "events", "pack", "carried"] as const;
type Store = (typeof STORES)[number];
const SELF = "self";
const TRIAL = "trial";
let opened: Promise<IDBDatabase> | null = null;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open("scan", 2);
    request.onupgradeneeded = ({ oldVersion }) => {
      if (oldVersion < 1) {
        request.result.createObjectStore("device");
        request.result.createObjectStore("pack");
        request.result.createObjectStore("events", { keyPath: "counter" });
      }
      request.result.createObjectStore("carried", { keyPath: "id" });
    };
    request.onblocked = () => reject(new Error("another tab holds what was kept before"));
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  }).catch((error: unknown) => {
    opened = null;
    throw error;
  });
  return opened;
}

// Runs requests in one transaction, and answers once it is on the disk.
async function within<Result>(
  mode: IDBTransactionMode,
  work: (store: (name: Store) => IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  try {
    return await transacted(mode, work);
  } catch (error) {
    throw new NotKept(String(error));
  }
}

async function transacted<Result>(
  mode: IDBTransactionMode,
  work: (store: (name: Store) => IDBObjectStore) => IDBRequest<Result>,
): Promise<Result> {
  const transaction = (await database()).transaction(STORES, mode, { durability: "strict" });
  return new Promise((resolve, reject) => {
    const request = work((name) => transaction.objectStore(name));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onabort = () => reject(transaction.error);
    transaction.onerror = () => reject(transaction.error);
  });
}

export function readDevice(): Promise<Device | undefined> {
  return within("readonly", (store) => store("device").get(SELF));
}

export async function keepDevice(device: Device): Promise<void> {
  await within("readwrite", (store) => store("device").put(device, SELF));
}

// Keeps a new key and forgets it: a device that cannot be kept is never made known to the ministry.
export async function tryKeeping(keys: CryptoKeyPair): Promise<void> {
  await within("readwrite", (store) => {
    store("device").put(keys, TRIAL);
    return store("device").delete(TRIAL);
  });
}

// What this telephone told, then what it takes along for others.
export async function readEvents(): Promise<Queued[]> {
  const own = await within<Queued[]>("readonly", (store) => store("events").getAll());
  const carried = await within<Queued[]>("readonly", (store) => store("carried").getAll());
  return [...own, ...carried];
}

function placeOf(event: Queued): Store {
  return event.handing?.carried ? "carried" : "events";
}

export async function keepEvents(events: Queued[]): Promise<void> {
  if (events.length === 0) return;
  await within("readwrite", (store) => {
    const requests = events.map((event) => store(placeOf(event)).put(event));
    return requests[requests.length - 1] as IDBRequest<IDBValidKey>;
  });
}

// Puts an event at the end of the queue and the device's numbering forward, both or neither.
export async function appendEvent(event: Queued, device: Device): Promise<void> {
  await within("readwrite", (store) => {
    store("device").put(device, SELF);
    return store("events").add(event); // refuses a counter that was used
  });
}

// Lets what was recorded under another log wait again, and remembers the log: both or neither.
export async function tellAgain(device: Device): Promise<number> {
  const recorded = (await readEvents()).filter((event) => event.state === "recorded");
  await within("readwrite", (store) => {
    for (const event of recorded) store(placeOf(event)).put({ ...event, state: "pending" });
    return store("device").put(device, SELF);
  });
  return recorded.length;
}

export function readPackFile(): Promise<Bytes | undefined> {
  return within("readonly", (store) => store("pack").get(SELF));
}

export async function keepPackFile(file: Bytes, device: Device): Promise<void> {
  await within("readwrite", (store) => {
    store("device").put(device, SELF);
    return store("pack").put(file, SELF);
  });
}

// One at a time over all tabs of this page: numbering must not fork.
export function alone<Result>(work: () => Promise<Result>): Promise<Result> {
  return navigator.locks.request("scan", work) as Promise<Result>;
}
