"""Classes, modes, limits and certification as the law and practice have them."""

from dataclasses import replace

import pytest

from pouch.classes import (
    CLASSES,
    MODES,
    PRESETS,
    PROHIBITED,
    Certification,
    LevelAboveBag,
    LimitsExceeded,
    Measures,
    ModeForbidden,
    NotCertified,
    limits_of,
    require_certified,
    require_level,
    require_pair,
    require_within,
)
from pouch.manifest import BagClass, Mode

COURIERS = {Mode.COURIER, Mode.AD_HOC}
ALLOWED = {
    BagClass.UNCLASSIFIED: set(Mode),
    BagClass.RESTRICTED: {*COURIERS, Mode.CAPTAIN, Mode.FREIGHT},
    BagClass.CONTROLLED: {*COURIERS, Mode.CAPTAIN, Mode.FREIGHT},
    BagClass.CONFIDENTIAL: COURIERS,
    BagClass.SECRET: COURIERS,
    BagClass.TOP_SECRET: {Mode.COURIER},
}


@pytest.mark.parametrize("bag_class", BagClass)
@pytest.mark.parametrize("mode", Mode)
def test_every_pair_of_class_and_mode(bag_class: BagClass, mode: Mode) -> None:
    if mode in ALLOWED[bag_class]:
        require_pair(bag_class, mode)
    else:
        with pytest.raises(ModeForbidden):
            require_pair(bag_class, mode)


def test_what_is_classified_is_accompanied_by_a_courier() -> None:
    """R1, over the whole table."""
    for bag_class in CLASSES.values():
        if bag_class.classified:
            assert all(MODES[mode].courier and MODES[mode].accompanied for mode in bag_class.modes)


RANKS = {"NON-PROTEGE": 0, "DIFFUSION-RESTREINTE": 1, "CONFIDENTIEL": 2, "SECRET": 3}
RANKS["TRES-SECRET"] = 4


@pytest.mark.parametrize("bag_class", BagClass)
@pytest.mark.parametrize("level", [*RANKS, "INCONNU"])
def test_no_item_is_above_its_bag(bag_class: BagClass, level: str) -> None:
    """P6: packing lowers no label. A controlled bag holds nothing classified."""
    most = {**RANKS, "CONTROLE": RANKS["DIFFUSION-RESTREINTE"]}[bag_class]
    if RANKS.get(level, 9) <= most:
        require_level(bag_class, level, RANKS)
    else:
        with pytest.raises(LevelAboveBag):
            require_level(bag_class, level, RANKS)


def test_limits() -> None:
    heavy = Measures(items_g=(15_999, 16_000), bag_g=20_000, sides_cm=(60, 40, 40))
    for limits in PRESETS.values():
        require_within(limits, heavy)
    require_within(PRESETS["POSTAL"], Measures(items_g=(), bag_g=1))
    for preset, measures, said in (
        ("UN", replace(heavy, items_g=(16_001,)), "1 g above"),
        ("POSTAL", replace(heavy, bag_g=20_500), "500 g above"),
        ("POSTAL", replace(heavy, sides_cm=(61, 40, 39)), "longest side"),
        ("POSTAL", replace(heavy, sides_cm=(60, 41, 40)), "three sides"),
    ):
        with pytest.raises(LimitsExceeded, match=said):
            require_within(PRESETS[preset], measures)


def test_a_bag_keeps_the_least_of_what_its_class_its_mode_and_its_route_allow() -> None:
    def weight(bag_class: BagClass, mode: Mode, preset: str = "NONE") -> int | None:
        return limits_of(bag_class, mode, PRESETS[preset]).bag_g

    assert weight(BagClass.UNCLASSIFIED, Mode.FREIGHT) == 32_000
    assert weight(BagClass.UNCLASSIFIED, Mode.POSTAL) == 20_000, "whatever the route says"
    assert weight(BagClass.SECRET, Mode.COURIER) == 20_000
    assert weight(BagClass.RESTRICTED, Mode.COURIER, "POSTAL") == 20_000
    both = limits_of(BagClass.UNCLASSIFIED, Mode.POSTAL, PRESETS["UN"])
    assert both == replace(PRESETS["POSTAL"], item_g=16_000)
    assert all(rule.limits.bag_g for rule in CLASSES.values())


def test_a_named_officer_certifies_every_point() -> None:
    whole = Certification("ABENA", frozenset(PROHIBITED))
    require_certified(whole, ["BIYA-C"])
    with pytest.raises(NotCertified):
        require_certified(None, [])
    with pytest.raises(NotCertified, match="packed"):
        require_certified(whole, ["ABENA"])
    with pytest.raises(NotCertified, match="weapons"):
        require_certified(replace(whole, absent=frozenset(PROHIBITED) - {"weapons"}), [])
