"""`python -m cipher_service` is the command `cipher-service`."""

import sys

from cipher_service.administration.command import main

if __name__ == "__main__":
    sys.exit(main())
