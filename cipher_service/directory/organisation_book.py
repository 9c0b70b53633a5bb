"""Load the organisation into the database, and read it back for lists."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from cipher_service import clock
from cipher_service.directory.organisation import Channel, Organisation, Post, Staff, Unit
from cipher_service.directory.register import changed
from cipher_service.storage.statements import insert_or_skip
from cipher_service.storage.tables import directory as tables


def load(connection: Connection, organisation: Organisation, now: datetime) -> None:
    """Write an organisation; loading it again changes nothing, a changed file updates it.

    Units and staff become exactly the file's. Posts are added and renamed, never removed: their
    dispatches name them for ever. States and cards are untouched.
    """
    connection.execute(delete(tables.staffing))
    for position, unit in enumerate(organisation.units):
        _write_unit(connection, unit, position)
    wanted = {unit.code for unit in organisation.units}
    # Children first, since a unit points at its parent.
    for code in connection.scalars(select(tables.unit.c.code).order_by(tables.unit.c.code.desc())):
        if code not in wanted:
            connection.execute(delete(tables.unit).where(tables.unit.c.code == code))
    for post in organisation.posts:
        declare_post(connection, post, now)


def declare_post(connection: Connection, post: Post, now: datetime) -> None:
    """Add a post, absent until it enrols, or correct the names and channels of a known one."""
    names = {
        "kind": post.kind,
        "name_fr": post.name_fr,
        "name_en": post.name_en,
        "city": post.city,
        "country": post.country,
    }
    known = connection.execute(
        tables.post.update().where(tables.post.c.code == post.code).values(names)
    )
    if known.rowcount == 0:
        connection.execute(
            tables.post.insert().values(
                code=post.code, state="absent", state_at=clock.text(now), **names
            )
        )
    connection.execute(delete(tables.channel).where(tables.channel.c.post == post.code))
    for position, channel in enumerate(post.channels):
        connection.execute(
            tables.channel.insert().values(
                post=post.code, medium=channel.medium, level=channel.level, position=position
            )
        )
    changed(connection)


def units(connection: Connection) -> list[Unit]:
    """Return the units with their staff, in the decree's order."""
    staff: dict[str, list[Staff]] = {}
    order = select(tables.staffing).order_by(tables.staffing.c.unit, tables.staffing.c.position)
    for row in connection.execute(order):
        staff.setdefault(row.unit, []).append(
            Staff(row.function, row.name_fr, row.name_en, row.headcount)
        )
    return [
        Unit(
            row.code,
            row.parent,
            row.article,
            row.kind,
            row.name_fr,
            row.name_en,
            tuple(staff.get(row.code, ())),
        )
        for row in connection.execute(select(tables.unit).order_by(tables.unit.c.position))
    ]


def channels(connection: Connection, post: str) -> list[Channel]:
    """Return the channels of a post, the first to be tried first."""
    mine = tables.channel.c.post == post
    order = select(tables.channel).where(mine).order_by(tables.channel.c.position)
    return [Channel(row.medium, row.level) for row in connection.execute(order)]


def _write_unit(connection: Connection, unit: Unit, position: int) -> None:
    values = {
        "parent": unit.parent,
        "article": unit.article,
        "kind": unit.kind,
        "name_fr": unit.name_fr,
        "name_en": unit.name_en,
        "position": position,
    }
    connection.execute(insert_or_skip(tables.unit, ["code"]).values(code=unit.code, **values))
    connection.execute(tables.unit.update().where(tables.unit.c.code == unit.code).values(values))
    for place, staff in enumerate(unit.staff):
        connection.execute(
            tables.staffing.insert().values(
                unit=unit.code,
                function=staff.function,
                name_fr=staff.name_fr,
                name_en=staff.name_en,
                headcount=staff.headcount,
                position=place,
            )
        )
