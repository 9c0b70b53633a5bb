// Octets and digests of the page where officers sign.
export type Octets = Uint8Array<ArrayBuffer>;

export function octets(text: string): Octets {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
}

export function joined(...parts: (string | Uint8Array)[]): Octets {
  const encoder = new TextEncoder();
  const bytes = parts.map((part) => (typeof part === "string" ? encoder.encode(part) : part));
  const whole = new Uint8Array(bytes.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of bytes) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export const digest = async (data: Octets): Promise<Octets> =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", data));

export const hexadecimal = (data: Uint8Array): string =>
  Array.from(data, (one) => one.toString(16).padStart(2, "0")).join("");
