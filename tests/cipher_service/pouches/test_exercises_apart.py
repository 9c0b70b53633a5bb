"""An exercise with false bags leaves no trace in the books of real ones, and is granted nothing."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cipher_service.directory.register import DirectoryReader
from cipher_service.errors import ServiceError
from cipher_service.pouches import makeup
from cipher_service.pouches.packs import Packs, body_of
from cipher_service.storage.unit_of_work import reading, unit_of_work
from keys.endorsement import read_introduction
from keys.records import is_exercise
from pouch.alarms import Leg, Route
from pouch.drill import Station, make_drill
from pouch.facts import HandedOver
from pouch.findings import Name
from pouch.pack import Pack, read_pack
from pouch.verdict import Trust, judge
from tests.support.bags import NOON, SEAL, received
from tests.support.ministry import custody
from tests.support.pouches import Pouches, route

DRILL = make_drill("un mot pour le service", bags=4, defects=0, at=NOON)
STATION: Station = DRILL.stations[0]
BAG, CLOSING = STATION.inside.bag, STATION.inside.seal


def _pack(pouches: Pouches) -> Pack:
    packs, root = (
        Packs(custody(), DirectoryReader()),
        read_introduction(custody().root_introduction(), custody().card()),
    )
    with unit_of_work(pouches.engine) as connection:
        packs.publish(connection, "PARIS", NOON)
    with reading(pouches.engine) as connection:
        return read_pack(body_of(connection, "PARIS"), root, least_version=0, at=NOON)


def test_no_bag_of_an_exercise_is_made_up_or_sealed(pouches: Pouches) -> None:
    begun = pouches.begin(BAG, CLOSING)
    assert pouches.refused("pouch_begin", begun) == "BAG_UNKNOWN"
    sealing = pouches.sealing(STATION.inside, STATION.inside.seals, BAG, CLOSING)
    assert pouches.refused("pouch_seal", sealing) == "NOT_FOUND"


@pytest.mark.parametrize("end", ["origin", "destination"])
def test_no_route_leads_to_an_exercise(pouches: Pouches, end: str) -> None:
    ends = {"origin": "MINREX", "destination": "PARIS", end: "EXERCICE-POSTE"}
    first, last = ends["origin"], ends["destination"]
    legs = Route((Leg(first, last, timedelta(hours=5)),))
    led = replace(route("R-EXERCICE"), route=legs, origin=first, destination=last)
    with pytest.raises(ServiceError) as refused, unit_of_work(pouches.engine) as connection:
        makeup.add_route(connection, led)
    assert refused.value.code == "ROUTE_END_UNKNOWN"


def test_what_is_told_of_an_exercise_s_bag_is_granted_to_nobody(pouches: Pouches) -> None:
    pouches.closed()
    told = pouches.arrival(facts=received(STATION.found.seals), seal=CLOSING, bag=BAG)
    (answer,) = pouches.bring("PARIS", told)
    assert (answer["receipt"], answer["alarms"]) == ("withheld", ("unannounced",))
    handed = pouches.desk.tell(
        HandedOver(1, "intact"),
        officer="ABENA",
        witness=(pouches.courier, "KOUR"),
        seal=CLOSING,
        bag=BAG,
    )
    (answer,) = pouches.bring("MINREX", handed)
    assert "unannounced" in answer["alarms"]
    pack = _pack(pouches)
    assert [bag.seal for bag in pack.announced] == [SEAL]
    assert pack.arrivals == ()
    assert not any(is_exercise(card.post) for card in pack.cards)


def test_a_post_s_own_pack_knows_no_label_of_an_exercise(pouches: Pouches) -> None:
    pouches.closed()
    pack = _pack(pouches)
    for station in DRILL.stations:
        verdict = judge(station.text, trust=Trust(pack.cards), at=NOON, pack=pack)
        assert (verdict.name, verdict.claims) == (Name.KEY_UNKNOWN, None)
