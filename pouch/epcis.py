"""A bag's life as an EPCIS 2.0 document (GS1), for partners and archives that know no valise.

Each custody event becomes one EPCIS event whose id is its own hash (CBV 2.0, "event hash ID"), so
that two exports of one life name the same events. A correction repeats the wrong event with an
error declaration, which leaves its id as it was; so does a bag's weight that its origin put right
(pouch/SPEC.md §13), beside the sealing with the right one. Bags, seals, places and officers are
URIs under the ministry's own authority: CBV chapter 8 allows it, and no GS1 prefix is needed.

EPCIS knows no sealing: seals are *installed* in an AssociationEvent, whose parent is the bag.

    document = epcis_document(events, "https://valise.example", made)
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from keys.canonical import text_from_time
from pouch.custody import is_in_order
from pouch.facts import (
    BROKEN,
    DAMAGED,
    INTACT,
    MISSING,
    Accounted,
    Corrected,
    Found,
    HandedOver,
    Lost,
    Opened,
    Prepared,
    Recalled,
    Received,
    Sealed,
    Seen,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pouch.events import Event

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
# Ours are plain https URIs: no port, query or fragment that a reader could fold together.
AUTHORITY: Final = re.compile(r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?:/[a-z][a-z-]*)*")

_CBV: Final = "https://ref.gs1.org/cbv/"
_CONDITIONS: Final = {
    INTACT: "container_closed",
    DAMAGED: "damaged",
    BROKEN: "container_open",
    MISSING: "non_conformant",
}


@dataclass(frozen=True, slots=True)
class Reweighed:
    """A bag's weight as a rectification of its bordereau put it right.

    Attributes:
        hash: of the rectification's statement, 64 hexadecimal digits.
        made: when it was issued, UTC, whole seconds.
        weight_g: of the closed bag.
    """

    hash: str
    made: datetime
    weight_g: int


def epcis_document(
    events: Iterable[Event],
    authority: str,
    made: datetime,
    reweighed: Mapping[str, Sequence[Reweighed]] | None = None,
) -> dict[str, Any]:
    """Gives the EPCIS document of some custody events, in the order of their times.

    Args:
        events: of any closings, in any order, repeated or not. A correction whose event is not
            among them is left out until it is.
        authority: URI under which bags, seals, places and officers are named, such as
            `https://valise.example`.
        made: when the document is made, UTC, whole seconds.
        reweighed: weights that were put right, in their order, by the closings' identifiers.

    Raises:
        ValueError: `authority` is not such a URI.
    """
    if not AUTHORITY.fullmatch(authority):
        raise ValueError("an authority is an https URI without port, query or fragment")
    told = {event.id: event for event in events}
    export = _Export(authority, told)
    ordered = sorted(told.values(), key=lambda event: (event.at, event.id))
    put_right = (
        each
        for event in ordered
        if isinstance(event.facts, Sealed)
        for each in export.reweighed(event, event.facts, (reweighed or {}).get(event.seal, ()))
    )
    return {
        "@context": [CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": text_from_time(made),
        "epcisBody": {
            "eventList": [
                *(
                    told_so
                    for event in ordered
                    if (told_so := export.epcis_event(event)) is not None
                ),
                *put_right,
            ]
        },
    }


def event_hash_id(event: Mapping[str, Any]) -> str:
    """Gives the CBV 2.0 event hash id of an EPCIS event of the shapes that this module makes.

    The canonical string puts the members in the order of the standard without separators, bare
    words as web URIs and lists sorted; id, error declaration and record time take no part.
    """
    canonical = f"eventType={event['type']}" + "".join(
        part(event[name]) for name, part in _PARTS.items() if name in event
    )
    return f"ni:///sha-256;{hashlib.sha256(canonical.encode()).hexdigest()}?ver=CBV2.0"


@dataclass(frozen=True, slots=True)
class _Export:
    """The events at hand and how their things are named."""

    authority: str
    told: Mapping[str, Event]

    def epcis_event(self, event: Event) -> dict[str, Any] | None:
        if isinstance(event.facts, Corrected):
            return self._error_declaration(event, event.facts)
        shape = _SHAPES[type(event.facts)](self, event, event.facts)
        made = {
            "type": shape.pop("type", "ObjectEvent"),
            "eventTime": text_from_time(event.at),
            "eventTimeZoneOffset": "+00:00",
            **({} if "parentID" in shape else {"epcList": [self.bag(event)]}),
            "action": shape.pop("action", "OBSERVE"),
            "readPoint": {"id": self.name("place", event.place)},
            **shape,
        }
        made["bizTransactionList"] = [
            *made.get("bizTransactionList", ()),
            # The signed event that this one tells of.
            {"type": "cert", "bizTransaction": f"ni:///sha-256;{event.id}"},
        ]
        return {"eventID": event_hash_id(made), **made}

    def reweighed(
        self, event: Event, facts: Sealed, rights: Sequence[Reweighed]
    ) -> Iterator[dict[str, Any]]:
        """Gives the sealing anew with each right weight, and the one before it as an error."""
        told = self.epcis_event(event) or {}
        wrong, weight_g = told, facts.weight_g
        for right in rights:
            if right.weight_g == weight_g:
                continue
            made = {name: value for name, value in told.items() if name != "eventID"}
            made |= _weighed(right.weight_g)
            made["bizTransactionList"] = [
                *made["bizTransactionList"],
                {"type": "cert", "bizTransaction": f"ni:///sha-256;{right.hash}"},
            ]
            corrective = {"eventID": event_hash_id(made), **made}
            declaration = {
                "declarationTime": text_from_time(right.made),
                "reason": "incorrect_data",
                "correctiveEventIDs": [corrective["eventID"]],
            }
            yield corrective
            yield {**wrong, "errorDeclaration": declaration}
            wrong, weight_g = corrective, right.weight_g

    def _error_declaration(self, event: Event, facts: Corrected) -> dict[str, Any] | None:
        wrong = self.told.get(facts.event)
        if wrong is None or not is_in_order(event, wrong):
            return None
        instead = (
            self.epcis_event(self.told[id_]) for id_ in sorted(facts.instead) if id_ in self.told
        )
        declaration: dict[str, Any] = {
            "declarationTime": text_from_time(event.at),
            "reason": facts.reason.replace("-", "_"),
        }
        corrective = [right["eventID"] for right in instead if right is not None]
        if corrective:
            declaration["correctiveEventIDs"] = corrective
        return {**(self.epcis_event(wrong) or {}), "errorDeclaration": declaration}

    def name(self, sort: str, code: str) -> str:
        return f"{self.authority}/{sort}/{code}"

    def bag(self, event: Event) -> str:
        return self.name("bag", event.bag)

    def passing(self, event: Event) -> dict[str, Any]:
        """Gives the giver as source and the taker as destination."""
        taker = event.officer if event.witness is None else event.witness.officer
        return {
            "sourceList": [
                {"type": "possessing_party", "source": self.name("officer", event.officer)}
            ],
            "destinationList": [
                {"type": "possessing_party", "destination": self.name("officer", taker)}
            ],
        }


def _prepared(_export: _Export, _event: Event, _facts: Prepared) -> dict[str, Any]:
    return {"bizStep": "packing", "disposition": "in_progress"}


def _sealed(export: _Export, event: Event, facts: Sealed) -> dict[str, Any]:
    return {
        "type": "AssociationEvent",
        "parentID": export.bag(event),
        "childEPCs": [export.name("seal", number) for number in sorted(facts.seals)],
        "action": "ADD",
        "bizStep": "installing",
        "disposition": "container_closed",
        "bizTransactionList": [
            {"type": "desadv", "bizTransaction": f"ni:///sha-256;{facts.manifest}"}
        ],
        **_weighed(facts.weight_g),
    }


def _handed_over(export: _Export, event: Event, facts: HandedOver) -> dict[str, Any]:
    return {
        "bizStep": "shipping" if facts.ordinal == 1 else "transporting",
        "disposition": "in_transit",
        **export.passing(event),
    }


def _seen(_export: _Export, _event: Event, _facts: Seen) -> dict[str, Any]:
    return {"bizStep": "inspecting", "disposition": "in_transit"}


def _received(_export: _Export, _event: Event, facts: Received) -> dict[str, Any]:
    return {
        "bizStep": "receiving",
        "disposition": _CONDITIONS[facts.condition],
        **({} if facts.weight_g is None else _weighed(facts.weight_g)),
    }


def _opened(export: _Export, event: Event, _facts: Opened) -> dict[str, Any]:
    # Without children, every association of the parent ends: all seals are off.
    return {
        "type": "AssociationEvent",
        "parentID": export.bag(event),
        "action": "DELETE",
        "bizStep": "removing",
        "disposition": "container_open",
    }


def _accounted(export: _Export, event: Event, facts: Accounted) -> dict[str, Any]:
    return {
        "bizStep": "unpacking",
        "disposition": "completeness_verified" if facts.complete else "mismatch_quantity",
        "bizTransactionList": [
            {"type": "recadv", "bizTransaction": export.name("receipt", event.seal)}
        ],
    }


def _lost(export: _Export, event: Event, _facts: Lost) -> dict[str, Any]:
    return {
        "bizStep": "other",
        "disposition": "unknown",
        "bizTransactionList": [
            {"type": "upevt", "bizTransaction": export.name("loss", event.seal)}
        ],
    }


def _found(_export: _Export, _event: Event, _facts: Found) -> dict[str, Any]:
    return {"bizStep": "other", "disposition": "in_transit"}


def _recalled(_export: _Export, _event: Event, _facts: Recalled) -> dict[str, Any]:
    return {"bizStep": "void_shipping", "disposition": "recalled"}


_SHAPES: Final[Mapping[type, Callable[[_Export, Event, Any], dict[str, Any]]]] = {
    Prepared: _prepared,
    Sealed: _sealed,
    HandedOver: _handed_over,
    Seen: _seen,
    Received: _received,
    Opened: _opened,
    Accounted: _accounted,
    Lost: _lost,
    Found: _found,
    Recalled: _recalled,
}


def _weighed(grams: int) -> dict[str, Any]:
    report = {"type": "Mass", "value": grams, "uom": "GRM"}
    return {"sensorElementList": [{"sensorReport": [report]}]}


def _plain(name: str) -> Callable[[Any], str]:
    return lambda value: f"{name}={value}"


def _vocabulary(name: str, words: str) -> Callable[[Any], str]:
    return lambda value: f"{name}={_CBV}{words}-{value}"


def _time(value: str) -> str:
    # Our times are UTC and whole seconds; the canonical string has milliseconds.
    return f"eventTime={value.removesuffix('Z')}.000Z"


def _epcs(name: str) -> Callable[[Any], str]:
    return lambda values: name + "".join(sorted(f"epc={value}" for value in values))


def _typed(name: str, words: str) -> Callable[[Any], str]:
    list_name = f"{name}List"
    return lambda entries: (
        list_name
        + "".join(
            sorted(f"type={_CBV}{words}-{entry['type']}{name}={entry[name]}" for entry in entries)
        )
    )


def _sensors(elements: Any) -> str:
    return "sensorElementList" + "".join(
        f"sensorElementsensorReporttype=https://gs1.org/voc/{report['type']}"
        f"value={report['value']}uom={report['uom']}"
        for element in elements
        for report in element["sensorReport"]
    )


# In the order of the canonical string. The lists of type and value come last, by their names: so
# does the standard's own implementation.
_PARTS: Final[Mapping[str, Callable[[Any], str]]] = {
    "eventTime": _time,
    "eventTimeZoneOffset": _plain("eventTimeZoneOffset"),
    "parentID": _plain("parentID"),
    "epcList": _epcs("epcList"),
    "childEPCs": _epcs("childEPCs"),
    "action": _plain("action"),
    "bizStep": _vocabulary("bizStep", "BizStep"),
    "disposition": _vocabulary("disposition", "Disp"),
    "readPoint": lambda place: f"readPointid={place['id']}",
    "sensorElementList": _sensors,
    "bizTransactionList": _typed("bizTransaction", "BTT"),
    "destinationList": _typed("destination", "SDT"),
    "sourceList": _typed("source", "SDT"),
}
