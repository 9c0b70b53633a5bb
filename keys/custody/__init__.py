"""The custodian: the one holder of the keys that the ministry's side keeps.

Whoever needs an act of those keys asks a `Custodian` for it by name, with what the act is about;
the custodian parses that itself and refuses what is not its own. There is no act that signs or
opens anything whatever.

    custodian = open_custodian("worker:/run/cipher-service/custodian.sock", no_secret)
    signatures = custodian.sign_manifest(manifest_bytes)
    encipher(heading, destinations, text, signer=Bureau(custodian), sink=sink)

`found` makes the keys once. Two compartments lie in two files of the store: *service* (the keys of
receipts, of token keys' certificates and of the log, and with them the authority of the posts'
certificates), which a service opens at boot, and *secret* (the bureau's keys and the root), which
opens with it until its unseal key is split among holders, and starts sealed from then on.
"""

from keys.custody.backends import no_secret, open_custodian
from keys.custody.bureau import Bureau
from keys.custody.compartment import CustodyState
from keys.custody.protocol import Custodian
from keys.custody.store import Founding, found, read_credential

__all__ = [
    "Bureau",
    "Custodian",
    "CustodyState",
    "Founding",
    "found",
    "no_secret",
    "open_custodian",
    "read_credential",
]
