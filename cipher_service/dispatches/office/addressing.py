"""What a released dispatch says of itself, and to whom it goes: its heading and destinations."""

from datetime import datetime

from cipher_service.directory.register import Directory
from cipher_service.dispatches.office.compositions import Content
from cipher_service.labels.scheme import default_scheme
from keys.cards import Card
from keys.dispatch import Destination
from keys.manifest import ACTION, COPY, Heading, Label


def addressed(
    content: Content,
    dispatch_id: str,
    subject: str,
    *,
    directory: Directory,
    own: Card,
    created: datetime,
    checkpoint: str | None = None,
) -> tuple[Heading, list[Destination]]:
    """Give the heading and the destinations of a departure, which bear no numbers yet.

    Args:
        content: what was released.
        dispatch_id: of the departure.
        subject: in clear.
        directory: the present one.
        own: the bureau's card; its copy comes last.
        created: UTC, whole seconds.
        checkpoint: the last signed head of the log, or None.

    Raises:
        ServiceError: UNKNOWN_POST, POST_NOT_ACTIVE: no key to encipher to.
        CardNotInForce: a card is not valid at `created`.
    """
    heading = Heading(
        id=dispatch_id,
        kind=content.kind,
        label=Label(
            default_scheme().policy, content.level, content.caveats, content.releasable, None
        ),
        dtg=created,
        created=created,
        expires=None,
        subject=subject,
        references=(),
        in_reply_to=content.source if content.relation == "reply" else None,
        checkpoint=checkpoint,
    )
    to = [
        Destination(directory.card_in_force(post).card, content.precedence, None, role, way)
        for post, role, way in sorted(content.routing, key=lambda each: each[1] != ACTION)
    ]
    to.append(Destination(own, content.precedence, None, COPY))
    for destination in to:
        destination.card.require_in_force(created)
    return heading, to
