"""The short form of `tests/fuzz/fuzz_api.py`."""

from tests.fuzz import fuzz_api
from tests.surfaces.api.live import Post, Service


def test_nonsense_never_makes_a_server_error(service: Service, paris: Post, lome: Post) -> None:
    before = service.pids()
    statuses = fuzz_api.run(service, paris, lome, count=600, seed=7)
    assert sum(statuses.values()) == 600
    assert [status for status in statuses if status >= 500] == []
    # Right requests are among them: else nothing behind the gate would be reached.
    assert statuses[200] > 5
    assert statuses[404] > 5
    assert statuses[401] > 5
    assert service.pids() == before
