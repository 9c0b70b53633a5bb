"""All tables of the service, one file a subject. `metadata` knows them all once imported here."""

from cipher_service.storage.tables import (
    access,
    acts,
    audit,
    ceremonies,
    compositions,
    controlled,
    directory,
    dispatches,
    headquarters,
    identity,
    officers,
    pouches,
    prekeys,
    registers,
    second_store,
)
from cipher_service.storage.tables.columns import metadata

__all__ = [
    "access",
    "acts",
    "audit",
    "ceremonies",
    "compositions",
    "controlled",
    "directory",
    "dispatches",
    "headquarters",
    "identity",
    "metadata",
    "officers",
    "pouches",
    "prekeys",
    "registers",
    "second_store",
]
