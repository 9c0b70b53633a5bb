"""What a key, an envelope and a signature are: the offline knowledge of the cipher bureau.

SPEC.md gives every byte. Where to begin reading:

* `dispatch` enciphers and deciphers (`sealing`, `heads`, `opening`); `manifest`, `package`,
  `ustar`, `names` and `suites` are what it writes and checks, `sources` what it reads from.
* `cards` and `identity` are the public and the secret side of a post; `signing` its two signatures.
* `age` is the age v1 format beneath; `canonical` and `records` the JSON of everything signed.
* `slips`, `receipts`, `service_messages` and their kin travel beside a dispatch.
* `custody` keeps the ministry's own keys, and its roll of officers, in a process apart.
* `passkeys` and `attestation` verify officers' security keys; `acts` and `act_rules` judge what
  several persons do together (ACTS.md).
* `errors` names every refusal.

Nothing here knows a server; only the custodian reads a clock and judges who may act.
"""
