"""A set of policies is proved in a process of its own, which takes the solver's memory with it."""

import subprocess
import sys

import pytest

from cipher_service.access import proving
from cipher_service.access.policies import default_policies
from cipher_service.access.proof.process import proved
from cipher_service.access.proving import prove
from cipher_service.errors import ServiceError

SHIPPED = default_policies().text
OPEN = f"""{SHIPPED}
@id("ministry-wide-open")
permit (principal is Officer, action == Action::"read", resource is Dispatch);
"""
WHAT_SERVES = (
    "cipher_service.app.registrar, cipher_service.app.wiring, cipher_service.access.proving"
)


def test_a_proof_comes_back_in_words_of_both_languages() -> None:
    found = prove(OPEN, beside=SHIPPED)
    assert found["broken"]
    assert found["opened"]
    assert found["closed"] == ()
    for one in found["broken"]:
        assert one.tell("fr") != one.tell("en")
    assert proved({"now": None, "other": SHIPPED}) == {name: [] for name in found}


def test_no_process_that_serves_holds_the_solver() -> None:
    looked = f"import sys, {WHAT_SERVES}; sys.exit('z3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", looked], check=False).returncode == 0


def test_a_set_that_names_no_function_is_proved_as_any_other() -> None:
    found = prove('@id("all") permit (principal, action, resource);', beside=SHIPPED)
    assert found["broken"]
    assert found["opened"]


@pytest.mark.parametrize("other", ["", "permit (", "permit (principal, action, resource);"])
def test_what_cannot_be_read_is_told_and_not_proved(other: str) -> None:
    with pytest.raises(ServiceError, match="POLICIES_UNPARSABLE") as refused:
        prove(other)
    assert "bounds" not in str(refused.value.facts["problem"])


def test_a_proof_that_takes_too_long_is_not_now_and_one_beyond_its_bounds_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proving, "_SECONDS", 0.01)
    with pytest.raises(ServiceError, match="UNAVAILABLE"):
        prove(SHIPPED)
    monkeypatch.undo()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ServiceError, match="POLICIES_UNPARSABLE"):
        prove(SHIPPED)
