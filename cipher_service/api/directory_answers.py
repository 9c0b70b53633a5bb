"""The directory as posts read it: posts, services, cards."""

import json
from typing import Any

from sqlalchemy import Connection
from starlette.requests import Request

from cipher_service.api.inbound import require_spelling
from cipher_service.api.ministry import Ministry
from cipher_service.directory import organisation_book
from cipher_service.directory.organisation import Unit
from cipher_service.directory.register import PostRecord
from cipher_service.errors import ServiceError
from cipher_service.wire.directory import Cards, Directory, LocalisedName, Post, Service
from cipher_service.wire.fields import POST_CODE


async def directory_page(ministry: Ministry, request: Request) -> Directory:
    """Give every post, and the services of the ministry (decree 2013/112, articles 8-16)."""
    await ministry.admitted(request)
    directory = await ministry.directory()

    def units(connection: Connection) -> list[Unit]:
        return organisation_book.units(connection)

    return Directory(
        headquarters=directory.headquarters,
        posts=[_post(post) for post in directory.posts.values()],
        services=[_service(unit) for unit in await ministry.read(units)],
    )


async def post_named(ministry: Ministry, request: Request, name: str) -> Post:
    """Give one post.

    Raises:
        ServiceError: NOT_FOUND, and what `Ministry.admitted` refuses.
    """
    await ministry.admitted(request)
    code = require_spelling(POST_CODE, name)
    found = (await ministry.directory()).posts.get(code)
    if found is None:
        raise ServiceError("NOT_FOUND")
    return _post(found)


async def cards_of(ministry: Ministry, request: Request, name: str) -> Cards:
    """Give the editions of a post's card that may be used, newest first.

    Raises:
        ServiceError: NOT_FOUND: there is no such post; what `Ministry.admitted` refuses.
    """
    await ministry.admitted(request)
    code = require_spelling(POST_CODE, name)
    directory = await ministry.directory()
    if code not in directory.posts:
        raise ServiceError("NOT_FOUND")
    found = directory.cards_of(code)
    return Cards(
        post=code,
        cards=[json.loads(card.body) for card in found],
        endorsements=[_said(card.endorsement) for card in found],
    )


def _said(endorsement: bytes | None) -> dict[str, Any] | None:
    return None if endorsement is None else json.loads(endorsement)


def _post(post: PostRecord) -> Post:
    return Post.model_validate(
        {
            "code": post.code,
            "kind": post.kind,
            "name": LocalisedName(fr=post.name_fr, en=post.name_en),
            "city": post.city,
            "country": post.country,
            "channels": list(post.channels),
            "state": post.state,
            "fingerprint": post.fingerprint,
        }
    )


def _service(unit: Unit) -> Service:
    return Service(
        code=unit.code,
        parent=unit.parent,
        article=unit.article,
        kind=unit.kind,
        name=LocalisedName(fr=unit.name_fr, en=unit.name_en),
    )
