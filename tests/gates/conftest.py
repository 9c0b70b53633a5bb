"""What the gates need from the system."""

import os
import shutil

import pytest

APT_LINE = "apt-get install gcc libc6-dev"


@pytest.fixture(scope="session")
def compiler() -> None:
    """A C compiler, for the libraries that stand between a workload and its disk."""
    if shutil.which("gcc") is None:
        message = f"this gate needs a C compiler: {APT_LINE}"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
