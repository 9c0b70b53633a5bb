"""Where an officer takes a telephone into service: the root's fingerprint, the post's telephones.

The telephone shows which root it was given over the wire; a person compares it once with what came
otherwise. The page says so too: who doubts this console asks the ministry by voice (`custody
state`), or reads the fingerprint on a bordereau that lay in a sealed bag.
"""

from sqlalchemy import Connection
from starlette.responses import Response

from cipher_service.access.acts import Gate
from cipher_service.access.subjects import Pouch
from cipher_service.console.pouches.reading import page, root_shown
from cipher_service.console.visit import Visit
from cipher_service.pouches import devices
from pouch.papers.bag import grouped_fingerprint


async def show(visit: Visit) -> Response:
    """The fingerprint, what to do with it, and the telephones of the officer's post."""
    person = visit.person
    bag = Pouch("device", 0, origin=person.post, destination=person.post, courier=person.number)

    def read(connection: Connection, gate: Gate) -> list[devices.Known]:
        visit.demand(gate, "pouch-list", bag)
        return devices.of_post(connection, person.post)

    known = await visit.read(read)
    root = await root_shown(visit)
    shown = None if root is None else grouped_fingerprint(root)
    return page(visit, "telephones", root=shown, devices=known, post=person.post)
