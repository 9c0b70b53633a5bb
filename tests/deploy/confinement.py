"""Runs a command as a unit file would confine it, where systemd is not the first process.

    python confinement.py UNIT COMMAND ...

What is done for real: no capabilities and no way to new ones, no core files, no memory that is both
writable and executable, the scheduling policy, and the unit's filters of system calls and address
families, with the sets of calls as this machine's systemd defines them. What is not: users,
namespaces, mounts, cgroups.
"""

import ctypes
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Final

_ALLOW: Final = 0x7FFF0000
_REFUSE: Final = 0x00050001  # SCMP_ACT_ERRNO(EPERM), as SystemCallErrorNumber=EPERM
_EQUAL: Final = 4  # SCMP_CMP_EQ
_DROP_FROM_BOUNDING_SET: Final = 24  # PR_CAPBSET_DROP
_NO_NEW_PRIVILEGES: Final = 38
_SET_MDWE: Final = 65  # PR_SET_MDWE, Linux 6.3
_REFUSE_EXEC_GAIN: Final = 1
_POLICIES: Final = {"batch": os.SCHED_BATCH}
_FAMILIES: Final = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}


class _Comparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("operator", ctypes.c_int),
        ("first", ctypes.c_uint64),
        ("second", ctypes.c_uint64),
    )


def directives(unit: Path, name: str) -> list[str]:
    """Return the values of one directive of a unit, in order, continued lines joined."""
    lines = unit.read_text("utf-8").replace("\\\n", " ").splitlines()
    return [line.partition("=")[2].strip() for line in lines if line.startswith(f"{name}=")]


def allowed_calls(unit: Path) -> set[str]:
    """Return the system calls that a unit's SystemCallFilter= lines leave, read as systemd does."""
    sets = _sets()
    calls: set[str] = set()
    for value in directives(unit, "SystemCallFilter"):
        removed = value.startswith("~")
        named = {call for name in value.lstrip("~").split() for call in _members(name, sets)}
        calls = calls - named if removed else calls | named
    return calls


def _sets() -> dict[str, list[str]]:
    shown = subprocess.run(
        ["systemd-analyze", "syscall-filter"], capture_output=True, text=True, check=True
    ).stdout
    sets: dict[str, list[str]] = {}
    for line in shown.splitlines():
        if line.startswith("@"):
            name = line.split()[0]
            sets[name] = []
        elif line.startswith("    ") and not line.strip().startswith("#"):
            sets[name].append(line.strip())
    return sets


def _members(name: str, sets: dict[str, list[str]]) -> set[str]:
    if not name.startswith("@"):
        return {name}
    return {call for member in sets[name] for call in _members(member, sets)}


def confine(unit: Path) -> None:
    """Confine this process for good, as far as the module's docstring says."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for policy in directives(unit, "CPUSchedulingPolicy"):
        os.sched_setscheduler(0, _POLICIES[policy], os.sched_param(0))
    calls = allowed_calls(unit)
    families = directives(unit, "RestrictAddressFamilies")[0].split()
    if os.geteuid() == 0:
        last = int(Path("/proc/sys/kernel/cap_last_cap").read_text("ascii"))
        for capability in range(last + 1):
            _prctl(_DROP_FROM_BOUNDING_SET, capability)
    _prctl(_NO_NEW_PRIVILEGES, 1)
    if directives(unit, "MemoryDenyWriteExecute") == ["yes"]:
        _prctl(_SET_MDWE, _REFUSE_EXEC_GAIN)
    _filter(calls, [_FAMILIES[name] for name in families])


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _filter(calls: set[str], families: list[int]) -> None:
    library = ctypes.CDLL("libseccomp.so.2")
    library.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(library.seccomp_init(_REFUSE))
    for name in sorted(calls):
        number = library.seccomp_syscall_resolve_name(name.encode())
        if number < 0:
            continue  # a call of another architecture
        rules = [_Comparison(0, _EQUAL, family, 0) for family in families]
        for rule in rules if name == "socket" else [None]:
            count, array = (0, None) if rule is None else (1, ctypes.byref(rule))
            if library.seccomp_rule_add_array(context, _ALLOW, number, count, array):
                raise OSError(f"no rule for {name}")
    if library.seccomp_load(context):
        raise OSError("the filter does not load")


if __name__ == "__main__":
    confine(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the very purpose: become the command
