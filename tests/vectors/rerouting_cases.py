"""Vectors of rerouting: good addenda, and every way in which one can be false.

MINREX wrote to PARIS; then somebody added LOME. The forger holds the file key, as any addressee
does, and can make the MAC hold; what it lacks is the keys of an entitled card.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from keys import canonical
from keys.age import hybrid
from keys.age.header import Stanza, seal_header
from keys.cards import Card
from keys.identity import Identity
from keys.manifest import Manifest, Sender
from keys.rerouting import Addendum, Rerouting
from keys.signing import MANIFEST, REROUTING
from tests.vectors.envelope_cases import LOME, MINREX, OPENED, PARIS, Case
from tests.vectors.forge import FILE_KEY, NOW, YEAR, Forgery, addressee, heading, identity, split

Change = Callable[[dict[str, Any]], None]


@dataclass
class Added:
    """One addendum in the making; change what shall be wrong."""

    cards: list[Card] = field(default_factory=lambda: [LOME])
    by: str = "MINREX"
    number: int = 1
    previous: str | None = None
    copy: bool = False
    alter: Change | None = None
    alter_after: Change | None = None
    sign_with: Identity | None = None
    context: str = REROUTING
    wrapped: list[Card] | None = None

    def addendum(self, manifest: Manifest) -> Addendum:
        card = identity(self.by).card
        entries = [addressee(each, None if self.copy else 1) for each in self.cards]
        return Addendum(
            manifest=manifest.hash,
            number=self.number,
            previous=self.previous,
            sender=Sender(card.post, card.fingerprint),
            to=tuple(entries),
            created=NOW + timedelta(hours=1),
            reason="Pour attribution : l'affaire relève de Lomé.",
        )

    def stanzas(self, manifest: Manifest) -> list[Stanza]:
        members = canonical.decode(self.addendum(manifest).encode())
        if self.alter:
            self.alter(members)
        signer = self.sign_with or identity(self.by)
        signatures = signer.sign(self.context, canonical.encode(members))
        if self.alter_after:
            self.alter_after(members)
        shape = Rerouting(self.addendum(manifest), signatures).stanza()
        body = canonical.decode(shape.body) | {"addendum": members}
        wrapped = self.cards if self.wrapped is None else self.wrapped
        return [
            replace(shape, body=canonical.encode(body)),
            *(hybrid.wrap(FILE_KEY, card.recipient) for card in wrapped),
        ]


def rerouted(*added: Added, forgery: Forgery | None = None) -> Callable[[], bytes]:
    """MINREX to PARIS, then these addenda."""

    def make() -> bytes:
        made = forgery or Forgery([PARIS])
        manifest = Manifest.parse(made.manifest())
        made.alter_stanzas = lambda stanzas: stanzas.extend(
            stanza for each in added for stanza in each.stanzas(manifest)
        )
        return made.seal()

    return make


def _set(name: str, value: Any) -> Change:
    return lambda members: members.__setitem__(name, value)


def cases() -> Iterator[Case]:
    """Every case of this module."""
    yield from _good()
    yield from _malformed()
    yield from _misplaced()
    yield from _unsigned()


def _good() -> Iterator[Case]:
    one = rerouted(Added())
    yield Case("good-rerouted", "the addressee of an addendum", OPENED, one, "LOME")
    yield Case("good-rerouted-first", "the first addressee of the same", OPENED, one, "PARIS")
    yield Case(
        "good-rerouted-twice",
        "a second addendum, the rerouter's own copy",
        OPENED,
        _chain(Added(), Added([MINREX], copy=True)),
        "MINREX",
    )


def _chain(first: Added, second: Added) -> Callable[[], bytes]:
    """Two addenda, the second citing the first."""
    manifest = Manifest.parse(Forgery([PARIS]).manifest())
    second.number, second.previous = 2, first.addendum(manifest).hash
    return rerouted(first, second)


def _malformed() -> Iterator[Case]:
    invalid = "REROUTING_INVALID"
    changes: dict[str, tuple[str, Change]] = {
        "unknown": ("an unknown member", _set("urgent", value=True)),
        "reason": ("no reason", _set("reason", "")),
        "v2": ("another version", _set("v", 2)),
        "type": ("another type", _set("type", MANIFEST)),
        "number-0": ("number 0", _set("number", 0)),
        "series": ("no number for an addressee", lambda m: m["to"][0].update(series=None)),
        "copy": ("somebody else's copy", lambda m: m["to"][0].update(series=None, role="copy")),
        "twice": ("one key twice", lambda m: m["to"].append(m["to"][0])),
    }
    for name, (about, change) in changes.items():
        case = rerouted(Added(alter=change))
        yield Case(f"rerouting-{name}", about, invalid, case, "LOME")

    def argument(stanzas: list[Stanza]) -> None:
        stanzas[2] = replace(stanzas[2], args=("x",))

    made = rerouted(Added())
    yield Case("rerouting-argument", "an argument", invalid, _then(made, argument), "LOME")


def _then(make: Callable[[], bytes], change: Callable[[list[Stanza]], None]) -> Callable[[], bytes]:
    """The same with its stanzas altered, under a MAC that holds."""

    def altered() -> bytes:
        header, payload = split(make())
        stanzas = list(header.stanzas)
        change(stanzas)
        return seal_header(stanzas, FILE_KEY) + payload

    return altered


def _misplaced() -> Iterator[Case]:
    invalid, mismatch = "REROUTING_INVALID", "ADDRESSEES_MISMATCH"
    other = Manifest.parse(Forgery([PARIS], heading=heading(subject="Autre")).manifest())
    yield Case(
        "rerouting-of-another",
        "an addendum of another dispatch, truly signed",
        invalid,
        rerouted(Added(alter=_set("manifest", other.hash))),
        "LOME",
    )
    yield Case(
        "rerouting-second-alone",
        "the first addendum was taken out",
        invalid,
        rerouted(Added(number=2, previous="0" * 64)),
        "LOME",
    )
    yield Case(
        "rerouting-chain",
        "the second addendum cites another first",
        invalid,
        rerouted(Added(), Added([MINREX], copy=True, number=2, previous="0" * 64)),
        "LOME",
    )
    yield Case(
        "rerouting-named-before",
        "an addendum names a key that the manifest names",
        invalid,
        rerouted(Added([PARIS])),
    )
    yield Case(
        "rerouting-added",
        "an insider adds a reader behind an addendum",
        mismatch,
        rerouted(Added(wrapped=[LOME, identity("ROGUE").card])),
        "LOME",
    )
    yield Case(
        "rerouting-stripped",
        "an insider hides an addressee of an addendum",
        mismatch,
        rerouted(Added([LOME, identity("ROGUE").card], wrapped=[LOME])),
        "LOME",
    )
    yield Case(
        "rerouting-replaced",
        "the stanza of a first addressee was dropped for the new one",
        mismatch,
        rerouted(Added(), forgery=Forgery([], to=[addressee(PARIS)])),
        "LOME",
    )


def _unsigned() -> Iterator[Case]:
    rogue = identity("ROGUE")
    yield Case(
        "rerouting-stranger",
        "signed by a card that nobody trusts",
        "UNKNOWN_SENDER",
        rerouted(Added(by="ROGUE")),
        "LOME",
    )
    yield Case(
        "rerouting-not-entitled",
        "an addressee, trusted, reroutes what it may only read",
        "REROUTING_NOT_ENTITLED",
        rerouted(Added(by="PARIS")),
        "LOME",
        ("MINREX", "PARIS"),
    )
    signature = "SIGNATURE_INVALID"
    yield Case(
        "rerouting-forged",
        "signed by another in the origin's name",
        signature,
        rerouted(Added(sign_with=rogue)),
        "LOME",
    )
    yield Case(
        "rerouting-context",
        "signed as a manifest",
        signature,
        rerouted(Added(context=MANIFEST)),
        "LOME",
    )
    yield Case(
        "rerouting-edited",
        "the addressee was exchanged after signing",
        signature,
        rerouted(
            Added([PARIS], wrapped=[LOME], alter_after=lambda m: m["to"][0].update(_named(LOME)))
        ),
        "LOME",
    )
    late = YEAR[1].strftime("%Y-%m-%dT%H:%M:%SZ")
    yield Case(
        "rerouting-late",
        "the rerouter's card had ended",
        "CARD_NOT_IN_FORCE",
        rerouted(Added(alter=_set("created", late))),
        "LOME",
    )


def _named(card: Card) -> dict[str, str]:
    return {"post": card.post, "fingerprint": card.fingerprint}
