"""wrk as the 32 clients: one thread, plain keep-alive connections, its own latency record.

It shares the machine with the server, so its scripts do as little as they can: none looks at an
answer, wrk itself counts those of 400 and above.
"""

import json
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

CLIENTS = 32

# Each request of the file is sent once, in its order; all lie in memory before the clock starts.
# With the last one wrk is interrupted: those still under way then are not counted. The first call
# is wrk's own look at what it will send.
_STREAM = """
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int process, int signal);")
local requests, calls = {}, 0
function init(args)
  local file = io.open(args[1], "rb")
  for length in function() return file:read(%d) end do
    requests[#requests + 1] = file:read(tonumber(length))
  end
  file:close()
end
function request()
  local next = requests[calls == 0 and 1 or calls]
  calls = calls + 1
  if next then return next end
  wrk.thread:stop()
  ffi.C.kill(ffi.C.getpid(), 2)
  return ""
end
"""

_TELL = """
function done(summary, latency)
  local e = summary.errors
  io.write(string.format(
    '\\nTOLD {"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"failed":%d,"refused":%d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.timeout, e.status))
end
"""


@dataclass(frozen=True)
class Run:
    """One run: requests a second, and the latency's p50 and p99 in milliseconds."""

    requests: int
    rate: float
    p50: float
    p99: float


def wrk_is_missing() -> bool:
    return shutil.which("wrk") is None


def stream(address: str, requests: Path, digits: int, scratch: Path) -> Run:
    """Send every request of a file; the last ones may be unanswered."""
    return _run(address, _STREAM % digits, 120, scratch, [str(requests)])


def repeat(address: str, script: str, seconds: float, scratch: Path) -> Run:
    """Send what a script makes for some seconds."""
    return _run(address, script, seconds, scratch, [])


def get(address: str, seconds: float, scratch: Path) -> Run:
    """GET one address for some seconds."""
    return _run(address, "", seconds, scratch, [])


def median(runs: list[Run]) -> Run:
    """Return the medians of each figure over several runs."""
    return Run(
        sum(run.requests for run in runs),
        statistics.median(run.rate for run in runs),
        statistics.median(run.p50 for run in runs),
        statistics.median(run.p99 for run in runs),
    )


def ratio(ours: list[Run], theirs: list[Run]) -> float:
    """Return the median over the rounds: within one round both met the same machine."""
    return statistics.median(our.rate / their.rate for our, their in zip(ours, theirs, strict=True))


def _run(address: str, script: str, seconds: float, scratch: Path, more: list[str]) -> Run:
    path = scratch / "script.lua"
    path.write_text(script + _TELL, "ascii")
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{int(seconds)}s", "--timeout", "30s"]
    command += ["-s", str(path), address, "--", *more]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told = json.loads(said.rpartition("TOLD ")[2])
    if told["failed"] or told["refused"]:
        raise RuntimeError(f"not every request to {address} was accepted: {told}")
    rate = told["requests"] / told["seconds"]
    return Run(told["requests"], rate, told["p50"], told["p99"])
