"""Under which names `chiffre pack` keeps in an identity folder what other commands read there."""

from typing import Final

KEPT: Final = "sync.pack"
ROOT_KEPT: Final = "ministry.root"
