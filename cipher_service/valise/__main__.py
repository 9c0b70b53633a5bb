"""`valise`, the program of the pouch bureau. `command_line` holds what can be typed."""

import sys
from collections.abc import Sequence

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    typed = sys.argv[1:] if arguments is None else arguments
    try:
        from cipher_service.client.program import run  # noqa: PLC0415 - Ctrl-C ends its loading too
        from cipher_service.valise.command_line import build_parser  # noqa: PLC0415 - Ctrl-C ends its loading too
    except KeyboardInterrupt:
        return _INTERRUPTED
    return run(typed, program="valise", build=build_parser)


if __name__ == "__main__":
    sys.exit(main())
