"""What a command holds open for the length of a `with` block."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Closing(ABC):
    """Holds a file or a connection; a `with` block closes it however it ends."""

    def __enter__(self) -> Self:
        """Return the holder itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what is held."""
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close what is held."""
