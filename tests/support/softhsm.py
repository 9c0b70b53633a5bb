"""Where SoftHSM2 is: the hardware security module of the tests."""

import shutil
from pathlib import Path

LIBRARY = next(
    (
        path
        for path in map(
            Path,
            (
                "/usr/lib/softhsm/libsofthsm2.so",
                "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
                "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
            ),
        )
        if path.exists()
    ),
    None,
)
UTILITY = shutil.which("softhsm2-util")
APT_LINE = "apt-get install softhsm2"
