"""wrk as the 32 clients: one thread, plain keep-alive connections, its own latency record."""

import json
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

CLIENTS = 32

# Each request of the file is sent once. When the file ends, the connections fall silent; with the
# last answer, wrk is interrupted, so that its clock stops there.
_STREAM = """
local ffi = require("ffi")
ffi.cdef("int getpid(void); int kill(int process, int signal);")
local file, sent, answered, over = nil, -1, 0, false
statuses = {}
function setup(thread) only = thread end
function init(args) file = io.open(args[1], "rb") end
function request()
  local length = not over and file:read(%d)
  if not length then over = true return "" end
  sent = sent + 1
  return file:read(tonumber(length))
end
function response(status)
  local name = tostring(status)
  statuses[name] = (statuses[name] or 0) + 1
  answered = answered + 1
  if over and answered >= sent then
    wrk.thread:stop()
    ffi.C.kill(ffi.C.getpid(), 2)
  end
end
"""

_COUNT = """
local prepare = setup
statuses = {}
function setup(thread)
  only = thread
  if prepare then prepare(thread) end
end
function response(status)
  local name = tostring(status)
  statuses[name] = (statuses[name] or 0) + 1
end
"""

# For the bare endpoint, whose rate a callback would lower.
_NOTHING = """
statuses = {}
function setup(thread) only = thread end
"""

_TELL = """
function done(summary, latency)
  local counts = only:get("statuses") or {}
  local parts = {}
  for name, count in pairs(counts) do parts[#parts + 1] = '"' .. name .. '":' .. count end
  local e = summary.errors
  io.write(string.format(
    '\\nTOLD {"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"failed":%d,"refused":%d,',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, e.connect + e.read + e.write + e.timeout, e.status))
  io.write('"statuses":{' .. table.concat(parts, ",") .. '}}\\n')
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
    """Send every request of a file; all must be answered 201."""
    return _run(address, _STREAM % digits, 120, scratch, {"201"}, [str(requests)])


def repeat(address: str, script: str, seconds: float, scratch: Path, expected: str) -> Run:
    """Send what a script makes for some seconds; all must be answered as expected."""
    return _run(address, script + _COUNT, seconds, scratch, {expected}, [])


def get(address: str, seconds: float, scratch: Path) -> Run:
    """GET one address for some seconds."""
    return _run(address, _NOTHING, seconds, scratch, set(), [])


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


def _run(
    address: str, script: str, seconds: float, scratch: Path, expected: set[str], more: list[str]
) -> Run:
    path = scratch / "script.lua"
    path.write_text(script + _TELL, "ascii")
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{int(seconds)}s", "--timeout", "30s"]
    command += ["-s", str(path), address, "--", *more]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    told = json.loads(said.rpartition("TOLD ")[2])
    if told["failed"] or told["refused"] or set(told["statuses"]) - expected:
        raise RuntimeError(f"not every answer of {address} was as expected: {told}")
    rate = told["requests"] / told["seconds"]
    return Run(told["requests"], rate, told["p50"], told["p99"])
