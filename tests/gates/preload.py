"""Libraries that stand between a workload and its disk: compiled once, put before the C library."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path


def compiled(source: Path, into: Path) -> Path:
    """Compile one C file to a shared library in the folder `into`."""
    library = into / source.with_suffix(".so").name
    flags = ("-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror")
    subprocess.run(["gcc", *flags, "-o", library, source], check=True)
    return library


def preloading(
    library: Path, settings: Mapping[str, object], base: Mapping[str, str] | None = None
) -> dict[str, str]:
    """An environment (`base`, or this process's) with one library more, and its settings.

    The library added last is called first.
    """
    environment = dict(os.environ if base is None else base)
    loaded = [str(library), *environment.get("LD_PRELOAD", "").split()]
    texts = {name: str(value) for name, value in settings.items()}
    return {**environment, "LD_PRELOAD": " ".join(loaded), **texts}
