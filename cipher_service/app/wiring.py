"""What the registrar does, by command, and what the bureau does by itself."""

from collections.abc import Callable
from functools import partial
from typing import Final

from sqlalchemy import Engine

from cipher_service.access import desk as access_desk
from cipher_service.access.acts import Gate
from cipher_service.access.audit_machines import AuditorDesk
from cipher_service.access.ceremony_desk import CeremonyDesk
from cipher_service.access.doors import DoorDesk
from cipher_service.access.mandate_desk import MandateDesk
from cipher_service.access.proven import Proofs
from cipher_service.access.upkeep import Upkeep
from cipher_service.app.key_register import KeyRegister
from cipher_service.app.officers import RuledDesk
from cipher_service.app.posts import PostDecisions
from cipher_service.audit.commands import LogDesk
from cipher_service.audit.hearing import HEARD
from cipher_service.audit.journal import Journal
from cipher_service.audit.recorder import REQUEST
from cipher_service.audit.warrants import WarrantedCustodian
from cipher_service.directory.prekeys import PrekeyDesk
from cipher_service.directory.register import DirectoryReader
from cipher_service.dispatches.bureau import HeadquartersBureau
from cipher_service.dispatches.commands import Desk
from cipher_service.dispatches.office import chasing, declassifying, own_openings, release
from cipher_service.dispatches.office.attaching import AttachingDesk
from cipher_service.dispatches.office.chasing import Chasing
from cipher_service.dispatches.office.commands import OfficeDesk
from cipher_service.dispatches.office.copies import CopyDesk
from cipher_service.dispatches.office.departing import SYSTEM, Departing
from cipher_service.dispatches.office.granting import GrantDesk
from cipher_service.dispatches.office.outgoing import Outgoing
from cipher_service.dispatches.office.sending import SendingDesk
from cipher_service.dispatches.prekeys import BureauPrekeys
from cipher_service.dispatches.reception import Reception
from cipher_service.dispatches.sealing import ReceiptSealer
from cipher_service.identity import own_keys, relinking
from cipher_service.identity.approvals import Approvals, Executor
from cipher_service.identity.commands import Admissions
from cipher_service.identity.officer_commands import OfficerAct
from cipher_service.identity.site import site_of
from cipher_service.pouches.announcing import Announcing
from cipher_service.pouches.announcing_desk import AnnouncingDesk
from cipher_service.pouches.commands import PouchDesk
from cipher_service.pouches.correcting import CorrectingDesk
from cipher_service.pouches.counter import commands_of_clients
from cipher_service.pouches.device_desk import DeviceDesk
from cipher_service.pouches.empties_book import EmptiesDesk
from cipher_service.pouches.lateness import Lateness
from cipher_service.pouches.office import Office as PouchOffice
from cipher_service.pouches.packs import Packs
from cipher_service.pouches.pair_commands import PairDesk
from cipher_service.pouches.road_desk import RoadDesk
from cipher_service.pouches.sealing import SealingDesk
from cipher_service.settings import Settings
from cipher_service.storage.batch import Handler, Together
from cipher_service.storage.blobs import Blobs
from keys.custody import Custodian

OPEN_ACTS: Final = frozenset({"enrol"})
INNER_ACTS: Final = frozenset({"claim", "housekeep", "lapse", HEARD, REQUEST})
Round = Callable[[], object]  # does what waits at this moment


