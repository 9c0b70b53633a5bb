"""How the commands of `keys` end: 0 done, 1 refused by name, 3 the system failed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from keys.errors import KeysError

if TYPE_CHECKING:
    from collections.abc import Callable


def exit_status(act: Callable[[], object]) -> int:
    """Runs a command, tells on stderr why it failed, and gives its exit status."""
    try:
        act()
    except KeysError as error:
        sys.stderr.write(f"{error.code}: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    return 0
