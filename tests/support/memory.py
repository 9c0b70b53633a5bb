"""What stands in the memory of the running processes of a ministry."""

import os
from collections.abc import Iterator, Mapping
from io import FileIO
from pathlib import Path
from typing import Final

_PIECE: Final = 8 * 2**20


def processes(data: Path) -> Iterator[tuple[int, str]]:
    """Every living process, but this one, whose command names the ministry's folder."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if str(data) in command and int(folder.name) != os.getpid():
                yield int(folder.name), command


def found(process: int, secrets: Mapping[str, bytes]) -> set[str]:
    """The names of the secrets that stand anywhere in the memory that a process can write.

    Raises:
        PermissionError: this user may not read the memory of a process that forbids it.
    """
    names: set[str] = set()
    overlap = max(map(len, secrets.values()))
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text("utf-8").splitlines():
            place, access = line.split()[:2]
            low, high = (int(end, 16) for end in place.split("-"))
            if "w" not in access or "r" not in access:
                continue
            names |= _found_between(memory, low, high, secrets, overlap)
    return names


def found_in_core(core: Path, secrets: Mapping[str, bytes]) -> set[str]:
    """The names of the secrets that stand anywhere in a core file."""
    overlap = max(map(len, secrets.values()))
    with core.open("rb", buffering=0) as file:
        return _found_between(file, 0, core.stat().st_size, secrets, overlap)


def _found_between(
    file: FileIO, low: int, high: int, secrets: Mapping[str, bytes], overlap: int
) -> set[str]:
    names: set[str] = set()
    tail = b""
    for at in range(low, high, _PIECE):
        try:
            file.seek(at)
            piece = file.read(min(_PIECE, high - at))
        except OSError:
            break
        seen = tail + piece
        names |= {name for name, secret in secrets.items() if secret in seen}
        tail = piece[-overlap:]
    return names
