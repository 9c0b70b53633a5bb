"""The shapes of what machines of headquarters' pouch bureau say, and of what posts found."""

from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints

from cipher_service.wire.fields import Line, Marking, PostCode, Ulid, WireModel
from cipher_service.wire.pouches import Difference, OfficerCode, Reference, SealId, Word

Weight = Annotated[int, Field(ge=1, le=2_000_000)]
Quantity = Annotated[int, Field(ge=1, le=100_000)]
LineNumber = Annotated[int, Field(ge=1, le=500)]
Scanned = Annotated[str, StringConstraints(min_length=1, max_length=60)]


class CounterRequest(WireModel):
    """An act at the counter, and in whose name: the policies judge the officer."""

    officer: OfficerCode


class HandIn(CounterRequest):
    """A piece for the next bag."""

    destination: PostCode
    register_number: Line
    sender: Line
    addressee: Line
    kind: Word
    level: Marking
    quantity: Quantity
    weight_g: Weight
    enclosure: Line | None


class HandInDispatch(CounterRequest):
    """A dispatch that is marked for the pouch."""

    dispatch_id: Ulid
    post: PostCode
    weight_g: Weight


class Scan(CounterRequest):
    """A piece to lay into a bag, by its number."""

    seal: SealId
    number: Scanned


class TakeOut(CounterRequest):
    """A bag whose last piece comes out again."""

    seal: SealId


class CountCheck(CounterRequest):
    """The bags of a departure, as scanned before an airport is left."""

    departure: Reference
    locators: Annotated[list[Scanned], Field(min_length=1, max_length=200)]
    place: PostCode | None


class Report(CounterRequest):
    """What was seen of a bag."""

    seal: SealId
    kind: Word


COUNTER: Final[dict[str, type[CounterRequest]]] = {
    "hand-in": HandIn,
    "hand-in-dispatch": HandInDispatch,
    "scan": Scan,
    "take-out": TakeOut,
    "count": CountCheck,
    "report": Report,
}


class CounterAnswer(WireModel):
    """What an act gave: `number` of a piece, `line`, `missing` bags, `cases`."""

    done: dict[str, Any]


class Finding(WireModel):
    """A line that is not as announced: how many pieces of it were found."""

    line: LineNumber
    found: Annotated[int, Field(ge=0, le=100_000)]


class DifferencesRequest(WireModel):
    """What a post found in a bag that it opened; lines that are not named are as announced."""

    officer: OfficerCode
    found: Annotated[list[Finding], Field(max_length=500)]
    damaged: Annotated[list[LineNumber], Field(max_length=500)]
    misdirected: Annotated[list[LineNumber], Field(max_length=500)]
    unlisted: Annotated[int, Field(ge=0, le=1000)]


class DifferencesAnswer(WireModel):
    """The differences, each with its line's number, and how many of them opened a case."""

    differences: list[Difference]
    new: Annotated[int, Field(ge=0)]


class PhotographRecorded(WireModel):
    """A photograph of a seal, a bag or an item, kept enciphered."""

    photograph: Ulid
