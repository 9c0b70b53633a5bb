"""The cipher bureau's books (articles 14 and 15): dispatches received, carried, opened and sent.

- `submission`: what an origin hands in; judged in the API process, recorded by the registrar.
- `service`: the acts on dispatches, receipts and service messages.
- `lists`: what posts may read.
- `departures`, `arrivals`, `drafts`: the headquarters bureau's own sending and opening.
- `sealing`: the ministry's receipts, sealed before each COMMIT.
- `commands`: the same acts as commands of the registrar.
- `integrity`: whether the books hold together.

Glossary: register number (numéro d'enregistrement) is the ministry's own and gap-free per year;
series number is the origin's, gap-free per addressee and epoch; place is where a line stands in its
addressee's list.
"""
