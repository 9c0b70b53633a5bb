"""The posts: their directory, one post, all of them at a glance, and numbers per day.

* `books`: what the books say, and who may see it. `state`: a post, and how bad it is.
* `traffic`: numbers in and out; `gaps`: those that never came; `skipped`: those that a restore
  cancelled. `waits`: what awaits a person. `pages`: the handlers.
"""

from typing import Final

from cipher_service.console.flow import Flow, Page, Place
from cipher_service.console.language import mark
from cipher_service.console.posts import pages, waits

_KEYS: Final = frozenset({"CUSTODIAN-A", "CUSTODIAN-B", "CHIEF-CNTC", "SECURITY-OFFICER"})
_MAIL: Final = frozenset(
    {
        *("CIPHER-CLERK", "POST-CIPHER-CLERK", "CHIEF-CIPHER-POUCH", "DEPUTY-DIRECTOR"),
        *("MINISTER", "MINISTER-DELEGATE", "SECRETARY-GENERAL", "CHIEF-MAIL-LIAISON"),
        *("CONFIDENTIAL-MAIL-AGENT", "HEAD-OF-POST", "AUDITOR"),
    }
)

FLOW: Final = Flow(
    "posts",
    (
        Page("/postes", pages.directory),
        Page("/postes/apercu", pages.glance),
        Page("/postes/numeros", pages.numbers),
        Page("/postes/numeros/relancer", pages.chase, "POST"),
        Page("/postes/{post}", pages.post),
    ),
    (
        Place(mark("Postes"), "/postes", _KEYS | _MAIL, shortcut="o"),
        Place(mark("État des postes"), "/postes/apercu", _KEYS | _MAIL, shortcut="e"),
        Place(mark("Numéros par jour"), "/postes/numeros", _MAIL, shortcut="n"),
    ),
    waits.awaits,
    keys=(
        ("g o", mark("Aller aux postes")),
        ("g e", mark("Aller à l’état des postes")),
        ("g n", mark("Aller aux numéros par jour")),
        ("t", mark("Passer d’un dessin à son tableau")),
    ),
)
