"""What the tests of the units need from the system."""

import ctypes
import os
import shutil

import pytest

APT_LINE = "apt-get install systemd"


@pytest.fixture(scope="session", autouse=True)
def systemd() -> None:
    """systemd's own tool and the library that it filters system calls with."""
    try:
        ctypes.CDLL("libseccomp.so.2")
        missing = shutil.which("systemd-analyze") is None
    except OSError:
        missing = True
    if missing:
        message = f"the units are judged by systemd's own tool: {APT_LINE}"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
