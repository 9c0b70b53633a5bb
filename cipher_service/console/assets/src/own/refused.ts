// What the pages of own keys refuse by themselves; `own/page` has the words.

// An envelope that did not pass a check, by the check's code.
export class Refused extends Error {}

// The security key is of a sort that has no such secret.
export class WithoutSecret extends Error {}

// Not a share, shares of two splittings, or shares of which one was forged.
export class SharesWrong extends Error {}
