"""The monthly page about other people's parts: every command on it is run, on a day of its own."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.deploy.test_runbooks import BLOCK, PAGES_OF
from tests.support.advisories import ECDSA, whole

# What is late depends on the day: the command runs as it was on the one that the page names.
ON_THAT_DAY = """#!{python}
import sys
from cipher_service import clock
from cipher_service.administration.command import main
day = clock.parse("2026-11-27T12:00:00Z")
clock.now = lambda: day
sys.exit(main())
"""


def test_the_page_does_what_it_says(tmp_path: Path) -> None:
    blocks = BLOCK.findall(PAGES_OF["components"].read_text("utf-8"))
    whole(tmp_path, "2026-11-20T08:00:00Z", ECDSA)
    command = tmp_path / "bin" / "cipher-service"
    command.parent.mkdir()
    command.write_text(ON_THAT_DAY.format(python=sys.executable), "utf-8")
    command.chmod(0o755)
    path = os.pathsep.join((str(command.parent), os.environ["PATH"]))
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8"},
    )
    assert (ended.returncode, ended.stderr) == (0, ""), ended.stdout
    assert len(blocks) == 2
    kept = json.loads((tmp_path / "components.json").read_text("utf-8"))
    assert kept["complete"] is True
    assert re.findall(r"exception de (\S+) ", ended.stdout) == ["cipher-service", "OFF-000002"]
