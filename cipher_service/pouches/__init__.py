"""The Bureau de la Valise (article 15): what it remembers of bags, seals and who had them.

`pouch/` knows what a bag is; this package keeps which bags there are. Glossary: a *bag* (sac) lives
for years; a *closing* is one filling of it, from make-up (confection) to discharge (décharge); a
*departure* is a dated voyage on a *route*; *lines* are the items of its bordereau; *events* are the
signed facts of its custody; a *discrepancy* (irrégularité) is a case from report to close.

* `makeup`: departures, cut-offs, scan-to-add, sealing by two persons.
* `stock`: the register of physical seals.
* `custody`: events from devices, receipts, discharges, alarms.
* `cases`: discrepancies and their clocks.
* `overview`: what is looked at each day: counts, silence, empties. `lookup`: what a post may see;
  `listing`: which bags an officer may.
* `returns`: empty bags that come home.
* `lateness`: the cases that open by themselves.
* `devices`: whose telephones tell. `commands`: what the registrar runs.
"""
