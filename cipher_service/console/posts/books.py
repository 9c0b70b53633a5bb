"""What the books say of each post: its key edition, its link, missing numbers, bags under way.

Which posts a person sees, and what of each, is decided by the matrix: the mail with a post by
`list` (or `encipher`, for who would process it), its key by `key-revoke`, its bags by `pouch-list`.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from cipher_service import clock
from cipher_service.access.acts import Gate
from cipher_service.access.registers import charged
from cipher_service.access.subjects import Dispatch, Key, Pouch
from cipher_service.console.posts.state import Edition, PostState
from cipher_service.console.visit import Visit
from cipher_service.directory.register import CardRecord, Directory, PostRecord, read_directory
from cipher_service.dispatches.openings import missing_numbers
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme
from cipher_service.pouches import views
from cipher_service.pouches.office import seated
from cipher_service.storage.tables.directory import channel
from cipher_service.storage.tables.dispatches import dispatch, receipt, service_message
from cipher_service.storage.tables.prekeys import prekey


@dataclass(frozen=True, slots=True)
class Sight:
    """What a person may see of a post."""

    mail: bool
    key: bool
    bags: bool

    @property
    def any(self) -> bool:
        """Whether the post exists for the person."""
        return self.mail or self.key


def states(visit: Visit, connection: Connection, gate: Gate) -> list[PostState]:
    """Return the posts that the officer may see, by code.

    Raises:
        ServiceError: NOT_ALLOWED, when it is none of them.
    """
    directory = read_directory(connection)
    headquarters = visit.office.headquarters
    seen = {
        post.code: sight
        for post in directory.posts.values()
        if (sight := _sight(visit, gate, post, headquarters)).any
    }
    if not seen and directory.posts:
        _refuse(visit, gate, headquarters)
    heard, missing = _heard(connection), _missing(connection, headquarters)
    bags, troubled = _bags(visit, connection, gate)
    free, levels = _free(connection, visit.now), _channels(connection)
    return [
        PostState(
            code=post.code,
            kind=post.kind,
            name_fr=post.name_fr,
            name_en=post.name_en,
            city=post.city,
            state=post.state,
            channels=levels.get(post.code, ()),
            edition=_edition(directory, post, visit.now, free),
            is_seat=post.code == headquarters,
            sees_mail=seen[post.code].mail,
            sees_bags=seen[post.code].bags,
            heard=heard.get(post.code),
            missing=missing[post.code],
            bags=bags[post.code],
            troubled=troubled[post.code],
        )
        for post in directory.posts.values()
        if post.code in seen
    ]


def require_mail(visit: Visit, connection: Connection, gate: Gate) -> frozenset[str]:
    """Return the posts whose mail the officer may see. Raises ServiceError NOT_ALLOWED: of none."""
    headquarters = visit.office.headquarters
    posts = read_directory(connection).posts.values()
    seen = frozenset(post.code for post in posts if _sight(visit, gate, post, headquarters).mail)
    if not seen:
        _refuse(visit, gate, headquarters)
    return seen


def editions(connection: Connection, code: str) -> list[CardRecord]:
    """Return every edition of a post's card, the newest first, withdrawn and pending ones too."""
    cards = read_directory(connection).cards.values()
    mine = [card for card in cards if card.post == code]
    return sorted(mine, key=lambda card: card.edition, reverse=True)


def _sight(visit: Visit, gate: Gate, post: PostRecord, headquarters: str) -> Sight:
    mail = _mail(post.code, headquarters)
    lists = visit.decides(gate, "list", mail).allowed
    ciphers = visit.decides(gate, "encipher", charged(mail, visit.person.number)).allowed
    bag = Pouch("", mail.level, origin=headquarters, destination=post.code)
    return Sight(
        mail=lists or ciphers,
        key=visit.decides(gate, "key-revoke", Key(post.fingerprint or post.code)).allowed,
        bags=visit.decides(gate, "pouch-list", bag).allowed,
    )


def _refuse(visit: Visit, gate: Gate, headquarters: str) -> None:
    visit.demand(gate, "list", _mail(headquarters, headquarters))
    raise ServiceError("NOT_FOUND")


def _mail(post: str, headquarters: str) -> Dispatch:
    lowest = min(level.rank for level in default_scheme().levels)
    return Dispatch("", lowest, origin=headquarters, addressees=frozenset({post}))


def _edition(
    directory: Directory, post: PostRecord, now: datetime, free: Mapping[str, int]
) -> Edition | None:
    if post.fingerprint is None:
        return None
    record = directory.cards[post.fingerprint]
    card = record.card
    return Edition(
        number=record.edition,
        fingerprint=record.fingerprint,
        valid_from=card.valid_from,
        valid_until=card.valid_until,
        days=max((card.valid_until - now).days, 0),
        expired=now >= card.valid_until,
        endorsed=record.endorsement is not None,
        prekeys=free.get(record.fingerprint, 0),
    )


def _heard(connection: Connection) -> dict[str, datetime]:
    """Return when each post last sent anything: a dispatch, a receipt, a service message."""
    last: dict[str, datetime] = {}
    for post, at in (
        (dispatch.c.origin, dispatch.c.received_at),
        (receipt.c.post, receipt.c.recorded_at),
        (service_message.c.origin, service_message.c.recorded_at),
    ):
        for row in connection.execute(select(post, func.max(at)).group_by(post)):
            told = clock.parse(row[1])
            last[row[0]] = max(last.get(row[0], told), told)
    return last


def _missing(connection: Connection, headquarters: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for gap in missing_numbers(connection, headquarters):
        found[gap.origin] += gap.last - gap.first + 1
    return found


def _bags(visit: Visit, connection: Connection, gate: Gate) -> tuple[Counter[str], Counter[str]]:
    office = seated(connection, visit.office.headquarters, gate, lambda: visit.now)
    under_way, troubled = Counter[str](), Counter[str]()
    for bag in views.under_way(office, by=visit.person.number):
        for post in {bag.origin, bag.destination}:
            under_way[post] += 1
            troubled[post] += bag.pressing
    return under_way, troubled


def _free(connection: Connection, now: datetime) -> dict[str, int]:
    usable = (prekey.c.state == "free", prekey.c.expires > clock.text(now))
    rows = connection.execute(
        select(prekey.c.card, func.count()).where(*usable).group_by(prekey.c.card)
    )
    return {row[0]: int(row[1]) for row in rows}


def _channels(connection: Connection) -> dict[str, tuple[tuple[str, str], ...]]:
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for row in connection.execute(select(channel).order_by(channel.c.post, channel.c.position)):
        found[row.post] = (*found.get(row.post, ()), (row.medium, row.level))
    return found
