"""The service's own processes: how much CPU each took, and how much memory at most."""

import os
from dataclasses import dataclass
from pathlib import Path

_NAMES = ("supervisor", "custodian", "registrar")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Processes:
    """Process ids by name, in the order in which the service starts them (`app.run`)."""

    ids: dict[str, int]

    def cpu_seconds(self) -> dict[str, float]:
        """Return user and system time so far, by name; the API processes together."""
        spent: dict[str, float] = {}
        for name, process in self.ids.items():
            fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
            kind = name.partition(" ")[0]
            ticks = int(fields[11]) + int(fields[12])  # proc(5): utime, stime
            spent[kind] = spent.get(kind, 0.0) + ticks / _TICKS
        return spent

    def peak_memory(self) -> dict[str, int]:
        """Return the peak resident memory in bytes, by name (proc(5), VmHWM)."""
        return {name: _peak(process) for name, process in self.ids.items()}


def of_service() -> Processes:
    """Find the service that this process started."""
    [supervisor] = [child for child in _children(os.getpid()) if "serve" in _command(child)]
    names = [*_NAMES, *(f"api {number}" for number in range(1, 65))]
    return Processes(dict(zip(names, [supervisor, *_children(supervisor)], strict=False)))


def _children(process: int) -> list[int]:
    return [
        int(child)
        for children in Path(f"/proc/{process}/task").glob("*/children")
        for child in children.read_text("ascii").split()
    ]


def _command(process: int) -> list[str]:
    return Path(f"/proc/{process}/cmdline").read_text("utf-8").split("\0")


def _peak(process: int) -> int:
    for line in Path(f"/proc/{process}/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"process {process} shows no VmHWM")
