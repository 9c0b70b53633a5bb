// The one judgement on a seal and its bag, as pouch/verdict.py makes it, without the sealed
// manifest: that file travels enciphered and is never on a telephone.
import { hex, Malformed, sha256, utf8, type Bytes } from "./bytes.ts";
import { decodeBytes, type Value } from "./canonical.ts";
import type { Claims } from "./claims.ts";
import { compareSeals, weightIsOff, type Observed } from "./observed.ts";
import {
  SKEW, type Announced, type Card, type Logged, type Pack, type RectifiedTo,
} from "./pack.ts";
import { isLogged, readSeal, type Seal } from "./seal.ts";
import { holdsEd25519 } from "./signatures.ts";

// The gravest first.
const NAMES = [
  "SEAL_DAMAGED", "KEY_UNKNOWN", "SEAL_EDITED", "ISSUER_FALSE", "KEY_REVOKED", "KEY_NOT_IN_FORCE",
  "SEAL_REVOKED", "CLONE_SUSPECTED", "SEAL_EXPIRED", "SEAL_NOT_YET_VALID", "BAG_UNANNOUNCED",
  "ANNOUNCEMENT_DIFFERS", "LOG_PROOF_INVALID", "SEAL_NUMBERS_WRONG", "BAG_RECALLED",
  "SEAL_NUMBER_NEAR_MISS", "BAG_COUNT_WRONG", "WEIGHT_OFF", "SEAL_GENUINE_BAG_UNCHECKED",
  "SEAL_GENUINE_BAG_ANNOUNCED", "SEAL_GENUINE_BAG_CHECKED",
] as const;
export type Name = (typeof NAMES)[number];
export type Word = "CONFORMS" | "VERIFY" | "RETURN" | "REFUSE";

export interface Verdict {
  findings: Name[];
  name: Name;
  word: Word;
  claims: Claims | null;
  witnessing: "unwitnessed" | "claimed";
  logging: "no-proof" | "unchecked" | "proved";
  pack: { version: number; age: number; expired: boolean } | null;
  place: string | null; // where the closing was received before
  rectified: RectifiedTo | null; // how a pack in its time tells that its bordereau was put right
}

const TO_VERIFY: readonly Name[] = [
  "SEAL_NUMBER_NEAR_MISS", "BAG_COUNT_WRONG", "WEIGHT_OFF", "SEAL_GENUINE_BAG_UNCHECKED",
  "SEAL_GENUINE_BAG_ANNOUNCED",
];

function wordOf(name: Name): Word {
  if (name === "SEAL_GENUINE_BAG_CHECKED") return "CONFORMS";
  if (name === "BAG_RECALLED") return "RETURN";
  return TO_VERIFY.includes(name) ? "VERIFY" : "REFUSE";
}

export async function judge(
  text: string, trust: Card[], clock: number, pack: Pack | null, observed: Observed | null,
): Promise<Verdict> {
  // A clock that is behind the pack's issue is not believed.
  const at = Math.max(clock, pack?.issued ?? clock);
  const seen = pack && {
    version: pack.version, age: at - pack.issued, expired: at >= pack.expires,
  };
  const alone = (name: Name): Verdict => ({
    findings: [name], name, word: "REFUSE", claims: null, witnessing: "unwitnessed",
    logging: "no-proof", pack: seen, place: null, rectified: null,
  });
  let seal: Seal;
  try {
    seal = readSeal(text);
  } catch (error) {
    if (error instanceof Malformed) return alone("SEAL_DAMAGED");
    throw error;
  }
  const kid = hex(seal.kid);
  const named = trust.filter((card) => card.fingerprint.startsWith(kid));
  if (named.length === 0) return alone("KEY_UNKNOWN");
  let signer: Card | null = null;
  for (const card of named) {
    if (await holdsEd25519(card.ed25519, seal.signed, seal.signature)) signer = card;
    if (signer) break;
  }
  if (!signer) return alone("SEAL_EDITED");
  const findings = [
    ...judgeKey(seal.claims, signer, pack),
    ...judgeStanding(seal.claims, at, pack),
  ];
  let best: Name = "SEAL_GENUINE_BAG_UNCHECKED";
  let rectified: RectifiedTo | null = null;
  if (pack && at < pack.expires) {
    const finding = judgeAnnouncement(seal.claims, pack);
    if (finding === "SEAL_GENUINE_BAG_ANNOUNCED") {
      best = finding;
      rectified = pack.announced.get(seal.claims.seal)?.rectified ?? null;
    } else if (finding) findings.push(finding);
  }
  const logging = await judgeLog(seal, pack);
  if (logging === "wrong") findings.push("LOG_PROOF_INVALID");
  if (observed) {
    findings.push(...judgeBag(seal.claims, observed, (rectified ?? seal.claims).weight));
    if (observed.seals) best = "SEAL_GENUINE_BAG_CHECKED";
  }
  findings.sort((one, other) => NAMES.indexOf(one) - NAMES.indexOf(other));
  const [name = best] = findings;
  return {
    findings: findings.length ? findings : [best],
    name,
    word: wordOf(name),
    claims: seal.claims,
    witnessing: seal.claims.witness === null ? "unwitnessed" : "claimed",
    logging: logging === "wrong" ? "unchecked" : logging,
    pack: seen,
    place: pack?.arrivals.get(seal.claims.seal)?.place ?? null,
    rectified,
  };
}

