"""From what was typed to a draft: everything decided and checked before a number is taken.

A number that is taken and not used stays visible for ever, so that whatever can be refused without
one is refused here: markings, addressees, cards, dates, files that cannot be read.
"""

import mimetypes
import re
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from cipher_service import clock
from cipher_service.client.addressing import each_its_own, most_urgent
from cipher_service.client.failures import Misused
from cipher_service.client.watching import require_file
from cipher_service.labels.scheme import Scheme, UnknownLabel, default_scheme
from cipher_service.references import new_id
from keys.cards import CARD_BYTES_MAX, Card, read_card
from keys.dispatch import Destination
from keys.manifest import COPY, INFO, KINDS, Heading, Label
from keys.records import CODE, ULID
from keys.s2.complements import Complement

_SUBJECT = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{0,400}")
_REFERENCE = re.compile(r"[^\x00-\x1f\x7f\u2028\u2029]{1,200}")
_TYPES = mimetypes.MimeTypes()  # the library's own table, not the machine's: the same everywhere
_UNKNOWN_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Draft:
    """A dispatch decided but not numbered.

    Attributes:
        heading: id, label and the rest.
        destinations: the addressees in the order typed, then the sender's own copy; none has a
            number yet.
        complement: the sender's keys of suite S2, where it is written under that.
    """

    heading: Heading
    destinations: tuple[Destination, ...]
    complement: Complement | None = None

    @property
    def addressees(self) -> list[str]:
        """The post codes that take a number, in order."""
        return [each.card.post for each in self.destinations if each.role != COPY]


def draft(
    arguments: Namespace, own: Card, find_card: Callable[[str], Card], checkpoint: str | None
) -> Draft:
    """Decide a dispatch from the options of `add_sending_options`.

    Args:
        arguments: parsed.
        own: the sender's card.
        find_card: gives the card of what was typed as an addressee.
        checkpoint: the head of the ministry's log that was verified last here (`LogBook.carried`).

    Raises:
        Misused: a marking, an addressee or a date is not one.
        CardInvalid, CardNotInForce: a card is not one, or not now.
        OSError: a card cannot be read.
    """
    scheme = default_scheme()
    created = clock.now().replace(microsecond=0)
    heading = _heading(arguments, scheme, created, checkpoint)
    action, info = _precedences(arguments, scheme)
    destinations = [
        *(Destination(find_card(each), action, None) for each in arguments.to),
        *(Destination(find_card(each), info, None, INFO) for each in arguments.info),
    ]
    _check_addressees(destinations, own)
    destinations = each_its_own(destinations, arguments.precedence_for, arguments.pouch, scheme)
    destinations.append(Destination(own, most_urgent(destinations, scheme), None, COPY))
    for destination in destinations:
        destination.card.require_in_force(created)
    return Draft(heading, tuple(destinations))


def require_subject(subject: str) -> str:
    """Return a subject if it can be one: a line of at most 400 signs. Raises Misused."""
    return _matching("--subject", subject, _SUBJECT)


def read_card_file(name: str) -> Card:
    """Read a card. Raises CardInvalid, or OSError."""
    with Path(name).open("rb") as file:
        return read_card(file.read(CARD_BYTES_MAX + 2))


def attachment_paths(names: Sequence[str]) -> list[Path]:
    """Return the attachments, each proved readable. Raises OSError, or Misused for `-`."""
    paths = []
    for name in names:
        if name == "-":
            raise Misused("ONE_STANDARD_INPUT")
        require_file(Path(name))
        paths.append(Path(name))
    return paths


def media_type(path: Path) -> str:
    """Guess the media type of a file from its name."""
    guessed, encoding = _TYPES.guess_type(path.name)
    return guessed.lower() if guessed and encoding is None else _UNKNOWN_TYPE


def _heading(
    arguments: Namespace, scheme: Scheme, created: datetime, checkpoint: str | None
) -> Heading:
    try:
        level = scheme.level(arguments.level).code
        caveats = tuple(dict.fromkeys(map(scheme.caveat, arguments.caveat)))
    except UnknownLabel as error:
        raise _unknown(error) from error
    releasable = tuple(_matching("--releasable-to", each, CODE) for each in arguments.releasable_to)
    if arguments.kind not in KINDS:
        raise _wrong("--kind", arguments.kind, ", ".join(sorted(KINDS)))
    references = (_matching("--reference", each, _REFERENCE) for each in arguments.reference)
    return Heading(
        id=new_id(clock.now()),
        kind=arguments.kind,
        label=Label(scheme.policy, level, caveats, releasable, _review(arguments.review)),
        dtg=created,
        created=created,
        expires=_expiry(arguments.expires, created),
        subject=require_subject(arguments.subject),
        references=tuple(dict.fromkeys(references)),
        in_reply_to=arguments.in_reply_to
        and _matching("--in-reply-to", arguments.in_reply_to, ULID),
        checkpoint=checkpoint,
    )


def _precedences(arguments: Namespace, scheme: Scheme) -> tuple[str, str]:
    """Return the precedence for action and for info: the second never above the first."""
    try:
        action = scheme.precedence(arguments.precedence)
        info = scheme.precedence(arguments.info_precedence or arguments.precedence)
    except UnknownLabel as error:
        raise _unknown(error) from error
    if info.rank > action.rank:
        raise Misused("PRECEDENCE_INVERTED")
    return action.code, info.code


def _check_addressees(destinations: Sequence[Destination], own: Card) -> None:
    seen = set()
    for destination in destinations:
        post = destination.card.post
        if post == own.post:
            raise Misused("ADDRESSEE_SELF", post=post)
        if post in seen:
            raise Misused("ADDRESSEE_TWICE", post=post)
        seen.add(post)


def _review(given: str | None) -> str | None:
    if given is None:
        return None
    try:
        reviewed = date.fromisoformat(given)
    except ValueError:
        raise _wrong("--review", given, "2027-01-31") from None
    return reviewed.isoformat()


def _expiry(given: str | None, created: datetime) -> datetime | None:
    if given is None:
        return None
    example = "2027-01-31T18:00:00Z"
    try:
        expires = clock.parse(given)
    except ValueError:
        raise _wrong("--expires", given, example) from None
    if expires <= created:
        raise _wrong("--expires", given, f"{example} (> {clock.text(created)})")
    return expires


def _matching(option: str, given: str, pattern: re.Pattern[str]) -> str:
    expected = {CODE: "CEMAC", ULID: "01KB7Y…", _SUBJECT: "1 x 400", _REFERENCE: "1 x 200"}
    if pattern.fullmatch(given) is None or not _encodable(given):
        raise _wrong(option, given, expected[pattern])
    return given


def _encodable(text: str) -> bool:
    """Say whether it is text at all: bytes that the locale could not read come as surrogates."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _wrong(option: str, given: str, expected: str) -> Misused:
    return Misused("HEADING_INVALID", option=option, given=given[:80], expected=expected)


def _unknown(error: UnknownLabel) -> Misused:
    return Misused(
        f"UNKNOWN_{error.kind.upper()}", given=error.given[:80], known=", ".join(error.known)
    )
