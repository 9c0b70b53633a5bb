"""How the service's processes take turns on a machine's cores."""

import os
from contextlib import suppress


def go_on_until_waiting() -> None:
    """Let no process of the service take a core from another that is at work there.

    Linux lets whoever wakes up interrupt whoever computes. A submission wakes up the registrar, the
    custodian and an API process by turns; each then stopped the others amid their work, the
    registrar most of all, for whom everybody waits. Under SCHED_BATCH (sched(7)) they interrupt
    nobody, and what is begun is done with what the core's caches hold of it. Programs that are
    started and processes that are forked inherit it.

    A unit of systemd says it itself (deploy/systemd), and may refuse this call. Whoever chose
    another policy keeps it.
    """
    if os.sched_getscheduler(0) == os.SCHED_OTHER:
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
