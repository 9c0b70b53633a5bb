"""What a valise, its bordereau, its seal and its custody are (decree 2013/112, article 15).

The Bureau de la Valise makes bags up, has them carried, secures them and delivers them (confection,
acheminement, sécurisation, remise). This package is what that bureau knows; what it remembers is in
`cipher_service.pouches`. It reads no clock, opens no database and needs no network, so that a
courier at an airport judges a bag by the same rules as the ministry. SPEC.md gives every byte.

Where to begin reading:

* `manifest` holds the values: `Manifest` (the bordereau), `Item`, `Waybill`, and `Mode`, `BagClass`
  and `ItemKind` in which they are told.
* `bordereau` gives its bytes, its salted digest and the proof of one line; `members` its JSON.
* `seal` is what the label carries: `claims` in `digits`, drawn by `symbol`, read by `reading`;
  `locator` finds the bag; `sealed` adds the full signatures of both persons, `rectification` what
  they put right afterwards.
* `verdict` judges a seal and its bag by name, with a `pack` where there is no network, and against
  what somebody saw (`physical`).
* `papers` prints what lies on a bag, in it and beside it.
* `errors` names every refusal.
"""
