"""What the console does never takes more of the memory than one process of the service may hold."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cipher_service.access.policies import default_policies
from cipher_service.administration.installation import custodian_of
from cipher_service.administration.sample import make_officers
from cipher_service.administration.stage import Stage, stage
from cipher_service.audit.journal import Journal
from cipher_service.identity.demonstration import Demonstration
from cipher_service.pouches import packing, planning
from cipher_service.pouches.office import Office
from cipher_service.storage.engine import open_existing
from pouch.manifest import BagClass
from tests.console.conftest import POSTS
from tests.console.functions import Officers, Question
from tests.console.passing_things import PASSING
from tests.console.test_carrying import Desk
from tests.gates.soak import MEMORY_MOST
from tests.support.memory import processes
from tests.support.office import PIECE

ROUNDS, GROWTH_MOST = 60, 10 * 2**20
"""The same pages so often, and what a console may hold more after them: each page 40 KiB."""
LISTS = ("/", "/depeches/", "/valises", "/postes")
OTHER = default_policies().text + '@id("more") permit (principal, action, resource is Dispatch);'
"""It opens much that is closed now."""


def _consoles(on: Stage) -> list[Path]:
    found = [Path(f"/proc/{process}") for process, _command in processes(on.settings.data)]
    return [one for one in found if (one / "comm").read_text("ascii").strip() == "console"]


def _held(process: Path) -> int:
    """Bytes that a process holds; what it shares with others counts by its part, as in the soak."""
    rows = (process / "smaps_rollup").read_text("ascii").splitlines()
    (line,) = [row for row in rows if row.startswith("Pss:")]
    return int(line.split()[1]) * 1024


@pytest.fixture(scope="module")
def ministry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """One of its own: what a console holds after all other tests' pages is no measure of these."""
    with stage(tmp_path_factory.mktemp("bounds") / "data", "fr", 1, console=True) as on:
        on.introduce({post: on.enrol(post) for post in POSTS})
        make_officers(on.settings, POSTS)
        yield on


@pytest.fixture
def desk(ministry: Stage) -> Iterator[Desk]:
    people = {one.role: one.officer for one in Demonstration.of(ministry.settings).people()}
    engine, settings = open_existing(ministry.settings.database), ministry.settings
    with custodian_of(settings) as custodian:
        journal = Journal(engine, settings.log_origin, "account/tests")
        yield Desk(Office(engine, custodian, settings.headquarters, journal), people, (), "")
    engine.dispose()


def test_a_proof_and_the_papers_of_a_bag_leave_the_console_small(
    ministry: Stage, desk: Desk, tmp_path: Path
) -> None:
    officers, departure = Officers(ministry), desk.departure()
    sealed = desk.sealed(departure).sealed.manifest.seal
    bag = planning.add_bag(desk.office, by=desk.people["CHIEF-POUCH"])
    agent = desk.people["POUCH-AGENT"]
    seal = packing.begin(desk.office, departure, bag, BagClass.SECRET, by=agent)
    number = packing.hand_in(desk.office, PIECE, by=agent)
    (changing,) = [one for one in PASSING if ("GET", "/politiques/{act_id}") in one.forms]
    act = changing.make(officers, tmp_path)
    consoles = _consoles(ministry)
    assert consoles
    asked = [
        ("CHIEF-CNTC", Question("/politiques/comparer", {"policies": OTHER})),
        ("CHIEF-CNTC", Question(f"/politiques/{act}")),
        ("POUCH-AGENT", Question(f"/valises/{seal}/pieces", {"number": number})),
        ("CHIEF-POUCH", Question(f"/valises/{sealed}/etiquette.pdf")),
        ("CHIEF-POUCH", Question(f"/valises/{sealed}/bordereau.pdf")),
    ]
    told, held = [], {}
    for one in asked:
        told += officers.ask([one])
        held[one[1].path] = max(map(_held, consoles))
    changing.end(officers, act)
    packing.take_out(desk.office, seal, by=agent)
    assert [one.status for one in told] == [200] * len(asked), told
    assert max(held.values()) <= MEMORY_MOST, held
    # The solver, which takes hundreds of megabytes for some sets, is never loaded there.
    assert not [one for one in consoles if "z3" in (one / "maps").read_text("ascii")]


def test_the_same_pages_asked_again_leave_the_console_as_it_was(ministry: Stage) -> None:
    """Each list is cut in SQL by what is left of the policies: that is compiled once, and kept."""
    officers, consoles = Officers(ministry), _consoles(ministry)
    asked = [("CHIEF-CIPHER-POUCH", Question(path)) for path in LISTS]
    assert {one.status for one in officers.ask(asked * 10)} == {200}
    before = max(map(_held, consoles))
    officers.ask(asked * ROUNDS)
    assert max(map(_held, consoles)) - before <= GROWTH_MOST
