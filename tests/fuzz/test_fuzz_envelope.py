"""The short form of the envelope's fuzz run; `make fuzz` runs the long one."""

from pathlib import Path

from tests.fuzz.fuzz_envelope import run


def test_only_refusals_escape_from_damaged_dispatches(tmp_path: Path) -> None:
    verdicts = run(400, seed=2026, folder=tmp_path)

    assert sum(verdicts.values()) == 400
    # Deep and shallow refusals alike: the mutations reach every layer.
    assert len(verdicts) >= 8
