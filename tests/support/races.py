"""Several acts at one time, each in a thread and on a connection of its own."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from cipher_service.errors import ServiceError
from keys.errors import Refusal

DONE = "done"


def at_once(*acts: Callable[[], object]) -> Counter[str]:
    """Do all of these at one time; count how each ended: done, or the code of its refusal."""
    start = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> str:
        start.wait()
        try:
            act()
        except (ServiceError, Refusal) as error:
            return str(error.code)
        return DONE

    with ThreadPoolExecutor(len(acts)) as pool:
        return Counter(pool.map(run, acts))
