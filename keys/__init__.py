"""What a key, an envelope and a signature are: the offline knowledge of the cipher bureau.

SPEC.md gives every byte. Where to begin reading:

* `dispatch` enciphers and deciphers (`sealing`, `opening`); `manifest`, `package`, `ustar`,
  `names` and `suites` are what it writes and checks, `sources` what it reads from.
* `cards` and `identity` are the public and the secret side of a post; `signing` its two signatures.
* `age` is the age v1 format beneath; `canonical` and `records` the JSON of everything signed.
* `slips`, `receipts`, `service_messages` and their kin travel beside a dispatch.
* `custody` keeps the ministry's own keys in a process apart.
* `errors` names every refusal.

Nothing here reads a clock, knows a server or decides who may do what.
"""