def registrar_handlers(
    settings: Settings,
    custodian: Custodian,
    sealer: ReceiptSealer,
    engine: Engine,
    proofs: Proofs,
) -> tuple[dict[str, Handler], dict[str, Together]]:
    """Return the registrar's commands by name, and how to do several of a kind together.

    Every act of a post is guarded (`identity.commands`); enrolling is open to who has a code.
    Raises ValueError for a command of a post or an officer that no rule speaks of.
    """
    directory = DirectoryReader()
    admissions = Admissions(directory, custodian, settings.issuer)
    desk = Desk(directory, Blobs(settings.data), sealer.service)
    pouches, packs = PouchDesk(), Packs(custodian, directory)
    bags = PairDesk(custodian, settings.headquarters)
    acts = {
        **desk.handlers(),
        **commands_of_clients(pouches, bags, settings.headquarters),
        **PrekeyDesk(directory).handlers(),
        **EmptiesDesk(directory, settings.headquarters).handlers(),
        **packs.handlers(),
        **Upkeep(settings.log_origin).handlers(),
        **LogDesk().handlers(),
    }
    of_posts = {name: act for name, act in acts.items() if name not in OPEN_ACTS | INNER_ACTS}
    may = PostDecisions(directory).covering(of_posts)
    site = partial(site_of, settings)
    officers = RuledDesk(site)
    devices, gate = DeviceDesk(pouches, packs), Gate()
    reception = reception_of(settings, engine, custodian)
    desk_of_officers = OfficeDesk(site, reception, settings.headquarters, gate)
    office = desk_of_officers.acts()
    ceremonies = CeremonyDesk(site, custodian, gate)
    lent = MandateDesk(site, gate, settings.log_origin)
    completed = {**office, **officers.completed(), **ceremonies.completed(), **lent.completed()}
    signing = Approvals(
        site,
        _executors(gate, bags, proofs),
        completed,
        settings.console_origin,
        settings.log_origin,
    )
    outgoing = Outgoing(sealer, Blobs(settings.data))
    sending = SendingDesk(outgoing, settings.headquarters, gate)
    announcing = AnnouncingDesk(bags.seated, outgoing, sending)
    granting = GrantDesk(desk_of_officers, announcing.require_own)
    sealing, correcting = SealingDesk(bags.seated), CorrectingDesk(bags.seated)
    grants = {**granting.acts(), **own_openings.acts(), **sealing.acts(), **correcting.acts()}
    handlers = {
        **admissions.handlers(),
        **officers.handlers(),
        **signing.handlers(),
        **officers.guarded({**signing.acts(), **relinking.acts(), **office, **bags.acts()}),
        **officers.guarded({**sending.acts(), **announcing.acts()}),
        **officers.guarded({**declassifying.acts(gate), **grants, **CopyDesk(gate).acts()}),
        **officers.guarded({**access_desk.acts(gate, proofs), **ceremonies.acts(), **lent.acts()}),
        **officers.guarded(_mail(settings, gate) | RoadDesk(bags.seated).acts()),
        **own_keys.OwnKeyDesk().handlers(officers),
        **CopyDesk(gate).handlers(),
        **{name: acts[name] for name in OPEN_ACTS | INNER_ACTS},
        **admissions.guarded(of_posts, may),
        **devices.handlers(),
        **DoorDesk(directory, gate).handlers(),
        **AuditorDesk(directory, gate).handlers(),
        **officers.guarded({"officer_device": devices.take_in}),
    }
    return handlers, {"submit": admissions.guarded_together("submit", desk.submit_together, may)}


def _mail(settings: Settings, gate: Gate) -> dict[str, OfficerAct]:
    """Return the officers' acts on attachments of drafts and on numbers that are missing."""
    return {
        **chasing.acts(gate, settings.headquarters),
        **AttachingDesk(Blobs(settings.data), gate).acts(),
    }


def _executors(gate: Gate, bags: PairDesk, proofs: Proofs) -> dict[str, Executor]:
    """Return what does an act of several persons once the last of them has signed, by its kind."""
    return {
        **access_desk.executors(gate, proofs),
        relinking.KIND: relinking.executor(),
        own_keys.KIND: own_keys.executor(),
        declassifying.KIND: declassifying.executor(gate),
        release.PAIR: release.executor(gate),
        **bags.executors(),
    }


def reception_of(settings: Settings, engine: Engine, custodian: Custodian) -> Reception:
    """Return where the bureau opens what arrives."""
    journal = Journal(engine, settings.log_origin, SYSTEM)
    return Reception(engine, Blobs(settings.data), custodian, settings.headquarters, journal)


def rounds_of(settings: Settings, engine: Engine, custodian: Custodian) -> list[Round]:
    """Return what the bureau does by itself.

    What was released leaves, receivers of sealed bags are told, late and silent bags open a case,
    what is missing is asked for again where an officer wants it, its own prekeys are kept, and its
    keys stand in the register.
    """
    origin, post = settings.log_origin, settings.headquarters
    journal, blobs = Journal(engine, origin, SYSTEM), Blobs(settings.data)
    warranted = WarrantedCustodian(custodian, engine, origin, SYSTEM)
    bureau = HeadquartersBureau(engine, blobs, warranted, post, journal)
    pouches = PouchOffice(engine, warranted, post, journal)
    return [
        Departing(engine, bureau, journal).round,
        Announcing(pouches, bureau).round,
        Lateness(pouches).round,
        Chasing(engine, bureau, journal, post).round,
        BureauPrekeys(engine, warranted, post, journal).round,
        KeyRegister(engine, custodian, journal).round,
    ]
