"""What every act with the bureau's keys stands on: the keys, the demands, the versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keys.custody.compartment import SecretCompartment
    from keys.custody.demands import Demands
    from keys.custody.editions import BureauKeys
    from keys.custody.versions import Versions


class BureauActs:
    """A custodian's acts with the keys of its secret compartment.

    Attributes:
        secret: the bureau's keys, sealed or not.
    """

    secret: SecretCompartment
    _demands: Demands
    _versions: Versions

    @property
    def bureau(self) -> BureauKeys:
        """The bureau's keys.

        Raises:
            CustodySealed: they are away.
        """
        return self.secret.keys()
