"""The short form of the seal's fuzz run; `make fuzz` runs the long one."""

from tests.fuzz.fuzz_seal import run


def test_hostile_texts_meet_verdicts_and_never_a_crash() -> None:
    verdicts = run(3_000, seed=2026)

    assert sum(verdicts.values()) == 3_000
    # The mutations get through the digits to the signature and beyond.
    assert verdicts["SEAL_EDITED"] > 20
    assert len(verdicts) >= 4
