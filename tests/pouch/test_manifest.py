"""The values that the papers and the custody events are told in."""

from cipher_service.labels.scheme import default_scheme
from pouch.errors import BordereauMalformed
from pouch.manifest import BagClass


def test_bag_classes_are_the_levels_of_the_scheme_and_the_controlled_bag() -> None:
    levels = [level.code for level in default_scheme().levels]
    assert [str(each) for each in BagClass] == [*levels, "CONTROLE"]


def test_a_refusal_of_the_valise_has_a_name() -> None:
    assert BordereauMalformed.code == "BORDEREAU_MALFORMED"
