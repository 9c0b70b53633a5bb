// What the service refuses, told in the place of the card: cause, effect, what to do.
export interface Refusal {
  code: string;
  cause: string;
  effect: string;
  remedy: string;
  reference: string;
}