function judgeKey(claims: Claims, card: Card, pack: Pack | null): Name[] {
  const findings: Name[] = [];
  if (claims.issuer !== card.post) findings.push("ISSUER_FALSE");
  if (pack?.revokedCards.has(card.fingerprint)) findings.push("KEY_REVOKED");
  if (claims.issued < card.from || claims.issued >= card.until) findings.push("KEY_NOT_IN_FORCE");
  return findings;
}

function judgeStanding(claims: Claims, at: number, pack: Pack | null): Name[] {
  const findings: Name[] = [];
  if (pack?.revokedSeals.has(claims.seal)) findings.push("SEAL_REVOKED");
  if (pack?.recalled.has(claims.seal)) findings.push("BAG_RECALLED");
  if (pack?.arrivals.has(claims.seal)) findings.push("CLONE_SUSPECTED");
  if (at >= claims.expires) findings.push("SEAL_EXPIRED");
  if (at < claims.issued - SKEW) findings.push("SEAL_NOT_YET_VALID");
  return findings;
}

function judgeAnnouncement(claims: Claims, pack: Pack): Name | null {
  const told = pack.announced.get(claims.seal);
  if (told) return agree(told, claims) ? "SEAL_GENUINE_BAG_ANNOUNCED" : "ANNOUNCEMENT_DIFFERS";
  const known = pack.arrivals.has(claims.seal) || pack.recalled.has(claims.seal);
  return known ? null : "BAG_UNANNOUNCED";
}

function agree(told: Announced, claims: Claims): boolean {
  return (
    told.bag === claims.bag && told.digest === claims.digest &&
    told.seals.join() === claims.seals.join() && told.destination === claims.destination &&
    told.packages === claims.packages &&
    (told.expires === null || told.expires === claims.expires)
  );
}

async function judgeLog(
  seal: Seal, pack: Pack | null,
): Promise<Verdict["logging"] | "wrong"> {
  const told = pack?.announced.get(seal.claims.seal)?.logged ?? null;
  const proof = seal.proof ?? told;
  if (!proof) return "no-proof";
  const root = pack?.roots.get(proof.size);
  if (!root) return "unchecked";
  const leaf = seal.proof || !told ? seal.message : await entryOf(told, seal.message);
  return leaf && (await isLogged(leaf, proof, root)) ? "proved" : "wrong";
}

// The log's entry about a message, as pouch/logged.py; null when its record is of another.
async function entryOf(told: Logged, message: Bytes): Promise<Bytes | null> {
  let record: Value;
  try {
    record = decodeBytes(told.record);
  } catch (error) {
    if (error instanceof Malformed) return null;
    throw error;
  }
  if (typeof record !== "object" || record === null || Array.isArray(record)) return null;
  const wanted = {
    type: "depeche/v1 audit", action: "pouch_seal_logged", outcome: "done",
    resource: hex(await sha256(message)),
  };
  const named = Object.entries(wanted).every(([member, value]) => record[member] === value);
  return named ? sha256(utf8("depeche/v1 audit-leaf\0"), told.salt, told.record) : null;
}

function judgeBag(claims: Claims, observed: Observed, weight: number): Name[] {
  const findings: Name[] = [];
  if (observed.seals) {
    const { equal, near } = compareSeals(claims.seals, observed.seals);
    if (near) findings.push("SEAL_NUMBER_NEAR_MISS");
    else if (!equal) findings.push("SEAL_NUMBERS_WRONG");
  }
  if (observed.packages !== null && observed.packages !== claims.packages) {
    findings.push("BAG_COUNT_WRONG");
  }
  if (observed.weight !== null && weightIsOff(weight, observed.weight)) {
    findings.push("WEIGHT_OFF");
  }
  return findings;
}
