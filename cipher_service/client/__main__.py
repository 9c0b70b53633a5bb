"""`chiffre`, the program of a post. `program` holds what a run does."""

import sys
from collections.abc import Sequence

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    typed = sys.argv[1:] if arguments is None else arguments
    try:
        from cipher_service.client.program import run  # noqa: PLC0415 - Ctrl-C ends its loading too
    except KeyboardInterrupt:
        return _INTERRUPTED
    return run(typed)


if __name__ == "__main__":
    sys.exit(main())
