"""Nothing that is written from a dispatch protects less than the dispatch."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cipher_service.access.writing import Marking, covers, declassify, lowest_for, refuse_lower
from cipher_service.errors import ServiceError
from cipher_service.labels.scheme import default_scheme

SCHEME = default_scheme()
MARKINGS = st.builds(
    Marking,
    st.sampled_from([level.code for level in SCHEME.levels]),
    st.frozensets(st.sampled_from(["NODIS", "EXDIS", "LIMDIS"])),
)


@given(st.lists(MARKINGS, max_size=5), MARKINGS)
def test_the_lowest_that_will_do_covers_all_and_nothing_lower_passes(
    sources: list[Marking], wanted: Marking
) -> None:
    needed = lowest_for(SCHEME, sources)
    assert all(covers(SCHEME, needed, source) for source in sources)
    if all(covers(SCHEME, wanted, source) for source in sources):
        refuse_lower(SCHEME, sources, wanted)
        assert covers(SCHEME, wanted, needed)
    else:
        with pytest.raises(ServiceError, match="LABEL_LOWERED"):
            refuse_lower(SCHEME, sources, wanted)


def test_a_declassification_keeps_the_original_and_only_lowers() -> None:
    secret = Marking("SECRET", frozenset({"NODIS"}))
    act = declassify(SCHEME, "D1", secret, Marking("CONFIDENTIEL"), "25 years")
    assert (act.original, act.lowered) == (secret, Marking("CONFIDENTIEL"))
    for wrong in (secret, Marking("TRES-SECRET"), Marking("SECRET", frozenset({"EXDIS"}))):
        with pytest.raises(ServiceError, match="LABEL_RAISED"):
            declassify(SCHEME, "D1", secret, wrong, "x")
    with pytest.raises(ServiceError, match="REASON_MISSING"):
        declassify(SCHEME, "D1", secret, Marking("CONFIDENTIEL"), " ")
